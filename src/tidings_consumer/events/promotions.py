"""Events of the family promotions.

Made from the catalogue (`make models`): change the event type's file, not this one.
"""

from typing import Literal, Optional, TypedDict, Union

from tidings_consumer.events.common import (
    Actor,
    CustomerIdentifiers,
    Envelope,
    KeyValue,
    PromotionRestriction,
    TriggeringActivity,
)
from tidings_consumer.newer_typing import Required


class CartPromotionEarnedData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Optional[CustomerIdentifiers]
    # Promotion id.
    promotionId: Optional[str]
    # Issue id (text).
    issueId: Optional[str]
    # Issued on: text, or epoch milliseconds as text or number.
    issueDate: Union[str, int, None]
    # When the promotion was issued, epoch milliseconds: the instant that issueDate tells.
    issueDateInMillis: Optional[int]
    # Earn id (text).
    earnId: Optional[str]
    # Earned at: text, in the published capture of seconds since 1970. Read earnedTimeInMillis
    # instead.
    earnedTime: Optional[str]
    # When it was earned, epoch milliseconds: the instant that earnedTime tells.
    earnedTimeInMillis: Optional[int]


class CartPromotionEarned(Envelope):
    """A customer meets the criteria of a cart promotion."""

    eventName: Required[Literal["cartPromotionEarned"]]
    data: Required[CartPromotionEarnedData]


class CartPromotionIssuedData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Optional[CustomerIdentifiers]
    # Promotion id.
    promotionId: Optional[str]
    # Issue id (text).
    issueId: Optional[str]
    # Issued on: text, or epoch milliseconds as text or number.
    issueDate: Union[str, int, None]
    # When the promotion was issued, epoch milliseconds: the instant that issueDate tells.
    issueDateInMillis: Optional[int]


class CartPromotionIssued(Envelope):
    """A cart promotion is issued to a customer."""

    eventName: Required[Literal["cartPromotionIssued"]]
    data: Required[CartPromotionIssuedData]


class CartPromotionRedeemedAppliedPromotions(TypedDict, total=False):
    """One entry."""

    # Times applied.
    redemptionCount: Optional[int]
    # Promotion id.
    promotionId: Optional[str]
    # Earn id (text).
    earnId: Optional[str]
    # Quantity discounted.
    discountAppliedOnQuantity: Optional[float]
    # Discount amount.
    discount: Optional[float]
    # How it is redeemed.
    redemptionType: Optional[str]


class CartPromotionRedeemedLineItemInfo(TypedDict, total=False):
    """One entry."""

    # SKU.
    sku: Optional[str]
    # Product id.
    productId: Optional[str]
    # Promotions applied to the cart or line.
    appliedPromotions: Optional[list[CartPromotionRedeemedAppliedPromotions]]


class CartPromotionRedeemedData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Optional[CustomerIdentifiers]
    # Till (and store) that did it.
    addedBy: Optional[Actor]
    # When redeemed (text).
    redemptionDateTime: Optional[str]
    # When it was used, epoch milliseconds: the instant that redemptionDateTime tells.
    redemptionDateTimeInMillis: Optional[int]
    # Cart/transaction reference.
    transactionIdentifier: Optional[str]
    # Promotions applied to the cart or line.
    appliedPromotions: Optional[list[CartPromotionRedeemedAppliedPromotions]]
    # Affected lines.
    lineItemInfo: Optional[list[CartPromotionRedeemedLineItemInfo]]


class CartPromotionRedeemed(Envelope):
    """A cart promotion is used on a cart."""

    eventName: Required[Literal["cartPromotionRedeemed"]]
    data: Required[CartPromotionRedeemedData]


class CartPromotionRevokedData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Optional[CustomerIdentifiers]
    # Promotion id.
    promotionId: Optional[str]
    # Earn id (text).
    earnId: Optional[str]


class CartPromotionRevoked(Envelope):
    """A cart promotion is withdrawn from a customer."""

    eventName: Required[Literal["cartPromotionRevoked"]]
    data: Required[CartPromotionRevokedData]


