"""The process that runs transformations freezes or is killed: who waits is told to come again, and
another process answers the next one."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, MutableMapping, Sequence
from contextlib import suppress
from typing import Any

import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from tidings.core.running.service_part import ServicePart
from tidings.engine.heartbeats import Heartbeats
from tidings.transform import process
from tidings.transform.port import RenderLater, RenderRefused
from tidings.transform.renderer import ProcessRenderer

TEMPLATE = '{"a": {{ event.n }}}'
OWN_END = "a process of transformations was ended by what it ran"


@pytest_asyncio.fixture
async def renderer(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ProcessRenderer]:
    quick = ServicePart(process.PART.name, process.PART.stalls, work_s=0.6)
    monkeypatch.setattr(process.Process, "part", quick)
    monkeypatch.setattr(process, "PING_S", 0.1)
    made = ProcessRenderer()
    yield made
    await made.close()


async def warmed(renderer: ProcessRenderer) -> int:
    """The id of a process that has answered, however often one that starts slowly is replaced."""
    while True:
        with suppress(RenderLater):
            assert await renderer.render(TEMPLATE, b'{"n": 1}', 7) == b'{"a":1}'
            break
    worker = renderer.processes()[0]._worker
    assert worker is not None
    return worker.process.pid


async def aborted(renderer: ProcessRenderer) -> None:
    """End a process that has answered, by itself; another may be there at once, for its pings."""
    pid, line = await warmed(renderer), renderer.processes()[0]
    worker = line._worker
    os.kill(pid, signal.SIGABRT)
    while line._worker is worker:
        await asyncio.sleep(0.01)


def own_ends(logs: Sequence[MutableMapping[str, Any]]) -> list[MutableMapping[str, Any]]:
    """What was logged of ends that came of what a process ran, and not of its slow start."""
    return [line for line in logs if line["event"] == OWN_END]


def watch(renderer: ProcessRenderer) -> tuple[Heartbeats, list[str]]:
    heartbeats, told = Heartbeats(tick_s=0.05), list[str]()
    for element in renderer.processes():
        heartbeats.watch(element)
    heartbeats.on_look(lambda: told.extend(heartbeats.notices()))
    heartbeats.start()
    return heartbeats, told


@pytest.mark.parametrize("asked", [True, False])
async def test_a_frozen_process_is_told_and_replaced(
    renderer: ProcessRenderer, asked: bool
) -> None:
    pid = await warmed(renderer)
    os.kill(pid, signal.SIGSTOP)
    heartbeats, told = watch(renderer)  # not before: one that starts slowly would be replaced
    if asked:
        runs = [renderer.render(TEMPLATE, b'{"n": %d}' % n, n) for n in range(10)]
        results = await asyncio.gather(*runs, return_exceptions=True)
        assert {type(element) for element in results} == {RenderLater}  # charged to nobody
    while renderer.processes()[0].crashes == 0 or not told:
        await asyncio.sleep(0.01)
    assert any('"template worker" has not responded' in text for text in told)
    assert await warmed(renderer) != pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    heartbeats.stop()


async def test_a_killed_process_is_replaced_and_told(renderer: ProcessRenderer) -> None:
    pid = await warmed(renderer)
    os.kill(pid, signal.SIGKILL)
    heartbeats, told = watch(renderer)
    while not told:
        await asyncio.sleep(0.01)
    assert '"template worker"' in told[0]
    assert await warmed(renderer) != pid
    heartbeats.stop()


async def test_a_renderer_with_a_frozen_process_can_be_closed(
    renderer: ProcessRenderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "CLOSE_S", 0.3)
    pid = await warmed(renderer)
    os.kill(pid, signal.SIGSTOP)
    await renderer.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.parametrize("number", [signal.SIGABRT, signal.SIGSEGV, signal.SIGVTALRM])
async def test_a_signal_of_what_it_ran_is_told_with_the_org_and_what_happens_now(
    renderer: ProcessRenderer, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    monkeypatch.setattr(process, "PING_S", 60.0)  # what it is at is the request, and no ping
    pid = await warmed(renderer)
    with capture_logs() as logs:
        os.kill(pid, signal.SIGSTOP)
        run = asyncio.ensure_future(renderer.render(TEMPLATE, b'{"n": 2}', 9))
        await asyncio.sleep(0)
        os.kill(pid, number)
        os.kill(pid, signal.SIGCONT)
        with pytest.raises(RenderRefused):
            await run
    [line] = logs
    assert line["event"] == OWN_END
    assert (line["org"], line["log_level"]) == (9, "warning")
    assert f"signal {number.value} " in line["reason"]
    assert "another process" in line["then"]


async def test_ends_that_come_one_after_the_other_are_counted_and_not_each_logged(
    renderer: ProcessRenderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "LOG_EVERY_S", 60.0)  # a busy machine takes its time
    with capture_logs() as logs:
        for _ in range(3):
            await aborted(renderer)
        assert len(own_ends(logs)) == 1
        monkeypatch.setattr(process, "LOG_EVERY_S", 0.0)
        await aborted(renderer)
    assert [written["unlogged"] for written in own_ends(logs)] == [0, 2]


async def test_a_process_that_tidings_has_killed_is_not_told_as_killed_by_the_kernel(
    renderer: ProcessRenderer,
) -> None:
    pid = await warmed(renderer)
    ended = "a process of transformations has ended"
    with capture_logs() as logs:
        os.kill(pid, signal.SIGSTOP)
        heartbeats, _ = watch(renderer)
        while not any(line["event"] == ended for line in logs):
            await asyncio.sleep(0.01)
    line = next(line for line in logs if line["event"] == ended)
    assert line["reason"] == "It did not respond, so Tidings has killed it (SIGKILL)."
    assert "another process" in line["then"]
    heartbeats.stop()
