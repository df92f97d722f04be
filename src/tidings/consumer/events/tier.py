"""Events of the family tier.

Made from the catalogue (`make models`): change the event type's file, not this one.
"""

from typing import Literal, Required, TypedDict

from tidings.consumer.events.common import (
    CustomerIdentifiers,
    EntityInformation,
    Envelope,
    LoyaltyProgramDetails,
    TriggeringActivity,
)


class TierDowngradedData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers | None
    # Loyalty entity that owns the points (customer or group).
    entityInformation: EntityInformation | None
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity | None
    # Programme block (id, name, tiers, conversion ratio).
    loyaltyProgramDetails: LoyaltyProgramDetails | None
    # Programme id.
    loyaltyProgramId: int | None
    # Tier after.
    downgradedTierNumber: int | None
    # Tier before.
    previousTierNumber: int | None
    # Tier valid until (YYYY-MM-DD; being replaced).
    tierExpiryDate: str | None
    # The time of tierExpiryDate as epoch milliseconds.
    tierExpiryDateInMillis: int | None
    # Local date of the store, YYYY-MM-DD.
    currentDateStoreTz: str | None


class TierDowngraded(Envelope):
    """A customer drops to a lower tier."""

    eventName: Required[Literal["tierDowngraded"]]
    data: Required[TierDowngradedData]


class TierDowngradeReminderData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers | None
    # Loyalty entity that owns the points (customer or group).
    entityInformation: EntityInformation | None
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity | None
    # Programme block (id, name, tiers, conversion ratio).
    loyaltyProgramDetails: LoyaltyProgramDetails | None
    # Programme id.
    loyaltyProgramId: int | None
    # Current tier.
    currentTierNumber: int | None
    # Planned downgrade date (text).
    scheduledDowngradeDate: str | None


class TierDowngradeReminder(Envelope):
    """Ahead of a planned tier downgrade (lead time not stated)."""

    eventName: Required[Literal["tierDowngradeReminder"]]
    data: Required[TierDowngradeReminderData]


class TierRenewedData(TypedDict, total=False):
    """What happened."""

    # Free-text note describing the change.
    notes: str | None
    # Tier valid until (YYYY-MM-DD; being replaced).
    tierExpiryDate: str | None
    # Programme block (id, name, tiers, conversion ratio).
    loyaltyProgramDetails: LoyaltyProgramDetails | None
    # Current tier.
    currentTierNumber: int | None
    # Basis of the renewal (STRATEGY seen).
    renewType: str | None
    # Loyalty entity that owns the points (customer or group).
    entityInformation: EntityInformation | None
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers | None
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity | None
    # Programme id.
    loyaltyProgramId: int | None
    # The time of tierExpiryDate as epoch milliseconds.
    tierExpiryDateInMillis: int | None
    # Local date of the store, YYYY-MM-DD.
    currentDateStoreTz: str | None


class TierRenewed(Envelope):
    """A customer keeps the tier for another period."""

    eventName: Required[Literal["tierRenewed"]]
    data: Required[TierRenewedData]


class TierUpgradedData(TypedDict, total=False):
    """What happened."""

    # Free-text note describing the change.
    notes: str | None
    # Tier before.
    previousTierNumber: int | None
    # Tier valid until (YYYY-MM-DD; being replaced).
    tierExpiryDate: str | None
    # Programme block (id, name, tiers, conversion ratio).
    loyaltyProgramDetails: LoyaltyProgramDetails | None
    # Loyalty entity that owns the points (customer or group).
    entityInformation: EntityInformation | None
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers | None
    # Tier after.
    upgradedTierNumber: int | None
    # Basis of the upgrade (STRATEGY seen).
    upgradeType: str | None
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity | None
    # Programme id.
    loyaltyProgramId: int | None
    # The time of tierExpiryDate as epoch milliseconds.
    tierExpiryDateInMillis: int | None
    # Local date of the store, YYYY-MM-DD.
    currentDateStoreTz: str | None


class TierUpgraded(Envelope):
    """A customer moves to a higher tier."""

    eventName: Required[Literal["tierUpgraded"]]
    data: Required[TierUpgradedData]
