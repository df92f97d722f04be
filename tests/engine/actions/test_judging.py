"""Whether an action is done at all: look-ups, reasons against it, caps, and its file."""

import asyncio
from typing import Any

import msgspec
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
from tidings.core.actions.action import Cap, PathValue, Unless
from tidings.core.delivery.states import State
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.ids import OrgId
from tidings.core.shaping.filters.compiler import compile_filter
from tidings.errors import Conflict
from tidings.lookups.port import ListNotTaken

DAY = 86_400
MONTH = Cap(1, 30.0 * DAY, CUSTOMER)
OUT = Unless(compile_filter({"path": "contact.out", "eq": "yes"}), "The customer has opted out.")


def test_what_is_done_has_what_was_found_and_its_steps() -> None:
    async def scenario(world: ActionWorld) -> None:
        world.contacts.records = {"7": {"email": "asha@example.test"}}
        await world.event()
        await asyncio.sleep(1)
        [done] = world.did()
        assert done.made.act.body == '"asha@example.test"'  # type: ignore[union-attr]
        assert [(step.name, step.said) for step in done.made.steps] == [("contact", "found")]

    act = call()
    act = act.__class__("POST", act.url, {}, json=PathValue("contact.email"))
    one = action(lookups=(contact(),)).__class__(
        "mail", ("groupCreated",), {"": act}, lookups=(contact(),)
    )
    in_world(scenario, one)


@pytest.mark.parametrize(
    ("missing", "state", "said"),
    [
        ("skip", State.CANCELLED, "The look-up contact has no record for this event, so there is"),
        ("fail", State.FAILED, "The look-up contact must have a record for this event; it has"),
        ("empty", State.DELIVERED, None),
    ],
)
def test_without_a_record_it_is_as_the_file_says(
    missing: str, state: State, said: str | None
) -> None:
    async def scenario(world: ActionWorld) -> None:
        await world.event()
        await asyncio.sleep(1)
        assert world.states() == [state]
        assert [text[: len(said or "")] for text in world.why()] == ([] if said is None else [said])

    in_world(scenario, action(lookups=(contact(missing=missing),)))


def test_while_nobody_answers_it_waits_and_is_done_when_they_do() -> None:
    async def scenario(world: ActionWorld) -> None:
        world.contacts.records = None
        await world.event()
        await asyncio.sleep(3 * 3600)
        assert world.did() == [] and world.states() == [State.RETRYING]
        assert all("The contacts must answer" in text for text in world.why())
        world.contacts.records = {"7": {}}
        await asyncio.sleep(6 * 3600)
        assert len(world.did()) == 1

    in_world(scenario, action(lookups=(contact(),)))


def test_where_the_file_says_so_it_goes_on_without_an_answer() -> None:
    async def scenario(world: ActionWorld) -> None:
        world.contacts.records = None
        await world.event()
        await asyncio.sleep(1)
        [done] = world.did()
        assert done.made.steps[0].said.endswith("It went on without.")

    in_world(scenario, action(lookups=(contact(failing="empty"),)))


@pytest.mark.parametrize("failing", ["empty", "wait"])
def test_nobody_goes_on_without_a_list_that_must_be_accepted_first(failing: str) -> None:
    async def scenario(world: ActionWorld) -> None:
        world.contacts.records = None
        world.contacts.down = ListNotTaken("The file is not taken before you accept it.")
        await world.event()
        await asyncio.sleep(3 * 3600)
        assert world.did() == [] and world.states() == [State.RETRYING]
        assert all("before you accept it" in text for text in world.why())
        world.contacts.records = {"7": {}}
        await asyncio.sleep(6 * 3600)
        assert len(world.did()) == 1

    in_world(scenario, action(lookups=(contact(failing=failing),)))


def test_a_dead_look_up_is_not_asked_by_every_event() -> None:
    async def scenario(world: ActionWorld) -> None:
        world.contacts.records = None
        for customer in range(200):
            await world.event(customer)
        await asyncio.sleep(4)
        assert world.contacts.asked < 30
        world.contacts.records = {str(customer): {} for customer in range(200)}
        await asyncio.sleep(3600)
        assert len(world.did()) == 200

    in_world(scenario, action(lookups=(contact(),)))


def test_who_opts_out_between_two_attempts_is_left_alone() -> None:
    async def scenario(world: ActionWorld) -> None:
        world.contacts.records = {"7": {}}
        world.doer.status["mail"] = 503
        await world.event()
        await asyncio.sleep(1)
        assert len(world.doer.tried) == 1
        world.contacts.records = {"7": {"out": "yes"}}
        world.doer.status.clear()
        await asyncio.sleep(3600)
        assert world.did() == [] and world.states() == [State.CANCELLED]
        assert world.why() == ["The customer has opted out."]

    in_world(scenario, action(lookups=(contact(),), unless=(OUT,)))


