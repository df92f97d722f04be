"""Targets: goals of a period, alone and together; progress rises with bills, falls with returns."""

from tidings.simulator.blocks import activity, decimal
from tidings.simulator.programme import DAY_MS, TARGET_DAYS, TARGET_GROUP, TARGETS, UNIFIED_GOAL
from tidings.simulator.things import Bill, Json, MemberGoal, SimulatedCustomer
from tidings.simulator.world import PlatformCall, World, clock

PERIOD_IDS = 8_800


def _details(target: MemberGoal) -> Json:
    return {
        "id": target.id,
        "name": target.name,
        "targetGroupId": TARGET_GROUP[0],
        "targetGroupName": TARGET_GROUP[1],
        "targetPeriodId": PERIOD_IDS + target.period,
        "targetPeriodName": f"Cycle_{target.period}",
        "description": f"{target.name} within {TARGET_DAYS} days",
    }


def all_details(customer: SimulatedCustomer) -> list[Json]:
    """Return the member's targets, as streaks name them."""
    return [_details(target) for target in customer.targets]


def _milestones(world: World, target: MemberGoal) -> list[Json]:
    milestone: Json = {
        "id": target.id * 10 + 1,
        "name": "Goal",
        "valueType": "ABSOLUTE",
        "definedValue": decimal(target.goal),
    }
    if target.met:
        milestone["achievedDate"] = world.now_ms
    return [milestone]


def enrol(world: World, customer: SimulatedCustomer) -> None:
    """Enter a member into the month's targets, whose first period begins at once."""
    if customer.targets:
        return
    call = world.call(customer.till)
    for number, name, goal in TARGETS:
        target = MemberGoal(number, name, goal, period=1, starts_ms=world.now_ms)
        customer.targets.append(target)
        data = {
            "customerIdentifiers": customer.identity,
            "eventId": world.number("enrolment", 7_101),
            "source": "INSTORE",
            **_enrolled_in(target),
            "milestoneDetails": _milestones(world, target),
        }
        _emit(world, "targetCustomerEnrolment", customer, call, data, name)
    _begin_period(world, customer)
    if world.chance(0.2):
        world.later(2, change_goal, customer)


def leave(world: World) -> None:
    """Take a member out of one of the targets: it counts no bill of theirs any more."""
    customer = world.member()
    if not customer.targets:
        return
    target = world.rng.choice(customer.targets)
    customer.targets.remove(target)
    customer.unified_met = customer.unified_met and _unified(customer) >= UNIFIED_GOAL
    data = {
        "customerIdentifiers": customer.identity,
        "source": "API",
        **_enrolled_in(target),
        "milestoneDetails": [],
    }
    call = world.call(customer.till)
    _emit(world, "targetCustomerUnenrolment", customer, call, data, target.name)


def _enrolled_in(target: MemberGoal) -> Json:
    """A target of a fixed window, as enrolment and its end tell it."""
    start = target.starts_ms - target.starts_ms % DAY_MS
    return {
        "defaultTargetValue": decimal(target.goal),
        "targetId": target.id,
        "targetName": target.name,
        "targetGroupId": TARGET_GROUP[0],
        "targetGroupName": TARGET_GROUP[1],
        "targetPeriodId": PERIOD_IDS + target.period,
        "targetPeriodName": f"Cycle_{target.period}",
        "targetPeriodStartDate": f"{clock(start)}.0",
        "targetPeriodStartDateInMillis": start,
        "description": f"{target.name} within {TARGET_DAYS} days",
    }


def _begin_period(world: World, customer: SimulatedCustomer) -> None:
    job = world.job()
    for target in customer.targets:
        data = {
            "customerIdentifiers": customer.identity,
            "targetDetails": _details(target),
            "definedTargetValue": decimal(target.goal),
            "triggeringActivity": activity("GenericEvent", job, customer),
        }
        world.emit_loyalty("targetPeriodStarted", data, job, customer, target.name)
    world.later(TARGET_DAYS, complete_period, customer)


def complete_period(world: World, customer: SimulatedCustomer) -> None:
    """End the period, met or not; the next one begins with nothing achieved."""
    if customer.gone or not customer.targets:
        return
    job = world.job()
    for target in customer.targets:
        data = {
            "customerIdentifiers": customer.identity,
            "targetDetails": _details(target),
            "achievedTargetValue": decimal(target.achieved),
            "definedTargetValue": decimal(target.goal),
            "triggeringActivity": activity("GenericEvent", job, customer),
            "milestoneDetails": _milestones(world, target),
        }
        world.emit_loyalty(
            "targetPeriodCompleted", data, job, customer, "met" if target.met else "not met"
        )
        target.period, target.starts_ms = target.period + 1, world.now_ms
        target.achieved, target.met = 0.0, False
    customer.unified_met = False
    _begin_period(world, customer)


