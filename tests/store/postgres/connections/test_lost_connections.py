"""The processes of the store open their connections anew; what was asked meanwhile can be asked
again, and is done once."""

import asyncio
import os
import random
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.store.postgres.databases import SCHEMA, connect, migrated, rows
from tests.store.postgres.hostings import PostgresChildren, PostgresHalves, database_of
from tests.store.rows import ORG, event, new, webhook
from tidings.store import port
from tidings.store.hosting.host import HostedHalf, StoreHost
from tidings.store.postgres.connection import PostgresConnection
from tidings.store.postgres.database import LOST_AFTER, StoreDatabase
from tidings.store.postgres.halves import PostgresWriter
from tidings.store.postgres.ownership import (
    CommitsLost,
    NotOwner,
    Ownership,
    OwnerWatch,
    release,
)
from tidings.store.postgres.process import OwnedDatabase, _Reopening, _Writer, open_half
from tidings.store.postgres.store import PostgresStore

AGAIN_S = 120.0
COMMITS = 40
ENDED = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
    " AND datname = current_database() AND application_name LIKE 'tidings %%'"
)


@asynccontextmanager
async def opened(place: Path) -> AsyncIterator[tuple[PostgresStore, StoreDatabase]]:
    store = await PostgresChildren().open(place)
    assert isinstance(store, PostgresStore)
    try:
        yield store, database_of(place)
    finally:
        await store.close()


def end_connections(database: StoreDatabase) -> int:
    with connect(database.uri) as connection:
        [(ended,)] = rows(connection, ENDED)
    return int(ended)


async def until_done(ask: Callable[[], "asyncio.Future[port.Receipt]"]) -> port.Receipt:
    """Ask again while the store is down."""
    give_up = time.monotonic() + AGAIN_S
    while True:
        try:
            return await ask()
        except port.StoreDown:
            assert time.monotonic() < give_up
            await asyncio.sleep(0.05)


async def test_a_batch_whose_answer_was_lost_is_done_once(tmp_path: Path) -> None:
    async with opened(tmp_path) as (store, database):
        await store.commit(port.Batch(1, [event("before", new(1))]))
        rng = random.Random(7)
        refused = 0
        for number in range(COMMITS):
            batch = port.Batch(1, [event(f"e{number}", new(1))])
            asked = store.commit(batch)
            await asyncio.sleep(rng.random() * 0.004)
            if number % 4 == 0:
                assert await asyncio.to_thread(end_connections, database) >= 1
            try:
                await asked
            except port.StoreDown:
                refused += 1
                await until_done(lambda batch=batch: store.commit(batch))  # type: ignore[misc]
        assert refused > 0, "a connection was lost under a commit"
        with connect(database.uri) as connection:
            stored = rows(connection, "SELECT id, first_delivery FROM event ORDER BY seq")
            made = rows(connection, "SELECT id, event FROM delivery ORDER BY id")
        assert [id for id, _ in stored] == ["before", *(f"e{n}" for n in range(COMMITS))]
        assert [id for id, _ in made] == [first for _, first in stored], "each once, in order"
        page = await store.page(1, 0, 100)
        assert [job.delivery for job in page] == [id for id, _ in made]


async def test_questions_of_the_logs_are_answered_again(tmp_path: Path) -> None:
    async with opened(tmp_path) as (store, database):
        await store.commit(port.Batch(1, [event("a", new(1))]))
        assert await store.event(ORG, "a") is not None
        assert await asyncio.to_thread(end_connections, database) >= 3
        give_up = time.monotonic() + AGAIN_S
        while True:
            try:
                assert await store.event(ORG, "a") is not None
                break
            except port.StoreDown:
                assert time.monotonic() < give_up
                await asyncio.sleep(0.05)


async def test_a_store_that_was_taken_over_ends_its_process(tmp_path: Path) -> None:
    async with opened(tmp_path) as (store, database):
        await store.commit(port.Batch(1, [event("a", new(1))]))
        with connect(database.uri) as connection:
            rows(connection, "UPDATE owner SET epoch = epoch + 1, holder = 'x' RETURNING 1")
        with pytest.raises(port.StoreDown, match="taken the store over"):
            await store.commit(port.Batch(1, [event("b", new(1))]))
        with pytest.raises(port.StoreDown, match="is gone"):
            await asyncio.sleep(0.5)
            await store.commit(port.Batch(1, [event("c", new(1))]))
        with connect(database.uri) as connection:
            assert rows(connection, "SELECT id FROM event") == [("a",)]