def test_further_attempts_do_what_the_first_has_tried() -> None:
    async def scenario(world: ActionWorld) -> ActionWorld:
        world.contacts.records = {"7": {"email": "old"}}
        world.doer.status["mail"] = 503
        await world.event()
        await asyncio.sleep(1)
        world.contacts.records = {"7": {"email": "new"}}
        world = await world.restarted()
        world.doer.status.clear()
        await asyncio.sleep(3600)
        assert len({(done.id, done.made) for done in world.doer.tried}) == 1
        return world

    found = PathValue("contact")
    one = call().__class__("POST", call().url, {}, json=found)
    in_world(
        scenario,
        action().__class__("mail", ("groupCreated",), {"": one}, lookups=(contact(),)),
    )


def test_a_cap_admits_one_of_those_that_come_at_once_and_the_next_after_its_time() -> None:
    async def scenario(world: ActionWorld) -> ActionWorld:
        for _ in range(5):
            await world.event()
        await world.event(8)
        await asyncio.sleep(1)
        assert len(world.did()) == 2
        assert world.states().count(State.CANCELLED) == 4
        assert all(text.startswith("It was done once") for text in world.why())
        world = await world.restarted()
        await asyncio.sleep(30 * DAY - 60)
        await world.event()
        await asyncio.sleep(120)
        await world.event()
        await asyncio.sleep(1)
        assert len(world.did()) == 3
        return world

    in_world(scenario, action(cap=MONTH))


def test_one_that_failed_leaves_its_place_to_the_next() -> None:
    async def scenario(world: ActionWorld) -> None:
        world.doer.status["mail"] = 400
        await world.event()
        await asyncio.sleep(1)
        world.doer.status.clear()
        await world.event()
        await asyncio.sleep(1)
        assert world.states() == [State.FAILED, State.DELIVERED]

    in_world(scenario, action(cap=MONTH))


@pytest.mark.parametrize("subject", [None, "", [], {"id": "7"}, ["7"]], ids=str)
def test_a_cap_without_a_subject_fails_in_words(subject: Any) -> None:
    """Those of whom nothing is known are not counted as one."""

    async def scenario(world: ActionWorld) -> None:
        world.contacts.records = {"7": {"subject": subject}}
        await world.event()
        await asyncio.sleep(1)
        assert world.states() == [State.FAILED]
        assert world.why()[0].startswith("The cap of the action must find whom it counts at")

    capped = Cap(1, 60.0, "contact.subject")
    in_world(scenario, action(lookups=(contact(),), cap=capped))


@pytest.mark.parametrize(
    ("one", "same", "other"),
    [
        (7, "7", "07"),
        (msgspec.Raw(b"12.50"), "12.50", "12.5"),
        (True, "true", "1"),
        ("x" * 10_000, "x" * 10_000, "x" * 9_999),
        (10**900, 10**900, 10**899),
        ("Zo\u00eb", "Zo\u00eb", "Zoe"),
    ],
    ids=["number", "with a point", "truth", "long", "large", "any sign"],
)
def test_a_cap_counts_by_what_is_written_as_look_ups_ask_by_it(
    one: Any, same: Any, other: Any
) -> None:
    async def scenario(world: ActionWorld) -> None:
        for subject in (one, same, other):
            world.contacts.records = {"7": {"subject": subject}}
            await world.event()
            await asyncio.sleep(1)
        assert world.states() == [State.DELIVERED, State.CANCELLED, State.DELIVERED]

    capped = Cap(1, 60.0, "contact.subject")
    in_world(scenario, action(lookups=(contact(),), cap=capped))


def test_a_cap_counts_from_when_it_was_done_and_not_from_its_first_try() -> None:
    async def scenario(world: ActionWorld) -> None:
        world.doer.status["mail"] = 503
        await world.event()
        await asyncio.sleep(1.5 * DAY)
        world.doer.status.clear()
        await asyncio.sleep(DAY)
        [done] = world.did()
        await world.event()
        await asyncio.sleep(1)
        ago_s = asyncio.get_running_loop().time() - done.at_s
        assert ago_s < DAY and world.states() == [State.DELIVERED, State.CANCELLED]
        await asyncio.sleep(DAY - ago_s)
        await world.event()
        await asyncio.sleep(1)
        assert world.states()[-1] is State.DELIVERED

    in_world(scenario, action(cap=Cap(1, 1.0 * DAY, CUSTOMER)))


