"""A database as the store: what must be there before it is opened."""

import base64
import sys
import time
from pathlib import Path

import psycopg
import pytest

from tests.cli.command import Command
from tests.e2e.harness.service import free_port
from tests.store.postgres.databases import migrated
from tidings.app.database import driver_refusal, store_opener
from tidings.app.keys.key_check import check_of
from tidings.engine.vault import SealedSecret, VaultRefused
from tidings.settings.load import load
from tidings.store.port import StoreDown
from tidings.store.postgres.database import StoreDatabase
from tidings.store.postgres.ownership import OwnerWatch

RIGHT, WRONG = SealedSecret(b"r" * 32), SealedSecret(b"w" * 32)


def test_a_start_names_the_extra_that_speaks_to_the_database(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = load({"TIDINGS_DATABASE": "postgresql://db"})
    assert driver_refusal(settings) is None
    monkeypatch.setitem(sys.modules, "psycopg", None)  # as if it were not installed
    assert driver_refusal(settings) == (
        "database must come with what speaks to PostgreSQL; it is not installed. Run "
        'pip install "$(ls dist/tidings-*.whl)[postgres]".'
    )
    assert driver_refusal(load({})) is None


async def test_who_could_not_serve_does_not_stand_by(tmp_path: Path) -> None:
    uri = migrated()
    with psycopg.connect(uri, autocommit=True) as connection:
        number = check_of(RIGHT)
        connection.execute("INSERT INTO tidings.meta VALUES ('key_check', %s)", (number,))
    OwnerWatch(StoreDatabase(uri).connect, time.monotonic).take()  # somebody serves
    settings = load({"TIDINGS_DATABASE": uri}, None, {"data": tmp_path / "data"})
    opens, _ = store_opener(settings, lambda: None, WRONG)
    with pytest.raises(VaultRefused, match=r"first served with.*wrong_key"):
        await opens()
    assert not settings.data.exists()
    opens, _ = store_opener(settings, lambda: None, RIGHT)
    with pytest.raises(StoreDown, match="stands by"):
        await opens()


def test_files_that_a_take_over_would_refuse_are_refused_before(tmp_path: Path) -> None:
    """Also where the data directory is there: of a database, it holds nothing that was served."""
    actions = tmp_path / "actions.toml"
    actions.write_text("nonsense = 1\n")
    run = Command(
        tmp_path,
        TIDINGS_DATABASE="postgresql://127.0.0.1:1/tidings",
        TIDINGS_MASTER_KEY=base64.b64encode(RIGHT.reveal()).decode(),
        TIDINGS_ACTIONS=str(actions),
    )
    refused = run("serve", "--data", str(tmp_path), "--port", str(free_port())).must(2)
    assert "nonsense" in refused.err
