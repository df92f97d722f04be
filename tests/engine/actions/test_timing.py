"""Actions that wait: for a while, for the end of quiet hours, for another action; and no longer."""

import asyncio

import pytest

from tests.engine.actions.action_world import (
    CUSTOMER,
    ORG,
    ActionWorld,
    action,
    call,
    contact,
    in_world,
)
from tests.engine.store.store_faults import counted, first, refusing
from tidings.core.actions.action import Cap, Quiet
from tidings.core.delivery.exchange import FaultKind, TransportFault
from tidings.core.delivery.schedule import WINDOW_S
from tidings.core.delivery.states import State
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.webhooks.webhook import Ordering
from tidings.engine.actions import needs
from tidings.engine.engine import EngineLimits

HOUR = 3600
NIGHT = Quiet(21 * 60, 8 * 60, "contact.zone", "UTC")  # worlds begin at 08:00 UTC


def test_what_is_to_be_done_after_a_while_is_done_then_once() -> None:
    async def scenario(world: ActionWorld) -> None:
        await world.event()
        await asyncio.sleep(2 * HOUR - 1)
        assert world.did() == []
        await asyncio.sleep(2)
        assert len(world.did()) == 1
        await asyncio.sleep(24 * HOUR)
        assert len(world.did()) == 1 and world.states() == [State.DELIVERED]

    in_world(scenario, action(after_s=2.0 * HOUR))


def test_a_wait_outlives_restarts_and_is_no_longer_for_them() -> None:
    async def scenario(world: ActionWorld) -> ActionWorld:
        await world.event()
        for _ in range(3):
            await asyncio.sleep(HOUR / 2)
            world = await world.restarted()
        await asyncio.sleep(HOUR / 2 - 1)
        assert world.did() == []
        await asyncio.sleep(2)
        assert len(world.did()) == 1
        return world

    in_world(scenario, action(after_s=2.0 * HOUR))


def test_a_wait_takes_no_step_of_the_schedule() -> None:
    """The first that fails is tried again after seconds, however often it has waited before."""

    async def scenario(world: ActionWorld) -> None:
        world.contacts.records = {"7": {"zone": "Asia/Kolkata"}}
        world.doer.status["mail"] = 503
        await asyncio.sleep(9 * HOUR)  # 22:30 in Kolkata
        await world.event()
        await asyncio.sleep(9.5 * HOUR + 20)
        assert len(world.doer.tried) == 2
        one, other = world.doer.tried
        assert 4 < other.at_s - one.at_s < 7

    in_world(scenario, action(lookups=(contact(),), quiet=NIGHT, after_s=60.0))


def test_the_customers_night_is_quiet_and_retries_do_not_disturb_it() -> None:
    async def scenario(world: ActionWorld) -> None:
        world.contacts.records = {"1": {"zone": "UTC"}, "2": {"zone": "Asia/Kolkata"}}
        world.doer.status["mail"] = 503
        await asyncio.sleep(12 * HOUR)  # 20:00, and 01:30 in Kolkata
        await world.event(1)
        await world.event(2)
        await asyncio.sleep(0.9 * HOUR)
        assert {done.made.act.body for done in world.doer.tried} == {'{"customerId":1,"at":1}'}  # type: ignore[union-attr]
        tried = len(world.doer.tried)
        await asyncio.sleep(0.2 * HOUR)
        world.doer.status.clear()
        await asyncio.sleep(10.8 * HOUR)  # 07:54: quiet for 1; for 2 it is over since 02:30
        assert len(world.doer.tried) - tried <= 2
        assert [done.made.act.body for done in world.did()] == ['{"customerId":2,"at":2}']  # type: ignore[union-attr]
        await asyncio.sleep(0.2 * HOUR)
        assert len(world.did()) == 2
        assert (
            "It is quiet for the customer until 08:00:00Z (UTC), by quiet of the action; "
            "it is done then." in world.why()
        )

    in_world(scenario, action(lookups=(contact(),), quiet=NIGHT))


def test_who_has_opted_out_while_it_waited_is_left_alone() -> None:
    async def scenario(world: ActionWorld) -> None:
        world.contacts.records = {"7": {"zone": "UTC"}}
        await asyncio.sleep(14 * HOUR)
        await world.event()
        await asyncio.sleep(HOUR)
        world.contacts.records = {}
        await asyncio.sleep(10 * HOUR)
        assert world.did() == [] and world.states() == [State.CANCELLED]

    in_world(scenario, action(lookups=(contact(),), quiet=NIGHT))


