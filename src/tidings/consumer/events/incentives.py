"""Events of the family incentives.

Made from the catalogue (`make models`): change the event type's file, not this one.
"""

from typing import Literal, Required, TypedDict

from tidings.consumer.events.common import Actor, CustomerIdentifiers, Envelope, TriggeringActivity


class BadgeEarnedEarnConstraints(TypedDict, total=False):
    """One entry."""

    # BADGE or CUSTOMER.
    constraintLevel: str
    # OVERALL / ROLLING_WINDOW / NONE.
    constraintType: str
    # DAYS / WEEKS / MONTHS.
    rollType: str
    # Window length.
    rollValue: int
    # Cap.
    maxEarnLimit: int
    # Used so far.
    currentEarnCount: int


class BadgeEarnedData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Required[CustomerIdentifiers]
    # Badge id (text).
    badgeId: Required[str]
    # Issue id.
    issualId: str
    # Issued at (epoch milliseconds).
    issuedOn: int
    # Earn id (text).
    earnId: str
    # Earned at (epoch milliseconds).
    earnedOn: int
    # Earn limits.
    earnConstraints: list[BadgeEarnedEarnConstraints]
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity


class BadgeEarned(Envelope):
    """A customer earns a badge."""

    eventName: Required[Literal["badgeEarned"]]
    data: Required[BadgeEarnedData]


class CouponIssueCoupons(TypedDict, total=False):
    """One entry."""

    # Coupon id.
    id: int
    # Coupon code.
    code: str
    # Valid until (epoch milliseconds). snake_case on the wire.
    valid_till: int
    # Issued at (epoch milliseconds). snake_case on the wire.
    issued_on: int
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers


class CouponIssueSeriesInfo(TypedDict, total=False):
    """Coupon series."""

    # Series id.
    id: int
    # Series description.
    description: str
    # Series kind.
    seriesType: str
    # How the code is handled.
    clientHandlingType: str
    # Valid until (epoch milliseconds). snake_case on the wire.
    valid_till: int
    # Discount code. snake_case on the wire.
    discount_code: str
    # Discount basis (ABS seen). snake_case on the wire.
    discount_type: str
    # Discount value. snake_case on the wire.
    discount_value: float


class CouponIssueData(TypedDict, total=False):
    """What happened."""

    # Time of the action (epoch milliseconds).
    addedAt: int
    # Till (and store) that did it.
    addedBy: Actor
    # Coupons issued.
    coupons: Required[list[CouponIssueCoupons]]
    # Coupon series. snake_case on the wire.
    series_info: CouponIssueSeriesInfo
    # SINGLE seen (also in the bulk sample).
    issualType: str


class CouponIssue(Envelope):
    """A coupon is issued to a customer."""

    eventName: Required[Literal["CouponIssue"]]
    data: Required[CouponIssueData]


class CouponRedeemSeriesInfo(TypedDict, total=False):
    """Coupon series."""

    # Series id.
    id: int
    # Series description.
    description: str
    # Series kind.
    seriesType: str
    # How the code is handled.
    clientHandlingType: str
    # Valid until (epoch milliseconds). snake_case on the wire.
    valid_till: int
    # Discount code. snake_case on the wire.
    discount_code: str
    # Discount basis (ABS seen). snake_case on the wire.
    discount_type: str
    # Discount value. snake_case on the wire.
    discount_value: float


class CouponRedeemCoupon(TypedDict, total=False):
    """Redeemed coupon."""

    # Coupon id.
    id: int
    # Coupon code.
    code: str
    # Redemption id.
    redemptionId: int
    # Redeemed at (epoch milliseconds).
    redemptionDate: int
    # Coupon series. snake_case on the wire.
    series_info: CouponRedeemSeriesInfo


class CouponRedeemTransaction(TypedDict, total=False):
    """Bill the coupon was used on."""

    # Platform bill id. snake_case on the wire.
    bill_id: int
    # Bill number.
    number: str


class CouponRedeemData(TypedDict, total=False):
    """What happened."""

    # Time of the action (epoch milliseconds).
    addedAt: int
    # Till (and store) that did it.
    addedBy: Actor
    # Redeemed coupon.
    coupon: Required[CouponRedeemCoupon]
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Required[CustomerIdentifiers]
    # Bill the coupon was used on.
    transaction: CouponRedeemTransaction


class CouponRedeem(Envelope):
    """A coupon is redeemed."""

    eventName: Required[Literal["CouponRedeem"]]
    data: Required[CouponRedeemData]


