"""Events of the family requests.

Made from the catalogue (`make models`): change the event type's file, not this one.
"""

from typing import Literal, Optional, TypedDict, Union

from tidings_consumer.events.common import Actor, CustomerIdentifiers, Envelope
from tidings_consumer.newer_typing import NotRequired, Required


class RequestUpdatedAssociatedEntityFields(TypedDict, total=False):
    """One entry."""

    # Field name.
    fieldName: Optional[str]
    # Field value.
    fieldValue: Optional[str]


class RequestUpdatedUpdatedFields(TypedDict, total=False):
    """One entry."""

    # Attribute that changed.
    fieldName: Optional[str]
    # Value before the change, rendered as text.
    previousValue: Optional[str]
    # Value after the change, rendered as text.
    currentValue: Optional[str]


class RequestUpdatedData(TypedDict, total=False):
    """What happened."""

    # Tracking id of the request.
    requestTrackingId: Optional[int]
    # Identity of the thing the request is about.
    associatedEntityFields: Optional[list[RequestUpdatedAssociatedEntityFields]]
    # TRANSACTION or CUSTOMER.
    requestType: Optional[str]
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Optional[CustomerIdentifiers]
    # Changed at (epoch milliseconds).
    updatedAt: Optional[int]
    # Who changed it, in an older form of the event.
    createdBy: Optional[Actor]
    # Who changed it.
    updatedBy: Optional[Actor]
    # State.
    status: Optional[str]
    # Comments.
    comments: Optional[str]
    # One entry per changed attribute.
    updatedFields: Optional[list[RequestUpdatedUpdatedFields]]
    # Sub-type.
    requestBaseType: Optional[str]


class RequestUpdated(Envelope):
    """A maker-checker request (bill or customer change, PII deletion too) changes state."""

    eventName: Required[Literal["requestUpdated"]]
    data: Required[RequestUpdatedData]
    # Tracking id of the request, in an older form of the event.
    requestTrackingId: NotRequired[Union[str, int, None]]
    # TRANSACTION or CUSTOMER, in an older form of the event.
    requestType: NotRequired[Optional[str]]
    # Kind of request, in an older form of the event.
    requestBaseType: NotRequired[Optional[str]]
    # State, in an older form of the event.
    status: NotRequired[Optional[str]]
    # Comments, in an older form of the event.
    comments: NotRequired[Optional[str]]
    # Customer id, in an older form of the event.
    customerId: NotRequired[Union[int, str, None]]


class RequestWorkflowEventQueryParams(TypedDict, total=False):
    """Query parameters of that call."""

    # POINTS_REDEMPTION: query flag. snake_case on the wire.
    skip_validation: Optional[str]
    # POINTS_REDEMPTION: query flag.
    format: Optional[str]
    # CUSTOMER_STATUS_CHANGE: profile source.
    source: Optional[str]
    # CUSTOMER_STATUS_CHANGE: source account.
    accountId: Optional[str]
    # CUSTOMER_STATUS_CHANGE: identifier kind.
    identifierName: Optional[str]
    # CUSTOMER_STATUS_CHANGE: identifier.
    identifierValue: Optional[str]
    # CUSTOMER_STATUS_CHANGE: async flag. snake_case on the wire.
    use_async: Optional[str]


class RequestWorkflowEventTriggeredBy(TypedDict, total=False):
    """Part of the call that waits for approval."""

    # EARN_BADGE / ISSUE_BADGE: owner (Goodwill_Module seen).
    ownerType: Optional[str]
    # EARN_BADGE / ISSUE_BADGE: reference.
    referenceId: Optional[str]


class RequestWorkflowEventCustomer(TypedDict, total=False):
    """Part of the call that waits for approval."""

    # POINTS_REDEMPTION: customer mobile.
    mobile: Optional[str]


class RequestWorkflowEventRedeem(TypedDict, total=False):
    """Part of the call that waits for approval."""

    # POINTS_REDEMPTION: points. snake_case on the wire.
    points_redeemed: Optional[str]
    # POINTS_REDEMPTION: time text. snake_case on the wire.
    redemption_time: Optional[str]
    # POINTS_REDEMPTION: bill number. snake_case on the wire.
    transaction_number: Optional[str]
    # POINTS_REDEMPTION: note.
    notes: Optional[str]
    # POINTS_REDEMPTION: client reference. snake_case on the wire.
    external_reference_number: Optional[str]
    # Part of the call that waits for approval.
    customer: Optional[RequestWorkflowEventCustomer]


class RequestWorkflowEventRoot(TypedDict, total=False):
    """Part of the call that waits for approval."""

    # Part of the call that waits for approval.
    redeem: Optional[RequestWorkflowEventRedeem]


class RequestWorkflowEventBody(TypedDict, total=False):
    """Body of that call; depends on requestType."""

    # CUSTOMER_STATUS_CHANGE / GOODWILL_POINTS: reason.
    reason: Optional[str]
    # CUSTOMER_STATUS_CHANGE: wanted status label.
    label: Optional[str]
    # GOODWILL_POINTS: reference.
    referenceId: Optional[str]
    # GOODWILL_POINTS: POINTS.
    baseType: Optional[str]
    # GOODWILL_POINTS: programme.
    programId: Optional[int]
    # GOODWILL_POINTS: till.
    awardingTillId: Optional[int]
    # GOODWILL_POINTS: CUSTOMER.
    earningEntityType: Optional[str]
    # GOODWILL_POINTS: customer.
    earningEntityId: Optional[int]
    # GOODWILL_POINTS: points.
    points: Optional[int]
    # GOODWILL_POINTS: source.
    source: Optional[str]
    # EARN_BADGE / ISSUE_BADGE: badge.
    badgeMetaId: Optional[str]
    # EARN_BADGE / ISSUE_BADGE: client request id.
    requestId: Optional[str]
    # EARN_BADGE: customer.
    customerId: Optional[int]
    # Part of the call that waits for approval.
    triggeredBy: Optional[RequestWorkflowEventTriggeredBy]
    # ISSUE_BADGE: customers.
    customers: Optional[list[int]]
    # Part of the call that waits for approval.
    root: Optional[RequestWorkflowEventRoot]


class RequestWorkflowEventRequestAttributes(TypedDict, total=False):
    """The original API call that waits for approval."""

    # Query parameters of that call.
    queryParams: Optional[RequestWorkflowEventQueryParams]
    # Body of that call; depends on requestType.
    body: Optional[RequestWorkflowEventBody]


class RequestWorkflowEventData(TypedDict, total=False):
    """What happened."""

    # Id of the workflow request (UUID).
    requestId: Optional[str]
    # Which workflow.
    requestType: Optional[str]
    # User who asked.
    requesterId: Optional[int]
    # User who decided (absent while pending).
    checkerId: Optional[int]
    # State now; AdminTask = waiting for a decision.
    currentRequestState: Optional[str]
    # State before (absent on creation).
    previousRequestState: Optional[str]
    # Change time, epoch milliseconds.
    updateTime: Optional[int]
    # Decision comment.
    comment: Optional[str]
    # Reason given by the requester (status-change workflow).
    reason: Optional[str]
    # The original API call that waits for approval.
    requestAttributes: Optional[RequestWorkflowEventRequestAttributes]


class RequestWorkflowEvent(Envelope):
    """A configurable approval workflow request is created, approved, rejected or fails."""

    eventName: Required[Literal["requestWorkflowEvent"]]
    data: Required[RequestWorkflowEventData]