def test_one_that_needs_another_begins_when_that_is_done() -> None:
    async def scenario(world: ActionWorld) -> None:
        world.doer.status["mail"] = 503
        await world.event()
        await asyncio.sleep(3 * HOUR)
        assert world.did("survey") == []
        world.doer.status.clear()
        await asyncio.sleep(5 * HOUR)
        [mail], [survey] = world.did(), world.did("survey")
        assert 0 < survey.at_s - mail.at_s < 2, "it is woken"
        assert set(world.why("survey")) == {"It waits for mail, which is not done yet."}

    in_world(scenario, action(), action("survey", needs="mail"))


def test_a_wait_after_what_is_needed_begins_when_that_is_done() -> None:
    async def scenario(world: ActionWorld) -> None:
        world.doer.status["mail"] = 503
        await world.event()
        await asyncio.sleep(3 * HOUR)
        world.doer.status.clear()
        await asyncio.sleep(9 * HOUR)
        [mail], [survey] = world.did(), world.did("survey")
        assert 2 * HOUR <= survey.at_s - mail.at_s < 2 * HOUR + 2

    in_world(scenario, action(), action("survey", needs="mail", after_s=2.0 * HOUR))


def test_one_whose_need_was_not_done_is_not_done_either() -> None:
    async def scenario(world: ActionWorld) -> None:
        world.doer.status["mail"] = 400
        await world.event()
        await asyncio.sleep(5)
        assert world.states() == [State.FAILED]
        assert world.states("survey") == [State.CANCELLED]
        assert world.why("survey")[-1] == "It needs mail, which failed."
        assert world.why("third")[-1] == "It needs survey, which was not done."

    in_world(scenario, action(), action("survey", needs="mail"), action("third", needs="survey"))


def test_one_whose_need_is_not_for_the_event_is_not_done() -> None:
    async def scenario(world: ActionWorld) -> None:
        await world.event()
        await asyncio.sleep(5)
        assert world.states("survey") == [State.CANCELLED]
        assert world.why("survey") == ["It needs mail, which is not done for this event."]

    never = {"path": "data.customerId", "eq": -1}
    in_world(scenario, action(filter=never), action("survey", needs="mail"))


def test_one_whose_need_is_made_a_moment_later_waits_for_it() -> None:
    """Of an event for hundreds of webhooks not all deliveries are made with it."""

    async def scenario(world: ActionWorld) -> None:
        for _ in range(5):
            await world.event()
        await asyncio.sleep(30)
        assert len(world.did()) == len(world.did("a-survey")) == 5

    # Deliveries are made in the order of webhooks, and these are declared in this one.
    survey = action("a-survey", needs="mail")
    others = [action(f"other-{number}") for number in range(20)]
    limits = EngineLimits(per_event_max=1, fan_out_rows=1)
    in_world(scenario, survey, *others, action(), limits=limits)


def test_the_waking_may_be_lost_with_a_process_and_the_wait_is_not() -> None:
    async def scenario(world: ActionWorld) -> ActionWorld:
        world.doer.status["mail"] = 503
        await world.event()
        await asyncio.sleep(2 * HOUR)
        world = await world.restarted()
        world.doer.status.clear()
        await asyncio.sleep(6 * HOUR)
        assert len(world.did()) == len(world.did("survey")) == 1
        return world

    in_world(scenario, action(), action("survey", needs="mail"))


def number_of(world: ActionWorld, name: str = "mail") -> int:
    records = world.parts.webhooks.everywhere()
    return next(record.webhook.number for record in records if record.webhook.name == name)


def test_one_that_needs_another_for_days_looks_seldom_and_is_woken_all_the_same() -> None:
    """Each look asks the store, and thousands of customers may wait for one mail server."""

    async def scenario(world: ActionWorld) -> None:
        world.doer.status["mail"] = 503
        looks = counted(world.store, "deliveries_of")
        await world.event()
        await asyncio.sleep(160 * HOUR)
        assert 20 < len(looks) < 100
        assert world.why("survey") == ["It waits for mail, which is not done yet."]
        world.doer.status.clear()
        await asyncio.sleep(9 * HOUR)
        [mail], [survey] = world.did(), world.did("survey")
        assert 0 < survey.at_s - mail.at_s < 2

    in_world(scenario, action(), action("survey", needs="mail"))


