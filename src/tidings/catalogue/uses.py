"""What brands use events for, and which event types each of these uses needs.

Whoever makes a webhook knows what it is for before they know the names of event types. A type may
serve several uses; one that serves none says why. Recipes of actions are held to this table by a
test.
"""

import msgspec


class EventUse(msgspec.Struct, frozen=True, kw_only=True):
    """A use of events. `key` stands in forms and addresses, `label` and `purpose` are shown."""

    key: str
    label: str
    purpose: str
    types: tuple[str, ...]


_BALANCES = (
    "pointsIssued",
    "pointsRedeemed",
    "pointsExpired",
    "issuedPointsReversed",
    "redeemedPointsReversed",
    "promisedToCurrentPointsConversion",
)
_TIERS = ("tierUpgraded", "tierDowngraded", "tierRenewed")
_TRANSFERS = ("pointsTransferredInitiated", "pointsTransferredReceived")
_EXPIRIES = ("pointsExpiryChange", "singlePointsExpiryUpdated")
_CURRENCIES = (
    "alternateCurrenciesIssued",
    "issuedAlternateCurrenciesReversed",
    "promisedToCurrentAlternateCurrencyConversion",
)
_COUPONS = ("CouponIssue", "IssueBulkCoupon", "CouponRedeem")
_MILESTONES = (
    "badgeEarned",
    "streakLevelAchieved",
    "targetValueAchieved",
    "unifiedTargetsAchieved",
)
_REVOKED = ("revokeEarnedPromotion", "revokeIssuedPromotion")

USES = (
    EventUse(
        key="messages",
        label="Send messages",
        purpose="Welcomes, receipts, points, coupons, reminders.",
        types=(
            "customerAdded",
            "customerSubscription",
            "transactionAdded",
            *("pointsIssued", "pointsRedeemed", *_TRANSFERS),
            *("pointsExpiryReminder", "promisedToCurrentPointsConversion"),
            *("alternateCurrenciesIssued", "tierDowngradeReminder", *_TIERS),
            *(*_COUPONS, "rewardIssued", "rewardExpiryReminder"),
            *("cartPromotionIssued", "cartPromotionEarned"),
            *("promotionIssued", "promotionEarned", *_MILESTONES),
            *("streakStart", "targetPeriodStarted"),
            *("groupMemberAdded", "partnerProgramLinked", "supplementaryMembershipExpiryReminder"),
        ),
    ),
    EventUse(
        key="customers",
        label="Keep customers in sync",
        purpose="Profiles, consents, cards and groups.",
        types=(
            *("customerAdded", "customerUpdated", "customerSubscription", "loyaltyCustomerMerge"),
            *("cardUpdated", "groupCreated", "groupUpdated"),
            *("groupMemberAdded", "groupMemberRemoved"),
            *("partnerProgramLinked", "partnerProgramUpdated", "partnerProgramDelinked"),
        ),
    ),
    EventUse(
        key="points",
        label="Keep points and tiers in sync",
        purpose="What changes a balance, its expiry or a tier.",
        types=(
            *(*_BALANCES, "manualPointsAdjustment", "pointsContributionToGroup", *_TRANSFERS),
            *(*_EXPIRIES, *_CURRENCIES, *_TIERS, "loyaltyCustomerMerge"),
        ),
    ),
    EventUse(
        key="shop",
        label="E-commerce sync",
        purpose="Customers, balances, coupons, rewards, carts.",
        types=(
            *("customerAdded", "customerUpdated", "loyaltyCustomerMerge"),
            *(*_BALANCES, *_TIERS, *_COUPONS),
            *("cartPromotionIssued", "cartPromotionEarned"),
            *("cartPromotionRedeemed", "cartPromotionRevoked"),
            *("promotionCreated", "promotionUpdated"),
            *("rewardCreated", "rewardUpdated", "rewardIssued", "updateRewardTransaction"),
        ),
    ),
    EventUse(
        key="surveys",
        label="Surveys",
        purpose="When to ask a customer for an opinion.",
        types=(
            *("customerAdded", "transactionAdded", "pointsRedeemed", "CouponRedeem"),
            *("rewardIssued", "tierUpgraded", "tierDowngraded"),
        ),
    ),
    EventUse(
        key="challenges",
        label="Targets, streaks and promotions",
        purpose="Who joined, how far they are, what they earned.",
        types=(
            *_MILESTONES,
            *("streakCustomerEnrolment", "streakCustomerUnEnrolment"),
            *("streakStart", "streakEnd", "streakLevelUnAchieved"),
            *("targetCustomerEnrolment", "targetCustomerUnenrolment"),
            *("targetPeriodStarted", "targetPeriodCompleted"),
            *("targetValueUpdated", "targetAchievedValueUpdated", "unifiedTargetsUnAchieved"),
            *("promotionIssued", "promotionEarned", *_REVOKED),
        ),
    ),
    EventUse(
        key="operations",
        label="Fraud and operations",
        purpose="Corrections, reversals, transfers, failures.",
        types=(
            *("manualPointsAdjustment", "issuedPointsReversed", "redeemedPointsReversed"),
            *("issuedAlternateCurrenciesReversed", "pointsRedeemed", *_TRANSFERS, *_EXPIRIES),
            *("transactionUpdated", "transactionRejected", "rejectedTransactionRetrigger"),
            *("retroBillAdded", "notInterestedBillAdded", "loyaltyCustomerMerge", "cardUpdated"),
            *("requestUpdated", "requestWorkflowEvent", "issueRewardFailure"),
            *("communicationMessageUndelivered", "cartPromotionRevoked", *_REVOKED),
        ),
    ),
)
USE_OF = {use.key: use for use in USES}

_OF_ITSELF = "Tidings tells of itself: for whoever runs the integration, beside any use."
# Event types that serve no use, and why.
WITHOUT_USE = dict.fromkeys(
    (
        "tidings.connection.failing",
        "tidings.delivery.exhausted",
        "tidings.lookup.failing",
        "tidings.replay.finished",
        "tidings.source.aside",
        "tidings.source.failing",
        "tidings.webhook.disabled",
        "tidings.webhook.failing",
        "tidings.webhook.recovered",
    ),
    _OF_ITSELF,
)


def uses_of(name: str) -> list[EventUse]:
    """List the uses that an event type serves."""
    return [use for use in USES if name in use.types]
