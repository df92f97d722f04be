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
    customerIdentifiers: Required[CustomerIdentifiers]
    # Loyalty entity that owns the points (customer or group).
    entityInformation: EntityInformation
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity
    # Programme block (id, name, tiers, conversion ratio).
    loyaltyProgramDetails: LoyaltyProgramDetails
    # Programme id.
    loyaltyProgramId: int
    # Tier after.
    downgradedTierNumber: Required[int]
    # Tier before.
    previousTierNumber: int
    # Tier valid until (YYYY-MM-DD; being replaced).
    tierExpiryDate: str
    # The time of tierExpiryDate as epoch milliseconds.
    tierExpiryDateInMillis: int
    # Local date of the store, YYYY-MM-DD.
    currentDateStoreTz: str


class TierDowngraded(Envelope):
    """A customer drops to a lower tier."""

    eventName: Required[Literal["tierDowngraded"]]
    data: Required[TierDowngradedData]


class TierDowngradeReminderData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Required[CustomerIdentifiers]
    # Loyalty entity that owns the points (customer or group).
    entityInformation: EntityInformation
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity
    # Programme block (id, name, tiers, conversion ratio).
    loyaltyProgramDetails: LoyaltyProgramDetails
    # Programme id.
    loyaltyProgramId: int
    # Current tier.
    currentTierNumber: Required[int]
    # Planned downgrade date (text).
    scheduledDowngradeDate: Required[str]


class TierDowngradeReminder(Envelope):
    """Ahead of a planned tier downgrade (lead time not stated)."""

    eventName: Required[Literal["tierDowngradeReminder"]]
    data: Required[TierDowngradeReminderData]


class TierRenewedData(TypedDict, total=False):
    """What happened."""

    # Free-text note describing the change.
    notes: str
    # Tier valid until (YYYY-MM-DD; being replaced).
    tierExpiryDate: str
    # Programme block (id, name, tiers, conversion ratio).
    loyaltyProgramDetails: LoyaltyProgramDetails
    # Current tier.
    currentTierNumber: Required[int]
    # Basis of the renewal (STRATEGY seen).
    renewType: str
    # Loyalty entity that owns the points (customer or group).
    entityInformation: EntityInformation
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Required[CustomerIdentifiers]
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity
    # Programme id.
    loyaltyProgramId: int
    # The time of tierExpiryDate as epoch milliseconds.
    tierExpiryDateInMillis: int
    # Local date of the store, YYYY-MM-DD.
    currentDateStoreTz: str


class TierRenewed(Envelope):
    """A customer keeps the tier for another period."""

    eventName: Required[Literal["tierRenewed"]]
    data: Required[TierRenewedData]


class TierUpgradedData(TypedDict, total=False):
    """What happened."""

    # Free-text note describing the change.
    notes: str
    # Tier before.
    previousTierNumber: int
    # Tier valid until (YYYY-MM-DD; being replaced).
    tierExpiryDate: str
    # Programme block (id, name, tiers, conversion ratio).
    loyaltyProgramDetails: LoyaltyProgramDetails
    # Loyalty entity that owns the points (customer or group).
    entityInformation: EntityInformation
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Required[CustomerIdentifiers]
    # Tier after.
    upgradedTierNumber: Required[int]
    # Basis of the upgrade (STRATEGY seen).
    upgradeType: str
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity
    # Programme id.
    loyaltyProgramId: int
    # The time of tierExpiryDate as epoch milliseconds.
    tierExpiryDateInMillis: int
    # Local date of the store, YYYY-MM-DD.
    currentDateStoreTz: str


class TierUpgraded(Envelope):
    """A customer moves to a higher tier."""

    eventName: Required[Literal["tierUpgraded"]]
    data: Required[TierUpgradedData]
