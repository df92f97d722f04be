"""Events of the family loyalty.

Made from the catalogue (`make models`): change the event type's file, not this one.
"""

from typing import Any, Literal, Optional, TypedDict, Union

from tidings_consumer.events.common import (
    Actor,
    BehavioralEventAttributes,
    CustomerIdentifiers,
    EntityInformation,
    Envelope,
    KeyValue,
    LoyaltyProgramDetails,
    PromotionRestriction,
    TriggeringActivity,
)
from tidings_consumer.newer_typing import Required


class PromotionalAlternateCurrenciesIssued(TypedDict, total=False):
    """One entry."""

    # Promotion name.
    promotionName: Optional[str]
    # Promotion identifier (text).
    promotionIdentifier: Optional[str]
    # Promotion kind.
    promotionType: Optional[str]
    # Amount from the promotion.
    promotionAlternateCurrencies: Optional[float]
    # Expiry (YYYY-MM-DD).
    promotionAlternateCurrenciesExpiryDate: Optional[str]
    # Last valid moment of this promotional part, epoch milliseconds: the instant that
    # promotionAlternateCurrenciesExpiryDate tells.
    promotionAlternateCurrenciesExpiryDateInMillis: Optional[int]


class PromisedAlternateCurrenciesIssued(TypedDict, total=False):
    """One entry."""

    # Promised amount.
    promisedAlternateCurrencies: Optional[float]
    # True when release waits for an outside trigger.
    isExternalTriggerBased: Optional[bool]
    # Planned release (YYYY-MM-DD).
    promisedAlternateCurrenciesConversionDate: Optional[str]
    # Promotion identifier (text).
    promotionIdentifier: Optional[str]


class RegularAlternateCurrenciesBreakup(TypedDict, total=False):
    """One entry."""

    # Amount.
    alternateCurrencies: Optional[float]
    # Expiry (YYYY-MM-DD).
    expiryAt: Optional[str]
    # Last valid moment of this part, epoch milliseconds: the instant that expiryAt tells.
    expiryAtInMillis: Optional[int]


class AlternateCurrenciesIssuedAlternateCurrenciesIssuedData(TypedDict, total=False):
    """One entry."""

    # Slices issued by promotions.
    promotionalAlternateCurrenciesIssued: Optional[list[PromotionalAlternateCurrenciesIssued]]
    # Promised slices.
    promisedAlternateCurrenciesIssued: Optional[list[PromisedAlternateCurrenciesIssued]]
    # Regular amount split by expiry.
    regularAlternateCurrenciesBreakup: Optional[list[RegularAlternateCurrenciesBreakup]]
    # Total issued.
    totalAlternateCurrenciesIssued: Optional[float]
    # Currency code.
    alternateCurrencyIdentifier: Optional[str]
    # Balance after.
    programCurrentAlternateCurrencies: Optional[float]
    # Currency name.
    alternateCurrencyName: Optional[str]
    # Regular amount issued.
    regularAlternateCurrenciesIssued: Optional[float]
    # Lifetime total after.
    programLifetimeAlternateCurrencies: Optional[float]


class PromotionalAlternateCurrenciesIssued2(TypedDict, total=False):
    """One entry."""

    # Promotion name.
    promotionName: Optional[str]
    # Promotion identifier (text).
    promotionIdentifier: Optional[str]
    # Promotion kind.
    promotionType: Optional[str]
    # Amount from the promotion.
    promotionAlternateCurrencies: Optional[float]
    # Expiry (YYYY-MM-DD).
    promotionAlternateCurrenciesExpiryDate: Optional[str]


class RegularAlternateCurrenciesBreakup2(TypedDict, total=False):
    """One entry."""

    # Amount.
    alternateCurrencies: Optional[float]
    # Expiry (YYYY-MM-DD).
    expiryAt: Optional[str]


class AlternateCurrenciesIssuedAlternateCurrencies(TypedDict, total=False):
    """One entry."""

    # Slices issued by promotions.
    promotionalAlternateCurrenciesIssued: Optional[list[PromotionalAlternateCurrenciesIssued2]]
    # Promised slices.
    promisedAlternateCurrenciesIssued: Optional[list[PromisedAlternateCurrenciesIssued]]
    # Regular amount split by expiry.
    regularAlternateCurrenciesBreakup: Optional[list[RegularAlternateCurrenciesBreakup2]]
    # Total issued.
    totalAlternateCurrenciesIssued: Optional[float]
    # Currency code.
    alternateCurrencyIdentifier: Optional[str]
    # Balance after.
    programCurrentAlternateCurrencies: Optional[float]
    # Currency name.
    alternateCurrencyName: Optional[str]
    # Regular amount issued.
    regularAlternateCurrenciesIssued: Optional[float]
    # Lifetime total after.
    programLifetimeAlternateCurrencies: Optional[float]


class AlternateCurrenciesIssuedData(TypedDict, total=False):
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
    # One row per alternate currency.
    alternateCurrenciesIssuedData: Optional[
        list[AlternateCurrenciesIssuedAlternateCurrenciesIssuedData]
    ]
    # The older name of alternateCurrenciesIssuedData. Samples up to 2025 have it; captures since
    # have alternateCurrenciesIssuedData. Both are accepted.
    alternateCurrencies: Optional[list[AlternateCurrenciesIssuedAlternateCurrencies]]


class AlternateCurrenciesIssued(Envelope):
    """An alternate currency is issued to a customer."""

    eventName: Required[Literal["alternateCurrenciesIssued"]]
    data: Required[AlternateCurrenciesIssuedData]


class CurrentEventPromotionAlternateCurrenciesReturnedDetails(TypedDict, total=False):
    """One entry."""

    # Promotion identifier (text).
    promotionIdentifier: Optional[str]
    # Promotion kind.
    promotionType: Optional[str]
    # Amount from the promotion.
    promotionAlternateCurrencies: Optional[float]


class PromotionalAlternateCurrenciesReversed(TypedDict, total=False):
    """One entry."""

    # Promotion identifier (text).
    promotionIdentifier: Optional[str]
    # Promotion kind.
    promotionType: Optional[str]
    # Amount from the promotion.
    promotionAlternateCurrencies: Optional[float]


class AlternateCurrenciesReversedData(TypedDict, total=False):
    """One entry."""

    # Promised amount taken back.
    promisedAlternateCurrenciesReversed: Optional[float]
    # Promotional slices taken back by this return.
    currentEventPromotionAlternateCurrenciesReturnedDetails: Optional[
        list[CurrentEventPromotionAlternateCurrenciesReturnedDetails]
    ]
    # Promised amount taken back by this return.
    currentEventPromisedAlternateCurrenciesReturned: Optional[float]
    # Regular amount taken back.
    regularAlternateCurrenciesReversed: Optional[float]
    # Currency code.
    alternateCurrencyIdentifier: Optional[str]
    # Balance after.
    programCurrentAlternateCurrencies: Optional[float]
    # Total taken back by this return.
    currentEventTotalAlternateCurrenciesReturned: Optional[float]
    # Currency name.
    alternateCurrencyName: Optional[str]
    # Lifetime total after.
    programLifetimeAlternateCurrencies: Optional[float]
    # Total taken back.
    totalIssuedAlternateCurrenciesReversed: Optional[float]
    # Promotional amount taken back.
    promotionalAlternateCurrenciesReversed: Optional[list[PromotionalAlternateCurrenciesReversed]]
    # Regular amount taken back by this return.
    currentEventRegularAlternateCurrenciesReturned: Optional[float]


class IssuedAlternateCurrenciesReversedAlternateCurrencies(TypedDict, total=False):
    """One entry."""

    # Promised amount taken back.
    promisedAlternateCurrenciesReversed: Optional[float]
    # Promotional slices taken back by this return.
    currentEventPromotionAlternateCurrenciesReturnedDetails: Optional[
        list[CurrentEventPromotionAlternateCurrenciesReturnedDetails]
    ]
    # Promised amount taken back by this return.
    currentEventPromisedAlternateCurrenciesReturned: Optional[float]
    # Regular amount taken back.
    regularAlternateCurrenciesReversed: Optional[float]
    # Currency code.
    alternateCurrencyIdentifier: Optional[str]
    # Balance after.
    programCurrentAlternateCurrencies: Optional[float]
    # Total taken back by this return.
    currentEventTotalAlternateCurrenciesReturned: Optional[float]
    # Currency name.
    alternateCurrencyName: Optional[str]
    # Lifetime total after.
    programLifetimeAlternateCurrencies: Optional[float]
    # Promotional amount taken back.
    promotionalAlternateCurrenciesReversed: Optional[list[PromotionalAlternateCurrenciesReversed]]
    # Regular amount taken back by this return.
    currentEventRegularAlternateCurrenciesReturned: Optional[float]
    # Total taken back.
    totalAlternateCurrenciesReversed: Optional[float]


