"""Events of the family communication.

Made from the catalogue (`make models`): change the event type's file, not this one.
"""

from typing import Any, Literal, Optional, TypedDict

from tidings_consumer.events.common import Envelope
from tidings_consumer.newer_typing import Required


class CommunicationMessageUndeliveredData(TypedDict, total=False):
    """What happened."""

    # Why the message was not delivered.
    deliveryFailureStatus: Optional[str]
    # Reason.
    deliveryFailureReason: Optional[str]
    # Provider text.
    errorDescription: Optional[str]
    # Provider code.
    errorCode: Optional[str]
    # Message attributes; their schema is not published, so nothing in them is demanded.
    baseAttributes: Optional[dict[str, Any]]


class CommunicationMessageUndelivered(Envelope):
    """A message could not be delivered to the customer."""

    eventName: Required[Literal["communicationMessageUndelivered"]]
    data: Required[CommunicationMessageUndeliveredData]
