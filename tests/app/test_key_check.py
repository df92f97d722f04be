"""A store knows the key that it was first served with, and a start with another one is refused
before it writes anything."""

import asyncio
import base64
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

import apsw
import pytest

from tests import forked
from tests.e2e.harness.service import free_port
from tests.golden.taken_up import unpacked
from tests.store.conformance.audited import change
from tests.store.copying.filled import empty_directory, filled_directory
from tests.store.postgres.databases import migrated
from tidings import app
from tidings.app.keys.derived_keys import AUDIT_PURPOSE, derive_key
from tidings.app.keys.key_check import KeyCheck, check_of
from tidings.app.start_retry import StartRetry
from tidings.app.store_copying import copy_store, take_back_store
from tidings.core.audit.chain import START, ChainHead, numbered, sealed
from tidings.core.audit.entries import AuditEntry
from tidings.engine.vault import SealedSecret, VaultRefused
from tidings.settings.load import load
from tidings.settings.settings import Settings
from tidings.store import port
from tidings.store.copying.sides import CopyRefused
from tidings.store.sql.audit.upkeep import COPIED
from tidings.store.sql.facts.meta import PUT_ONCE, MetaRow

RIGHT, WRONG = SealedSecret(b"r" * 32), SealedSecret(b"w" * 32)
MUST_BE = "The master key must be the one that this store was first served with; it is another one."


def in_base64(key: SealedSecret) -> str:
    return base64.b64encode(key.reveal()).decode()


EMBEDDED = load({}, None, {"data": "/var/lib/tidings"})
DATABASE = load(
    {"TIDINGS_DATABASE": "postgresql://db/tidings", "TIDINGS_MASTER_KEY": in_base64(WRONG)}
)


class Store:
    """What is asked of a store about its key: it is down as often as it is told."""

    def __init__(self, *chains: Sequence[AuditEntry]) -> None:
        self.kept: int | None = None
        self.down = ""
        self._chains = {entries[-1].chain: entries for entries in chains}

    def _asked(self, name: str) -> None:
        if self.down == name:
            self.down = ""
            raise port.StoreDown("database or disk is full")

    async def key_check(self) -> int | None:
        self._asked("key_check")
        return self.kept

    async def put_key_check(self, value: int) -> None:
        self._asked("put_key_check")
        self.kept = value

    async def kept_keys(self) -> list[port.KeptKey]:
        return []

    async def audit_heads(self) -> list[ChainHead]:
        self._asked("audit_heads")
        newest = [entries[-1] for entries in self._chains.values()]
        return [ChainHead(head.chain, head.number, head.mac) for head in newest]

    async def audit_slice(self, chain: int, after: int, limit: int) -> list[AuditEntry]:
        self._asked("audit_slice")
        return [record for record in self._chains[chain] if record.number > after][:limit]


def chain(count: int, key: SealedSecret = RIGHT) -> list[AuditEntry]:
    """So many entries of a chain, sealed by a key."""
    made: list[AuditEntry] = []
    for number in range(1, count + 1):
        entry = numbered(change(), number, 1000 + number, "")
        before = made[-1].mac if made else START
        made.append(sealed(derive_key(key, AUDIT_PURPOSE), before, entry))
    return made


def check(store: Store, key: SealedSecret, settings: Settings = EMBEDDED) -> KeyCheck:
    return KeyCheck(settings, key, cast(port.Store, store))


async def test_a_new_store_is_known_by_its_first_key_and_refuses_another() -> None:
    store = Store()
    first = check(store, RIGHT)
    await first.unlock()
    assert store.kept is None, "it is kept once everything was opened"
    await first.keep()
    await check(store, RIGHT).unlock()
    with pytest.raises(VaultRefused) as embedded:
        await check(store, WRONG).unlock()
    assert str(embedded.value) == (
        f"{MUST_BE} Put back the file `key` that belongs to this data directory. (wrong_key, "
        "/var/lib/tidings/key)"
    )
    with pytest.raises(VaultRefused) as given:
        await check(store, WRONG, DATABASE).unlock()
    assert str(given.value) == (
        f"{MUST_BE} Give the master key that this database was first served with. (wrong_key, "
        "master_key)"
    )


@pytest.mark.parametrize("count", [1, 2, 9])
async def test_a_store_of_before_takes_a_key_whose_seal_it_bears_and_no_other(count: int) -> None:
    store = Store(chain(count))
    with pytest.raises(VaultRefused, match="wrong_key"):
        await check(store, WRONG).unlock()
    taken = check(store, RIGHT)
    await taken.unlock()
    await taken.keep()
    assert store.kept == check_of(RIGHT)


