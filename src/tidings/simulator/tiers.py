"""Tiers: reached by qualifying points, kept by points within their time, lost without them."""

from tidings.simulator.blocks import about, activity
from tidings.simulator.programme import (
    DAY_MS,
    TIER_DAYS,
    TIER_KEEP,
    TIER_REMINDER_DAYS,
    end_of_day,
    tier_for,
    tier_line,
    tier_name,
)
from tidings.simulator.things import Json, SimulatedCustomer
from tidings.simulator.world import PlatformCall, World, day

FOREVER_DAYS = 36_525  # the base tier has no end: the original writes a day in a hundred years
REMINDER_MS = TIER_REMINDER_DAYS * DAY_MS + DAY_MS // 2


def rise(world: World, customer: SimulatedCustomer, call: PlatformCall, cause: Json) -> None:
    """Move up if the points that just came crossed a line; same call, same cause."""
    reached = tier_for(customer.qualifying)
    if reached <= customer.tier:
        return
    before, customer.tier = customer.tier, reached
    _begin(world, customer)
    data = about(customer, cause) | {
        "notes": "Moved after reaching the points line",
        "previousTierNumber": before,
        "upgradedTierNumber": reached,
        "upgradeType": "STRATEGY",
        **_expiry(world, customer),
    }
    world.emit_loyalty("tierUpgraded", data, call, customer, f"→ {tier_name(reached)}")


def _begin(world: World, customer: SimulatedCustomer) -> None:
    customer.tier_points = 0.0
    customer.tier_warned = False
    if customer.tier == 1:
        customer.tier_expires_ms = _last_second(world, FOREVER_DAYS)
        return
    customer.tier_expires_ms = _last_second(world, TIER_DAYS)
    _watch(world, customer)


def _last_second(world: World, days: int) -> int:
    """In which a tier is judged, so that what follows bears the day that was told for it."""
    return end_of_day(world.now_ms, days) // 1_000 * 1_000


def _watch(world: World, customer: SimulatedCustomer) -> None:
    """Look at the tier ahead of its end, and at its end."""
    expires = customer.tier_expires_ms
    world.later_at(max(expires - REMINDER_MS, world.now_ms), warn, customer, expires)
    world.later_at(expires, judge, customer, expires)


def take_over(world: World, customer: SimulatedCustomer, other: SimulatedCustomer) -> None:
    """Give a customer the tier of a profile that is merged into theirs, if it is the higher one,
    with its time."""
    customer.qualifying = max(customer.qualifying, other.qualifying)
    if other.tier > customer.tier:
        customer.tier, customer.tier_points = other.tier, other.tier_points
        customer.tier_expires_ms = other.tier_expires_ms
        customer.tier_warned = False  # the other one was
        _watch(world, customer)


def _expiry(world: World, customer: SimulatedCustomer) -> Json:
    return {
        "tierExpiryDate": day(customer.tier_expires_ms),
        "tierExpiryDateInMillis": customer.tier_expires_ms,
        "currentDateStoreTz": day(world.now_ms),
    }


def _still(customer: SimulatedCustomer, expires_ms: int) -> bool:
    """Return whether the tier whose end was planned is still the member's."""
    return not customer.gone and customer.tier > 1 and customer.tier_expires_ms == expires_ms


def warn(world: World, customer: SimulatedCustomer, expires_ms: int) -> None:
    """Warn ahead of a downgrade, if the tier is not kept by then."""
    if not _still(customer, expires_ms) or customer.tier_points >= TIER_KEEP:
        return
    if customer.tier_warned:
        return  # two tiers of one day end on one day
    customer.tier_warned = True
    job = world.job()
    data = about(customer, activity("TierReassessment", job, customer)) | {
        "currentTierNumber": customer.tier,
        "scheduledDowngradeDate": day(expires_ms),
    }
    world.emit_loyalty(
        "tierDowngradeReminder",
        data,
        job,
        customer,
        f"until {day(expires_ms)[5:]}",
        ref=world.number("tierJob", 4_101),
    )


def judge(world: World, customer: SimulatedCustomer, expires_ms: int) -> None:
    """Judge a tier at the end of its time: it is kept for another one, or goes one down. Nobody
    falls unwarned."""
    if not _still(customer, expires_ms):
        return
    job = world.job()
    cause = activity("TierReassessment", job, customer)
    if customer.tier_points >= TIER_KEEP or not customer.tier_warned:
        _begin(world, customer)
        name, note = "tierRenewed", f"stays {tier_name(customer.tier)}"
        what: Json = {
            "notes": "Kept by the points of its time",
            "currentTierNumber": customer.tier,
            "renewType": "STRATEGY",
        }
    else:
        before, customer.tier = customer.tier, customer.tier - 1
        customer.qualifying = tier_line(customer.tier)
        _begin(world, customer)
        name, note = "tierDowngraded", f"↓ {tier_name(customer.tier)}"
        what = {"downgradedTierNumber": customer.tier, "previousTierNumber": before}
    data = about(customer, cause) | what | _expiry(world, customer)
    world.emit_loyalty(name, data, job, customer, note, ref=world.number("tierJob", 4_101))
