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
    customerIdentifiers: Required[CustomerIdentifiers]
    # Promotion id.
    promotionId: Required[str]
    # Issue id (text).
    issueId: str
    # Issued on (text).
    issueDate: str
    # Earn id (text).
    earnId: Required[str]
    # Earned at (text).
    earnedTime: str


class CartPromotionEarned(Envelope):
    """A customer meets the criteria of a cart promotion."""

    eventName: Required[Literal["cartPromotionEarned"]]
    data: Required[CartPromotionEarnedData]


class CartPromotionIssuedData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Required[CustomerIdentifiers]
    # Promotion id.
    promotionId: Required[str]
    # Issue id (text).
    issueId: str
    # Issued on (text).
    issueDate: str


class CartPromotionIssued(Envelope):
    """A cart promotion is issued to a customer."""

    eventName: Required[Literal["cartPromotionIssued"]]
    data: Required[CartPromotionIssuedData]


class CartPromotionRedeemedAppliedPromotions(TypedDict, total=False):
    """One entry."""

    # Times applied.
    redemptionCount: int
    # Promotion id.
    promotionId: str
    # Earn id (text).
    earnId: str
    # Quantity discounted.
    discountAppliedOnQuantity: float
    # Discount amount.
    discount: float
    # How it is redeemed.
    redemptionType: str


class CartPromotionRedeemedLineItemInfo(TypedDict, total=False):
    """One entry."""

    # SKU.
    sku: str
    # Product id.
    productId: str
    # Promotions applied to the cart or line.
    appliedPromotions: list[CartPromotionRedeemedAppliedPromotions]


class CartPromotionRedeemedData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Required[CustomerIdentifiers]
    # Till (and store) that did it.
    addedBy: Actor
    # When redeemed (text).
    redemptionDateTime: str
    # Cart/transaction reference.
    transactionIdentifier: str
    # Promotions applied to the cart or line.
    appliedPromotions: Required[list[CartPromotionRedeemedAppliedPromotions]]
    # Affected lines.
    lineItemInfo: list[CartPromotionRedeemedLineItemInfo]


class CartPromotionRedeemed(Envelope):
    """A cart promotion is used on a cart."""

    eventName: Required[Literal["cartPromotionRedeemed"]]
    data: Required[CartPromotionRedeemedData]


class CartPromotionRevokedData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Required[CustomerIdentifiers]
    # Promotion id.
    promotionId: Required[str]
    # Earn id (text).
    earnId: str


class CartPromotionRevoked(Envelope):
    """A cart promotion is withdrawn from a customer."""

    eventName: Required[Literal["cartPromotionRevoked"]]
    data: Required[CartPromotionRevokedData]


class PromotionCreatedData(TypedDict, total=False):
    """What happened."""

    # Map: target group id -> list of target rule ids.
    linkedTargetGroupVsTargetRuleIdMap: dict[str, list[int]]
    # Promotion end (epoch milliseconds).
    promotionEndDate: int
    # Created at (epoch milliseconds).
    createdOn: int
    # Custom field name/value pairs attached to the entity.
    customFields: KeyValue
    # Activity the promotion reacts to.
    linkedEventName: str
    # Promotion start (epoch milliseconds).
    promotionStartDate: int
    # Promotion name.
    promotionName: str
    # Who changed it.
    updatedBy: int
    # State.
    status: str
    # Brand's own id.
    externalIdentifier: str
    # Where it was created (UI, USER_CREATED ...).
    sourceType: str
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity
    # Programme id.
    loyaltyProgramId: int
    # Kind.
    type: str
    # Updated at (epoch milliseconds).
    updatedOn: int
    # Id of that activity (text in schema, number in sample).
    linkedEventId: str
    # Description text.
    description: str
    # Promotion id.
    promotionId: Required[int]


class PromotionCreated(Envelope):
    """A loyalty promotion is created in UI or API."""

    eventName: Required[Literal["promotionCreated"]]
    data: Required[PromotionCreatedData]


class PromotionEarnedEarnRestrictions(TypedDict, total=False):
    """One entry."""

    # What the limit applies to (CUSTOMER).
    limitOn: str
    # Measured quantity.
    kpi: str
    # Cap; -1 means no cap.
    maxLimit: int


