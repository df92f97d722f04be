"""Events of the family incentives.

Made from the catalogue (`make models`): change the event type's file, not this one.
"""

from typing import Literal, Required, TypedDict

from tidings.consumer.events.common import Actor, CustomerIdentifiers, Envelope, TriggeringActivity


class BadgeEarnedEarnConstraints(TypedDict, total=False):
    """One entry."""

    # BADGE or CUSTOMER.
    constraintLevel: str | None
    # OVERALL / ROLLING_WINDOW / NONE.
    constraintType: str | None
    # DAYS / WEEKS / MONTHS.
    rollType: str | None
    # Window length.
    rollValue: int | None
    # Cap.
    maxEarnLimit: int | None
    # Used so far.
    currentEarnCount: int | None


class BadgeEarnedData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers | None
    # Badge id (text).
    badgeId: str | None
    # Issue id.
    issualId: str | None
    # Issued at (epoch milliseconds).
    issuedOn: int | None
    # Earn id (text).
    earnId: str | None
    # Earned at (epoch milliseconds).
    earnedOn: int | None
    # Earn limits.
    earnConstraints: list[BadgeEarnedEarnConstraints] | None
    # What caused the event (activity name, its ids, who did it).
    triggeringActivity: TriggeringActivity | None


class BadgeEarned(Envelope):
    """A customer earns a badge."""

    eventName: Required[Literal["badgeEarned"]]
    data: Required[BadgeEarnedData]


class CouponIssueCoupons(TypedDict, total=False):
    """One entry."""

    # Coupon id.
    id: int | None
    # Coupon code.
    code: str | None
    # Valid until (epoch milliseconds). snake_case on the wire.
    valid_till: int | None
    # Issued at (epoch milliseconds). snake_case on the wire.
    issued_on: int | None
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers | None


class CouponIssueSeriesInfo(TypedDict, total=False):
    """Coupon series."""

    # Series id.
    id: int | None
    # Series description.
    description: str | None
    # Series kind.
    seriesType: str | None
    # How the code is handled.
    clientHandlingType: str | None
    # Valid until (epoch milliseconds). snake_case on the wire.
    valid_till: int | None
    # Discount code. snake_case on the wire.
    discount_code: str | None
    # Discount basis (ABS seen). snake_case on the wire.
    discount_type: str | None
    # Discount value. snake_case on the wire.
    discount_value: float | None


class CouponIssueData(TypedDict, total=False):
    """What happened."""

    # Time of the action (epoch milliseconds).
    addedAt: int | None
    # Till (and store) that did it.
    addedBy: Actor | None
    # Coupons issued.
    coupons: list[CouponIssueCoupons] | None
    # Coupon series. snake_case on the wire.
    series_info: CouponIssueSeriesInfo | None
    # SINGLE seen (also in the bulk sample).
    issualType: str | None


class CouponIssue(Envelope):
    """A coupon is issued to a customer."""

    eventName: Required[Literal["CouponIssue"]]
    data: Required[CouponIssueData]


class CouponRedeemSeriesInfo(TypedDict, total=False):
    """Coupon series."""

    # Series id.
    id: int | None
    # Series description.
    description: str | None
    # Series kind.
    seriesType: str | None
    # How the code is handled.
    clientHandlingType: str | None
    # Valid until (epoch milliseconds). snake_case on the wire.
    valid_till: int | None
    # Discount code. snake_case on the wire.
    discount_code: str | None
    # Discount basis (ABS seen). snake_case on the wire.
    discount_type: str | None
    # Discount value. snake_case on the wire.
    discount_value: float | None


class CouponRedeemCoupon(TypedDict, total=False):
    """Redeemed coupon."""

    # Coupon id.
    id: int | None
    # Coupon code.
    code: str | None
    # Redemption id.
    redemptionId: int | None
    # Redeemed at (epoch milliseconds).
    redemptionDate: int | None
    # Coupon series. snake_case on the wire.
    series_info: CouponRedeemSeriesInfo | None


class CouponRedeemTransaction(TypedDict, total=False):
    """Bill the coupon was used on."""

    # Platform bill id. snake_case on the wire.
    bill_id: int | None
    # Bill number.
    number: str | None


class CouponRedeemData(TypedDict, total=False):
    """What happened."""

    # Time of the action (epoch milliseconds).
    addedAt: int | None
    # Till (and store) that did it.
    addedBy: Actor | None
    # Redeemed coupon.
    coupon: CouponRedeemCoupon | None
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers | None
    # Bill the coupon was used on.
    transaction: CouponRedeemTransaction | None


class CouponRedeem(Envelope):
    """A coupon is redeemed."""

    eventName: Required[Literal["CouponRedeem"]]
    data: Required[CouponRedeemData]


