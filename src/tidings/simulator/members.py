"""Members come, change, merge and form households; their cards and channels change too."""

from tidings.simulator.blocks import activity, actor, household, person
from tidings.simulator.lapses import hold, inherit
from tidings.simulator.points import issue
from tidings.simulator.programme import ADMIN, DETAILS, POINTS_DAYS, PROGRAM, end_of_day
from tidings.simulator.streaks import enrol as enrol_in_streak
from tidings.simulator.targets import enrol as enrol_in_targets
from tidings.simulator.things import Household, Json, SimulatedCustomer
from tidings.simulator.tiers import take_over
from tidings.simulator.world import World

HOUSEHOLD_MAX = 4
REPLACED_DAYS = 3


def _profile(world: World, customer: SimulatedCustomer, till: int) -> Json:
    return {
        "loyaltyType": "LOYALTY",
        "lastName": customer.last,
        "accountId": world.blank(""),
        "enteredAt": world.now_ms,
        "customFields": [{"key": "favourite_store", "value": f"store.{customer.till % 100:02}"}],
        "customerIdentifiers": customer.asked,
        "enteredBy": {"id": till},
        "extendedFields": [{"key": "preferred_city", "value": customer.city}],
        "source": "INSTORE",
        "firstName": customer.first,
    }


def join(world: World) -> SimulatedCustomer:
    """Add a new member, who is often enrolled in the month's targets and in the streak at once."""
    customer = world.new_customer()
    call = world.call(customer.till)
    data = _profile(world, customer, call.till)
    ref = customer.id
    world.emit("customerAdded", data, call, ref, customer, "joins")
    if world.chance(0.6):
        enrol_in_targets(world, customer)
    if world.chance(0.4):
        enrol_in_streak(world, customer)
    return customer


def change_profile(world: World) -> None:
    """Move a member to another city."""
    customer = world.member()
    before, customer.city = customer.city, world.rng.choice(("Surat", "Delhi", "Bergen", "Kyoto"))
    call = world.call(customer.till)
    data = _profile(world, customer, call.till) | {
        "customerStatus": {
            "previousStatus": "ACTIVE",
            "previousLabel": "Active",
            "currentStatus": "ACTIVE",
            "currentLabel": "Active",
            "reason": world.blank(""),
        },
        "updatedFields": [
            {
                "fieldName": "preferred_city",
                "previousValue": before,
                "currentValue": customer.city,
                "source": "INSTORE",
                "accountId": world.blank(""),
                "fieldType": "ExtendedField",
            }
        ],
        "triggeringActivity": {"name": "PROFILE_UPDATE", "requestId": call.request_id[:6]},
    }
    world.emit("customerUpdated", data, call, customer.id, customer, f"→ {customer.city}")


def change_channel(world: World) -> None:
    """Change a member's opt-in to text messages."""
    customer = world.member()
    words = ("UNSUBSCRIBED", "SUBSCRIBED")
    before, customer.subscribed = customer.subscribed, not customer.subscribed
    call = world.call(customer.till)
    data = {
        "customerIdentifiers": customer.identity,
        "subscriptions": [
            {
                "sourceAccountId": world.blank(""),
                "previousStatus": words[before],
                "currentStatus": words[customer.subscribed],
                "channel": "SMS",
                "sourceName": "INSTORE",
                "priority": "BULK",
                "ouId": 12,
                "ouCode": "OU1",
            }
        ],
    }
    note = "opts in" if customer.subscribed else "opts out"
    world.emit("customerSubscription", data, call, customer.id, customer, note)


def undelivered(world: World, customer: SimulatedCustomer) -> None:
    """Tell that a message to a member has come back; this follows what the message was about."""
    if customer.gone:
        return
    message = world.number("message", 7_741)
    data = {
        "deliveryFailureStatus": "HARD_BOUNCED",
        "deliveryFailureReason": "The mailbox does not exist",
        "errorDescription": "550 5.1.1 user unknown",
        "errorCode": "550",
        "baseAttributes": {
            "customerIdentifiers": customer.identity,
            "channel": "EMAIL",
            "messageId": f"msg-{message}",
        },
    }
    world.emit(
        "communicationMessageUndelivered", data, world.job(), f"msg-{message}", customer, "bounced"
    )


