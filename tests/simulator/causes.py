"""What causes each event type: a sentence, and whether one event of a run follows it.

The sentence is what docs/simulator.md shows; the rule is asked of every event of a long run.
"""

from collections.abc import Callable
from typing import Any

from tests.simulator.run import Step, customer_of
from tidings.simulator.programme import (
    BADGE_EVERY,
    COIN_BILL,
    COUPON_BILL,
    MEMBERSHIP_DAYS,
    PROMOTION_BILL,
    STREAK_DAYS,
    TARGET_DAYS,
    UNIFIED_GOAL,
    tier_line,
)

Rule = Callable[[Step], bool]
BILLS = ("transactionAdded", "retroBillAdded")
DAY_MS = 86_400_000


def same(step: Step, *fields: str) -> Callable[[dict[str, Any]], bool]:
    """Whether another event's data holds the same values."""
    return lambda data: all(data.get(field) == step.data[field] for field in fields)


def bill_in_call(step: Step, at_least: float = 0.0) -> bool:
    return step.in_call(*BILLS, where=lambda data: data["amount"] >= at_least) is not None


def returned_in_call(step: Step) -> bool:
    return (
        step.cause["name"] == "ReturnBill"
        and step.in_call("transactionUpdated", where=lambda d: d["deliveryStatus"] == "RETURNED")
        is not None
    )


def joined(step: Step) -> bool:
    return step.mine("customerAdded") is not None


def customer_added(step: Step) -> bool:
    return step.ref_is(step.customer) and not any(
        step.mine(name) for name in ("customerAdded", *BILLS, "pointsIssued")
    )


def customer_updated(step: Step) -> bool:
    field = step.data["updatedFields"][0]
    last = step.mine("customerUpdated", "customerAdded")
    assert last is not None
    return bool(last.data["extendedFields"][0]["value"] == field["previousValue"])


def customer_subscription(step: Step) -> bool:
    last = step.mine("customerSubscription")
    before = "SUBSCRIBED" if last is None else last.data["subscriptions"][0]["currentStatus"]
    now = step.data["subscriptions"][0]
    return joined(step) and now["previousStatus"] == before != now["currentStatus"]


def points_issued(step: Step) -> bool:
    if not step.ref_is_loyalty:
        return False
    if request := step.cause_id("requestId"):
        return step.earlier("requestWorkflowEvent", where=lambda d: (
            d["requestId"] == request
            and d["currentRequestState"] == "approved"
            and d["requestAttributes"]["body"]["earningEntityId"] == step.customer
            and d["requestAttributes"]["body"]["points"] == step.data["totalPointsIssued"]
        )) is not None  # fmt: skip
    bill = step.cause_id("billId")
    return step.in_call(*BILLS, where=lambda d: str(d["transactionId"]) == bill) is not None


def points_reversed(step: Step) -> bool:
    bill = step.cause_id("billId")
    issued = step.mine("pointsIssued", where=lambda d: any(
        row["value"] == bill for row in d["triggeringActivity"]["identifiers"]
    ))  # fmt: skip
    return (
        step.ref_is_loyalty
        and returned_in_call(step)
        and issued is not None
        and (
            issued.data["totalPointsIssued"] == step.data["totalIssuedPointsReversed"]
            or step.data["programCurrentPoints"] == 0  # the rest was spent before
        )
    )


def converted(step: Step, name: str) -> bool:
    bill = step.cause_id("billId")
    promise = step.earlier(name, where=lambda d: any(
        row["value"] == bill for row in d["triggeringActivity"]["identifiers"]
    ))  # fmt: skip
    return (
        step.ref_is_loyalty
        and promise is not None
        and (promise.customer == step.customer or merged_before(step))
        and step.days_since(promise) > 11.9
    )


def redeemed(step: Step) -> bool:
    if not step.ref_is_loyalty or step.data["totalPointsRedeemed"] <= 0:
        return False
    if step.cause["name"] == "ConvertPointsToReward":
        after = step.next()
        return after.name == "rewardIssued" and after.customer == step.customer
    number = step.data["redemptionBillNumber"]
    return step.in_call("transactionAdded", where=lambda d: d["billNumber"] == number) is not None