class IssueBulkCouponCoupons(TypedDict, total=False):
    """One entry."""

    # Coupon id.
    id: int | None
    # Coupon code.
    code: str | None
    # Valid until (epoch milliseconds). snake_case on the wire.
    valid_till: int | None
    # Issued at (epoch milliseconds). snake_case on the wire.
    issued_on: int | None
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers | None


class IssueBulkCouponSeriesInfo(TypedDict, total=False):
    """Coupon series."""

    # Series id.
    id: int | None
    # Series description.
    description: str | None
    # Series kind.
    seriesType: str | None
    # How the code is handled.
    clientHandlingType: str | None
    # Valid until (epoch milliseconds). snake_case on the wire.
    valid_till: int | None
    # Discount code. snake_case on the wire.
    discount_code: str | None
    # Discount basis (ABS seen). snake_case on the wire.
    discount_type: str | None
    # Discount value. snake_case on the wire.
    discount_value: float | None


class IssueBulkCouponData(TypedDict, total=False):
    """What happened."""

    # Time of the action (epoch milliseconds).
    addedAt: int | None
    # Till (and store) that did it.
    addedBy: Actor | None
    # Coupons issued.
    coupons: list[IssueBulkCouponCoupons] | None
    # Coupon series. snake_case on the wire.
    series_info: IssueBulkCouponSeriesInfo | None
    # SINGLE seen (also in the bulk sample).
    issualType: str | None


class IssueBulkCoupon(Envelope):
    """Many coupons are issued in one call by giving a count for a series."""

    eventName: Required[Literal["CouponIssue", "IssueBulkCoupon"]]
    data: Required[IssueBulkCouponData]


class IssueRewardFailureRewards(TypedDict, total=False):
    """One entry."""

    # Reward id.
    id: int | None
    # Quantity.
    qty: int | None
    # Points.
    points: int | None
    # Kind.
    type: str | None
    # Platform id of the transaction. Text in the published schema, a number in the published
    # sample; both are accepted.
    transactionId: str | int | None
    # Client reference.
    rewardReference: str | None


class IssueRewardFailureErroredSteps(TypedDict, total=False):
    """One entry."""

    # Step name.
    name: str | None
    # Error text.
    errorMessage: str | None
    # Error code.
    errorCode: int | None
    # Rewards in the failed step.
    rewards: list[IssueRewardFailureRewards] | None


class IssueRewardFailureData(TypedDict, total=False):
    """What happened."""

    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers | None
    # Request id.
    requestId: str | None
    # Points price of the whole request.
    totalPoints: int | None
    # Steps that failed.
    erroredSteps: list[IssueRewardFailureErroredSteps] | None


class IssueRewardFailure(Envelope):
    """An attempt to issue one or more rewards fails in some step."""

    eventName: Required[Literal["issueRewardFailure"]]
    data: Required[IssueRewardFailureData]


class RewardCreatedVendorRedemptionDetails(TypedDict, total=False):
    """Vendor redemption set-up."""

    # Vendor redemption id.
    id: int | None
    # Vendor redemption name.
    name: str | None


class RewardCreatedImages(TypedDict, total=False):
    """One entry."""

    # Media name.
    name: str | None
    # Media id.
    id: str | None
    # Media URL.
    url: str | None
    # Hosted elsewhere.
    isExternal: bool | None
    # Alt text.
    altText: str | None


class RewardCreatedVideos(TypedDict, total=False):
    """One entry."""

    # Media name.
    name: str | None
    # Media id.
    id: str | None
    # Media URL.
    url: str | None
    # Hosted elsewhere.
    isExternal: bool | None
    # Alt text.
    altText: str | None


class RewardCreatedRewardDetails(TypedDict, total=False):
    """One entry."""

    # Thumbnail URL.
    thumbnailUrl: str | None
    # Language code.
    languageCode: str | None
    # Thumbnail id.
    thumbnailId: str | None
    # Name in that language.
    name: str | None
    # T&C URL.
    termAndConditionsUrl: str | None
    # Image URL.
    imageUrl: str | None
    # Image id.
    imageId: str | None
    # Extra images.
    images: list[RewardCreatedImages] | None
    # Extra videos.
    videos: list[RewardCreatedVideos] | None
    # Description text.
    description: str | None
    # T&C file id.
    termAndConditionsId: str | None


class RewardCreatedGeographies(TypedDict, total=False):
    """One entry."""

    # Country id.
    countryId: int | None
    # City id.
    cityId: int | None
    # Area id.
    areaId: int | None


class RewardCreatedVendorDetails(TypedDict, total=False):
    """Vendor."""

    # Vendor id.
    id: int | None
    # Vendor name.
    name: str | None