def merge(world: World) -> None:
    """Merge two profiles of one person; the other is no more, and somebody else joins later.

    What the victim held goes to the survivor, whose balance is told.
    """
    if len(world.members) < 4:
        return
    victim = world.member()
    survivor = world.another(victim)
    if survivor is None or victim.group is not None:
        return
    world.remove(victim, survivor)
    survivor.lifetime += victim.lifetime
    survivor.promised += victim.promised
    survivor.coins += victim.coins
    survivor.coins_lifetime += victim.coins_lifetime
    take_over(world, survivor, victim)
    inherit(world, survivor, victim)
    call = world.call(survivor.till)
    data = {
        "survivorCustomerIdentifiers": survivor.identity,
        "victimCustomerIdentifiers": victim.identity,
        "triggeringActivity": activity("customerMerge", call, survivor),
        "loyaltyProgramDetails": DETAILS,
        "enteredBy": actor(call),
        "survivorCustomerLoyaltySummary": [
            {
                "loyaltyProgramId": PROGRAM,
                "lifetimePoints": survivor.lifetime,
                "currentPoints": survivor.balance,
                "promisedPoints": survivor.promised,
                "tierNumber": survivor.tier,
            }
        ],
    }
    world.emit(
        "loyaltyCustomerMerge",
        data,
        call,
        call.request_id,
        survivor,
        f"+ {victim.first}",
        loyalty="",
    )
    world.later(REPLACED_DAYS, join)


# -- households ------------------------------------------------------------------------------------


def found_household(world: World) -> None:
    """Make a member the founder of a household; others may join in the days after."""
    customer = world.member()
    if customer.group is not None:
        return
    number = world.number("group", 512)
    group = Household(number, f"{customer.last} household {number}", customer)
    customer.group = group
    world.groups.append(group)
    _tell(world, "groupCreated", group, customer, "founds")
    for days in (1, 4):
        world.later(days, add_to_household, group)


def add_to_household(world: World, group: Household) -> None:
    """Add somebody without a household to this one."""
    customer = world.member()
    if customer.group is not None or len(group.others) >= HOUSEHOLD_MAX:
        return
    customer.group = group
    group.others.append(customer)
    added: Json = {"memberAdded": person(customer, "MEMBER")}
    _tell(world, "groupMemberAdded", group, customer, "joins in", added)


def change_household(world: World) -> None:
    """Change a household: it gets another name or points from a member, or loses a member."""
    if not world.groups:
        return
    group = world.rng.choice(world.groups)
    if not group.others or world.chance(0.3):
        group.name = f"{group.primary.last} family {group.id}"
        _tell(world, "groupUpdated", group, group.primary, "renamed")
        return
    customer = world.rng.choice(group.others)
    if customer.balance >= 40 and world.chance(0.6):
        _contribute(world, group, customer)
        return
    group.others.remove(customer)
    customer.group = None
    removed: Json = {"memberRemoved": person(customer, "MEMBER")}
    _tell(world, "groupMemberRemoved", group, customer, "leaves", removed)


def _contribute(world: World, group: Household, customer: SimulatedCustomer) -> None:
    points = customer.wallet.take(float(world.rng.randrange(1, 5) * 10))
    hold(world, group, points, end_of_day(world.now_ms, POINTS_DAYS))
    call = world.call(customer.till)
    data = household(group) | {
        "contributingMember": person(customer, "MEMBER"),
        "triggeringActivity": activity("PointsContributionToGroup", call, customer),
        "loyaltyProgramDetails": DETAILS,
        "loyaltyProgramId": PROGRAM,
        "pointsContributedToGroup": points,
    }
    world.emit_loyalty("pointsContributionToGroup", data, call, customer, f"-{points:.0f}")


def _tell(
    world: World,
    name: str,
    group: Household,
    customer: SimulatedCustomer,
    note: str,
    more: Json | None = None,
) -> None:
    call = world.call(customer.till)
    data = household(group) | (more or {})
    data |= {"enteredAt": world.now_ms, "enteredBy": actor(call)}
    world.emit(name, data, call, group.id, customer, note)


# -- cards and approvals ---------------------------------------------------------------------------