class IssuedAlternateCurrenciesReversedData(TypedDict, total=False):
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
    # One row per alternate currency.
    alternateCurrenciesReversedData: Optional[list[AlternateCurrenciesReversedData]]
    # The older name of alternateCurrenciesReversedData. One sample that was written by hand has it;
    # the schema has alternateCurrenciesReversedData. Both are accepted.
    alternateCurrencies: Optional[list[IssuedAlternateCurrenciesReversedAlternateCurrencies]]


class IssuedAlternateCurrenciesReversed(Envelope):
    """Issued alternate currency is taken back (e.g. item returned)."""

    eventName: Required[Literal["issuedAlternateCurrenciesReversed"]]
    data: Required[IssuedAlternateCurrenciesReversedData]


class CurrentEventPromotionPointsReturnedDetails(TypedDict, total=False):
    """One entry."""

    # Promotion identifier (text).
    promotionIdentifier: Optional[str]
    # Promotion kind.
    promotionType: Optional[str]
    # Points from the promotion.
    promotionPoints: Optional[float]


class IssuedPointsReversedPromotionalPointsReversed(TypedDict, total=False):
    """One entry."""

    # Promotion identifier (text).
    promotionIdentifier: Optional[str]
    # Promotion kind.
    promotionType: Optional[str]
    # Points from the promotion.
    promotionPoints: Optional[float]


class IssuedPointsReversedData(TypedDict, total=False):
    """What happened."""

    # Regular points taken back.
    regularPointsReversed: Optional[float]
    # Programme block (id, name, tiers, conversion ratio).
    loyaltyProgramDetails: Optional[LoyaltyProgramDetails]
    # Loyalty entity that owns the points (customer or group).
    entityInformation: Optional[EntityInformation]
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Optional[CustomerIdentifiers]
    # Regular points taken back by this return.
    currentEventRegularPointsReturned: Optional[float]
    # Promotional slices taken back by this return.
    currentEventPromotionPointsReturnedDetails: Optional[
        list[CurrentEventPromotionPointsReturnedDetails]
    ]
    # Promised points taken back.
    promisedPointsReversed: Optional[float]
    # Lifetime earned total after the activity.
    programLifetimePoints: Optional[float]
    # Promotional points taken back.
    promotionalPointsReversed: Optional[list[IssuedPointsReversedPromotionalPointsReversed]]
    # All issued points taken back so far.
    totalIssuedPointsReversed: Optional[float]
    # Total taken back by this return.
    currentEventTotalPointsReturned: Optional[float]
    # Spendable balance after the activity.
    programCurrentPoints: Optional[float]
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: Optional[TriggeringActivity]
    # Programme id.
    loyaltyProgramId: Optional[int]
    # Promised points taken back by this return.
    currentEventPromisedPointsReturned: Optional[float]


class IssuedPointsReversed(Envelope):
    """Issued points are taken back, typically because the bill was returned."""

    eventName: Required[Literal["issuedPointsReversed"]]
    data: Required[IssuedPointsReversedData]


class LoyaltyCustomerMergeSurvivorCustomerLoyaltySummary(TypedDict, total=False):
    """One entry."""

    # Programme id.
    loyaltyProgramId: Optional[int]
    # Lifetime points.
    lifetimePoints: Optional[float]
    # Spendable points.
    currentPoints: Optional[float]
    # Promised points.
    promisedPoints: Optional[float]
    # Tier number.
    tierNumber: Optional[int]


class LoyaltyCustomerMergeData(TypedDict, total=False):
    """What happened."""

    # Profile that remains.
    survivorCustomerIdentifiers: Optional[CustomerIdentifiers]
    # Profile merged away.
    victimCustomerIdentifiers: Optional[CustomerIdentifiers]
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: Optional[TriggeringActivity]
    # Programme block (id, name, tiers, conversion ratio).
    loyaltyProgramDetails: Optional[LoyaltyProgramDetails]
    # Till (and store) or user that keyed the activity; only id without till/store enrichment.
    enteredBy: Optional[Actor]
    # Balances of the remaining profile per programme.
    survivorCustomerLoyaltySummary: Optional[
        list[LoyaltyCustomerMergeSurvivorCustomerLoyaltySummary]
    ]


class LoyaltyCustomerMerge(Envelope):
    """Two member profiles are merged."""

    eventName: Required[Literal["loyaltyCustomerMerge"]]
    data: Required[LoyaltyCustomerMergeData]


class ManualPointsAdjustmentProgramPointsSplit(TypedDict, total=False):
    """One entry."""

    # Award row id.
    pointsAwardedId: Optional[int]
    # Programme id.
    programId: Optional[int]
    # Points (decimal text). Decimal number as text.
    points: Optional[str]
    # Kind of points.
    pointsType: Optional[str]


class ManualPointsAdjustmentData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Optional[CustomerIdentifiers]
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: Optional[TriggeringActivity]
    # Points deducted (decimal text; key is misspelt on the wire). Misspelt on the wire
    # (totalPointsDeducted) and a decimal number as text; kept.
    totalPoinstDeducted: Optional[str]
    # Split per award.
    programPointsSplit: Optional[list[ManualPointsAdjustmentProgramPointsSplit]]
    # Reason text.
    reason: Optional[str]


class ManualPointsAdjustment(Envelope):
    """Points are deducted/adjusted by hand."""

    eventName: Required[Literal["manualPointsAdjustment"]]
    data: Required[ManualPointsAdjustmentData]


class PointsExpiredData(TypedDict, total=False):
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
    # Points that lapsed.
    pointsExpired: Optional[float]


class PointsExpired(Envelope):
    """Points of a customer lapse."""

    eventName: Required[Literal["pointsExpired"]]
    data: Required[PointsExpiredData]


class PointsExpiryChangeUpdatedPointsExpiryBreakup(TypedDict, total=False):
    """One entry."""

    # Award row id.
    pointAwardedRefID: Optional[int]
    # Award row kind (POINT_AWARDED seen).
    pointsAwardedRefType: Optional[str]
    # Promotion id, when promotional.
    promotionID: Optional[int]
    # Points in the slice.
    points: Optional[float]
    # Old expiry (text).
    pointsPreviousExpiryDate: Optional[str]
    # EXTEND_EXPIRY / EARLY_EXPIRY seen.
    expiryUpdateReasonType: Optional[str]
    # Free-text note.
    expiryUpdateReasonNote: Optional[str]
    # New expiry (text).
    newExpiryDate: Optional[str]
    # How the new expiry was set.
    newExpirySetType: Optional[str]
    # The time of pointsPreviousExpiryDate as epoch milliseconds.
    pointsPreviousExpiryDateInMillis: Optional[int]
    # The time of newExpiryDate as epoch milliseconds.
    newExpiryDateInMillis: Optional[int]


class PointsExpiryChangeData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Optional[CustomerIdentifiers]
    # Loyalty entity that owns the points (customer or group).
    entityInformation: Optional[EntityInformation]
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: Optional[TriggeringActivity]
    # Programme block (id, name, tiers, conversion ratio).
    loyaltyProgramDetails: Optional[LoyaltyProgramDetails]
    # Slices whose expiry changed.
    updatedPointsExpiryBreakup: Optional[list[PointsExpiryChangeUpdatedPointsExpiryBreakup]]


class PointsExpiryChange(Envelope):
    """The expiry date of some awarded points is changed."""

    eventName: Required[Literal["pointsExpiryChange"]]
    data: Required[PointsExpiryChangeData]


class PointsExpiryReminderData(TypedDict, total=False):
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
    # Points about to lapse.
    pointsScheduledForExpiry: Optional[float]
    # Lapse date (YYYY-MM-DD).
    scheduledExpiryDate: Optional[str]
    # The time of scheduledExpiryDate as epoch milliseconds.
    scheduledExpiryDateInMillis: Optional[int]