@pytest.mark.parametrize("number", [b"1e400", b"-1e999", b"1." + b"0" * 5000, b"9" * 4000])
def test_a_number_that_no_computer_counts_with_does_not_keep_reasons_from_being_judged(
    number: bytes,
) -> None:
    async def scenario(world: ActionWorld) -> None:
        for out in ("yes", "no"):
            world.contacts.records = {"7": {"out": out, "odd": msgspec.Raw(number)}}
            await world.event()
            await asyncio.sleep(1)
        assert world.states() == [State.CANCELLED, State.DELIVERED]

    in_world(scenario, action(lookups=(contact(),), unless=(OUT,)))


def test_an_action_that_leaves_the_file_is_parked_and_goes_on_when_it_is_back() -> None:
    async def scenario(world: ActionWorld) -> ActionWorld:
        world.doer.status["mail"] = 503
        await world.event()
        await asyncio.sleep(1)
        world = await world.restarted(action("other"))
        await world.event()
        await asyncio.sleep(5)
        assert world.states()[0] is State.PARKED
        assert len(world.did("other")) == 1
        world = await world.restarted(action())
        world.doer.status.clear()
        await world.event()
        await asyncio.sleep(1)
        assert world.states() == [State.PARKED, State.PARKED, State.DELIVERED]
        assert len(world.did("other")) == 1, "and what is not in the file any more is not done"
        return world

    in_world(scenario, action())


def test_an_action_that_was_paused_is_paused_when_it_is_back_in_the_file() -> None:
    """A start without the file, or with another one by mistake, takes back no pause."""

    async def scenario(world: ActionWorld) -> ActionWorld:
        [mail] = [state.webhook for state in world.parts.webhooks.list(ORG)]
        await world.parts.webhooks.change_status(ORG, mail.id, "pause", "brand")
        for _ in range(2):
            world = await world.restarted(action("other"))
            assert (
                world.parts.webhooks.living(ORG, mail.id).webhook.status is WebhookStatus.DISABLED
            )
        world = await world.restarted(action())
        await world.event()
        await asyncio.sleep(DAY)
        assert world.parts.webhooks.living(ORG, mail.id).webhook.status is WebhookStatus.PAUSED
        assert world.did() == [] and world.states() == [State.PENDING]
        await world.parts.webhooks.change_status(ORG, mail.id, "resume", "brand")
        await asyncio.sleep(1)
        assert len(world.did()) == 1
        return world

    in_world(scenario, action())


def test_an_action_of_one_org_is_never_done_as_that_of_another_by_its_name() -> None:
    """The file is another org's by now, and the first one's webhook is active all the same."""

    async def scenario(world: ActionWorld) -> ActionWorld:
        world.contacts.records = {"7": {"email": "secret@other.example"}}
        world.doer.status["mail"] = 503
        await world.event()
        await asyncio.sleep(1)
        tried = len(world.doer.tried)
        world = await world.restarted(action(lookups=(contact(),)), org=OrgId(2))
        world.doer.status.clear()
        [own] = [state.webhook for state in world.parts.webhooks.list(ORG)]
        assert own.status is WebhookStatus.DISABLED
        with pytest.raises(Conflict):
            await world.parts.webhooks.change_status(ORG, own.id, "enable", "their admin")
        await world.parts.webhooks.set_status(own.number, WebhookStatus.ACTIVE, None, "by mistake")
        await world.event()
        await asyncio.sleep(DAY)
        assert world.contacts.asked == 0 and len(world.doer.tried) == tried and not world.did()
        assert world.states() == [State.PARKED, State.RETRYING]
        assert "must be in the file of actions; it is not any more" in world.why()[-1]
        return world

    in_world(scenario, action())


def test_what_the_file_says_otherwise_is_a_new_version_and_what_stays_is_none() -> None:
    async def scenario(world: ActionWorld) -> ActionWorld:
        world = await world.restarted()
        [record] = world.parts.webhooks.everywhere()
        assert record.webhook.version == 1
        world = await world.restarted(action(at_once=3))
        [record] = world.parts.webhooks.everywhere()
        assert (record.webhook.version, record.webhook.connections_max) == (2, 3)
        return world

    in_world(scenario, action())


def test_look_ups_before_a_reason_not_to_act_are_kept_with_it() -> None:
    async def scenario(world: ActionWorld) -> None:
        world.contacts.records = {"7": {"out": "yes"}}
        await world.event()
        await world.event(8)
        await asyncio.sleep(1)
        assert world.states() == [State.CANCELLED, State.CANCELLED]
        found, nothing = (row[0] for row in world.looked_up())
        assert (found.name, found.said) == ("contact", "found") and found.took_ms > 0
        assert (nothing.name, nothing.said) == ("contact", "nothing")

    in_world(scenario, action(lookups=(contact(),), unless=(OUT,)))
