"""The schema is brought forward by whoever migrates, and by nobody who serves."""

import itertools
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest
from psycopg import errors

from tests.e2e.harness.until import PATIENCE_S, until
from tests.postgres_server import shared_server
from tests.store.postgres.databases import SCHEMA, connect, migrated, rows
from tidings.core.cells.ranges import only_cell
from tidings.core.ids import OrgId
from tidings.core.running.lease import LEASE_S
from tidings.store import port
from tidings.store.postgres import migration
from tidings.store.postgres.database import StoreDatabase
from tidings.store.postgres.halves import PostgresWriter
from tidings.store.postgres.migration import (
    DatabaseRefused,
    DriverConnection,
    SchemaScript,
    check_schema,
    load_scripts,
    migrate,
    newest_schema,
    schema_of,
)
from tidings.store.postgres.ownership import OwnerWatch

FOLDER = Path(migration.__file__).parent / "schema"
NEWEST = newest_schema()
ROLE = "tidings_serves"
WAITS = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'delivery'::regclass)"
PATIENCE_MS = 120_000  # of a busy machine, for a table that nobody uses
EVERYTHING = (
    "SELECT 'column', table_name, column_name, data_type FROM information_schema.columns"
    " WHERE table_schema = 'tidings'"
    " UNION ALL SELECT 'index', tablename, indexname, indexdef FROM pg_indexes"
    " WHERE schemaname = 'tidings'"
    " UNION ALL SELECT 'function', proname, '', prosrc FROM pg_proc"
    " WHERE pronamespace = to_regnamespace('tidings') ORDER BY 1, 2, 3, 4"
)
# What looks at a database before it does anything.
LOOKS: list[Callable[[DriverConnection], int]] = [
    check_schema,
    lambda connection: migrate(connection, SCHEMA),
]
ALTERS = [
    "CREATE TABLE fresh (id bigint)",
    "CREATE FUNCTION fresh() RETURNS bigint LANGUAGE sql RETURN 1",
    "ALTER TABLE event ADD COLUMN fresh bigint",
    "DROP TABLE event",
    "TRUNCATE event",
    "CREATE INDEX fresh ON event (at_ms)",
    "ALTER TABLE delivery DISABLE TRIGGER touched_dropped",
    "DROP FUNCTION hex(bytea)",
    "ALTER SEQUENCE touched_mark RESTART",
    "SELECT setval('touched_mark', 1)",
    "CREATE SCHEMA fresh",
    "INSERT INTO schema_version VALUES (99)",
    "UPDATE schema_version SET number = 99",
    "DELETE FROM schema_version",
]


def follow(monkeypatch: pytest.MonkeyPatch, *statements: str) -> None:
    """Have this release know further scripts."""
    further = [SchemaScript(NEWEST + at, text) for at, text in enumerate(statements, start=1)]
    known = [*load_scripts(), *further]
    monkeypatch.setattr(migration, "load_scripts", lambda: known)


@contextmanager
def role(uri: str, name: str = ROLE) -> Iterator[None]:
    """A role that may come in, and nothing else."""
    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute(f"DROP ROLE IF EXISTS {name}".encode())
        connection.execute(f"CREATE ROLE {name} LOGIN".encode())
    yield
    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute(f"DROP OWNED BY {name} CASCADE".encode())
        connection.execute(f"DROP ROLE {name}".encode())


def test_the_scripts_are_numbered_without_a_gap() -> None:
    assert [script.number for script in load_scripts()] == [*range(1, NEWEST + 1)]
    assert {path.suffix for path in FOLDER.iterdir()} == {".sql"}


def test_a_database_is_made_and_then_left_as_it_is() -> None:
    with connect(shared_server().lend_database()) as connection:
        assert schema_of(connection) == 0
        assert migrate(connection, SCHEMA) == NEWEST
        assert schema_of(connection) == NEWEST
        assert check_schema(connection) == NEWEST
        before = rows(connection, EVERYTHING)
        [(installation,)] = rows(connection, "SELECT id FROM installation")
        assert len(bytes.fromhex(installation)) == 8
        assert migrate(connection, SCHEMA) == NEWEST
        assert rows(connection, EVERYTHING) == before
        assert rows(connection, "SELECT id FROM installation") == [(installation,)]
        assert rows(connection, "SELECT number FROM schema_version ORDER BY 1") == [
            (number,) for number in range(1, NEWEST + 1)
        ]


