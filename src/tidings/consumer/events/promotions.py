"""Events of the family promotions.

Made from the catalogue (`make models`): change the event type's file, not this one.
"""

from typing import Literal, Required, TypedDict

from tidings.consumer.events.common import (
    Actor,
    CustomerIdentifiers,
    Envelope,
    KeyValue,
    PromotionRestriction,
    TriggeringActivity,
)


class CartPromotionEarnedData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers | None
    # Promotion id.
    promotionId: str | None
    # Issue id (text).
    issueId: str | None
    # Issued on: text, or epoch milliseconds as text or number.
    issueDate: str | int | None
    # When the promotion was issued, epoch milliseconds: the instant that issueDate tells.
    issueDateInMillis: int | None
    # Earn id (text).
    earnId: str | None
    # Earned at: text, in the published capture of seconds since 1970. Read earnedTimeInMillis
    # instead.
    earnedTime: str | None
    # When it was earned, epoch milliseconds: the instant that earnedTime tells.
    earnedTimeInMillis: int | None


class CartPromotionEarned(Envelope):
    """A customer meets the criteria of a cart promotion."""

    eventName: Required[Literal["cartPromotionEarned"]]
    data: Required[CartPromotionEarnedData]


class CartPromotionIssuedData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers | None
    # Promotion id.
    promotionId: str | None
    # Issue id (text).
    issueId: str | None
    # Issued on: text, or epoch milliseconds as text or number.
    issueDate: str | int | None
    # When the promotion was issued, epoch milliseconds: the instant that issueDate tells.
    issueDateInMillis: int | None


class CartPromotionIssued(Envelope):
    """A cart promotion is issued to a customer."""

    eventName: Required[Literal["cartPromotionIssued"]]
    data: Required[CartPromotionIssuedData]


class CartPromotionRedeemedAppliedPromotions(TypedDict, total=False):
    """One entry."""

    # Times applied.
    redemptionCount: int | None
    # Promotion id.
    promotionId: str | None
    # Earn id (text).
    earnId: str | None
    # Quantity discounted.
    discountAppliedOnQuantity: float | None
    # Discount amount.
    discount: float | None
    # How it is redeemed.
    redemptionType: str | None


class CartPromotionRedeemedLineItemInfo(TypedDict, total=False):
    """One entry."""

    # SKU.
    sku: str | None
    # Product id.
    productId: str | None
    # Promotions applied to the cart or line.
    appliedPromotions: list[CartPromotionRedeemedAppliedPromotions] | None


class CartPromotionRedeemedData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers | None
    # Till (and store) that did it.
    addedBy: Actor | None
    # When redeemed (text).
    redemptionDateTime: str | None
    # When it was used, epoch milliseconds: the instant that redemptionDateTime tells.
    redemptionDateTimeInMillis: int | None
    # Cart/transaction reference.
    transactionIdentifier: str | None
    # Promotions applied to the cart or line.
    appliedPromotions: list[CartPromotionRedeemedAppliedPromotions] | None
    # Affected lines.
    lineItemInfo: list[CartPromotionRedeemedLineItemInfo] | None


class CartPromotionRedeemed(Envelope):
    """A cart promotion is used on a cart."""

    eventName: Required[Literal["cartPromotionRedeemed"]]
    data: Required[CartPromotionRedeemedData]


class CartPromotionRevokedData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers | None
    # Promotion id.
    promotionId: str | None
    # Earn id (text).
    earnId: str | None


class CartPromotionRevoked(Envelope):
    """A cart promotion is withdrawn from a customer."""

    eventName: Required[Literal["cartPromotionRevoked"]]
    data: Required[CartPromotionRevokedData]


class PromotionCreatedData(TypedDict, total=False):
    """What happened."""

    # Map: target group id -> list of target rule ids.
    linkedTargetGroupVsTargetRuleIdMap: dict[str, list[int] | None] | None
    # Promotion end (epoch milliseconds).
    promotionEndDate: int | None
    # Created at (epoch milliseconds).
    createdOn: int | None
    # Custom field name/value pairs attached to the entity.
    customFields: KeyValue | None
    # Activity the promotion reacts to.
    linkedEventName: str | None
    # Promotion start (epoch milliseconds).
    promotionStartDate: int | None
    # Promotion name.
    promotionName: str | None
    # Who changed it.
    updatedBy: int | None
    # State.
    status: str | None
    # Brand's own id.
    externalIdentifier: str | None
    # Where it was created (UI, USER_CREATED ...).
    sourceType: str | None
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity | None
    # Programme id.
    loyaltyProgramId: int | None
    # Kind.
    type: str | None
    # Updated at (epoch milliseconds).
    updatedOn: int | None
    # Id of that activity (text in schema, number in sample).
    linkedEventId: str | int | None
    # Description text.
    description: str | None
    # Promotion id.
    promotionId: int | None


class PromotionCreated(Envelope):
    """A loyalty promotion is created in UI or API."""

    eventName: Required[Literal["promotionCreated"]]
    data: Required[PromotionCreatedData]