class PointsExpiryReminder(Envelope):
    """Ahead of points lapsing (lead time not stated)."""

    eventName: Required[Literal["pointsExpiryReminder"]]
    data: Required[PointsExpiryReminderData]


class PointsIssuedPromisedPointsIssued(TypedDict, total=False):
    """One entry."""

    # Promised amount.
    promisedPoints: Optional[float]
    # True when release waits for an outside trigger.
    isExternalTriggerBased: Optional[bool]
    # Planned release date (YYYY-MM-DD).
    promisedPointsConversionDate: Optional[str]
    # Promotion identifier (text).
    promotionIdentifier: Optional[str]
    # Reference of the award; present with awarded-reference enrichment. The docs say that there is
    # one and give neither name nor type: the name is ours.
    awardedReferenceId: Any
    # The time of promisedPointsConversionDate as epoch milliseconds.
    promisedPointsConversionDateInMillis: Optional[int]


class PointsIssuedRegularPointsBreakup(TypedDict, total=False):
    """One entry."""

    # Points in this slice.
    points: Optional[float]
    # Expiry date (YYYY-MM-DD).
    expiryAt: Optional[str]
    # Reference of the award; present with awarded-reference enrichment. The docs say that there is
    # one and give neither name nor type: the name is ours.
    awardedReferenceId: Any
    # The time of expiryAt as epoch milliseconds.
    expiryAtInMillis: Optional[int]


class PointsIssuedPromotionalPointsIssued(TypedDict, total=False):
    """One entry."""

    # Promotion name.
    promotionName: Optional[str]
    # Promotion identifier (text).
    promotionIdentifier: Optional[str]
    # Promotion kind.
    promotionType: Optional[str]
    # Points from the promotion.
    promotionPoints: Optional[float]
    # Expiry date (YYYY-MM-DD).
    promotionPointsExpiryDate: Optional[str]
    # Reference of the award; present with awarded-reference enrichment. The docs say that there is
    # one and give neither name nor type: the name is ours.
    awardedReferenceId: Any
    # The time of promotionPointsExpiryDate as epoch milliseconds.
    promotionPointsExpiryDateInMillis: Optional[int]


class PointsIssuedData(TypedDict, total=False):
    """What happened."""

    # Programme block (id, name, tiers, conversion ratio).
    loyaltyProgramDetails: Optional[LoyaltyProgramDetails]
    # Loyalty entity that owns the points (customer or group).
    entityInformation: Optional[EntityInformation]
    # Regular (non-promotional) points.
    regularPointsIssued: Optional[float]
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Optional[CustomerIdentifiers]
    # Lifetime earned total after the activity.
    programLifetimePoints: Optional[float]
    # All points issued by the activity.
    totalPointsIssued: Optional[float]
    # Points promised but not yet spendable.
    promisedPointsIssued: Optional[list[PointsIssuedPromisedPointsIssued]]
    # Spendable balance after the activity.
    programCurrentPoints: Optional[float]
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: Optional[TriggeringActivity]
    # Programme id.
    loyaltyProgramId: Optional[int]
    # Regular points split by expiry.
    regularPointsBreakup: Optional[list[PointsIssuedRegularPointsBreakup]]
    # Points issued by promotions.
    promotionalPointsIssued: Optional[list[PointsIssuedPromotionalPointsIssued]]
    behavioralEventAttributes: Optional[BehavioralEventAttributes]
    # Spendable balance; present with available-balance enrichment. Its type is not documented.
    # Starts with a capital letter on the wire.
    AvailablePointsBalance: Any


class PointsIssued(Envelope):
    """Points are issued to a customer or group by any activity (bill, behavioural event, goodwill,
    promotion ...).
    """

    eventName: Required[Literal["pointsIssued"]]
    data: Required[PointsIssuedData]


class PointsRedeemedRedemptionFromEarningPrograms(TypedDict, total=False):
    """One entry."""

    # Programme id.
    programId: Optional[int]
    # Points taken from that programme.
    pointsRedeemed: Optional[float]
    # Spendable balance after the activity.
    programCurrentPoints: Optional[float]


class PointsRedeemedData(TypedDict, total=False):
    """What happened."""

    # True for a group redemption.
    isGroupRedemption: Optional[bool]
    # Money value of the redeemed points.
    redeemedPointsCurrencyValue: Optional[float]
    # Points redeemed.
    totalPointsRedeemed: Optional[float]
    # Split by programme the points came from.
    redemptionFromEarningPrograms: Optional[list[PointsRedeemedRedemptionFromEarningPrograms]]
    # Programme block (id, name, tiers, conversion ratio).
    loyaltyProgramDetails: Optional[LoyaltyProgramDetails]
    # Loyalty entity that owns the points (customer or group).
    entityInformation: Optional[EntityInformation]
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Optional[CustomerIdentifiers]
    # Redemption id.
    redemptionSummaryId: Optional[int]
    # Free-text note.
    redemptionNotes: Optional[str]
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: Optional[TriggeringActivity]
    # Programme id.
    loyaltyProgramId: Optional[int]
    # Bill the redemption was made on.
    redemptionBillNumber: Optional[str]
    # Spendable balance; present with available-balance enrichment. Its type is not documented.
    # Starts with a capital letter on the wire.
    AvailablePointsBalance: Any


class PointsRedeemed(Envelope):
    """A customer redeems points."""

    eventName: Required[Literal["pointsRedeemed"]]
    data: Required[PointsRedeemedData]


class PointsTransferredInitiatedRedemptionFromEarningPrograms(TypedDict, total=False):
    """One entry."""

    # Programme id.
    programId: Optional[int]
    # Points taken from that programme.
    pointsRedeemed: Optional[float]
    # Spendable balance after the activity.
    programCurrentPoints: Optional[float]


class PointsTransferredInitiatedData(TypedDict, total=False):
    """What happened."""

    # Split by programme the points came from.
    redemptionFromEarningPrograms: Optional[
        list[PointsTransferredInitiatedRedemptionFromEarningPrograms]
    ]
    # Programme block (id, name, tiers, conversion ratio).
    loyaltyProgramDetails: Optional[LoyaltyProgramDetails]
    # Loyalty entity that owns the points (customer or group).
    entityInformation: Optional[EntityInformation]
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Optional[CustomerIdentifiers]
    # Receiving entity.
    transferReceivingEntityInformation: Optional[EntityInformation]
    # Receiving customer.
    transferReceivingCustomerIdentifiers: Optional[CustomerIdentifiers]
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: Optional[TriggeringActivity]
    # Programme id.
    loyaltyProgramId: Optional[int]
    # Points moved.
    totalPointsTransferred: Optional[float]


class PointsTransferredInitiated(Envelope):
    """A customer (or group) sends points to another member."""

    eventName: Required[Literal["pointsTransferredInitiated"]]
    data: Required[PointsTransferredInitiatedData]


class PointsTransferredReceivedData(TypedDict, total=False):
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
    # Points moved.
    totalPointsTransferred: Optional[float]
    # Sending customer.
    transferInitiatingCustomerIdentifiers: Optional[CustomerIdentifiers]
    # Sending entity.
    transferInitiatingEntityInformation: Optional[EntityInformation]


class PointsTransferredReceived(Envelope):
    """A customer (or group) receives points moved from another member."""

    eventName: Required[Literal["pointsTransferredReceived"]]
    data: Required[PointsTransferredReceivedData]


class AlternateCurrencyConverted(TypedDict, total=False):
    """One entry."""

    # Currency code.
    alternateCurrencyIdentifier: Optional[str]
    # Currency name.
    alternateCurrencyName: Optional[str]
    # Amount (decimal text). Decimal number as text.
    alternateCurrencyValue: Optional[str]


class EarningAlternateCurrencyReference(TypedDict, total=False):
    """One entry."""

    # Activity name.
    name: Optional[str]
    # Activity time (epoch milliseconds as double).
    enteredAt: Optional[float]
    # Amount released for this activity.
    alternateCurrencyConverted: Optional[float]
    # Currency code.
    alternateCurrencyIdentifier: Optional[str]
    # Currency name.
    alternateCurrencyName: Optional[str]
    # Activity ids as key/value pairs.
    identifiers: Optional[KeyValue]


