"""Events of the family tier.

Made from the catalogue (`make models`): change the event type's file, not this one.
"""

from typing import Literal, Optional, TypedDict

from tidings_consumer.events.common import (
    CustomerIdentifiers,
    EntityInformation,
    Envelope,
    LoyaltyProgramDetails,
    TriggeringActivity,
)
from tidings_consumer.newer_typing import Required


class TierDowngradedData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Optional[CustomerIdentifiers]
    # Loyalty entity that owns the points (customer or group).
    entityInformation: Optional[EntityInformation]
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: Optional[TriggeringActivity]
    # Programme block (id, name, tiers, conversion ratio).
    loyaltyProgramDetails: Optional[LoyaltyProgramDetails]
    # Programme id.
    loyaltyProgramId: Optional[int]
    # Tier after.
    downgradedTierNumber: Optional[int]
    # Tier before.
    previousTierNumber: Optional[int]
    # Tier valid until (YYYY-MM-DD; being replaced).
    tierExpiryDate: Optional[str]
    # The time of tierExpiryDate as epoch milliseconds.
    tierExpiryDateInMillis: Optional[int]
    # Local date of the store, YYYY-MM-DD.
    currentDateStoreTz: Optional[str]


class TierDowngraded(Envelope):
    """A customer drops to a lower tier."""

    eventName: Required[Literal["tierDowngraded"]]
    data: Required[TierDowngradedData]


class TierDowngradeReminderData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Optional[CustomerIdentifiers]
    # Loyalty entity that owns the points (customer or group).
    entityInformation: Optional[EntityInformation]
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: Optional[TriggeringActivity]
    # Programme block (id, name, tiers, conversion ratio).
    loyaltyProgramDetails: Optional[LoyaltyProgramDetails]
    # Programme id.
    loyaltyProgramId: Optional[int]
    # Current tier.
    currentTierNumber: Optional[int]
    # Planned downgrade date (text).
    scheduledDowngradeDate: Optional[str]


class TierDowngradeReminder(Envelope):
    """Ahead of a planned tier downgrade (lead time not stated)."""

    eventName: Required[Literal["tierDowngradeReminder"]]
    data: Required[TierDowngradeReminderData]


class TierRenewedData(TypedDict, total=False):
    """What happened."""

    # Free-text note describing the change.
    notes: Optional[str]
    # Tier valid until (YYYY-MM-DD; being replaced).
    tierExpiryDate: Optional[str]
    # Programme block (id, name, tiers, conversion ratio).
    loyaltyProgramDetails: Optional[LoyaltyProgramDetails]
    # Current tier.
    currentTierNumber: Optional[int]
    # Basis of the renewal (STRATEGY seen).
    renewType: Optional[str]
    # Loyalty entity that owns the points (customer or group).
    entityInformation: Optional[EntityInformation]
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Optional[CustomerIdentifiers]
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: Optional[TriggeringActivity]
    # Programme id.
    loyaltyProgramId: Optional[int]
    # The time of tierExpiryDate as epoch milliseconds.
    tierExpiryDateInMillis: Optional[int]
    # Local date of the store, YYYY-MM-DD.
    currentDateStoreTz: Optional[str]


class TierRenewed(Envelope):
    """A customer keeps the tier for another period."""

    eventName: Required[Literal["tierRenewed"]]
    data: Required[TierRenewedData]


class TierUpgradedData(TypedDict, total=False):
    """What happened."""

    # Free-text note describing the change.
    notes: Optional[str]
    # Tier before.
    previousTierNumber: Optional[int]
    # Tier valid until (YYYY-MM-DD; being replaced).
    tierExpiryDate: Optional[str]
    # Programme block (id, name, tiers, conversion ratio).
    loyaltyProgramDetails: Optional[LoyaltyProgramDetails]
    # Loyalty entity that owns the points (customer or group).
    entityInformation: Optional[EntityInformation]
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Optional[CustomerIdentifiers]
    # Tier after.
    upgradedTierNumber: Optional[int]
    # Basis of the upgrade (STRATEGY seen).
    upgradeType: Optional[str]
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: Optional[TriggeringActivity]
    # Programme id.
    loyaltyProgramId: Optional[int]
    # The time of tierExpiryDate as epoch milliseconds.
    tierExpiryDateInMillis: Optional[int]
    # Local date of the store, YYYY-MM-DD.
    currentDateStoreTz: Optional[str]


class TierUpgraded(Envelope):
    """A customer moves to a higher tier."""

    eventName: Required[Literal["tierUpgraded"]]
    data: Required[TierUpgradedData]