async def test_a_killed_owner_loses_nothing_acknowledged_and_is_followed(tmp_path: Path) -> None:
    acknowledged: list[str] = []
    for round_ in range(5):
        async with opened(tmp_path) as (store, database):
            with connect(database.uri) as connection:
                kept = {id for (id,) in rows(connection, "SELECT id FROM event")}
            assert {*acknowledged} <= kept
            ids = [f"r{round_}-{n}" for n in range(COMMITS)]
            asked = [store.commit(port.Batch(1, [event(id, new(1))])) for id in ids]
            await asyncio.wait([asked[round_ * 7]])
            os.kill(store._writing.pid, signal.SIGKILL)
            answers = await asyncio.gather(*asked, return_exceptions=True)
            acknowledged += [
                id
                for id, answer in zip(ids, answers, strict=True)
                if isinstance(answer, port.Receipt)
            ]
    assert len(acknowledged) >= 5


async def test_an_idle_owner_goes_on_to_own_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tidings.store.postgres.store.RENEW_S", 0.05)
    async with opened(tmp_path) as (store, database):
        with connect(database.uri) as connection:
            [(before,)] = rows(connection, "SELECT renewed FROM owner")
            until_s = time.monotonic() + AGAIN_S
            while rows(connection, "SELECT renewed FROM owner")[0][0] < before + 3:
                assert time.monotonic() < until_s
                await asyncio.sleep(0.05)
        assert store._lease.holds()
        with pytest.raises(port.StoreDown, match="stands by"):
            await asyncio.to_thread(OwnerWatch(database.connect, time.monotonic).take)