class AlternateCurrencyEntityDetails(TypedDict, total=False):
    """Bill or line item identity."""

    # Currency code.
    alternateCurrencyIdentifier: Optional[str]
    # Currency name.
    alternateCurrencyName: Optional[str]
    # Amount (decimal text). Decimal number as text.
    alternateCurrencyValue: Optional[str]
    # Bill / line id.
    id: Optional[int]
    # Bill number (uniqueness rule is org configuration).
    billNumber: Optional[str]
    # Item SKU for line level.
    itemCode: Optional[str]
    # Bill date (text).
    billDate: Optional[str]


class PromotionDetails(TypedDict, total=False):
    """One entry."""

    # Limits on issuing.
    issueRestrictions: Optional[list[PromotionRestriction]]
    # Map: target group id -> list of target rule ids.
    linkedTargetGroupVsTargetRuleIdMap: Optional[dict[str, Optional[list[int]]]]
    # Promotion end (YYYY-MM-DD).
    promotionEndDate: Optional[str]
    # End of the promotion, epoch milliseconds: the instant that promotionEndDate tells.
    promotionEndDateInMillis: Optional[int]
    # Custom field name/value pairs attached to the entity.
    customFields: Optional[KeyValue]
    # Promotion identifier (text).
    promotionIdentifier: Optional[str]
    # Promotion start (YYYY-MM-DD).
    promotionStartDate: Optional[str]
    # Start of the promotion, epoch milliseconds: the instant that promotionStartDate tells.
    promotionStartDateInMillis: Optional[int]
    # Promotion name.
    promotionName: Optional[str]
    # Limits on redeeming.
    redemptionRestrictions: Optional[list[PromotionRestriction]]
    # GENERIC or LOYALTY_EARNING.
    pointsOfferType: Optional[str]
    # Promotion description.
    promotionDescription: Optional[str]
    # Promotion kind.
    promotionType: Optional[str]
    # Promotion id.
    promotionId: Optional[int]
    # Limits on earning.
    earnRestrictions: Optional[list[PromotionRestriction]]
    # Programme id.
    programId: Optional[int]


class PromotionalAlternateCurrencyBreakup(TypedDict, total=False):
    """One entry."""

    # Currency code.
    alternateCurrencyIdentifier: Optional[str]
    # Currency name.
    alternateCurrencyName: Optional[str]
    # Amount (decimal text). Decimal number as text.
    alternateCurrencyValue: Optional[str]
    # Programme id.
    programId: Optional[int]
    # Promotion id.
    promotionId: Optional[int]
    # Promotion name.
    promotionName: Optional[str]
    # Full promotion description.
    promotionDetails: Optional[list[PromotionDetails]]


class NonPromotionalAlternateCurrencyBreakup(TypedDict, total=False):
    """One entry."""

    # Currency code.
    alternateCurrencyIdentifier: Optional[str]
    # Currency name.
    alternateCurrencyName: Optional[str]
    # Amount (decimal text). Decimal number as text.
    alternateCurrencyValue: Optional[str]
    # Programme id.
    programId: Optional[int]


class AlternateCurrencyConvertedBreakup(TypedDict, total=False):
    """One entry."""

    # Level of the split (BILL seen).
    entityName: Optional[str]
    # Bill or line item identity.
    alternateCurrencyEntityDetails: Optional[AlternateCurrencyEntityDetails]
    # Promotional slices.
    promotionalAlternateCurrencyBreakup: Optional[list[PromotionalAlternateCurrencyBreakup]]
    # Regular slices.
    nonPromotionalAlternateCurrencyBreakup: Optional[list[NonPromotionalAlternateCurrencyBreakup]]


class PromisedToCurrentAlternateCurrencyConversionData(TypedDict, total=False):
    """What happened."""

    # Platform bill id (present for externally triggered conversions).
    billId: Optional[int]
    # Programme block (id, name, tiers, conversion ratio).
    loyaltyProgramDetails: Optional[LoyaltyProgramDetails]
    # Copy of envelope eventLogId inside data.
    eventLogId: Optional[int]
    # Amounts released, per currency.
    alternateCurrencyConverted: Optional[list[AlternateCurrencyConverted]]
    # Loyalty entity that owns the points (customer or group).
    entityInformation: Optional[EntityInformation]
    # Original earning activities.
    earningAlternateCurrencyReference: Optional[list[EarningAlternateCurrencyReference]]
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Optional[CustomerIdentifiers]
    # Split by bill / line item.
    alternateCurrencyConvertedBreakup: Optional[list[AlternateCurrencyConvertedBreakup]]
    # When the activity happened (date-time text).
    eventDateTime: Optional[str]
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: Optional[TriggeringActivity]
    # Programme id.
    loyaltyProgramId: Optional[int]
    # SystemTrigger / externalTrigger.
    alternateCurrencyConversionSource: Optional[str]


class PromisedToCurrentAlternateCurrencyConversion(Envelope):
    """Promised alternate currency becomes spendable."""

    eventName: Required[Literal["promisedToCurrentAlternateCurrencyConversion"]]
    data: Required[PromisedToCurrentAlternateCurrencyConversionData]


class PromisedToCurrentPointsConversionEntityDetails(TypedDict, total=False):
    """Bill or line item identity."""

    # Bill / line id.
    id: Optional[int]
    # Bill number (uniqueness rule is org configuration).
    billNumber: Optional[str]
    # Item SKU for line level.
    itemCode: Optional[str]
    # Bill date (text).
    billDate: Optional[str]


class PromisedToCurrentPointsConversionPromotionDetails(TypedDict, total=False):
    """One entry."""

    # Limits on issuing.
    issueRestrictions: Optional[list[PromotionRestriction]]
    # Map: target group id -> list of target rule ids.
    linkedTargetGroupVsTargetRuleIdMap: Optional[dict[str, Optional[list[int]]]]
    # Promotion end (YYYY-MM-DD).
    promotionEndDate: Optional[str]
    # End of the promotion, epoch milliseconds: the instant that promotionEndDate tells.
    promotionEndDateInMillis: Optional[int]
    # Custom field name/value pairs attached to the entity.
    customFields: Optional[KeyValue]
    # Promotion identifier (text).
    promotionIdentifier: Optional[str]
    # Promotion start (YYYY-MM-DD).
    promotionStartDate: Optional[str]
    # Start of the promotion, epoch milliseconds: the instant that promotionStartDate tells.
    promotionStartDateInMillis: Optional[int]
    # Promotion name.
    promotionName: Optional[str]
    # Limits on redeeming.
    redemptionRestrictions: Optional[list[PromotionRestriction]]
    # GENERIC or LOYALTY_EARNING.
    pointsOfferType: Optional[str]
    # Promotion description.
    promotionDescription: Optional[str]
    # Promotion kind.
    promotionType: Optional[str]
    # Promotion id.
    promotionId: Optional[int]
    # Limits on earning.
    earnRestrictions: Optional[list[PromotionRestriction]]
    # Programme id.
    programId: Optional[int]


class PromotionalPointsBreakup(TypedDict, total=False):
    """One entry."""

    # Points (decimal text). Decimal number as text.
    points: Optional[str]
    # Programme id.
    programId: Optional[int]
    # Promotion id.
    promotionId: Optional[int]
    # Promotion name.
    promotionName: Optional[str]
    # Full promotion description.
    promotionDetails: Optional[list[PromisedToCurrentPointsConversionPromotionDetails]]


class NonPromotionalPointsBreakup(TypedDict, total=False):
    """One entry."""

    # Points (decimal text). Decimal number as text.
    points: Optional[str]
    # Programme id.
    programId: Optional[int]


class PromisedToCurrentPointsConversionPointsConvertedBreakup(TypedDict, total=False):
    """One entry."""

    # Level of the split (BILL seen).
    entityName: Optional[str]
    # Bill or line item identity.
    entityDetails: Optional[PromisedToCurrentPointsConversionEntityDetails]
    # Promotional slices.
    promotionalPointsBreakup: Optional[list[PromotionalPointsBreakup]]
    # Regular slices.
    nonPromotionalPointsBreakup: Optional[list[NonPromotionalPointsBreakup]]


class EarningActivityReference(TypedDict, total=False):
    """One entry."""

    # Activity name (e.g. TransactionAdd).
    name: Optional[str]
    # Activity time, epoch milliseconds rendered as a double (1.7E12 style).
    enteredAt: Optional[float]
    # Part converted for this activity.
    pointsConverted: Optional[float]
    # Activity ids (billNumber, EventLogId ...).
    identifiers: Optional[KeyValue]


