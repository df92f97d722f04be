"""One owner at a time: the commit of a former one fails whole, and others wait for its lease."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import psycopg
import pytest

from tests.postgres_server import shared_server
from tests.store.postgres.databases import SCHEMA, connect, rows
from tests.store.rows import ORG, event, new, settled
from tidings.core.running.lease import LEASE_S
from tidings.store import port
from tidings.store.postgres import ownership
from tidings.store.postgres.database import StoreDatabase
from tidings.store.postgres.halves import PostgresReader, PostgresWriter
from tidings.store.postgres.migration import migrate
from tidings.store.postgres.ownership import NotOwner, Ownership, OwnerWatch, release, renewals


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


class Place(NamedTuple):
    """A database with the schema in it, and a clock."""

    database: StoreDatabase
    clock: Clock

    def watch(self) -> OwnerWatch:
        return OwnerWatch(self.database.connect, self.clock)

    def ask(self, query: str, *values: object) -> list[Any]:
        with connect(self.database.uri) as connection:
            return rows(connection, query, *values)


@pytest.fixture
def place() -> Iterator[Place]:
    database = StoreDatabase(shared_server().lend_database(), SCHEMA)
    with psycopg.connect(database.uri, autocommit=True) as connection:
        migrate(connection, SCHEMA)
    yield Place(database, Clock())


def owner(place: Place, ours: Ownership) -> PostgresWriter:
    return PostgresWriter(place.database.open_writer(ours), ours)


def batch(*ids: str, version: int = 1) -> port.Batch:
    return port.Batch(version, [event(id, new(1)) for id in ids])


def test_a_new_store_is_taken_at_once_and_one_that_was_released_too(place: Place) -> None:
    first = place.watch().take()
    half = owner(place, first)
    assert list(half.commit(batch("a")).seqs) == [1]
    half.close()
    second = place.watch().take()
    assert second.epoch == first.epoch + 1 and second.holder != first.holder


def test_connections_are_named_by_cell_and_epoch_and_each_owner_has_names_of_its_own(
    place: Place,
) -> None:
    def cell() -> OwnerWatch:
        return OwnerWatch(place.database.connect, place.clock, cell=99_999)

    taken = []
    for _ in range(2):
        ours = cell().take()
        half = owner(place, ours)
        names = place.ask("SELECT application_name FROM pg_stat_activity WHERE pid > 0")
        assert (f"{ours.holder} writes",) in [tuple(row) for row in names]
        half.close()
        taken.append(ours)
    assert [ours.holder[:-16] for ours in taken] == [
        f"tidings cell=99999 epoch={ours.epoch} " for ours in taken
    ]
    assert taken[0].holder != taken[1].holder
    longest = f"tidings cell=99999 epoch=999999999999 {'f' * 16} searches"
    assert len(longest) <= 63  # PostgreSQL keeps no more


def test_a_living_owner_is_waited_for_until_a_whole_lease_has_passed_without_a_commit(
    place: Place,
) -> None:
    half = owner(place, place.watch().take())
    watch = place.watch()
    for _ in range(3):
        with pytest.raises(port.StoreDown, match="stands by"):
            watch.take()
        place.clock.now_s += LEASE_S - 0.1
        half.commit(port.Batch(0))  # the empty batch renews
    with pytest.raises(port.StoreDown, match="stands by"):
        watch.take()
    place.clock.now_s += LEASE_S - 0.1
    with pytest.raises(port.StoreDown, match="stands by"):
        watch.take()
    place.clock.now_s += 0.2
    watch.take()


def test_each_way_to_write_renews(place: Place) -> None:
    half = owner(place, place.watch().take())

    def renewed() -> int:
        [(count,)] = place.ask("SELECT renewed FROM owner")
        return int(count)

    before = renewed()
    ways: list[Callable[[], object]] = [
        lambda: half.commit(batch("a")),
        lambda: half.commit(port.Batch(0)),
        lambda: half.inboxes.use(1, 5),
        lambda: half.keyed_calls.end(b"place", None),
        lambda: half.record(port.AuditWrite(b"k" * 32, ()), lambda: half.inboxes.use(1, 6)),
    ]
    for way in ways:
        way()
        assert renewed() > before, way
        before = renewed()


def test_who_takes_over_ends_what_the_former_owner_has_open(place: Place) -> None:
    former = place.watch().take()
    half = owner(place, former)
    log = place.database.open_reader(former, 10)
    search = place.database.open_search(former, 10)
    reading = PostgresReader(log, search)
    half.connection.begin()  # it hangs in the middle of a commit
    half.connection.execute("UPDATE meta SET value = value WHERE key = 'clean_stop'")
    watch = place.watch()
    with pytest.raises(port.StoreDown):
        watch.take()
    place.clock.now_s += LEASE_S
    ours = watch.take()
    assert list(owner(place, ours).commit(batch("a")).seqs) == [1]
    with pytest.raises(psycopg.OperationalError):
        half.connection.commit()
    assert half.connection.is_lost()
    with pytest.raises(psycopg.OperationalError):
        reading.log.events(port.EventQuery(org=ORG, limit=5))
    with pytest.raises(psycopg.OperationalError):
        search.execute("SELECT 1")


def test_a_former_owner_that_comes_back_commits_nothing_more(place: Place) -> None:
    """Also one whose connection nobody has ended: by another name than that of the row."""
    former = place.watch().take()
    half = owner(place, former)
    half.commit(batch("a"))
    place.ask("UPDATE owner SET epoch = epoch + 1, holder = 'another' RETURNING 1")
    writes: list[Callable[[], object]] = [
        lambda: half.commit(batch("b")),
        lambda: half.commit(port.Batch(0, settled=[settled(1)])),
        lambda: half.commit(port.Batch(0)),
        lambda: half.inboxes.use(1, 5),
    ]
    for write in writes:
        with pytest.raises(NotOwner):
            write()
    assert place.ask("SELECT id FROM event") == [("a",)]
    assert place.ask("SELECT state FROM delivery") == [(0,)]
    with connect(place.database.uri) as connection:
        with pytest.raises(NotOwner):
            renewals(connection, former)
        release(connection, former)  # of another's it takes nothing away
    assert place.ask("SELECT holder FROM owner") == [("another",)]


@contextmanager
def roles(place: Place, *names: str) -> Iterator[None]:
    """Roles that may come in."""
    with connect(place.database.uri) as connection:
        for name in names:
            connection.execute(f"CREATE ROLE {name} LOGIN".encode())
        try:
            yield
        finally:
            for name in names:
                connection.execute(f"DROP OWNED BY {name} CASCADE".encode())
                connection.execute(f"DROP ROLE {name}".encode())


def test_a_connection_of_another_role_with_the_owners_name_hinders_no_take_over(
    place: Place,
) -> None:
    """As of a former owner whose role was replaced, or of whoever has read the name; `pg_monitor`,
    which the doctor asks for, lets a role see such names."""

    def of(role: str) -> StoreDatabase:
        return StoreDatabase(re.sub(r"//[^/@]*@", f"//{role}@", place.database.uri), SCHEMA)

    with roles(place, "tidings_taker", "tidings_other"):
        with connect(place.database.uri) as connection:
            migrate(connection, SCHEMA, "tidings_taker")
            connection.execute("GRANT pg_monitor TO tidings_taker")
        watch = OwnerWatch(of("tidings_taker").connect, place.clock)
        former = watch.take()
        waits = OwnerWatch(of("tidings_taker").connect, place.clock)
        with of("tidings_other").connect(f"{former.holder} writes"):
            with pytest.raises(port.StoreDown):
                waits.take()
            place.clock.now_s += LEASE_S
            assert waits.take().epoch == former.epoch + 1


@pytest.mark.parametrize("write", [0, 1, 2])
def test_an_owner_whose_database_went_back_commits_nothing_more(place: Place, write: int) -> None:
    """It was restored in its place with the service running: epoch and holder are those of then."""
    half = owner(place, place.watch().take())
    half.commit(batch("a"))
    [(kept,)] = place.ask("SELECT renewed FROM owner")
    half.commit(batch("b"))
    place.ask("DELETE FROM event_id WHERE seq = 2 RETURNING 1")
    for table, column in (("delivery", "event"), ("body", "seq"), ("event", "seq")):
        place.ask(f"DELETE FROM {table} WHERE {column} = 2 RETURNING 1")
    place.ask("UPDATE owner SET renewed = %s RETURNING 1", kept)
    writes: list[Callable[[], object]] = [
        lambda: half.commit(batch("c")),
        lambda: half.commit(port.Batch(0)),
        lambda: half.inboxes.use(1, 5),
    ]
    with pytest.raises((psycopg.OperationalError, port.StoreDown), match="has gone back"):
        writes[write]()
    assert half.connection.is_lost(), "whoever opens it again finds that commits are lost"
    assert place.ask("SELECT seq, id FROM event") == [(1, "a")], "no number is given again"


def test_search_is_written_by_the_owner_alone(place: Place) -> None:
    former = place.watch().take()
    owner(place, former).commit(batch("a"))
    log = place.database.open_reader(former, 10)
    reading = PostgresReader(log, place.database.open_search(former, 10))
    place.ask("UPDATE owner SET epoch = epoch + 1 RETURNING 1")
    with pytest.raises(NotOwner):
        reading.background()
    assert place.ask("SELECT count(*) FROM segment") == [(0,)]


def test_of_many_who_wait_one_takes_over(place: Place) -> None:
    owner(place, place.watch().take())
    watches = [place.watch() for _ in range(6)]
    for watch in watches:
        with pytest.raises(port.StoreDown):
            watch.take()
    place.clock.now_s += LEASE_S
    taken: list[Ownership] = []
    barrier = threading.Barrier(len(watches))

    def take(watch: OwnerWatch) -> None:
        barrier.wait()
        try:
            taken.append(watch.take())
        except port.StoreDown:
            pass

    threads = [threading.Thread(target=take, args=(watch,)) for watch in watches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == 1


WAITS = """
CREATE FUNCTION waits() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {does}; RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER waits AFTER UPDATE ON owner DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION waits();
"""


@pytest.mark.parametrize(
    "does", ["PERFORM pg_sleep(600)", "RAISE WARNING 'canceling wait for synchronous replication'"]
)
def test_a_take_over_whose_commit_does_not_end_is_given_up_and_made_later(
    does: str, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with a synchronous standby that is away: the server commits when its wait is cancelled,
    and says so by a warning."""
    monkeypatch.setattr(ownership, "WAIT_S", 0.05)
    watch = place.watch()
    with connect(place.database.uri) as connection:
        connection.execute(WAITS.format(does=does).encode())
        for _ in range(2):
            with pytest.raises(port.StoreDown):
                watch.take()
        connection.execute("DROP TRIGGER waits ON owner")
    assert watch.take().epoch == 1
    assert place.ask("SELECT epoch FROM owner") == [(1,)]


