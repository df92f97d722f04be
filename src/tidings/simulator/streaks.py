"""A streak: purchases collected until a day, with levels on the way."""

from tidings.simulator.blocks import activity
from tidings.simulator.programme import DAY_MS, STREAK, STREAK_DAYS, STREAK_LEVELS
from tidings.simulator.targets import all_details
from tidings.simulator.things import Customer, Json, Streak
from tidings.simulator.world import Call, World, clock, iso

DESCRIPTION = "Visit again and again"


def _levels() -> list[str]:
    return [str(level) for level in STREAK_LEVELS]


def _about(customer: Customer) -> Json:
    details = all_details(customer)
    return details[0] if details else {"id": STREAK[0], "name": STREAK[1]}


def enrol(world: World, customer: Customer) -> None:
    """A member joins the streak, which starts in the same moment."""
    if customer.streak is not None or customer.gone:
        return
    number = world.number("streak", 883_120)
    ends = world.in_days(STREAK_DAYS)
    streak = customer.streak = Streak(number, world.now_ms, ends)
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
        world.later(STREAK_DAYS / 2, leave, customer, streak)
    world.later((ends - world.now_ms) / DAY_MS, end, customer, streak)


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


def progress(world: World, customer: Customer, call: Call, cause: Json) -> None:
    """One more purchase; a level is told when it is reached."""
    streak = customer.streak
    if streak is None:
        return
    streak.count += 1
    if streak.levels < len(STREAK_LEVELS) and streak.count >= STREAK_LEVELS[streak.levels]:
        streak.levels += 1
        _level(world, "streakLevelAchieved", customer, streak, call, cause, streak.levels)


def hangs_on(customer: Customer) -> bool:
    """Whether the last purchase is the one that just made a level."""
    streak = customer.streak
    return streak is not None and streak.count in STREAK_LEVELS


def set_back(world: World, customer: Customer, call: Call, cause: Json) -> None:
    """A purchase was returned; a level may be lost with it."""
    streak = customer.streak
    if streak is None or not streak.count:
        return
    streak.count -= 1
    if streak.levels and streak.count < STREAK_LEVELS[streak.levels - 1]:
        streak.levels -= 1
        _level(world, "streakLevelUnAchieved", customer, streak, call, cause, streak.levels + 1)


def leave(world: World, customer: Customer, streak: Streak) -> None:
    """A member is taken out of the streak before its end."""
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


def end(world: World, customer: Customer, streak: Streak) -> None:
    """The streak is over; the member may join the next one."""
    if customer.gone or customer.streak is not streak:
        return
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
                "endDate": clock(streak.ends_ms),
            }
        ],
        "triggeringActivity": activity("GenericEvent", job, customer),
    }
    _emit(world, "streakEnd", customer, job, data, f"{streak.count} visits")
    if world.chance(0.5):
        world.later(1, enrol, customer)


def _level(
    world: World,
    name: str,
    customer: Customer,
    streak: Streak,
    call: Call,
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
                "streakLevelAchievedDate": iso(world.now_ms).replace("Z", ".000+0000"),
            }
        ],
        "targetData": all_details(customer),
        "triggeringActivity": cause,
    }
    _emit(world, name, customer, call, data, f"level {level}")


def _emit(world: World, name: str, customer: Customer, call: Call, data: Json, note: str) -> None:
    world.emit(name, data, call=call, ref=call.request_id, loyalty="", who=customer, note=note)
