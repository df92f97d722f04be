"""Whoever asks a process of transformations that has died, or cannot start, waits for another one
or is told to come again: never anything else."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from tidings.catalogue import envelope
from tidings.core.events.own_types import Declaration, OwnType
from tidings.core.ids import OrgId
from tidings.engine.events.intake import CheckUnavailable
from tidings.engine.events.late_checks import LateChecks
from tidings.transform import process
from tidings.transform.port import RenderLater
from tidings.transform.renderer import ProcessRenderer

TEMPLATE = '{"a": {{ event.n }}}'
SCHEMA: dict[str, Any] = {"additionalProperties": {"anyOf": [{"enum": [1.5] * 20}] * 2}}
EVENT = msgspec.json.encode({"eventName": "orderPacked", "data": {"a": "x" * 20_000}})
ORG = OrgId(7)


@pytest_asyncio.fixture
async def renderer() -> AsyncIterator[ProcessRenderer]:
    made = ProcessRenderer()
    yield made
    await made.close()


async def dead(
    renderer: ProcessRenderer, number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> asyncio.Event:
    """A process that has answered, and has died since: nobody knows how before the event is set."""
    assert await renderer.render(TEMPLATE, b'{"n": 1}', ORG) == b'{"a":1}'
    known, reap = asyncio.Event(), process.Worker._reap

    async def late(worker: process.Worker) -> None:
        await known.wait()
        await reap(worker)

    monkeypatch.setattr(process.Worker, "_reap", late)
    worker = renderer.processes()[0]._worker
    assert worker is not None
    os.kill(worker.process.pid, number)
    while not worker.transport.is_closing():
        await asyncio.sleep(0.01)
    return known


@pytest.mark.parametrize(
    ("number", "waits"),
    [
        (signal.SIGKILL, False),
        (signal.SIGBUS, False),
        (signal.SIGABRT, True),
        (signal.SIGSEGV, True),
        (signal.SIGVTALRM, True),
    ],
)
async def test_who_asks_before_the_end_of_a_process_is_known_waits_for_what_comes_of_it(
    renderer: ProcessRenderer,
    monkeypatch: pytest.MonkeyPatch,
    number: signal.Signals,
    waits: bool,
) -> None:
    known = await dead(renderer, number, monkeypatch)
    runs = [
        asyncio.ensure_future(renderer.render(TEMPLATE, b'{"n": %d}' % of, of)) for of in range(10)
    ]
    await asyncio.sleep(0.05)
    assert not [run for run in runs if run.done()], "nobody is answered before it is known"
    known.set()
    results = await asyncio.gather(*runs, return_exceptions=True)
    if waits:
        assert results == [b'{"a":%d}' % of for of in range(10)]
    else:
        assert {type(result) for result in results} == {RenderLater}
    assert renderer._held == {}, "what they held is given back"


@pytest.mark.parametrize("error", [OSError("no file"), RuntimeError("can't start new thread")])
async def test_where_no_process_can_start_everybody_is_told_to_come_again(
    renderer: ProcessRenderer, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def refuse(descriptor: int, nice: int) -> Any:
        raise error

    launch = process._launch
    monkeypatch.setattr(process, "_launch", refuse)
    for _ in range(2):
        with pytest.raises(RenderLater):
            await renderer.render(TEMPLATE, b'{"n": 1}', ORG)
    monkeypatch.setattr(process, "_launch", launch)
    assert await renderer.render(TEMPLATE, b'{"n": 1}', ORG) == b'{"a":1}'


def own_type() -> OwnType:
    """A type whose check may take longer than the loop has."""
    return OwnType("orderPacked", 1, Declaration("Packed.", SCHEMA), envelope())


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGBUS])
async def test_a_check_by_a_process_that_has_died_is_to_be_asked_again(
    renderer: ProcessRenderer, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    known = await dead(renderer, number, monkeypatch)
    late = LateChecks(renderer)
    checks = [asyncio.ensure_future(late.problems(ORG, own_type(), EVENT)) for _ in range(8)]
    await asyncio.sleep(0.05)
    known.set()
    results = await asyncio.gather(*checks, return_exceptions=True)
    assert {type(result) for result in results} == {CheckUnavailable}, "which is answered with 503"
    assert await late.problems(ORG, own_type(), EVENT), "by the next process"


async def test_who_goes_away_leaves_a_process_that_answers_others(
    renderer: ProcessRenderer,
) -> None:
    """A call whose time is over while it is checked: its answer is not taken for another's."""
    assert await renderer.render(TEMPLATE, b'{"n": 1}', ORG) == b'{"a":1}'
    worker = renderer.processes()[0]._worker
    assert worker is not None
    os.kill(worker.process.pid, signal.SIGSTOP)
    gone = [asyncio.ensure_future(renderer.render(TEMPLATE, b'{"n": 2}', of)) for of in range(6)]
    await asyncio.sleep(0)
    for run in gone:
        run.cancel()
    stays = asyncio.ensure_future(renderer.render(TEMPLATE, b'{"n": 3}', ORG))
    await asyncio.sleep(0)
    os.kill(worker.process.pid, signal.SIGCONT)
    assert await stays == b'{"a":3}'
    assert renderer._held == {}
