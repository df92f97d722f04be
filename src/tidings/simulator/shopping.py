"""Bills: recorded, refused, returned, attached later; and all that follows from each."""

from tidings.simulator.blocks import activity, actor
from tidings.simulator.currency import issue_coins, take_back_coins
from tidings.simulator.offers import earn_badge, issue_coupon, use_coupon
from tidings.simulator.points import issue, redeem, undo_redemption
from tidings.simulator.programme import (
    BADGE_EVERY,
    COIN_BILL,
    COUPON_BILL,
    CURRENCY,
    LARGE_BILL,
    PER_POINT,
    PROMISED_SHARE,
    PROMOTION_POINTS,
)
from tidings.simulator.promotions import earn, earnable, take_back, use_cart_offer
from tidings.simulator.returns import take_back_points
from tidings.simulator.streaks import hangs_on as streak_hangs_on
from tidings.simulator.streaks import progress as streak_progress
from tidings.simulator.streaks import set_back as streak_set_back
from tidings.simulator.targets import hangs_on as target_hangs_on
from tidings.simulator.targets import progress as target_progress
from tidings.simulator.targets import set_back as target_set_back
from tidings.simulator.things import Bill, Customer, Json
from tidings.simulator.world import Call, World, clock

RETURNS = 0.08
GOAL_RETURNS = 0.3  # who buys to reach a goal regrets it more often
COMMON_GOAL_RETURNS = 0.7  # few bills decide one: else hardly anybody saw it undone
BILLS_KEPT = 12  # per member: what can still be returned
DUPLICATE = {
    "rejectionReason": "DUPLICATE_BILL_NUMBER",
    "reasonDetails": "The store already has a bill with this number",
}


def _new_bill(world: World) -> Bill:
    number = world.number("bill", 90_551)
    gross = round(world.draw.lognormvariate(7.2, 0.7) + 150, 2)
    discount = round(gross * 0.08, 2) if world.chance(0.3) else 0.0
    lines = world.draw.randrange(1, 9)
    amount = round(gross - discount, 2)
    return Bill(number, f"INV-{number - 70_133}", amount, discount, world.now_ms, lines)


