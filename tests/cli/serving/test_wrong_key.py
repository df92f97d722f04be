"""A master key that is not the store's: `tidings store check` and `tidings doctor` tell it."""

import base64
from contextlib import closing
from pathlib import Path

import apsw
import psycopg
import pytest

from tests.cli.command import Command
from tests.store.postgres.databases import migrated
from tidings.app.keys.key_check import check_of
from tidings.engine.vault import SealedSecret
from tidings.store.sqlite.database import open_writer

RIGHT, WRONG = SealedSecret(b"r" * 32), SealedSecret(b"w" * 32)
ANOTHER = "The master key must be the one that this store was first served with; it is another one."
PUT = f"('key_check', {check_of(RIGHT)})"


def in_base64(key: SealedSecret) -> str:
    return base64.b64encode(key.reveal()).decode()


@pytest.fixture
def run(tmp_path: Path) -> Command:
    return Command(tmp_path, TIDINGS_URL="http://127.0.0.1:1", TIDINGS_KEY="a:b")


def test_a_check_of_a_directory_tells_that_its_key_is_another_one(
    run: Command, tmp_path: Path
) -> None:
    file = tmp_path / "tidings.db"
    with closing(open_writer(file)):
        pass
    key = tmp_path / "key"
    key.touch(0o600)
    key.write_bytes(WRONG.reveal())
    run("store", "check", "--data", str(tmp_path)).must()  # nothing was kept of any key yet
    with closing(apsw.Connection(str(file))) as connection:
        connection.execute(f"INSERT INTO meta VALUES {PUT}")
    found = run("store", "check", "--data", str(tmp_path)).must(1)
    assert found.out == (
        f"{ANOTHER} Put back the file `key` that belongs to this data directory. (wrong_key, "
        f"{key})\n"
    )
    key.write_bytes(RIGHT.reveal())
    run("store", "check", "--data", str(tmp_path)).must()
    key.unlink()
    run("store", "check", "--data", str(tmp_path)).must()
    assert not key.exists()


def test_of_a_database_the_key_is_compared_where_it_is_given(run: Command, tmp_path: Path) -> None:
    uri = migrated()
    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute(f"INSERT INTO tidings.meta VALUES {PUT}".encode())
    wrong = {"TIDINGS_DATABASE": uri, "TIDINGS_MASTER_KEY": in_base64(WRONG)}
    right = wrong | {"TIDINGS_MASTER_KEY": in_base64(RIGHT)}
    remedy = "Give the master key that this database was first served with."
    assert run("store", "check", **wrong).must(1).out == (
        f"{ANOTHER} {remedy} (wrong_key, master_key)\n"
    )
    run("store", "check", **right).must()
    run("store", "check", TIDINGS_DATABASE=uri).must()
    assert f"✗ key {ANOTHER}" in diagnosed(run, wrong)
    assert "✓ key The master key is that of the store." in diagnosed(run, right)
    assert " key " not in diagnosed(run, {"TIDINGS_DATABASE": uri})
    missing = {"TIDINGS_DATABASE": uri, "TIDINGS_MASTER_KEY_FILE": str(tmp_path / "none")}
    assert "✗ key master_key_file must name a file" in diagnosed(run, missing)


def diagnosed(run: Command, environ: dict[str, str]) -> str:
    """What the doctor tells; the service does not answer it."""
    return " ".join(run("doctor", **environ).must(1).out.split())
