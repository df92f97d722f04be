"""Two releases on one schema, beside a migration: who waits goes on as its owner does, and takes
nothing over from a release that it is too old for."""

from collections.abc import Callable, Iterator

import psycopg
import pytest

from tests.postgres_server import shared_server
from tests.store.postgres.databases import SCHEMA, connect
from tests.store.rows import event, new
from tidings.core.running.lease import LEASE_S
from tidings.store import port
from tidings.store.postgres import migration, ownership
from tidings.store.postgres.database import StoreDatabase
from tidings.store.postgres.halves import PostgresWriter
from tidings.store.postgres.migration import SchemaScript, load_scripts, migrate, newest_schema
from tidings.store.postgres.ownership import Ownership, OwnerWatch

NEWEST = newest_schema()
NEXT = (
    "ALTER TABLE event ADD COLUMN fresh bigint NOT NULL DEFAULT 0",
    "CREATE TABLE fresh (id bigint)",
)


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


class Releases:
    """A store of this release, and releases that know further scripts."""

    def __init__(self, uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.database = StoreDatabase(uri, SCHEMA)
        self.clock = Clock()
        self._monkeypatch = monkeypatch

    def watch(self, further: int = 0) -> OwnerWatch:
        """Return how a process waits whose release knows so many scripts more."""
        with self._monkeypatch.context() as release:
            self._know(release, further)
            return OwnerWatch(self.database.connect, self.clock)

    def migrate(self, further: int) -> None:
        with self._monkeypatch.context() as release:
            self._know(release, further)
            with connect(self.database.uri) as connection:
                assert migrate(connection, SCHEMA) == NEWEST + further

    def own(self, ours: Ownership) -> PostgresWriter:
        return PostgresWriter(self.database.open_writer(ours), ours)

    def leave(self, watch: OwnerWatch) -> Ownership:
        """Pass the lease of an owner that says nothing more; `watch` takes over."""
        with pytest.raises(ownership.AnotherOwns):
            watch.take()
        self.clock.now_s += LEASE_S
        return watch.take()

    def _know(self, release: pytest.MonkeyPatch, further: int) -> None:
        more = [SchemaScript(NEWEST + 1 + at, NEXT[at]) for at in range(further)]
        known = [*load_scripts(), *more]
        release.setattr(migration, "load_scripts", lambda: known)


@pytest.fixture
def releases(monkeypatch: pytest.MonkeyPatch) -> Iterator[Releases]:
    uri = shared_server().lend_database()
    with psycopg.connect(uri, autocommit=True) as connection:
        migrate(connection, SCHEMA)
    yield Releases(uri, monkeypatch)


def batch(id: str) -> port.Batch:
    return port.Batch(1, [event(id, new(1))])


def waits(watch: OwnerWatch) -> None:
    with pytest.raises(ownership.AnotherOwns):
        watch.take()


def is_refused(look: Callable[[], object], schema: int, knows: int) -> None:
    with pytest.raises(port.StoreRefused) as refusal:
        look()
    assert str(refusal.value) == (
        f"The database has schema {schema}; this release knows {knows}. Start the newer release."
    )


def test_an_owner_goes_on_beside_a_migration_and_who_waits_takes_over_from_it(
    releases: Releases,
) -> None:
    half = releases.own(releases.watch().take())
    assert list(half.commit(batch("a")).seqs) == [1]
    watch = releases.watch()
    waits(watch)
    releases.migrate(1)
    assert list(half.commit(batch("b")).seqs) == [2]
    half = releases.own(releases.leave(watch))
    assert len(half.commit(batch("c")).seqs) == 1
    assert list(half.commit(batch("b")).seqs) == [0]  # it is there


def test_who_waits_takes_over_from_an_owner_that_lets_go_beside_a_migration(
    releases: Releases,
) -> None:
    half = releases.own(releases.watch().take())
    watch = releases.watch()
    waits(watch)
    releases.migrate(1)
    half.close()
    watch.take()


def test_who_waits_takes_nothing_over_from_a_newer_release(releases: Releases) -> None:
    half = releases.own(releases.watch().take())
    older = releases.watch()
    waits(older)
    releases.migrate(1)
    newer = releases.watch(1)
    waits(newer)
    half.close()
    newest = releases.own(newer.take())
    is_refused(older.take, NEWEST + 1, NEWEST)  # at once, where somebody sees it
    newest.close()
    is_refused(older.take, NEWEST + 1, NEWEST)
    assert newer.take().epoch


def test_who_waited_through_two_migrations_takes_nothing_over(releases: Releases) -> None:
    releases.watch().take()
    older = releases.watch()
    waits(older)
    releases.migrate(2)
    is_refused(older.take, NEWEST + 2, NEWEST)


def test_who_has_never_seen_a_schema_that_it_knows_takes_nothing_over(releases: Releases) -> None:
    releases.watch().take()
    releases.migrate(1)
    is_refused(releases.watch().take, NEWEST + 1, NEWEST)


def test_the_newer_release_serves_on_the_schema_before(releases: Releases) -> None:
    half = releases.own(releases.watch(1).take())
    assert list(half.commit(batch("a")).seqs) == [1]
    older = releases.watch()
    assert releases.leave(older).epoch