def _bill(bill: Bill, who: Json, call: Call, status: str = "PLACED") -> Json:
    return {
        "discount": bill.discount,
        "billType": "REGULAR",
        "deliveryStatus": status,
        "lineItemCount": bill.lines,
        "enteredAt": bill.at_ms,
        "outlierStatus": "NORMAL",
        "customFields": [],
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


def buy(world: World) -> None:
    """A member buys something. Now and then the bill is refused first and tried again."""
    customer = world.member()
    bill = _new_bill(world)
    if world.chance(0.03):
        _refuse(world, customer, bill)
        return
    record(world, customer, bill, world.call(customer.till))


def record(world: World, customer: Customer, bill: Bill, call: Call) -> None:
    """A bill is recorded for a member, and brings what it brings."""
    data = _bill(bill, customer.identity, call)
    note = f"₹{bill.amount:,.0f}"
    world.emit("transactionAdded", data, call=call, ref=bill.id, who=customer, note=note)
    if customer.coupons and world.chance(0.4):
        use_coupon(world, customer, call, bill)
    if customer.offers and world.chance(0.6):
        use_cart_offer(world, customer, call, bill)
    if customer.balance >= 80 and world.chance(0.15):
        points = float(int(customer.balance * 0.5 / 10) * 10)
        bill.redemption = redeem(world, customer, call, bill, "PointsRedemption", points)
    cause = activity("TransactionAdd", call, customer, billId=bill.id, billNumber=bill.number)
    reap(world, customer, call, cause, bill)
    _change_later(world, customer, bill)


def reap(world: World, customer: Customer, call: Call, cause: Json, bill: Bill) -> None:
    """All that a bill brings a member, in the order of the platform's rules."""
    customer.bills.append(bill)
    if len(customer.bills) > BILLS_KEPT:
        del customer.bills[0]
    customer.bought += 1
    earned = earnable(customer, bill, world.now_ms)
    if earned is not None:
        bill.earned = earned
        bill.promotional = PROMOTION_POINTS
        earn(world, customer, call, cause, earned)
    points = float(int(bill.amount / PER_POINT))
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
    streak_progress(world, customer, call, cause)
    if customer.bought % BADGE_EVERY == 0:
        earn_badge(world, customer, call, cause)
    if bill.amount >= COUPON_BILL and world.chance(0.5):
        issue_coupon(world, customer, call)


def _change_later(world: World, customer: Customer, bill: Bill) -> None:
    """Some bills are delivered later, some are returned."""
    fate = world.draw.random()
    returns = RETURNS
    if bill.earned is not None or streak_hangs_on(customer):
        returns = GOAL_RETURNS
    if target_hangs_on(customer, bill):
        returns = COMMON_GOAL_RETURNS
    if fate < returns:
        world.later(world.draw.uniform(1, 9), give_back, customer, bill)
    elif fate > 0.92:
        world.later(world.draw.uniform(0.5, 3), deliver, customer, bill)


def deliver(world: World, customer: Customer, bill: Bill) -> None:
    """The goods arrive; the bill says so."""
    if not customer.gone:
        _update(world, customer, bill, "DELIVERED", world.call(customer.till))


def _update(world: World, customer: Customer, bill: Bill, status: str, call: Call) -> None:
    data = _bill(bill, customer.identity, call, status)
    world.emit(
        "transactionUpdated", data, call=call, ref=bill.id, who=customer, note=status.lower()
    )


def give_back(world: World, customer: Customer, bill: Bill) -> None:
    """A bill is returned: what it had brought goes back."""
    if customer.gone or bill.returned:
        return
    bill.returned = True
    call = world.call(customer.till)
    _update(world, customer, bill, "RETURNED", call)
    cause = activity("ReturnBill", call, customer, billId=bill.id, billNumber=bill.number)
    if bill.earned is not None:
        take_back(world, customer, call, cause, bill.earned)
    if bill.points > 0:
        take_back_points(world, customer, call, cause, bill)
    if bill.coins > 0:
        take_back_coins(world, customer, call, cause, bill)
    target_set_back(world, customer, call, cause, bill)
    streak_set_back(world, customer, call, cause)
    if bill.redemption is not None and not bill.redemption.reversed:
        undo_redemption(world, customer, bill.redemption, call)


# -- refused ---------------------------------------------------------------------------------------


def _refuse(world: World, customer: Customer, bill: Bill) -> None:
    call = world.call(customer.till)
    data = _rejection(world, customer, bill, call, 0) | {"rejectionDetails": [DUPLICATE]}
    world.emit(
        "transactionRejected",
        data,
        call=call,
        ref=bill.number,
        who=customer,
        note=bill.number,
        hyphen=True,
    )
    world.later(0.1, _try_again, customer, bill)


def _try_again(world: World, customer: Customer, bill: Bill) -> None:
    """The clerk corrects the number; the bill is tried again, and recorded this time."""
    if customer.gone:
        return
    call = world.call(customer.till)
    data = _rejection(world, customer, bill, call, 1) | {
        "rejectionDetailsOnRetrigger": [DUPLICATE],
        "retriggerId": world.number("retrigger", 7_101),
    }
    world.emit(
        "rejectedTransactionRetrigger",
        data,
        call=call,
        ref=bill.number,
        who=customer,
        note=bill.number,
        hyphen=True,
    )
    record(world, customer, bill, call)


def _rejection(world: World, customer: Customer, bill: Bill, call: Call, tries: int) -> Json:
    return {
        "customerIdentifiers": customer.identity,
        "eventDateTime": clock(world.now_ms),
        "eventDateTimeInMillis": world.now_ms // 1000 * 1000,
        "billNumber": bill.number,
        "rejectionType": "FIXED" if tries else "OPEN",
        "retrialCount": tries,
        "triggeringActivity": activity("TransactionAdd", call, customer, billNumber=bill.number),
    }


# -- without a member ------------------------------------------------------------------------------


def buy_without_membership(world: World) -> None:
    """Somebody who is no member buys; the bill may be attached to a member later."""
    bill = _new_bill(world)
    call = world.call()
    shopper: Json = {"customerId": world.number("shopper", 77_000_001)}
    data = _bill(bill, shopper, call)
    note = f"₹{bill.amount:,.0f}"
    world.emit("notInterestedBillAdded", data, call=call, ref=bill.id, note=note)
    if world.chance(0.3):
        world.later(2, attach, bill)


def attach(world: World, bill: Bill) -> None:
    """A bill of an unknown shopper turns out to be a member's."""
    customer = world.member()
    call = world.call(customer.till)
    data = _bill(bill, customer.identity, call) | {"enteredAt": world.now_ms}
    note = f"₹{bill.amount:,.0f}"
    world.emit("retroBillAdded", data, call=call, ref=bill.id, who=customer, note=note)
    cause = activity("TransactionAdd", call, customer, billId=bill.id, billNumber=bill.number)
    reap(world, customer, call, cause, bill)
