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
    promotionName: str
    # Promotion identifier (text).
    promotionIdentifier: str
    # Promotion kind.
    promotionType: str
    # Amount from the promotion.
    promotionAlternateCurrencies: float
    # Expiry (YYYY-MM-DD).
    promotionAlternateCurrenciesExpiryDate: str


class PromisedAlternateCurrenciesIssued(TypedDict, total=False):
    """One entry."""

    # Promised amount.
    promisedAlternateCurrencies: float
    # True when release waits for an outside trigger.
    isExternalTriggerBased: bool
    # Planned release (YYYY-MM-DD).
    promisedAlternateCurrenciesConversionDate: str
    # Promotion identifier (text).
    promotionIdentifier: str


class RegularAlternateCurrenciesBreakup(TypedDict, total=False):
    """One entry."""

    # Amount.
    alternateCurrencies: float
    # Expiry (YYYY-MM-DD).
    expiryAt: str


class AlternateCurrenciesIssuedAlternateCurrenciesIssuedData(TypedDict, total=False):
    """One entry."""

    # Slices issued by promotions.
    promotionalAlternateCurrenciesIssued: list[PromotionalAlternateCurrenciesIssued]
    # Promised slices.
    promisedAlternateCurrenciesIssued: list[PromisedAlternateCurrenciesIssued]
    # Regular amount split by expiry.
    regularAlternateCurrenciesBreakup: list[RegularAlternateCurrenciesBreakup]
    # Total issued.
    totalAlternateCurrenciesIssued: float
    # Currency code.
    alternateCurrencyIdentifier: str
    # Balance after.
    programCurrentAlternateCurrencies: float
    # Currency name.
    alternateCurrencyName: str
    # Regular amount issued.
    regularAlternateCurrenciesIssued: float
    # Lifetime total after.
    programLifetimeAlternateCurrencies: float


class AlternateCurrenciesIssuedAlternateCurrencies(TypedDict, total=False):
    """One entry."""

    # Slices issued by promotions.
    promotionalAlternateCurrenciesIssued: list[PromotionalAlternateCurrenciesIssued]
    # Promised slices.
    promisedAlternateCurrenciesIssued: list[PromisedAlternateCurrenciesIssued]
    # Regular amount split by expiry.
    regularAlternateCurrenciesBreakup: list[RegularAlternateCurrenciesBreakup]
    # Total issued.
    totalAlternateCurrenciesIssued: float
    # Currency code.
    alternateCurrencyIdentifier: str
    # Balance after.
    programCurrentAlternateCurrencies: float
    # Currency name.
    alternateCurrencyName: str
    # Regular amount issued.
    regularAlternateCurrenciesIssued: float
    # Lifetime total after.
    programLifetimeAlternateCurrencies: float


class AlternateCurrenciesIssuedData(TypedDict, total=False):
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
    # One row per alternate currency. alternateCurrencies in the published sample; one of the two is
    # expected, both are accepted.
    alternateCurrenciesIssuedData: list[AlternateCurrenciesIssuedAlternateCurrenciesIssuedData]
    # The name that the published sample uses for alternateCurrenciesIssuedData.
    # alternateCurrenciesIssuedData in the published schema; one of the two is expected, both are
    # accepted.
    alternateCurrencies: list[AlternateCurrenciesIssuedAlternateCurrencies]


class AlternateCurrenciesIssued(Envelope):
    """An alternate currency is issued to a customer."""

    eventName: Required[Literal["alternateCurrenciesIssued"]]
    data: Required[AlternateCurrenciesIssuedData]


class CurrentEventPromotionAlternateCurrenciesReturnedDetails(TypedDict, total=False):
    """One entry."""

    # Promotion identifier (text).
    promotionIdentifier: str
    # Promotion kind.
    promotionType: str
    # Amount from the promotion.
    promotionAlternateCurrencies: float


class PromotionalAlternateCurrenciesReversed(TypedDict, total=False):
    """One entry."""

    # Promotion identifier (text).
    promotionIdentifier: str
    # Promotion kind.
    promotionType: str
    # Amount from the promotion.
    promotionAlternateCurrencies: float


class AlternateCurrenciesReversedData(TypedDict, total=False):
    """One entry."""

    # Promised amount taken back.
    promisedAlternateCurrenciesReversed: float
    # Promotional slices taken back by this return.
    currentEventPromotionAlternateCurrenciesReturnedDetails: list[
        CurrentEventPromotionAlternateCurrenciesReturnedDetails
    ]
    # Promised amount taken back by this return.
    currentEventPromisedAlternateCurrenciesReturned: float
    # Regular amount taken back.
    regularAlternateCurrenciesReversed: float
    # Currency code.
    alternateCurrencyIdentifier: str
    # Balance after.
    programCurrentAlternateCurrencies: float
    # Total taken back by this return.
    currentEventTotalAlternateCurrenciesReturned: float
    # Currency name.
    alternateCurrencyName: str
    # Lifetime total after.
    programLifetimeAlternateCurrencies: float
    # Total taken back.
    totalIssuedAlternateCurrenciesReversed: float
    # Promotional amount taken back.
    promotionalAlternateCurrenciesReversed: list[PromotionalAlternateCurrenciesReversed]
    # Regular amount taken back by this return.
    currentEventRegularAlternateCurrenciesReturned: float


class IssuedAlternateCurrenciesReversedAlternateCurrencies(TypedDict, total=False):
    """One entry."""

    # Promised amount taken back.
    promisedAlternateCurrenciesReversed: float
    # Promotional slices taken back by this return.
    currentEventPromotionAlternateCurrenciesReturnedDetails: list[
        CurrentEventPromotionAlternateCurrenciesReturnedDetails
    ]
    # Promised amount taken back by this return.
    currentEventPromisedAlternateCurrenciesReturned: float
    # Regular amount taken back.
    regularAlternateCurrenciesReversed: float
    # Currency code.
    alternateCurrencyIdentifier: str
    # Balance after.
    programCurrentAlternateCurrencies: float
    # Total taken back by this return.
    currentEventTotalAlternateCurrenciesReturned: float
    # Currency name.
    alternateCurrencyName: str
    # Lifetime total after.
    programLifetimeAlternateCurrencies: float
    # Promotional amount taken back.
    promotionalAlternateCurrenciesReversed: list[PromotionalAlternateCurrenciesReversed]
    # Regular amount taken back by this return.
    currentEventRegularAlternateCurrenciesReturned: float
    # Total taken back.
    totalAlternateCurrenciesReversed: float