class RewardCreatedData(TypedDict, total=False):
    """What happened."""

    # Reward is live.
    enabled: bool | None
    # Tier text.
    tier: str | None
    # Display priority.
    priority: int | None
    # How it is redeemed.
    redemptionType: str | None
    # End (epoch milliseconds).
    endDate: int | None
    # Reward id.
    rewardId: int | None
    # Coupon series used by the reward.
    intouchSeriesId: str | None
    # Vendor redemption set-up.
    vendorRedemptionDetails: RewardCreatedVendorRedemptionDetails | None
    # Start (epoch milliseconds).
    startDate: int | None
    # Localised texts and media.
    rewardDetails: list[RewardCreatedRewardDetails] | None
    # Reward label.
    label: str | None
    # Where it is offered.
    geographies: list[RewardCreatedGeographies] | None
    # Kind.
    type: str | None
    # Vendor.
    vendorDetails: RewardCreatedVendorDetails | None
    # Category ids.
    categories: list[int] | None
    # Points price.
    intouchPoints: int | None
    # Reward group.
    group: str | None
    # Programme id.
    programId: int | None


class RewardCreated(Envelope):
    """A reward is created in the catalogue."""

    eventName: Required[Literal["rewardCreated"]]
    data: Required[RewardCreatedData]


class RewardExpiryReminderImages(TypedDict, total=False):
    """One entry."""

    # Media name.
    name: str | None
    # Media id.
    id: str | None
    # Media URL.
    url: str | None


class RewardExpiryReminderVideos(TypedDict, total=False):
    """One entry."""

    # Media name.
    name: str | None
    # Media id.
    id: str | None
    # Media URL.
    url: str | None
    # Hosted elsewhere.
    isExternal: bool | None


class RewardExpiryReminderRewardDetails(TypedDict, total=False):
    """One entry."""

    # Language code.
    languageCode: str | None
    # Name in that language.
    name: str | None
    # Description text.
    description: str | None
    # T&C file id.
    termAndConditionsId: str | None
    # T&C URL.
    termAndConditionsUrl: str | None
    # Image id.
    imageId: str | None
    # Image URL.
    imageUrl: str | None
    # Thumbnail id.
    thumbnailId: str | None
    # Thumbnail URL.
    thumbnailUrl: str | None
    # Extra images.
    images: list[RewardExpiryReminderImages] | None
    # Extra videos.
    videos: list[RewardExpiryReminderVideos] | None


class RewardExpiryReminderVendorDetails(TypedDict, total=False):
    """Vendor."""

    # Vendor id.
    id: int | None
    # Vendor name.
    name: str | None


class RewardExpiryReminderVendorRedemptionDetails(TypedDict, total=False):
    """Vendor redemption set-up."""

    # Vendor redemption id.
    id: int | None
    # Vendor redemption name.
    name: str | None


class RewardExpiryReminderPaymentModes(TypedDict, total=False):
    """One entry."""

    # Payment mode id.
    id: int | None
    # Payment mode name.
    paymentMode: str | None
    # Conversion ratio. snake_case on the wire.
    conv_ratio: float | None


class RewardExpiryReminderData(TypedDict, total=False):
    """What happened."""

    # Reward id.
    rewardId: int | None
    # Kind.
    type: str | None
    # Reward is live.
    enabled: bool | None
    # How it is redeemed.
    redemptionType: str | None
    # Start (epoch milliseconds).
    startDate: int | None
    # End (epoch milliseconds).
    endDate: int | None
    # Points price.
    intouchPoints: int | None
    # Coupon series used by the reward.
    intouchSeriesId: str | None
    # Display priority.
    priority: int | None
    # Localised texts and media.
    rewardDetails: list[RewardExpiryReminderRewardDetails] | None
    # Vendor.
    vendorDetails: RewardExpiryReminderVendorDetails | None
    # Vendor redemption set-up.
    vendorRedemptionDetails: RewardExpiryReminderVendorRedemptionDetails | None
    # Ways to pay.
    paymentModes: list[RewardExpiryReminderPaymentModes] | None


class RewardExpiryReminder(Envelope):
    """A reward is about to expire."""

    eventName: Required[Literal["rewardExpiryReminder"]]
    data: Required[RewardExpiryReminderData]


class RewardIssuedVendorRewardDetails(TypedDict, total=False):
    """Vendor voucher."""

    # Voucher code.
    vendorVoucher: str | None


class RewardIssuedIntouchRewardDetails(TypedDict, total=False):
    """Platform coupon."""

    # Coupon code.
    intouchCouponCode: str | None
    # Coupon expiry (epoch milliseconds).
    codeExpiry: int | None


