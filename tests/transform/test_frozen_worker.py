"""The process that runs transformations freezes or is killed: who waits is told to come again, and
another process answers the next one."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tidings.core.running.parts import ServicePart
from tidings.engine.heartbeats import Heartbeats
from tidings.transform import process
from tidings.transform.port import RenderLater
from tidings.transform.renderer import ProcessRenderer

pytestmark = pytest.mark.timeout(40)
TEMPLATE = '{"a": {{ event.n }}}'


@pytest_asyncio.fixture
async def renderer(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ProcessRenderer]:
    quick = ServicePart(process.PART.name, process.PART.stalls, work_s=0.6)
    monkeypatch.setattr(process.Process, "part", quick)
    monkeypatch.setattr(process, "PING_S", 0.1)
    made = ProcessRenderer()
    yield made
    await made.close()


async def warmed(renderer: ProcessRenderer) -> int:
    """The id of a process that has answered."""
    assert await renderer.render(TEMPLATE, b'{"n": 1}', 7) == b'{"a":1}'
    worker = renderer.processes()[0]._worker
    assert worker is not None
    return worker.process.pid


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
    heartbeats, told = watch(renderer)
    pid = await warmed(renderer)
    os.kill(pid, signal.SIGSTOP)
    if asked:
        runs = [renderer.render(TEMPLATE, b'{"n": %d}' % n, n) for n in range(10)]
        results = await asyncio.gather(*runs, return_exceptions=True)
        assert {type(element) for element in results} == {RenderLater}  # charged to nobody
    while renderer.processes()[0].crashes == 0:
        await asyncio.sleep(0.01)
    assert any('"template worker" has not responded' in text for text in told)
    assert await warmed(renderer) != pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    heartbeats.stop()


async def test_a_killed_process_is_replaced_and_told(renderer: ProcessRenderer) -> None:
    heartbeats, told = watch(renderer)
    pid = await warmed(renderer)
    os.kill(pid, signal.SIGKILL)
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
