"""Bills: recorded, refused, returned, attached later; and all that follows from each."""

from collections.abc import Callable

from tidings.simulator.blocks import activity, actor
from tidings.simulator.currency import issue_coins, take_back_coins
from tidings.simulator.offers import earn_badge, issue_coupon, take_coupon, use_coupon
from tidings.simulator.points import issue, money, redeem, take_back_points, undo_redemption
from tidings.simulator.programme import (
    BADGE_EVERY,
    COIN_BILL,
    COUPON_BILL,
    COUPON_VALUE,
    CURRENCY,
    DAY_MS,
    LARGE_BILL,
    MULTIPLIERS,
    PER_POINT,
    PROMISED_SHARE,
    PROMOTION_POINTS,
    RATIO,
    TILLS,
    store_of,
)
from tidings.simulator.promotions import earn, earnable, take_back, take_cart_offer, use_cart_offer
from tidings.simulator.streaks import hangs_on as streak_hangs_on
from tidings.simulator.streaks import progress as streak_progress
from tidings.simulator.streaks import set_back as streak_set_back
from tidings.simulator.targets import hangs_on as target_hangs_on
from tidings.simulator.targets import progress as target_progress
from tidings.simulator.targets import set_back as target_set_back
from tidings.simulator.things import Bill, Json, Owner, SimulatedCustomer
from tidings.simulator.world import PlatformCall, World, clock

RETURNS = 0.08
STREAK_RETURNS = 0.4
GOAL_RETURNS = 0.3  # who buys to reach a goal regrets it more often
COMMON_GOAL_RETURNS = 0.7  # few bills decide one: else hardly anybody saw it undone
BILLS_KEPT = 12  # per member: what can still be returned
PAYS_FROM = 80.0
GROUP_PAYS_FROM = 20.0
UNKNOWN_ITEM: Json = {
    "rejectionReason": "UNKNOWN_ITEM",
    "reasonDetails": "The store has no item with this code yet",
}
DUPLICATE: Json = {
    "rejectionReason": "DUPLICATE_BILL_NUMBER",
    "reasonDetails": "The store already has a bill with this number",
}
HOUR_MS = 3_600_000
MARGIN_MS = 600_000  # nobody comes in the last minutes
SPECIAL = 0.05  # of closed days on which somebody is served all the same


def _new_bill(world: World, customer: SimulatedCustomer | None = None) -> Bill:
    """Make a bill of what is bought. A member's vouchers are its discount; without them it may be
    marked down."""
    number = world.number("bill", 90_551)
    gross = round(world.rng.lognormvariate(7.2, 0.7) + 150, 2)
    discount = round(gross * 0.08, 2) if world.chance(0.3) else 0.0
    coupon = offer = None
    if customer is not None:
        if customer.coupons and world.chance(0.4):
            coupon = take_coupon(customer, world.now_ms)
        if customer.offers and world.chance(0.6):
            offer = take_cart_offer(customer, gross)
    if coupon is not None or offer is not None:
        vouchers = COUPON_VALUE * (coupon is not None)
        discount = round(vouchers + (0.0 if offer is None else offer.discount), 2)
    lines = world.rng.randrange(1, 9)
    amount = round(gross - discount, 2)
    bill = Bill(
        id=number,
        number=f"INV-{number - 70_133}",
        amount=amount,
        discount=discount,
        at_ms=world.now_ms,
        lines=lines,
    )
    bill.coupon, bill.offer = coupon, offer
    return bill


def _bill(world: World, bill: Bill, who: Json, call: PlatformCall, status: str = "PLACED") -> Json:
    return {
        "discount": bill.discount,
        "billType": "REGULAR",
        "deliveryStatus": status,
        "lineItemCount": bill.lines,
        "enteredAt": bill.at_ms,
        "outlierStatus": "NORMAL",
        "customFields": world.blank([]),
        "customerIdentifiers": who,
        "billClientId": f"POS{call.till % 10}-{bill.number[4:]}",
        "enteredBy": actor(call),
        "billNumber": bill.number,
        "extendedFields": [],
        "billDate": bill.at_ms,
        "amount": bill.amount,
        "transactionId": bill.id,
        "grossAmount": round(bill.amount + bill.discount, 2),
        "currencyCode": CURRENCY,
    }


