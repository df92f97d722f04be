"""Events of the family communication.

Made from the catalogue (`make models`): change the event type's file, not this one.
"""

from typing import Any, Literal, Required, TypedDict

from tidings.consumer.events.common import Envelope


class CommunicationMessageUndeliveredData(TypedDict, total=False):
    """What happened."""

    # Why the message was not delivered.
    deliveryFailureStatus: str | None
    # Reason.
    deliveryFailureReason: str | None
    # Provider text.
    errorDescription: str | None
    # Provider code.
    errorCode: str | None
    # Message attributes; their schema is not published, so nothing in them is demanded.
    baseAttributes: dict[str, Any] | None


class CommunicationMessageUndelivered(Envelope):
    """A message could not be delivered to the customer."""

    eventName: Required[Literal["communicationMessageUndelivered"]]
    data: Required[CommunicationMessageUndeliveredData]
