"""Every event type, typed.

Made from the catalogue (`make models`): change the event type's file, not this one.

`Event` is the union of all: a comparison of `eventName` tells a type checker which one it is.
"""

from tidings.consumer.events.cards import CardUpdated
from tidings.consumer.events.communication import CommunicationMessageUndelivered
from tidings.consumer.events.customer import (
    CustomerAdded,
    CustomerSubscription,
    CustomerUpdated,
    GroupCreated,
    GroupMemberAdded,
    GroupMemberRemoved,
    GroupUpdated,
    PointsContributionToGroup,
)
from tidings.consumer.events.incentives import (
    BadgeEarned,
    CouponIssue,
    CouponRedeem,
    IssueBulkCoupon,
    IssueRewardFailure,
    RewardCreated,
    RewardExpiryReminder,
    RewardIssued,
    RewardUpdated,
    UpdateRewardTransaction,
)
from tidings.consumer.events.loyalty import (
    AlternateCurrenciesIssued,
    IssuedAlternateCurrenciesReversed,
    IssuedPointsReversed,
    LoyaltyCustomerMerge,
    ManualPointsAdjustment,
    PointsExpired,
    PointsExpiryChange,
    PointsExpiryReminder,
    PointsIssued,
    PointsRedeemed,
    PointsTransferredInitiated,
    PointsTransferredReceived,
    PromisedToCurrentAlternateCurrencyConversion,
    PromisedToCurrentPointsConversion,
    RedeemedPointsReversed,
    SinglePointsExpiryUpdated,
    StreakCustomerEnrolment,
    StreakCustomerUnEnrolment,
    StreakEnd,
    StreakLevelAchieved,
    StreakLevelUnAchieved,
    StreakStart,
    TargetAchievedValueUpdated,
    TargetCustomerEnrolment,
    TargetCustomerUnenrolment,
    TargetPeriodCompleted,
    TargetPeriodStarted,
    TargetValueAchieved,
    TargetValueUpdated,
    UnifiedTargetsAchieved,
    UnifiedTargetsUnAchieved,
)
from tidings.consumer.events.operational import (
    TidingsDeliveryExhausted,
    TidingsReplayFinished,
    TidingsWebhookDisabled,
    TidingsWebhookFailing,
    TidingsWebhookRecovered,
)
from tidings.consumer.events.partner_programme import (
    PartnerProgramDelinked,
    PartnerProgramLinked,
    PartnerProgramUpdated,
    SupplementaryMembershipExpiryReminder,
)
from tidings.consumer.events.promotions import (
    CartPromotionEarned,
    CartPromotionIssued,
    CartPromotionRedeemed,
    CartPromotionRevoked,
    PromotionCreated,
    PromotionEarned,
    PromotionIssued,
    PromotionUpdated,
    RevokeEarnedPromotion,
    RevokeIssuedPromotion,
)
from tidings.consumer.events.requests import RequestUpdated, RequestWorkflowEvent
from tidings.consumer.events.tier import (
    TierDowngraded,
    TierDowngradeReminder,
    TierRenewed,
    TierUpgraded,
)
from tidings.consumer.events.transactions import (
    NotInterestedBillAdded,
    RejectedTransactionRetrigger,
    RetroBillAdded,
    TransactionAdded,
    TransactionRejected,
    TransactionUpdated,
)

Event = (
    AlternateCurrenciesIssued
    | BadgeEarned
    | CardUpdated
    | CartPromotionEarned
    | CartPromotionIssued
    | CartPromotionRedeemed
    | CartPromotionRevoked
    | CommunicationMessageUndelivered
    | CouponIssue
    | CouponRedeem
    | CustomerAdded
    | CustomerSubscription
    | CustomerUpdated
    | GroupCreated
    | GroupMemberAdded
    | GroupMemberRemoved
    | GroupUpdated
    | IssueBulkCoupon
    | IssuedAlternateCurrenciesReversed
    | IssuedPointsReversed
    | IssueRewardFailure
    | LoyaltyCustomerMerge
    | ManualPointsAdjustment
    | NotInterestedBillAdded
    | PartnerProgramDelinked
    | PartnerProgramLinked
    | PartnerProgramUpdated
    | PointsContributionToGroup
    | PointsExpired
    | PointsExpiryChange
    | PointsExpiryReminder
    | PointsIssued
    | PointsRedeemed
    | PointsTransferredInitiated
    | PointsTransferredReceived
    | PromisedToCurrentAlternateCurrencyConversion
    | PromisedToCurrentPointsConversion
    | PromotionCreated
    | PromotionEarned
    | PromotionIssued
    | PromotionUpdated
    | RedeemedPointsReversed
    | RejectedTransactionRetrigger
    | RequestUpdated
    | RequestWorkflowEvent
    | RetroBillAdded
    | RevokeEarnedPromotion
    | RevokeIssuedPromotion
    | RewardCreated
    | RewardExpiryReminder
    | RewardIssued
    | RewardUpdated
    | SinglePointsExpiryUpdated
    | StreakCustomerEnrolment
    | StreakCustomerUnEnrolment
    | StreakEnd
    | StreakLevelAchieved
    | StreakLevelUnAchieved
    | StreakStart
    | SupplementaryMembershipExpiryReminder
    | TargetAchievedValueUpdated
    | TargetCustomerEnrolment
    | TargetCustomerUnenrolment
    | TargetPeriodCompleted
    | TargetPeriodStarted
    | TargetValueAchieved
    | TargetValueUpdated
    | TidingsDeliveryExhausted
    | TidingsReplayFinished
    | TidingsWebhookDisabled
    | TidingsWebhookFailing
    | TidingsWebhookRecovered
    | TierDowngraded
    | TierDowngradeReminder
    | TierRenewed
    | TierUpgraded
    | TransactionAdded
    | TransactionRejected
    | TransactionUpdated
    | UnifiedTargetsAchieved
    | UnifiedTargetsUnAchieved
    | UpdateRewardTransaction
)

