"""Messages of sources that are read in a process of its own: as on the loop, and bounded."""

import asyncio
import os
import signal

import pytest

from tests.core.sources.bombs import BOMBS, mapping_of_many
from tidings.core.picks import Pick
from tidings.core.sources.mapping import Mapping
from tidings.core.sources.message import ForeignMessage
from tidings.core.sources.message_id import MessageId
from tidings.core.sources.message_plan import MessagePlan, PlanRunner
from tidings.transform.port import RenderLater, RenderRefused
from tidings.transform.process import Process
from tidings.transform.renderer import ProcessRenderer

PLAN = MessagePlan(
    Mapping(event_name=Pick(path="name"), data=Pick(path="data")), MessageId(header="X-Id")
)
GOOD = ForeignMessage("", [("x-id", "m-1")], b'{"name":"a.b","data":{"total":10.50}}')
# Lists of empty lists take fifty times their bytes.
GREEDY = ForeignMessage("", [], b'{"data":[' + b"[]," * 2_600_000 + b"1]}")
GREEDY_PLAN = MessagePlan(Mapping(event_name=Pick(path="data[9].x"), data=Pick(path="data[8]")))


def worker_of(line: Process) -> int:
    assert line._worker is not None
    return line._worker.process.pid


async def test_it_says_there_what_it_says_on_the_loop() -> None:
    renderer = ProcessRenderer()
    for plan, message in [(PLAN, GOOD), *BOMBS.values()]:
        there = await renderer.map_message(plan, message, 1)
        assert there == PlanRunner(plan).read(message)
    await renderer.close()


async def test_a_message_that_takes_too_much_is_tried_twice_and_holds_up_nobody() -> None:
    renderer = ProcessRenderer()
    bomb, good, other = await asyncio.gather(
        renderer.map_message(GREEDY_PLAN, GREEDY, 1),
        renderer.map_message(PLAN, GOOD, 1),
        renderer.map_message(PLAN, GOOD, 2),
        return_exceptions=True,
    )
    assert isinstance(bomb, RenderRefused) and "twice" in bomb.reason
    assert good == other == PlanRunner(PLAN).read(GOOD)
    assert renderer.deaths == 2
    with pytest.raises(RenderRefused):
        await renderer.map_message(GREEDY_PLAN, GREEDY, 1)
    assert renderer.deaths == 2  # known, and not tried again for a while
    await renderer.close()


async def test_what_ends_the_process_once_is_read_in_the_next_one() -> None:
    renderer = ProcessRenderer()
    await renderer.map_message(PLAN, GOOD, 1)
    os.kill(worker_of(renderer._quick_line), signal.SIGSTOP)
    waiting = asyncio.ensure_future(renderer.map_message(PLAN, GOOD, 1))
    await asyncio.sleep(0)
    os.kill(worker_of(renderer._quick_line), signal.SIGABRT)
    os.kill(worker_of(renderer._quick_line), signal.SIGCONT)
    assert await waiting == PlanRunner(PLAN).read(GOOD)
    await renderer.close()


async def test_a_process_that_is_killed_is_no_fault_of_a_message() -> None:
    """However often."""
    renderer = ProcessRenderer()
    for _ in range(3):
        await renderer.map_message(PLAN, GOOD, 1)
        os.kill(worker_of(renderer._quick_line), signal.SIGSTOP)
        waiting = asyncio.ensure_future(renderer.map_message(PLAN, GOOD, 1))
        await asyncio.sleep(0)
        os.kill(worker_of(renderer._quick_line), signal.SIGKILL)
        with pytest.raises(RenderLater):
            await waiting
    await renderer.close()


async def test_what_is_expected_to_take_long_goes_where_it_holds_up_its_like_alone() -> None:
    renderer = ProcessRenderer()
    plan, message = mapping_of_many(100), BOMBS["a list of many events"][1]
    assert await renderer.map_message(plan, message, 1, 0.4) == PlanRunner(plan).read(message)
    assert renderer._quick_line._worker is None and not renderer._slow
    await renderer.close()