class PromotionEarnedEarnRestrictions(TypedDict, total=False):
    """One entry."""

    # What the limit applies to (CUSTOMER).
    limitOn: str | None
    # Measured quantity.
    kpi: str | None
    # Cap; -1 means no cap.
    maxLimit: int | None


class PromotionEarnedData(TypedDict, total=False):
    """What happened."""

    # Map: target group id -> list of target rule ids.
    linkedTargetGroupVsTargetRuleIdMap: dict[str, list[int] | None] | None
    # Promotion end (YYYY-MM-DD).
    promotionEndDate: str | None
    # Earned on (YYYY-MM-DD).
    promotionEarnedDate: str | None
    # Custom field name/value pairs attached to the entity.
    customFields: KeyValue | None
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers | None
    # Promotion start (YYYY-MM-DD).
    promotionStartDate: str | None
    # Promotion name.
    promotionName: str | None
    # Issue id.
    issualId: int | None
    # Earn id.
    earnedId: int | None
    # Limits on redeeming.
    redemptionRestrictions: list[PromotionRestriction] | None
    # GENERIC or LOYALTY_EARNING.
    pointsOfferType: str | None
    # What caused the earn.
    promotionEarnSource: str | None
    # Criteria that was met.
    earnCriteria: str | None
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity | None
    # Programme id.
    loyaltyProgramId: int | None
    # Promotion description.
    promotionDescription: str | None
    # Earn expires (YYYY-MM-DD).
    promotionEarnedExpiryDate: str | None
    # Promotion id.
    promotionId: int | None
    # Limits on earning.
    earnRestrictions: list[PromotionEarnedEarnRestrictions] | None
    # The time of promotionStartDate as epoch milliseconds.
    promotionStartDateInMillis: int | None
    # The time of promotionEndDate as epoch milliseconds.
    promotionEndDateInMillis: int | None
    # The time of promotionEarnedExpiryDate as epoch milliseconds.
    promotionEarnedExpiryDateInMillis: int | None


class PromotionEarned(Envelope):
    """A customer earns a loyalty promotion."""

    eventName: Required[Literal["promotionEarned"]]
    data: Required[PromotionEarnedData]


class PromotionIssuedIssueRestrictions(TypedDict, total=False):
    """One entry."""

    # What the limit applies to (CUSTOMER).
    limitOn: str | None
    # Measured quantity.
    kpi: str | None
    # Cap; -1 means no cap.
    maxLimit: int | None


class PromotionIssuedData(TypedDict, total=False):
    """What happened."""

    # Limits on issuing.
    issueRestrictions: list[PromotionIssuedIssueRestrictions] | None
    # Map: target group id -> list of target rule ids.
    linkedTargetGroupVsTargetRuleIdMap: dict[str, list[int] | None] | None
    # Promotion end (YYYY-MM-DD).
    promotionEndDate: str | None
    # Custom field name/value pairs attached to the entity.
    customFields: KeyValue | None
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers | None
    # Promotion start (YYYY-MM-DD).
    promotionStartDate: str | None
    # Promotion name.
    promotionName: str | None
    # Issue expires (YYYY-MM-DD).
    promotionIssuedExpiryDate: str | None
    # Issue id.
    issualId: int | None
    # Limits on redeeming.
    redemptionRestrictions: list[PromotionRestriction] | None
    # GENERIC or LOYALTY_EARNING.
    pointsOfferType: str | None
    # What caused the earn.
    promotionEarnSource: str | None
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity | None
    # Programme id.
    loyaltyProgramId: int | None
    # Promotion description.
    promotionDescription: str | None
    # Issued on (YYYY-MM-DD).
    promotionIssuedDate: str | None
    # Promotion id.
    promotionId: int | None
    # The time of promotionStartDate as epoch milliseconds.
    promotionStartDateInMillis: int | None
    # The time of promotionEndDate as epoch milliseconds.
    promotionEndDateInMillis: int | None
    # The time of promotionIssuedDate as epoch milliseconds.
    promotionIssuedDateInMillis: int | None
    # The time of promotionIssuedExpiryDate as epoch milliseconds.
    promotionIssuedExpiryDateInMillis: int | None


class PromotionIssued(Envelope):
    """A loyalty promotion is issued to a customer or group."""

    eventName: Required[Literal["promotionIssued"]]
    data: Required[PromotionIssuedData]


class PromotionUpdatedData(TypedDict, total=False):
    """What happened."""

    # Map: target group id -> list of target rule ids.
    linkedTargetGroupVsTargetRuleIdMap: dict[str, list[int] | None] | None
    # Promotion end (epoch milliseconds).
    promotionEndDate: int | None
    # Created at (epoch milliseconds).
    createdOn: int | None
    # Custom field name/value pairs attached to the entity.
    customFields: KeyValue | None
    # Activity the promotion reacts to.
    linkedEventName: str | None
    # Promotion start (epoch milliseconds).
    promotionStartDate: int | None
    # Promotion name.
    promotionName: str | None
    # Who changed it.
    updatedBy: int | None
    # State.
    status: str | None
    # Brand's own id.
    externalIdentifier: str | None
    # Where it was created (UI, USER_CREATED ...).
    sourceType: str | None
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity | None
    # Programme id.
    loyaltyProgramId: int | None
    # Kind.
    type: str | None
    # Updated at (epoch milliseconds).
    updatedOn: int | None
    # Id of that activity (text in schema, number in sample).
    linkedEventId: str | int | None
    # Description text.
    description: str | None
    # Promotion id.
    promotionId: int | None


