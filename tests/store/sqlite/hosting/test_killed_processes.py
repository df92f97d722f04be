"""A process of the store that a signal ends: the log names it, the signal, and what happens now."""

import asyncio
import os
import signal
import subprocess
from pathlib import Path
from unittest.mock import patch

import pytest
from structlog.testing import capture_logs

from tests import forked
from tests.engine.sources.topic import until
from tests.store.rows import event
from tests.store.sqlite.hosting.watched_reader import Watched, ask, watched
from tidings.core.ids import OrgId
from tidings.store import port
from tidings.store.sqlite.store import SqliteStore

__all__ = ["watched"]  # the fixture

SIGNALS = [signal.SIGABRT, signal.SIGSEGV, signal.SIGKILL]
ENDED = "a process of the store has ended by itself"


@pytest.mark.parametrize("number", SIGNALS)
async def test_the_end_of_the_reader_is_told_and_another_one_answers(
    watched: Watched, number: signal.Signals
) -> None:
    before = watched.reader.pid
    with capture_logs() as logs:
        asked = [asyncio.ensure_future(ask(watched, of)) for of in range(5)]
        os.kill(before, number)
        await asyncio.gather(*asked)
        await until(lambda: any(line["event"] == ENDED for line in logs))
    [line] = [line for line in logs if line["event"] == ENDED]
    assert (line["role"], line["log_level"]) == ("read", "error")
    assert number.name in line["reason"] or f"signal {number.value} " in line["reason"]
    assert "Another one is started" in line["then"]
    assert watched.reader.pid not in (0, before)


async def test_one_that_tidings_has_killed_itself_is_not_told_as_killed_by_the_kernel(
    watched: Watched,
) -> None:
    with capture_logs() as logs:
        os.kill(watched.reader.pid, signal.SIGSTOP)
        await until(lambda: any(line["event"] == ENDED for line in logs))
    [line] = [line for line in logs if line["event"] == ENDED]
    assert line["reason"] == "It did not respond, so Tidings has killed it (SIGKILL)."


@pytest.mark.parametrize("number", SIGNALS)
async def test_the_end_of_the_writer_is_told_before_the_store_is_closed(
    tmp_path: Path, number: signal.Signals
) -> None:
    died = asyncio.Event()
    with patch.object(subprocess, "Popen", forked.Popen), capture_logs() as logs:
        store = await SqliteStore.open(tmp_path, died.set)
        version = (await store.load()).registry_version
        await store.commit(port.Batch(version, [event("kept", org=1)]))
        os.kill(store._writing.pid, number)
        await died.wait()
        await store.close()
        [line] = [line for line in logs if line["event"] == ENDED]
        assert (line["role"], line["log_level"]) == ("write", "error")
        assert number.name in line["reason"] or f"signal {number.value} " in line["reason"]
        assert line["then"].startswith("The service stops.")
        again = await SqliteStore.open(tmp_path, lambda: None)
        assert await again.event(OrgId(1), "kept") is not None
        await again.close()
