"""A commit is on stable storage, and what tells of it fails: its events are delivered all the same,
callers are answered, other webhooks wait for nothing, and the fault is reported."""

import asyncio
import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from tests.engine.notice_world import NoticeWorld, in_world
from tests.simulation.loop import simulate
from tidings.core.delivery.states import State
from tidings.core.webhooks.webhook import Webhook
from tidings.engine.delivery.guards.lane_rescue import RESCUE_S
from tidings.engine.delivery.runner import WebhookRunner
from tidings.engine.events import committer as committer_module
from tidings.store import port


class Odd(BaseException):
    """No Exception, and known to nobody."""


ERRORS = [
    ValueError("sentinel-of-the-event"),
    KeyError(1),
    RecursionError(),
    MemoryError(),
    asyncio.CancelledError(),
    SystemExit(1),
    Odd(),
]


class Breaks:
    """Has a call raise an error the next `times`, before it is done or after it."""

    def __init__(self, error: BaseException, times: int, *, after: bool = False) -> None:
        self.error = error
        self.left = times
        self.after = after

    def wrap(self, owner: Any, name: str, concerns: Callable[..., bool] = lambda *_: True) -> None:
        whole = getattr(owner, name)

        def call(*given: Any, **named: Any) -> Any:
            breaks = self.left > 0 and concerns(*given)
            self.left -= breaks
            if breaks and not self.after:
                raise self.error.with_traceback(None)
            answer = whole(*given, **named)
            if breaks:
                raise self.error.with_traceback(None)
            return answer

        setattr(owner, name, call)


def break_lane(world: NoticeWorld, webhook: Webhook, step: str, breaks: Breaks) -> None:
    """Break what concerns the lane of one webhook alone."""
    dispatcher = world.engine.dispatcher
    is_of = lambda given, *_: getattr(given, "webhook", given) in (webhook, webhook.number)  # noqa: E731
    runner = dispatcher.runners.runner_of(webhook.number)
    assert runner is not None
    if step == "open":
        del dispatcher.runners.at_work[webhook.number]
        breaks.wrap(dispatcher._channels, "open", lambda opened: opened.number == webhook.number)
    elif step == "pump":
        pump: Any = SimpleNamespace(pump=dispatcher.pump)
        dispatcher.handover._pacer._lanes = pump
        breaks.wrap(pump, "pump", is_of)
    elif step == "claimed":
        breaks.wrap(dispatcher._claims, "claimed", is_of)
    else:
        breaks.wrap(lanes_of(runner), step)


