"""Events of the family incentives.

Made from the catalogue (`make models`): change the event type's file, not this one.
"""

from typing import Literal, Optional, TypedDict, Union

from tidings_consumer.events.common import Actor, CustomerIdentifiers, Envelope, TriggeringActivity
from tidings_consumer.newer_typing import Required


class BadgeEarnedEarnConstraints(TypedDict, total=False):
    """One entry."""

    # BADGE or CUSTOMER.
    constraintLevel: Optional[str]
    # OVERALL / ROLLING_WINDOW / NONE.
    constraintType: Optional[str]
    # DAYS / WEEKS / MONTHS.
    rollType: Optional[str]
    # Window length.
    rollValue: Optional[int]
    # Cap.
    maxEarnLimit: Optional[int]
    # Used so far.
    currentEarnCount: Optional[int]


class BadgeEarnedData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Optional[CustomerIdentifiers]
    # Badge id (text).
    badgeId: Optional[str]
    # Issue id.
    issualId: Optional[str]
    # Issued at (epoch milliseconds).
    issuedOn: Optional[int]
    # Earn id (text).
    earnId: Optional[str]
    # Earned at (epoch milliseconds).
    earnedOn: Optional[int]
    # Earn limits.
    earnConstraints: Optional[list[BadgeEarnedEarnConstraints]]
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: Optional[TriggeringActivity]


class BadgeEarned(Envelope):
    """A customer earns a badge."""

    eventName: Required[Literal["badgeEarned"]]
    data: Required[BadgeEarnedData]


class CouponIssueCoupons(TypedDict, total=False):
    """One entry."""

    # Coupon id.
    id: Optional[int]
    # Coupon code.
    code: Optional[str]
    # Valid until (epoch milliseconds). snake_case on the wire.
    valid_till: Optional[int]
    # Issued at (epoch milliseconds). snake_case on the wire.
    issued_on: Optional[int]
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Optional[CustomerIdentifiers]


class CouponIssueSeriesInfo(TypedDict, total=False):
    """Coupon series."""

    # Series id.
    id: Optional[int]
    # Series description.
    description: Optional[str]
    # Series kind.
    seriesType: Optional[str]
    # How the code is handled.
    clientHandlingType: Optional[str]
    # Valid until (epoch milliseconds). snake_case on the wire.
    valid_till: Optional[int]
    # Discount code. snake_case on the wire.
    discount_code: Optional[str]
    # Discount basis (ABS seen). snake_case on the wire.
    discount_type: Optional[str]
    # Discount value. snake_case on the wire.
    discount_value: Optional[float]


class CouponIssueData(TypedDict, total=False):
    """What happened."""

    # Time of the action (epoch milliseconds).
    addedAt: Optional[int]
    # Till (and store) that did it.
    addedBy: Optional[Actor]
    # Coupons issued.
    coupons: Optional[list[CouponIssueCoupons]]
    # Coupon series. snake_case on the wire.
    series_info: Optional[CouponIssueSeriesInfo]
    # SINGLE seen (also in the bulk sample).
    issualType: Optional[str]


class CouponIssue(Envelope):
    """A coupon is issued to a customer."""

    eventName: Required[Literal["CouponIssue"]]
    data: Required[CouponIssueData]


class CouponRedeemSeriesInfo(TypedDict, total=False):
    """Coupon series."""

    # Series id.
    id: Optional[int]
    # Series description.
    description: Optional[str]
    # Series kind.
    seriesType: Optional[str]
    # How the code is handled.
    clientHandlingType: Optional[str]
    # Valid until (epoch milliseconds). snake_case on the wire.
    valid_till: Optional[int]
    # Discount code. snake_case on the wire.
    discount_code: Optional[str]
    # Discount basis (ABS seen). snake_case on the wire.
    discount_type: Optional[str]
    # Discount value. snake_case on the wire.
    discount_value: Optional[float]


class CouponRedeemCoupon(TypedDict, total=False):
    """Redeemed coupon."""

    # Coupon id.
    id: Optional[int]
    # Coupon code.
    code: Optional[str]
    # Redemption id.
    redemptionId: Optional[int]
    # Redeemed at (epoch milliseconds).
    redemptionDate: Optional[int]
    # Coupon series. snake_case on the wire.
    series_info: Optional[CouponRedeemSeriesInfo]