EVENTS: dict[str, type[Event]] = {
    "alternateCurrenciesIssued": AlternateCurrenciesIssued,
    "badgeEarned": BadgeEarned,
    "cardUpdated": CardUpdated,
    "cartPromotionEarned": CartPromotionEarned,
    "cartPromotionIssued": CartPromotionIssued,
    "cartPromotionRedeemed": CartPromotionRedeemed,
    "cartPromotionRevoked": CartPromotionRevoked,
    "communicationMessageUndelivered": CommunicationMessageUndelivered,
    "CouponIssue": CouponIssue,
    "CouponRedeem": CouponRedeem,
    "customerAdded": CustomerAdded,
    "customerSubscription": CustomerSubscription,
    "customerUpdated": CustomerUpdated,
    "groupCreated": GroupCreated,
    "groupMemberAdded": GroupMemberAdded,
    "groupMemberRemoved": GroupMemberRemoved,
    "groupUpdated": GroupUpdated,
    "IssueBulkCoupon": IssueBulkCoupon,
    "issuedAlternateCurrenciesReversed": IssuedAlternateCurrenciesReversed,
    "issuedPointsReversed": IssuedPointsReversed,
    "issueRewardFailure": IssueRewardFailure,
    "loyaltyCustomerMerge": LoyaltyCustomerMerge,
    "manualPointsAdjustment": ManualPointsAdjustment,
    "notInterestedBillAdded": NotInterestedBillAdded,
    "partnerProgramDelinked": PartnerProgramDelinked,
    "partnerProgramLinked": PartnerProgramLinked,
    "partnerProgramUpdated": PartnerProgramUpdated,
    "pointsContributionToGroup": PointsContributionToGroup,
    "pointsExpired": PointsExpired,
    "pointsExpiryChange": PointsExpiryChange,
    "pointsExpiryReminder": PointsExpiryReminder,
    "pointsIssued": PointsIssued,
    "pointsRedeemed": PointsRedeemed,
    "pointsTransferredInitiated": PointsTransferredInitiated,
    "pointsTransferredReceived": PointsTransferredReceived,
    "PP_EXPIRY_JOB": PartnerProgramUpdated,
    "promisedToCurrentAlternateCurrencyConversion": PromisedToCurrentAlternateCurrencyConversion,
    "promisedToCurrentPointsConversion": PromisedToCurrentPointsConversion,
    "promotionCreated": PromotionCreated,
    "promotionEarned": PromotionEarned,
    "promotionIssued": PromotionIssued,
    "promotionUpdated": PromotionUpdated,
    "redeemedPointsReversed": RedeemedPointsReversed,
    "rejectedTransactionRetrigger": RejectedTransactionRetrigger,
    "requestUpdated": RequestUpdated,
    "requestWorkflowEvent": RequestWorkflowEvent,
    "retroBillAdded": RetroBillAdded,
    "revokeEarnedPromotion": RevokeEarnedPromotion,
    "revokeIssuedPromotion": RevokeIssuedPromotion,
    "rewardCreated": RewardCreated,
    "rewardExpiryReminder": RewardExpiryReminder,
    "rewardIssued": RewardIssued,
    "rewardUpdated": RewardUpdated,
    "singlePointsExpiryUpdated": SinglePointsExpiryUpdated,
    "streakCustomerEnrolment": StreakCustomerEnrolment,
    "streakCustomerUnEnrolment": StreakCustomerUnEnrolment,
    "streakEnd": StreakEnd,
    "streakLevelAchieved": StreakLevelAchieved,
    "streakLevelUnAchieved": StreakLevelUnAchieved,
    "streakStart": StreakStart,
    "supplementaryMembershipExpiryReminder": SupplementaryMembershipExpiryReminder,
    "targetAchievedValueUpdated": TargetAchievedValueUpdated,
    "targetCustomerEnrolment": TargetCustomerEnrolment,
    "targetCustomerUnenrolment": TargetCustomerUnenrolment,
    "targetPeriodCompleted": TargetPeriodCompleted,
    "targetPeriodStarted": TargetPeriodStarted,
    "targetValueAchieved": TargetValueAchieved,
    "targetValueUpdated": TargetValueUpdated,
    "tidings.delivery.exhausted": TidingsDeliveryExhausted,
    "tidings.replay.finished": TidingsReplayFinished,
    "tidings.webhook.disabled": TidingsWebhookDisabled,
    "tidings.webhook.failing": TidingsWebhookFailing,
    "tidings.webhook.recovered": TidingsWebhookRecovered,
    "tierDowngraded": TierDowngraded,
    "tierDowngradeReminder": TierDowngradeReminder,
    "tierRenewed": TierRenewed,
    "tierUpgraded": TierUpgraded,
    "transactionAdded": TransactionAdded,
    "transactionRejected": TransactionRejected,
    "transactionUpdated": TransactionUpdated,
    "unifiedTargetsAchieved": UnifiedTargetsAchieved,
    "unifiedTargetsUnAchieved": UnifiedTargetsUnAchieved,
    "updateRewardTransaction": UpdateRewardTransaction,
}

