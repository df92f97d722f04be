"""`tidings migrate`, `tidings store check` and what `tidings doctor` says of a database."""

from pathlib import Path

import psycopg
import pytest

from tests.cli.command import Command
from tests.postgres_server import shared_server
from tests.store.postgres.databases import migrated
from tidings.app import store_copying
from tidings.cli.serving.store import copy
from tidings.settings.database_uri import DatabaseUri
from tidings.store.postgres.migration import newest_schema

PAGE = (Path(__file__).parents[3] / "docs/postgresql.md").read_text("utf-8")
NEWEST = newest_schema()
AWAY = "postgresql://tidings:hush@127.0.0.1:1/tidings"


@pytest.fixture
def run(tmp_path: Path) -> Command:
    return Command(tmp_path, TIDINGS_URL="http://127.0.0.1:1", TIDINGS_KEY="a:b")


def test_a_migration_tells_from_which_number_to_which(run: Command) -> None:
    uri = shared_server().lend_database()
    name = DatabaseUri(uri).describe()
    done = run("migrate", TIDINGS_DATABASE=uri).must()
    assert done.out == f"tidings in {name}: from schema 0 to {NEWEST}.\n"
    assert done.err == "Next: tidings serve\n"
    done = run("migrate", "--database", uri).must()
    assert done.out == f"tidings in {name} has schema {NEWEST} already.\n"
    again = run("migrate", "--json", TIDINGS_DATABASE=uri).must().row
    assert (again["before"], again["after"], again["serveRole"]) == (NEWEST, NEWEST, None)


def test_a_migration_gives_the_role_that_serves_its_rights(run: Command) -> None:
    uri = shared_server().lend_database()
    missing = run("migrate", "--serve-role", "nobody_at_all", TIDINGS_DATABASE=uri).must(4)
    assert "CREATE ROLE nobody_at_all LOGIN" in missing.err
    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS tidings_migrated")
        connection.execute("CREATE ROLE tidings_migrated LOGIN")
        try:
            done = run("migrate", "--serve-role", "tidings_migrated", TIDINGS_DATABASE=uri).must()
            assert done.err.startswith("tidings_migrated may read and write its rows")
            shown = done.err.replace("tidings_migrated", "tidings")
            assert shown in PAGE and f"from schema 0 to {NEWEST}.\n{shown}" in PAGE
            assert run("master-key", "create").must().err in PAGE
            right = "SELECT has_table_privilege('tidings_migrated', 'tidings.event', 'INSERT')"
            assert connection.execute(right).fetchone() == (True,)
        finally:
            connection.execute("DROP OWNED BY tidings_migrated")
            connection.execute("DROP ROLE tidings_migrated")


@pytest.mark.parametrize("words", [["migrate"], ["store", "check"]])
def test_a_command_over_a_database_shows_no_password_and_ends_as_others_do(
    words: list[str], run: Command
) -> None:
    unreachable = run(*words, TIDINGS_DATABASE=AWAY).must(5)
    assert "postgresql://tidings@127.0.0.1:1/tidings: the database is not" in unreachable.err
    refused = run(*words, "--database", AWAY).must(2)
    assert "--database must hold no password" in refused.err
    odd = run(*words, TIDINGS_DATABASE=f"{AWAY}?hush=1").must(4)
    assert "The database must be named as libpq reads it" in odd.err
    for done in (unreachable, refused, odd):
        assert "hush" not in done.err + done.out


def test_without_a_database_there_is_nothing_to_migrate(run: Command) -> None:
    assert "each start brings its schema forward" in run("migrate").must(4).err


def test_a_store_is_checked_wherever_it_is(run: Command, tmp_path: Path) -> None:
    uri = migrated()
    done = run("store", "check", TIDINGS_DATABASE=uri).must()
    assert (done.out, done.err.splitlines()[0]) == ("", "Nothing is wrong with the store.")
    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute("INSERT INTO tidings.body (seq, bytes) VALUES (5, '')")
    found = run("store", "check", TIDINGS_DATABASE=uri).must(1)
    assert found.out == "1 bodies belong to no event: 5.\n"
    [row] = run("store", "check", "--json", TIDINGS_DATABASE=uri).must(1).rows
    assert row == {"finding": "1 bodies belong to no event: 5."}
    nothing = run("store", "check", "--data", str(tmp_path / "none")).must(4)
    assert "must be a data directory with tidings.db" in nothing.err


def test_the_doctor_looks_at_the_database_also_where_the_service_is_down(run: Command) -> None:
    done = run("doctor", TIDINGS_DATABASE=migrated()).must(1)
    assert f"✓ schema      The schema has number {NEWEST}." in done.out
    assert "✗ fsync       fsync is off" in done.out  # of the tests' server
    assert "✗ reached " in done.out
    down = run("doctor", TIDINGS_DATABASE=AWAY).must(5)
    assert "✗ database    postgresql://tidings@127.0.0.1:1/tidings: the database" in down.out
    assert "hush" not in down.out + down.err
    assert "✗ database" not in run("doctor").must(5).out


def test_a_copy_that_is_interrupted_says_how_it_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(store_copying, "copy_store", interrupted)
    with pytest.raises(KeyboardInterrupt):
        copy(source=tmp_path / "a", target=tmp_path / "b")
    assert "neither store starts before it is. Run the command again" in capsys.readouterr().err