class CouponRedeemTransaction(TypedDict, total=False):
    """Bill the coupon was used on."""

    # Platform bill id. snake_case on the wire.
    bill_id: Optional[int]
    # Bill number.
    number: Optional[str]


class CouponRedeemData(TypedDict, total=False):
    """What happened."""

    # Time of the action (epoch milliseconds).
    addedAt: Optional[int]
    # Till (and store) that did it.
    addedBy: Optional[Actor]
    # Redeemed coupon.
    coupon: Optional[CouponRedeemCoupon]
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Optional[CustomerIdentifiers]
    # Bill the coupon was used on.
    transaction: Optional[CouponRedeemTransaction]


class CouponRedeem(Envelope):
    """A coupon is redeemed."""

    eventName: Required[Literal["CouponRedeem"]]
    data: Required[CouponRedeemData]


class IssueBulkCouponCoupons(TypedDict, total=False):
    """One entry."""

    # Coupon id.
    id: Optional[int]
    # Coupon code.
    code: Optional[str]
    # Valid until (epoch milliseconds). snake_case on the wire.
    valid_till: Optional[int]
    # Issued at (epoch milliseconds). snake_case on the wire.
    issued_on: Optional[int]
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Optional[CustomerIdentifiers]


class IssueBulkCouponSeriesInfo(TypedDict, total=False):
    """Coupon series."""

    # Series id.
    id: Optional[int]
    # Series description.
    description: Optional[str]
    # Series kind.
    seriesType: Optional[str]
    # How the code is handled.
    clientHandlingType: Optional[str]
    # Valid until (epoch milliseconds). snake_case on the wire.
    valid_till: Optional[int]
    # Discount code. snake_case on the wire.
    discount_code: Optional[str]
    # Discount basis (ABS seen). snake_case on the wire.
    discount_type: Optional[str]
    # Discount value. snake_case on the wire.
    discount_value: Optional[float]


class IssueBulkCouponData(TypedDict, total=False):
    """What happened."""

    # Time of the action (epoch milliseconds).
    addedAt: Optional[int]
    # Till (and store) that did it.
    addedBy: Optional[Actor]
    # Coupons issued.
    coupons: Optional[list[IssueBulkCouponCoupons]]
    # Coupon series. snake_case on the wire.
    series_info: Optional[IssueBulkCouponSeriesInfo]
    # SINGLE seen (also in the bulk sample).
    issualType: Optional[str]


class IssueBulkCoupon(Envelope):
    """Many coupons are issued in one call by giving a count for a series."""

    eventName: Required[Literal["CouponIssue", "IssueBulkCoupon"]]
    data: Required[IssueBulkCouponData]


class IssueRewardFailureRewards(TypedDict, total=False):
    """One entry."""

    # Reward id.
    id: Optional[int]
    # Quantity.
    qty: Optional[int]
    # Points.
    points: Optional[int]
    # Kind.
    type: Optional[str]
    # Platform id of the transaction. Text in the published schema, a number in the published
    # sample; both are accepted.
    transactionId: Union[str, int, None]
    # Client reference.
    rewardReference: Optional[str]


class IssueRewardFailureErroredSteps(TypedDict, total=False):
    """One entry."""

    # Step name.
    name: Optional[str]
    # Error text.
    errorMessage: Optional[str]
    # Error code.
    errorCode: Optional[int]
    # Rewards in the failed step.
    rewards: Optional[list[IssueRewardFailureRewards]]


class IssueRewardFailureData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Optional[CustomerIdentifiers]
    # Request id.
    requestId: Optional[str]
    # Points price of the whole request.
    totalPoints: Optional[int]
    # Steps that failed.
    erroredSteps: Optional[list[IssueRewardFailureErroredSteps]]


class IssueRewardFailure(Envelope):
    """An attempt to issue one or more rewards fails in some step."""

    eventName: Required[Literal["issueRewardFailure"]]
    data: Required[IssueRewardFailureData]


class RewardCreatedVendorRedemptionDetails(TypedDict, total=False):
    """Vendor redemption set-up."""

    # Vendor redemption id.
    id: Optional[int]
    # Vendor redemption name.
    name: Optional[str]


