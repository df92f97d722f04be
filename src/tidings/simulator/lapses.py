"""Points that lapse: held until an instant, told of ahead, moved on, gone."""

from tidings.simulator.blocks import about, activity
from tidings.simulator.programme import (
    DAY_MS,
    DETAILS,
    POINTS_DAYS,
    POINTS_REMINDER_DAYS,
    PROGRAM,
    end_of_day,
)
from tidings.simulator.things import Json, Owner, SimulatedCustomer
from tidings.simulator.world import World, day

REMINDER_MS = POINTS_REMINDER_DAYS * DAY_MS + DAY_MS // 2  # ahead of the end of a day: at its noon
EXTENDED_DAYS = 30


def hold(world: World, owner: Owner, points: float, expires_ms: int) -> None:
    """Give points that can be spent until then. Those of one day are watched together."""
    if points > 0 and owner.wallet.put(points, expires_ms):
        world.later_at(max(expires_ms - REMINDER_MS, world.now_ms), remind, owner, expires_ms)


def inherit(world: World, owner: Owner, other: Owner) -> None:
    """Move all points of another to an owner, each to lapse when it did. Of what lapses soon the
    heir is told."""
    soon = world.now_ms + REMINDER_MS
    for expires, points in other.wallet.lots.items():
        if expires <= soon:
            owner.wallet.put(points, expires)
            owner.wallet.watched.discard(expires)
            world.later_at(world.now_ms, remind, owner, expires)
        else:
            hold(world, owner, points, expires)
    other.wallet.lots = {}


def remind(world: World, owner: Owner, expires_ms: int) -> None:
    """Remind the owner ahead of the lapse, if there is anything left to lapse. Support may move the
    day."""
    owner.wallet.watched.discard(expires_ms)
    points = owner.wallet.lots.get(expires_ms)
    if points is None:
        return
    job = world.job()
    data = about(owner) | {
        "pointsScheduledForExpiry": points,
        "scheduledExpiryDate": day(expires_ms),
        "scheduledExpiryDateInMillis": expires_ms,
    }
    world.emit_loyalty(
        "pointsExpiryReminder", data, job, owner, f"{points:.0f} until {day(expires_ms)[5:]}"
    )
    if isinstance(owner, SimulatedCustomer) and world.chance(0.15):
        world.later(1, extend, owner, expires_ms)
    world.later_at(expires_ms, lapse, owner, expires_ms)


def extend(world: World, customer: SimulatedCustomer, expires_ms: int) -> None:
    """Move the day on which points lapse, as support does."""
    if expires_ms not in customer.wallet.lots:
        return
    points = customer.wallet.lots.pop(expires_ms)
    later = expires_ms + EXTENDED_DAYS * DAY_MS
    hold(world, customer, points, later)
    call = world.call(customer.till)
    data = {
        "customerIdentifiers": customer.identity,
        "entityInformation": customer.entity,
        "triggeringActivity": activity("GenericEvent", call, customer),
        "loyaltyProgramDetails": DETAILS,
        "updatedPointsExpiryBreakup": [
            {
                "pointAwardedRefID": world.number("awarded", 7_101),
                "pointsAwardedRefType": "POINT_AWARDED",
                "promotionID": -1,
                "points": points,
                "pointsPreviousExpiryDate": day(expires_ms),
                "expiryUpdateReasonType": "EXTEND_EXPIRY",
                "expiryUpdateReasonNote": "Service recovery",
                "newExpiryDate": day(later),
                "newExpirySetType": "FIXED_DATE",
                "pointsPreviousExpiryDateInMillis": expires_ms,
                "newExpiryDateInMillis": later,
            }
        ],
    }
    world.emit_loyalty(
        "pointsExpiryChange", data, call, customer, f"until {day(later)[5:]}", ref=call.request_id
    )


def lapse(world: World, owner: Owner, expires_ms: int) -> None:
    """Drop points that nobody spent in time."""
    points = owner.wallet.lots.pop(expires_ms, None)
    if points is None:
        return  # spent, moved, or an heir's
    job = world.job()
    data = about(owner) | {"pointsExpired": points}
    world.emit_loyalty(
        "pointsExpired", data, job, owner, f"-{points:.0f}", ref=f"STRING{job.loyalty_id}"
    )


def move_common_expiry(world: World) -> None:
    """Move the one expiry that the programme keeps for a member's newest points: a visit does."""
    customer = world.member()
    if not customer.wallet.lots:
        return
    before = max(customer.wallet.lots)
    after = end_of_day(world.now_ms, POINTS_DAYS)
    if after <= before:
        return
    points = customer.wallet.lots.pop(before)
    hold(world, customer, points, after)
    call = world.call(customer.till)
    data: Json = {
        "customerIdentifiers": customer.identity,
        "entityInformation": customer.entity,
        "triggeringActivity": activity("GenericEvent", call, customer),
        "updatedPointsExpiry": [
            {
                "programId": PROGRAM,
                "points": points,
                "pointsType": "billRegular",
                "oldExpiryDate": day(before),
                "newExpiryDate": day(after),
                "oldExpiryDateInMillis": before,
                "newExpiryDateInMillis": after,
            }
        ],
    }
    world.emit(
        "singlePointsExpiryUpdated",
        data,
        call,
        call.request_id,
        customer,
        f"until {day(after)[5:]}",
        loyalty="",
    )
