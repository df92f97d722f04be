"""A probe that ends without a word of the receiver gives its lane back, whatever ended it."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from tests.engine.shaping.sending_desk import HOOK, Desk, Line, Shaping, job
from tidings.core.delivery.exchange import Ending, FaultKind, TransportFault
from tidings.core.delivery.receivers.breaker import SUCCESSES_TO_CLOSE, Breaker, Pause, Position
from tidings.egress.port import Leaves
from tidings.engine.shaping.faults import ShapeLater, ShapeRefused

Act = Callable[["Trouble"], None]


class Trouble:
    """The first message, or the first connection, meets what ends the probe."""

    def __init__(self, act: Act, *, shaping: bool) -> None:
        self.act, self.shaping = act, shaping
        self.probes = 0
        self.desk: Desk

    def change(self, **fields: Any) -> None:
        self.desk.dispatcher.changes.changed(msgspec.structs.replace(HOOK, **fields))


class Met(Shaping):
    def __init__(self, trouble: Trouble) -> None:
        super().__init__(self.meet)
        self.trouble = trouble

    def meet(self) -> None:
        self.trouble.probes += 1
        if self.trouble.shaping and self.trouble.probes == 1:
            self.trouble.act(self.trouble)


class Way(Line):
    """A line whose first attempt ends by `ending`."""

    def __init__(self, trouble: Trouble, ending: Ending | None = None) -> None:
        super().__init__(*[200] * 20)
        self.trouble, self.ending, self.begun = trouble, ending, 0

    async def send(
        self, method: str, leaves: Leaves, body: bytes, deadline_s: float
    ) -> Ending | None:
        self.begun += 1
        if not self.trouble.shaping and self.begun == 1:
            self.trouble.act(self.trouble)
            if self.ending is not None:
                return self.ending
        return await super().send(method, leaves, body, deadline_s)


def later(_: Trouble) -> None:
    raise ShapeLater("The platform does not answer.", 5.0)


def refuse(_: Trouble) -> None:
    raise ShapeRefused("It takes too many steps.")


def pause_for_a_moment(trouble: Trouble) -> None:
    trouble.desk.stopped = True
    trouble.desk.dispatcher.changes.switched()
    loop = asyncio.get_running_loop()

    def go_on() -> None:
        trouble.desk.stopped = False
        trouble.desk.dispatcher.changes.switched()

    loop.call_later(0.01, go_on)


def refused_by_the_store(trouble: Trouble) -> None:
    trouble.desk.quiet.halted = True
    asyncio.get_running_loop().call_later(0.01, setattr, trouble.desk.quiet, "halted", False)


def cancel(trouble: Trouble) -> None:
    [runner] = trouble.desk.dispatcher.runners.at_work.values()
    runner.cancelled |= runner.lane.unsettled_attempts.keys()


def doubt(trouble: Trouble) -> None:
    [runner] = trouble.desk.dispatcher.runners.at_work.values()
    runner.doubted |= runner.lane.unsettled_attempts.keys()


def nothing(_: Trouble) -> None:
    pass


SHAPING: dict[str, Act] = {
    "it cannot be shaped now": later,
    "it can never be shaped": refuse,
    "sending was stopped": pause_for_a_moment,
    "the store refuses": refused_by_the_store,
    "it was cancelled": cancel,
    "a cancel had no answer": doubt,
}
LEAVING = {name: act for name, act in SHAPING.items() if act not in (later, refuse)}
OURS = (FaultKind.OURS, FaultKind.STALE, FaultKind.TRANSFORM)


async def closes(trouble: Trouble, line: Way) -> None:
    """The lane is asking; after the trouble others ask, and it closes."""
    trouble.desk = desk = Desk(line, Met(trouble))
    await desk.work()
    runner = desk.dispatcher.runners.runner_of(HOOK.number)
    assert runner is not None
    runner.lane.breaker.resume(Pause(3, 0.0), asyncio.get_running_loop().time())
    breaker = runner.lane.breaker
    await desk.work(job())
    assert line.begun + trouble.probes >= 1, "it was asked"
    await asyncio.sleep(0.03)
    for number in range(6, 6 + SUCCESSES_TO_CLOSE):
        await desk.work(job(delivery=number))
    await asyncio.sleep(0.03)
    assert isinstance(breaker, Breaker)
    assert breaker.opens == 0, "it is held against nobody"
    assert breaker.position is Position.CLOSED and not breaker.asking
    assert desk.dispatcher.attempts_running == 0
    assert len(line.sent) >= SUCCESSES_TO_CLOSE


@pytest.mark.parametrize("act", SHAPING.values(), ids=SHAPING.keys())
async def test_while_its_message_was_made(act: Act) -> None:
    trouble = Trouble(act, shaping=True)
    await closes(trouble, Way(trouble))


@pytest.mark.parametrize("act", LEAVING.values(), ids=LEAVING.keys())
async def test_while_it_connected(act: Act) -> None:
    trouble = Trouble(act, shaping=False)
    await closes(trouble, Way(trouble))


@pytest.mark.parametrize("kind", OURS)
async def test_by_a_fault_of_our_own_on_its_way(kind: FaultKind) -> None:
    trouble = Trouble(nothing, shaping=False)
    await closes(trouble, Way(trouble, TransportFault(kind, False, "It was our doing.", 1.0)))