class PromisedToCurrentPointsConversionData(TypedDict, total=False):
    """What happened."""

    # Platform bill id (present for externally triggered conversions).
    billId: Optional[int]
    # Programme block (id, name, tiers, conversion ratio).
    loyaltyProgramDetails: Optional[LoyaltyProgramDetails]
    # Copy of envelope eventLogId inside data.
    eventLogId: Optional[int]
    # Loyalty entity that owns the points (customer or group).
    entityInformation: Optional[EntityInformation]
    # PROMISED_POINTS or EXTERNAL_TRIGGER_BASED_POINTS.
    pointsConvertedType: Optional[str]
    # Split by bill / line item.
    pointsConvertedBreakup: Optional[list[PromisedToCurrentPointsConversionPointsConvertedBreakup]]
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Optional[CustomerIdentifiers]
    # Points moved from promised to current.
    pointsConverted: Optional[float]
    # Lifetime earned total after the activity.
    programLifetimePoints: Optional[float]
    # Original earning activities.
    earningActivityReference: Optional[list[EarningActivityReference]]
    # SystemTrigger or externalTrigger.
    pointsConversionSource: Optional[str]
    # When the activity happened (date-time text).
    eventDateTime: Optional[str]
    # Spendable balance after the activity.
    programCurrentPoints: Optional[float]
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: Optional[TriggeringActivity]
    # Programme id.
    loyaltyProgramId: Optional[int]
    # The time of eventDateTime as epoch milliseconds.
    eventDateTimeInMillis: Optional[int]


class PromisedToCurrentPointsConversion(Envelope):
    """Points that were promised (or waiting for an outside trigger) become spendable."""

    eventName: Required[Literal["promisedToCurrentPointsConversion"]]
    data: Required[PromisedToCurrentPointsConversionData]


class RedeemedPointsReversedRedeemedPointsReversedDetails(TypedDict, total=False):
    """State of the returned points."""

    # Still spendable part.
    available: Optional[float]
    # Part that had already lapsed.
    expired: Optional[float]


class RedemptionReversalToEarningPrograms(TypedDict, total=False):
    """One entry."""

    # Programme id.
    programId: Optional[int]
    # Points given back.
    redeemedPointsReversed: Optional[float]
    # State of the returned points.
    redeemedPointsReversedDetails: Optional[RedeemedPointsReversedRedeemedPointsReversedDetails]
    # Spendable balance after the activity.
    programCurrentPoints: Optional[float]


class RedeemedPointsReversedData(TypedDict, total=False):
    """What happened."""

    # Points given back.
    redeemedPointsReversed: Optional[float]
    # State of the returned points.
    redeemedPointsReversedDetails: Optional[RedeemedPointsReversedRedeemedPointsReversedDetails]
    # Programme block (id, name, tiers, conversion ratio).
    loyaltyProgramDetails: Optional[LoyaltyProgramDetails]
    # Split by programme.
    redemptionReversalToEarningPrograms: Optional[list[RedemptionReversalToEarningPrograms]]
    # Loyalty entity that owns the points (customer or group).
    entityInformation: Optional[EntityInformation]
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Optional[CustomerIdentifiers]
    # Redemption id.
    redemptionSummaryId: Optional[int]
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: Optional[TriggeringActivity]
    # Programme id.
    loyaltyProgramId: Optional[int]


class RedeemedPointsReversed(Envelope):
    """A redemption is undone (points not used, or the bill they were used on was returned)."""

    eventName: Required[Literal["redeemedPointsReversed"]]
    data: Required[RedeemedPointsReversedData]


class SinglePointsExpiryUpdatedUpdatedPointsExpiry(TypedDict, total=False):
    """One entry."""

    # Programme id.
    programId: Optional[int]
    # Points in the slice.
    points: Optional[float]
    # BillRegular / billPromotions ...
    pointsType: Optional[str]
    # Old expiry (YYYY-MM-DD).
    oldExpiryDate: Optional[str]
    # New expiry (YYYY-MM-DD).
    newExpiryDate: Optional[str]
    # The time of oldExpiryDate as epoch milliseconds.
    oldExpiryDateInMillis: Optional[int]
    # The time of newExpiryDate as epoch milliseconds.
    newExpiryDateInMillis: Optional[int]


class SinglePointsExpiryUpdatedData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Optional[CustomerIdentifiers]
    # Loyalty entity that owns the points (customer or group).
    entityInformation: Optional[EntityInformation]
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: Optional[TriggeringActivity]
    # Slices whose expiry moved.
    updatedPointsExpiry: Optional[list[SinglePointsExpiryUpdatedUpdatedPointsExpiry]]


class SinglePointsExpiryUpdated(Envelope):
    """The common expiry date (single-expiry feature) of a customer's points moves."""

    eventName: Required[Literal["singlePointsExpiryUpdated"]]
    data: Required[SinglePointsExpiryUpdatedData]


class StreakCustomerEnrolmentStreakEnrolmentData(TypedDict, total=False):
    """One entry."""

    # Number of levels.
    numberOfLevel: Optional[int]
    # Id of this customer's streak instance (text).
    userStreakId: Optional[str]
    # Threshold per level (text items).
    levelValues: Optional[list[str]]
    # End (text "YYYY-MM-DD hh:mm:ss").
    endDate: Optional[str]
    # End of the streak window, epoch milliseconds: the instant that endDate tells.
    endDateInMillis: Optional[int]
    # Streak name.
    streakName: Optional[str]
    # Start (text "YYYY-MM-DD hh:mm:ss").
    startDate: Optional[str]
    # Start of the streak window, epoch milliseconds: the instant that startDate tells.
    startDateInMillis: Optional[int]
    # Streak count at joining (text).
    streakValueWhenEnrolled: Optional[str]
    # Joined at (text).
    enrolledDate: Optional[str]
    # When the customer joined the streak, epoch milliseconds: the instant that enrolledDate tells.
    enrolledDateInMillis: Optional[int]
    # Description text.
    descriptionOfTheStreak: Optional[str]


class StreakCustomerEnrolmentTargetData(TypedDict, total=False):
    """One entry."""

    # Target (rule) id.
    id: Optional[int]
    # Target name.
    name: Optional[str]
    # Target group (milestone) id.
    targetGroupId: Optional[int]
    # Target group name.
    targetGroupName: Optional[str]
    # Evaluation period/cycle id.
    targetPeriodId: Optional[int]
    # Evaluation period/cycle name.
    targetPeriodName: Optional[str]
    # Description text.
    description: Optional[str]


class StreakCustomerEnrolmentData(TypedDict, total=False):
    """What happened."""

    # Name of the tracked activity (e.g. TransactionAdd) - not the envelope event name.
    eventName: Optional[str]
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Optional[CustomerIdentifiers]
    # Copy of the envelope refId inside data.
    refId: Optional[str]
    # Copy of the envelope loyaltyEventId inside data.
    loyaltyEventId: Optional[str]
    # Streaks the customer joined.
    streakEnrolmentData: Optional[list[StreakCustomerEnrolmentStreakEnrolmentData]]
    # Activity id inside the target engine (not the envelope eventId).
    eventId: Optional[str]
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: Optional[TriggeringActivity]
    # Platform id of the transaction.
    transactionId: Optional[str]
    # Per-target rows.
    targetData: Optional[list[StreakCustomerEnrolmentTargetData]]
    # Copy of the org id inside data (text).
    orgId: Optional[str]


class StreakCustomerEnrolment(Envelope):
    """A customer joins a streak."""

    eventName: Required[Literal["streakCustomerEnrolment"]]
    data: Required[StreakCustomerEnrolmentData]


class StreakCustomerUnEnrolmentStreakUnEnrolmentData(TypedDict, total=False):
    """One entry."""

    # Number of levels.
    numberOfLevel: Optional[int]
    # Id of this customer's streak instance (text).
    userStreakId: Optional[str]
    # Threshold per level (text items).
    levelValues: Optional[list[str]]
    # End (text "YYYY-MM-DD hh:mm:ss").
    endDate: Optional[str]
    # End of the streak window, epoch milliseconds: the instant that endDate tells.
    endDateInMillis: Optional[int]
    # Streak name.
    streakName: Optional[str]
    # Streak count at leaving (text).
    streakValueWhenUnEnrolled: Optional[str]
    # Left at (text).
    unEnrolledDate: Optional[str]
    # When the customer left the streak, epoch milliseconds: the instant that unEnrolledDate tells.
    unEnrolledDateInMillis: Optional[int]
    # Start (text "YYYY-MM-DD hh:mm:ss").
    startDate: Optional[str]
    # Start of the streak window, epoch milliseconds: the instant that startDate tells.
    startDateInMillis: Optional[int]
    # Description text.
    descriptionOfTheStreak: Optional[str]