class IssuedAlternateCurrenciesReversedData(TypedDict, total=False):
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
    # One row per alternate currency. alternateCurrencies in the published sample; one of the two is
    # expected, both are accepted.
    alternateCurrenciesReversedData: list[AlternateCurrenciesReversedData]
    # The name that the published sample uses for alternateCurrenciesReversedData.
    # alternateCurrenciesReversedData in the published schema; one of the two is expected, both are
    # accepted.
    alternateCurrencies: list[IssuedAlternateCurrenciesReversedAlternateCurrencies]


class IssuedAlternateCurrenciesReversed(Envelope):
    """Issued alternate currency is taken back (e.g. item returned)."""

    eventName: Required[Literal["issuedAlternateCurrenciesReversed"]]
    data: Required[IssuedAlternateCurrenciesReversedData]


class CurrentEventPromotionPointsReturnedDetails(TypedDict, total=False):
    """One entry."""

    # Promotion identifier (text).
    promotionIdentifier: str
    # Promotion kind.
    promotionType: str
    # Points from the promotion.
    promotionPoints: float


class IssuedPointsReversedPromotionalPointsReversed(TypedDict, total=False):
    """One entry."""

    # Promotion identifier (text).
    promotionIdentifier: str
    # Promotion kind.
    promotionType: str
    # Points from the promotion.
    promotionPoints: float


class IssuedPointsReversedData(TypedDict, total=False):
    """What happened."""

    # Regular points taken back.
    regularPointsReversed: float
    # Programme block (id, name, tiers, conversion ratio).
    loyaltyProgramDetails: LoyaltyProgramDetails
    # Loyalty entity that owns the points (customer or group).
    entityInformation: EntityInformation
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Required[CustomerIdentifiers]
    # Regular points taken back by this return.
    currentEventRegularPointsReturned: float
    # Promotional slices taken back by this return.
    currentEventPromotionPointsReturnedDetails: list[CurrentEventPromotionPointsReturnedDetails]
    # Promised points taken back.
    promisedPointsReversed: float
    # Lifetime earned total after the activity.
    programLifetimePoints: float
    # Promotional points taken back.
    promotionalPointsReversed: list[IssuedPointsReversedPromotionalPointsReversed]
    # All issued points taken back so far.
    totalIssuedPointsReversed: Required[float]
    # Total taken back by this return.
    currentEventTotalPointsReturned: float
    # Spendable balance after the activity.
    programCurrentPoints: float
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity
    # Programme id.
    loyaltyProgramId: int
    # Promised points taken back by this return.
    currentEventPromisedPointsReturned: float


class IssuedPointsReversed(Envelope):
    """Issued points are taken back, typically because the bill was returned."""

    eventName: Required[Literal["issuedPointsReversed"]]
    data: Required[IssuedPointsReversedData]


class LoyaltyCustomerMergeSurvivorCustomerLoyaltySummary(TypedDict, total=False):
    """One entry."""

    # Programme id.
    loyaltyProgramId: int
    # Lifetime points.
    lifetimePoints: float
    # Spendable points.
    currentPoints: float
    # Promised points.
    promisedPoints: float
    # Tier number.
    tierNumber: int


class LoyaltyCustomerMergeData(TypedDict, total=False):
    """What happened."""

    # Profile that remains.
    survivorCustomerIdentifiers: Required[CustomerIdentifiers]
    # Profile merged away.
    victimCustomerIdentifiers: Required[CustomerIdentifiers]
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity
    # Programme block (id, name, tiers, conversion ratio).
    loyaltyProgramDetails: LoyaltyProgramDetails
    # Till (and store) or user that keyed the activity; only id without till/store enrichment.
    enteredBy: Actor
    # Balances of the remaining profile per programme.
    survivorCustomerLoyaltySummary: list[LoyaltyCustomerMergeSurvivorCustomerLoyaltySummary]


class LoyaltyCustomerMerge(Envelope):
    """Two member profiles are merged."""

    eventName: Required[Literal["loyaltyCustomerMerge"]]
    data: Required[LoyaltyCustomerMergeData]


class ManualPointsAdjustmentProgramPointsSplit(TypedDict, total=False):
    """One entry."""

    # Award row id.
    pointsAwardedId: int
    # Programme id.
    programId: int
    # Points (decimal text). Decimal number as text.
    points: str
    # Kind of points.
    pointsType: str


class ManualPointsAdjustmentData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Required[CustomerIdentifiers]
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity
    # Points deducted (decimal text; key is misspelt on the wire). Misspelt on the wire
    # (totalPointsDeducted) and a decimal number as text; kept.
    totalPoinstDeducted: Required[str]
    # Split per award.
    programPointsSplit: list[ManualPointsAdjustmentProgramPointsSplit]
    # Reason text.
    reason: str


class ManualPointsAdjustment(Envelope):
    """Points are deducted/adjusted by hand."""

    eventName: Required[Literal["manualPointsAdjustment"]]
    data: Required[ManualPointsAdjustmentData]


class PointsExpiredData(TypedDict, total=False):
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
    # Points that lapsed.
    pointsExpired: Required[float]


class PointsExpired(Envelope):
    """Points of a customer lapse."""

    eventName: Required[Literal["pointsExpired"]]
    data: Required[PointsExpiredData]


class PointsExpiryChangeUpdatedPointsExpiryBreakup(TypedDict, total=False):
    """One entry."""

    # Award row id.
    pointAwardedRefID: int
    # Award row kind (POINT_AWARDED seen).
    pointsAwardedRefType: str
    # Promotion id, when promotional.
    promotionID: int
    # Points in the slice.
    points: float
    # Old expiry (text).
    pointsPreviousExpiryDate: str
    # EXTEND_EXPIRY / EARLY_EXPIRY seen.
    expiryUpdateReasonType: str
    # Free-text note.
    expiryUpdateReasonNote: str
    # New expiry (text).
    newExpiryDate: str
    # How the new expiry was set.
    newExpirySetType: str
    # The time of pointsPreviousExpiryDate as epoch milliseconds.
    pointsPreviousExpiryDateInMillis: int
    # The time of newExpiryDate as epoch milliseconds.
    newExpiryDateInMillis: int


class PointsExpiryChangeData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Required[CustomerIdentifiers]
    # Loyalty entity that owns the points (customer or group).
    entityInformation: EntityInformation
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity
    # Programme block (id, name, tiers, conversion ratio).
    loyaltyProgramDetails: LoyaltyProgramDetails
    # Slices whose expiry changed.
    updatedPointsExpiryBreakup: Required[list[PointsExpiryChangeUpdatedPointsExpiryBreakup]]


class PointsExpiryChange(Envelope):
    """The expiry date of some awarded points is changed."""

    eventName: Required[Literal["pointsExpiryChange"]]
    data: Required[PointsExpiryChangeData]