class PromotionCreatedData(TypedDict, total=False):
    """What happened."""

    # Map: target group id -> list of target rule ids.
    linkedTargetGroupVsTargetRuleIdMap: Optional[dict[str, Optional[list[int]]]]
    # Promotion end (epoch milliseconds).
    promotionEndDate: Optional[int]
    # Created at (epoch milliseconds).
    createdOn: Optional[int]
    # Custom field name/value pairs attached to the entity.
    customFields: Optional[KeyValue]
    # Activity the promotion reacts to.
    linkedEventName: Optional[str]
    # Promotion start (epoch milliseconds).
    promotionStartDate: Optional[int]
    # Promotion name.
    promotionName: Optional[str]
    # Who changed it.
    updatedBy: Optional[int]
    # State.
    status: Optional[str]
    # Brand's own id.
    externalIdentifier: Optional[str]
    # Where it was created (UI, USER_CREATED ...).
    sourceType: Optional[str]
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: Optional[TriggeringActivity]
    # Programme id.
    loyaltyProgramId: Optional[int]
    # Kind.
    type: Optional[str]
    # Updated at (epoch milliseconds).
    updatedOn: Optional[int]
    # Id of that activity (text in schema, number in sample).
    linkedEventId: Union[str, int, None]
    # Description text.
    description: Optional[str]
    # Promotion id.
    promotionId: Optional[int]


class PromotionCreated(Envelope):
    """A loyalty promotion is created in UI or API."""

    eventName: Required[Literal["promotionCreated"]]
    data: Required[PromotionCreatedData]


class PromotionEarnedEarnRestrictions(TypedDict, total=False):
    """One entry."""

    # What the limit applies to (CUSTOMER).
    limitOn: Optional[str]
    # Measured quantity.
    kpi: Optional[str]
    # Cap; -1 means no cap.
    maxLimit: Optional[int]


class PromotionEarnedData(TypedDict, total=False):
    """What happened."""

    # Map: target group id -> list of target rule ids.
    linkedTargetGroupVsTargetRuleIdMap: Optional[dict[str, Optional[list[int]]]]
    # Promotion end (YYYY-MM-DD).
    promotionEndDate: Optional[str]
    # Earned on (YYYY-MM-DD).
    promotionEarnedDate: Optional[str]
    # Custom field name/value pairs attached to the entity.
    customFields: Optional[KeyValue]
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Optional[CustomerIdentifiers]
    # Promotion start (YYYY-MM-DD).
    promotionStartDate: Optional[str]
    # Promotion name.
    promotionName: Optional[str]
    # Issue id.
    issualId: Optional[int]
    # Earn id.
    earnedId: Optional[int]
    # Limits on redeeming.
    redemptionRestrictions: Optional[list[PromotionRestriction]]
    # GENERIC or LOYALTY_EARNING.
    pointsOfferType: Optional[str]
    # What caused the earn.
    promotionEarnSource: Optional[str]
    # Criteria that was met.
    earnCriteria: Optional[str]
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: Optional[TriggeringActivity]
    # Programme id.
    loyaltyProgramId: Optional[int]
    # Promotion description.
    promotionDescription: Optional[str]
    # Earn expires (YYYY-MM-DD).
    promotionEarnedExpiryDate: Optional[str]
    # Promotion id.
    promotionId: Optional[int]
    # Limits on earning.
    earnRestrictions: Optional[list[PromotionEarnedEarnRestrictions]]
    # The time of promotionStartDate as epoch milliseconds.
    promotionStartDateInMillis: Optional[int]
    # The time of promotionEndDate as epoch milliseconds.
    promotionEndDateInMillis: Optional[int]
    # The time of promotionEarnedExpiryDate as epoch milliseconds.
    promotionEarnedExpiryDateInMillis: Optional[int]


class PromotionEarned(Envelope):
    """A customer earns a loyalty promotion."""

    eventName: Required[Literal["promotionEarned"]]
    data: Required[PromotionEarnedData]


class PromotionIssuedIssueRestrictions(TypedDict, total=False):
    """One entry."""

    # What the limit applies to (CUSTOMER).
    limitOn: Optional[str]
    # Measured quantity.
    kpi: Optional[str]
    # Cap; -1 means no cap.
    maxLimit: Optional[int]