class StreakCustomerUnEnrolmentTargetData(TypedDict, total=False):
    """One entry."""

    # Target (rule) id.
    id: Optional[int]
    # Target name.
    name: Optional[str]
    # Target group (milestone) id.
    targetGroupId: Optional[int]
    # Target group name.
    targetGroupName: Optional[str]
    # Evaluation period/cycle id.
    targetPeriodId: Optional[int]
    # Evaluation period/cycle name.
    targetPeriodName: Optional[str]
    # Description text.
    description: Optional[str]


class StreakCustomerUnEnrolmentData(TypedDict, total=False):
    """What happened."""

    # Name of the tracked activity (e.g. TransactionAdd) - not the envelope event name.
    eventName: Optional[str]
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Optional[CustomerIdentifiers]
    # Copy of the envelope refId inside data.
    refId: Optional[str]
    # Copy of the envelope loyaltyEventId inside data.
    loyaltyEventId: Optional[str]
    # Activity id inside the target engine (not the envelope eventId).
    eventId: Optional[str]
    # Streaks the customer left.
    streakUnEnrolmentData: Optional[list[StreakCustomerUnEnrolmentStreakUnEnrolmentData]]
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: Optional[TriggeringActivity]
    # Platform id of the transaction.
    transactionId: Optional[str]
    # Per-target rows.
    targetData: Optional[list[StreakCustomerUnEnrolmentTargetData]]
    # Copy of the org id inside data (text).
    orgId: Optional[str]


class StreakCustomerUnEnrolment(Envelope):
    """A customer is taken out of a streak."""

    eventName: Required[Literal["streakCustomerUnEnrolment"]]
    data: Required[StreakCustomerUnEnrolmentData]


class StreakEndTargetDetails(TypedDict, total=False):
    """Target identity block."""

    # Target (rule) id.
    id: Optional[int]
    # Target name.
    name: Optional[str]
    # Target group (milestone) id.
    targetGroupId: Optional[int]
    # Target group name.
    targetGroupName: Optional[str]
    # Evaluation period/cycle id.
    targetPeriodId: Optional[int]
    # Evaluation period/cycle name.
    targetPeriodName: Optional[str]
    # Description text.
    description: Optional[str]


class StreakEndStreakEndData(TypedDict, total=False):
    """One entry."""

    # Streak name.
    streakName: Optional[str]
    # Description text.
    descriptionOfTheStreak: Optional[str]
    # Number of levels.
    numberOfLevel: Optional[int]
    # Threshold per level (text items).
    levelValues: Optional[list[str]]
    # Levels reached (text).
    numberOfLevelsAchievedByTheUser: Optional[str]
    # Levels reached.
    levelsAchievedByTheUser: Optional[list[str]]
    # Count at the end; text, and a number in an older sample.
    userStreakValueByTheEnd: Union[str, float, None]
    # End (text "YYYY-MM-DD hh:mm:ss").
    endDate: Optional[str]
    # End of the streak, epoch milliseconds: the instant that endDate tells.
    endDateInMillis: Optional[int]


class StreakEndData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Optional[CustomerIdentifiers]
    # Target identity block.
    targetDetails: Optional[StreakEndTargetDetails]
    # Streaks that ended.
    streakEndData: Optional[list[StreakEndStreakEndData]]
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: Optional[TriggeringActivity]


class StreakEnd(Envelope):
    """A streak ends for a customer."""

    eventName: Required[Literal["streakEnd"]]
    data: Required[StreakEndData]


class StreakLevelAchievedStreakData(TypedDict, total=False):
    """One entry."""

    # Current streak count (text).
    userCurrentStreakValue: Optional[str]
    # Level involved.
    streakLevelName: Optional[str]
    # Streak name.
    streakName: Optional[str]
    # Streak definition id (text).
    streakId: Optional[str]
    # Id of this customer's streak instance (text).
    userStreakId: Optional[str]
    # Date and time with milliseconds and numeric offset; the other dates of a streak have no zone.
    streakLevelAchievedDate: Optional[str]
    # When the level was reached, epoch milliseconds: the instant that streakLevelAchievedDate
    # tells.
    streakLevelAchievedDateInMillis: Optional[int]


class StreakLevelAchievedTargetData(TypedDict, total=False):
    """One entry."""

    # Target (rule) id.
    id: Optional[int]
    # Target name.
    name: Optional[str]
    # Target group (milestone) id.
    targetGroupId: Optional[int]
    # Target group name.
    targetGroupName: Optional[str]
    # Evaluation period/cycle id.
    targetPeriodId: Optional[int]
    # Evaluation period/cycle name.
    targetPeriodName: Optional[str]
    # Description text.
    description: Optional[str]


class StreakLevelAchievedData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Optional[CustomerIdentifiers]
    # Streak rows.
    streakData: Optional[list[StreakLevelAchievedStreakData]]
    # Per-target rows.
    targetData: Optional[list[StreakLevelAchievedTargetData]]
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: Optional[TriggeringActivity]


class StreakLevelAchieved(Envelope):
    """A customer reaches a streak level."""

    eventName: Required[Literal["streakLevelAchieved"]]
    data: Required[StreakLevelAchievedData]


class StreakLevelUnAchievedStreakData(TypedDict, total=False):
    """One entry."""

    # Current streak count (text).
    userCurrentStreakValue: Optional[str]
    # Level involved.
    streakLevelName: Optional[str]
    # Streak name.
    streakName: Optional[str]
    # Streak definition id (text).
    streakId: Optional[str]
    # Id of this customer's streak instance (text).
    userStreakId: Optional[str]
    # Date-time text with numeric offset.
    streakLevelAchievedDate: Optional[str]


class StreakLevelUnAchievedTargetData(TypedDict, total=False):
    """One entry."""

    # Target (rule) id.
    id: Optional[int]
    # Target name.
    name: Optional[str]
    # Target group (milestone) id.
    targetGroupId: Optional[int]
    # Target group name.
    targetGroupName: Optional[str]
    # Evaluation period/cycle id.
    targetPeriodId: Optional[int]
    # Evaluation period/cycle name.
    targetPeriodName: Optional[str]
    # Description text.
    description: Optional[str]


class StreakLevelUnAchievedData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Optional[CustomerIdentifiers]
    # Streak rows.
    streakData: Optional[list[StreakLevelUnAchievedStreakData]]
    # Per-target rows.
    targetData: Optional[list[StreakLevelUnAchievedTargetData]]
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: Optional[TriggeringActivity]


class StreakLevelUnAchieved(Envelope):
    """A streak level is lost / not reached in time."""

    eventName: Required[Literal["streakLevelUnAchieved"]]
    data: Required[StreakLevelUnAchievedData]


class StreakStartTargetDetails(TypedDict, total=False):
    """Target identity block."""

    # Target (rule) id.
    id: Optional[int]
    # Target name.
    name: Optional[str]
    # Target group (milestone) id.
    targetGroupId: Optional[int]
    # Target group name.
    targetGroupName: Optional[str]
    # Evaluation period/cycle id.
    targetPeriodId: Optional[int]
    # Evaluation period/cycle name.
    targetPeriodName: Optional[str]
    # Description text.
    description: Optional[str]


class StreakStartStreakStartData(TypedDict, total=False):
    """One entry."""

    # Streak name.
    streakName: Optional[str]
    # Description text.
    descriptionOfTheStreak: Optional[str]
    # Number of levels.
    numberOfLevel: Optional[int]
    # Threshold per level (text items).
    levelValues: Optional[list[str]]
    # Count at start (text).
    userStreakValueAtTheStart: Optional[str]
    # Start (text "YYYY-MM-DD hh:mm:ss").
    startDate: Optional[str]
    # Start of the streak, epoch milliseconds: the instant that startDate tells.
    startDateInMillis: Optional[int]


class StreakStartData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Optional[CustomerIdentifiers]
    # Target identity block.
    targetDetails: Optional[StreakStartTargetDetails]
    # Streaks that started.
    streakStartData: Optional[list[StreakStartStreakStartData]]
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: Optional[TriggeringActivity]


