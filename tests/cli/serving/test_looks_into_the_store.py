"""Commands that look into a data directory, where the service keeps its store in a database: each
looks there, or tells what to do instead."""

import re
from pathlib import Path

import psycopg
import pytest

from tests.cli.command import Command
from tests.e2e.harness.service import free_port
from tests.store.postgres.audit_log import owned_log
from tests.store.postgres.databases import migrated
from tidings.app.keys.derived_keys import AUDIT_PURPOSE, derive_key
from tidings.app.keys.key_check import check_of
from tidings.cli.app import app
from tidings.engine.vault import parse_key
from tidings.store.postgres.database import StoreDatabase
from tools.cli_page import help_of, paths

UNREADABLE = "postgresql://tidings:hush@127.0.0.1:1/tidings?hush=1"
KEY = "a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2U="
ACTIONS = """
org = 2001
[actions.tell]
types = ["customerAdded"]
[actions.tell.call]
url = "https://api.brand.example/told"
json = {a = {path = "event.data.a"}}
"""
DATABASE = "The database must be named as libpq reads it"

# By command: its other words, and what it tells of a database that libpq cannot read. `demo` plays
# on a directory of its own, whatever the settings are: test_demo.py.
LOOKS = {
    "serve": ([], DATABASE),
    "actions run": (["{home}/actions.toml"], DATABASE),
    "store check": ([], DATABASE),
    "audit verify": ([], DATABASE),
    "backup": (["--to", "{home}/copy"], "Back it up by pg_dump or base backups"),
    "restore": (["--from", "{home}/copy", "--data", "{home}/new"], "Restore it by pg_restore"),
    "cells create": (["--schema", "two"], DATABASE),
    "cells files": ([], DATABASE),
    "cells list": ([], DATABASE),
    "cells show": (["1"], DATABASE),
    "cells use-files": ([], DATABASE),
    "demo": ([], ""),
}


@pytest.fixture
def run(tmp_path: Path) -> Command:
    return Command(
        tmp_path,
        TIDINGS_DATABASE=UNREADABLE,
        TIDINGS_MASTER_KEY=KEY,
        TIDINGS_DATA=str(tmp_path / "data"),
        TIDINGS_PORT=str(free_port()),
    )


def test_the_list_has_every_command_with_a_data_directory() -> None:
    found = {" ".join(path) for path in paths(app, ()) if re.search(r"--data\b", help_of(path))}
    assert found == {*LOOKS}


@pytest.mark.parametrize("words", [words for words in LOOKS if words != "demo"])
def test_a_command_looks_into_the_database_or_tells_what_to_do(
    words: str, run: Command, tmp_path: Path
) -> None:
    more, answer = LOOKS[words]
    (tmp_path / "actions.toml").write_text(ACTIONS)  # files are checked before
    (tmp_path / "data").mkdir()
    done = run(*words.split(), *(word.format(home=tmp_path) for word in more)).must(4)
    assert answer in done.err
    if answer != DATABASE:
        assert "it is the database postgresql://tidings@127.0.0.1:1/tidings." in done.err
        assert "docs/postgresql.md" in done.err
    assert "tidings.db" not in done.err and "hush" not in done.err + done.out
    assert not {path.name for path in tmp_path.iterdir()} & {"copy", "new"}


@pytest.mark.parametrize("words", ["store check", "audit verify"])
def test_a_directory_that_the_command_line_names_is_looked_into(
    words: str, run: Command, tmp_path: Path
) -> None:
    done = run(*words.split(), "--data", str(tmp_path / "none")).must(4)
    assert "must be a data directory" in done.err and "tidings.db" in done.err


def test_a_copy_is_restored_where_the_settings_cannot_be_read(run: Command, tmp_path: Path) -> None:
    done = run(
        "restore", "--from", str(tmp_path), "--data", "new", TIDINGS_CONFIG=str(tmp_path / "none")
    ).must(4)
    assert "must be a backup made by `tidings backup`" in done.err


def test_the_audit_log_of_a_database_is_verified(run: Command) -> None:
    uri = migrated()
    key = derive_key(parse_key(KEY.encode(), "key"), AUDIT_PURPOSE)
    with owned_log(StoreDatabase(uri), key) as log:
        log.write(7, 7, 7)
        line = log.anchor()
    anchor = ("--anchor", line.digest.hex())
    done = run("audit", "verify", *anchor, TIDINGS_DATABASE=uri).must()
    assert f"number=1 at=1970-01-01T00:00:01.000Z digest={line.digest.hex()}" in done.out
    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute("UPDATE tidings.audit SET actor = 'nobody' WHERE number = 2")
    found = run("audit", "verify", *anchor, TIDINGS_DATABASE=uri).must(1)
    assert "Entry 2 of org 7 was changed" in found.out
    assert found.err.endswith("Next: tidings store check\n")
    report = run("audit", "verify", "--json", TIDINGS_DATABASE=uri).must(1).row
    assert report["faults"][0]["number"] == 2
    assert (
        "--anchor must"
        in run("audit", "verify", "--anchor", "no", TIDINGS_DATABASE=uri).must(2).err
    )
    keyless = run("audit", "verify", TIDINGS_DATABASE=uri, TIDINGS_MASTER_KEY="c2hvcnQ=").must(4)
    assert "must hold a key of 32 bytes" in keyless.err


def test_an_audit_log_is_not_verified_with_another_key(run: Command) -> None:
    uri = migrated()
    key = parse_key(KEY.encode(), "key")
    with owned_log(StoreDatabase(uri), derive_key(key, AUDIT_PURPOSE)) as log:
        log.write(7, 7, 7)
    with psycopg.connect(uri, autocommit=True) as connection:
        put = f"INSERT INTO tidings.meta VALUES ('key_check', {check_of(key)})"
        connection.execute(put.encode())
    run("audit", "verify", TIDINGS_DATABASE=uri).must()
    wrong = "d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3c="
    done = run("audit", "verify", TIDINGS_DATABASE=uri, TIDINGS_MASTER_KEY=wrong).must(4)
    assert "(wrong_key, master_key)" in done.err and done.out == ""