class RewardCreatedImages(TypedDict, total=False):
    """One entry."""

    # Media name.
    name: Optional[str]
    # Media id.
    id: Optional[str]
    # Media URL.
    url: Optional[str]
    # Hosted elsewhere.
    isExternal: Optional[bool]
    # Alt text.
    altText: Optional[str]


class RewardCreatedVideos(TypedDict, total=False):
    """One entry."""

    # Media name.
    name: Optional[str]
    # Media id.
    id: Optional[str]
    # Media URL.
    url: Optional[str]
    # Hosted elsewhere.
    isExternal: Optional[bool]
    # Alt text.
    altText: Optional[str]


class RewardCreatedRewardDetails(TypedDict, total=False):
    """One entry."""

    # Thumbnail URL.
    thumbnailUrl: Optional[str]
    # Language code.
    languageCode: Optional[str]
    # Thumbnail id.
    thumbnailId: Optional[str]
    # Name in that language.
    name: Optional[str]
    # T&C URL.
    termAndConditionsUrl: Optional[str]
    # Image URL.
    imageUrl: Optional[str]
    # Image id.
    imageId: Optional[str]
    # Extra images.
    images: Optional[list[RewardCreatedImages]]
    # Extra videos.
    videos: Optional[list[RewardCreatedVideos]]
    # Description text.
    description: Optional[str]
    # T&C file id.
    termAndConditionsId: Optional[str]


class RewardCreatedGeographies(TypedDict, total=False):
    """One entry."""

    # Country id.
    countryId: Optional[int]
    # City id.
    cityId: Optional[int]
    # Area id.
    areaId: Optional[int]


class RewardCreatedVendorDetails(TypedDict, total=False):
    """Vendor."""

    # Vendor id.
    id: Optional[int]
    # Vendor name.
    name: Optional[str]


class RewardCreatedData(TypedDict, total=False):
    """What happened."""

    # Reward is live.
    enabled: Optional[bool]
    # Tier text.
    tier: Optional[str]
    # Display priority.
    priority: Optional[int]
    # How it is redeemed.
    redemptionType: Optional[str]
    # End (epoch milliseconds).
    endDate: Optional[int]
    # Reward id.
    rewardId: Optional[int]
    # Coupon series used by the reward.
    intouchSeriesId: Optional[str]
    # Vendor redemption set-up.
    vendorRedemptionDetails: Optional[RewardCreatedVendorRedemptionDetails]
    # Start (epoch milliseconds).
    startDate: Optional[int]
    # Localised texts and media.
    rewardDetails: Optional[list[RewardCreatedRewardDetails]]
    # Reward label.
    label: Optional[str]
    # Where it is offered.
    geographies: Optional[list[RewardCreatedGeographies]]
    # Kind.
    type: Optional[str]
    # Vendor.
    vendorDetails: Optional[RewardCreatedVendorDetails]
    # Category ids.
    categories: Optional[list[int]]
    # Points price.
    intouchPoints: Optional[int]
    # Reward group.
    group: Optional[str]
    # Programme id.
    programId: Optional[int]


class RewardCreated(Envelope):
    """A reward is created in the catalogue."""

    eventName: Required[Literal["rewardCreated"]]
    data: Required[RewardCreatedData]


class RewardExpiryReminderImages(TypedDict, total=False):
    """One entry."""

    # Media name.
    name: Optional[str]
    # Media id.
    id: Optional[str]
    # Media URL.
    url: Optional[str]


class RewardExpiryReminderVideos(TypedDict, total=False):
    """One entry."""

    # Media name.
    name: Optional[str]
    # Media id.
    id: Optional[str]
    # Media URL.
    url: Optional[str]
    # Hosted elsewhere.
    isExternal: Optional[bool]


class RewardExpiryReminderRewardDetails(TypedDict, total=False):
    """One entry."""

    # Language code.
    languageCode: Optional[str]
    # Name in that language.
    name: Optional[str]
    # Description text.
    description: Optional[str]
    # T&C file id.
    termAndConditionsId: Optional[str]
    # T&C URL.
    termAndConditionsUrl: Optional[str]
    # Image id.
    imageId: Optional[str]
    # Image URL.
    imageUrl: Optional[str]
    # Thumbnail id.
    thumbnailId: Optional[str]
    # Thumbnail URL.
    thumbnailUrl: Optional[str]
    # Extra images.
    images: Optional[list[RewardExpiryReminderImages]]
    # Extra videos.
    videos: Optional[list[RewardExpiryReminderVideos]]


