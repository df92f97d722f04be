"""Each step of a start that a disk can refuse is made again until it is done, and done once."""

import asyncio
import errno
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from tests import forked
from tests.e2e.harness.api import Api, Reply
from tests.e2e.harness.service import free_port
from tidings import app
from tidings.app import start_retry
from tidings.app.start_retry import StartAborted, StartRetry
from tidings.engine import vault
from tidings.settings.load import load
from tidings.settings.settings import Settings
from tidings.store.port import StoreDown
from tidings.store.sqlite.store import SqliteStore

TRIES = 3
STEPS = [
    "key_check",
    "audit_heads",
    "put_key_check",
    "load_types",
    "installation",
    "kept_keys",
    "load_transformations",
    "load",
    "load_people",
    "load_alert_channels",
    "put_org",
    "put_credential",
    "stops",
    "recover",
    "healths",
    "open_replays",
    "load_inboxes",
    "put_link",
]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    environ = {
        "TIDINGS_BOOTSTRAP_ORG": "2001",
        "TIDINGS_BOOTSTRAP_KEY": "boss",
        "TIDINGS_BOOTSTRAP_SECRET": "s3cret-of-the-tests",
    }
    return load(environ, None, {"data": tmp_path / "store", "port": str(free_port()), "dev": True})


@pytest.fixture(autouse=True)
def quick() -> Iterator[None]:
    """Steps are made again soon, and the store's processes need not import everything anew."""
    with (
        patch.object(start_retry, "AGAIN_S", 0.05),
        patch.object(subprocess, "Popen", forked.Popen),
    ):
        yield


def refusing(
    function: Callable[..., Any], fault: Exception
) -> tuple[Callable[..., Any], list[int]]:
    """The function, whose first calls fail; and the list that each call adds to."""
    calls: list[int] = []

    def asked(*arguments: Any, **named: Any) -> Any:
        calls.append(len(calls))
        if len(calls) <= TRIES:
            raise fault
        return function(*arguments, **named)

    return asked, calls


async def start(settings: Settings) -> None:
    """Start everything but the port, and stop it."""
    ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    held = StartRetry(settings, ended)
    try:
        service = await app._composed(settings, held, lambda: None)
    finally:
        await held.close()
    await service.stop()


@pytest.mark.parametrize("step", STEPS)
async def test_a_step_that_is_refused_is_made_again(
    settings: Settings,
    step: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    asked, calls = refusing(getattr(SqliteStore, step), StoreDown("database or disk is full"))
    monkeypatch.setattr(SqliteStore, step, asked)
    await start(settings)
    assert len(calls) > TRIES
    said = capfd.readouterr().err
    assert said.count("the disk says: database or disk is full") == 1
    monkeypatch.undo()
    await start(settings)  # and what was made is whole


@pytest.mark.parametrize("call", ["open", "write", "fsync", "link"])
async def test_a_key_that_the_disk_refuses_is_made_later_and_whole(
    settings: Settings, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.data.mkdir()
    asked, calls = refusing(getattr(os, call), OSError(errno.ENOSPC, "No space left on device"))
    faulty = type("FaultyOs", (), {**vars(os), call: staticmethod(asked)})
    monkeypatch.setattr(vault, "os", faulty)
    await start(settings)
    assert len(calls) > TRIES
    assert len((settings.data / "key").read_bytes()) == vault.KEY_BYTES
    assert not list(settings.data.glob("*.new"))


def test_a_key_that_is_written_in_part_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = {**vars(os), "write": staticmethod(lambda to, what: os.write(to, what[:16]))}
    monkeypatch.setattr(vault, "os", type("FaultyOs", (), part))
    with pytest.raises(OSError, match="No space"):
        vault.read_or_make_key(tmp_path / "key")
    assert not list(tmp_path.iterdir())
    monkeypatch.undo()
    assert len(vault.read_or_make_key(tmp_path / "key").reveal()) == vault.KEY_BYTES


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
async def test_a_fault_of_the_disk_is_waited_for_and_another_one_is_not(
    settings: Settings, code: int
) -> None:
    held = StartRetry(settings, asyncio.get_running_loop().create_future())
    asked, calls = refusing(lambda: asyncio.sleep(0, "done"), OSError(code, "it does not"))
    assert await held.through(asked) == "done" and len(calls) == TRIES + 1
    await held.close()
    for other in (OSError(errno.EMFILE, "too many"), ValueError("wrong")):
        asked, calls = refusing(lambda: asyncio.sleep(0), other)
        with pytest.raises(type(other)):
            await held.through(asked)
        assert len(calls) == 1


async def test_the_end_ends_the_wait(settings: Settings) -> None:
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[int] = loop.create_future()
    held = StartRetry(settings, ended)
    loop.call_later(0.1, ended.set_result, 0)

    async def never() -> None:
        raise StoreDown("full")

    with pytest.raises(StartAborted):
        await held.through(never)
    await held.close()


async def test_a_step_without_an_end_is_told_of_and_is_left_when_the_service_is_to_end(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """As a commit has none whose standby is away."""
    monkeypatch.setattr(start_retry, "SLOW_S", 0.01)
    monkeypatch.setattr(start_retry, "END_S", 0.01)
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[int] = loop.create_future()
    held = StartRetry(settings, ended)
    left: list[bool] = []

    async def endless() -> None:
        try:
            await loop.create_future()
        finally:
            left.append(True)

    starting = asyncio.ensure_future(held.through(endless))
    async with asyncio.timeout(60):
        while (ready := await asyncio.to_thread(asked, settings.port, "/readyz")) is None:
            await asyncio.sleep(0.01)
    assert ready.status == 503 and b"a step of that takes more than" in ready.body
    live = await asyncio.to_thread(asked, settings.port, "/livez")
    assert live is not None and live.status == 200
    ended.set_result(7)
    with pytest.raises(StartAborted) as aborted:
        await starting
    assert (aborted.value.code, left) == (7, [True])
    await held.close()
    assert capfd.readouterr().err.count("a step of that takes more than") == 1


async def test_what_a_start_has_begun_is_done_where_it_comes_to_an_end(settings: Settings) -> None:
    ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    ended.set_result(0)
    held = StartRetry(settings, ended)
    assert await held.through(lambda: asyncio.sleep(0.01, "done")) == "done"


async def test_who_has_waited_says_no_longer_why(settings: Settings) -> None:
    held = StartRetry(settings, asyncio.get_running_loop().create_future())
    refused, _ = refusing(lambda: asyncio.sleep(0), StoreDown("it stands by"))
    said: list[bytes] = []

    async def next_step() -> None:
        ready = await asyncio.to_thread(asked, settings.port, "/readyz")
        assert ready is not None
        said.append(ready.body)

    await held.through(refused)
    await held.through(next_step)
    await held.close()
    assert b"stands by" not in said[0]
    assert b"The store is opened; the service starts." in said[0]


def asked(port: int, path: str) -> Reply | None:
    """Ask the port of a start, if it answers yet."""
    try:
        with Api(port) as api:
            return api.get(path)
    except OSError:
        return None
