"""Coupons, rewards and badges."""

from tidings.simulator.blocks import actor
from tidings.simulator.members import undelivered
from tidings.simulator.points import redeem
from tidings.simulator.programme import (
    COUPON_DAYS,
    COUPON_VALUE,
    PROGRAM,
    REWARD_DAYS,
    REWARD_REMINDER_DAYS,
    SERIES,
    SERIES_BULK,
)
from tidings.simulator.things import Bill, Coupon, Json, Reward, SimulatedCustomer
from tidings.simulator.world import PlatformCall, World

REWARDS = (("Coffee voucher", 60), ("Cinema for two", 150), ("Picnic basket", 240))
VENDOR = {"id": 31, "name": "Gift house"}
BULK_MAX = 5
KEPT = 8  # rewards at one time, at most
SITE = "https://cdn.example.test"


# -- coupons ---------------------------------------------------------------------------------------


def _series(number: int, valid_till_ms: int) -> Json:
    return {
        "id": number,
        "description": f"{COUPON_VALUE:.0f} off the next bill",
        "seriesType": "LOYALTY",
        "clientHandlingType": "DISC_CODE",
        "valid_till": valid_till_ms,
        "discount_code": "NO_VALUE",
        "discount_type": "ABS",
        "discount_value": COUPON_VALUE,
    }


def _new_coupon(world: World, customer: SimulatedCustomer, series: int) -> tuple[Coupon, Json]:
    number = world.number("coupon", 7_101)
    coupon = Coupon(number, world.code(), series, valid_till_ms=world.in_days(COUPON_DAYS))
    customer.coupons.append(coupon)
    if len(customer.coupons) > 5:
        del customer.coupons[0]
    return coupon, {
        "id": coupon.id,
        "code": coupon.code,
        "valid_till": coupon.valid_till_ms,
        "issued_on": world.now_ms,
        "customerIdentifiers": customer.identity,
    }


def issue_coupon(world: World, customer: SimulatedCustomer, call: PlatformCall) -> None:
    """Issue a coupon for a large bill; the message about it may come back."""
    coupon, shown = _new_coupon(world, customer, SERIES)
    data = {
        "addedAt": world.now_ms,
        "addedBy": actor(call),
        "coupons": [shown],
        "series_info": _series(SERIES, coupon.valid_till_ms),
        "issualType": "SINGLE",
    }
    ref = f"{SERIES}_{coupon.id}:{coupon.id}"
    world.emit("CouponIssue", data, call, ref, customer, coupon.code)
    if world.chance(0.1):
        world.later(0.01, undelivered, customer)


def issue_coupons(world: World) -> None:
    """Issue coupons of one series to several members in one call, as a campaign does."""
    wanted = min(BULK_MAX, len(world.members))
    lucky = world.rng.sample(world.members, wanted)
    call = world.call()
    coupons = [_new_coupon(world, customer, SERIES_BULK) for customer in lucky]
    first, last = coupons[0][0], coupons[-1][0]
    data = {
        "addedAt": world.now_ms,
        "addedBy": actor(call),
        "coupons": [shown for _, shown in coupons],
        "series_info": _series(SERIES_BULK, last.valid_till_ms),
        "issualType": "SINGLE",
    }
    ref = f"{SERIES_BULK}_{first.id}:{last.id}"
    note = f"× {len(coupons)}"
    # On the wire as the issue of a single one: who subscribes to either name hears it.
    world.emit("CouponIssue", data, call, ref, lucky[0], note)


def take_coupon(customer: SimulatedCustomer, now_ms: int) -> Coupon | None:
    """Take the coupon that is used on a bill; None where none is valid."""
    coupon = next((coupon for coupon in customer.coupons if coupon.valid_till_ms > now_ms), None)
    if coupon is not None:
        customer.coupons.remove(coupon)
    return coupon


def use_coupon(
    world: World, customer: SimulatedCustomer, call: PlatformCall, bill: Bill, coupon: Coupon
) -> None:
    """Record that a coupon was used on a bill, whose discount holds its value."""
    data = {
        "addedAt": world.now_ms,
        "addedBy": actor(call),
        "coupon": {
            "id": coupon.id,
            "code": coupon.code,
            "redemptionId": world.number("couponUse", 88_101),
            "redemptionDate": world.now_ms,
            "series_info": _series(coupon.series, coupon.valid_till_ms),
        },
        "customerIdentifiers": customer.identity,
        "transaction": {"bill_id": bill.id, "number": bill.number},
    }
    ref = f"{coupon.series}_{coupon.id}"
    world.emit("CouponRedeem", data, call, ref, customer, coupon.code)


# -- rewards ---------------------------------------------------------------------------------------


def add_reward(world: World) -> None:
    """Add a reward to the catalogue, which is told of again before it ends."""
    number = world.number("reward", 318)
    name, points = REWARDS[number % len(REWARDS)]
    reward = Reward(
        number, name, points, starts_ms=world.now_ms, ends_ms=world.in_days(REWARD_DAYS)
    )
    world.rewards.append(reward)
    if len(world.rewards) > KEPT:
        del world.rewards[0]
    data = _reward(reward) | {
        "rewardDetails": [_texts(reward)],
        "geographies": [{"countryId": 91, "cityId": 20, "areaId": 411}],
        "categories": [44],
        "tier": "Base",
        "group": "Treats",
        "label": "Popular",
        "programId": PROGRAM,
    }
    call = world.call()
    world.emit("rewardCreated", data, call, reward.id, note=reward.name)
    world.later(REWARD_DAYS - REWARD_REMINDER_DAYS, remind_of_reward, reward)


