"""The process that reads freezes, dies, is slow or loses its line: questions end, another process
follows, and no answer is given to a question that it is not of."""

import asyncio
import os
import signal
import subprocess
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from tests import forked
from tests.engine.sources.topic import until
from tests.store.rows import event
from tests.store.sqlite.hosting.watched_reader import COUNT, Watched, ask, watched
from tidings.core.ids import OrgId
from tidings.engine.heartbeats import Heartbeats
from tidings.store import port
from tidings.store.hosting import client as client_module
from tidings.store.hosting import reader as reader_module
from tidings.store.port import StoreRefused
from tidings.store.sqlite.store import SqliteStore

__all__ = ["watched"]  # the fixture


async def answered(watched: Watched) -> None:
    """All questions are answered rightly."""
    await asyncio.gather(*(ask(watched, number) for number in range(COUNT)))


async def test_a_frozen_process_is_told_and_replaced_and_questions_are_answered(
    watched: Watched,
) -> None:
    before = watched.reader.pid
    os.kill(before, signal.SIGSTOP)
    await answered(watched)  # by the next one
    assert watched.reader.pid not in (0, before)
    assert any('"store reader" has not responded' in text for text in watched.told)
    with pytest.raises(ProcessLookupError):
        os.kill(before, 0)
    assert watched.heartbeats.problems() == []


async def test_a_frozen_process_that_nobody_asks_is_told_and_replaced(watched: Watched) -> None:
    before = watched.reader.pid
    os.kill(before, signal.SIGSTOP)
    await until(lambda: watched.reader.pid not in (0, before))
    assert any('"store reader" has not responded' in text for text in watched.told)
    await answered(watched)


@pytest.mark.parametrize("times", [1, 5])
async def test_a_killed_process_is_replaced_and_no_question_is_lost(
    watched: Watched, times: int
) -> None:
    for round_ in range(1, times + 1):
        before = watched.reader.pid
        asked = [asyncio.ensure_future(ask(watched, number)) for number in range(COUNT)]
        os.kill(before, signal.SIGKILL)
        await asyncio.gather(*asked)
        await until(lambda: watched.reader.is_up)
        assert watched.reader.crashes == round_
    assert watched.reader.crashes == times
    await until(lambda: any('"store reader" failed' in text for text in watched.told))


async def test_a_question_ends_at_its_deadline_and_later_answers_are_not_its(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader_module, "QUESTION_S", 0.2)
    os.kill(watched.reader.pid, signal.SIGSTOP)
    late = await asyncio.gather(
        *(ask(watched, number) for number in range(20)), return_exceptions=True
    )
    assert {type(element) for element in late} == {port.StoreUnanswered}
    os.kill(watched.reader.pid, signal.SIGCONT)  # its late answers come now
    monkeypatch.setattr(reader_module, "QUESTION_S", 15.0)
    await answered(watched)


async def test_who_goes_away_frees_the_place_of_the_question(watched: Watched) -> None:
    os.kill(watched.reader.pid, signal.SIGSTOP)
    gone = [asyncio.ensure_future(ask(watched, 1)) for _ in range(500)]
    await asyncio.sleep(0)
    for task in gone:
        task.cancel()
    await asyncio.gather(*gone, return_exceptions=True)
    asked: list[str] = []
    os.kill(watched.reader.pid, signal.SIGCONT)
    child = watched.reader._child
    assert child is not None
    call = child.call

    def counted(decoder: Any, operation: str, arguments: tuple[Any, ...]) -> Any:
        asked.append(operation)
        return call(decoder, operation, arguments)

    with patch.object(child, "call", counted):
        await ask(watched, 2)
    assert len([text for text in asked if text != "ping"]) == 1


async def test_more_questions_than_may_wait_are_refused_at_once(watched: Watched) -> None:
    watched.reader._room.most = 10
    os.kill(watched.reader.pid, signal.SIGSTOP)
    asked = [asyncio.ensure_future(ask(watched, 1)) for _ in range(20)]
    done, _ = await asyncio.wait(asked, return_when=asyncio.FIRST_EXCEPTION)
    assert all(isinstance(task.exception(), port.StoreUnanswered) for task in done)
    os.kill(watched.reader.pid, signal.SIGCONT)
    results = await asyncio.gather(*asked, return_exceptions=True)
    assert [element for element in results if element is None]


async def test_a_line_that_is_cut_ends_its_process_and_another_one_follows(
    watched: Watched,
) -> None:
    child, before = watched.reader._child, watched.reader.pid
    assert child is not None and child._transport is not None
    child._transport.abort()
    await until(lambda: watched.reader.pid not in (0, before))
    with pytest.raises(ProcessLookupError):
        os.kill(before, 0)
    await answered(watched)


async def test_a_process_that_cannot_start_is_tried_again(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = 0
    start = watched.reader._start

    async def refusing(died: Any) -> Any:
        nonlocal tries
        tries += 1
        if tries < 4:
            raise StoreRefused("not now") if tries % 2 else port.StoreDown("full")
        return await start(died)

    watched.reader._start = refusing
    watched.reader.kill()
    await answered(watched)
    assert tries == 4
    assert any('"store reader"' in text for text in watched.told)


async def test_a_store_with_a_frozen_process_can_be_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tidings.store.hosting.child.CLOSE_S", 0.3)
    with patch.object(subprocess, "Popen", forked.Popen):
        store = await SqliteStore.open(tmp_path, lambda: None)
        pids = [store._reading.pid, store._writing.pid]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        await store.close()
        for pid in pids:
            with pytest.raises(ProcessLookupError):
                os.kill(pid, 0)
        again = await SqliteStore.open(tmp_path, lambda: None)
        await again.close()


async def test_a_frozen_writer_is_a_problem_by_name_until_it_goes_on_and_writes_once(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = client_module.WRITER
    quick = type(part)(part.name, part.stalls, vital=True, work_s=0.6, restarts=False)
    monkeypatch.setattr(client_module.StoreWriter, "part", quick)
    heartbeats = Heartbeats(tick_s=0.05)
    heartbeats.watch(watched.store.processes()[0])
    heartbeats.start()
    pid, registry = watched.store._writing.pid, await watched.store.load()
    os.kill(pid, signal.SIGSTOP)
    version = registry.registry_version
    commit = asyncio.ensure_future(
        watched.store.commit(port.Batch(version, [event("late", org=1)]))
    )
    await until(lambda: heartbeats.problems())
    assert '"store writer" has not responded' in heartbeats.problems()[0]
    assert watched.store._writing.pid == pid and not commit.done()
    os.kill(pid, signal.SIGCONT)
    assert [bool(seq) for seq in (await commit).seqs] == [True]
    await until(lambda: not heartbeats.problems())
    assert await watched.store.event(OrgId(1), "late") is not None
    heartbeats.stop()