@pytest.mark.parametrize("autocommit", [True, False])
def test_it_is_kept_however_the_connection_commits(autocommit: bool) -> None:
    uri = shared_server().lend_database()
    with psycopg.connect(uri, autocommit=autocommit) as connection:
        migrate(connection, SCHEMA)
        assert connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
        with connect(uri) as other:
            assert check_schema(other) == NEWEST


def test_it_lies_in_the_schema_that_is_named_and_nowhere_else() -> None:
    name = 'Of a "cell"'
    with connect(shared_server().lend_database(), path="public") as connection:
        migrate(connection, name)
        found = rows(connection, "SELECT DISTINCT schemaname FROM pg_tables ORDER BY 1")
        assert found == [(name,), ("information_schema",), ("pg_catalog",)]
        assert schema_of(connection) == 0
        migrate(connection, "tidings")
        connection.execute("SET search_path = tidings")
        assert schema_of(connection) == NEWEST


def test_a_newer_database_is_refused(database: DriverConnection) -> None:
    database.execute("INSERT INTO schema_version VALUES (%s)", (NEWEST + 1,))
    before = rows(database, EVERYTHING)
    for look in LOOKS:
        with pytest.raises(DatabaseRefused) as refusal:
            look(database)
        assert str(refusal.value) == (
            f"The database has schema {NEWEST + 1}; this release knows {NEWEST}. "
            "Start the newer release."
        )
    assert rows(database, EVERYTHING) == before