def test_one_whose_need_has_its_last_attempt_at_the_end_of_both_windows_sees_what_came_of_it() -> (
    None
):
    async def scenario(world: ActionWorld) -> None:
        world.doer.status["mail"] = 503
        await world.event()
        await asyncio.sleep(170 * HOUR)
        [*_, last] = world.doer.tried
        assert WINDOW_S <= last.at_s < WINDOW_S + 2 and world.states() == [State.FAILED]
        assert world.states("survey") == [State.CANCELLED]
        assert world.why("survey")[-1] == "It needs mail, which failed."

    in_world(scenario, action(), action("survey", needs="mail"))


def test_after_a_restart_a_wait_is_at_most_a_quarter_longer() -> None:
    async def scenario(world: ActionWorld) -> ActionWorld:
        world.doer.status["mail"] = 503
        began_s = asyncio.get_running_loop().time()
        await world.event()
        await asyncio.sleep(12 * HOUR)
        world = await world.restarted()
        world.doer.status.clear()
        await asyncio.sleep(24 * HOUR)
        [mail], [survey] = world.did(), world.did("survey")
        assert 0 < survey.at_s - mail.at_s < (mail.at_s - began_s) / 4 + 5
        return world

    in_world(scenario, action(), action("survey", needs="mail"))


@pytest.mark.parametrize(
    ("standing", "said"),
    [
        (WebhookStatus.DISABLED, "It needs mail, which was put off, since it is disabled."),
        (WebhookStatus.DELETED, "It needs mail, which is not done for this event."),
    ],
)
def test_one_whose_need_is_taken_away_while_it_waits_is_not_done(
    standing: WebhookStatus, said: str
) -> None:
    async def scenario(world: ActionWorld) -> None:
        world.doer.status["mail"] = 503
        await world.event()
        await asyncio.sleep(HOUR)
        await world.parts.webhooks.set_status(number_of(world), standing, "gone", "brand")
        await asyncio.sleep(HOUR / 3)
        assert world.states("survey") == [State.CANCELLED] and world.why("survey")[-1] == said

    in_world(scenario, action(), action("survey", needs="mail"))


def test_one_that_was_ended_while_it_waited_is_not_begun_again_when_its_need_is_done() -> None:
    async def scenario(world: ActionWorld) -> None:
        world.doer.status["mail"] = 503
        await world.event()
        await asyncio.sleep(HOUR)
        number = number_of(world, "survey")
        await world.parts.webhooks.set_status(number, WebhookStatus.DISABLED, "stop", "brand")
        await asyncio.sleep(1)
        assert world.states("survey") == [State.PARKED]
        world.doer.status.clear()
        await asyncio.sleep(12 * HOUR)
        assert len(world.did()) == 1 and world.states("survey") == [State.PARKED]
        await world.parts.webhooks.set_status(number, WebhookStatus.ACTIVE, None, "brand")
        await asyncio.sleep(12 * HOUR)
        assert world.did("survey") == []

    in_world(scenario, action(), action("survey", needs="mail"))


def test_one_whose_need_is_paused_goes_on_when_that_does() -> None:
    async def scenario(world: ActionWorld) -> None:
        await world.parts.webhooks.set_status(number_of(world), WebhookStatus.PAUSED, None, "brand")
        await world.event()
        await asyncio.sleep(100 * HOUR)
        assert world.did("survey") == []
        await world.parts.webhooks.set_status(number_of(world), WebhookStatus.ACTIVE, None, "brand")
        await asyncio.sleep(3)
        assert len(world.did()) == len(world.did("survey")) == 1

    in_world(scenario, action(), action("survey", needs="mail"))