class CutConnection:
    """Loses the answer to a take-over."""

    def __init__(self, connection: "psycopg.Connection[Any]") -> None:
        self._connection = connection

    def __enter__(self) -> "CutConnection":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def execute(self, query: bytes, *values: Any) -> Any:
        found = self._connection.execute(query, *values)
        if query.startswith(b"UPDATE owner SET epoch"):
            raise psycopg.OperationalError("the connection is lost")
        return found


def watch_without_answer(place: Place) -> OwnerWatch:
    """One that has taken the store over and does not know it."""
    cut = [True]

    def connect(name: str) -> Any:
        connection = place.database.connect(name)
        return CutConnection(connection) if cut.pop() else connection

    watch = OwnerWatch(connect, place.clock)
    with pytest.raises(port.StoreDown):
        watch.take()
    cut.append(False)
    return watch


def test_who_has_taken_over_and_got_no_answer_owns_it_and_waits_for_no_lease(place: Place) -> None:
    watch = watch_without_answer(place)
    [(epoch, holder)] = place.ask("SELECT epoch, holder FROM owner")
    assert watch.take() == (epoch, holder) == (1, holder)
    assert place.ask("SELECT renewed FROM owner") == [(1,)], "it was found out by a write"


def test_who_lost_a_take_over_to_another_does_not_own_it(place: Place) -> None:
    watch = watch_without_answer(place)
    place.ask("UPDATE owner SET epoch = epoch + 1, holder = 'another' RETURNING 1")
    with pytest.raises(port.StoreDown, match="stands by"):
        watch.take()


def test_who_could_not_start_its_processes_keeps_what_it_has_taken(place: Place) -> None:
    watch = place.watch()
    assert watch.take() == watch.take()
    assert place.ask("SELECT epoch FROM owner") == [(1,)]
