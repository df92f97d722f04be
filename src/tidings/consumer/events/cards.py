"""Events of the family cards.

Made from the catalogue (`make models`): change the event type's file, not this one.
"""

from typing import Literal, Required, TypedDict

from tidings.consumer.events.common import Envelope


class CardUpdatedPreviousCustomFields(TypedDict, total=False):
    """One entry."""

    # Name.
    name: str
    # Value.
    value: str


class CardUpdatedCurrentCustomFields(TypedDict, total=False):
    """One entry."""

    # Name.
    name: str
    # Value.
    value: str


class CardUpdatedPreviousExtendedFields(TypedDict, total=False):
    """One entry."""

    # Name.
    name: str
    # Value.
    value: str


class CardUpdatedCurrentExtendedFields(TypedDict, total=False):
    """One entry."""

    # Name.
    name: str
    # Value.
    value: str


class CardUpdatedData(TypedDict, total=False):
    """What happened."""

    # Custom fields before.
    previousCustomFields: list[CardUpdatedPreviousCustomFields]
    # Custom fields after.
    currentCustomFields: list[CardUpdatedCurrentCustomFields]
    # Extended fields before.
    previousExtendedFields: list[CardUpdatedPreviousExtendedFields]
    # Status after.
    currentStatusLabel: str
    # Card kind.
    cardType: str
    # Status before.
    previousStatusLabel: str
    # Extended fields after.
    currentExtendedFields: list[CardUpdatedCurrentExtendedFields]
    # Card number.
    cardNumber: Required[str]
    # Reason recorded before.
    previousStatusChangeReason: str
    # Reason for the change.
    currentStatusChangeReason: str


class CardUpdated(Envelope):
    """Status or fields of a loyalty card change."""

    eventName: Required[Literal["cardUpdated"]]
    data: Required[CardUpdatedData]