class PointsExpiryReminderData(TypedDict, total=False):
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
    # Points about to lapse.
    pointsScheduledForExpiry: Required[float]
    # Lapse date (YYYY-MM-DD).
    scheduledExpiryDate: Required[str]
    # The time of scheduledExpiryDate as epoch milliseconds.
    scheduledExpiryDateInMillis: int


class PointsExpiryReminder(Envelope):
    """Ahead of points lapsing (lead time not stated)."""

    eventName: Required[Literal["pointsExpiryReminder"]]
    data: Required[PointsExpiryReminderData]


class PointsIssuedPromisedPointsIssued(TypedDict, total=False):
    """One entry."""

    # Promised amount.
    promisedPoints: float
    # True when release waits for an outside trigger.
    isExternalTriggerBased: bool
    # Planned release date (YYYY-MM-DD).
    promisedPointsConversionDate: str
    # Promotion identifier (text).
    promotionIdentifier: str
    # Reference of the award; present with awarded-reference enrichment. The docs say that there is
    # one and give neither name nor type: the name is ours.
    awardedReferenceId: Any
    # The time of promisedPointsConversionDate as epoch milliseconds.
    promisedPointsConversionDateInMillis: int


class PointsIssuedRegularPointsBreakup(TypedDict, total=False):
    """One entry."""

    # Points in this slice.
    points: float
    # Expiry date (YYYY-MM-DD).
    expiryAt: str
    # Reference of the award; present with awarded-reference enrichment. The docs say that there is
    # one and give neither name nor type: the name is ours.
    awardedReferenceId: Any
    # The time of expiryAt as epoch milliseconds.
    expiryAtInMillis: int


class PointsIssuedPromotionalPointsIssued(TypedDict, total=False):
    """One entry."""

    # Promotion name.
    promotionName: str
    # Promotion identifier (text).
    promotionIdentifier: str
    # Promotion kind.
    promotionType: str
    # Points from the promotion.
    promotionPoints: float
    # Expiry date (YYYY-MM-DD).
    promotionPointsExpiryDate: str
    # Reference of the award; present with awarded-reference enrichment. The docs say that there is
    # one and give neither name nor type: the name is ours.
    awardedReferenceId: Any
    # The time of promotionPointsExpiryDate as epoch milliseconds.
    promotionPointsExpiryDateInMillis: int


class PointsIssuedData(TypedDict, total=False):
    """What happened."""

    # Programme block (id, name, tiers, conversion ratio).
    loyaltyProgramDetails: LoyaltyProgramDetails
    # Loyalty entity that owns the points (customer or group).
    entityInformation: EntityInformation
    # Regular (non-promotional) points.
    regularPointsIssued: float
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Required[CustomerIdentifiers]
    # Lifetime earned total after the activity.
    programLifetimePoints: float
    # All points issued by the activity.
    totalPointsIssued: Required[float]
    # Points promised but not yet spendable.
    promisedPointsIssued: list[PointsIssuedPromisedPointsIssued]
    # Spendable balance after the activity.
    programCurrentPoints: float
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity
    # Programme id.
    loyaltyProgramId: int
    # Regular points split by expiry.
    regularPointsBreakup: list[PointsIssuedRegularPointsBreakup]
    # Points issued by promotions.
    promotionalPointsIssued: list[PointsIssuedPromotionalPointsIssued]
    behavioralEventAttributes: BehavioralEventAttributes
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
    programId: int
    # Points taken from that programme.
    pointsRedeemed: float
    # Spendable balance after the activity.
    programCurrentPoints: float


class PointsRedeemedData(TypedDict, total=False):
    """What happened."""

    # True for a group redemption.
    isGroupRedemption: bool
    # Money value of the redeemed points.
    redeemedPointsCurrencyValue: float
    # Points redeemed.
    totalPointsRedeemed: Required[float]
    # Split by programme the points came from.
    redemptionFromEarningPrograms: list[PointsRedeemedRedemptionFromEarningPrograms]
    # Programme block (id, name, tiers, conversion ratio).
    loyaltyProgramDetails: LoyaltyProgramDetails
    # Loyalty entity that owns the points (customer or group).
    entityInformation: EntityInformation
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Required[CustomerIdentifiers]
    # Redemption id.
    redemptionSummaryId: int
    # Free-text note.
    redemptionNotes: str
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity
    # Programme id.
    loyaltyProgramId: int
    # Bill the redemption was made on.
    redemptionBillNumber: str
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
    programId: int
    # Points taken from that programme.
    pointsRedeemed: float
    # Spendable balance after the activity.
    programCurrentPoints: float


class PointsTransferredInitiatedData(TypedDict, total=False):
    """What happened."""

    # Split by programme the points came from.
    redemptionFromEarningPrograms: list[PointsTransferredInitiatedRedemptionFromEarningPrograms]
    # Programme block (id, name, tiers, conversion ratio).
    loyaltyProgramDetails: LoyaltyProgramDetails
    # Loyalty entity that owns the points (customer or group).
    entityInformation: EntityInformation
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Required[CustomerIdentifiers]
    # Receiving entity.
    transferReceivingEntityInformation: EntityInformation
    # Receiving customer.
    transferReceivingCustomerIdentifiers: CustomerIdentifiers
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity
    # Programme id.
    loyaltyProgramId: int
    # Points moved.
    totalPointsTransferred: Required[float]


class PointsTransferredInitiated(Envelope):
    """A customer (or group) sends points to another member."""

    eventName: Required[Literal["pointsTransferredInitiated"]]
    data: Required[PointsTransferredInitiatedData]


class PointsTransferredReceivedData(TypedDict, total=False):
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
    # Points moved.
    totalPointsTransferred: Required[float]
    # Sending customer.
    transferInitiatingCustomerIdentifiers: CustomerIdentifiers
    # Sending entity.
    transferInitiatingEntityInformation: EntityInformation


class PointsTransferredReceived(Envelope):
    """A customer (or group) receives points moved from another member."""

    eventName: Required[Literal["pointsTransferredReceived"]]
    data: Required[PointsTransferredReceivedData]


class AlternateCurrencyConverted(TypedDict, total=False):
    """One entry."""

    # Currency code.
    alternateCurrencyIdentifier: str
    # Currency name.
    alternateCurrencyName: str
    # Amount (decimal text). Decimal number as text.
    alternateCurrencyValue: str


