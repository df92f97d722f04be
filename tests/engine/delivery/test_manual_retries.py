"""A try that was asked for never takes an automatic one away."""

import asyncio
from typing import Any

import pytest

from tests.engine.notice_world import NoticeWorld, Receivers, in_world
from tidings.core.delivery.outcome import DELIVERED, Cancelled, Failed, Outcome, Retry
from tidings.core.delivery.states import State
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.ids import DeliveryId, OrgId
from tidings.engine.delivery.retries.manual_retries import PROMISED_MAX, PromisedRetries
from tidings.store.port import StoreDown

ORG = OrgId(1)
NOW = 1_000_000


class StoppedClock:
    def now_ms(self) -> int:
        return NOW


CLOCK = StoppedClock()


@pytest.mark.parametrize(
    ("outcome", "after"),
    [
        (DELIVERED, DELIVERED),
        (Retry(delay_s=3600.0), Retry(delay_s=60.0)),  # sooner: as it was promised
        (Retry(delay_s=5.0), Retry(delay_s=5.0)),
        (Retry(delay_s=3600.0, deferred=True), Retry(delay_s=3600.0, deferred=True)),
        (Retry(delay_s=3600.0, slow=True), Retry(delay_s=60.0, slow=True)),  # it was silent
        (Failed(exhausted=False), Retry(delay_s=60.0)),
        (Failed(exhausted=True), Failed(exhausted=True)),
        (Failed(exhausted=False, disable=True), Failed(exhausted=False, disable=True)),
        (Cancelled(), Cancelled()),
    ],
)
def test_what_follows_is_due_at_the_latest_when_it_was_promised(
    outcome: Outcome, after: Outcome
) -> None:
    promised_retries = PromisedRetries()
    promised_retries.make(ORG, DeliveryId(1), NOW + 60_000)
    assert promised_retries.keep(DeliveryId(2), outcome, CLOCK) == outcome, "others are not touched"
    assert promised_retries.keep(DeliveryId(1), outcome, CLOCK) == after
    assert promised_retries.keep(DeliveryId(1), outcome, CLOCK) == outcome, "a promise is kept once"


def test_a_fault_of_our_own_leaves_the_promise() -> None:
    promised_retries = PromisedRetries()
    promised_retries.make(ORG, DeliveryId(1), NOW + 60_000)
    ours = Retry(delay_s=0.0, ours=True)
    assert promised_retries.keep(DeliveryId(1), ours, CLOCK) == ours
    assert promised_retries.keep(DeliveryId(1), Failed(exhausted=False), CLOCK) == Retry(
        delay_s=60.0
    )


def test_asked_twice_the_first_promise_stays_and_their_number_is_bounded() -> None:
    promised_retries = PromisedRetries()
    promised_retries.make(ORG, DeliveryId(1), NOW + 60_000)
    promised_retries.make(ORG, DeliveryId(1), NOW)
    assert promised_retries.keep(DeliveryId(1), Retry(delay_s=600.0), CLOCK) == Retry(delay_s=60.0)
    for delivery in range(PROMISED_MAX + 1):
        promised_retries.make(ORG, DeliveryId(delivery), NOW)
    assert promised_retries.keep(DeliveryId(0), Failed(exhausted=False), CLOCK) == Failed(
        exhausted=False
    )


def test_one_that_was_cancelled_while_its_attempt_is_under_way_is_not_tried_beside_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    send = Receivers.Line.send

    async def slow(self: Receivers.Line, *given: Any) -> Any:
        ending = await send(self, *given)
        await asyncio.sleep(0.5)
        return ending

    monkeypatch.setattr(Receivers.Line, "send", slow)

    async def scenario(world: NoticeWorld) -> None:
        crm = await world.webhook("crm", "groupCreated")
        await world.event()
        delivery = DeliveryId(1)
        while not world.receivers.tries:
            await asyncio.sleep(0.001)
        retries = world.parts.delivery.manual_retries
        assert (await retries.ask(crm.org, delivery, crm.number)).outcome == "waiting"
        await world.parts.delivery.replay.runs.cancel(OrgId(1), [delivery], "me")
        assert state_of(world) == State.CANCELLED
        world.store.down = True
        with pytest.raises(StoreDown):
            await retries.ask(crm.org, delivery, crm.number)
        world.store.down = False
        assert (await retries.ask(crm.org, delivery, crm.number)).outcome == "under_way"
        await asyncio.sleep(1)
        assert world.receivers.tries == {"/crm": 1}
        asked = await retries.ask(crm.org, delivery, crm.number)
        await asyncio.sleep(1)
        assert (asked.outcome, state_of(world)) == ("due", State.DELIVERED)
        numbers = world.store.half.connection.execute("SELECT attempts FROM delivery").fetchall()
        assert world.receivers.tries == {"/crm": 2} and numbers == [(2,)]

    in_world(scenario)


@pytest.mark.parametrize("ended_by", ["a cancel", "its webhook's end"])
def test_one_that_has_ended_since_is_not_owed_the_automatic_try_of_before(ended_by: str) -> None:
    async def scenario(world: NoticeWorld) -> None:
        crm = await world.webhook("crm", "groupCreated")
        world.receivers.status["/crm"] = 500
        await world.event()
        await asyncio.sleep(1)
        parts, delivery = world.parts, DeliveryId(1)
        await parts.delivery.stops.stop(crm.org, "me")
        assert (await parts.delivery.manual_retries.ask(crm.org, delivery, crm.number)).promised_ms
        if ended_by == "a cancel":
            await parts.delivery.replay.runs.cancel(OrgId(1), [delivery], "me")
        else:
            await parts.webhooks.set_status(crm.number, WebhookStatus.DISABLED, "it is over", "me")
            await asyncio.sleep(1)
            await parts.webhooks.set_status(crm.number, WebhookStatus.ACTIVE, None, "me")
        assert state_of(world) in (State.CANCELLED, State.PARKED)
        world.receivers.status["/crm"] = 400
        assert (
            await parts.delivery.manual_retries.ask(crm.org, delivery, crm.number)
        ).outcome == "due"
        await parts.delivery.stops.start(crm.org)
        await asyncio.sleep(1)
        assert world.receivers.tries == {"/crm": 2}
        assert state_of(world) == State.FAILED, "it was refused for good"

    in_world(scenario)


def state_of(world: NoticeWorld) -> State:
    [(state,)] = world.store.half.connection.execute("SELECT state FROM delivery").fetchall()
    assert isinstance(state, int)
    return State(state)
