"""Events of the family requests.

Made from the catalogue (`make models`): change the event type's file, not this one.
"""

from typing import Literal, NotRequired, Required, TypedDict

from tidings.consumer.events.common import Actor, CustomerIdentifiers, Envelope


class RequestUpdatedAssociatedEntityFields(TypedDict, total=False):
    """One entry."""

    # Field name.
    fieldName: str | None
    # Field value.
    fieldValue: str | None


class RequestUpdatedUpdatedFields(TypedDict, total=False):
    """One entry."""

    # Attribute that changed.
    fieldName: str | None
    # Value before the change, rendered as text.
    previousValue: str | None
    # Value after the change, rendered as text.
    currentValue: str | None


class RequestUpdatedData(TypedDict, total=False):
    """What happened."""

    # Tracking id of the request.
    requestTrackingId: int | None
    # Identity of the thing the request is about.
    associatedEntityFields: list[RequestUpdatedAssociatedEntityFields] | None
    # TRANSACTION or CUSTOMER.
    requestType: str | None
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers | None
    # Changed at (epoch milliseconds).
    updatedAt: int | None
    # Who changed it, in an older form of the event.
    createdBy: Actor | None
    # Who changed it.
    updatedBy: Actor | None
    # State.
    status: str | None
    # Comments.
    comments: str | None
    # One entry per changed attribute.
    updatedFields: list[RequestUpdatedUpdatedFields] | None
    # Sub-type.
    requestBaseType: str | None


class RequestUpdated(Envelope):
    """A maker-checker request (bill or customer change, PII deletion too) changes state."""

    eventName: Required[Literal["requestUpdated"]]
    data: Required[RequestUpdatedData]
    # Tracking id of the request, in an older form of the event.
    requestTrackingId: NotRequired[str | int | None]
    # TRANSACTION or CUSTOMER, in an older form of the event.
    requestType: NotRequired[str | None]
    # Kind of request, in an older form of the event.
    requestBaseType: NotRequired[str | None]
    # State, in an older form of the event.
    status: NotRequired[str | None]
    # Comments, in an older form of the event.
    comments: NotRequired[str | None]
    # Customer id, in an older form of the event.
    customerId: NotRequired[int | str | None]


class RequestWorkflowEventQueryParams(TypedDict, total=False):
    """Query parameters of that call."""

    # POINTS_REDEMPTION: query flag. snake_case on the wire.
    skip_validation: str | None
    # POINTS_REDEMPTION: query flag.
    format: str | None
    # CUSTOMER_STATUS_CHANGE: profile source.
    source: str | None
    # CUSTOMER_STATUS_CHANGE: source account.
    accountId: str | None
    # CUSTOMER_STATUS_CHANGE: identifier kind.
    identifierName: str | None
    # CUSTOMER_STATUS_CHANGE: identifier.
    identifierValue: str | None
    # CUSTOMER_STATUS_CHANGE: async flag. snake_case on the wire.
    use_async: str | None


class RequestWorkflowEventTriggeredBy(TypedDict, total=False):
    """Part of the call that waits for approval."""

    # EARN_BADGE / ISSUE_BADGE: owner (Goodwill_Module seen).
    ownerType: str | None
    # EARN_BADGE / ISSUE_BADGE: reference.
    referenceId: str | None


class RequestWorkflowEventCustomer(TypedDict, total=False):
    """Part of the call that waits for approval."""

    # POINTS_REDEMPTION: customer mobile.
    mobile: str | None


class RequestWorkflowEventRedeem(TypedDict, total=False):
    """Part of the call that waits for approval."""

    # POINTS_REDEMPTION: points. snake_case on the wire.
    points_redeemed: str | None
    # POINTS_REDEMPTION: time text. snake_case on the wire.
    redemption_time: str | None
    # POINTS_REDEMPTION: bill number. snake_case on the wire.
    transaction_number: str | None
    # POINTS_REDEMPTION: note.
    notes: str | None
    # POINTS_REDEMPTION: client reference. snake_case on the wire.
    external_reference_number: str | None
    # Part of the call that waits for approval.
    customer: RequestWorkflowEventCustomer | None


class RequestWorkflowEventRoot(TypedDict, total=False):
    """Part of the call that waits for approval."""

    # Part of the call that waits for approval.
    redeem: RequestWorkflowEventRedeem | None


class RequestWorkflowEventBody(TypedDict, total=False):
    """Body of that call; depends on requestType."""

    # CUSTOMER_STATUS_CHANGE / GOODWILL_POINTS: reason.
    reason: str | None
    # CUSTOMER_STATUS_CHANGE: wanted status label.
    label: str | None
    # GOODWILL_POINTS: reference.
    referenceId: str | None
    # GOODWILL_POINTS: POINTS.
    baseType: str | None
    # GOODWILL_POINTS: programme.
    programId: int | None
    # GOODWILL_POINTS: till.
    awardingTillId: int | None
    # GOODWILL_POINTS: CUSTOMER.
    earningEntityType: str | None
    # GOODWILL_POINTS: customer.
    earningEntityId: int | None
    # GOODWILL_POINTS: points.
    points: int | None
    # GOODWILL_POINTS: source.
    source: str | None
    # EARN_BADGE / ISSUE_BADGE: badge.
    badgeMetaId: str | None
    # EARN_BADGE / ISSUE_BADGE: client request id.
    requestId: str | None
    # EARN_BADGE: customer.
    customerId: int | None
    # Part of the call that waits for approval.
    triggeredBy: RequestWorkflowEventTriggeredBy | None
    # ISSUE_BADGE: customers.
    customers: list[int] | None
    # Part of the call that waits for approval.
    root: RequestWorkflowEventRoot | None


class RequestWorkflowEventRequestAttributes(TypedDict, total=False):
    """The original API call that waits for approval."""

    # Query parameters of that call.
    queryParams: RequestWorkflowEventQueryParams | None
    # Body of that call; depends on requestType.
    body: RequestWorkflowEventBody | None


class RequestWorkflowEventData(TypedDict, total=False):
    """What happened."""

    # Id of the workflow request (UUID).
    requestId: str | None
    # Which workflow.
    requestType: str | None
    # User who asked.
    requesterId: int | None
    # User who decided (absent while pending).
    checkerId: int | None
    # State now; AdminTask = waiting for a decision.
    currentRequestState: str | None
    # State before (absent on creation).
    previousRequestState: str | None
    # Change time, epoch milliseconds.
    updateTime: int | None
    # Decision comment.
    comment: str | None
    # Reason given by the requester (status-change workflow).
    reason: str | None
    # The original API call that waits for approval.
    requestAttributes: RequestWorkflowEventRequestAttributes | None


class RequestWorkflowEvent(Envelope):
    """A configurable approval workflow request is created, approved, rejected or fails."""

    eventName: Required[Literal["requestWorkflowEvent"]]
    data: Required[RequestWorkflowEventData]