class EarningAlternateCurrencyReference(TypedDict, total=False):
    """One entry."""

    # Activity name.
    name: str
    # Activity time (epoch milliseconds as double).
    enteredAt: float
    # Amount released for this activity.
    alternateCurrencyConverted: float
    # Currency code.
    alternateCurrencyIdentifier: str
    # Currency name.
    alternateCurrencyName: str
    # Activity ids as key/value pairs.
    identifiers: KeyValue


class AlternateCurrencyEntityDetails(TypedDict, total=False):
    """Bill or line item identity."""

    # Currency code.
    alternateCurrencyIdentifier: str
    # Currency name.
    alternateCurrencyName: str
    # Amount (decimal text). Decimal number as text.
    alternateCurrencyValue: str
    # Bill / line id.
    id: int
    # Bill number (uniqueness rule is org configuration).
    billNumber: str
    # Item SKU for line level.
    itemCode: str
    # Bill date (text).
    billDate: str


class PromotionDetails(TypedDict, total=False):
    """One entry."""

    # Limits on issuing.
    issueRestrictions: list[PromotionRestriction]
    # Map: target group id -> list of target rule ids.
    linkedTargetGroupVsTargetRuleIdMap: dict[str, list[int]]
    # Promotion end (YYYY-MM-DD).
    promotionEndDate: str
    # Custom field name/value pairs attached to the entity.
    customFields: KeyValue
    # Promotion identifier (text).
    promotionIdentifier: str
    # Promotion start (YYYY-MM-DD).
    promotionStartDate: str
    # Promotion name.
    promotionName: str
    # Limits on redeeming.
    redemptionRestrictions: list[PromotionRestriction]
    # GENERIC or LOYALTY_EARNING.
    pointsOfferType: str
    # Promotion description.
    promotionDescription: str
    # Promotion kind.
    promotionType: str
    # Promotion id.
    promotionId: int
    # Limits on earning.
    earnRestrictions: list[PromotionRestriction]
    # Programme id.
    programId: int


class PromotionalAlternateCurrencyBreakup(TypedDict, total=False):
    """One entry."""

    # Currency code.
    alternateCurrencyIdentifier: str
    # Currency name.
    alternateCurrencyName: str
    # Amount (decimal text). Decimal number as text.
    alternateCurrencyValue: str
    # Programme id.
    programId: int
    # Promotion id.
    promotionId: int
    # Promotion name.
    promotionName: str
    # Full promotion description.
    promotionDetails: list[PromotionDetails]


class NonPromotionalAlternateCurrencyBreakup(TypedDict, total=False):
    """One entry."""

    # Currency code.
    alternateCurrencyIdentifier: str
    # Currency name.
    alternateCurrencyName: str
    # Amount (decimal text). Decimal number as text.
    alternateCurrencyValue: str
    # Programme id.
    programId: int


class AlternateCurrencyConvertedBreakup(TypedDict, total=False):
    """One entry."""

    # Level of the split (BILL seen).
    entityName: str
    # Bill or line item identity.
    alternateCurrencyEntityDetails: AlternateCurrencyEntityDetails
    # Promotional slices.
    promotionalAlternateCurrencyBreakup: list[PromotionalAlternateCurrencyBreakup]
    # Regular slices.
    nonPromotionalAlternateCurrencyBreakup: list[NonPromotionalAlternateCurrencyBreakup]


class PromisedToCurrentAlternateCurrencyConversionData(TypedDict, total=False):
    """What happened."""

    # Platform bill id (present for externally triggered conversions).
    billId: int
    # Programme block (id, name, tiers, conversion ratio).
    loyaltyProgramDetails: LoyaltyProgramDetails
    # Copy of envelope eventLogId inside data.
    eventLogId: int
    # Amounts released, per currency.
    alternateCurrencyConverted: Required[list[AlternateCurrencyConverted]]
    # Loyalty entity that owns the points (customer or group).
    entityInformation: EntityInformation
    # Original earning activities.
    earningAlternateCurrencyReference: list[EarningAlternateCurrencyReference]
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Required[CustomerIdentifiers]
    # Split by bill / line item.
    alternateCurrencyConvertedBreakup: list[AlternateCurrencyConvertedBreakup]
    # When the activity happened (date-time text).
    eventDateTime: str
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity
    # Programme id.
    loyaltyProgramId: int
    # SystemTrigger / externalTrigger.
    alternateCurrencyConversionSource: str


class PromisedToCurrentAlternateCurrencyConversion(Envelope):
    """Promised alternate currency becomes spendable."""

    eventName: Required[Literal["promisedToCurrentAlternateCurrencyConversion"]]
    data: Required[PromisedToCurrentAlternateCurrencyConversionData]


class PromisedToCurrentPointsConversionEntityDetails(TypedDict, total=False):
    """Bill or line item identity."""

    # Bill / line id.
    id: int
    # Bill number (uniqueness rule is org configuration).
    billNumber: str
    # Item SKU for line level.
    itemCode: str
    # Bill date (text).
    billDate: str


class PromisedToCurrentPointsConversionPromotionDetails(TypedDict, total=False):
    """One entry."""

    # Limits on issuing.
    issueRestrictions: list[PromotionRestriction]
    # Map: target group id -> list of target rule ids.
    linkedTargetGroupVsTargetRuleIdMap: dict[str, list[int]]
    # Promotion end (YYYY-MM-DD).
    promotionEndDate: str
    # Custom field name/value pairs attached to the entity.
    customFields: KeyValue
    # Promotion identifier (text).
    promotionIdentifier: str
    # Promotion start (YYYY-MM-DD).
    promotionStartDate: str
    # Promotion name.
    promotionName: str
    # Limits on redeeming.
    redemptionRestrictions: list[PromotionRestriction]
    # GENERIC or LOYALTY_EARNING.
    pointsOfferType: str
    # Promotion description.
    promotionDescription: str
    # Promotion kind.
    promotionType: str
    # Promotion id.
    promotionId: int
    # Limits on earning.
    earnRestrictions: list[PromotionRestriction]
    # Programme id.
    programId: int


class PromotionalPointsBreakup(TypedDict, total=False):
    """One entry."""

    # Points (decimal text). Decimal number as text.
    points: str
    # Programme id.
    programId: int
    # Promotion id.
    promotionId: int
    # Promotion name.
    promotionName: str
    # Full promotion description.
    promotionDetails: list[PromisedToCurrentPointsConversionPromotionDetails]


class NonPromotionalPointsBreakup(TypedDict, total=False):
    """One entry."""

    # Points (decimal text). Decimal number as text.
    points: str
    # Programme id.
    programId: int