def change_card(world: World) -> None:
    """Report a card lost, or found again."""
    customer = world.member()
    labels, reasons = ("SUSPENDED", "ACTIVE"), ("Reported lost", "Found again")
    before, customer.card_active = customer.card_active, not customer.card_active
    fields = [{"name": "colour", "value": "blue"}]
    data = {
        "previousCustomFields": fields,
        "currentCustomFields": fields,
        "previousExtendedFields": [],
        "currentStatusLabel": labels[customer.card_active],
        "cardType": "PHYSICAL",
        "previousStatusLabel": labels[before],
        "currentExtendedFields": [],
        "cardNumber": customer.card,
        "previousStatusChangeReason": "" if before else reasons[0],
        "currentStatusChangeReason": reasons[customer.card_active],
    }
    call = world.call(customer.till)
    note = f"card {labels[customer.card_active].lower()}"
    world.emit("cardUpdated", data, call, customer.card_id, customer, note)


def ask_for_goodwill(world: World) -> None:
    """Ask for goodwill points, as a clerk does; they are issued once the request is approved."""
    customer = world.member()
    request = world.uuid()
    points = float(world.rng.randrange(2, 11) * 10)
    _workflow(world, customer, request, points, "AdminTask", "created", "")
    world.later(0.2, _decide_goodwill, customer, request, points)


def _decide_goodwill(
    world: World, customer: SimulatedCustomer, request: str, points: float
) -> None:
    approved = world.chance(0.8) and not customer.gone
    state, comment = ("approved", "Agreed") if approved else ("rejected", "No reason given")
    _workflow(world, customer, request, points, state, "AdminTask", comment)
    if approved:
        call = world.call(customer.till)
        cause = activity("AllocateGoodwillPoints", call, customer, requestId=request)
        issue(world, customer, call, cause, goodwill=points)


def _workflow(
    world: World,
    customer: SimulatedCustomer,
    request: str,
    points: float,
    state: str,
    before: str,
    comment: str,
) -> None:
    data = {
        "requestId": request,
        "requestType": "GOODWILL_POINTS",
        "requesterId": ADMIN,
        "checkerId": ADMIN + 1,
        "currentRequestState": state,
        "previousRequestState": before,
        "updateTime": world.now_ms,
        "comment": comment or world.blank(""),
        "reason": "Late delivery",
        "requestAttributes": {
            "body": {
                "referenceId": f"GW-{request[:4]}",
                "reason": "Late delivery",
                "baseType": "POINTS",
                "programId": PROGRAM,
                "awardingTillId": customer.till,
                "earningEntityType": "CUSTOMER",
                "earningEntityId": customer.id,
                "points": int(points),
                "source": "API",
            }
        },
    }
    # The original sends these with org 0, which stands for the org of whoever sends it.
    world.emit(
        "requestWorkflowEvent", data, world.call(customer.till), request, customer, state, org=0
    )


def ask_for_change(world: World) -> None:
    """Ask for a change of a profile that needs a second pair of eyes: PENDING, APPROVED,
    SUCCESS."""
    customer = world.member()
    request = world.number("request", 7_101)
    for hours, before, status in ((0, "", "PENDING"), (5, "PENDING", "APPROVED")):
        world.later(hours / 24, _request_step, customer, request, before, status)
    world.later(5.2 / 24, _request_step, customer, request, "APPROVED", "SUCCESS")


def _request_step(
    world: World, customer: SimulatedCustomer, request: int, before: str, status: str
) -> None:
    if customer.gone:
        return
    call = world.call(customer.till)
    data = {
        "requestTrackingId": request,
        "associatedEntityFields": [{"fieldName": "customerId", "fieldValue": str(customer.id)}],
        "requestType": "CUSTOMER",
        "customerIdentifiers": customer.identity,
        "updatedAt": world.now_ms,
        "updatedBy": actor(call),
        "status": status,
        "comments": world.blank("") if status == "PENDING" else "Looks fine",
        "updatedFields": [{"fieldName": "status", "previousValue": before, "currentValue": status}],
        "requestBaseType": "CHANGE_IDENTIFIER",
    }
    note = status.lower()
    world.emit("requestUpdated", data, call, request, customer, note)