async def test_an_answer_from_memory_renews_no_lease(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch that was matched before a change of the registry is refused without a look at the
    database, where another process may own the store by now."""
    monkeypatch.setattr("tidings.store.postgres.store.RENEW_S", 3600.0)
    async with opened(tmp_path) as (store, database):
        await store.commit(port.Batch(0))
        with connect(database.uri) as connection:
            rows(connection, "UPDATE owner SET epoch = epoch + 1, holder = 'x' RETURNING 1")
        until_s, renewed_s = store._lease._until_s, store._renewed_s
        receipt = await store.commit(port.Batch(7, [event("a", new(1))]))
        assert receipt.moved
        assert (store._lease._until_s, store._renewed_s) == (until_s, renewed_s)


def owned(database: StoreDatabase) -> OwnedDatabase:
    """The database as its owner's processes are given it."""
    ours = OwnerWatch(database.connect, time.monotonic).take()
    return OwnedDatabase(
        uri=database.uri, schema=database.schema, epoch=ours.epoch, holder=ours.holder
    )


def test_a_half_that_cannot_be_opened_leaves_no_connection_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = owned(database_of(tmp_path))

    def refused(*_: object) -> None:
        raise port.StoreDown("too many connections")

    opened: list[PostgresConnection] = []
    open_reader = StoreDatabase.open_reader

    def kept(*asked: Any) -> PostgresConnection:
        opened.append(open_reader(*asked))
        return opened[-1]

    monkeypatch.setattr("os.nice", lambda _: 0)
    monkeypatch.setattr(StoreDatabase, "open_reader", kept)
    monkeypatch.setattr(StoreDatabase, "open_search", refused)
    with pytest.raises(port.StoreDown):
        open_half("read", lambda: given, None)  # type: ignore[arg-type]
    [log] = opened
    assert log.is_lost(), "it is closed"


OURS = Ownership(1, "tidings test")
OPENERS: dict[str, Callable[[StoreDatabase], PostgresConnection]] = {
    "writes": lambda database: database.open_writer(OURS),
    "reads": lambda database: database.open_reader(OURS, 1.0),
    "searches": lambda database: database.open_search(OURS, 1.0),
}


@pytest.mark.parametrize("what", OPENERS)
def test_every_connection_notices_a_machine_that_is_gone(what: str, tmp_path: Path) -> None:
    connection = OPENERS[what](database_of(tmp_path))
    asked = connection.driver.info.get_parameters()
    connection.close()
    assert {name: int(asked[name]) for name in LOST_AFTER} == LOST_AFTER
    silent_s = asked["keepalives_idle"], asked["keepalives_interval"], asked["keepalives_count"]
    idle_s, interval_s, count = map(int, silent_s)
    assert idle_s + interval_s * count < 15 and int(asked["tcp_user_timeout"]) < 15_000


def test_a_connection_that_is_lost_while_it_is_opened_is_lost_and_no_fault_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = owned(database_of(tmp_path))
    writer = _Writer(given)
    reopened = _Reopening(writer)
    writer._half.connection.close()

    def ended(*_: object, **__: object) -> None:
        raise psycopg.errors.AdminShutdown("terminating connection")

    with monkeypatch.context() as patches:
        patches.setattr("tidings.store.postgres.process.renewals", ended)
        with pytest.raises(port.StoreDown, match="once more"):
            reopened()
    with monkeypatch.context() as patches:
        patches.setattr("tidings.store.postgres.process.PostgresWriter", ended)
        with pytest.raises(port.StoreDown, match="as it was opened"):
            open_half("write", lambda: given, None)  # type: ignore[arg-type]
    reopened._again_at_s = 0.0
    assert reopened() is not None and not writer.is_lost()


def test_a_database_that_has_lost_what_it_acknowledged_is_not_gone_on_with(tmp_path: Path) -> None:
    """As behind a failover to a server that had not received the last commits: the service knows of
    what is not there, and would settle what others get by the same numbers."""
    database = database_of(tmp_path)
    writer = _Writer(owned(database))
    half = writer._half
    half.commit(port.Batch(1, [event("a", new(1))]))
    half.commit(port.Batch(1, [event("b", new(1)), event("c", new(1), new(1))]))
    half.connection.close()
    with connect(database.uri) as connection:
        for statement in (
            "UPDATE owner SET renewed = renewed - 1 RETURNING 1",
            "DELETE FROM event WHERE id <> 'a' RETURNING 1",
            "DELETE FROM event_id WHERE seq > 1 RETURNING 1",
            "DELETE FROM delivery WHERE event > 1 RETURNING 1",
        ):
            assert rows(connection, statement)
    with pytest.raises(CommitsLost, match="the next start"):
        writer.open_again()
    with connect(database.uri) as connection:
        release(connection, writer._given.ours)
    again = _Writer(owned(database))._half
    receipt = again.commit(port.Batch(1, [event("d", new(1))]))
    again.connection.close()
    assert (receipt.seqs, receipt.firsts) == ([4], [5]), "no number is given a second time"


def test_what_was_committed_without_a_sync_may_be_lost_by_a_crash(tmp_path: Path) -> None:
    database = database_of(tmp_path)
    writer = _Writer(owned(database))
    half = writer._half
    half.commit(port.Batch(0))
    with half.connection.unsynced():
        half.commit(port.Batch(0))
    half.connection.close()
    with connect(database.uri) as connection:
        assert rows(connection, "UPDATE owner SET renewed = renewed - 1 RETURNING 1")
    writer.open_again()
    writer._half.connection.close()


def test_a_process_that_will_write_nothing_any_more_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever asked it may try again and say nothing, as the renewal of a lease does."""

    def refused() -> HostedHalf:
        raise NotOwner("Another process has taken the store over; this one stops.")

    ours, theirs = socket.socketpair()
    StoreHost(theirs, HostedHalf({}), refused).run()
    ours.close()
    theirs.close()
    assert capsys.readouterr().err == (
        "Another process has taken the store over; this one stops.\n"
    )


@pytest.mark.parametrize("clean", [True, False])
async def test_a_recovery_whose_answer_was_lost_marks_what_may_have_left_once(
    tmp_path: Path, clean: bool
) -> None:
    adapter = PostgresHalves()
    store = await adapter.open(tmp_path)
    await store.recover(10)
    await store.put_webhook(webhook("till"))
    receipt = await store.commit(port.Batch(2, [event("a", new(1))]))
    await store.close(clean)
    store = await adapter.open(tmp_path)
    with adapter.losing_answers(tmp_path, store), pytest.raises(port.StoreDown):
        await store.recover(10)
    [backlog] = await store.recover(10)
    attempts = await store.attempts_of(receipt.firsts[0])
    assert (backlog.pending, len(attempts)) == (1, 0 if clean else 1)
    await store.close(clean=False)
    store = await adapter.open(tmp_path)
    await store.recover(10)
    assert len(await store.attempts_of(receipt.firsts[0])) == len(attempts) + 1
    await store.close()


WARNS = """
CREATE FUNCTION warn() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN RAISE WARNING 'the wait was cancelled'; RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER warns AFTER UPDATE ON owner DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION warn();
"""


def test_a_commit_that_is_answered_with_a_warning_counts_as_one_without_an_answer() -> None:
    database = StoreDatabase(migrated(), SCHEMA)
    ours = OwnerWatch(database.connect, time.monotonic).take()
    half = PostgresWriter(database.open_writer(ours), ours)
    with connect(database.uri) as connection:
        connection.execute(WARNS)
        with pytest.raises(port.StoreDown, match=r"standby.*the wait was cancelled"):
            half.commit(port.Batch(1, [event("a", new(1))]))
        assert half.connection.is_lost()
        assert rows(connection, "SELECT id FROM event") == [("a",)]