class PromisedToCurrentPointsConversionPointsConvertedBreakup(TypedDict, total=False):
    """One entry."""

    # Level of the split (BILL seen).
    entityName: str
    # Bill or line item identity.
    entityDetails: PromisedToCurrentPointsConversionEntityDetails
    # Promotional slices.
    promotionalPointsBreakup: list[PromotionalPointsBreakup]
    # Regular slices.
    nonPromotionalPointsBreakup: list[NonPromotionalPointsBreakup]


class EarningActivityReference(TypedDict, total=False):
    """One entry."""

    # Activity name (e.g. TransactionAdd).
    name: str
    # Activity time, epoch milliseconds rendered as a double (1.7E12 style).
    enteredAt: float
    # Part converted for this activity.
    pointsConverted: float
    # Activity ids (billNumber, EventLogId ...).
    identifiers: KeyValue


class PromisedToCurrentPointsConversionData(TypedDict, total=False):
    """What happened."""

    # Platform bill id (present for externally triggered conversions).
    billId: int
    # Programme block (id, name, tiers, conversion ratio).
    loyaltyProgramDetails: LoyaltyProgramDetails
    # Copy of envelope eventLogId inside data.
    eventLogId: int
    # Loyalty entity that owns the points (customer or group).
    entityInformation: EntityInformation
    # PROMISED_POINTS or EXTERNAL_TRIGGER_BASED_POINTS.
    pointsConvertedType: str
    # Split by bill / line item.
    pointsConvertedBreakup: list[PromisedToCurrentPointsConversionPointsConvertedBreakup]
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Required[CustomerIdentifiers]
    # Points moved from promised to current.
    pointsConverted: Required[float]
    # Lifetime earned total after the activity.
    programLifetimePoints: float
    # Original earning activities.
    earningActivityReference: list[EarningActivityReference]
    # SystemTrigger or externalTrigger.
    pointsConversionSource: str
    # When the activity happened (date-time text).
    eventDateTime: str
    # Spendable balance after the activity.
    programCurrentPoints: float
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity
    # Programme id.
    loyaltyProgramId: int
    # The time of eventDateTime as epoch milliseconds.
    eventDateTimeInMillis: int


class PromisedToCurrentPointsConversion(Envelope):
    """Points that were promised (or waiting for an outside trigger) become spendable."""

    eventName: Required[Literal["promisedToCurrentPointsConversion"]]
    data: Required[PromisedToCurrentPointsConversionData]


class RedeemedPointsReversedRedeemedPointsReversedDetails(TypedDict, total=False):
    """State of the returned points."""

    # Still spendable part.
    available: float
    # Part that had already lapsed.
    expired: float


class RedemptionReversalToEarningPrograms(TypedDict, total=False):
    """One entry."""

    # Programme id.
    programId: int
    # Points given back.
    redeemedPointsReversed: float
    # State of the returned points.
    redeemedPointsReversedDetails: RedeemedPointsReversedRedeemedPointsReversedDetails
    # Spendable balance after the activity.
    programCurrentPoints: float


class RedeemedPointsReversedData(TypedDict, total=False):
    """What happened."""

    # Points given back.
    redeemedPointsReversed: Required[float]
    # State of the returned points.
    redeemedPointsReversedDetails: RedeemedPointsReversedRedeemedPointsReversedDetails
    # Programme block (id, name, tiers, conversion ratio).
    loyaltyProgramDetails: LoyaltyProgramDetails
    # Split by programme.
    redemptionReversalToEarningPrograms: list[RedemptionReversalToEarningPrograms]
    # Loyalty entity that owns the points (customer or group).
    entityInformation: EntityInformation
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Required[CustomerIdentifiers]
    # Redemption id.
    redemptionSummaryId: int
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity
    # Programme id.
    loyaltyProgramId: int


class RedeemedPointsReversed(Envelope):
    """A redemption is undone (points not used, or the bill they were used on was returned)."""

    eventName: Required[Literal["redeemedPointsReversed"]]
    data: Required[RedeemedPointsReversedData]


class SinglePointsExpiryUpdatedUpdatedPointsExpiry(TypedDict, total=False):
    """One entry."""

    # Programme id.
    programId: int
    # Points in the slice.
    points: float
    # BillRegular / billPromotions ...
    pointsType: str
    # Old expiry (YYYY-MM-DD).
    oldExpiryDate: str
    # New expiry (YYYY-MM-DD).
    newExpiryDate: str
    # The time of oldExpiryDate as epoch milliseconds.
    oldExpiryDateInMillis: int
    # The time of newExpiryDate as epoch milliseconds.
    newExpiryDateInMillis: int


class SinglePointsExpiryUpdatedData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Required[CustomerIdentifiers]
    # Loyalty entity that owns the points (customer or group).
    entityInformation: EntityInformation
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity
    # Slices whose expiry moved.
    updatedPointsExpiry: Required[list[SinglePointsExpiryUpdatedUpdatedPointsExpiry]]


class SinglePointsExpiryUpdated(Envelope):
    """The common expiry date (single-expiry feature) of a customer's points moves."""

    eventName: Required[Literal["singlePointsExpiryUpdated"]]
    data: Required[SinglePointsExpiryUpdatedData]


class StreakCustomerEnrolmentStreakEnrolmentData(TypedDict, total=False):
    """One entry."""

    # Number of levels.
    numberOfLevel: int
    # Id of this customer's streak instance (text).
    userStreakId: str
    # Threshold per level (text items).
    levelValues: list[str]
    # End (text "YYYY-MM-DD hh:mm:ss").
    endDate: str
    # Streak name.
    streakName: str
    # Start (text "YYYY-MM-DD hh:mm:ss").
    startDate: str
    # Streak count at joining (text).
    streakValueWhenEnrolled: str
    # Joined at (text).
    enrolledDate: str
    # Description text.
    descriptionOfTheStreak: str


class StreakCustomerEnrolmentTargetData(TypedDict, total=False):
    """One entry."""

    # Target (rule) id.
    id: int
    # Target name.
    name: str
    # Target group (milestone) id.
    targetGroupId: int
    # Target group name.
    targetGroupName: str
    # Evaluation period/cycle id.
    targetPeriodId: int
    # Evaluation period/cycle name.
    targetPeriodName: str
    # Description text.
    description: str


class StreakCustomerEnrolmentData(TypedDict, total=False):
    """What happened."""

    # Name of the tracked activity (e.g. TransactionAdd) - not the envelope event name.
    eventName: str
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Required[CustomerIdentifiers]
    # Copy of the envelope refId inside data.
    refId: str
    # Copy of the envelope loyaltyEventId inside data.
    loyaltyEventId: str
    # Streaks the customer joined.
    streakEnrolmentData: Required[list[StreakCustomerEnrolmentStreakEnrolmentData]]
    # Activity id inside the target engine (not the envelope eventId).
    eventId: str
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity
    # Platform id of the transaction.
    transactionId: str
    # Per-target rows.
    targetData: list[StreakCustomerEnrolmentTargetData]
    # Copy of the org id inside data (text).
    orgId: str