class PromotionEarnedData(TypedDict, total=False):
    """What happened."""

    # Map: target group id -> list of target rule ids.
    linkedTargetGroupVsTargetRuleIdMap: dict[str, list[int]]
    # Promotion end (YYYY-MM-DD).
    promotionEndDate: str
    # Earned on (YYYY-MM-DD).
    promotionEarnedDate: str
    # Custom field name/value pairs attached to the entity.
    customFields: KeyValue
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Required[CustomerIdentifiers]
    # Promotion start (YYYY-MM-DD).
    promotionStartDate: str
    # Promotion name.
    promotionName: str
    # Issue id.
    issualId: int
    # Earn id.
    earnedId: int
    # Limits on redeeming.
    redemptionRestrictions: list[PromotionRestriction]
    # GENERIC or LOYALTY_EARNING.
    pointsOfferType: str
    # What caused the earn.
    promotionEarnSource: str
    # Criteria that was met.
    earnCriteria: str
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity
    # Programme id.
    loyaltyProgramId: int
    # Promotion description.
    promotionDescription: str
    # Earn expires (YYYY-MM-DD).
    promotionEarnedExpiryDate: str
    # Promotion id.
    promotionId: Required[int]
    # Limits on earning.
    earnRestrictions: list[PromotionEarnedEarnRestrictions]
    # The time of promotionStartDate as epoch milliseconds.
    promotionStartDateInMillis: int
    # The time of promotionEndDate as epoch milliseconds.
    promotionEndDateInMillis: int
    # The time of promotionEarnedExpiryDate as epoch milliseconds.
    promotionEarnedExpiryDateInMillis: int


class PromotionEarned(Envelope):
    """A customer earns a loyalty promotion."""

    eventName: Required[Literal["promotionEarned"]]
    data: Required[PromotionEarnedData]


class PromotionIssuedIssueRestrictions(TypedDict, total=False):
    """One entry."""

    # What the limit applies to (CUSTOMER).
    limitOn: str
    # Measured quantity.
    kpi: str
    # Cap; -1 means no cap.
    maxLimit: int


class PromotionIssuedData(TypedDict, total=False):
    """What happened."""

    # Limits on issuing.
    issueRestrictions: list[PromotionIssuedIssueRestrictions]
    # Map: target group id -> list of target rule ids.
    linkedTargetGroupVsTargetRuleIdMap: dict[str, list[int]]
    # Promotion end (YYYY-MM-DD).
    promotionEndDate: str
    # Custom field name/value pairs attached to the entity.
    customFields: KeyValue
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Required[CustomerIdentifiers]
    # Promotion start (YYYY-MM-DD).
    promotionStartDate: str
    # Promotion name.
    promotionName: str
    # Issue expires (YYYY-MM-DD).
    promotionIssuedExpiryDate: str
    # Issue id.
    issualId: int
    # Limits on redeeming.
    redemptionRestrictions: list[PromotionRestriction]
    # GENERIC or LOYALTY_EARNING.
    pointsOfferType: str
    # What caused the earn.
    promotionEarnSource: str
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity
    # Programme id.
    loyaltyProgramId: int
    # Promotion description.
    promotionDescription: str
    # Issued on (YYYY-MM-DD).
    promotionIssuedDate: str
    # Promotion id.
    promotionId: Required[int]
    # The time of promotionStartDate as epoch milliseconds.
    promotionStartDateInMillis: int
    # The time of promotionEndDate as epoch milliseconds.
    promotionEndDateInMillis: int
    # The time of promotionIssuedDate as epoch milliseconds.
    promotionIssuedDateInMillis: int
    # The time of promotionIssuedExpiryDate as epoch milliseconds.
    promotionIssuedExpiryDateInMillis: int


class PromotionIssued(Envelope):
    """A loyalty promotion is issued to a customer or group."""

    eventName: Required[Literal["promotionIssued"]]
    data: Required[PromotionIssuedData]