class RewardExpiryReminderVendorDetails(TypedDict, total=False):
    """Vendor."""

    # Vendor id.
    id: Optional[int]
    # Vendor name.
    name: Optional[str]


class RewardExpiryReminderVendorRedemptionDetails(TypedDict, total=False):
    """Vendor redemption set-up."""

    # Vendor redemption id.
    id: Optional[int]
    # Vendor redemption name.
    name: Optional[str]


class RewardExpiryReminderPaymentModes(TypedDict, total=False):
    """One entry."""

    # Payment mode id.
    id: Optional[int]
    # Payment mode name.
    paymentMode: Optional[str]
    # Conversion ratio. snake_case on the wire.
    conv_ratio: Optional[float]


class RewardExpiryReminderData(TypedDict, total=False):
    """What happened."""

    # Reward id.
    rewardId: Optional[int]
    # Kind.
    type: Optional[str]
    # Reward is live.
    enabled: Optional[bool]
    # How it is redeemed.
    redemptionType: Optional[str]
    # Start (epoch milliseconds).
    startDate: Optional[int]
    # End (epoch milliseconds).
    endDate: Optional[int]
    # Points price.
    intouchPoints: Optional[int]
    # Coupon series used by the reward.
    intouchSeriesId: Optional[str]
    # Display priority.
    priority: Optional[int]
    # Localised texts and media.
    rewardDetails: Optional[list[RewardExpiryReminderRewardDetails]]
    # Vendor.
    vendorDetails: Optional[RewardExpiryReminderVendorDetails]
    # Vendor redemption set-up.
    vendorRedemptionDetails: Optional[RewardExpiryReminderVendorRedemptionDetails]
    # Ways to pay.
    paymentModes: Optional[list[RewardExpiryReminderPaymentModes]]


class RewardExpiryReminder(Envelope):
    """A reward is about to expire."""

    eventName: Required[Literal["rewardExpiryReminder"]]
    data: Required[RewardExpiryReminderData]


class RewardIssuedVendorRewardDetails(TypedDict, total=False):
    """Vendor voucher."""

    # Voucher code.
    vendorVoucher: Optional[str]


class RewardIssuedIntouchRewardDetails(TypedDict, total=False):
    """Platform coupon."""

    # Coupon code.
    intouchCouponCode: Optional[str]
    # Coupon expiry (epoch milliseconds).
    codeExpiry: Optional[int]


class RewardIssuedData(TypedDict, total=False):
    """What happened."""

    # Tier text.
    tier: Optional[str]
    # Display priority.
    priority: Optional[int]
    # How it is redeemed.
    redemptionType: Optional[str]
    # End (epoch milliseconds).
    endDate: Optional[int]
    # Reward id.
    rewardId: Optional[int]
    # Vendor voucher.
    vendorRewardDetails: Optional[RewardIssuedVendorRewardDetails]
    # Coupon series used by the reward.
    intouchSeriesId: Optional[str]
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Optional[CustomerIdentifiers]
    # Start (epoch milliseconds).
    startDate: Optional[int]
    # Reward label.
    label: Optional[str]
    # Issued at (epoch milliseconds).
    issueDateTime: Optional[int]
    # When the activity happened (date-time text).
    eventDateTime: Optional[int]
    # Platform id of the transaction.
    transactionId: Optional[str]
    # Platform coupon.
    intouchRewardDetails: Optional[RewardIssuedIntouchRewardDetails]
    # Kind.
    type: Optional[str]
    # Points price.
    intouchPoints: Optional[int]
    # Reward group.
    group: Optional[str]


class RewardIssued(Envelope):
    """A customer is given (has bought or been granted) a reward from the rewards catalogue."""

    eventName: Required[Literal["rewardIssued"]]
    data: Required[RewardIssuedData]