class StreakStart(Envelope):
    """A streak starts for a customer."""

    eventName: Required[Literal["streakStart"]]
    data: Required[StreakStartData]


class TargetAchievedValueUpdatedTargetDetails(TypedDict, total=False):
    """Target identity block."""

    # Target (rule) id.
    id: Optional[int]
    # Target name.
    name: Optional[str]
    # Target group (milestone) id.
    targetGroupId: Optional[int]
    # Target group name.
    targetGroupName: Optional[str]
    # Evaluation period/cycle id.
    targetPeriodId: Optional[int]
    # Evaluation period/cycle name.
    targetPeriodName: Optional[str]
    # Description text.
    description: Optional[str]


class TargetAchievedValueUpdatedMilestoneDetails(TypedDict, total=False):
    """One entry."""

    # Milestone id.
    id: Optional[int]
    # Milestone name.
    name: Optional[str]
    # How the milestone value is expressed.
    valueType: Optional[str]
    # Milestone goal (text). Decimal number as text.
    definedValue: Optional[str]
    # When reached (epoch milliseconds).
    achievedDate: Optional[int]


class TargetAchievedValueUpdatedData(TypedDict, total=False):
    """What happened."""

    # Name of the tracked activity (e.g. TransactionAdd) - not the envelope event name.
    eventName: Optional[str]
    # Return transaction id when a return lowered the value.
    returnId: Optional[int]
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Optional[CustomerIdentifiers]
    # Progress after this activity (decimal text, 3 places in samples). Decimal number as text.
    achievedTargetValue: Optional[str]
    # Target identity block.
    targetDetails: Optional[TargetAchievedValueUpdatedTargetDetails]
    # Milestones of the target.
    milestoneDetails: Optional[list[TargetAchievedValueUpdatedMilestoneDetails]]
    # Activity id inside the target engine (not the envelope eventId).
    eventId: Optional[int]
    # Goal value (decimal text). Decimal number as text.
    definedTargetValue: Optional[str]
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: Optional[TriggeringActivity]
    # Platform id of the transaction.
    transactionId: Optional[int]
    # Progress contributed by this one activity; always positive, even for a return. Decimal number
    # as text.
    currentEventTargetValue: Optional[str]


class TargetAchievedValueUpdated(Envelope):
    """Progress towards a target goes up, or (since 2023) down after a return."""

    eventName: Required[Literal["targetAchievedValueUpdated"]]
    data: Required[TargetAchievedValueUpdatedData]


class TargetCustomerEnrolmentMilestoneDetails(TypedDict, total=False):
    """One entry."""

    # Milestone id.
    id: Optional[int]
    # Milestone name.
    name: Optional[str]
    # How the milestone value is expressed.
    valueType: Optional[str]
    # Milestone goal (text). Decimal number as text.
    definedValue: Optional[str]
    # When reached (epoch milliseconds).
    achievedDate: Optional[int]


class TargetCustomerEnrolmentData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Optional[CustomerIdentifiers]
    # Activity id inside the target engine (not the envelope eventId).
    eventId: Optional[int]
    # Goal used when no personal goal is set (decimal text). Decimal number as text.
    defaultTargetValue: Optional[str]
    # Target (rule) id.
    targetId: Optional[int]
    # Target name.
    targetName: Optional[str]
    # Target group (milestone) id.
    targetGroupId: Optional[int]
    # Target group name.
    targetGroupName: Optional[str]
    # Channel the profile/record came from, in upper case.
    source: Optional[str]
    # Evaluation period/cycle id.
    targetPeriodId: Optional[int]
    # Evaluation period/cycle name.
    targetPeriodName: Optional[str]
    # Start of the fixed window: YYYY-MM-DD hh:mm:ss.S in the time of the org, without a zone.
    targetPeriodStartDate: Optional[str]
    # Start of the fixed period (fixed-window targets only), epoch milliseconds: the instant that
    # targetPeriodStartDate tells.
    targetPeriodStartDateInMillis: Optional[int]
    # Start of the customer's cycle: YYYY-MM-DD hh:mm:ss.S in the time of the org, without a zone.
    targetCycleStartDate: Optional[str]
    # Start of the customer's cycle (cyclic targets only), epoch milliseconds: the instant that
    # targetCycleStartDate tells.
    targetCycleStartDateInMillis: Optional[int]
    # Description text.
    description: Optional[str]
    # Milestones of the target.
    milestoneDetails: Optional[list[TargetCustomerEnrolmentMilestoneDetails]]


class TargetCustomerEnrolment(Envelope):
    """A customer is enrolled in a target."""

    eventName: Required[Literal["targetCustomerEnrolment"]]
    data: Required[TargetCustomerEnrolmentData]


class TargetCustomerUnenrolmentMilestoneDetails(TypedDict, total=False):
    """One entry."""

    # Milestone id.
    id: Optional[int]
    # Milestone name.
    name: Optional[str]
    # How the milestone value is expressed.
    valueType: Optional[str]
    # Milestone goal (text). Decimal number as text.
    definedValue: Optional[str]
    # When reached (epoch milliseconds).
    achievedDate: Optional[int]


class TargetCustomerUnenrolmentData(TypedDict, total=False):
    """What happened."""

    # Who left the target; thin unless identifier enrichment is switched on.
    customerIdentifiers: Optional[CustomerIdentifiers]
    # Goal used when no personal goal is set (decimal text). Decimal number as text.
    defaultTargetValue: Optional[str]
    # Target (rule) id.
    targetId: Optional[int]
    # Target name.
    targetName: Optional[str]
    # Target group (milestone) id.
    targetGroupId: Optional[int]
    # Target group name.
    targetGroupName: Optional[str]
    # What took the customer out, in upper case.
    source: Optional[str]
    # Evaluation period/cycle id.
    targetPeriodId: Optional[int]
    # Evaluation period/cycle name.
    targetPeriodName: Optional[str]
    # Start of the fixed window: YYYY-MM-DD hh:mm:ss.S in the time of the org, without a zone.
    targetPeriodStartDate: Optional[str]
    # Start of the fixed period (fixed-window targets only), epoch milliseconds: the instant that
    # targetPeriodStartDate tells.
    targetPeriodStartDateInMillis: Optional[int]
    # Start of the customer's cycle: YYYY-MM-DD hh:mm:ss.S in the time of the org, without a zone.
    targetCycleStartDate: Optional[str]
    # Start of the customer's cycle (cyclic targets only), epoch milliseconds: the instant that
    # targetCycleStartDate tells.
    targetCycleStartDateInMillis: Optional[int]
    # Description text; may be empty.
    description: Optional[str]
    # Milestones of the target; empty in all samples.
    milestoneDetails: Optional[list[TargetCustomerUnenrolmentMilestoneDetails]]


class TargetCustomerUnenrolment(Envelope):
    """A customer is taken out of a target."""

    eventName: Required[Literal["targetCustomerUnenrolment"]]
    data: Required[TargetCustomerUnenrolmentData]


class TargetPeriodCompletedTargetDetails(TypedDict, total=False):
    """Target identity block."""

    # Target (rule) id.
    id: Optional[int]
    # Target name.
    name: Optional[str]
    # Target group (milestone) id.
    targetGroupId: Optional[int]
    # Target group name.
    targetGroupName: Optional[str]
    # Evaluation period/cycle id.
    targetPeriodId: Optional[int]
    # Evaluation period/cycle name.
    targetPeriodName: Optional[str]
    # Description text.
    description: Optional[str]


class TargetPeriodCompletedMilestoneDetails(TypedDict, total=False):
    """One entry."""

    # Milestone id.
    id: Optional[int]
    # Milestone name.
    name: Optional[str]
    # How the milestone value is expressed.
    valueType: Optional[str]
    # Milestone goal (text). Decimal number as text.
    definedValue: Optional[str]
    # When reached (epoch milliseconds).
    achievedDate: Optional[int]


class TargetPeriodCompletedData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Optional[CustomerIdentifiers]
    # Target identity block.
    targetDetails: Optional[TargetPeriodCompletedTargetDetails]
    # Progress after this activity (decimal text, 3 places in samples). Decimal number as text.
    achievedTargetValue: Optional[str]
    # Goal value (decimal text). Decimal number as text.
    definedTargetValue: Optional[str]
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: Optional[TriggeringActivity]
    # Milestones of the target.
    milestoneDetails: Optional[list[TargetPeriodCompletedMilestoneDetails]]