def test_those_who_will_never_be_woken_leave_room_for_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is parked wakes nobody; its waiters are forgotten when there are too many."""
    monkeypatch.setattr(needs, "NEEDED_MAX", 5)

    async def scenario(world: ActionWorld) -> None:
        world.doer.status["mail"] = 503
        for customer in range(8):
            await world.event(customer)
        await asyncio.sleep(60)
        number = number_of(world)
        await world.parts.webhooks.set_status(number, WebhookStatus.DISABLED, "gone", "brand")
        await asyncio.sleep(HOUR)
        await world.parts.webhooks.set_status(number, WebhookStatus.ACTIVE, None, "brand")
        await world.event(9)
        await asyncio.sleep(2 * HOUR)
        world.doer.status.clear()
        await asyncio.sleep(4 * HOUR)
        [mail], [survey] = world.did(), world.did("survey")
        assert 0 < survey.at_s - mail.at_s < 2, "it is woken"

    in_world(scenario, action(), action("survey", needs="mail"))


@pytest.mark.parametrize(
    ("ordering", "asleep", "awake"),
    [(Ordering.NONE, 0, 2), (Ordering.KEY, 0, 2), (Ordering.STRICT, 0, 0)],
)
def test_whoever_waits_holds_up_what_is_behind_in_its_order_and_nobody_else(
    ordering: Ordering, asleep: int, awake: int
) -> None:
    async def scenario(world: ActionWorld) -> None:
        world.contacts.records = {"1": {"zone": "UTC"}, "2": {"zone": "America/New_York"}}
        await asyncio.sleep(14 * HOUR)  # 22:00, and 17:00 in New York
        for _ in range(2):
            for customer in (1, 2):
                await world.event(customer, groupId=str(customer))
        await asyncio.sleep(HOUR)
        done = [done.made.act.body for done in world.did()]  # type: ignore[union-attr]
        assert sum('"customerId":1' in element for element in done) == asleep
        assert sum('"customerId":2' in element for element in done) == awake
        world.contacts.records["1"] = {"zone": "America/New_York"}  # has moved meanwhile
        await asyncio.sleep(11 * HOUR)  # 10:00, and 05:00 in New York
        assert len(world.did()) == awake, "it is the night of where the customer is by now"
        await asyncio.sleep(4 * HOUR)
        assert len(world.did()) == 4

    in_world(scenario, action(lookups=(contact(),), quiet=NIGHT, ordering=ordering))


@pytest.mark.parametrize("name", ["event", "deliveries_of", "wake", "take_caps"])
@pytest.mark.parametrize("lost", [False, True])
def test_what_the_store_does_not_answer_is_asked_again(name: str, lost: bool) -> None:

    async def scenario(world: ActionWorld) -> None:
        failed = refusing(world.store, name, first(3), lost=lost)
        world.doer.status["mail"] = 503
        await world.event()
        await asyncio.sleep(1)
        world.doer.status.clear()
        await asyncio.sleep(2 * HOUR)
        assert failed
        assert len(world.did()) == len(world.did("survey")) == 1

    capped = Cap(1, 86_400.0, CUSTOMER)
    in_world(scenario, action(), action("survey", needs="mail", cap=capped))


def test_a_test_disturbs_nobody_in_quiet_hours_unless_it_is_to() -> None:
    async def scenario(world: ActionWorld) -> None:
        world.contacts.records = {"7": {"zone": "UTC"}}
        webhook = world.parts.webhooks.list(ORG)[0].webhook
        event = b'{"eventName": "groupCreated", "data": {"customerId": 7, "at": 1}}'

        async def tested(*, now: bool) -> bool:
            await asyncio.sleep(2)  # one a second
            sent = await world.parts.delivery.trial.send(
                ORG, webhook, "e", event, lambda: True, now=now
            )
            if not sent.delivered:
                assert (
                    isinstance(sent.ending, TransportFault) and sent.ending.kind is FaultKind.WAITS
                )
                assert "quiet for the customer until 08:00:00Z (UTC)" in sent.ending.detail
                assert "--now" in sent.ending.detail
            return sent.delivered

        assert await tested(now=False)
        await asyncio.sleep(15 * HOUR)  # 23:00
        assert not await tested(now=False)
        assert await tested(now=True)
        assert len(world.did()) == 2

    in_world(scenario, action(lookups=(contact(),), quiet=NIGHT))


@pytest.mark.parametrize("once", [True, False])
def test_what_may_have_been_done_before_a_crash_is_done_once_where_the_file_says_so(
    once: bool,
) -> None:
    async def scenario(world: ActionWorld) -> ActionWorld:
        world.doer.hangs = True
        await world.event()
        await asyncio.sleep(1)
        assert len(world.doer.tried) == 1
        refusing(world.store, "attempts_of", first(1))
        world = await world.restarted(crash=True)
        world.doer.hangs = False
        await asyncio.sleep(HOUR)
        assert len(world.doer.tried) == (1 if once else 2)
        assert world.states() == [State.FAILED if once else State.DELIVERED]
        if once:
            assert "done at most once" in world.why()[-1]
        return world

    in_world(scenario, action(acts={"": call(at_most_once=once)}))