def test_a_release_serves_on_its_schema_and_on_the_one_before(
    database: DriverConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    follow(monkeypatch, "ALTER TABLE event ADD COLUMN fresh bigint")
    assert check_schema(database) == NEWEST
    follow(monkeypatch, "ALTER TABLE event ADD COLUMN fresh bigint", "CREATE TABLE fresh (id int8)")
    before = rows(database, EVERYTHING)
    with pytest.raises(DatabaseRefused) as refusal:
        check_schema(database)
    assert str(refusal.value) == (
        f"The database has schema {NEWEST}; this release needs {NEWEST + 1} or {NEWEST + 2}. "
        "Run: tidings migrate"
    )
    assert rows(database, EVERYTHING) == before  # to serve changes nothing
    assert migrate(database, SCHEMA) == NEWEST + 2
    assert check_schema(database) == NEWEST + 2


def test_on_a_schema_without_a_place_for_ranges_a_store_is_the_only_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    uri = shared_server().lend_database()
    with connect(uri) as connection:
        scripts = load_scripts()
        with monkeypatch.context() as before:
            before.setattr(migration, "load_scripts", lambda: scripts[:3])
            migrate(connection, SCHEMA)
            before.setattr(migration, "load_scripts", lambda: scripts[:4])
            assert check_schema(connection) == 3
        # As the release before numbers rows; and one of them is gone.
        connection.execute(
            "INSERT INTO source (org, name, sealed, created_ms, changed_ms)"
            " VALUES (1, 'a', '', 0, 0), (1, 'b', '', 0, 0)"
        )
        connection.execute("DELETE FROM source WHERE number = 2")
    half = writer(uri)
    assert half.numbers.ranges() == only_cell()
    for changed in (half.numbers.end_endless, lambda: half.numbers.grant([3])):
        with pytest.raises((port.StoreDown, port.StaleChange)):
            changed()
    assert half.sources.put(port.StoredSource(0, OrgId(1), "c", b"")).number == 3
    with connect(uri) as connection:
        migrate(connection, SCHEMA)
    half = writer(uri)
    assert half.numbers.end_endless() == 1
    assert half.numbers.grant([1]).spares == (1,)


def writer(uri: str) -> PostgresWriter:
    """Own a store."""
    database = StoreDatabase(uri, SCHEMA)
    leaps = itertools.count(0.0, 2 * LEASE_S).__next__
    watch = OwnerWatch(database.connect, leaps)
    while True:
        with suppress(port.StoreDown):
            ours = watch.take()
            break
    return PostgresWriter(database.open_writer(ours), ours)


@pytest.mark.parametrize("made", [False, True])
def test_who_serves_where_nobody_has_migrated_is_told_so(made: bool) -> None:
    with connect(shared_server().lend_database()) as connection:
        if made:
            connection.execute("CREATE SCHEMA tidings")
        with pytest.raises(DatabaseRefused, match=r"sees none\. Run: tidings migrate$"):
            check_schema(connection)
        assert rows(connection, EVERYTHING) == []


def test_what_was_ended_half_way_goes_on_where_it_stopped(
    database: DriverConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = "ALTER TABLE event ADD COLUMN fresh bigint"
    follow(monkeypatch, first, "CREATE TABLE fresh (id bigint); SELECT 1 / 0")
    with pytest.raises(errors.DivisionByZero):
        migrate(database, SCHEMA)
    assert schema_of(database) == NEWEST + 1
    assert rows(database, "SELECT to_regclass('fresh') IS NULL") == [(True,)]
    follow(monkeypatch, first, "CREATE TABLE fresh (id bigint)")
    assert migrate(database, SCHEMA) == NEWEST + 2
    assert rows(database, "SELECT * FROM fresh") == []


def test_who_is_killed_between_leaves_whole_scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    uri = migrated()
    ends_itself = "CREATE TABLE fresh (id int8); SELECT pg_terminate_backend(pg_backend_pid())"
    follow(monkeypatch, "ALTER TABLE event ADD COLUMN fresh bigint", ends_itself)
    with pytest.raises(psycopg.OperationalError), connect(uri) as connection:
        migrate(connection, SCHEMA)
    follow(monkeypatch, "ALTER TABLE event ADD COLUMN fresh bigint", "CREATE TABLE fresh (id int8)")
    with connect(uri) as connection:
        assert schema_of(connection) == NEWEST + 1
        assert migrate(connection, SCHEMA) == NEWEST + 2


def test_two_at_once_run_one_behind_the_other() -> None:
    uri = shared_server().lend_database()
    at_once = threading.Barrier(3)
    ended: list[object] = []

    def run() -> None:
        with connect(uri) as connection:
            at_once.wait()
            try:
                ended.append(migrate(connection, SCHEMA))
            except Exception as error:  # told below, whatever it is
                ended.append(error)

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ended == [NEWEST] * 3


def test_a_limit_on_statements_does_not_end_a_script(monkeypatch: pytest.MonkeyPatch) -> None:
    uri = migrated()
    follow(monkeypatch, "SELECT pg_sleep(0.2)")
    with connect(uri) as connection:
        connection.execute("SET statement_timeout = 100")
        assert migrate(connection, SCHEMA) == NEWEST + 1
        assert rows(connection, "SHOW statement_timeout") == [("100ms",)]


def test_who_serves_does_not_wait_behind_a_script_that_waits_for_a_table(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    uri = migrated()
    follow(monkeypatch, "CREATE TABLE fresh (id int8); ALTER TABLE event ADD COLUMN fresh bigint")
    monkeypatch.setattr(migration, "WAIT_MS", 50)
    pauses: list[float] = []
    with connect(uri) as backup, connect(uri) as serves, connect(uri) as connection:
        connection.execute("SET lock_timeout = 1")  # of a role, and not for a migration
        backup.execute("BEGIN")
        assert rows(backup, "SELECT count(*) FROM event") == [(0,)]

        def pause(seconds: float) -> None:
            pauses.append(seconds)
            assert rows(serves, "SELECT to_regclass('fresh') IS NULL") == [(True,)]
            serves.execute("UPDATE event SET at_ms = at_ms")
            if len(pauses) == 2:
                backup.execute("COMMIT")
                monkeypatch.setattr(migration, "WAIT_MS", PATIENCE_MS)

        monkeypatch.setattr(migration, "sleep", pause)
        assert migrate(connection, SCHEMA) == NEWEST + 1
        assert pauses == [migration.AGAIN_S] * 2
        assert rows(connection, "SHOW lock_timeout") == [("1ms",)]


def test_a_script_that_meets_a_commit_the_other_way_round_is_run_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    uri = migrated()
    both = "ALTER TABLE event ADD COLUMN fresh int8; ALTER TABLE delivery ADD COLUMN fresh int8"
    follow(monkeypatch, both)
    monkeypatch.setattr(migration, "WAIT_MS", 5_000)  # longer than until a deadlock is looked for
    pauses: list[float] = []
    monkeypatch.setattr(migration, "sleep", pauses.append)
    with connect(uri) as serves, connect(uri) as looks, connect(uri) as connection:
        serves.execute("SET deadlock_timeout = '1h'")  # so that the other one is ended
        serves.execute("BEGIN")
        serves.execute("UPDATE delivery SET attempts = attempts")
        with ThreadPoolExecutor() as pool:
            migrating = pool.submit(migrate, connection, SCHEMA)
            until(lambda: rows(looks, WAITS) == [(True,)], "a script that waits for a table")
            serves.execute("UPDATE event SET at_ms = at_ms")
            serves.execute("COMMIT")
            assert migrating.result(PATIENCE_S) == NEWEST + 1
    assert pauses and set(pauses) == {migration.AGAIN_S}


def test_where_a_table_stays_in_use_it_says_so_and_leaves_that_script_undone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    uri = migrated()
    follow(monkeypatch, "CREATE TABLE fresh (id int8)", "ALTER TABLE event ADD COLUMN fresh bigint")
    monkeypatch.setattr(migration, "WAIT_MS", 10)
    monkeypatch.setattr(migration, "AGAIN_S", 0.0)
    with connect(uri) as backup, connect(uri) as connection:
        backup.execute("BEGIN")
        assert rows(backup, "SELECT count(*) FROM event") == [(0,)]
        with pytest.raises(DatabaseRefused) as refusal:
            migrate(connection, SCHEMA)
        assert str(refusal.value) == (
            "The tables must be free for a moment to be changed; another transaction, such as that "
            "of a backup, has one in use all the time (canceling statement due to lock timeout). "
            "Run again when it has ended: tidings migrate"
        )
        assert schema_of(connection) == NEWEST + 1
        backup.execute("COMMIT")
        monkeypatch.setattr(migration, "WAIT_MS", PATIENCE_MS)
        assert migrate(connection, SCHEMA) == NEWEST + 2


@pytest.mark.parametrize(
    "theirs", ["schema_version (version text)", "customer (id bigint)"], ids=["numbered", "other"]
)
def test_a_schema_of_somebody_else_is_left_alone(theirs: str) -> None:
    with connect(shared_server().lend_database(), path="public") as connection:
        connection.execute(f"CREATE TABLE {theirs}".encode())
        with pytest.raises(DatabaseRefused, match=r"The schema public must be empty or of Tidings"):
            migrate(connection, "public")
        tables = rows(connection, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        assert tables == [(theirs.split(maxsplit=1)[0],)]
        with pytest.raises(DatabaseRefused, match="Run: tidings migrate"):
            check_schema(connection)


def test_a_role_that_may_not_is_told_what_it_lacks() -> None:
    uri = shared_server().lend_database()
    with role(uri), connect(uri, user=ROLE) as connection:
        with pytest.raises(DatabaseRefused) as refusal:
            migrate(connection, SCHEMA)
        database = connection.info.dbname
        assert str(refusal.value) == (
            f"The role {ROLE} must be allowed to make the schema tidings; it is not. "
            f"As an administrator: GRANT CREATE ON DATABASE {database} TO {ROLE}"
        )


def test_a_role_that_does_not_exist_is_told_how_to_make_it() -> None:
    with connect(shared_server().lend_database()) as connection:
        with pytest.raises(DatabaseRefused, match="As an administrator: CREATE ROLE nobody LOGIN"):
            migrate(connection, SCHEMA, "nobody")
        assert migrate(connection, SCHEMA) == NEWEST


def test_a_server_that_is_too_old_is_refused(
    database: DriverConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migration, "POSTGRES_MIN", 99)
    for look in LOOKS:
        with pytest.raises(DatabaseRefused, match=r"^PostgreSQL 99 or newer is needed; got \d"):
            look(database)


def test_a_database_of_another_encoding_is_refused() -> None:
    uri = shared_server().lend_database()
    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute(
            "CREATE DATABASE of_bytes ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0"
        )
    try:
        with connect(shared_server().uri("of_bytes"), client_encoding="utf8") as other:
            with pytest.raises(
                DatabaseRefused, match="must keep texts as UTF8; it keeps them as SQ"
            ):
                migrate(other, SCHEMA)
    finally:
        with psycopg.connect(uri, autocommit=True) as connection:
            connection.execute("DROP DATABASE of_bytes WITH (FORCE)")


@pytest.fixture
def serving() -> Iterator[DriverConnection]:
    """A connection of the role that serves."""
    uri = shared_server().lend_database()
    with role(uri):
        with connect(uri) as connection:
            migrate(connection, SCHEMA, ROLE)
        with connect(uri, user=ROLE) as connection:
            yield connection


def test_the_role_that_serves_writes_rows(serving: DriverConnection) -> None:
    assert check_schema(serving) == NEWEST
    delivery = "INSERT INTO delivery (id, event, webhook, version, state, attempts)"
    serving.execute(f"{delivery} VALUES (5000, 1, 1, 1, 0, 0)".encode())
    serving.execute("UPDATE delivery SET state = 3")
    serving.execute("DELETE FROM delivery")  # with what its triggers do
    assert rows(serving, "SELECT block FROM touched") == [(1,)]
    source = "INSERT INTO source (org, name, sealed, created_ms, changed_ms)"
    assert rows(serving, f"{source} VALUES (1, 'a', '', 0, 0) RETURNING number") == [(1,)]
    assert rows(serving, "SELECT hex('\\x0a'), glob('a*')") == [("0A", "^a.*$")]
    assert rows(serving, "UPDATE owner SET epoch = epoch + 1 RETURNING epoch") == [(1,)]


@pytest.mark.parametrize("statement", ALTERS)
def test_the_role_that_serves_alters_nothing(serving: DriverConnection, statement: str) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        serving.execute(statement.encode())


def test_the_role_that_serves_has_no_more_than_that_whatever_it_had() -> None:
    uri = shared_server().lend_database()
    with role(uri):
        with connect(uri) as connection:
            migrate(connection, SCHEMA)
            connection.execute(f"GRANT ALL ON SCHEMA tidings TO {ROLE}".encode())
            connection.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA tidings TO {ROLE}".encode())
            migrate(connection, SCHEMA, ROLE)
        with connect(uri, user=ROLE) as serving:
            for statement in ALTERS:
                with pytest.raises(errors.InsufficientPrivilege):
                    serving.execute(statement.encode())


def test_one_role_may_do_both(database: DriverConnection) -> None:
    assert migrate(database, SCHEMA, database.info.user) == NEWEST
    database.execute("ALTER TABLE event ADD COLUMN fresh bigint")


@pytest.mark.parametrize("named", [ROLE, None])
def test_tables_of_a_later_script_are_given_to_who_serves(
    named: str | None, serving: DriverConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where an update does not name that role once more."""
    follow(monkeypatch, "CREATE TABLE fresh (id bigint)")
    with connect(shared_server().uri(serving.info.dbname)) as connection:
        migrate(connection, SCHEMA, named)
    serving.execute("INSERT INTO fresh VALUES (1)")
    assert rows(serving, "SELECT * FROM fresh") == [(1,)]


def test_who_may_only_read_is_given_nothing_more_by_an_update(
    database: DriverConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = shared_server().uri(database.info.dbname)
    with role(uri):
        database.execute(f"GRANT USAGE ON SCHEMA tidings TO {ROLE}".encode())
        database.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA tidings TO {ROLE}".encode())
        follow(monkeypatch, "CREATE TABLE fresh (id bigint)")
        migrate(database, SCHEMA)
        with connect(uri, user=ROLE) as reader:
            assert rows(reader, "SELECT count(*) FROM owner") == [(1,)]
            assert migrate(reader, SCHEMA) == NEWEST + 1, "nothing is to be done"
            with pytest.raises(errors.InsufficientPrivilege):
                reader.execute("UPDATE owner SET holder = ''")
