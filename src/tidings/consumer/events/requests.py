"""Events of the family requests.

Made from the catalogue (`make models`): change the event type's file, not this one.
"""

from typing import Literal, Required, TypedDict

from tidings.consumer.events.common import Actor, CustomerIdentifiers, Envelope


class RequestUpdatedAssociatedEntityFields(TypedDict, total=False):
    """One entry."""

    # Field name.
    fieldName: str
    # Field value.
    fieldValue: str


class RequestUpdatedUpdatedFields(TypedDict, total=False):
    """One entry."""

    # Attribute that changed.
    fieldName: str
    # Value before the change, rendered as text.
    previousValue: str
    # Value after the change, rendered as text.
    currentValue: str


class RequestUpdatedData(TypedDict, total=False):
    """What happened."""

    # Tracking id of the request.
    requestTrackingId: Required[int]
    # Identity of the thing the request is about.
    associatedEntityFields: list[RequestUpdatedAssociatedEntityFields]
    # TRANSACTION or CUSTOMER.
    requestType: Required[str]
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Required[CustomerIdentifiers]
    # Changed at (epoch milliseconds).
    updatedAt: int
    # Who changed it.
    updatedBy: Actor
    # State.
    status: Required[str]
    # Comments.
    comments: str
    # One entry per changed attribute.
    updatedFields: list[RequestUpdatedUpdatedFields]
    # Sub-type.
    requestBaseType: str


class RequestUpdated(Envelope):
    """A maker-checker request (bill or customer change, PII deletion too) changes state."""

    eventName: Required[Literal["requestUpdated"]]
    data: Required[RequestUpdatedData]


class RequestWorkflowEventQueryParams(TypedDict, total=False):
    """Query parameters of that call."""

    # POINTS_REDEMPTION: query flag. snake_case on the wire.
    skip_validation: str
    # POINTS_REDEMPTION: query flag.
    format: str
    # CUSTOMER_STATUS_CHANGE: profile source.
    source: str
    # CUSTOMER_STATUS_CHANGE: source account.
    accountId: str
    # CUSTOMER_STATUS_CHANGE: identifier kind.
    identifierName: str
    # CUSTOMER_STATUS_CHANGE: identifier.
    identifierValue: str
    # CUSTOMER_STATUS_CHANGE: async flag. snake_case on the wire.
    use_async: str


class RequestWorkflowEventTriggeredBy(TypedDict, total=False):
    """Part of the call that waits for approval."""

    # EARN_BADGE / ISSUE_BADGE: owner (Goodwill_Module seen).
    ownerType: str
    # EARN_BADGE / ISSUE_BADGE: reference.
    referenceId: str


class RequestWorkflowEventCustomer(TypedDict, total=False):
    """Part of the call that waits for approval."""

    # POINTS_REDEMPTION: customer mobile.
    mobile: str


class RequestWorkflowEventRedeem(TypedDict, total=False):
    """Part of the call that waits for approval."""

    # POINTS_REDEMPTION: points. snake_case on the wire.
    points_redeemed: str
    # POINTS_REDEMPTION: time text. snake_case on the wire.
    redemption_time: str
    # POINTS_REDEMPTION: bill number. snake_case on the wire.
    transaction_number: str
    # POINTS_REDEMPTION: note.
    notes: str
    # POINTS_REDEMPTION: client reference. snake_case on the wire.
    external_reference_number: str
    # Part of the call that waits for approval.
    customer: RequestWorkflowEventCustomer


class RequestWorkflowEventRoot(TypedDict, total=False):
    """Part of the call that waits for approval."""

    # Part of the call that waits for approval.
    redeem: RequestWorkflowEventRedeem


class RequestWorkflowEventBody(TypedDict, total=False):
    """Body of that call; depends on requestType."""

    # CUSTOMER_STATUS_CHANGE / GOODWILL_POINTS: reason.
    reason: str
    # CUSTOMER_STATUS_CHANGE: wanted status label.
    label: str
    # GOODWILL_POINTS: reference.
    referenceId: str
    # GOODWILL_POINTS: POINTS.
    baseType: str
    # GOODWILL_POINTS: programme.
    programId: int
    # GOODWILL_POINTS: till.
    awardingTillId: int
    # GOODWILL_POINTS: CUSTOMER.
    earningEntityType: str
    # GOODWILL_POINTS: customer.
    earningEntityId: int
    # GOODWILL_POINTS: points.
    points: int
    # GOODWILL_POINTS: source.
    source: str
    # EARN_BADGE / ISSUE_BADGE: badge.
    badgeMetaId: str
    # EARN_BADGE / ISSUE_BADGE: client request id.
    requestId: str
    # EARN_BADGE: customer.
    customerId: int
    # Part of the call that waits for approval.
    triggeredBy: RequestWorkflowEventTriggeredBy
    # ISSUE_BADGE: customers.
    customers: list[int]
    # Part of the call that waits for approval.
    root: RequestWorkflowEventRoot


class RequestWorkflowEventRequestAttributes(TypedDict, total=False):
    """The original API call that waits for approval."""

    # Query parameters of that call.
    queryParams: RequestWorkflowEventQueryParams
    # Body of that call; depends on requestType.
    body: RequestWorkflowEventBody


class RequestWorkflowEventData(TypedDict, total=False):
    """What happened."""

    # Id of the workflow request (UUID).
    requestId: Required[str]
    # Which workflow.
    requestType: Required[str]
    # User who asked.
    requesterId: int
    # User who decided (absent while pending).
    checkerId: int
    # State now; AdminTask = waiting for a decision.
    currentRequestState: Required[str]
    # State before (absent on creation).
    previousRequestState: str
    # Change time, epoch milliseconds.
    updateTime: int
    # Decision comment.
    comment: str
    # Reason given by the requester (status-change workflow).
    reason: str
    # The original API call that waits for approval.
    requestAttributes: RequestWorkflowEventRequestAttributes


class RequestWorkflowEvent(Envelope):
    """A configurable approval workflow request is created, approved, rejected or fails."""

    eventName: Required[Literal["requestWorkflowEvent"]]
    data: Required[RequestWorkflowEventData]