class RewardUpdatedGeographies(TypedDict, total=False):
    """One entry."""

    # Country id.
    countryId: Optional[int]
    # City id.
    cityId: Optional[int]
    # Area id.
    areaId: Optional[int]


class RewardUpdatedImages(TypedDict, total=False):
    """One entry."""

    # Media name.
    name: Optional[str]
    # Media id.
    id: Optional[str]
    # Media URL.
    url: Optional[str]


class RewardUpdatedVideos(TypedDict, total=False):
    """One entry."""

    # Media name.
    name: Optional[str]
    # Media id.
    id: Optional[str]
    # Media URL.
    url: Optional[str]
    # Hosted elsewhere.
    isExternal: Optional[bool]


class RewardUpdatedRewardDetails(TypedDict, total=False):
    """One entry."""

    # Language code.
    languageCode: Optional[str]
    # Name in that language.
    name: Optional[str]
    # Description text.
    description: Optional[str]
    # T&C file id.
    termAndConditionsId: Optional[str]
    # T&C URL.
    termAndConditionsUrl: Optional[str]
    # Image id.
    imageId: Optional[str]
    # Image URL.
    imageUrl: Optional[str]
    # Thumbnail id.
    thumbnailId: Optional[str]
    # Thumbnail URL.
    thumbnailUrl: Optional[str]
    # Extra images.
    images: Optional[list[RewardUpdatedImages]]
    # Extra videos.
    videos: Optional[list[RewardUpdatedVideos]]


class RewardUpdatedVendorDetails(TypedDict, total=False):
    """Vendor."""

    # Vendor id.
    id: Optional[int]
    # Vendor name.
    name: Optional[str]


class RewardUpdatedVendorRedemptionDetails(TypedDict, total=False):
    """Vendor redemption set-up."""

    # Vendor redemption id.
    id: Optional[int]
    # Vendor redemption name.
    name: Optional[str]


class RewardUpdatedData(TypedDict, total=False):
    """What happened."""

    # Reward id.
    rewardId: Optional[int]
    # Kind.
    type: Optional[str]
    # Reward is live.
    enabled: Optional[bool]
    # How it is redeemed.
    redemptionType: Optional[str]
    # Start (epoch milliseconds).
    startDate: Optional[int]
    # End (epoch milliseconds).
    endDate: Optional[int]
    # Points price.
    intouchPoints: Optional[int]
    # Coupon series used by the reward.
    intouchSeriesId: Optional[str]
    # Display priority.
    priority: Optional[int]
    # Tier text.
    tier: Optional[str]
    # Reward group.
    group: Optional[str]
    # Reward label.
    label: Optional[str]
    # Programme id.
    programId: Optional[int]
    # Category ids.
    categories: Optional[list[int]]
    # Where it is offered.
    geographies: Optional[list[RewardUpdatedGeographies]]
    # Localised texts and media.
    rewardDetails: Optional[list[RewardUpdatedRewardDetails]]
    # Vendor.
    vendorDetails: Optional[RewardUpdatedVendorDetails]
    # Vendor redemption set-up.
    vendorRedemptionDetails: Optional[RewardUpdatedVendorRedemptionDetails]


class RewardUpdated(Envelope):
    """A reward's set-up is changed (on/off, dates, tiers, texts ...)."""

    eventName: Required[Literal["rewardUpdated"]]
    data: Required[RewardUpdatedData]


class UpdateRewardTransactionTransactionUpdates(TypedDict, total=False):
    """One entry."""

    # Platform id of the transaction.
    transactionId: Optional[int]
    # Reward id.
    rewardId: Optional[int]
    # Customer id.
    customerId: Optional[int]
    # Map of custom field -> value.
    transactionCustomFields: Optional[dict[str, Optional[str]]]
    # Fulfilment state.
    fulfillmentStatus: Optional[str]


class UpdateRewardTransactionData(TypedDict, total=False):
    """What happened."""

    # Reward transactions that changed.
    transactionUpdates: Optional[list[UpdateRewardTransactionTransactionUpdates]]


class UpdateRewardTransaction(Envelope):
    """Fulfilment status or custom fields of a reward transaction change."""

    eventName: Required[Literal["updateRewardTransaction"]]
    data: Required[UpdateRewardTransactionData]