class StreakCustomerEnrolment(Envelope):
    """A customer joins a streak."""

    eventName: Required[Literal["streakCustomerEnrolment"]]
    data: Required[StreakCustomerEnrolmentData]


class StreakCustomerUnEnrolmentStreakUnEnrolmentData(TypedDict, total=False):
    """One entry."""

    # Number of levels.
    numberOfLevel: int
    # Id of this customer's streak instance (text).
    userStreakId: str
    # Threshold per level (text items).
    levelValues: list[str]
    # End (text "YYYY-MM-DD hh:mm:ss").
    endDate: str
    # Streak name.
    streakName: str
    # Streak count at leaving (text).
    streakValueWhenUnEnrolled: str
    # Left at (text).
    unEnrolledDate: str
    # Start (text "YYYY-MM-DD hh:mm:ss").
    startDate: str
    # Description text.
    descriptionOfTheStreak: str


class StreakCustomerUnEnrolmentTargetData(TypedDict, total=False):
    """One entry."""

    # Target (rule) id.
    id: int
    # Target name.
    name: str
    # Target group (milestone) id.
    targetGroupId: int
    # Target group name.
    targetGroupName: str
    # Evaluation period/cycle id.
    targetPeriodId: int
    # Evaluation period/cycle name.
    targetPeriodName: str
    # Description text.
    description: str


class StreakCustomerUnEnrolmentData(TypedDict, total=False):
    """What happened."""

    # Name of the tracked activity (e.g. TransactionAdd) - not the envelope event name.
    eventName: str
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Required[CustomerIdentifiers]
    # Copy of the envelope refId inside data.
    refId: str
    # Copy of the envelope loyaltyEventId inside data.
    loyaltyEventId: str
    # Activity id inside the target engine (not the envelope eventId).
    eventId: str
    # Streaks the customer left.
    streakUnEnrolmentData: Required[list[StreakCustomerUnEnrolmentStreakUnEnrolmentData]]
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity
    # Platform id of the transaction.
    transactionId: str
    # Per-target rows.
    targetData: list[StreakCustomerUnEnrolmentTargetData]
    # Copy of the org id inside data (text).
    orgId: str


class StreakCustomerUnEnrolment(Envelope):
    """A customer is taken out of a streak."""

    eventName: Required[Literal["streakCustomerUnEnrolment"]]
    data: Required[StreakCustomerUnEnrolmentData]


class StreakEndTargetDetails(TypedDict, total=False):
    """Target identity block."""

    # Target (rule) id.
    id: int
    # Target name.
    name: str
    # Target group (milestone) id.
    targetGroupId: int
    # Target group name.
    targetGroupName: str
    # Evaluation period/cycle id.
    targetPeriodId: int
    # Evaluation period/cycle name.
    targetPeriodName: str
    # Description text.
    description: str


class StreakEndStreakEndData(TypedDict, total=False):
    """One entry."""

    # Streak name.
    streakName: str
    # Description text.
    descriptionOfTheStreak: str
    # Number of levels.
    numberOfLevel: int
    # Threshold per level (text items).
    levelValues: list[str]
    # Levels reached (text).
    numberOfLevelsAchievedByTheUser: str
    # Levels reached.
    levelsAchievedByTheUser: list[str]
    # Count at end (text in schema, number in sample).
    userStreakValueByTheEnd: str
    # End (text "YYYY-MM-DD hh:mm:ss").
    endDate: str


class StreakEndData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Required[CustomerIdentifiers]
    # Target identity block.
    targetDetails: StreakEndTargetDetails
    # Streaks that ended.
    streakEndData: Required[list[StreakEndStreakEndData]]
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity


class StreakEnd(Envelope):
    """A streak ends for a customer."""

    eventName: Required[Literal["streakEnd"]]
    data: Required[StreakEndData]


class StreakLevelAchievedStreakData(TypedDict, total=False):
    """One entry."""

    # Current streak count (text).
    userCurrentStreakValue: str
    # Level involved.
    streakLevelName: str
    # Streak name.
    streakName: str
    # Streak definition id (text).
    streakId: str
    # Id of this customer's streak instance (text).
    userStreakId: str
    # Date-time text with numeric offset.
    streakLevelAchievedDate: str


class StreakLevelAchievedTargetData(TypedDict, total=False):
    """One entry."""

    # Target (rule) id.
    id: int
    # Target name.
    name: str
    # Target group (milestone) id.
    targetGroupId: int
    # Target group name.
    targetGroupName: str
    # Evaluation period/cycle id.
    targetPeriodId: int
    # Evaluation period/cycle name.
    targetPeriodName: str
    # Description text.
    description: str


class StreakLevelAchievedData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Required[CustomerIdentifiers]
    # Streak rows.
    streakData: Required[list[StreakLevelAchievedStreakData]]
    # Per-target rows.
    targetData: list[StreakLevelAchievedTargetData]
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity


class StreakLevelAchieved(Envelope):
    """A customer reaches a streak level."""

    eventName: Required[Literal["streakLevelAchieved"]]
    data: Required[StreakLevelAchievedData]


class StreakLevelUnAchievedStreakData(TypedDict, total=False):
    """One entry."""

    # Current streak count (text).
    userCurrentStreakValue: str
    # Level involved.
    streakLevelName: str
    # Streak name.
    streakName: str
    # Streak definition id (text).
    streakId: str
    # Id of this customer's streak instance (text).
    userStreakId: str
    # Date-time text with numeric offset.
    streakLevelAchievedDate: str


class StreakLevelUnAchievedTargetData(TypedDict, total=False):
    """One entry."""

    # Target (rule) id.
    id: int
    # Target name.
    name: str
    # Target group (milestone) id.
    targetGroupId: int
    # Target group name.
    targetGroupName: str
    # Evaluation period/cycle id.
    targetPeriodId: int
    # Evaluation period/cycle name.
    targetPeriodName: str
    # Description text.
    description: str


class StreakLevelUnAchievedData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Required[CustomerIdentifiers]
    # Streak rows.
    streakData: Required[list[StreakLevelUnAchievedStreakData]]
    # Per-target rows.
    targetData: list[StreakLevelUnAchievedTargetData]
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity


class StreakLevelUnAchieved(Envelope):
    """A streak level is lost / not reached in time."""

    eventName: Required[Literal["streakLevelUnAchieved"]]
    data: Required[StreakLevelUnAchievedData]