class IssueBulkCouponCoupons(TypedDict, total=False):
    """One entry."""

    # Coupon id.
    id: int
    # Coupon code.
    code: str
    # Valid until (epoch milliseconds). snake_case on the wire.
    valid_till: int
    # Issued at (epoch milliseconds). snake_case on the wire.
    issued_on: int
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers


class IssueBulkCouponSeriesInfo(TypedDict, total=False):
    """Coupon series."""

    # Series id.
    id: int
    # Series description.
    description: str
    # Series kind.
    seriesType: str
    # How the code is handled.
    clientHandlingType: str
    # Valid until (epoch milliseconds). snake_case on the wire.
    valid_till: int
    # Discount code. snake_case on the wire.
    discount_code: str
    # Discount basis (ABS seen). snake_case on the wire.
    discount_type: str
    # Discount value. snake_case on the wire.
    discount_value: float


class IssueBulkCouponData(TypedDict, total=False):
    """What happened."""

    # Time of the action (epoch milliseconds).
    addedAt: int
    # Till (and store) that did it.
    addedBy: Actor
    # Coupons issued.
    coupons: Required[list[IssueBulkCouponCoupons]]
    # Coupon series. snake_case on the wire.
    series_info: IssueBulkCouponSeriesInfo
    # SINGLE seen (also in the bulk sample).
    issualType: str


class IssueBulkCoupon(Envelope):
    """Many coupons are issued in one call by giving a count for a series."""

    eventName: Required[Literal["IssueBulkCoupon"]]
    data: Required[IssueBulkCouponData]


class IssueRewardFailureRewards(TypedDict, total=False):
    """One entry."""

    # Reward id.
    id: int
    # Quantity.
    qty: int
    # Points.
    points: int
    # Kind.
    type: str
    # Platform id of the transaction. Text in the published schema, a number in the published
    # sample; both are accepted.
    transactionId: str | int
    # Client reference.
    rewardReference: str


class IssueRewardFailureErroredSteps(TypedDict, total=False):
    """One entry."""

    # Step name.
    name: str
    # Error text.
    errorMessage: str
    # Error code.
    errorCode: int
    # Rewards in the failed step.
    rewards: list[IssueRewardFailureRewards]


class IssueRewardFailureData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Required[CustomerIdentifiers]
    # Request id.
    requestId: Required[str]
    # Points price of the whole request.
    totalPoints: int
    # Steps that failed.
    erroredSteps: Required[list[IssueRewardFailureErroredSteps]]


class IssueRewardFailure(Envelope):
    """An attempt to issue one or more rewards fails in some step."""

    eventName: Required[Literal["issueRewardFailure"]]
    data: Required[IssueRewardFailureData]


class RewardCreatedVendorRedemptionDetails(TypedDict, total=False):
    """Vendor redemption set-up."""

    # Vendor redemption id.
    id: int
    # Vendor redemption name.
    name: str


class RewardCreatedImages(TypedDict, total=False):
    """One entry."""

    # Media name.
    name: str
    # Media id.
    id: str
    # Media URL.
    url: str
    # Hosted elsewhere.
    isExternal: bool
    # Alt text.
    altText: str


class RewardCreatedVideos(TypedDict, total=False):
    """One entry."""

    # Media name.
    name: str
    # Media id.
    id: str
    # Media URL.
    url: str
    # Hosted elsewhere.
    isExternal: bool
    # Alt text.
    altText: str


class RewardCreatedRewardDetails(TypedDict, total=False):
    """One entry."""

    # Thumbnail URL.
    thumbnailUrl: str
    # Language code.
    languageCode: str
    # Thumbnail id.
    thumbnailId: str
    # Name in that language.
    name: str
    # T&C URL.
    termAndConditionsUrl: str
    # Image URL.
    imageUrl: str
    # Image id.
    imageId: str
    # Extra images.
    images: list[RewardCreatedImages]
    # Extra videos.
    videos: list[RewardCreatedVideos]
    # Description text.
    description: str
    # T&C file id.
    termAndConditionsId: str


class RewardCreatedGeographies(TypedDict, total=False):
    """One entry."""

    # Country id.
    countryId: int
    # City id.
    cityId: int
    # Area id.
    areaId: int


class RewardCreatedVendorDetails(TypedDict, total=False):
    """Vendor."""

    # Vendor id.
    id: int
    # Vendor name.
    name: str


