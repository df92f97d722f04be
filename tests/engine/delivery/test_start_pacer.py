"""In which order lanes begin what a commit has brought, and which of them are not even woken."""

import asyncio
from typing import Any, cast

import pytest

from tidings.core.delivery.body_memory import WindowBudget
from tidings.core.delivery.job import Job
from tidings.core.delivery.lane import Lane
from tidings.core.ids import DeliveryId, EventNumber
from tidings.core.shaping.signatures.schemes import DEFAULT
from tidings.core.webhooks.webhook_types import HTTP, KINDS
from tidings.engine.delivery import receipt_dispatch
from tidings.engine.delivery.guards.guarded_channel import GuardedChannel
from tidings.engine.delivery.guards.unforeseen import UnforeseenErrors
from tidings.engine.delivery.lanes.start_pacer import TURN_MIN, TURN_SHARE, StartPacer
from tidings.engine.delivery.receipt_dispatch import ReceiptDispatch
from tidings.engine.delivery.runner import WebhookRunner
from tidings.store import port

Nothing = cast(Any, None)


class Signed:
    """As much of a webhook as its messages are made of."""

    def __getattr__(self, name: str) -> Any:
        known = {"headers": (), "secrets": (), "extra": {}, "type": KINDS[HTTP]}
        known |= {"signatures": DEFAULT, "key_pairs": ()}
        return known.get(name, "x")


def runner(*, well: bool = False) -> WebhookRunner:
    made = WebhookRunner(
        cast(Any, Signed()),
        Lane(1, None, WindowBudget(1)),
        GuardedChannel(Nothing, cast(Any, Signed()), UnforeseenErrors()),
    )
    made.well = well
    return made


class Lanes:
    """Keeps whose lanes may start; nothing that it does fails."""

    def __init__(self) -> None:
        self.begun: list[WebhookRunner] = []

    def pump(self, runner: WebhookRunner) -> None:
        self.begun.append(runner)

    def note(self, webhook: int, error: BaseException) -> None:
        raise error


async def turn() -> None:
    """One turn of the loop."""
    await asyncio.sleep(0)


async def test_who_is_well_begins_at_once_and_the_others_a_few_in_each_turn() -> None:
    lanes = Lanes()
    begun, pacer = lanes.begun, StartPacer(lanes, lanes)
    others = [runner() for _ in range(2 * TURN_MIN + 1)]
    well = [runner(well=True) for _ in range(TURN_MIN + 3)]
    pacer.wake([*others, *well])
    assert begun == well
    for count in (TURN_MIN, 2 * TURN_MIN, 2 * TURN_MIN + 1, 2 * TURN_MIN + 1):
        await turn()
        assert begun == [*well, *others[:count]]


async def test_who_is_well_overtakes_those_that_an_earlier_commit_has_woken() -> None:
    lanes = Lanes()
    begun, pacer = lanes.begun, StartPacer(lanes, lanes)
    others, well = [runner() for _ in range(TURN_MIN + 1)], runner(well=True)
    pacer.wake(others)
    await turn()
    pacer.wake([well])
    await turn()
    assert begun == [*others[:TURN_MIN], well, others[TURN_MIN]]


async def test_many_that_wait_are_through_in_few_turns_and_each_is_woken_once() -> None:
    lanes = Lanes()
    begun, pacer = lanes.begun, StartPacer(lanes, lanes)
    others = [runner() for _ in range(1000)]
    pacer.wake(others)
    pacer.wake(others)
    for _ in range(6 * TURN_SHARE):
        await turn()
    assert begun == others


class Woken:
    """Stands for the pacer of starts, and for who hears of errors: there are none."""

    def __init__(self) -> None:
        self.runners: list[WebhookRunner] = []

    def wake(self, runners: dict[WebhookRunner, None]) -> None:
        self.runners += runners

    def note(self, webhook: int, error: BaseException) -> None:
        raise error


class Draft:
    """As much of one as a job is made of."""

    org, event_id, body = 1, "e", b"{}"


class Queued:
    """An event of the commit."""

    draft, passage = Draft(), None


def test_a_lane_in_which_nothing_can_start_gets_no_job_and_is_not_woken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept_up, behind, dormant, closed = (runner() for _ in range(4))
    for late in (behind, dormant, closed):
        late.lane.start_over()
    dormant.lane.sleep()
    closed.lane.open = False
    made: list[DeliveryId] = []

    def counted(*, delivery: DeliveryId, **given: Any) -> Any:
        made.append(delivery)
        return Job(delivery=delivery, **given)

    monkeypatch.setattr(receipt_dispatch, "Job", counted)
    runners: Any = type("Runners", (), {})()
    runners.at_work = dict(enumerate((kept_up, behind, dormant, closed), 1))
    woken: Any = Woken()
    dispatch = ReceiptDispatch(
        runners=runners, pacer=woken, healths=Nothing, claims=Nothing, rescuer=woken
    )
    receipt = port.Receipt(seqs=[EventNumber(1)], firsts=[DeliveryId(11)])
    queued: Any = Queued()
    dispatch.take(receipt, [queued], [[port.NewDelivery(number, 1) for number in (1, 2, 3, 4)]])
    assert made == [11, 12] and kept_up.lane.queued == 1
    assert woken.runners == [kept_up, behind]
    # What came while it rested is read when it goes on.
    for rested in (dormant, closed):
        rested.lane.open, rested.lane.dormant = True, False
        epoch = rested.lane.page_began()
        rested.lane.open = False  # for a moment, in which another one comes
        dispatch.take(receipt, [queued], [[port.NewDelivery(3 + (rested is closed), 1)]])
        rested.lane.open = True
        rested.lane.add_page(epoch, [], 10)
        assert rested.lane.page_wanted
    assert made == [11, 12]
