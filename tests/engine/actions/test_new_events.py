"""Events of actions: accepted once however often they are sent, all of them or none."""

import asyncio
import json
from typing import Any

import pytest

from tests.destinations.messages import HOPS, TestMessage, hook
from tidings.catalogue import load
from tidings.core.actions.rendered_act import Made, MadeEvents, MadeMail, bytes_of
from tidings.core.delivery.exchange import DeliveryVerdict, FaultKind, ReceiverAnswer
from tidings.core.events.call_reader import CallReader, IntakeRules
from tidings.core.events.call_split import DEFAULT_LIMITS
from tidings.core.events.passage import Doors, Passage, read_passage
from tidings.core.webhooks.targets.mailing import ShapedMail
from tidings.core.webhooks.webhook_types import ACTION
from tidings.engine.actions.new_events import NewEventsChannel, NewEventsDriver
from tidings.engine.events.intake import Acceptance, Draft, Overloaded
from tidings.engine.events.late_checks import LateChecks
from tidings.store import port
from tidings.store.port import NewRejection
from tidings.transform.port import CheckBy

READER = CallReader(
    Draft,
    load(),
    lambda org: IntakeRules(unknown="admitted") if org == 1 else None,
    lambda: "an id that nobody gave",
    DEFAULT_LIMITS,
)
TWO = [{"eventName": "ours", "data": {"n": n}} for n in (1, 2)]


class Checker:
    """There are no types of the org's own here, so nobody asks it."""

    async def check_event(self, kind: CheckBy, event: bytes, org: int) -> Any:
        raise AssertionError(kind)


class Intake:
    """Accepts each id once; or `fails`, or waits for ever."""

    def __init__(self, fails: Exception | None = None, *, stuck: bool = False) -> None:
        self.accepted: dict[str, Draft] = {}
        self._fails = fails
        self._stuck = stuck

    async def accept(self, drafts: list[Draft]) -> list[Acceptance]:
        if self._fails is not None:
            raise self._fails
        if self._stuck:
            await asyncio.Event().wait()
        known = [draft.event_id in self.accepted for draft in drafts]
        self.accepted |= {draft.event_id: draft for draft in drafts}
        return [Acceptance("duplicate" if element else "accepted") for element in known]

    def note_rejections(self, rejections: list[NewRejection]) -> None:
        raise AssertionError("what an action makes is told in its own log")


def channel(intake: Intake) -> NewEventsChannel:
    driver = NewEventsDriver(
        intake=intake,
        reader=READER,
        late=LateChecks(Checker()),
        clock_ms=lambda: 1770801300412,
        doors=Doors(b"key"),
    )
    return driver.open(hook("", name="ours", kind=ACTION), None)


def message(events: Any, **more: Any) -> TestMessage:
    return TestMessage(bytes_of(Made(MadeEvents(json.dumps(events)))), **more)


async def test_a_message_that_is_sent_again_brings_its_events_once() -> None:
    intake = Intake()
    one = channel(intake)
    for attempt, counted in ((1, (2, 0)), (2, (0, 2))):
        result = await one.send(message(TWO, attempt=attempt))
        assert result is not None and result.verdict is DeliveryVerdict.DELIVERED
        assert isinstance(result.ending, ReceiverAnswer) and result.ending.status == 202
        said = json.loads(result.ending.body)
        assert (said["accepted"], said["duplicates"]) == counted
    assert [draft.event["data"] for draft in intake.accepted.values()] == [{"n": 1}, {"n": 2}]
    again = message(TWO)
    again.id = "msg_1~rpl_1"  # a replay of it
    await one.send(again)
    assert len(intake.accepted) == 4


async def test_events_say_how_often_theirs_has_been_through_and_by_which_action() -> None:
    intake = Intake()
    await channel(intake).send(message(TWO))
    drafts = list(intake.accepted.values())
    assert {draft.door for draft in drafts} == {Doors(b"key").of_action(1)}
    assert drafts[0].passage == read_passage(HOPS)
    assert read_passage(HOPS) == Passage(3, ("0c4e19d2a7b3", "5f0a77c1e2d4"), "9b1de4420c6f")
    assert drafts[0].passage is drafts[1].passage  # one message, which counts once


async def test_no_list_of_events_is_well_too() -> None:
    result = await channel(Intake()).send(message([]))
    assert result is not None and result.verdict is DeliveryVerdict.DELIVERED


async def test_where_one_cannot_be_accepted_none_is() -> None:
    intake = Intake()
    wrong = {"eventName": "customerAdded", "data": {"customerIdentifiers": 1}}
    result = await channel(intake).send(message([*TWO, wrong]))
    assert result is not None and result.verdict is DeliveryVerdict.NEVER
    assert "data.customerIdentifiers" in result.ending.detail and not intake.accepted
    many = await channel(intake).send(message([{"eventName": "ours"}] * 1001))
    assert many is not None and many.verdict is DeliveryVerdict.NEVER and not intake.accepted


async def test_what_is_withdrawn_is_not_accepted_and_a_test_leaves_nothing() -> None:
    intake = Intake()
    assert await channel(intake).send(message(TWO, may=lambda: False)) is None
    result = await channel(intake).send(message(TWO, trial=True))
    assert result is not None and result.verdict is DeliveryVerdict.DELIVERED
    assert not intake.accepted


@pytest.mark.parametrize(
    "intake", [Intake(port.StoreDown("full")), Intake(Overloaded("much")), Intake(stuck=True)]
)
async def test_where_the_service_takes_none_it_is_tried_again(intake: Intake) -> None:
    result = await channel(intake).send(message(TWO, deadline_s=0.2))
    assert result is not None and result.verdict is DeliveryVerdict.AGAIN
    assert not isinstance(result.ending, ReceiverAnswer) and result.ending.kind is FaultKind.OURS


async def test_what_was_made_for_something_else_is_not_done() -> None:
    for made in (MadeMail(ShapedMail(("a@b.example",), "s", "t")), None):
        body = b"{}" if made is None else bytes_of(Made(made))
        result = await channel(Intake()).send(TestMessage(body))
        assert result is not None and result.verdict is DeliveryVerdict.NEVER


def test_events_are_shown_as_they_are_accepted() -> None:
    driver = NewEventsDriver(
        intake=Intake(),
        reader=READER,
        late=LateChecks(Checker()),
        clock_ms=lambda: 0,
        doors=Doors(b"key"),
    )
    webhook = hook("", name="ours", kind=ACTION)
    shown = driver.show(webhook, [("webhook-id", "1")], message(TWO).body, None)
    assert (shown.method, json.loads(shown.body), shown.headers) == ("ACCEPT", TWO, [])
    assert driver.show(webhook, [], b"{}", None).body == b"{}"