class PromotionIssuedData(TypedDict, total=False):
    """What happened."""

    # Limits on issuing.
    issueRestrictions: Optional[list[PromotionIssuedIssueRestrictions]]
    # Map: target group id -> list of target rule ids.
    linkedTargetGroupVsTargetRuleIdMap: Optional[dict[str, Optional[list[int]]]]
    # Promotion end (YYYY-MM-DD).
    promotionEndDate: Optional[str]
    # Custom field name/value pairs attached to the entity.
    customFields: Optional[KeyValue]
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Optional[CustomerIdentifiers]
    # Promotion start (YYYY-MM-DD).
    promotionStartDate: Optional[str]
    # Promotion name.
    promotionName: Optional[str]
    # Issue expires (YYYY-MM-DD).
    promotionIssuedExpiryDate: Optional[str]
    # Issue id.
    issualId: Optional[int]
    # Limits on redeeming.
    redemptionRestrictions: Optional[list[PromotionRestriction]]
    # GENERIC or LOYALTY_EARNING.
    pointsOfferType: Optional[str]
    # What caused the earn.
    promotionEarnSource: Optional[str]
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: Optional[TriggeringActivity]
    # Programme id.
    loyaltyProgramId: Optional[int]
    # Promotion description.
    promotionDescription: Optional[str]
    # Issued on (YYYY-MM-DD).
    promotionIssuedDate: Optional[str]
    # Promotion id.
    promotionId: Optional[int]
    # The time of promotionStartDate as epoch milliseconds.
    promotionStartDateInMillis: Optional[int]
    # The time of promotionEndDate as epoch milliseconds.
    promotionEndDateInMillis: Optional[int]
    # The time of promotionIssuedDate as epoch milliseconds.
    promotionIssuedDateInMillis: Optional[int]
    # The time of promotionIssuedExpiryDate as epoch milliseconds.
    promotionIssuedExpiryDateInMillis: Optional[int]


class PromotionIssued(Envelope):
    """A loyalty promotion is issued to a customer or group."""

    eventName: Required[Literal["promotionIssued"]]
    data: Required[PromotionIssuedData]


class PromotionUpdatedData(TypedDict, total=False):
    """What happened."""

    # Map: target group id -> list of target rule ids.
    linkedTargetGroupVsTargetRuleIdMap: Optional[dict[str, Optional[list[int]]]]
    # Promotion end (epoch milliseconds).
    promotionEndDate: Optional[int]
    # Created at (epoch milliseconds).
    createdOn: Optional[int]
    # Custom field name/value pairs attached to the entity.
    customFields: Optional[KeyValue]
    # Activity the promotion reacts to.
    linkedEventName: Optional[str]
    # Promotion start (epoch milliseconds).
    promotionStartDate: Optional[int]
    # Promotion name.
    promotionName: Optional[str]
    # Who changed it.
    updatedBy: Optional[int]
    # State.
    status: Optional[str]
    # Brand's own id.
    externalIdentifier: Optional[str]
    # Where it was created (UI, USER_CREATED ...).
    sourceType: Optional[str]
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: Optional[TriggeringActivity]
    # Programme id.
    loyaltyProgramId: Optional[int]
    # Kind.
    type: Optional[str]
    # Updated at (epoch milliseconds).
    updatedOn: Optional[int]
    # Id of that activity (text in schema, number in sample).
    linkedEventId: Union[str, int, None]
    # Description text.
    description: Optional[str]
    # Promotion id.
    promotionId: Optional[int]


class PromotionUpdated(Envelope):
    """Loyalty promotion details change."""

    eventName: Required[Literal["promotionUpdated"]]
    data: Required[PromotionUpdatedData]


class RevokeEarnedPromotionRevokedEarnedPromotionDetails(TypedDict, total=False):
    """One entry."""

    # Earn id that was withdrawn.
    revokedEarnedId: Optional[int]
    # Earned on (YYYY-MM-DD).
    promotionEarnedDate: Optional[str]
    # Earn expires (YYYY-MM-DD).
    promotionEarnedExpiryDate: Optional[str]
    # Until when that earning would have been valid, epoch milliseconds: the instant that
    # promotionEarnedExpiryDate tells.
    promotionEarnedExpiryDateInMillis: Optional[int]