class StreakStartTargetDetails(TypedDict, total=False):
    """Target identity block."""

    # Target (rule) id.
    id: int
    # Target name.
    name: str
    # Target group (milestone) id.
    targetGroupId: int
    # Target group name.
    targetGroupName: str
    # Evaluation period/cycle id.
    targetPeriodId: int
    # Evaluation period/cycle name.
    targetPeriodName: str
    # Description text.
    description: str


class StreakStartStreakStartData(TypedDict, total=False):
    """One entry."""

    # Streak name.
    streakName: str
    # Description text.
    descriptionOfTheStreak: str
    # Number of levels.
    numberOfLevel: int
    # Threshold per level (text items).
    levelValues: list[str]
    # Count at start (text).
    userStreakValueAtTheStart: str
    # Start (text "YYYY-MM-DD hh:mm:ss").
    startDate: str


class StreakStartData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Required[CustomerIdentifiers]
    # Target identity block.
    targetDetails: StreakStartTargetDetails
    # Streaks that started.
    streakStartData: Required[list[StreakStartStreakStartData]]
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity


class StreakStart(Envelope):
    """A streak starts for a customer."""

    eventName: Required[Literal["streakStart"]]
    data: Required[StreakStartData]


class TargetAchievedValueUpdatedTargetDetails(TypedDict, total=False):
    """Target identity block."""

    # Target (rule) id.
    id: int
    # Target name.
    name: str
    # Target group (milestone) id.
    targetGroupId: int
    # Target group name.
    targetGroupName: str
    # Evaluation period/cycle id.
    targetPeriodId: int
    # Evaluation period/cycle name.
    targetPeriodName: str
    # Description text.
    description: str


class TargetAchievedValueUpdatedMilestoneDetails(TypedDict, total=False):
    """One entry."""

    # Milestone id.
    id: int
    # Milestone name.
    name: str
    # How the milestone value is expressed.
    valueType: str
    # Milestone goal (text). Decimal number as text.
    definedValue: str
    # When reached (epoch milliseconds).
    achievedDate: int


class TargetAchievedValueUpdatedData(TypedDict, total=False):
    """What happened."""

    # Name of the tracked activity (e.g. TransactionAdd) - not the envelope event name.
    eventName: str
    # Return transaction id when a return lowered the value.
    returnId: int
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Required[CustomerIdentifiers]
    # Progress after this activity (decimal text, 3 places in samples). Decimal number as text.
    achievedTargetValue: str
    # Target identity block.
    targetDetails: Required[TargetAchievedValueUpdatedTargetDetails]
    # Milestones of the target.
    milestoneDetails: list[TargetAchievedValueUpdatedMilestoneDetails]
    # Activity id inside the target engine (not the envelope eventId).
    eventId: int
    # Goal value (decimal text). Decimal number as text.
    definedTargetValue: str
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity
    # Platform id of the transaction.
    transactionId: int
    # Progress contributed by this one activity; always positive, even for a return. Decimal number
    # as text.
    currentEventTargetValue: str


class TargetAchievedValueUpdated(Envelope):
    """Progress towards a target goes up, or (since 2023) down after a return."""

    eventName: Required[Literal["targetAchievedValueUpdated"]]
    data: Required[TargetAchievedValueUpdatedData]


class TargetCustomerEnrolmentMilestoneDetails(TypedDict, total=False):
    """One entry."""

    # Milestone id.
    id: int
    # Milestone name.
    name: str
    # How the milestone value is expressed.
    valueType: str
    # Milestone goal (text). Decimal number as text.
    definedValue: str
    # When reached (epoch milliseconds).
    achievedDate: int


class TargetCustomerEnrolmentData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Required[CustomerIdentifiers]
    # Activity id inside the target engine (not the envelope eventId).
    eventId: int
    # Goal used when no personal goal is set (decimal text). Decimal number as text.
    defaultTargetValue: str
    # Target (rule) id.
    targetId: Required[int]
    # Target name.
    targetName: str
    # Target group (milestone) id.
    targetGroupId: int
    # Target group name.
    targetGroupName: str
    # Channel the profile/record came from, in upper case.
    source: str
    # Evaluation period/cycle id.
    targetPeriodId: int
    # Evaluation period/cycle name.
    targetPeriodName: str
    # Period start (date text).
    targetPeriodStartDate: str
    # Cycle start (date text).
    targetCycleStartDate: str
    # Description text.
    description: str
    # Milestones of the target.
    milestoneDetails: list[TargetCustomerEnrolmentMilestoneDetails]


class TargetCustomerEnrolment(Envelope):
    """A customer is enrolled in a target."""

    eventName: Required[Literal["targetCustomerEnrolment"]]
    data: Required[TargetCustomerEnrolmentData]


class TargetPeriodCompletedTargetDetails(TypedDict, total=False):
    """Target identity block."""

    # Target (rule) id.
    id: int
    # Target name.
    name: str
    # Target group (milestone) id.
    targetGroupId: int
    # Target group name.
    targetGroupName: str
    # Evaluation period/cycle id.
    targetPeriodId: int
    # Evaluation period/cycle name.
    targetPeriodName: str
    # Description text.
    description: str


class TargetPeriodCompletedMilestoneDetails(TypedDict, total=False):
    """One entry."""

    # Milestone id.
    id: int
    # Milestone name.
    name: str
    # How the milestone value is expressed.
    valueType: str
    # Milestone goal (text). Decimal number as text.
    definedValue: str
    # When reached (epoch milliseconds).
    achievedDate: int


class TargetPeriodCompletedData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Required[CustomerIdentifiers]
    # Target identity block.
    targetDetails: Required[TargetPeriodCompletedTargetDetails]
    # Progress after this activity (decimal text, 3 places in samples). Decimal number as text.
    achievedTargetValue: str
    # Goal value (decimal text). Decimal number as text.
    definedTargetValue: str
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity
    # Milestones of the target.
    milestoneDetails: list[TargetPeriodCompletedMilestoneDetails]


class TargetPeriodCompleted(Envelope):
    """An evaluation period of a target ends for the customer."""

    eventName: Required[Literal["targetPeriodCompleted"]]
    data: Required[TargetPeriodCompletedData]


class TargetPeriodStartedTargetDetails(TypedDict, total=False):
    """Target identity block."""

    # Target (rule) id.
    id: int
    # Target name.
    name: str
    # Target group (milestone) id.
    targetGroupId: int
    # Target group name.
    targetGroupName: str
    # Evaluation period/cycle id.
    targetPeriodId: int
    # Evaluation period/cycle name.
    targetPeriodName: str
    # Description text.
    description: str