def change_goal(world: World, customer: SimulatedCustomer) -> None:
    """Set another goal for a member, as support does."""
    open_ones = [target for target in customer.targets if not target.met]
    if customer.gone or not open_ones:
        return
    target = world.rng.choice(open_ones)
    target.goal = max(target.goal - 2_000.0, target.achieved + 500.0)
    call = world.call(customer.till)
    data = {
        "customerIdentifiers": customer.identity,
        "targetDetails": _details(target),
        "achievedTargetValue": decimal(target.achieved),
        "definedTargetValue": decimal(target.goal),
    }
    world.emit_loyalty("targetValueUpdated", data, call, customer, f"goal {target.goal:.0f}")


def progress(
    world: World, customer: SimulatedCustomer, call: PlatformCall, cause: Json, bill: Bill
) -> None:
    """Count a bill for every target; each that is met by it is told once."""
    for target in customer.targets:
        target.achieved += bill.amount
        met_now = not target.met and target.achieved >= target.goal
        target.met = target.met or met_now
        data = _value(customer, target, cause, bill) | {
            "milestoneDetails": _milestones(world, target)
        }
        _emit(world, "targetAchievedValueUpdated", customer, call, data, f"{target.achieved:.0f}")
        if met_now:
            data = _value(customer, target, cause, bill)
            _emit(world, "targetValueAchieved", customer, call, data, target.name)
    total = _unified(customer)
    if customer.targets and not customer.unified_met and total >= UNIFIED_GOAL:
        customer.unified_met = True
        data = _together(customer, cause, bill)
        _emit(world, "unifiedTargetsAchieved", customer, call, data, f"{total:.0f}")


def hangs_on(customer: SimulatedCustomer, bill: Bill) -> bool:
    """Return whether the unified goal is met with this bill, and not without it."""
    return customer.unified_met and _unified(customer) - bill.amount < UNIFIED_GOAL


def set_back(
    world: World, customer: SimulatedCustomer, call: PlatformCall, cause: Json, bill: Bill
) -> None:
    """Count a return backwards; the amount stays positive, the activity says that it fell."""
    counted = [target for target in customer.targets if target.achieved >= bill.amount]
    return_id = world.number("return", 7_101)
    for target in counted:
        target.achieved -= bill.amount
        data = _value(customer, target, cause, bill) | {"returnId": return_id}
        data["milestoneDetails"] = _milestones(world, target)
        _emit(world, "targetAchievedValueUpdated", customer, call, data, f"{target.achieved:.0f}")
    if customer.unified_met and _unified(customer) < UNIFIED_GOAL:
        customer.unified_met = False
        data = _together(customer, cause, bill)
        _emit(world, "unifiedTargetsUnAchieved", customer, call, data, "no longer met")


def _unified(customer: SimulatedCustomer) -> float:
    """The best of the targets: each counts every bill, so they are not added up."""
    return max((target.achieved for target in customer.targets), default=0.0)


def _value(customer: SimulatedCustomer, target: MemberGoal, cause: Json, bill: Bill) -> Json:
    return {
        "eventName": cause["name"],
        "customerIdentifiers": customer.identity,
        "achievedTargetValue": decimal(target.achieved),
        "targetDetails": _details(target),
        "eventId": bill.id,
        "definedTargetValue": decimal(target.goal),
        "triggeringActivity": cause,
        "transactionId": bill.id,
        "currentEventTargetValue": decimal(bill.amount),
    }


def _together(customer: SimulatedCustomer, cause: Json, bill: Bill) -> Json:
    rule = " | ".join(str(target.id) for target in customer.targets)
    return {
        "customerIdentifiers": customer.identity,
        "unifiedTargetGroupDetails": {
            "targetGroupId": TARGET_GROUP[0],
            "targetGroupName": TARGET_GROUP[1],
            "unifiedTargetsAchievementCondition": {
                "combinationType": "ANY",
                "aggregation": "MAX",
                "thresholdValue": UNIFIED_GOAL,
                "ruleExpression": f"({rule})",
            },
        },
        "targetData": [
            {
                "targetId": target.id,
                "targetName": target.name,
                "description": f"{target.name} within {TARGET_DAYS} days",
                "targetPeriodId": PERIOD_IDS + target.period,
                "targetPeriodName": f"Cycle_{target.period}",
                "achievedTargetValue": decimal(target.achieved),
                "definedTargetValue": decimal(target.goal),
            }
            for target in customer.targets
        ],
        "triggeringActivity": cause,
        "transactionId": bill.id,
    }


def _emit(
    world: World, name: str, customer: SimulatedCustomer, call: PlatformCall, data: Json, note: str
) -> None:
    world.emit(name, data, call, call.request_id, customer, note, loyalty="")