def opening(till: int, now_ms: int, special: bool) -> tuple[int, int]:
    """Return from when until when the shop takes bills: now if it is open, otherwise when it next
    opens.

    On the weekly closed day it does so in a `special` case only.
    """
    store = store_of(till)
    offset = store.offset_min * 60_000
    day = (now_ms + offset) // DAY_MS
    while True:
        weekday = (day + 3) % 7  # 1970-01-01 was a Thursday
        opens = day * DAY_MS + int(store.opens_h * HOUR_MS) - offset
        closes = day * DAY_MS + int(store.closes_h * HOUR_MS) - offset - MARGIN_MS
        if now_ms < closes and (special or weekday != store.closed):
            return opens, closes
        day += 1


def at_the_till(
    world: World, till: int, activity: Callable[..., object], *about: object, special: bool = False
) -> None:
    """Let something happen at a till: now if the shop is open, otherwise while it is next."""
    opens, closes = opening(till, world.now_ms, special)
    if opens <= world.now_ms:
        activity(world, *about)
    else:
        world.later_at(int(world.rng.uniform(opens, closes)), activity, *about)


def buy(world: World) -> None:
    """Send a member to the till to buy something."""
    customer = world.member()
    at_the_till(world, customer.till, visit, customer, special=world.chance(SPECIAL))


def visit(world: World, customer: SimulatedCustomer) -> None:
    """Play a purchase. Now and then the bill is refused first, or sent twice."""
    if customer.gone:
        return
    bill = _new_bill(world, customer)
    if world.chance(0.02):
        _refuse(world, customer, bill)
        return
    record(world, customer, bill, world.call(customer.till))
    if world.chance(0.03):
        world.later(0.02, send_twice, customer, bill)


def record(world: World, customer: SimulatedCustomer, bill: Bill, call: PlatformCall) -> None:
    """Record a bill for a member, with what it brings."""
    data = _bill(world, bill, customer.asked, call)
    note = f"₹{bill.amount:,.0f}"
    world.emit("transactionAdded", data, call, bill.id, customer, note)
    if bill.coupon is not None:
        use_coupon(world, customer, call, bill, bill.coupon)
    if bill.offer is not None:
        use_cart_offer(world, customer, call, bill, bill.offer)
    _pay_by_points(world, customer, call, bill)
    cause = activity("TransactionAdd", call, customer, billId=bill.id, billNumber=bill.number)
    reap(world, customer, call, cause, bill)
    _change_later(world, customer, bill)


def _pay_by_points(
    world: World, customer: SimulatedCustomer, call: PlatformCall, bill: Bill
) -> None:
    """A part of the bill is paid by the member's points, or by those of their group."""
    group = customer.group
    payer: Owner | None = None
    if group is not None and group.wallet.balance >= GROUP_PAYS_FROM and world.chance(0.5):
        payer = group
    elif customer.balance >= PAYS_FROM and world.chance(0.15):
        payer = customer
    if payer is None:
        return
    most = min(payer.wallet.balance * 0.5, bill.amount / RATIO)
    points = float(int(most / 10) * 10)
    if points > 0:
        bill.redemption = redeem(world, payer, customer, call, bill, "PointsRedemption", points)
        bill.paid = money(bill.redemption.points)