def change_reward(world: World) -> None:
    """Make a reward dearer or cheaper."""
    reward = world.rng.choice(world.rewards)
    reward.points = max(20, reward.points + world.rng.choice((-10, 10)))
    data = _reward(reward) | {"tier": "Base", "group": "Treats", "label": "Popular"}
    data |= {"programId": PROGRAM, "categories": [44]}
    call = world.call()
    note = f"{reward.name}: {reward.points}"
    world.emit("rewardUpdated", data, call, reward.id, note=note)


def remind_of_reward(world: World, reward: Reward) -> None:
    """Remind of a reward ahead of its end."""
    if reward not in world.rewards:
        return
    data = _reward(reward) | {"paymentModes": [{"id": 1, "paymentMode": "POINTS", "conv_ratio": 1}]}
    world.emit("rewardExpiryReminder", data, world.job(), reward.id, note=reward.name)


def _reward(reward: Reward) -> Json:
    return {
        "rewardId": reward.id,
        "type": "VOUCHER",
        "enabled": reward.enabled,
        "redemptionType": "VENDOR_ONLY_REWARD",
        "startDate": reward.starts_ms,
        "endDate": reward.ends_ms,
        "intouchPoints": reward.points,
        "intouchSeriesId": str(SERIES),
        "priority": 1,
        "vendorDetails": VENDOR,
        "vendorRedemptionDetails": VENDOR,
    }


def _texts(reward: Reward) -> Json:
    image = f"{SITE}/rewards/{reward.id}.png"
    return {
        "languageCode": "en",
        "name": reward.name,
        "description": f"{reward.name} for {reward.points} points",
        "termAndConditionsId": f"terms-{reward.id}",
        "termAndConditionsUrl": f"{SITE}/terms/{reward.id}.html",
        "imageId": f"image-{reward.id}",
        "imageUrl": image,
        "thumbnailId": f"image-{reward.id}",
        "thumbnailUrl": image,
        "images": [],
        "videos": [],
    }


def buy_reward(world: World) -> None:
    """Buy a reward with a member's points; where these are too few, the attempt fails in words."""
    customer = world.member()
    running = [reward for reward in world.rewards if reward.ends_ms > world.now_ms]
    if not running:
        return
    reward = world.rng.choice(running)
    call = world.call(customer.till)
    if customer.balance < reward.points:
        if world.chance(0.5):
            _fail(world, customer, reward, call)
        return
    redeem(world, customer, customer, call, None, "ConvertPointsToReward", float(reward.points))
    transaction = world.number("rewardTransaction", 190_551)
    data = {
        "tier": "Base",
        "priority": 1,
        "redemptionType": "VENDOR_ONLY_REWARD",
        "endDate": reward.ends_ms,
        "rewardId": reward.id,
        "vendorRewardDetails": {"vendorVoucher": f"VCHR-{world.code(4)}"},
        "intouchSeriesId": str(SERIES),
        "customerIdentifiers": customer.identity,
        "startDate": reward.starts_ms,
        "label": "Popular",
        "issueDateTime": world.now_ms,
        "eventDateTime": world.now_ms,
        "transactionId": str(transaction),
        "type": "VOUCHER",
        "intouchPoints": reward.points,
        "group": "Treats",
    }
    world.emit("rewardIssued", data, call, reward.id, customer, reward.name)
    for days, status in ((1, "SHIPPED"), (3, "DELIVERED")):
        world.later(days, fulfil, customer, reward, transaction, status)


def fulfil(
    world: World, customer: SimulatedCustomer, reward: Reward, transaction: int, status: str
) -> None:
    """Follow a reward that was issued: it is on its way, then there."""
    if customer.gone:
        return
    data = {
        "transactionUpdates": [
            {
                "transactionId": transaction,
                "rewardId": reward.id,
                "customerId": customer.id,
                "transactionCustomFields": {"courier": "Blue bird"},
                "fulfillmentStatus": status,
            }
        ]
    }
    call = world.call(customer.till)
    note = f"{reward.name} {status.lower()}"
    world.emit("updateRewardTransaction", data, call, transaction, customer, note)


def _fail(world: World, customer: SimulatedCustomer, reward: Reward, call: PlatformCall) -> None:
    request = world.uuid()
    data = {
        "customerIdentifiers": customer.identity,
        "requestId": request,
        "totalPoints": reward.points,
        "erroredSteps": [
            {
                "name": "REDEEM_POINTS",
                "errorMessage": "The customer has too few points",
                "errorCode": 730,
                "rewards": [
                    {
                        "id": reward.id,
                        "qty": 1,
                        "points": reward.points,
                        "type": "VOUCHER",
                        "transactionId": "",
                        "rewardReference": f"ref-{request[:4]}",
                    }
                ],
            }
        ],
    }
    note = f"too few for {reward.name}"
    world.emit("issueRewardFailure", data, call, request, customer, note)


# -- badges ----------------------------------------------------------------------------------------


def earn_badge(world: World, customer: SimulatedCustomer, call: PlatformCall, cause: Json) -> None:
    """Give a badge for every so many bills."""
    earn_id = world.hex(24)
    data = {
        "customerIdentifiers": customer.identity,
        "badgeId": "66f0a1b2c3d4e5f60718293a",
        "issualId": world.hex(24),
        "issuedOn": world.now_ms,
        "earnId": earn_id,
        "earnedOn": world.now_ms,
        "earnConstraints": [
            {
                "constraintLevel": "CUSTOMER",
                "constraintType": "ROLLING_WINDOW",
                "rollType": "DAYS",
                "rollValue": 365,
                "maxEarnLimit": 100,
                "currentEarnCount": customer.bought,
            }
        ],
        "triggeringActivity": cause,
    }
    note = f"{customer.bought} bills"
    world.emit("badgeEarned", data, call, earn_id, customer, note)