def transferred(one: Step, other: Step) -> bool:
    shared = ("refId", "apiRequestId", "loyaltyEventId")
    return (
        one.ref_is_loyalty
        and all(one.event[field] == other.event[field] for field in shared)
        and one.customer != other.customer
        and one.data["totalPointsTransferred"] == other.data["totalPointsTransferred"]
    )


def sent(step: Step) -> bool:
    other = step.next()
    to = step.data["transferReceivingCustomerIdentifiers"]["customerId"]
    return other.name == "pointsTransferredReceived" and other.customer == to and transferred(
        step, other
    )  # fmt: skip


def received(step: Step) -> bool:
    giver = step.data["transferInitiatingCustomerIdentifiers"]["customerId"]
    other = step.earlier("pointsTransferredInitiated")
    return other is not None and other.customer == giver and transferred(step, other)


def has_points(step: Step) -> bool:
    entity = step.data.get("entityInformation") or {}
    if entity.get("entityType") == "USERGROUP2":
        return step.earlier(
            "pointsContributionToGroup", where=lambda d: d["groupId"] == entity["entityId"]
        ) is not None  # fmt: skip
    names = ("pointsIssued", "pointsTransferredReceived", "promisedToCurrentPointsConversion")
    return step.mine(*names) is not None or step.earlier(
        "loyaltyCustomerMerge",
        where=lambda d: d["survivorCustomerIdentifiers"]["customerId"] == step.customer,
    ) is not None  # fmt: skip


def expiry_told(step: Step) -> bool:
    left = step.data["scheduledExpiryDateInMillis"] - step.now_ms
    return has_points(step) and left <= 11 * DAY_MS and step.ref_is(step.event["loyaltyEventId"])


def expired(step: Step) -> bool:
    told = step.mine("pointsExpiryReminder", where=lambda d: (
        d["pointsScheduledForExpiry"] >= step.data["pointsExpired"]
    ))  # fmt: skip
    return told is not None


def expiry_changed(step: Step) -> bool:
    change = step.data["updatedPointsExpiryBreakup"][0]
    before = change["pointsPreviousExpiryDateInMillis"]
    told = step.mine(
        "pointsExpiryReminder", where=lambda d: d["scheduledExpiryDateInMillis"] == before
    )
    return told is not None and change["newExpiryDateInMillis"] > before


def common_expiry_moved(step: Step) -> bool:
    change = step.data["updatedPointsExpiry"][0]
    later = change["newExpiryDateInMillis"] > change["oldExpiryDateInMillis"]
    return step.ref_is_call and has_points(step) and later


def crossed(step: Step) -> bool:
    reason = step.in_call("pointsIssued", "promisedToCurrentPointsConversion")
    line = tier_line(step.data["upgradedTierNumber"])
    return (
        step.ref_is_loyalty
        and reason is not None
        and reason.data["programLifetimePoints"] >= line
        and step.data["upgradedTierNumber"] > step.data["previousTierNumber"]
    )


def merged_before(step: Step) -> bool:
    return step.earlier("loyaltyCustomerMerge", where=lambda d: (
        d["survivorCustomerIdentifiers"]["customerId"] == step.customer
    )) is not None  # fmt: skip


def tier_end(step: Step, on: str) -> bool:
    """Whether the last tier event of the customer announced this end."""
    last = step.mine("tierUpgraded", "tierRenewed", "tierDowngraded")
    return merged_before(step) or (last is not None and last.data["tierExpiryDate"] == on)


def downgrade_told(step: Step) -> bool:
    return tier_end(step, step.data["scheduledDowngradeDate"])


def today(step: Step) -> str:
    return str(step.data["currentDateStoreTz"])


def downgraded(step: Step) -> bool:
    told = step.mine("tierDowngradeReminder")
    return (
        told is not None
        and step.days_since(told) <= 16
        and step.data["previousTierNumber"] == step.data["downgradedTierNumber"] + 1
        and tier_end(step, today(step))
    )