class RevokeEarnedPromotionEarnRestrictions(TypedDict, total=False):
    """One entry."""

    # What the limit applies to (CUSTOMER).
    limitOn: Optional[str]
    # Measured quantity.
    kpi: Optional[str]
    # Cap; -1 means no cap.
    maxLimit: Optional[int]


class RevokeEarnedPromotionData(TypedDict, total=False):
    """What happened."""

    # Promotion end (YYYY-MM-DD).
    promotionEndDate: Optional[str]
    # End of the promotion, epoch milliseconds: the instant that promotionEndDate tells.
    promotionEndDateInMillis: Optional[int]
    # Custom field name/value pairs attached to the entity.
    customFields: Optional[KeyValue]
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Optional[CustomerIdentifiers]
    # Promotion start (YYYY-MM-DD).
    promotionStartDate: Optional[str]
    # Start of the promotion, epoch milliseconds: the instant that promotionStartDate tells.
    promotionStartDateInMillis: Optional[int]
    # Promotion name.
    promotionName: Optional[str]
    # Limits on redeeming.
    redemptionRestrictions: Optional[list[PromotionRestriction]]
    # Earns withdrawn.
    revokedEarnedPromotionDetails: Optional[
        list[RevokeEarnedPromotionRevokedEarnedPromotionDetails]
    ]
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: Optional[TriggeringActivity]
    # Programme id.
    loyaltyProgramId: Optional[int]
    # Promotion description.
    promotionDescription: Optional[str]
    # Promotion id.
    promotionId: Optional[int]
    # Limits on earning.
    earnRestrictions: Optional[list[RevokeEarnedPromotionEarnRestrictions]]


class RevokeEarnedPromotion(Envelope):
    """An earned promotion is withdrawn."""

    eventName: Required[Literal["revokeEarnedPromotion"]]
    data: Required[RevokeEarnedPromotionData]


class RevokeIssuedPromotionIssueRestrictions(TypedDict, total=False):
    """One entry."""

    # What the limit applies to (CUSTOMER).
    limitOn: Optional[str]
    # Measured quantity.
    kpi: Optional[str]
    # Cap; -1 means no cap.
    maxLimit: Optional[int]


class RevokeIssuedPromotionData(TypedDict, total=False):
    """What happened."""

    # Limits on issuing.
    issueRestrictions: Optional[list[RevokeIssuedPromotionIssueRestrictions]]
    # Promotion end (YYYY-MM-DD).
    promotionEndDate: Optional[str]
    # End of the promotion, last second of the day, epoch milliseconds: the instant that
    # promotionEndDate tells.
    promotionEndDateInMillis: Optional[int]
    # Custom field name/value pairs attached to the entity.
    customFields: Optional[KeyValue]
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Optional[CustomerIdentifiers]
    # Promotion start (YYYY-MM-DD).
    promotionStartDate: Optional[str]
    # Start of the promotion, epoch milliseconds: the instant that promotionStartDate tells.
    promotionStartDateInMillis: Optional[int]
    # Promotion name.
    promotionName: Optional[str]
    # Issue expires (YYYY-MM-DD).
    promotionIssuedExpiryDate: Optional[str]
    # Until when the issue would have been valid, epoch milliseconds: the instant that
    # promotionIssuedExpiryDate tells.
    promotionIssuedExpiryDateInMillis: Optional[int]
    # Issue id that was withdrawn.
    revokedIssualId: Optional[int]
    # Limits on redeeming.
    redemptionRestrictions: Optional[list[PromotionRestriction]]
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: Optional[TriggeringActivity]
    # Programme id.
    loyaltyProgramId: Optional[int]
    # Promotion description.
    promotionDescription: Optional[str]
    # Issued on (YYYY-MM-DD).
    promotionIssuedDate: Optional[str]
    # Promotion id.
    promotionId: Optional[int]


class RevokeIssuedPromotion(Envelope):
    """An issued promotion is withdrawn."""

    eventName: Required[Literal["revokeIssuedPromotion"]]
    data: Required[RevokeIssuedPromotionData]