class TargetPeriodCompleted(Envelope):
    """An evaluation period of a target ends for the customer."""

    eventName: Required[Literal["targetPeriodCompleted"]]
    data: Required[TargetPeriodCompletedData]


class TargetPeriodStartedTargetDetails(TypedDict, total=False):
    """Target identity block."""

    # Target (rule) id.
    id: Optional[int]
    # Target name.
    name: Optional[str]
    # Target group (milestone) id.
    targetGroupId: Optional[int]
    # Target group name.
    targetGroupName: Optional[str]
    # Evaluation period/cycle id.
    targetPeriodId: Optional[int]
    # Evaluation period/cycle name.
    targetPeriodName: Optional[str]
    # Description text.
    description: Optional[str]


class TargetPeriodStartedData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Optional[CustomerIdentifiers]
    # Target identity block.
    targetDetails: Optional[TargetPeriodStartedTargetDetails]
    # Goal value (decimal text). Decimal number as text.
    definedTargetValue: Optional[str]
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: Optional[TriggeringActivity]


class TargetPeriodStarted(Envelope):
    """An evaluation period of a target begins for the customer."""

    eventName: Required[Literal["targetPeriodStarted"]]
    data: Required[TargetPeriodStartedData]


class TargetValueAchievedTargetDetails(TypedDict, total=False):
    """Target identity block."""

    # Target (rule) id.
    id: Optional[int]
    # Target name.
    name: Optional[str]
    # Target group (milestone) id.
    targetGroupId: Optional[int]
    # Target group name.
    targetGroupName: Optional[str]
    # Evaluation period/cycle id.
    targetPeriodId: Optional[int]
    # Evaluation period/cycle name.
    targetPeriodName: Optional[str]
    # Description text.
    description: Optional[str]


class TargetValueAchievedData(TypedDict, total=False):
    """What happened."""

    # Name of the tracked activity (e.g. TransactionAdd) - not the envelope event name.
    eventName: Optional[str]
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Optional[CustomerIdentifiers]
    # Progress after this activity (decimal text, 3 places in samples). Decimal number as text.
    achievedTargetValue: Optional[str]
    # Target identity block.
    targetDetails: Optional[TargetValueAchievedTargetDetails]
    # Activity id inside the target engine (not the envelope eventId).
    eventId: Optional[int]
    # Goal value (decimal text). Decimal number as text.
    definedTargetValue: Optional[str]
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: Optional[TriggeringActivity]
    # Platform id of the transaction.
    transactionId: Optional[int]
    # Progress contributed by this one activity; always positive, even for a return. Decimal number
    # as text.
    currentEventTargetValue: Optional[str]


class TargetValueAchieved(Envelope):
    """A customer reaches the goal of a target."""

    eventName: Required[Literal["targetValueAchieved"]]
    data: Required[TargetValueAchievedData]


class TargetValueUpdatedTargetDetails(TypedDict, total=False):
    """Target identity block."""

    # Target (rule) id.
    id: Optional[int]
    # Target name.
    name: Optional[str]
    # Target group (milestone) id.
    targetGroupId: Optional[int]
    # Target group name.
    targetGroupName: Optional[str]
    # Evaluation period/cycle id.
    targetPeriodId: Optional[int]
    # Evaluation period/cycle name.
    targetPeriodName: Optional[str]
    # Description text.
    description: Optional[str]


class TargetValueUpdatedData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Optional[CustomerIdentifiers]
    # Target identity block.
    targetDetails: Optional[TargetValueUpdatedTargetDetails]
    # Progress after this activity (decimal text, 3 places in samples). Decimal number as text.
    achievedTargetValue: Optional[str]
    # Goal value (decimal text). Decimal number as text.
    definedTargetValue: Optional[str]


class TargetValueUpdated(Envelope):
    """The goal set for the customer is changed."""

    eventName: Required[Literal["targetValueUpdated"]]
    data: Required[TargetValueUpdatedData]


class UnifiedTargetsAchievedUnifiedTargetsAchievementCondition(TypedDict, total=False):
    """Rule deciding when the unified group counts as met."""

    # How the member targets combine (ANY seen).
    combinationType: Optional[str]
    # How values are aggregated (SUM seen).
    aggregation: Optional[str]
    # Combined threshold.
    thresholdValue: Optional[float]
    # Boolean expression over target ids.
    ruleExpression: Optional[str]


class UnifiedTargetsAchievedUnifiedTargetGroupDetails(TypedDict, total=False):
    """The unified (multi-target) group."""

    # Target group (milestone) id.
    targetGroupId: Optional[int]
    # Target group name.
    targetGroupName: Optional[str]
    # Rule deciding when the unified group counts as met.
    unifiedTargetsAchievementCondition: Optional[
        UnifiedTargetsAchievedUnifiedTargetsAchievementCondition
    ]


class UnifiedTargetsAchievedTargetData(TypedDict, total=False):
    """One entry."""

    # Target (rule) id.
    targetId: Optional[int]
    # Target name.
    targetName: Optional[str]
    # Description text.
    description: Optional[str]
    # Evaluation period/cycle id.
    targetPeriodId: Optional[int]
    # Evaluation period/cycle name.
    targetPeriodName: Optional[str]
    # Progress after this activity (decimal text, 3 places in samples). Decimal number as text.
    achievedTargetValue: Optional[str]
    # Goal value (decimal text). Decimal number as text.
    definedTargetValue: Optional[str]


class UnifiedTargetsAchievedData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Optional[CustomerIdentifiers]
    # The unified (multi-target) group.
    unifiedTargetGroupDetails: Optional[UnifiedTargetsAchievedUnifiedTargetGroupDetails]
    # Per-target rows.
    targetData: Optional[list[UnifiedTargetsAchievedTargetData]]
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: Optional[TriggeringActivity]
    # Platform id of the transaction.
    transactionId: Optional[int]


class UnifiedTargetsAchieved(Envelope):
    """A customer meets a unified (multi-target) goal."""

    eventName: Required[Literal["unifiedTargetsAchieved"]]
    data: Required[UnifiedTargetsAchievedData]


class UnifiedTargetsAchievementCondition(TypedDict, total=False):
    """Rule deciding when the unified group counts as met."""

    # How the member targets combine (ANY seen).
    combinationType: Optional[str]
    # How values are aggregated (SUM seen).
    aggregation: Optional[str]
    # Combined threshold.
    thresholdValue: Optional[float]
    # Boolean expression over target ids.
    ruleExpression: Optional[str]


class UnifiedTargetsUnAchievedUnifiedTargetGroupDetails(TypedDict, total=False):
    """The unified (multi-target) group."""

    # Target group (milestone) id.
    targetGroupId: Optional[int]
    # Target group name.
    targetGroupName: Optional[str]
    # Rule deciding when the unified group counts as met.
    unifiedTargetsAchievementCondition: Optional[UnifiedTargetsAchievementCondition]


class UnifiedTargetsUnAchievedTargetData(TypedDict, total=False):
    """One entry."""

    # Target (rule) id.
    targetId: Optional[int]
    # Target name.
    targetName: Optional[str]
    # Description text.
    description: Optional[str]
    # Evaluation period/cycle id.
    targetPeriodId: Optional[int]
    # Evaluation period/cycle name.
    targetPeriodName: Optional[str]
    # Progress after this activity (decimal text, 3 places in samples). Decimal number as text.
    achievedTargetValue: Optional[str]
    # Goal value (decimal text). Decimal number as text.
    definedTargetValue: Optional[str]


class UnifiedTargetsUnAchievedData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Optional[CustomerIdentifiers]
    # The unified (multi-target) group.
    unifiedTargetGroupDetails: Optional[UnifiedTargetsUnAchievedUnifiedTargetGroupDetails]
    # Per-target rows.
    targetData: Optional[list[UnifiedTargetsUnAchievedTargetData]]
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: Optional[TriggeringActivity]
    # Platform id of the transaction.
    transactionId: Optional[int]


class UnifiedTargetsUnAchieved(Envelope):
    """The unified target group stops being met / is not met in its window."""

    eventName: Required[Literal["unifiedTargetsUnAchieved"]]
    data: Required[UnifiedTargetsUnAchievedData]