__all__ = [
    "AlternateCurrenciesIssued",
    "BadgeEarned",
    "CardUpdated",
    "CartPromotionEarned",
    "CartPromotionIssued",
    "CartPromotionRedeemed",
    "CartPromotionRevoked",
    "CommunicationMessageUndelivered",
    "CouponIssue",
    "CouponRedeem",
    "CustomerAdded",
    "CustomerSubscription",
    "CustomerUpdated",
    "EVENTS",
    "Event",
    "GroupCreated",
    "GroupMemberAdded",
    "GroupMemberRemoved",
    "GroupUpdated",
    "IssueBulkCoupon",
    "IssueRewardFailure",
    "IssuedAlternateCurrenciesReversed",
    "IssuedPointsReversed",
    "LoyaltyCustomerMerge",
    "ManualPointsAdjustment",
    "NotInterestedBillAdded",
    "PartnerProgramDelinked",
    "PartnerProgramLinked",
    "PartnerProgramUpdated",
    "PointsContributionToGroup",
    "PointsExpired",
    "PointsExpiryChange",
    "PointsExpiryReminder",
    "PointsIssued",
    "PointsRedeemed",
    "PointsTransferredInitiated",
    "PointsTransferredReceived",
    "PromisedToCurrentAlternateCurrencyConversion",
    "PromisedToCurrentPointsConversion",
    "PromotionCreated",
    "PromotionEarned",
    "PromotionIssued",
    "PromotionUpdated",
    "RedeemedPointsReversed",
    "RejectedTransactionRetrigger",
    "RequestUpdated",
    "RequestWorkflowEvent",
    "RetroBillAdded",
    "RevokeEarnedPromotion",
    "RevokeIssuedPromotion",
    "RewardCreated",
    "RewardExpiryReminder",
    "RewardIssued",
    "RewardUpdated",
    "SinglePointsExpiryUpdated",
    "StreakCustomerEnrolment",
    "StreakCustomerUnEnrolment",
    "StreakEnd",
    "StreakLevelAchieved",
    "StreakLevelUnAchieved",
    "StreakStart",
    "SupplementaryMembershipExpiryReminder",
    "TargetAchievedValueUpdated",
    "TargetCustomerEnrolment",
    "TargetCustomerUnenrolment",
    "TargetPeriodCompleted",
    "TargetPeriodStarted",
    "TargetValueAchieved",
    "TargetValueUpdated",
    "TidingsDeliveryExhausted",
    "TidingsReplayFinished",
    "TidingsWebhookDisabled",
    "TidingsWebhookFailing",
    "TidingsWebhookRecovered",
    "TierDowngradeReminder",
    "TierDowngraded",
    "TierRenewed",
    "TierUpgraded",
    "TransactionAdded",
    "TransactionRejected",
    "TransactionUpdated",
    "UnifiedTargetsAchieved",
    "UnifiedTargetsUnAchieved",
    "UpdateRewardTransaction",
]
