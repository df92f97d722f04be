"""Events of the family communication.

Made from the catalogue (`make models`): change the event type's file, not this one.
"""

from typing import Any, Literal, Required, TypedDict

from tidings.consumer.events.common import Envelope


class CommunicationMessageUndeliveredData(TypedDict, total=False):
    """What happened."""

    # Why the message was not delivered.
    deliveryFailureStatus: Required[str]
    # Reason.
    deliveryFailureReason: Required[str]
    # Provider text.
    errorDescription: Required[str]
    # Provider code.
    errorCode: Required[str]
    # Message attributes; their schema is not published, so nothing in them is demanded.
    baseAttributes: Required[dict[str, Any]]


class CommunicationMessageUndelivered(Envelope):
    """A message could not be delivered to the customer."""

    eventName: Required[Literal["communicationMessageUndelivered"]]
    data: Required[CommunicationMessageUndeliveredData]