class LaneWithHooks:
    """A lane whose methods can be replaced, which those of its class cannot."""

    def __init__(self, lane: Any) -> None:
        self.__dict__["lane"] = lane

    def __getattr__(self, name: str) -> Any:
        return getattr(self.lane, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if callable(value):
            self.__dict__[name] = value
        else:
            setattr(self.lane, name, value)


def lanes_of(runner: WebhookRunner) -> Any:
    """Its lane, from now on one whose methods can be replaced."""
    runner.lane = LaneWithHooks(runner.lane)  # type: ignore[assignment]
    return runner.lane


def states_of(world: NoticeWorld) -> list[State]:
    rows = world.store.half.connection.execute("SELECT state FROM delivery").fetchall()
    return [State(state) for (state,) in rows]  # type: ignore[arg-type]


def reported(world: NoticeWorld) -> str:
    """What an operator sees of it."""
    assert world.engine.problems() == []
    return " ".join(world.engine.notices())


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("step", ["open", "offer", "pump"])
def test_a_lane_that_cannot_be_handed_its_deliveries_reads_them_and_others_go_on(
    step: str, error: BaseException, times: int
) -> None:
    async def scenario(world: NoticeWorld) -> None:
        broken = await world.webhook("broken", "groupCreated")
        await world.webhook("well", "groupCreated")
        breaks = Breaks(error, times)
        break_lane(world, broken, step, breaks)
        for _ in range(3):
            await world.event()  # accepted
        await asyncio.sleep(1)
        assert world.receivers.tries["/well"] == 3, "others wait for nothing"
        await asyncio.sleep((times + 1) * RESCUE_S)
        assert breaks.left == 0
        assert world.receivers.tries == {"/well": 3, "/broken": 3}, "each once"
        assert states_of(world) == [State.DELIVERED] * 6
        assert "step hand-over" in reported(world) and "sentinel" not in reported(world)
        await world.event()
        await asyncio.sleep(1)
        assert world.receivers.tries["/broken"] == 4, "as before"

    in_world(scenario)


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("step", ["offer_retry", "claimed"])
def test_retries_that_were_claimed_and_could_not_be_handed_over_are_claimed_again(
    step: str, times: int
) -> None:
    async def scenario(world: NoticeWorld) -> None:
        broken = await world.webhook("broken", "groupCreated", status=503)
        await world.event()
        await asyncio.sleep(1)
        world.receivers.status["/broken"] = 200
        breaks = Breaks(ValueError(), times)
        break_lane(world, broken, step, breaks)
        await asyncio.sleep(120)
        assert breaks.left == 0
        assert states_of(world) == [State.DELIVERED] and world.receivers.tries["/broken"] == 2
        assert "step hand-over" in reported(world)

    in_world(scenario)


@pytest.mark.parametrize("step", ["offer", "pump"])
def test_the_order_outlives_a_failed_hand_over(step: str) -> None:
    async def scenario(world: NoticeWorld) -> None:
        broken = await world.webhook("broken", "groupCreated", ordering="strict")
        await world.event()
        await asyncio.sleep(1)
        break_lane(world, broken, step, Breaks(ValueError(), 1))
        for _ in range(5):
            await world.event()
            await asyncio.sleep(0.5)
        await asyncio.sleep(2 * RESCUE_S)
        got = [body["data"]["groupId"] for body in world.receivers.got["/broken"]]
        assert got == sorted(got) and len(got) == 6, got

    in_world(scenario)


WHOLE = [
    ("engine.handover", lambda world: (world.engine, "handover")),
    ("engine.settled", lambda world: (world.engine, "settled")),
    ("dispatcher.handover", lambda world: (world.engine.dispatcher.handover, "take")),
    ("dispatcher.settled", lambda world: (world.engine.dispatcher.settler, "settled")),
    ("look again", lambda world: (world.engine, "look_again")),
]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize(("name", "place"), WHOLE, ids=[name for name, _ in WHOLE])
def test_a_receipt_that_cannot_be_told_ends_no_committer_and_loses_nothing(
    name: str, place: Callable[[NoticeWorld], tuple[Any, str]], error: BaseException, after: bool
) -> None:
    async def scenario(world: NoticeWorld) -> None:
        await world.webhook("one", "groupCreated")
        await world.webhook("two", "groupCreated")
        await world.event()
        await asyncio.sleep(1)
        breaks = Breaks(error, 2, after=after)
        breaks.wrap(*place(world))
        if name == "look again":
            Breaks(error, 1).wrap(world.engine, "handover")
        for _ in range(3):
            await world.event()  # its caller is answered
        await asyncio.sleep(60)
        assert breaks.left == 0
        assert states_of(world) == [State.DELIVERED] * 8
        assert world.receivers.tries == {"/one": 4, "/two": 4}, "nothing twice"
        assert "step hand-over" in reported(world)
        assert not world.engine.ended.done() and world.engine.dispatcher.attempts_running == 0
        assert not any(
            runner.lane.unsettled_attempts
            for runner in world.engine.dispatcher.runners.at_work.values()
        ), "nothing is taken for under way"

    in_world(scenario)


def commits_of(world: NoticeWorld, at_most: int) -> list[float]:
    """When the store is asked to commit, from now on; more than so many fail it for good."""
    begun: list[float] = []
    store = world.engine.committer._store
    whole = store.commit

    async def commit(batch: port.Batch) -> port.Receipt:
        begun.append(asyncio.get_running_loop().time())
        assert len(begun) <= at_most, "it goes round and round"
        return await whole(batch)

    store.commit = commit  # type: ignore[method-assign]
    return begun


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("kind", ["groupCreated", "retries"])
@pytest.mark.parametrize(("name", "place"), WHOLE, ids=[name for name, _ in WHOLE])
def test_a_hand_over_that_fails_each_time_costs_little_and_is_told_until_it_works(
    name: str, place: Callable[[NoticeWorld], tuple[Any, str]], kind: str, after: bool
) -> None:
    async def scenario(world: NoticeWorld) -> None:
        loop = asyncio.get_running_loop()
        await world.webhook("one", "groupCreated")
        await world.webhook("two", "groupCreated", status=503 if kind == "retries" else 200)
        await world.event()
        await asyncio.sleep(1)
        world.receivers.status["/two"] = 200
        breaks = Breaks(ValueError("sentinel"), 1_000_000, after=after)
        breaks.wrap(*place(world))
        if name == "look again":
            Breaks(ValueError("sentinel"), 1_000_000).wrap(world.engine, "handover")
        begun = commits_of(world, 2_000)
        for _ in range(10):
            asked_s = loop.time()
            await world.event()  # its caller is answered
            assert loop.time() - asked_s < 1, "and waits for no pause"
            await asyncio.sleep(30)
        in_work = len(begun)
        assert "passed on" in reported(world) or "could not pass on" in reported(world)
        assert "sentinel" not in reported(world)
        breaks.left = 0
        vars(world.engine).pop("handover", None)
        await asyncio.sleep(120)
        assert states_of(world) == [State.DELIVERED] * 22
        assert world.receivers.tries["/one"] == 11 and not world.engine.ended.done()
        assert in_work < 400
        await world.event()
        await asyncio.sleep(1)
        assert states_of(world) == [State.DELIVERED] * 24, "as before"
        assert not any("could not pass on" in notice for notice in world.engine.notices())

    in_world(scenario)


def test_a_cancel_is_heeded_though_the_hand_over_of_its_commit_fails() -> None:
    async def scenario(world: NoticeWorld) -> None:
        webhook = await world.webhook("crm", "groupCreated", status=503)
        await world.event()
        await asyncio.sleep(1)
        [delivery] = world.store.half.connection.execute("SELECT id FROM delivery").fetchone()  # type: ignore[misc]
        Breaks(ValueError(), 1).wrap(world.engine, "handover")
        done = await world.engine.commits.cancel(port.CancelSlice([delivery], "boss"))
        assert len(done.deliveries) == 1
        await asyncio.sleep(3600)
        assert states_of(world) == [State.CANCELLED] and world.receivers.tries["/crm"] == 1
        assert webhook.number in world.engine.dispatcher.runners.at_work

    in_world(scenario)


def test_what_cannot_be_answered_is_told_to_its_caller_alone() -> None:
    async def scenario(world: NoticeWorld) -> None:
        await world.webhook("crm", "groupCreated")
        committer: Any = world.engine.committer
        breaks = Breaks(ValueError(), 1)
        whole = committer_module._answer
        breaks.wrap(committer_module, "_answer")
        try:
            with pytest.raises(port.StoreDown, match=re.escape("it is written")):
                await asyncio.wait_for(world.event(), 5)
            await world.event()
        finally:
            committer_module._answer = whole
        await asyncio.sleep(1)
        assert world.receivers.tries["/crm"] == 2 and not committer.is_busy

    in_world(scenario)


def test_an_end_that_nobody_waits_for_is_told_by_the_log_of_its_part_alone() -> None:
    """And not once more by asyncio, as of an exception that was never retrieved."""

    async def main() -> None:
        world = NoticeWorld()
        running = await world.start()
        store, never = world.engine.committer._store, asyncio.Event()

        async def hang(batch: port.Batch) -> Any:
            await never.wait()

        store.commit = hang  # type: ignore[method-assign]
        world.engine.commits.claim(1, 1)
        await asyncio.sleep(1)
        assert world.engine.committer.is_busy and world.engine._settler is not None
        task: Any = world.engine._settler._task
        task.cancel()
        await asyncio.sleep(1)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        ended: Any = world.engine.ended
        assert ended.done() and not ended._log_traceback
        assert ended.exception() is not None, "whoever asks is told"

    simulate(1, main())