class PromotionUpdated(Envelope):
    """Loyalty promotion details change."""

    eventName: Required[Literal["promotionUpdated"]]
    data: Required[PromotionUpdatedData]


class RevokeEarnedPromotionRevokedEarnedPromotionDetails(TypedDict, total=False):
    """One entry."""

    # Earn id that was withdrawn.
    revokedEarnedId: int | None
    # Earned on (YYYY-MM-DD).
    promotionEarnedDate: str | None
    # Earn expires (YYYY-MM-DD).
    promotionEarnedExpiryDate: str | None
    # Until when that earning would have been valid, epoch milliseconds: the instant that
    # promotionEarnedExpiryDate tells.
    promotionEarnedExpiryDateInMillis: int | None


class RevokeEarnedPromotionEarnRestrictions(TypedDict, total=False):
    """One entry."""

    # What the limit applies to (CUSTOMER).
    limitOn: str | None
    # Measured quantity.
    kpi: str | None
    # Cap; -1 means no cap.
    maxLimit: int | None


class RevokeEarnedPromotionData(TypedDict, total=False):
    """What happened."""

    # Promotion end (YYYY-MM-DD).
    promotionEndDate: str | None
    # End of the promotion, epoch milliseconds: the instant that promotionEndDate tells.
    promotionEndDateInMillis: int | None
    # Custom field name/value pairs attached to the entity.
    customFields: KeyValue | None
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers | None
    # Promotion start (YYYY-MM-DD).
    promotionStartDate: str | None
    # Start of the promotion, epoch milliseconds: the instant that promotionStartDate tells.
    promotionStartDateInMillis: int | None
    # Promotion name.
    promotionName: str | None
    # Limits on redeeming.
    redemptionRestrictions: list[PromotionRestriction] | None
    # Earns withdrawn.
    revokedEarnedPromotionDetails: list[RevokeEarnedPromotionRevokedEarnedPromotionDetails] | None
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity | None
    # Programme id.
    loyaltyProgramId: int | None
    # Promotion description.
    promotionDescription: str | None
    # Promotion id.
    promotionId: int | None
    # Limits on earning.
    earnRestrictions: list[RevokeEarnedPromotionEarnRestrictions] | None


class RevokeEarnedPromotion(Envelope):
    """An earned promotion is withdrawn."""

    eventName: Required[Literal["revokeEarnedPromotion"]]
    data: Required[RevokeEarnedPromotionData]


class RevokeIssuedPromotionIssueRestrictions(TypedDict, total=False):
    """One entry."""

    # What the limit applies to (CUSTOMER).
    limitOn: str | None
    # Measured quantity.
    kpi: str | None
    # Cap; -1 means no cap.
    maxLimit: int | None


class RevokeIssuedPromotionData(TypedDict, total=False):
    """What happened."""

    # Limits on issuing.
    issueRestrictions: list[RevokeIssuedPromotionIssueRestrictions] | None
    # Promotion end (YYYY-MM-DD).
    promotionEndDate: str | None
    # End of the promotion, last second of the day, epoch milliseconds: the instant that
    # promotionEndDate tells.
    promotionEndDateInMillis: int | None
    # Custom field name/value pairs attached to the entity.
    customFields: KeyValue | None
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers | None
    # Promotion start (YYYY-MM-DD).
    promotionStartDate: str | None
    # Start of the promotion, epoch milliseconds: the instant that promotionStartDate tells.
    promotionStartDateInMillis: int | None
    # Promotion name.
    promotionName: str | None
    # Issue expires (YYYY-MM-DD).
    promotionIssuedExpiryDate: str | None
    # Until when the issue would have been valid, epoch milliseconds: the instant that
    # promotionIssuedExpiryDate tells.
    promotionIssuedExpiryDateInMillis: int | None
    # Issue id that was withdrawn.
    revokedIssualId: int | None
    # Limits on redeeming.
    redemptionRestrictions: list[PromotionRestriction] | None
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity | None
    # Programme id.
    loyaltyProgramId: int | None
    # Promotion description.
    promotionDescription: str | None
    # Issued on (YYYY-MM-DD).
    promotionIssuedDate: str | None
    # Promotion id.
    promotionId: int | None


class RevokeIssuedPromotion(Envelope):
    """An issued promotion is withdrawn."""

    eventName: Required[Literal["revokeIssuedPromotion"]]
    data: Required[RevokeIssuedPromotionData]
