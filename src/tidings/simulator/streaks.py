"""A streak: weeks in a row with a purchase, with levels on the way; a missed week ends it."""

from tidings.simulator.blocks import activity
from tidings.simulator.programme import DAY_MS, STREAK, STREAK_DAYS, STREAK_LEVELS
from tidings.simulator.targets import all_details
from tidings.simulator.things import Bill, Json, SimulatedCustomer, Streak
from tidings.simulator.world import PlatformCall, World, clock, moment

DESCRIPTION = "Visit every week"
WEEK_DAYS = 7


def _levels() -> list[str]:
    return [str(level) for level in STREAK_LEVELS]


def _about(customer: SimulatedCustomer) -> Json:
    details = all_details(customer)
    return details[0] if details else {"id": STREAK[0], "name": STREAK[1]}


def enrol(world: World, customer: SimulatedCustomer) -> None:
    """Enter a member into the streak, which starts in the same moment."""
    if customer.streak is not None or customer.gone:
        return
    number = world.number("streak", 883_120)
    starts = world.now_ms // 1_000 * 1_000  # told in whole seconds
    ends = starts + STREAK_DAYS * DAY_MS
    streak = customer.streak = Streak(number, starts, ends)
    call = world.call(customer.till)
    data: Json = {
        "customerIdentifiers": customer.identity,
        "streakEnrolmentData": [
            _membership(streak)
            | {"streakValueWhenEnrolled": "0", "enrolledDate": clock(world.now_ms)}
        ],
        "triggeringActivity": activity("enrolmentIntoStreak", call, customer, ENROL_VIA_API=number),
        "targetData": all_details(customer),
    }
    _emit(world, "streakCustomerEnrolment", customer, call, data, "joins")
    started: Json = {
        "customerIdentifiers": customer.identity,
        "targetDetails": _about(customer),
        "streakStartData": [
            _named() | {"userStreakValueAtTheStart": "0", "startDate": clock(streak.starts_ms)}
        ],
        "triggeringActivity": activity("streakStartEvent", call, customer),
    }
    _emit(world, "streakStart", customer, call, started, STREAK[1])
    if world.chance(0.15):
        world.later(WEEK_DAYS - 2, leave, customer, streak)
    world.later_at(starts + WEEK_DAYS * DAY_MS, next_week, customer, streak)


def _named() -> Json:
    return {
        "streakName": STREAK[1],
        "descriptionOfTheStreak": DESCRIPTION,
        "numberOfLevel": len(STREAK_LEVELS),
        "levelValues": _levels(),
    }


def _membership(streak: Streak) -> Json:
    return _named() | {
        "userStreakId": str(streak.user_id),
        "startDate": clock(streak.starts_ms),
        "endDate": clock(streak.ends_ms),
    }


def next_week(world: World, customer: SimulatedCustomer, streak: Streak) -> None:
    """End a week of the streak; without a purchase, or as the last one, it ends the streak."""
    if customer.gone or customer.streak is not streak:
        return
    over = streak.starts_ms + streak.week * WEEK_DAYS * DAY_MS
    if not streak.bills or over >= streak.ends_ms:
        end(world, customer, streak, over)
        return
    streak.week += 1
    streak.bills.clear()
    world.later_at(over + WEEK_DAYS * DAY_MS, next_week, customer, streak)


def progress(
    world: World, customer: SimulatedCustomer, call: PlatformCall, cause: Json, bill: Bill
) -> None:
    """Count a purchase: the first of a week makes the streak longer, a level is told when it is
    reached.

    A bill that is attached to a member afterwards was no visit of theirs when it was made.
    """
    streak = customer.streak
    if streak is None or bill.attached:
        return
    first = not streak.bills
    streak.bills.add(bill.id)
    if (
        first
        and streak.levels < len(STREAK_LEVELS)
        and streak.count >= STREAK_LEVELS[streak.levels]
    ):
        streak.levels += 1
        _level(world, "streakLevelAchieved", customer, streak, call, cause, streak.levels)


def hangs_on(customer: SimulatedCustomer, bill: Bill) -> bool:
    """Return whether this purchase alone has just made a level."""
    streak = customer.streak
    return streak is not None and streak.count in STREAK_LEVELS and streak.bills == {bill.id}


def set_back(
    world: World, customer: SimulatedCustomer, call: PlatformCall, cause: Json, bill: Bill
) -> None:
    """Take a purchase of this week back, which was returned; a level may be lost with it. Other
    weeks stay."""
    streak = customer.streak
    if streak is None or bill.id not in streak.bills:
        return
    streak.bills.remove(bill.id)
    if streak.levels and streak.count < STREAK_LEVELS[streak.levels - 1]:
        streak.levels -= 1
        _level(world, "streakLevelUnAchieved", customer, streak, call, cause, streak.levels + 1)


def leave(world: World, customer: SimulatedCustomer, streak: Streak) -> None:
    """Take a member out of the streak before its end."""
    if customer.gone or customer.streak is not streak:
        return
    customer.streak = None
    call = world.call(customer.till)
    ids = {"UNENROL_VIA_API": streak.user_id}
    data: Json = {
        "customerIdentifiers": customer.identity,
        "streakUnEnrolmentData": [
            _membership(streak)
            | {
                "streakValueWhenUnEnrolled": str(streak.count),
                "unEnrolledDate": clock(world.now_ms),
            }
        ],
        "triggeringActivity": activity("streak unenrollment", call, customer, **ids),
        "targetData": all_details(customer),
    }
    _emit(world, "streakCustomerUnEnrolment", customer, call, data, "leaves")


def end(world: World, customer: SimulatedCustomer, streak: Streak, over_ms: int) -> None:
    """End the streak; the member may join the next one."""
    customer.streak = None
    job = world.call(customer.till)
    reached = [f"Level {level + 1}" for level in range(streak.levels)]
    data: Json = {
        "customerIdentifiers": customer.identity,
        "targetDetails": _about(customer),
        "streakEndData": [
            _named()
            | {
                "numberOfLevelsAchievedByTheUser": str(streak.levels),
                "levelsAchievedByTheUser": reached,
                "userStreakValueByTheEnd": str(streak.count),
                "endDate": clock(over_ms),
            }
        ],
        "triggeringActivity": activity("GenericEvent", job, customer),
    }
    _emit(world, "streakEnd", customer, job, data, f"{streak.count} weeks")
    if world.chance(0.5):
        world.later(1, enrol, customer)


def _level(
    world: World,
    name: str,
    customer: SimulatedCustomer,
    streak: Streak,
    call: PlatformCall,
    cause: Json,
    level: int,
) -> None:
    data: Json = {
        "customerIdentifiers": customer.identity,
        "streakData": [
            {
                "userCurrentStreakValue": str(streak.count),
                "streakLevelName": f"Level {level}",
                "streakName": STREAK[1],
                "streakId": str(STREAK[0]),
                "userStreakId": str(streak.user_id),
                "streakLevelAchievedDate": moment(world.now_ms).strftime("%Y-%m-%dT%H:%M:%S.000%z"),
            }
        ],
        "targetData": all_details(customer),
        "triggeringActivity": cause,
    }
    _emit(world, name, customer, call, data, f"level {level}")


def _emit(
    world: World, name: str, customer: SimulatedCustomer, call: PlatformCall, data: Json, note: str
) -> None:
    world.emit(name, data, call, call.request_id, customer, note, loyalty="")
