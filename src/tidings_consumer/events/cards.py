"""Events of the family cards.

Made from the catalogue (`make models`): change the event type's file, not this one.
"""

from typing import Literal, Optional, TypedDict

from tidings_consumer.events.common import Envelope
from tidings_consumer.newer_typing import Required


class CardUpdatedPreviousCustomFields(TypedDict, total=False):
    """One entry."""

    # Name.
    name: Optional[str]
    # Value.
    value: Optional[str]


class CardUpdatedCurrentCustomFields(TypedDict, total=False):
    """One entry."""

    # Name.
    name: Optional[str]
    # Value.
    value: Optional[str]


class CardUpdatedPreviousExtendedFields(TypedDict, total=False):
    """One entry."""

    # Name.
    name: Optional[str]
    # Value.
    value: Optional[str]


class CardUpdatedCurrentExtendedFields(TypedDict, total=False):
    """One entry."""

    # Name.
    name: Optional[str]
    # Value.
    value: Optional[str]


class CardUpdatedData(TypedDict, total=False):
    """What happened."""

    # Custom fields before.
    previousCustomFields: Optional[list[CardUpdatedPreviousCustomFields]]
    # Custom fields after.
    currentCustomFields: Optional[list[CardUpdatedCurrentCustomFields]]
    # Extended fields before.
    previousExtendedFields: Optional[list[CardUpdatedPreviousExtendedFields]]
    # Status after.
    currentStatusLabel: Optional[str]
    # Card kind.
    cardType: Optional[str]
    # Status before.
    previousStatusLabel: Optional[str]
    # Extended fields after.
    currentExtendedFields: Optional[list[CardUpdatedCurrentExtendedFields]]
    # Card number.
    cardNumber: Optional[str]
    # Reason recorded before.
    previousStatusChangeReason: Optional[str]
    # Reason for the change.
    currentStatusChangeReason: Optional[str]


class CardUpdated(Envelope):
    """Status or fields of a loyalty card change."""

    eventName: Required[Literal["cardUpdated"]]
    data: Required[CardUpdatedData]