class RewardCreatedData(TypedDict, total=False):
    """What happened."""

    # Reward is live.
    enabled: bool
    # Tier text.
    tier: str
    # Display priority.
    priority: int
    # How it is redeemed.
    redemptionType: str
    # End (epoch milliseconds).
    endDate: int
    # Reward id.
    rewardId: Required[int]
    # Coupon series used by the reward.
    intouchSeriesId: str
    # Vendor redemption set-up.
    vendorRedemptionDetails: RewardCreatedVendorRedemptionDetails
    # Start (epoch milliseconds).
    startDate: int
    # Localised texts and media.
    rewardDetails: list[RewardCreatedRewardDetails]
    # Reward label.
    label: str
    # Where it is offered.
    geographies: list[RewardCreatedGeographies]
    # Kind.
    type: str
    # Vendor.
    vendorDetails: RewardCreatedVendorDetails
    # Category ids.
    categories: list[int]
    # Points price.
    intouchPoints: int
    # Reward group.
    group: str
    # Programme id.
    programId: int


class RewardCreated(Envelope):
    """A reward is created in the catalogue."""

    eventName: Required[Literal["rewardCreated"]]
    data: Required[RewardCreatedData]


class RewardExpiryReminderImages(TypedDict, total=False):
    """One entry."""

    # Media name.
    name: str
    # Media id.
    id: str
    # Media URL.
    url: str


class RewardExpiryReminderVideos(TypedDict, total=False):
    """One entry."""

    # Media name.
    name: str
    # Media id.
    id: str
    # Media URL.
    url: str
    # Hosted elsewhere.
    isExternal: bool


class RewardExpiryReminderRewardDetails(TypedDict, total=False):
    """One entry."""

    # Language code.
    languageCode: str
    # Name in that language.
    name: str
    # Description text.
    description: str
    # T&C file id.
    termAndConditionsId: str
    # T&C URL.
    termAndConditionsUrl: str
    # Image id.
    imageId: str
    # Image URL.
    imageUrl: str
    # Thumbnail id.
    thumbnailId: str
    # Thumbnail URL.
    thumbnailUrl: str
    # Extra images.
    images: list[RewardExpiryReminderImages]
    # Extra videos.
    videos: list[RewardExpiryReminderVideos]


class RewardExpiryReminderVendorDetails(TypedDict, total=False):
    """Vendor."""

    # Vendor id.
    id: int
    # Vendor name.
    name: str


class RewardExpiryReminderVendorRedemptionDetails(TypedDict, total=False):
    """Vendor redemption set-up."""

    # Vendor redemption id.
    id: int
    # Vendor redemption name.
    name: str


class RewardExpiryReminderPaymentModes(TypedDict, total=False):
    """One entry."""

    # Payment mode id.
    id: int
    # Payment mode name.
    paymentMode: str
    # Conversion ratio. snake_case on the wire.
    conv_ratio: float


class RewardExpiryReminderData(TypedDict, total=False):
    """What happened."""

    # Reward id.
    rewardId: Required[int]
    # Kind.
    type: str
    # Reward is live.
    enabled: bool
    # How it is redeemed.
    redemptionType: str
    # Start (epoch milliseconds).
    startDate: int
    # End (epoch milliseconds).
    endDate: int
    # Points price.
    intouchPoints: int
    # Coupon series used by the reward.
    intouchSeriesId: str
    # Display priority.
    priority: int
    # Localised texts and media.
    rewardDetails: list[RewardExpiryReminderRewardDetails]
    # Vendor.
    vendorDetails: RewardExpiryReminderVendorDetails
    # Vendor redemption set-up.
    vendorRedemptionDetails: RewardExpiryReminderVendorRedemptionDetails
    # Ways to pay.
    paymentModes: list[RewardExpiryReminderPaymentModes]


class RewardExpiryReminder(Envelope):
    """A reward is about to expire."""

    eventName: Required[Literal["rewardExpiryReminder"]]
    data: Required[RewardExpiryReminderData]


class RewardIssuedVendorRewardDetails(TypedDict, total=False):
    """Vendor voucher."""

    # Voucher code.
    vendorVoucher: str


class RewardIssuedIntouchRewardDetails(TypedDict, total=False):
    """Platform coupon."""

    # Coupon code.
    intouchCouponCode: str
    # Coupon expiry (epoch milliseconds).
    codeExpiry: int


