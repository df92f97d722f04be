"""Events of the family cards.

Made from the catalogue (`make models`): change the event type's file, not this one.
"""

from typing import Literal, Required, TypedDict

from tidings.consumer.events.common import Envelope


class CardUpdatedPreviousCustomFields(TypedDict, total=False):
    """One entry."""

    # Name.
    name: str | None
    # Value.
    value: str | None


class CardUpdatedCurrentCustomFields(TypedDict, total=False):
    """One entry."""

    # Name.
    name: str | None
    # Value.
    value: str | None


class CardUpdatedPreviousExtendedFields(TypedDict, total=False):
    """One entry."""

    # Name.
    name: str | None
    # Value.
    value: str | None


class CardUpdatedCurrentExtendedFields(TypedDict, total=False):
    """One entry."""

    # Name.
    name: str | None
    # Value.
    value: str | None


class CardUpdatedData(TypedDict, total=False):
    """What happened."""

    # Custom fields before.
    previousCustomFields: list[CardUpdatedPreviousCustomFields] | None
    # Custom fields after.
    currentCustomFields: list[CardUpdatedCurrentCustomFields] | None
    # Extended fields before.
    previousExtendedFields: list[CardUpdatedPreviousExtendedFields] | None
    # Status after.
    currentStatusLabel: str | None
    # Card kind.
    cardType: str | None
    # Status before.
    previousStatusLabel: str | None
    # Extended fields after.
    currentExtendedFields: list[CardUpdatedCurrentExtendedFields] | None
    # Card number.
    cardNumber: str | None
    # Reason recorded before.
    previousStatusChangeReason: str | None
    # Reason for the change.
    currentStatusChangeReason: str | None


class CardUpdated(Envelope):
    """Status or fields of a loyalty card change."""

    eventName: Required[Literal["cardUpdated"]]
    data: Required[CardUpdatedData]