class RewardIssuedData(TypedDict, total=False):
    """What happened."""

    # Tier text.
    tier: str | None
    # Display priority.
    priority: int | None
    # How it is redeemed.
    redemptionType: str | None
    # End (epoch milliseconds).
    endDate: int | None
    # Reward id.
    rewardId: int | None
    # Vendor voucher.
    vendorRewardDetails: RewardIssuedVendorRewardDetails | None
    # Coupon series used by the reward.
    intouchSeriesId: str | None
    # Who the event is about; thin unless identifier enrichment is switched on.
    customerIdentifiers: CustomerIdentifiers | None
    # Start (epoch milliseconds).
    startDate: int | None
    # Reward label.
    label: str | None
    # Issued at (epoch milliseconds).
    issueDateTime: int | None
    # When the activity happened (date-time text).
    eventDateTime: int | None
    # Platform id of the transaction.
    transactionId: str | None
    # Platform coupon.
    intouchRewardDetails: RewardIssuedIntouchRewardDetails | None
    # Kind.
    type: str | None
    # Points price.
    intouchPoints: int | None
    # Reward group.
    group: str | None


class RewardIssued(Envelope):
    """A customer is given (has bought or been granted) a reward from the rewards catalogue."""

    eventName: Required[Literal["rewardIssued"]]
    data: Required[RewardIssuedData]


class RewardUpdatedGeographies(TypedDict, total=False):
    """One entry."""

    # Country id.
    countryId: int | None
    # City id.
    cityId: int | None
    # Area id.
    areaId: int | None


class RewardUpdatedImages(TypedDict, total=False):
    """One entry."""

    # Media name.
    name: str | None
    # Media id.
    id: str | None
    # Media URL.
    url: str | None


class RewardUpdatedVideos(TypedDict, total=False):
    """One entry."""

    # Media name.
    name: str | None
    # Media id.
    id: str | None
    # Media URL.
    url: str | None
    # Hosted elsewhere.
    isExternal: bool | None


class RewardUpdatedRewardDetails(TypedDict, total=False):
    """One entry."""

    # Language code.
    languageCode: str | None
    # Name in that language.
    name: str | None
    # Description text.
    description: str | None
    # T&C file id.
    termAndConditionsId: str | None
    # T&C URL.
    termAndConditionsUrl: str | None
    # Image id.
    imageId: str | None
    # Image URL.
    imageUrl: str | None
    # Thumbnail id.
    thumbnailId: str | None
    # Thumbnail URL.
    thumbnailUrl: str | None
    # Extra images.
    images: list[RewardUpdatedImages] | None
    # Extra videos.
    videos: list[RewardUpdatedVideos] | None


class RewardUpdatedVendorDetails(TypedDict, total=False):
    """Vendor."""

    # Vendor id.
    id: int | None
    # Vendor name.
    name: str | None


class RewardUpdatedVendorRedemptionDetails(TypedDict, total=False):
    """Vendor redemption set-up."""

    # Vendor redemption id.
    id: int | None
    # Vendor redemption name.
    name: str | None


class RewardUpdatedData(TypedDict, total=False):
    """What happened."""

    # Reward id.
    rewardId: int | None
    # Kind.
    type: str | None
    # Reward is live.
    enabled: bool | None
    # How it is redeemed.
    redemptionType: str | None
    # Start (epoch milliseconds).
    startDate: int | None
    # End (epoch milliseconds).
    endDate: int | None
    # Points price.
    intouchPoints: int | None
    # Coupon series used by the reward.
    intouchSeriesId: str | None
    # Display priority.
    priority: int | None
    # Tier text.
    tier: str | None
    # Reward group.
    group: str | None
    # Reward label.
    label: str | None
    # Programme id.
    programId: int | None
    # Category ids.
    categories: list[int] | None
    # Where it is offered.
    geographies: list[RewardUpdatedGeographies] | None
    # Localised texts and media.
    rewardDetails: list[RewardUpdatedRewardDetails] | None
    # Vendor.
    vendorDetails: RewardUpdatedVendorDetails | None
    # Vendor redemption set-up.
    vendorRedemptionDetails: RewardUpdatedVendorRedemptionDetails | None


class RewardUpdated(Envelope):
    """A reward's set-up is changed (on/off, dates, tiers, texts ...)."""

    eventName: Required[Literal["rewardUpdated"]]
    data: Required[RewardUpdatedData]


class UpdateRewardTransactionTransactionUpdates(TypedDict, total=False):
    """One entry."""

    # Platform id of the transaction.
    transactionId: int | None
    # Reward id.
    rewardId: int | None
    # Customer id.
    customerId: int | None
    # Map of custom field -> value.
    transactionCustomFields: dict[str, str | None] | None
    # Fulfilment state.
    fulfillmentStatus: str | None


class UpdateRewardTransactionData(TypedDict, total=False):
    """What happened."""

    # Reward transactions that changed.
    transactionUpdates: list[UpdateRewardTransactionTransactionUpdates] | None


class UpdateRewardTransaction(Envelope):
    """Fulfilment status or custom fields of a reward transaction change."""

    eventName: Required[Literal["updateRewardTransaction"]]
    data: Required[UpdateRewardTransactionData]