class RewardIssuedData(TypedDict, total=False):
    """What happened."""

    # Tier text.
    tier: str
    # Display priority.
    priority: int
    # How it is redeemed.
    redemptionType: str
    # End (epoch milliseconds).
    endDate: int
    # Reward id.
    rewardId: Required[int]
    # Vendor voucher.
    vendorRewardDetails: RewardIssuedVendorRewardDetails
    # Coupon series used by the reward.
    intouchSeriesId: str
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: Required[CustomerIdentifiers]
    # Start (epoch milliseconds).
    startDate: int
    # Reward label.
    label: str
    # Issued at (epoch milliseconds).
    issueDateTime: int
    # When the activity happened (date-time text).
    eventDateTime: int
    # Platform id of the transaction.
    transactionId: str
    # Platform coupon.
    intouchRewardDetails: RewardIssuedIntouchRewardDetails
    # Kind.
    type: str
    # Points price.
    intouchPoints: int
    # Reward group.
    group: str


class RewardIssued(Envelope):
    """A customer is given (has bought or been granted) a reward from the rewards catalogue."""

    eventName: Required[Literal["rewardIssued"]]
    data: Required[RewardIssuedData]


class RewardUpdatedGeographies(TypedDict, total=False):
    """One entry."""

    # Country id.
    countryId: int
    # City id.
    cityId: int
    # Area id.
    areaId: int


class RewardUpdatedImages(TypedDict, total=False):
    """One entry."""

    # Media name.
    name: str
    # Media id.
    id: str
    # Media URL.
    url: str


class RewardUpdatedVideos(TypedDict, total=False):
    """One entry."""

    # Media name.
    name: str
    # Media id.
    id: str
    # Media URL.
    url: str
    # Hosted elsewhere.
    isExternal: bool


class RewardUpdatedRewardDetails(TypedDict, total=False):
    """One entry."""

    # Language code.
    languageCode: str
    # Name in that language.
    name: str
    # Description text.
    description: str
    # T&C file id.
    termAndConditionsId: str
    # T&C URL.
    termAndConditionsUrl: str
    # Image id.
    imageId: str
    # Image URL.
    imageUrl: str
    # Thumbnail id.
    thumbnailId: str
    # Thumbnail URL.
    thumbnailUrl: str
    # Extra images.
    images: list[RewardUpdatedImages]
    # Extra videos.
    videos: list[RewardUpdatedVideos]


class RewardUpdatedVendorDetails(TypedDict, total=False):
    """Vendor."""

    # Vendor id.
    id: int
    # Vendor name.
    name: str


class RewardUpdatedVendorRedemptionDetails(TypedDict, total=False):
    """Vendor redemption set-up."""

    # Vendor redemption id.
    id: int
    # Vendor redemption name.
    name: str


class RewardUpdatedData(TypedDict, total=False):
    """What happened."""

    # Reward id.
    rewardId: Required[int]
    # Kind.
    type: str
    # Reward is live.
    enabled: bool
    # How it is redeemed.
    redemptionType: str
    # Start (epoch milliseconds).
    startDate: int
    # End (epoch milliseconds).
    endDate: int
    # Points price.
    intouchPoints: int
    # Coupon series used by the reward.
    intouchSeriesId: str
    # Display priority.
    priority: int
    # Tier text.
    tier: str
    # Reward group.
    group: str
    # Reward label.
    label: str
    # Programme id.
    programId: int
    # Category ids.
    categories: list[int]
    # Where it is offered.
    geographies: list[RewardUpdatedGeographies]
    # Localised texts and media.
    rewardDetails: list[RewardUpdatedRewardDetails]
    # Vendor.
    vendorDetails: RewardUpdatedVendorDetails
    # Vendor redemption set-up.
    vendorRedemptionDetails: RewardUpdatedVendorRedemptionDetails


class RewardUpdated(Envelope):
    """A reward's set-up is changed (on/off, dates, tiers, texts ...)."""

    eventName: Required[Literal["rewardUpdated"]]
    data: Required[RewardUpdatedData]


class UpdateRewardTransactionTransactionUpdates(TypedDict, total=False):
    """One entry."""

    # Platform id of the transaction.
    transactionId: int
    # Reward id.
    rewardId: int
    # Customer id.
    customerId: int
    # Map of custom field -> value.
    transactionCustomFields: dict[str, str]
    # Fulfilment state.
    fulfillmentStatus: str


class UpdateRewardTransactionData(TypedDict, total=False):
    """What happened."""

    # Reward transactions that changed.
    transactionUpdates: Required[list[UpdateRewardTransactionTransactionUpdates]]


class UpdateRewardTransaction(Envelope):
    """Fulfilment status or custom fields of a reward transaction change."""

    eventName: Required[Literal["updateRewardTransaction"]]
    data: Required[UpdateRewardTransactionData]