class PromotionUpdatedData(TypedDict, total=False):
    """What happened."""

    # Map: target group id -> list of target rule ids.
    linkedTargetGroupVsTargetRuleIdMap: dict[str, list[int]]
    # Promotion end (epoch milliseconds).
    promotionEndDate: int
    # Created at (epoch milliseconds).
    createdOn: int
    # Custom field name/value pairs attached to the entity.
    customFields: KeyValue
    # Activity the promotion reacts to.
    linkedEventName: str
    # Promotion start (epoch milliseconds).
    promotionStartDate: int
    # Promotion name.
    promotionName: str
    # Who changed it.
    updatedBy: int
    # State.
    status: str
    # Brand's own id.
    externalIdentifier: str
    # Where it was created (UI, USER_CREATED ...).
    sourceType: str
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity
    # Programme id.
    loyaltyProgramId: int
    # Kind.
    type: str
    # Updated at (epoch milliseconds).
    updatedOn: int
    # Id of that activity (text in schema, number in sample).
    linkedEventId: str
    # Description text.
    description: str
    # Promotion id.
    promotionId: Required[int]


class PromotionUpdated(Envelope):
    """Loyalty promotion details change."""

    eventName: Required[Literal["promotionUpdated"]]
    data: Required[PromotionUpdatedData]


class RevokeEarnedPromotionRevokedEarnedPromotionDetails(TypedDict, total=False):
    """One entry."""

    # Earn id that was withdrawn.
    revokedEarnedId: int
    # Earned on (YYYY-MM-DD).
    promotionEarnedDate: str
    # Earn expires (YYYY-MM-DD).
    promotionEarnedExpiryDate: str


class RevokeEarnedPromotionEarnRestrictions(TypedDict, total=False):
    """One entry."""

    # What the limit applies to (CUSTOMER).
    limitOn: str
    # Measured quantity.
    kpi: str
    # Cap; -1 means no cap.
    maxLimit: int


class RevokeEarnedPromotionData(TypedDict, total=False):
    """What happened."""

    # Promotion end (YYYY-MM-DD).
    promotionEndDate: str
    # Custom field name/value pairs attached to the entity.
    customFields: KeyValue
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Required[CustomerIdentifiers]
    # Promotion start (YYYY-MM-DD).
    promotionStartDate: str
    # Promotion name.
    promotionName: str
    # Limits on redeeming.
    redemptionRestrictions: list[PromotionRestriction]
    # Earns withdrawn.
    revokedEarnedPromotionDetails: list[RevokeEarnedPromotionRevokedEarnedPromotionDetails]
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity
    # Programme id.
    loyaltyProgramId: int
    # Promotion description.
    promotionDescription: str
    # Promotion id.
    promotionId: Required[int]
    # Limits on earning.
    earnRestrictions: list[RevokeEarnedPromotionEarnRestrictions]


class RevokeEarnedPromotion(Envelope):
    """An earned promotion is withdrawn."""

    eventName: Required[Literal["revokeEarnedPromotion"]]
    data: Required[RevokeEarnedPromotionData]


class RevokeIssuedPromotionIssueRestrictions(TypedDict, total=False):
    """One entry."""

    # What the limit applies to (CUSTOMER).
    limitOn: str
    # Measured quantity.
    kpi: str
    # Cap; -1 means no cap.
    maxLimit: int


class RevokeIssuedPromotionData(TypedDict, total=False):
    """What happened."""

    # Limits on issuing.
    issueRestrictions: list[RevokeIssuedPromotionIssueRestrictions]
    # Promotion end (YYYY-MM-DD).
    promotionEndDate: str
    # Custom field name/value pairs attached to the entity.
    customFields: KeyValue
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Required[CustomerIdentifiers]
    # Promotion start (YYYY-MM-DD).
    promotionStartDate: str
    # Promotion name.
    promotionName: str
    # Issue expires (YYYY-MM-DD).
    promotionIssuedExpiryDate: str
    # Issue id that was withdrawn.
    revokedIssualId: int
    # Limits on redeeming.
    redemptionRestrictions: list[PromotionRestriction]
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity
    # Programme id.
    loyaltyProgramId: int
    # Promotion description.
    promotionDescription: str
    # Issued on (YYYY-MM-DD).
    promotionIssuedDate: str
    # Promotion id.
    promotionId: Required[int]


class RevokeIssuedPromotion(Envelope):
    """An issued promotion is withdrawn."""

    eventName: Required[Literal["revokeIssuedPromotion"]]
    data: Required[RevokeIssuedPromotionData]
