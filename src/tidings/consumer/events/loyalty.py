"""Events of the family loyalty.

Made from the catalogue (`make models`): change the event type's file, not this one.
"""

from typing import Any, Literal, Required, TypedDict

from tidings.consumer.events.common import (
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


class PromotionalAlternateCurrenciesIssued(TypedDict, total=False):
    """One entry."""

    # Promotion name.
    promotionName: str | None
    # Promotion identifier (text).
    promotionIdentifier: str | None
    # Promotion kind.
    promotionType: str | None
    # Amount from the promotion.
    promotionAlternateCurrencies: float | None
    # Expiry (YYYY-MM-DD).
    promotionAlternateCurrenciesExpiryDate: str | None
    # Last valid moment of this promotional part, epoch milliseconds: the instant that
    # promotionAlternateCurrenciesExpiryDate tells.
    promotionAlternateCurrenciesExpiryDateInMillis: int | None


class PromisedAlternateCurrenciesIssued(TypedDict, total=False):
    """One entry."""

    # Promised amount.
    promisedAlternateCurrencies: float | None
    # True when release waits for an outside trigger.
    isExternalTriggerBased: bool | None
    # Planned release (YYYY-MM-DD).
    promisedAlternateCurrenciesConversionDate: str | None
    # Promotion identifier (text).
    promotionIdentifier: str | None


class RegularAlternateCurrenciesBreakup(TypedDict, total=False):
    """One entry."""

    # Amount.
    alternateCurrencies: float | None
    # Expiry (YYYY-MM-DD).
    expiryAt: str | None
    # Last valid moment of this part, epoch milliseconds: the instant that expiryAt tells.
    expiryAtInMillis: int | None


class AlternateCurrenciesIssuedAlternateCurrenciesIssuedData(TypedDict, total=False):
    """One entry."""

    # Slices issued by promotions.
    promotionalAlternateCurrenciesIssued: list[PromotionalAlternateCurrenciesIssued] | None
    # Promised slices.
    promisedAlternateCurrenciesIssued: list[PromisedAlternateCurrenciesIssued] | None
    # Regular amount split by expiry.
    regularAlternateCurrenciesBreakup: list[RegularAlternateCurrenciesBreakup] | None
    # Total issued.
    totalAlternateCurrenciesIssued: float | None
    # Currency code.
    alternateCurrencyIdentifier: str | None
    # Balance after.
    programCurrentAlternateCurrencies: float | None
    # Currency name.
    alternateCurrencyName: str | None
    # Regular amount issued.
    regularAlternateCurrenciesIssued: float | None
    # Lifetime total after.
    programLifetimeAlternateCurrencies: float | None


class PromotionalAlternateCurrenciesIssued2(TypedDict, total=False):
    """One entry."""

    # Promotion name.
    promotionName: str | None
    # Promotion identifier (text).
    promotionIdentifier: str | None
    # Promotion kind.
    promotionType: str | None
    # Amount from the promotion.
    promotionAlternateCurrencies: float | None
    # Expiry (YYYY-MM-DD).
    promotionAlternateCurrenciesExpiryDate: str | None


class RegularAlternateCurrenciesBreakup2(TypedDict, total=False):
    """One entry."""

    # Amount.
    alternateCurrencies: float | None
    # Expiry (YYYY-MM-DD).
    expiryAt: str | None


class AlternateCurrenciesIssuedAlternateCurrencies(TypedDict, total=False):
    """One entry."""

    # Slices issued by promotions.
    promotionalAlternateCurrenciesIssued: list[PromotionalAlternateCurrenciesIssued2] | None
    # Promised slices.
    promisedAlternateCurrenciesIssued: list[PromisedAlternateCurrenciesIssued] | None
    # Regular amount split by expiry.
    regularAlternateCurrenciesBreakup: list[RegularAlternateCurrenciesBreakup2] | None
    # Total issued.
    totalAlternateCurrenciesIssued: float | None
    # Currency code.
    alternateCurrencyIdentifier: str | None
    # Balance after.
    programCurrentAlternateCurrencies: float | None
    # Currency name.
    alternateCurrencyName: str | None
    # Regular amount issued.
    regularAlternateCurrenciesIssued: float | None
    # Lifetime total after.
    programLifetimeAlternateCurrencies: float | None


class AlternateCurrenciesIssuedData(TypedDict, total=False):
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
    # One row per alternate currency.
    alternateCurrenciesIssuedData: (
        list[AlternateCurrenciesIssuedAlternateCurrenciesIssuedData] | None
    )
    # The older name of alternateCurrenciesIssuedData. Samples up to 2025 have it; captures since
    # have alternateCurrenciesIssuedData. Both are accepted.
    alternateCurrencies: list[AlternateCurrenciesIssuedAlternateCurrencies] | None


class AlternateCurrenciesIssued(Envelope):
    """An alternate currency is issued to a customer."""

    eventName: Required[Literal["alternateCurrenciesIssued"]]
    data: Required[AlternateCurrenciesIssuedData]


class CurrentEventPromotionAlternateCurrenciesReturnedDetails(TypedDict, total=False):
    """One entry."""

    # Promotion identifier (text).
    promotionIdentifier: str | None
    # Promotion kind.
    promotionType: str | None
    # Amount from the promotion.
    promotionAlternateCurrencies: float | None


class PromotionalAlternateCurrenciesReversed(TypedDict, total=False):
    """One entry."""

    # Promotion identifier (text).
    promotionIdentifier: str | None
    # Promotion kind.
    promotionType: str | None
    # Amount from the promotion.
    promotionAlternateCurrencies: float | None


class AlternateCurrenciesReversedData(TypedDict, total=False):
    """One entry."""

    # Promised amount taken back.
    promisedAlternateCurrenciesReversed: float | None
    # Promotional slices taken back by this return.
    currentEventPromotionAlternateCurrenciesReturnedDetails: (
        list[CurrentEventPromotionAlternateCurrenciesReturnedDetails] | None
    )
    # Promised amount taken back by this return.
    currentEventPromisedAlternateCurrenciesReturned: float | None
    # Regular amount taken back.
    regularAlternateCurrenciesReversed: float | None
    # Currency code.
    alternateCurrencyIdentifier: str | None
    # Balance after.
    programCurrentAlternateCurrencies: float | None
    # Total taken back by this return.
    currentEventTotalAlternateCurrenciesReturned: float | None
    # Currency name.
    alternateCurrencyName: str | None
    # Lifetime total after.
    programLifetimeAlternateCurrencies: float | None
    # Total taken back.
    totalIssuedAlternateCurrenciesReversed: float | None
    # Promotional amount taken back.
    promotionalAlternateCurrenciesReversed: list[PromotionalAlternateCurrenciesReversed] | None
    # Regular amount taken back by this return.
    currentEventRegularAlternateCurrenciesReturned: float | None


class IssuedAlternateCurrenciesReversedAlternateCurrencies(TypedDict, total=False):
    """One entry."""

    # Promised amount taken back.
    promisedAlternateCurrenciesReversed: float | None
    # Promotional slices taken back by this return.
    currentEventPromotionAlternateCurrenciesReturnedDetails: (
        list[CurrentEventPromotionAlternateCurrenciesReturnedDetails] | None
    )
    # Promised amount taken back by this return.
    currentEventPromisedAlternateCurrenciesReturned: float | None
    # Regular amount taken back.
    regularAlternateCurrenciesReversed: float | None
    # Currency code.
    alternateCurrencyIdentifier: str | None
    # Balance after.
    programCurrentAlternateCurrencies: float | None
    # Total taken back by this return.
    currentEventTotalAlternateCurrenciesReturned: float | None
    # Currency name.
    alternateCurrencyName: str | None
    # Lifetime total after.
    programLifetimeAlternateCurrencies: float | None
    # Promotional amount taken back.
    promotionalAlternateCurrenciesReversed: list[PromotionalAlternateCurrenciesReversed] | None
    # Regular amount taken back by this return.
    currentEventRegularAlternateCurrenciesReturned: float | None
    # Total taken back.
    totalAlternateCurrenciesReversed: float | None


class IssuedAlternateCurrenciesReversedData(TypedDict, total=False):
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
    # One row per alternate currency.
    alternateCurrenciesReversedData: list[AlternateCurrenciesReversedData] | None
    # The older name of alternateCurrenciesReversedData. One sample that was written by hand has it;
    # the schema has alternateCurrenciesReversedData. Both are accepted.
    alternateCurrencies: list[IssuedAlternateCurrenciesReversedAlternateCurrencies] | None


class IssuedAlternateCurrenciesReversed(Envelope):
    """Issued alternate currency is taken back (e.g. item returned)."""

    eventName: Required[Literal["issuedAlternateCurrenciesReversed"]]
    data: Required[IssuedAlternateCurrenciesReversedData]


class CurrentEventPromotionPointsReturnedDetails(TypedDict, total=False):
    """One entry."""

    # Promotion identifier (text).
    promotionIdentifier: str | None
    # Promotion kind.
    promotionType: str | None
    # Points from the promotion.
    promotionPoints: float | None


class IssuedPointsReversedPromotionalPointsReversed(TypedDict, total=False):
    """One entry."""

    # Promotion identifier (text).
    promotionIdentifier: str | None
    # Promotion kind.
    promotionType: str | None
    # Points from the promotion.
    promotionPoints: float | None


class IssuedPointsReversedData(TypedDict, total=False):
    """What happened."""

    # Regular points taken back.
    regularPointsReversed: float | None
    # Programme block (id, name, tiers, conversion ratio).
    loyaltyProgramDetails: LoyaltyProgramDetails | None
    # Loyalty entity that owns the points (customer or group).
    entityInformation: EntityInformation | None
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers | None
    # Regular points taken back by this return.
    currentEventRegularPointsReturned: float | None
    # Promotional slices taken back by this return.
    currentEventPromotionPointsReturnedDetails: (
        list[CurrentEventPromotionPointsReturnedDetails] | None
    )
    # Promised points taken back.
    promisedPointsReversed: float | None
    # Lifetime earned total after the activity.
    programLifetimePoints: float | None
    # Promotional points taken back.
    promotionalPointsReversed: list[IssuedPointsReversedPromotionalPointsReversed] | None
    # All issued points taken back so far.
    totalIssuedPointsReversed: float | None
    # Total taken back by this return.
    currentEventTotalPointsReturned: float | None
    # Spendable balance after the activity.
    programCurrentPoints: float | None
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity | None
    # Programme id.
    loyaltyProgramId: int | None
    # Promised points taken back by this return.
    currentEventPromisedPointsReturned: float | None


class IssuedPointsReversed(Envelope):
    """Issued points are taken back, typically because the bill was returned."""

    eventName: Required[Literal["issuedPointsReversed"]]
    data: Required[IssuedPointsReversedData]


class LoyaltyCustomerMergeSurvivorCustomerLoyaltySummary(TypedDict, total=False):
    """One entry."""

    # Programme id.
    loyaltyProgramId: int | None
    # Lifetime points.
    lifetimePoints: float | None
    # Spendable points.
    currentPoints: float | None
    # Promised points.
    promisedPoints: float | None
    # Tier number.
    tierNumber: int | None


class LoyaltyCustomerMergeData(TypedDict, total=False):
    """What happened."""

    # Profile that remains.
    survivorCustomerIdentifiers: CustomerIdentifiers | None
    # Profile merged away.
    victimCustomerIdentifiers: CustomerIdentifiers | None
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity | None
    # Programme block (id, name, tiers, conversion ratio).
    loyaltyProgramDetails: LoyaltyProgramDetails | None
    # Till (and store) or user that keyed the activity; only id without till/store enrichment.
    enteredBy: Actor | None
    # Balances of the remaining profile per programme.
    survivorCustomerLoyaltySummary: list[LoyaltyCustomerMergeSurvivorCustomerLoyaltySummary] | None


class LoyaltyCustomerMerge(Envelope):
    """Two member profiles are merged."""

    eventName: Required[Literal["loyaltyCustomerMerge"]]
    data: Required[LoyaltyCustomerMergeData]


class ManualPointsAdjustmentProgramPointsSplit(TypedDict, total=False):
    """One entry."""

    # Award row id.
    pointsAwardedId: int | None
    # Programme id.
    programId: int | None
    # Points (decimal text). Decimal number as text.
    points: str | None
    # Kind of points.
    pointsType: str | None


class ManualPointsAdjustmentData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers | None
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity | None
    # Points deducted (decimal text; key is misspelt on the wire). Misspelt on the wire
    # (totalPointsDeducted) and a decimal number as text; kept.
    totalPoinstDeducted: str | None
    # Split per award.
    programPointsSplit: list[ManualPointsAdjustmentProgramPointsSplit] | None
    # Reason text.
    reason: str | None


class ManualPointsAdjustment(Envelope):
    """Points are deducted/adjusted by hand."""

    eventName: Required[Literal["manualPointsAdjustment"]]
    data: Required[ManualPointsAdjustmentData]


class PointsExpiredData(TypedDict, total=False):
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
    # Points that lapsed.
    pointsExpired: float | None


class PointsExpired(Envelope):
    """Points of a customer lapse."""

    eventName: Required[Literal["pointsExpired"]]
    data: Required[PointsExpiredData]


class PointsExpiryChangeUpdatedPointsExpiryBreakup(TypedDict, total=False):
    """One entry."""

    # Award row id.
    pointAwardedRefID: int | None
    # Award row kind (POINT_AWARDED seen).
    pointsAwardedRefType: str | None
    # Promotion id, when promotional.
    promotionID: int | None
    # Points in the slice.
    points: float | None
    # Old expiry (text).
    pointsPreviousExpiryDate: str | None
    # EXTEND_EXPIRY / EARLY_EXPIRY seen.
    expiryUpdateReasonType: str | None
    # Free-text note.
    expiryUpdateReasonNote: str | None
    # New expiry (text).
    newExpiryDate: str | None
    # How the new expiry was set.
    newExpirySetType: str | None
    # The time of pointsPreviousExpiryDate as epoch milliseconds.
    pointsPreviousExpiryDateInMillis: int | None
    # The time of newExpiryDate as epoch milliseconds.
    newExpiryDateInMillis: int | None


class PointsExpiryChangeData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers | None
    # Loyalty entity that owns the points (customer or group).
    entityInformation: EntityInformation | None
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity | None
    # Programme block (id, name, tiers, conversion ratio).
    loyaltyProgramDetails: LoyaltyProgramDetails | None
    # Slices whose expiry changed.
    updatedPointsExpiryBreakup: list[PointsExpiryChangeUpdatedPointsExpiryBreakup] | None


class PointsExpiryChange(Envelope):
    """The expiry date of some awarded points is changed."""

    eventName: Required[Literal["pointsExpiryChange"]]
    data: Required[PointsExpiryChangeData]


class PointsExpiryReminderData(TypedDict, total=False):
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
    # Points about to lapse.
    pointsScheduledForExpiry: float | None
    # Lapse date (YYYY-MM-DD).
    scheduledExpiryDate: str | None
    # The time of scheduledExpiryDate as epoch milliseconds.
    scheduledExpiryDateInMillis: int | None


class PointsExpiryReminder(Envelope):
    """Ahead of points lapsing (lead time not stated)."""

    eventName: Required[Literal["pointsExpiryReminder"]]
    data: Required[PointsExpiryReminderData]


class PointsIssuedPromisedPointsIssued(TypedDict, total=False):
    """One entry."""

    # Promised amount.
    promisedPoints: float | None
    # True when release waits for an outside trigger.
    isExternalTriggerBased: bool | None
    # Planned release date (YYYY-MM-DD).
    promisedPointsConversionDate: str | None
    # Promotion identifier (text).
    promotionIdentifier: str | None
    # Reference of the award; present with awarded-reference enrichment. The docs say that there is
    # one and give neither name nor type: the name is ours.
    awardedReferenceId: Any
    # The time of promisedPointsConversionDate as epoch milliseconds.
    promisedPointsConversionDateInMillis: int | None


class PointsIssuedRegularPointsBreakup(TypedDict, total=False):
    """One entry."""

    # Points in this slice.
    points: float | None
    # Expiry date (YYYY-MM-DD).
    expiryAt: str | None
    # Reference of the award; present with awarded-reference enrichment. The docs say that there is
    # one and give neither name nor type: the name is ours.
    awardedReferenceId: Any
    # The time of expiryAt as epoch milliseconds.
    expiryAtInMillis: int | None


class PointsIssuedPromotionalPointsIssued(TypedDict, total=False):
    """One entry."""

    # Promotion name.
    promotionName: str | None
    # Promotion identifier (text).
    promotionIdentifier: str | None
    # Promotion kind.
    promotionType: str | None
    # Points from the promotion.
    promotionPoints: float | None
    # Expiry date (YYYY-MM-DD).
    promotionPointsExpiryDate: str | None
    # Reference of the award; present with awarded-reference enrichment. The docs say that there is
    # one and give neither name nor type: the name is ours.
    awardedReferenceId: Any
    # The time of promotionPointsExpiryDate as epoch milliseconds.
    promotionPointsExpiryDateInMillis: int | None


class PointsIssuedData(TypedDict, total=False):
    """What happened."""

    # Programme block (id, name, tiers, conversion ratio).
    loyaltyProgramDetails: LoyaltyProgramDetails | None
    # Loyalty entity that owns the points (customer or group).
    entityInformation: EntityInformation | None
    # Regular (non-promotional) points.
    regularPointsIssued: float | None
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers | None
    # Lifetime earned total after the activity.
    programLifetimePoints: float | None
    # All points issued by the activity.
    totalPointsIssued: float | None
    # Points promised but not yet spendable.
    promisedPointsIssued: list[PointsIssuedPromisedPointsIssued] | None
    # Spendable balance after the activity.
    programCurrentPoints: float | None
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity | None
    # Programme id.
    loyaltyProgramId: int | None
    # Regular points split by expiry.
    regularPointsBreakup: list[PointsIssuedRegularPointsBreakup] | None
    # Points issued by promotions.
    promotionalPointsIssued: list[PointsIssuedPromotionalPointsIssued] | None
    behavioralEventAttributes: BehavioralEventAttributes | None
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
    programId: int | None
    # Points taken from that programme.
    pointsRedeemed: float | None
    # Spendable balance after the activity.
    programCurrentPoints: float | None


class PointsRedeemedData(TypedDict, total=False):
    """What happened."""

    # True for a group redemption.
    isGroupRedemption: bool | None
    # Money value of the redeemed points.
    redeemedPointsCurrencyValue: float | None
    # Points redeemed.
    totalPointsRedeemed: float | None
    # Split by programme the points came from.
    redemptionFromEarningPrograms: list[PointsRedeemedRedemptionFromEarningPrograms] | None
    # Programme block (id, name, tiers, conversion ratio).
    loyaltyProgramDetails: LoyaltyProgramDetails | None
    # Loyalty entity that owns the points (customer or group).
    entityInformation: EntityInformation | None
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers | None
    # Redemption id.
    redemptionSummaryId: int | None
    # Free-text note.
    redemptionNotes: str | None
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity | None
    # Programme id.
    loyaltyProgramId: int | None
    # Bill the redemption was made on.
    redemptionBillNumber: str | None
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
    programId: int | None
    # Points taken from that programme.
    pointsRedeemed: float | None
    # Spendable balance after the activity.
    programCurrentPoints: float | None


class PointsTransferredInitiatedData(TypedDict, total=False):
    """What happened."""

    # Split by programme the points came from.
    redemptionFromEarningPrograms: (
        list[PointsTransferredInitiatedRedemptionFromEarningPrograms] | None
    )
    # Programme block (id, name, tiers, conversion ratio).
    loyaltyProgramDetails: LoyaltyProgramDetails | None
    # Loyalty entity that owns the points (customer or group).
    entityInformation: EntityInformation | None
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers | None
    # Receiving entity.
    transferReceivingEntityInformation: EntityInformation | None
    # Receiving customer.
    transferReceivingCustomerIdentifiers: CustomerIdentifiers | None
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity | None
    # Programme id.
    loyaltyProgramId: int | None
    # Points moved.
    totalPointsTransferred: float | None


class PointsTransferredInitiated(Envelope):
    """A customer (or group) sends points to another member."""

    eventName: Required[Literal["pointsTransferredInitiated"]]
    data: Required[PointsTransferredInitiatedData]


class PointsTransferredReceivedData(TypedDict, total=False):
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
    # Points moved.
    totalPointsTransferred: float | None
    # Sending customer.
    transferInitiatingCustomerIdentifiers: CustomerIdentifiers | None
    # Sending entity.
    transferInitiatingEntityInformation: EntityInformation | None


class PointsTransferredReceived(Envelope):
    """A customer (or group) receives points moved from another member."""

    eventName: Required[Literal["pointsTransferredReceived"]]
    data: Required[PointsTransferredReceivedData]


class AlternateCurrencyConverted(TypedDict, total=False):
    """One entry."""

    # Currency code.
    alternateCurrencyIdentifier: str | None
    # Currency name.
    alternateCurrencyName: str | None
    # Amount (decimal text). Decimal number as text.
    alternateCurrencyValue: str | None


class EarningAlternateCurrencyReference(TypedDict, total=False):
    """One entry."""

    # Activity name.
    name: str | None
    # Activity time (epoch milliseconds as double).
    enteredAt: float | None
    # Amount released for this activity.
    alternateCurrencyConverted: float | None
    # Currency code.
    alternateCurrencyIdentifier: str | None
    # Currency name.
    alternateCurrencyName: str | None
    # Activity ids as key/value pairs.
    identifiers: KeyValue | None


class AlternateCurrencyEntityDetails(TypedDict, total=False):
    """Bill or line item identity."""

    # Currency code.
    alternateCurrencyIdentifier: str | None
    # Currency name.
    alternateCurrencyName: str | None
    # Amount (decimal text). Decimal number as text.
    alternateCurrencyValue: str | None
    # Bill / line id.
    id: int | None
    # Bill number (uniqueness rule is org configuration).
    billNumber: str | None
    # Item SKU for line level.
    itemCode: str | None
    # Bill date (text).
    billDate: str | None


class PromotionDetails(TypedDict, total=False):
    """One entry."""

    # Limits on issuing.
    issueRestrictions: list[PromotionRestriction] | None
    # Map: target group id -> list of target rule ids.
    linkedTargetGroupVsTargetRuleIdMap: dict[str, list[int] | None] | None
    # Promotion end (YYYY-MM-DD).
    promotionEndDate: str | None
    # End of the promotion, epoch milliseconds: the instant that promotionEndDate tells.
    promotionEndDateInMillis: int | None
    # Custom field name/value pairs attached to the entity.
    customFields: KeyValue | None
    # Promotion identifier (text).
    promotionIdentifier: str | None
    # Promotion start (YYYY-MM-DD).
    promotionStartDate: str | None
    # Start of the promotion, epoch milliseconds: the instant that promotionStartDate tells.
    promotionStartDateInMillis: int | None
    # Promotion name.
    promotionName: str | None
    # Limits on redeeming.
    redemptionRestrictions: list[PromotionRestriction] | None
    # GENERIC or LOYALTY_EARNING.
    pointsOfferType: str | None
    # Promotion description.
    promotionDescription: str | None
    # Promotion kind.
    promotionType: str | None
    # Promotion id.
    promotionId: int | None
    # Limits on earning.
    earnRestrictions: list[PromotionRestriction] | None
    # Programme id.
    programId: int | None


class PromotionalAlternateCurrencyBreakup(TypedDict, total=False):
    """One entry."""

    # Currency code.
    alternateCurrencyIdentifier: str | None
    # Currency name.
    alternateCurrencyName: str | None
    # Amount (decimal text). Decimal number as text.
    alternateCurrencyValue: str | None
    # Programme id.
    programId: int | None
    # Promotion id.
    promotionId: int | None
    # Promotion name.
    promotionName: str | None
    # Full promotion description.
    promotionDetails: list[PromotionDetails] | None


class NonPromotionalAlternateCurrencyBreakup(TypedDict, total=False):
    """One entry."""

    # Currency code.
    alternateCurrencyIdentifier: str | None
    # Currency name.
    alternateCurrencyName: str | None
    # Amount (decimal text). Decimal number as text.
    alternateCurrencyValue: str | None
    # Programme id.
    programId: int | None


class AlternateCurrencyConvertedBreakup(TypedDict, total=False):
    """One entry."""

    # Level of the split (BILL seen).
    entityName: str | None
    # Bill or line item identity.
    alternateCurrencyEntityDetails: AlternateCurrencyEntityDetails | None
    # Promotional slices.
    promotionalAlternateCurrencyBreakup: list[PromotionalAlternateCurrencyBreakup] | None
    # Regular slices.
    nonPromotionalAlternateCurrencyBreakup: list[NonPromotionalAlternateCurrencyBreakup] | None


class PromisedToCurrentAlternateCurrencyConversionData(TypedDict, total=False):
    """What happened."""

    # Platform bill id (present for externally triggered conversions).
    billId: int | None
    # Programme block (id, name, tiers, conversion ratio).
    loyaltyProgramDetails: LoyaltyProgramDetails | None
    # Copy of envelope eventLogId inside data.
    eventLogId: int | None
    # Amounts released, per currency.
    alternateCurrencyConverted: list[AlternateCurrencyConverted] | None
    # Loyalty entity that owns the points (customer or group).
    entityInformation: EntityInformation | None
    # Original earning activities.
    earningAlternateCurrencyReference: list[EarningAlternateCurrencyReference] | None
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers | None
    # Split by bill / line item.
    alternateCurrencyConvertedBreakup: list[AlternateCurrencyConvertedBreakup] | None
    # When the activity happened (date-time text).
    eventDateTime: str | None
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity | None
    # Programme id.
    loyaltyProgramId: int | None
    # SystemTrigger / externalTrigger.
    alternateCurrencyConversionSource: str | None


class PromisedToCurrentAlternateCurrencyConversion(Envelope):
    """Promised alternate currency becomes spendable."""

    eventName: Required[Literal["promisedToCurrentAlternateCurrencyConversion"]]
    data: Required[PromisedToCurrentAlternateCurrencyConversionData]


class PromisedToCurrentPointsConversionEntityDetails(TypedDict, total=False):
    """Bill or line item identity."""

    # Bill / line id.
    id: int | None
    # Bill number (uniqueness rule is org configuration).
    billNumber: str | None
    # Item SKU for line level.
    itemCode: str | None
    # Bill date (text).
    billDate: str | None


class PromisedToCurrentPointsConversionPromotionDetails(TypedDict, total=False):
    """One entry."""

    # Limits on issuing.
    issueRestrictions: list[PromotionRestriction] | None
    # Map: target group id -> list of target rule ids.
    linkedTargetGroupVsTargetRuleIdMap: dict[str, list[int] | None] | None
    # Promotion end (YYYY-MM-DD).
    promotionEndDate: str | None
    # End of the promotion, epoch milliseconds: the instant that promotionEndDate tells.
    promotionEndDateInMillis: int | None
    # Custom field name/value pairs attached to the entity.
    customFields: KeyValue | None
    # Promotion identifier (text).
    promotionIdentifier: str | None
    # Promotion start (YYYY-MM-DD).
    promotionStartDate: str | None
    # Start of the promotion, epoch milliseconds: the instant that promotionStartDate tells.
    promotionStartDateInMillis: int | None
    # Promotion name.
    promotionName: str | None
    # Limits on redeeming.
    redemptionRestrictions: list[PromotionRestriction] | None
    # GENERIC or LOYALTY_EARNING.
    pointsOfferType: str | None
    # Promotion description.
    promotionDescription: str | None
    # Promotion kind.
    promotionType: str | None
    # Promotion id.
    promotionId: int | None
    # Limits on earning.
    earnRestrictions: list[PromotionRestriction] | None
    # Programme id.
    programId: int | None


class PromotionalPointsBreakup(TypedDict, total=False):
    """One entry."""

    # Points (decimal text). Decimal number as text.
    points: str | None
    # Programme id.
    programId: int | None
    # Promotion id.
    promotionId: int | None
    # Promotion name.
    promotionName: str | None
    # Full promotion description.
    promotionDetails: list[PromisedToCurrentPointsConversionPromotionDetails] | None


class NonPromotionalPointsBreakup(TypedDict, total=False):
    """One entry."""

    # Points (decimal text). Decimal number as text.
    points: str | None
    # Programme id.
    programId: int | None


class PromisedToCurrentPointsConversionPointsConvertedBreakup(TypedDict, total=False):
    """One entry."""

    # Level of the split (BILL seen).
    entityName: str | None
    # Bill or line item identity.
    entityDetails: PromisedToCurrentPointsConversionEntityDetails | None
    # Promotional slices.
    promotionalPointsBreakup: list[PromotionalPointsBreakup] | None
    # Regular slices.
    nonPromotionalPointsBreakup: list[NonPromotionalPointsBreakup] | None


class EarningActivityReference(TypedDict, total=False):
    """One entry."""

    # Activity name (e.g. TransactionAdd).
    name: str | None
    # Activity time, epoch milliseconds rendered as a double (1.7E12 style).
    enteredAt: float | None
    # Part converted for this activity.
    pointsConverted: float | None
    # Activity ids (billNumber, EventLogId ...).
    identifiers: KeyValue | None


class PromisedToCurrentPointsConversionData(TypedDict, total=False):
    """What happened."""

    # Platform bill id (present for externally triggered conversions).
    billId: int | None
    # Programme block (id, name, tiers, conversion ratio).
    loyaltyProgramDetails: LoyaltyProgramDetails | None
    # Copy of envelope eventLogId inside data.
    eventLogId: int | None
    # Loyalty entity that owns the points (customer or group).
    entityInformation: EntityInformation | None
    # PROMISED_POINTS or EXTERNAL_TRIGGER_BASED_POINTS.
    pointsConvertedType: str | None
    # Split by bill / line item.
    pointsConvertedBreakup: list[PromisedToCurrentPointsConversionPointsConvertedBreakup] | None
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers | None
    # Points moved from promised to current.
    pointsConverted: float | None
    # Lifetime earned total after the activity.
    programLifetimePoints: float | None
    # Original earning activities.
    earningActivityReference: list[EarningActivityReference] | None
    # SystemTrigger or externalTrigger.
    pointsConversionSource: str | None
    # When the activity happened (date-time text).
    eventDateTime: str | None
    # Spendable balance after the activity.
    programCurrentPoints: float | None
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity | None
    # Programme id.
    loyaltyProgramId: int | None
    # The time of eventDateTime as epoch milliseconds.
    eventDateTimeInMillis: int | None


class PromisedToCurrentPointsConversion(Envelope):
    """Points that were promised (or waiting for an outside trigger) become spendable."""

    eventName: Required[Literal["promisedToCurrentPointsConversion"]]
    data: Required[PromisedToCurrentPointsConversionData]


class RedeemedPointsReversedRedeemedPointsReversedDetails(TypedDict, total=False):
    """State of the returned points."""

    # Still spendable part.
    available: float | None
    # Part that had already lapsed.
    expired: float | None


class RedemptionReversalToEarningPrograms(TypedDict, total=False):
    """One entry."""

    # Programme id.
    programId: int | None
    # Points given back.
    redeemedPointsReversed: float | None
    # State of the returned points.
    redeemedPointsReversedDetails: RedeemedPointsReversedRedeemedPointsReversedDetails | None
    # Spendable balance after the activity.
    programCurrentPoints: float | None


class RedeemedPointsReversedData(TypedDict, total=False):
    """What happened."""

    # Points given back.
    redeemedPointsReversed: float | None
    # State of the returned points.
    redeemedPointsReversedDetails: RedeemedPointsReversedRedeemedPointsReversedDetails | None
    # Programme block (id, name, tiers, conversion ratio).
    loyaltyProgramDetails: LoyaltyProgramDetails | None
    # Split by programme.
    redemptionReversalToEarningPrograms: list[RedemptionReversalToEarningPrograms] | None
    # Loyalty entity that owns the points (customer or group).
    entityInformation: EntityInformation | None
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers | None
    # Redemption id.
    redemptionSummaryId: int | None
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity | None
    # Programme id.
    loyaltyProgramId: int | None


class RedeemedPointsReversed(Envelope):
    """A redemption is undone (points not used, or the bill they were used on was returned)."""

    eventName: Required[Literal["redeemedPointsReversed"]]
    data: Required[RedeemedPointsReversedData]


class SinglePointsExpiryUpdatedUpdatedPointsExpiry(TypedDict, total=False):
    """One entry."""

    # Programme id.
    programId: int | None
    # Points in the slice.
    points: float | None
    # BillRegular / billPromotions ...
    pointsType: str | None
    # Old expiry (YYYY-MM-DD).
    oldExpiryDate: str | None
    # New expiry (YYYY-MM-DD).
    newExpiryDate: str | None
    # The time of oldExpiryDate as epoch milliseconds.
    oldExpiryDateInMillis: int | None
    # The time of newExpiryDate as epoch milliseconds.
    newExpiryDateInMillis: int | None


class SinglePointsExpiryUpdatedData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers | None
    # Loyalty entity that owns the points (customer or group).
    entityInformation: EntityInformation | None
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity | None
    # Slices whose expiry moved.
    updatedPointsExpiry: list[SinglePointsExpiryUpdatedUpdatedPointsExpiry] | None


class SinglePointsExpiryUpdated(Envelope):
    """The common expiry date (single-expiry feature) of a customer's points moves."""

    eventName: Required[Literal["singlePointsExpiryUpdated"]]
    data: Required[SinglePointsExpiryUpdatedData]


class StreakCustomerEnrolmentStreakEnrolmentData(TypedDict, total=False):
    """One entry."""

    # Number of levels.
    numberOfLevel: int | None
    # Id of this customer's streak instance (text).
    userStreakId: str | None
    # Threshold per level (text items).
    levelValues: list[str] | None
    # End (text "YYYY-MM-DD hh:mm:ss").
    endDate: str | None
    # End of the streak window, epoch milliseconds: the instant that endDate tells.
    endDateInMillis: int | None
    # Streak name.
    streakName: str | None
    # Start (text "YYYY-MM-DD hh:mm:ss").
    startDate: str | None
    # Start of the streak window, epoch milliseconds: the instant that startDate tells.
    startDateInMillis: int | None
    # Streak count at joining (text).
    streakValueWhenEnrolled: str | None
    # Joined at (text).
    enrolledDate: str | None
    # When the customer joined the streak, epoch milliseconds: the instant that enrolledDate tells.
    enrolledDateInMillis: int | None
    # Description text.
    descriptionOfTheStreak: str | None


class StreakCustomerEnrolmentTargetData(TypedDict, total=False):
    """One entry."""

    # Target (rule) id.
    id: int | None
    # Target name.
    name: str | None
    # Target group (milestone) id.
    targetGroupId: int | None
    # Target group name.
    targetGroupName: str | None
    # Evaluation period/cycle id.
    targetPeriodId: int | None
    # Evaluation period/cycle name.
    targetPeriodName: str | None
    # Description text.
    description: str | None


class StreakCustomerEnrolmentData(TypedDict, total=False):
    """What happened."""

    # Name of the tracked activity (e.g. TransactionAdd) - not the envelope event name.
    eventName: str | None
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers | None
    # Copy of the envelope refId inside data.
    refId: str | None
    # Copy of the envelope loyaltyEventId inside data.
    loyaltyEventId: str | None
    # Streaks the customer joined.
    streakEnrolmentData: list[StreakCustomerEnrolmentStreakEnrolmentData] | None
    # Activity id inside the target engine (not the envelope eventId).
    eventId: str | None
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity | None
    # Platform id of the transaction.
    transactionId: str | None
    # Per-target rows.
    targetData: list[StreakCustomerEnrolmentTargetData] | None
    # Copy of the org id inside data (text).
    orgId: str | None


class StreakCustomerEnrolment(Envelope):
    """A customer joins a streak."""

    eventName: Required[Literal["streakCustomerEnrolment"]]
    data: Required[StreakCustomerEnrolmentData]


class StreakCustomerUnEnrolmentStreakUnEnrolmentData(TypedDict, total=False):
    """One entry."""

    # Number of levels.
    numberOfLevel: int | None
    # Id of this customer's streak instance (text).
    userStreakId: str | None
    # Threshold per level (text items).
    levelValues: list[str] | None
    # End (text "YYYY-MM-DD hh:mm:ss").
    endDate: str | None
    # End of the streak window, epoch milliseconds: the instant that endDate tells.
    endDateInMillis: int | None
    # Streak name.
    streakName: str | None
    # Streak count at leaving (text).
    streakValueWhenUnEnrolled: str | None
    # Left at (text).
    unEnrolledDate: str | None
    # When the customer left the streak, epoch milliseconds: the instant that unEnrolledDate tells.
    unEnrolledDateInMillis: int | None
    # Start (text "YYYY-MM-DD hh:mm:ss").
    startDate: str | None
    # Start of the streak window, epoch milliseconds: the instant that startDate tells.
    startDateInMillis: int | None
    # Description text.
    descriptionOfTheStreak: str | None


class StreakCustomerUnEnrolmentTargetData(TypedDict, total=False):
    """One entry."""

    # Target (rule) id.
    id: int | None
    # Target name.
    name: str | None
    # Target group (milestone) id.
    targetGroupId: int | None
    # Target group name.
    targetGroupName: str | None
    # Evaluation period/cycle id.
    targetPeriodId: int | None
    # Evaluation period/cycle name.
    targetPeriodName: str | None
    # Description text.
    description: str | None


class StreakCustomerUnEnrolmentData(TypedDict, total=False):
    """What happened."""

    # Name of the tracked activity (e.g. TransactionAdd) - not the envelope event name.
    eventName: str | None
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers | None
    # Copy of the envelope refId inside data.
    refId: str | None
    # Copy of the envelope loyaltyEventId inside data.
    loyaltyEventId: str | None
    # Activity id inside the target engine (not the envelope eventId).
    eventId: str | None
    # Streaks the customer left.
    streakUnEnrolmentData: list[StreakCustomerUnEnrolmentStreakUnEnrolmentData] | None
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity | None
    # Platform id of the transaction.
    transactionId: str | None
    # Per-target rows.
    targetData: list[StreakCustomerUnEnrolmentTargetData] | None
    # Copy of the org id inside data (text).
    orgId: str | None


class StreakCustomerUnEnrolment(Envelope):
    """A customer is taken out of a streak."""

    eventName: Required[Literal["streakCustomerUnEnrolment"]]
    data: Required[StreakCustomerUnEnrolmentData]


class StreakEndTargetDetails(TypedDict, total=False):
    """Target identity block."""

    # Target (rule) id.
    id: int | None
    # Target name.
    name: str | None
    # Target group (milestone) id.
    targetGroupId: int | None
    # Target group name.
    targetGroupName: str | None
    # Evaluation period/cycle id.
    targetPeriodId: int | None
    # Evaluation period/cycle name.
    targetPeriodName: str | None
    # Description text.
    description: str | None


class StreakEndStreakEndData(TypedDict, total=False):
    """One entry."""

    # Streak name.
    streakName: str | None
    # Description text.
    descriptionOfTheStreak: str | None
    # Number of levels.
    numberOfLevel: int | None
    # Threshold per level (text items).
    levelValues: list[str] | None
    # Levels reached (text).
    numberOfLevelsAchievedByTheUser: str | None
    # Levels reached.
    levelsAchievedByTheUser: list[str] | None
    # Count at the end; text, and a number in an older sample.
    userStreakValueByTheEnd: str | float | None
    # End (text "YYYY-MM-DD hh:mm:ss").
    endDate: str | None
    # End of the streak, epoch milliseconds: the instant that endDate tells.
    endDateInMillis: int | None


class StreakEndData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers | None
    # Target identity block.
    targetDetails: StreakEndTargetDetails | None
    # Streaks that ended.
    streakEndData: list[StreakEndStreakEndData] | None
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity | None


class StreakEnd(Envelope):
    """A streak ends for a customer."""

    eventName: Required[Literal["streakEnd"]]
    data: Required[StreakEndData]


class StreakLevelAchievedStreakData(TypedDict, total=False):
    """One entry."""

    # Current streak count (text).
    userCurrentStreakValue: str | None
    # Level involved.
    streakLevelName: str | None
    # Streak name.
    streakName: str | None
    # Streak definition id (text).
    streakId: str | None
    # Id of this customer's streak instance (text).
    userStreakId: str | None
    # Date and time with milliseconds and numeric offset; the other dates of a streak have no zone.
    streakLevelAchievedDate: str | None
    # When the level was reached, epoch milliseconds: the instant that streakLevelAchievedDate
    # tells.
    streakLevelAchievedDateInMillis: int | None


class StreakLevelAchievedTargetData(TypedDict, total=False):
    """One entry."""

    # Target (rule) id.
    id: int | None
    # Target name.
    name: str | None
    # Target group (milestone) id.
    targetGroupId: int | None
    # Target group name.
    targetGroupName: str | None
    # Evaluation period/cycle id.
    targetPeriodId: int | None
    # Evaluation period/cycle name.
    targetPeriodName: str | None
    # Description text.
    description: str | None


class StreakLevelAchievedData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers | None
    # Streak rows.
    streakData: list[StreakLevelAchievedStreakData] | None
    # Per-target rows.
    targetData: list[StreakLevelAchievedTargetData] | None
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity | None


class StreakLevelAchieved(Envelope):
    """A customer reaches a streak level."""

    eventName: Required[Literal["streakLevelAchieved"]]
    data: Required[StreakLevelAchievedData]


class StreakLevelUnAchievedStreakData(TypedDict, total=False):
    """One entry."""

    # Current streak count (text).
    userCurrentStreakValue: str | None
    # Level involved.
    streakLevelName: str | None
    # Streak name.
    streakName: str | None
    # Streak definition id (text).
    streakId: str | None
    # Id of this customer's streak instance (text).
    userStreakId: str | None
    # Date-time text with numeric offset.
    streakLevelAchievedDate: str | None


class StreakLevelUnAchievedTargetData(TypedDict, total=False):
    """One entry."""

    # Target (rule) id.
    id: int | None
    # Target name.
    name: str | None
    # Target group (milestone) id.
    targetGroupId: int | None
    # Target group name.
    targetGroupName: str | None
    # Evaluation period/cycle id.
    targetPeriodId: int | None
    # Evaluation period/cycle name.
    targetPeriodName: str | None
    # Description text.
    description: str | None


class StreakLevelUnAchievedData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers | None
    # Streak rows.
    streakData: list[StreakLevelUnAchievedStreakData] | None
    # Per-target rows.
    targetData: list[StreakLevelUnAchievedTargetData] | None
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity | None


class StreakLevelUnAchieved(Envelope):
    """A streak level is lost / not reached in time."""

    eventName: Required[Literal["streakLevelUnAchieved"]]
    data: Required[StreakLevelUnAchievedData]


class StreakStartTargetDetails(TypedDict, total=False):
    """Target identity block."""

    # Target (rule) id.
    id: int | None
    # Target name.
    name: str | None
    # Target group (milestone) id.
    targetGroupId: int | None
    # Target group name.
    targetGroupName: str | None
    # Evaluation period/cycle id.
    targetPeriodId: int | None
    # Evaluation period/cycle name.
    targetPeriodName: str | None
    # Description text.
    description: str | None


class StreakStartStreakStartData(TypedDict, total=False):
    """One entry."""

    # Streak name.
    streakName: str | None
    # Description text.
    descriptionOfTheStreak: str | None
    # Number of levels.
    numberOfLevel: int | None
    # Threshold per level (text items).
    levelValues: list[str] | None
    # Count at start (text).
    userStreakValueAtTheStart: str | None
    # Start (text "YYYY-MM-DD hh:mm:ss").
    startDate: str | None
    # Start of the streak, epoch milliseconds: the instant that startDate tells.
    startDateInMillis: int | None


class StreakStartData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers | None
    # Target identity block.
    targetDetails: StreakStartTargetDetails | None
    # Streaks that started.
    streakStartData: list[StreakStartStreakStartData] | None
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity | None


class StreakStart(Envelope):
    """A streak starts for a customer."""

    eventName: Required[Literal["streakStart"]]
    data: Required[StreakStartData]


class TargetAchievedValueUpdatedTargetDetails(TypedDict, total=False):
    """Target identity block."""

    # Target (rule) id.
    id: int | None
    # Target name.
    name: str | None
    # Target group (milestone) id.
    targetGroupId: int | None
    # Target group name.
    targetGroupName: str | None
    # Evaluation period/cycle id.
    targetPeriodId: int | None
    # Evaluation period/cycle name.
    targetPeriodName: str | None
    # Description text.
    description: str | None


class TargetAchievedValueUpdatedMilestoneDetails(TypedDict, total=False):
    """One entry."""

    # Milestone id.
    id: int | None
    # Milestone name.
    name: str | None
    # How the milestone value is expressed.
    valueType: str | None
    # Milestone goal (text). Decimal number as text.
    definedValue: str | None
    # When reached (epoch milliseconds).
    achievedDate: int | None


class TargetAchievedValueUpdatedData(TypedDict, total=False):
    """What happened."""

    # Name of the tracked activity (e.g. TransactionAdd) - not the envelope event name.
    eventName: str | None
    # Return transaction id when a return lowered the value.
    returnId: int | None
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers | None
    # Progress after this activity (decimal text, 3 places in samples). Decimal number as text.
    achievedTargetValue: str | None
    # Target identity block.
    targetDetails: TargetAchievedValueUpdatedTargetDetails | None
    # Milestones of the target.
    milestoneDetails: list[TargetAchievedValueUpdatedMilestoneDetails] | None
    # Activity id inside the target engine (not the envelope eventId).
    eventId: int | None
    # Goal value (decimal text). Decimal number as text.
    definedTargetValue: str | None
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity | None
    # Platform id of the transaction.
    transactionId: int | None
    # Progress contributed by this one activity; always positive, even for a return. Decimal number
    # as text.
    currentEventTargetValue: str | None


class TargetAchievedValueUpdated(Envelope):
    """Progress towards a target goes up, or (since 2023) down after a return."""

    eventName: Required[Literal["targetAchievedValueUpdated"]]
    data: Required[TargetAchievedValueUpdatedData]


class TargetCustomerEnrolmentMilestoneDetails(TypedDict, total=False):
    """One entry."""

    # Milestone id.
    id: int | None
    # Milestone name.
    name: str | None
    # How the milestone value is expressed.
    valueType: str | None
    # Milestone goal (text). Decimal number as text.
    definedValue: str | None
    # When reached (epoch milliseconds).
    achievedDate: int | None


class TargetCustomerEnrolmentData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers | None
    # Activity id inside the target engine (not the envelope eventId).
    eventId: int | None
    # Goal used when no personal goal is set (decimal text). Decimal number as text.
    defaultTargetValue: str | None
    # Target (rule) id.
    targetId: int | None
    # Target name.
    targetName: str | None
    # Target group (milestone) id.
    targetGroupId: int | None
    # Target group name.
    targetGroupName: str | None
    # Channel the profile/record came from, in upper case.
    source: str | None
    # Evaluation period/cycle id.
    targetPeriodId: int | None
    # Evaluation period/cycle name.
    targetPeriodName: str | None
    # Start of the fixed window: YYYY-MM-DD hh:mm:ss.S in the time of the org, without a zone.
    targetPeriodStartDate: str | None
    # Start of the fixed period (fixed-window targets only), epoch milliseconds: the instant that
    # targetPeriodStartDate tells.
    targetPeriodStartDateInMillis: int | None
    # Start of the customer's cycle: YYYY-MM-DD hh:mm:ss.S in the time of the org, without a zone.
    targetCycleStartDate: str | None
    # Start of the customer's cycle (cyclic targets only), epoch milliseconds: the instant that
    # targetCycleStartDate tells.
    targetCycleStartDateInMillis: int | None
    # Description text.
    description: str | None
    # Milestones of the target.
    milestoneDetails: list[TargetCustomerEnrolmentMilestoneDetails] | None


class TargetCustomerEnrolment(Envelope):
    """A customer is enrolled in a target."""

    eventName: Required[Literal["targetCustomerEnrolment"]]
    data: Required[TargetCustomerEnrolmentData]


class TargetCustomerUnenrolmentMilestoneDetails(TypedDict, total=False):
    """One entry."""

    # Milestone id.
    id: int | None
    # Milestone name.
    name: str | None
    # How the milestone value is expressed.
    valueType: str | None
    # Milestone goal (text). Decimal number as text.
    definedValue: str | None
    # When reached (epoch milliseconds).
    achievedDate: int | None


class TargetCustomerUnenrolmentData(TypedDict, total=False):
    """What happened."""

    # Who left the target; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers | None
    # Goal used when no personal goal is set (decimal text). Decimal number as text.
    defaultTargetValue: str | None
    # Target (rule) id.
    targetId: int | None
    # Target name.
    targetName: str | None
    # Target group (milestone) id.
    targetGroupId: int | None
    # Target group name.
    targetGroupName: str | None
    # What took the customer out, in upper case.
    source: str | None
    # Evaluation period/cycle id.
    targetPeriodId: int | None
    # Evaluation period/cycle name.
    targetPeriodName: str | None
    # Start of the fixed window: YYYY-MM-DD hh:mm:ss.S in the time of the org, without a zone.
    targetPeriodStartDate: str | None
    # Start of the fixed period (fixed-window targets only), epoch milliseconds: the instant that
    # targetPeriodStartDate tells.
    targetPeriodStartDateInMillis: int | None
    # Start of the customer's cycle: YYYY-MM-DD hh:mm:ss.S in the time of the org, without a zone.
    targetCycleStartDate: str | None
    # Start of the customer's cycle (cyclic targets only), epoch milliseconds: the instant that
    # targetCycleStartDate tells.
    targetCycleStartDateInMillis: int | None
    # Description text; may be empty.
    description: str | None
    # Milestones of the target; empty in all samples.
    milestoneDetails: list[TargetCustomerUnenrolmentMilestoneDetails] | None


class TargetCustomerUnenrolment(Envelope):
    """A customer is taken out of a target."""

    eventName: Required[Literal["targetCustomerUnenrolment"]]
    data: Required[TargetCustomerUnenrolmentData]


class TargetPeriodCompletedTargetDetails(TypedDict, total=False):
    """Target identity block."""

    # Target (rule) id.
    id: int | None
    # Target name.
    name: str | None
    # Target group (milestone) id.
    targetGroupId: int | None
    # Target group name.
    targetGroupName: str | None
    # Evaluation period/cycle id.
    targetPeriodId: int | None
    # Evaluation period/cycle name.
    targetPeriodName: str | None
    # Description text.
    description: str | None


class TargetPeriodCompletedMilestoneDetails(TypedDict, total=False):
    """One entry."""

    # Milestone id.
    id: int | None
    # Milestone name.
    name: str | None
    # How the milestone value is expressed.
    valueType: str | None
    # Milestone goal (text). Decimal number as text.
    definedValue: str | None
    # When reached (epoch milliseconds).
    achievedDate: int | None


class TargetPeriodCompletedData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers | None
    # Target identity block.
    targetDetails: TargetPeriodCompletedTargetDetails | None
    # Progress after this activity (decimal text, 3 places in samples). Decimal number as text.
    achievedTargetValue: str | None
    # Goal value (decimal text). Decimal number as text.
    definedTargetValue: str | None
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity | None
    # Milestones of the target.
    milestoneDetails: list[TargetPeriodCompletedMilestoneDetails] | None


class TargetPeriodCompleted(Envelope):
    """An evaluation period of a target ends for the customer."""

    eventName: Required[Literal["targetPeriodCompleted"]]
    data: Required[TargetPeriodCompletedData]


class TargetPeriodStartedTargetDetails(TypedDict, total=False):
    """Target identity block."""

    # Target (rule) id.
    id: int | None
    # Target name.
    name: str | None
    # Target group (milestone) id.
    targetGroupId: int | None
    # Target group name.
    targetGroupName: str | None
    # Evaluation period/cycle id.
    targetPeriodId: int | None
    # Evaluation period/cycle name.
    targetPeriodName: str | None
    # Description text.
    description: str | None


class TargetPeriodStartedData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers | None
    # Target identity block.
    targetDetails: TargetPeriodStartedTargetDetails | None
    # Goal value (decimal text). Decimal number as text.
    definedTargetValue: str | None
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity | None


class TargetPeriodStarted(Envelope):
    """An evaluation period of a target begins for the customer."""

    eventName: Required[Literal["targetPeriodStarted"]]
    data: Required[TargetPeriodStartedData]


class TargetValueAchievedTargetDetails(TypedDict, total=False):
    """Target identity block."""

    # Target (rule) id.
    id: int | None
    # Target name.
    name: str | None
    # Target group (milestone) id.
    targetGroupId: int | None
    # Target group name.
    targetGroupName: str | None
    # Evaluation period/cycle id.
    targetPeriodId: int | None
    # Evaluation period/cycle name.
    targetPeriodName: str | None
    # Description text.
    description: str | None


class TargetValueAchievedData(TypedDict, total=False):
    """What happened."""

    # Name of the tracked activity (e.g. TransactionAdd) - not the envelope event name.
    eventName: str | None
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers | None
    # Progress after this activity (decimal text, 3 places in samples). Decimal number as text.
    achievedTargetValue: str | None
    # Target identity block.
    targetDetails: TargetValueAchievedTargetDetails | None
    # Activity id inside the target engine (not the envelope eventId).
    eventId: int | None
    # Goal value (decimal text). Decimal number as text.
    definedTargetValue: str | None
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity | None
    # Platform id of the transaction.
    transactionId: int | None
    # Progress contributed by this one activity; always positive, even for a return. Decimal number
    # as text.
    currentEventTargetValue: str | None


class TargetValueAchieved(Envelope):
    """A customer reaches the goal of a target."""

    eventName: Required[Literal["targetValueAchieved"]]
    data: Required[TargetValueAchievedData]


class TargetValueUpdatedTargetDetails(TypedDict, total=False):
    """Target identity block."""

    # Target (rule) id.
    id: int | None
    # Target name.
    name: str | None
    # Target group (milestone) id.
    targetGroupId: int | None
    # Target group name.
    targetGroupName: str | None
    # Evaluation period/cycle id.
    targetPeriodId: int | None
    # Evaluation period/cycle name.
    targetPeriodName: str | None
    # Description text.
    description: str | None


class TargetValueUpdatedData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers | None
    # Target identity block.
    targetDetails: TargetValueUpdatedTargetDetails | None
    # Progress after this activity (decimal text, 3 places in samples). Decimal number as text.
    achievedTargetValue: str | None
    # Goal value (decimal text). Decimal number as text.
    definedTargetValue: str | None


class TargetValueUpdated(Envelope):
    """The goal set for the customer is changed."""

    eventName: Required[Literal["targetValueUpdated"]]
    data: Required[TargetValueUpdatedData]


class UnifiedTargetsAchievedUnifiedTargetsAchievementCondition(TypedDict, total=False):
    """Rule deciding when the unified group counts as met."""

    # How the member targets combine (ANY seen).
    combinationType: str | None
    # How values are aggregated (SUM seen).
    aggregation: str | None
    # Combined threshold.
    thresholdValue: float | None
    # Boolean expression over target ids.
    ruleExpression: str | None


class UnifiedTargetsAchievedUnifiedTargetGroupDetails(TypedDict, total=False):
    """The unified (multi-target) group."""

    # Target group (milestone) id.
    targetGroupId: int | None
    # Target group name.
    targetGroupName: str | None
    # Rule deciding when the unified group counts as met.
    unifiedTargetsAchievementCondition: (
        UnifiedTargetsAchievedUnifiedTargetsAchievementCondition | None
    )


class UnifiedTargetsAchievedTargetData(TypedDict, total=False):
    """One entry."""

    # Target (rule) id.
    targetId: int | None
    # Target name.
    targetName: str | None
    # Description text.
    description: str | None
    # Evaluation period/cycle id.
    targetPeriodId: int | None
    # Evaluation period/cycle name.
    targetPeriodName: str | None
    # Progress after this activity (decimal text, 3 places in samples). Decimal number as text.
    achievedTargetValue: str | None
    # Goal value (decimal text). Decimal number as text.
    definedTargetValue: str | None


class UnifiedTargetsAchievedData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers | None
    # The unified (multi-target) group.
    unifiedTargetGroupDetails: UnifiedTargetsAchievedUnifiedTargetGroupDetails | None
    # Per-target rows.
    targetData: list[UnifiedTargetsAchievedTargetData] | None
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity | None
    # Platform id of the transaction.
    transactionId: int | None


class UnifiedTargetsAchieved(Envelope):
    """A customer meets a unified (multi-target) goal."""

    eventName: Required[Literal["unifiedTargetsAchieved"]]
    data: Required[UnifiedTargetsAchievedData]


class UnifiedTargetsAchievementCondition(TypedDict, total=False):
    """Rule deciding when the unified group counts as met."""

    # How the member targets combine (ANY seen).
    combinationType: str | None
    # How values are aggregated (SUM seen).
    aggregation: str | None
    # Combined threshold.
    thresholdValue: float | None
    # Boolean expression over target ids.
    ruleExpression: str | None


class UnifiedTargetsUnAchievedUnifiedTargetGroupDetails(TypedDict, total=False):
    """The unified (multi-target) group."""

    # Target group (milestone) id.
    targetGroupId: int | None
    # Target group name.
    targetGroupName: str | None
    # Rule deciding when the unified group counts as met.
    unifiedTargetsAchievementCondition: UnifiedTargetsAchievementCondition | None


class UnifiedTargetsUnAchievedTargetData(TypedDict, total=False):
    """One entry."""

    # Target (rule) id.
    targetId: int | None
    # Target name.
    targetName: str | None
    # Description text.
    description: str | None
    # Evaluation period/cycle id.
    targetPeriodId: int | None
    # Evaluation period/cycle name.
    targetPeriodName: str | None
    # Progress after this activity (decimal text, 3 places in samples). Decimal number as text.
    achievedTargetValue: str | None
    # Goal value (decimal text). Decimal number as text.
    definedTargetValue: str | None


class UnifiedTargetsUnAchievedData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers | None
    # The unified (multi-target) group.
    unifiedTargetGroupDetails: UnifiedTargetsUnAchievedUnifiedTargetGroupDetails | None
    # Per-target rows.
    targetData: list[UnifiedTargetsUnAchievedTargetData] | None
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity | None
    # Platform id of the transaction.
    transactionId: int | None


class UnifiedTargetsUnAchieved(Envelope):
    """The unified target group stops being met / is not met in its window."""

    eventName: Required[Literal["unifiedTargetsUnAchieved"]]
    data: Required[UnifiedTargetsUnAchievedData]