def refused(step: Step) -> bool:
    before = step.mine("transactionAdded", where=same(step, "billNumber"))
    reason = step.data["rejectionDetails"][0]["rejectionReason"]
    return joined(step) and (before is not None) == (reason == "DUPLICATE_BILL_NUMBER")


def tried_again(step: Step) -> bool:
    rejected = step.mine("transactionRejected", where=same(step, "billNumber"))
    after = step.next()
    recorded = after.name == "transactionAdded" and same(step, "billNumber")(after.data)
    return rejected is not None and recorded == (step.data["rejectionType"] == "FIXED")


def streak_over(step: Step) -> bool:
    start = step.mine("streakStart")
    weeks = int(step.data["streakEndData"][0]["userStreakValueByTheEnd"])
    if start is None:
        return False
    late = step.days_since(start) - 7 * min(weeks + 1, STREAK_DAYS // 7)
    return -0.01 < late < 0.05


def group_event(step: Step) -> bool:
    return step.earlier("groupCreated", where=same(step, "groupId")) is not None


def member_of(step: Step, field: str) -> bool:
    who = customer_of(step.data[field])
    return step.earlier("groupMemberAdded", where=lambda d: (
        d["groupId"] == step.data["groupId"] and customer_of(d["memberAdded"]) == who
    )) is not None  # fmt: skip


def about(customer: int | None) -> Callable[[dict[str, Any]], bool]:
    """Whether an event is about a customer."""
    return lambda data: customer_of(data) == customer


def merged(step: Step) -> bool:
    ids = [
        step.data[side]["customerId"]
        for side in ("survivorCustomerIdentifiers", "victimCustomerIdentifiers")
    ]
    added = [step.earlier("customerAdded", where=about(row)) for row in ids]
    return step.ref_is_call and all(added) and ids[0] != ids[1]


def card(step: Step) -> bool:
    last = step.earlier("cardUpdated", where=same(step, "cardNumber"))
    before = "ACTIVE" if last is None else last.data["currentStatusLabel"]
    return bool(step.data["previousStatusLabel"] == before != step.data["currentStatusLabel"])


def request(step: Step) -> bool:
    last = step.mine("requestUpdated", where=same(step, "requestTrackingId"))
    before = "" if last is None else last.data["status"]
    follows = {"": "PENDING", "PENDING": "APPROVED", "APPROVED": "SUCCESS"}
    in_order = follows[before] == step.data["status"]
    return in_order and step.ref_is(step.data["requestTrackingId"])


def workflow(step: Step) -> bool:
    last = step.earlier("requestWorkflowEvent", where=same(step, "requestId"))
    before = "created" if last is None else last.data["currentRequestState"]
    return bool(
        step.event["orgId"] == 0
        and step.ref_is(step.data["requestId"])
        and step.data["previousRequestState"] == before
    )


def coupon_used(step: Step) -> bool:
    used = step.data["coupon"]["id"]
    issued = step.earlier("CouponIssue", "IssueBulkCoupon", where=lambda d: any(
        row["id"] == used and customer_of(row) == step.customer for row in d["coupons"]
    ))  # fmt: skip
    number = step.data["transaction"]["bill_id"]
    series = step.data["coupon"]["series_info"]["id"]
    return (
        issued is not None
        and issued.data["series_info"]["id"] == series
        and step.ref_is(f"{series}_{used}")
        and step.in_call(*BILLS, where=lambda d: d["transactionId"] == number) is not None
    )


def coupons_ref(step: Step) -> bool:
    coupons = step.data["coupons"]
    series = step.data["series_info"]["id"]
    return step.ref_is(f"{series}_{coupons[0]['id']}:{coupons[-1]['id']}")


def coupon_issued(step: Step) -> bool:
    who = customer_of(step.data["coupons"][0])
    bill = step.in_call(*BILLS, where=lambda d: d["amount"] >= COUPON_BILL)
    return coupons_ref(step) and bill is not None and bill.customer == who


def coupons_issued(step: Step) -> bool:
    who = {customer_of(row) for row in step.data["coupons"]}
    known = [step.earlier("customerAdded", where=about(w)) for w in who]
    return coupons_ref(step) and len(who) == len(step.data["coupons"]) and all(known)


def badge(step: Step) -> bool:
    count = step.data["earnConstraints"][0]["currentEarnCount"]
    return count % BADGE_EVERY == 0 and bill_in_call(step) and step.ref_is(step.data["earnId"])


def of_reward(step: Step) -> bool:
    return step.earlier("rewardCreated", where=same(step, "rewardId")) is not None


def reward_bought(step: Step) -> bool:
    paid = step.in_call("pointsRedeemed")
    return (
        of_reward(step)
        and step.ref_is(step.data["rewardId"])
        and paid is not None
        and paid.data["totalPointsRedeemed"] == step.data["intouchPoints"]
    )


def fulfilled(step: Step) -> bool:
    update = step.data["transactionUpdates"][0]
    issued = step.earlier("rewardIssued", where=lambda d: (
        d["transactionId"] == str(update["transactionId"])
    ))  # fmt: skip
    return issued is not None and issued.customer == update["customerId"]


def reward_failed(step: Step) -> bool:
    wanted = step.data["erroredSteps"][0]["rewards"][0]["id"]
    known = step.earlier("rewardCreated", where=lambda d: d["rewardId"] == wanted)
    return known is not None and step.ref_is(step.data["requestId"])


def reward_end_told(step: Step) -> bool:
    left = (step.data["endDate"] - step.now_ms) / DAY_MS
    return of_reward(step) and 9 <= left <= 10.1


def of_promotion(step: Step) -> bool:
    return step.earlier("promotionCreated", where=same(step, "promotionId")) is not None


def promotion_earned(step: Step) -> bool:
    return (
        step.mine("promotionIssued", where=same(step, "issualId", "promotionId")) is not None
        and bill_in_call(step, PROMOTION_BILL)
        and step.ref_is_loyalty
    )


def issue_withdrawn(step: Step) -> bool:
    number = step.data["revokedIssualId"]
    issued = step.mine("promotionIssued", where=lambda d: d["issualId"] == number)
    earned = step.mine("promotionEarned", where=lambda d: d["issualId"] == number)
    return step.ref_is_loyalty and issued is not None and earned is None


def earning_withdrawn(step: Step) -> bool:
    number = step.data["revokedEarnedPromotionDetails"][0]["revokedEarnedId"]
    earned = step.mine("promotionEarned", where=lambda d: d["earnedId"] == number)
    return step.ref_is_loyalty and earned is not None and returned_in_call(step)


def cart_used(step: Step) -> bool:
    [line] = step.data["lineItemInfo"]
    applied = line["appliedPromotions"][0]
    earned = step.mine("cartPromotionEarned", where=lambda d: d["earnId"] == applied["earnId"])
    number = step.data["transactionIdentifier"]
    bill = step.in_call(*BILLS, where=lambda d: d["billNumber"] == number)
    named = step.ref_is(f"null_{step.event['apiRequestId']}")
    return earned is not None and bill is not None and named


def enrolled(step: Step) -> bool:
    number = step.data["targetDetails"]["id"]
    return in_target(step, number)


def in_target(step: Step, number: int) -> bool:
    last = step.mine(
        "targetCustomerEnrolment", "targetCustomerUnenrolment",
        where=lambda d: d["targetId"] == number,
    )  # fmt: skip
    return last is not None and last.name == "targetCustomerEnrolment"


def target_left(step: Step) -> bool:
    begun = step.mine(
        "targetPeriodStarted",
        where=lambda d: d["targetDetails"]["targetPeriodId"] == step.data["targetPeriodId"],
    )
    return in_target(step, step.data["targetId"]) and begun is not None and step.ref_is_call


def period_over(step: Step) -> bool:
    began = step.mine("targetPeriodStarted", where=lambda d: (
        d["targetDetails"] == step.data["targetDetails"]
    ))  # fmt: skip
    return began is not None and step.days_since(began) >= TARGET_DAYS - 0.01


def progressed(step: Step) -> bool:
    details, bill = step.data["targetDetails"], step.data["transactionId"]
    last = step.mine("targetAchievedValueUpdated", where=lambda d: d["targetDetails"] == details)
    before = 0.0 if last is None else float(last.data["achievedTargetValue"])
    amount = float(step.data["currentEventTargetValue"])
    fell = step.cause["name"] == "ReturnBill"
    now = float(step.data["achievedTargetValue"])
    caused = step.in_call(*BILLS, "transactionUpdated", where=lambda d: d["transactionId"] == bill)
    return (
        step.ref_is_call
        and enrolled(step)
        and caused is not None
        and amount > 0
        and abs(before + (-amount if fell else amount) - now) < 0.01
    )


def goal_met(step: Step) -> bool:
    details = step.data["targetDetails"]
    told = step.in_call("targetAchievedValueUpdated", where=lambda d: d["targetDetails"] == details)
    met = float(step.data["achievedTargetValue"]) >= float(step.data["definedTargetValue"])
    return told is not None and met and step.ref_is_call


def together(step: Step) -> float:
    return max(float(row["achievedTargetValue"]) for row in step.data["targetData"])


def unified_met(step: Step) -> bool:
    told = step.in_call("targetAchievedValueUpdated")
    return step.ref_is_call and told is not None and together(step) >= UNIFIED_GOAL


def unified_lost(step: Step) -> bool:
    return (
        step.ref_is_call
        and returned_in_call(step)
        and step.mine("unifiedTargetsAchieved") is not None
        and together(step) < UNIFIED_GOAL
    )


def streak_of(step: Step, field: str) -> bool:
    number = step.data[field][0]["userStreakId"]
    return step.mine("streakCustomerEnrolment", where=lambda d: (
        d["streakEnrolmentData"][0]["userStreakId"] == number
    )) is not None  # fmt: skip


def level_lost(step: Step) -> bool:
    lost = step.data["streakData"][0]
    reached = step.mine("streakLevelAchieved", where=lambda d: (
        d["streakData"][0]["userStreakId"] == lost["userStreakId"]
        and d["streakData"][0]["streakLevelName"] == lost["streakLevelName"]
    ))  # fmt: skip
    return step.ref_is_call and reached is not None and returned_in_call(step)


def linked(step: Step) -> bool:
    last = step.mine("partnerProgramLinked", "partnerProgramDelinked")
    return last is not None and last.name == "partnerProgramLinked"


def membership_changed(step: Step) -> bool:
    """A rise by the member, or a renewal by the job, when the time that was told last is over."""
    if step.data["updateType"] == "UPGRADE":
        return linked(step) and step.ref_is_loyalty
    began = step.mine(
        "partnerProgramLinked", "partnerProgramUpdated",
        where=lambda d: d.get("updateType") != "UPGRADE",
    )  # fmt: skip
    over = began is not None and step.days_since(began) > MEMBERSHIP_DAYS - 0.01
    return linked(step) and over and step.ref_is_call and "entityInformation" not in step.data


def membership_end_told(step: Step) -> bool:
    last = step.mine("partnerProgramLinked", "partnerProgramUpdated")
    assert last is not None
    end = last.data["customerPartnerProgramDetails"]["membershipExpiryDate"][:10]
    told: bool = step.data["scheduledExpiryDate"] == end
    return linked(step) and told and str(step.event["refId"]).endswith("_b1")


def bounced(step: Step) -> bool:
    who = customer_of(step.data["baseAttributes"])
    about = step.earlier("CouponIssue", where=lambda d: customer_of(d["coupons"][0]) == who)
    return about is not None and step.days_since(about) < 1


CAUSES: dict[str, tuple[str, Rule]] = {
    "customerAdded": ("Somebody joins; nothing is about a member before", customer_added),
    "customerUpdated": ("A member moves from the city told last", customer_updated),
    "customerSubscription": ("A member turns messages on or off", customer_subscription),
    "loyaltyCustomerMerge": ("Two members turn out to be one", merged),
    "cardUpdated": ("A card is reported lost, or found again", card),
    "groupCreated": (
        "A member founds a household",
        lambda s: s.earlier("groupCreated", where=same(s, "groupId")) is None,
    ),
    "groupUpdated": ("A household is renamed", group_event),
    "groupMemberAdded": ("A member joins a household", group_event),
    "groupMemberRemoved": (
        "A member who had joined leaves",
        lambda s: group_event(s) and member_of(s, "memberRemoved"),
    ),
    "pointsContributionToGroup": (
        "A member who had joined gives points",
        lambda s: group_event(s) and member_of(s, "contributingMember"),
    ),
    "transactionAdded": (
        "A member buys",
        lambda s: joined(s) and s.ref_is(s.data["transactionId"]),
    ),
    "transactionUpdated": (
        "A recorded bill is delivered or returned",
        lambda s: (
            s.mine("transactionAdded", where=same(s, "transactionId")) is not None
            and s.ref_is(s.data["transactionId"])
        ),
    ),
    "transactionRejected": (
        "A bill is refused before it is recorded, or a recorded one is sent again",
        refused,
    ),
    "rejectedTransactionRetrigger": (
        "A refused bill is tried again; put right it is recorded, a duplicate is refused again",
        tried_again,
    ),
    "notInterestedBillAdded": (
        "Somebody who is no member buys",
        lambda s: not joined(s) and s.ref_is(s.data["transactionId"]),
    ),
    "retroBillAdded": (
        "A bill without a member is attached to one",
        lambda s: s.earlier("notInterestedBillAdded", where=same(s, "transactionId")) is not None,
    ),
    "pointsIssued": ("A bill of the member, or approved goodwill", points_issued),
    "issuedPointsReversed": ("The bill that had brought them is returned", points_reversed),
    "promisedToCurrentPointsConversion": (
        "12 days after a large bill",
        lambda s: converted(s, "pointsIssued"),
    ),
    "pointsRedeemed": ("Points are used on a bill or for a reward", redeemed),
    "redeemedPointsReversed": (
        "The bill that they were used on is returned",
        lambda s: (
            s.mine("pointsRedeemed", where=same(s, "redemptionSummaryId")) is not None
            and s.in_call("transactionUpdated") is not None
            and s.ref_is_loyalty
        ),
    ),
    "pointsTransferredInitiated": ("A member sends points", sent),
    "pointsTransferredReceived": ("The other side of the same call", received),
    "manualPointsAdjustment": ("An operator takes points that are there", has_points),
    "pointsExpiryReminder": ("10 days before points lapse", expiry_told),
    "pointsExpired": ("Points that a reminder named were not spent", expired),
    "pointsExpiryChange": ("Support moves the day that a reminder named", expiry_changed),
    "singlePointsExpiryUpdated": ("A visit moves the common expiry on", common_expiry_moved),
    "alternateCurrenciesIssued": (
        "A bill from 3,000 on",
        lambda s: bill_in_call(s, COIN_BILL) and s.ref_is_loyalty,
    ),
    "issuedAlternateCurrenciesReversed": (
        "The bill that had brought them is returned",
        lambda s: returned_in_call(s) and s.ref_is_loyalty,
    ),
    "promisedToCurrentAlternateCurrencyConversion": (
        "12 days after the bill that promised them",
        lambda s: converted(s, "alternateCurrenciesIssued"),
    ),
    "tierUpgraded": ("The points that crossed the line, in the same call", crossed),
    "tierRenewed": ("The tier's end, with enough points", lambda s: tier_end(s, today(s))),
    "tierDowngradeReminder": ("15 days before the tier's end, with too few", downgrade_told),
    "tierDowngraded": ("The tier's end, after the reminder", downgraded),
    "promotionCreated": (
        "Marketing sets a promotion up",
        lambda s: (
            s.earlier("promotionCreated", where=same(s, "promotionId")) is None
            and s.ref_is_loyalty
            and s.event["eventLogId"] == -1
        ),
    ),
    "promotionUpdated": (
        "Marketing lets it run longer",
        lambda s: of_promotion(s) and s.ref_is_loyalty,
    ),
    "promotionIssued": (
        "A member is given a promotion that was set up",
        lambda s: of_promotion(s) and joined(s) and s.ref_is_loyalty,
    ),
    "promotionEarned": ("A bill from 2,000 on, with an issued promotion", promotion_earned),
    "revokeIssuedPromotion": ("An issued one, not earned, is withdrawn", issue_withdrawn),
    "revokeEarnedPromotion": ("The bill that had earned it is returned", earning_withdrawn),
    "cartPromotionIssued": (
        "A member is given a cart offer",
        lambda s: joined(s) and s.ref_is(f"{s.data['issueId']}_{s.event['apiRequestId']}"),
    ),
    "cartPromotionEarned": (
        "Its condition is met",
        lambda s: (
            s.mine("cartPromotionIssued", where=same(s, "issueId")) is not None
            and s.ref_is(f"{s.data['earnId']}_{s.event['apiRequestId']}")
        ),
    ),
    "cartPromotionRedeemed": ("An earned offer is used on a bill", cart_used),
    "cartPromotionRevoked": (
        "An earned offer, not used, is withdrawn",
        lambda s: s.mine("cartPromotionEarned", where=same(s, "earnId")) is not None,
    ),
    "CouponIssue": ("A bill from 2,500 on", coupon_issued),
    "IssueBulkCoupon": ("A campaign for several members in one call", coupons_issued),
    "CouponRedeem": ("A coupon of the member is used on a bill", coupon_used),
    "badgeEarned": ("Every fifth bill", badge),
    "rewardCreated": (
        "The rewards catalogue grows",
        lambda s: s.earlier("rewardCreated", where=same(s, "rewardId")) is None,
    ),
    "rewardUpdated": ("A reward's price changes", of_reward),
    "rewardIssued": ("Points are paid for a reward, in the same call", reward_bought),
    "issueRewardFailure": ("A member has too few points for a reward", reward_failed),
    "updateRewardTransaction": ("An issued reward is shipped, then delivered", fulfilled),
    "rewardExpiryReminder": ("10 days before a reward ends", reward_end_told),
    "targetCustomerEnrolment": (
        "A new member joins the month's targets",
        lambda s: joined(s) and s.ref_is_call and not in_target(s, s.data["targetId"]),
    ),
    "targetCustomerUnenrolment": ("A member is taken out of a target", target_left),
    "targetPeriodStarted": ("Enrolment, or the end of the period before", enrolled),
    "targetPeriodCompleted": ("30 days after the period began", period_over),
    "targetValueUpdated": ("Support sets another goal", enrolled),
    "targetAchievedValueUpdated": ("A bill adds its amount, a return takes it", progressed),
    "targetValueAchieved": ("The bill whose amount met the goal", goal_met),
    "unifiedTargetsAchieved": ("The bill that met the common goal", unified_met),
    "unifiedTargetsUnAchieved": ("The return that undid it", unified_lost),
    "streakCustomerEnrolment": ("A member joins the streak", joined),
    "streakStart": (
        "In the same call as the enrolment",
        lambda s: s.in_call("streakCustomerEnrolment") is not None and s.ref_is_call,
    ),
    "streakLevelAchieved": (
        "The bill that made the level",
        lambda s: bill_in_call(s) and streak_of(s, "streakData") and s.ref_is_call,
    ),
    "streakLevelUnAchieved": ("The return that undid it", level_lost),
    "streakEnd": (
        "A week without a purchase is over, or its 42 days are",
        streak_over,
    ),
    "streakCustomerUnEnrolment": (
        "A member is taken out before its end",
        lambda s: streak_of(s, "streakUnEnrolmentData") and s.ref_is_call,
    ),
    "partnerProgramLinked": (
        "A member links the partner programme",
        lambda s: joined(s) and not linked(s) and s.ref_is_loyalty,
    ),
    "partnerProgramUpdated": (
        "A linked member rises in it, or the membership is renewed at its end",
        membership_changed,
    ),
    "partnerProgramDelinked": ("A linked member leaves, or the membership ends", linked),
    "supplementaryMembershipExpiryReminder": (
        "10 days before the membership ends",
        membership_end_told,
    ),
    "requestUpdated": ("A change goes PENDING, APPROVED, SUCCESS", request),
    "requestWorkflowEvent": ("A clerk asks for goodwill; it is decided", workflow),
    "communicationMessageUndelivered": ("The message about a coupon bounces", bounced),
}