def reap(
    world: World, customer: SimulatedCustomer, call: PlatformCall, cause: Json, bill: Bill
) -> None:
    """Give a member all that a bill brings, in the order of the platform's rules."""
    customer.bills.append(bill)
    if len(customer.bills) > BILLS_KEPT:
        del customer.bills[0]
    customer.bought += 1
    earned = earnable(customer, bill, world.now_ms)
    if earned is not None:
        bill.earned = earned
        bill.promotional = PROMOTION_POINTS
        earn(world, customer, call, cause, earned)
    points = float(int((bill.amount - bill.paid) / PER_POINT * MULTIPLIERS[customer.tier]))
    if bill.amount >= LARGE_BILL:
        bill.promised = float(int(points * PROMISED_SHARE))
    bill.points = points - bill.promised
    if bill.points > 0:
        issue(
            world,
            customer,
            call,
            cause,
            regular=bill.points,
            promised=bill.promised,
            bonus=bill.promotional,
            earned=earned,
            bill=bill,
        )
    if bill.amount >= COIN_BILL:
        issue_coins(world, customer, call, cause, bill)
    target_progress(world, customer, call, cause, bill)
    streak_progress(world, customer, call, cause, bill)
    if customer.bought % BADGE_EVERY == 0:
        earn_badge(world, customer, call, cause)
    if bill.amount >= COUPON_BILL and world.chance(0.5):
        issue_coupon(world, customer, call)


def _change_later(world: World, customer: SimulatedCustomer, bill: Bill) -> None:
    """Some bills are delivered later, some are returned."""
    fate = world.rng.random()
    on_streak = streak_hangs_on(customer, bill)
    likely = RETURNS if bill.earned is None else GOAL_RETURNS
    if target_hangs_on(customer, bill):
        likely = COMMON_GOAL_RETURNS
    if on_streak:
        likely = max(likely, STREAK_RETURNS)
    if fate < likely:
        days = world.rng.uniform(0.2, 2) if on_streak else world.rng.uniform(1, 9)
        world.later(days, bring_back, customer, bill)
    elif fate > 0.92:
        world.later(world.rng.uniform(0.5, 3), deliver, customer, bill)


def deliver(world: World, customer: SimulatedCustomer, bill: Bill) -> None:
    """Record that the goods arrive: the bill says so."""
    if not customer.gone:
        _update(world, customer, bill, "DELIVERED", world.call(customer.till))


def _update(
    world: World, customer: SimulatedCustomer, bill: Bill, status: str, call: PlatformCall
) -> None:
    data = _bill(world, bill, customer.asked, call, status)
    world.emit("transactionUpdated", data, call, bill.id, customer, status.lower())


def bring_back(world: World, customer: SimulatedCustomer, bill: Bill) -> None:
    """Send a member to the till to return a bill, while the shop is open."""
    at_the_till(world, customer.till, give_back, customer, bill)


def give_back(world: World, customer: SimulatedCustomer, bill: Bill) -> None:
    """Return a bill: what it had brought goes back."""
    if customer.gone or bill.returned:
        return
    bill.returned = True
    call = world.call(customer.till)
    _update(world, customer, bill, "RETURNED", call)
    cause = activity("ReturnBill", call, customer, billId=bill.id, billNumber=bill.number)
    if bill.earned is not None:
        take_back(world, customer, call, cause, bill.earned)
    if bill.points > 0 and (customer.balance > 0 or (bill.promised and not bill.converted)):
        take_back_points(world, customer, call, cause, bill)
    if bill.coins > 0:
        take_back_coins(world, customer, call, cause, bill)
    target_set_back(world, customer, call, cause, bill)
    streak_set_back(world, customer, call, cause, bill)
    if bill.redemption is not None and not bill.redemption.reversed:
        undo_redemption(world, customer, bill.redemption, call)


# -- refused ---------------------------------------------------------------------------------------


def _refuse(world: World, customer: SimulatedCustomer, bill: Bill) -> None:
    """A bill is refused for something that can be mended, and recorded once it is."""
    _reject(world, customer, bill, UNKNOWN_ITEM)
    world.later(0.1, at_the_till, customer.till, _try_again, customer, bill)