async def test_a_chain_of_which_one_entry_is_left_cannot_tell_and_another_one_does() -> None:
    alone, other = chain(5)[4:], chain(3, WRONG)
    await check(Store(alone), WRONG).unlock()
    both = Store(alone, [*map(_of_org_8, other)])
    with pytest.raises(VaultRefused, match="wrong_key"):
        await check(both, RIGHT).unlock()


def _of_org_8(entry: AuditEntry) -> AuditEntry:
    return AuditEntry(
        **{name: getattr(entry, name) for name in entry.__struct_fields__} | {"chain": 8}
    )


@pytest.mark.parametrize("question", ["key_check", "audit_heads", "audit_slice", "put_key_check"])
async def test_a_store_that_is_down_is_asked_again(question: str) -> None:
    store = Store(chain(3))
    store.down = question
    asked = check(store, RIGHT)
    with pytest.raises(port.StoreDown):
        await asked.unlock()
        await asked.keep()
    await asked.unlock()
    await asked.keep()
    assert store.kept == check_of(RIGHT)


def test_the_number_tells_nothing_of_the_key_and_fits_both_databases() -> None:
    numbers = {check_of(SealedSecret(bytes([byte]) * 32)) for byte in range(64)}
    assert len(numbers) == 64 and all(0 <= number < 2**63 for number in numbers)


# -- a whole start ---------------------------------------------------------------------------------


@pytest.fixture
def forked_children() -> Iterator[None]:
    with patch.object(subprocess, "Popen", forked.Popen):
        yield


async def start(settings: Settings) -> None:
    """Start everything but the port, and stop it."""
    held = StartRetry(settings, asyncio.get_running_loop().create_future())
    try:
        service = await app._composed(settings, held, lambda: None)
    finally:
        await held.close()
    await service.stop()


def settings_of(data: Path, *, dev: bool = True, **given: Any) -> Settings:
    environ = {
        "TIDINGS_BOOTSTRAP_ORG": "2001",
        "TIDINGS_BOOTSTRAP_KEY": "boss",
        "TIDINGS_BOOTSTRAP_SECRET": "s3cret-of-the-tests",
        **{f"TIDINGS_{name.upper()}": value for name, value in given.items()},
    }
    return load(environ, None, {"data": data, "port": str(free_port()), "dev": dev})


@pytest.mark.usefixtures("forked_children")
async def test_a_directory_does_not_start_with_another_key(tmp_path: Path) -> None:
    settings = settings_of(tmp_path / "data")
    await start(settings)
    key = settings.data / "key"
    right = key.read_bytes()
    key.write_bytes(os.urandom(32))
    with pytest.raises(VaultRefused, match="wrong_key"):
        await start(settings)
    key.write_bytes(right)
    await start(settings)


@pytest.mark.usefixtures("forked_children")
async def test_another_key_writes_nothing_into_a_restored_store_of_before(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    unpacked(data)  # of a release without an audit log
    with closing(apsw.Connection(str(data / "tidings.db"))) as connection:
        connection.execute(PUT_ONCE, MetaRow(key=COPIED, value=1)).fetchall()  # `tidings restore`
    # The ports of its receivers are those of another test: loopback is refused, nothing is sent.
    settings, key = settings_of(data, dev=False), data / "key"
    right = key.read_bytes()
    key.write_bytes(os.urandom(32))
    with pytest.raises(VaultRefused, match="must open with this service's key"):
        await start(settings)
    key.write_bytes(right)
    await start(settings)


@pytest.mark.usefixtures("forked_children")
async def test_a_copy_whose_first_start_was_refused_has_not_been_started(tmp_path: Path) -> None:
    source, target = filled_directory(tmp_path / "a"), empty_directory(tmp_path / "b")
    copy_store(source.path, target.path, lambda *_: None)
    key = target.path / "key"
    right = key.read_bytes()
    key.write_bytes(os.urandom(32))
    with pytest.raises(VaultRefused):
        await start(settings_of(target.path))
    key.write_bytes(right)
    take_back_store(source.path, target.path)


@pytest.mark.usefixtures("forked_children")
async def test_a_copy_that_has_started_does_not_give_its_source_back(tmp_path: Path) -> None:
    source, target = tmp_path / "a", tmp_path / "b"
    await start(settings_of(source))
    copy_store(source, target, lambda *_: None)
    await start(settings_of(target))
    with pytest.raises(CopyRefused, match="must never have been started"):
        take_back_store(source, target)


@pytest.mark.systems
@pytest.mark.usefixtures("forked_children")
async def test_a_database_does_not_start_with_another_key(tmp_path: Path) -> None:
    uri = migrated()
    right, wrong = in_base64(RIGHT), in_base64(WRONG)
    await start(settings_of(tmp_path / "one", database=uri, master_key=right))
    with pytest.raises(VaultRefused, match="wrong_key, master_key"):
        await start(settings_of(tmp_path / "other", database=uri, master_key=wrong))