class TargetPeriodStartedData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Required[CustomerIdentifiers]
    # Target identity block.
    targetDetails: Required[TargetPeriodStartedTargetDetails]
    # Goal value (decimal text). Decimal number as text.
    definedTargetValue: str
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity


class TargetPeriodStarted(Envelope):
    """An evaluation period of a target begins for the customer."""

    eventName: Required[Literal["targetPeriodStarted"]]
    data: Required[TargetPeriodStartedData]


class TargetValueAchievedTargetDetails(TypedDict, total=False):
    """Target identity block."""

    # Target (rule) id.
    id: int
    # Target name.
    name: str
    # Target group (milestone) id.
    targetGroupId: int
    # Target group name.
    targetGroupName: str
    # Evaluation period/cycle id.
    targetPeriodId: int
    # Evaluation period/cycle name.
    targetPeriodName: str
    # Description text.
    description: str


class TargetValueAchievedData(TypedDict, total=False):
    """What happened."""

    # Name of the tracked activity (e.g. TransactionAdd) - not the envelope event name.
    eventName: str
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Required[CustomerIdentifiers]
    # Progress after this activity (decimal text, 3 places in samples). Decimal number as text.
    achievedTargetValue: str
    # Target identity block.
    targetDetails: Required[TargetValueAchievedTargetDetails]
    # Activity id inside the target engine (not the envelope eventId).
    eventId: int
    # Goal value (decimal text). Decimal number as text.
    definedTargetValue: str
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity
    # Platform id of the transaction.
    transactionId: int
    # Progress contributed by this one activity; always positive, even for a return. Decimal number
    # as text.
    currentEventTargetValue: str


class TargetValueAchieved(Envelope):
    """A customer reaches the goal of a target."""

    eventName: Required[Literal["targetValueAchieved"]]
    data: Required[TargetValueAchievedData]


class TargetValueUpdatedTargetDetails(TypedDict, total=False):
    """Target identity block."""

    # Target (rule) id.
    id: int
    # Target name.
    name: str
    # Target group (milestone) id.
    targetGroupId: int
    # Target group name.
    targetGroupName: str
    # Evaluation period/cycle id.
    targetPeriodId: int
    # Evaluation period/cycle name.
    targetPeriodName: str
    # Description text.
    description: str


class TargetValueUpdatedData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Required[CustomerIdentifiers]
    # Target identity block.
    targetDetails: Required[TargetValueUpdatedTargetDetails]
    # Progress after this activity (decimal text, 3 places in samples). Decimal number as text.
    achievedTargetValue: str
    # Goal value (decimal text). Decimal number as text.
    definedTargetValue: str


class TargetValueUpdated(Envelope):
    """The goal set for the customer is changed."""

    eventName: Required[Literal["targetValueUpdated"]]
    data: Required[TargetValueUpdatedData]


class UnifiedTargetsAchievedUnifiedTargetsAchievementCondition(TypedDict, total=False):
    """Rule deciding when the unified group counts as met."""

    # How the member targets combine (ANY seen).
    combinationType: str
    # How values are aggregated (SUM seen).
    aggregation: str
    # Combined threshold.
    thresholdValue: float
    # Boolean expression over target ids.
    ruleExpression: str


class UnifiedTargetsAchievedUnifiedTargetGroupDetails(TypedDict, total=False):
    """The unified (multi-target) group."""

    # Target group (milestone) id.
    targetGroupId: int
    # Target group name.
    targetGroupName: str
    # Rule deciding when the unified group counts as met.
    unifiedTargetsAchievementCondition: UnifiedTargetsAchievedUnifiedTargetsAchievementCondition


class UnifiedTargetsAchievedTargetData(TypedDict, total=False):
    """One entry."""

    # Target (rule) id.
    targetId: int
    # Target name.
    targetName: str
    # Description text.
    description: str
    # Evaluation period/cycle id.
    targetPeriodId: int
    # Evaluation period/cycle name.
    targetPeriodName: str
    # Progress after this activity (decimal text, 3 places in samples). Decimal number as text.
    achievedTargetValue: str
    # Goal value (decimal text). Decimal number as text.
    definedTargetValue: str


class UnifiedTargetsAchievedData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Required[CustomerIdentifiers]
    # The unified (multi-target) group.
    unifiedTargetGroupDetails: Required[UnifiedTargetsAchievedUnifiedTargetGroupDetails]
    # Per-target rows.
    targetData: list[UnifiedTargetsAchievedTargetData]
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity
    # Platform id of the transaction.
    transactionId: int


class UnifiedTargetsAchieved(Envelope):
    """A customer meets a unified (multi-target) goal."""

    eventName: Required[Literal["unifiedTargetsAchieved"]]
    data: Required[UnifiedTargetsAchievedData]


class UnifiedTargetsAchievementCondition(TypedDict, total=False):
    """Rule deciding when the unified group counts as met."""

    # How the member targets combine (ANY seen).
    combinationType: str
    # How values are aggregated (SUM seen).
    aggregation: str
    # Combined threshold.
    thresholdValue: float
    # Boolean expression over target ids.
    ruleExpression: str


class UnifiedTargetsUnAchievedUnifiedTargetGroupDetails(TypedDict, total=False):
    """The unified (multi-target) group."""

    # Target group (milestone) id.
    targetGroupId: int
    # Target group name.
    targetGroupName: str
    # Rule deciding when the unified group counts as met.
    unifiedTargetsAchievementCondition: UnifiedTargetsAchievementCondition


class UnifiedTargetsUnAchievedTargetData(TypedDict, total=False):
    """One entry."""

    # Target (rule) id.
    targetId: int
    # Target name.
    targetName: str
    # Description text.
    description: str
    # Evaluation period/cycle id.
    targetPeriodId: int
    # Evaluation period/cycle name.
    targetPeriodName: str
    # Progress after this activity (decimal text, 3 places in samples). Decimal number as text.
    achievedTargetValue: str
    # Goal value (decimal text). Decimal number as text.
    definedTargetValue: str


class UnifiedTargetsUnAchievedData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Required[CustomerIdentifiers]
    # The unified (multi-target) group.
    unifiedTargetGroupDetails: Required[UnifiedTargetsUnAchievedUnifiedTargetGroupDetails]
    # Per-target rows.
    targetData: list[UnifiedTargetsUnAchievedTargetData]
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity
    # Platform id of the transaction.
    transactionId: int


class UnifiedTargetsUnAchieved(Envelope):
    """The unified target group stops being met / is not met in its window."""

    eventName: Required[Literal["unifiedTargetsUnAchieved"]]
    data: Required[UnifiedTargetsUnAchievedData]