def _try_again(world: World, customer: SimulatedCustomer, bill: Bill) -> None:
    """Put right what was wrong; the same bill is tried again, and recorded this time."""
    if customer.gone:
        return
    call = world.call(customer.till)
    _retrigger(world, customer, bill, call, UNKNOWN_ITEM, "FIXED", 0)
    record(world, customer, bill, call)


def send_twice(world: World, customer: SimulatedCustomer, bill: Bill) -> None:
    """Send a recorded bill again, from a till that did not hear the answer: the same one, a
    duplicate.

    Trying it again changes nothing.
    """
    if customer.gone:
        return
    _reject(world, customer, bill, DUPLICATE)
    for tries in range(world.rng.choice((0, 0, 1, 2))):
        world.later(0.1 * (tries + 1), _duplicate_again, customer, bill, tries)


def _duplicate_again(world: World, customer: SimulatedCustomer, bill: Bill, tries: int) -> None:
    if not customer.gone:
        call = world.call(customer.till)
        _retrigger(world, customer, bill, call, DUPLICATE, "OPEN", tries)


def _reject(world: World, customer: SimulatedCustomer, bill: Bill, reason: Json) -> None:
    call = world.call(customer.till)
    data = _rejection(customer, bill, call, "TransactionAdd", "OPEN", 0)
    data["rejectionDetails"] = [reason]
    world.emit("transactionRejected", data, call, bill.number, customer, bill.number, hyphen=True)


def _retrigger(
    world: World,
    customer: SimulatedCustomer,
    bill: Bill,
    call: PlatformCall,
    reason: Json,
    state: str,
    tries: int,
) -> None:
    data = _rejection(customer, bill, call, "transactionRejectionRetrigger", state, tries)
    data["rejectionDetailsOnRetrigger"] = [reason]
    data["retriggerId"] = world.number("retrigger", 7_101)
    world.emit(
        "rejectedTransactionRetrigger", data, call, bill.number, customer, bill.number, hyphen=True
    )


def _rejection(
    customer: SimulatedCustomer, bill: Bill, call: PlatformCall, name: str, state: str, tries: int
) -> Json:
    return {
        "customerIdentifiers": customer.identity,
        "eventDateTime": clock(bill.at_ms),
        "eventDateTimeInMillis": bill.at_ms // 1000 * 1000,
        "billNumber": bill.number,
        "rejectionType": state,
        "retrialCount": tries,
        "triggeringActivity": {
            "name": name,
            "identifiers": [],
            "entityInformation": {"entityType": "TILL", "entityId": call.till},
            "additionalAttributes": call.nothing,
        },
    }


# -- without a member ------------------------------------------------------------------------------


def buy_without_membership(world: World) -> None:
    """Send somebody who is no member to a till; the bill may be attached to a member later."""
    till = world.rng.choice(TILLS)
    at_the_till(world, till, serve_a_stranger, till, special=world.chance(SPECIAL))


def serve_a_stranger(world: World, till: int) -> None:
    """Play a purchase of somebody who is no member."""
    bill = _new_bill(world)
    call = world.call(till)
    shopper: Json = {"customerId": world.number("shopper", 77_000_001)}
    data = _bill(world, bill, shopper, call)
    note = f"₹{bill.amount:,.0f}"
    world.emit("notInterestedBillAdded", data, call, bill.id, note=note)
    if world.chance(0.3):
        world.later(2, attach, bill)


def attach(world: World, bill: Bill) -> None:
    """Add a bill of an unknown shopper to a member, whose it turns out to be."""
    customer = world.member()
    bill.attached = True
    call = world.call(customer.till)
    data = _bill(world, bill, customer.asked, call) | {"enteredAt": world.now_ms}
    note = f"₹{bill.amount:,.0f}"
    world.emit("retroBillAdded", data, call, bill.id, customer, note)
    cause = activity("TransactionAdd", call, customer, billId=bill.id, billNumber=bill.number)
    reap(world, customer, call, cause, bill)
