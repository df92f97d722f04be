"""`tidings master-key create`: a key that a service takes, another one each time."""

from pathlib import Path

from tests.cli.command import Command
from tidings.app.keys.master_key import read_master_key
from tidings.settings.load import load


def test_a_created_key_is_one_that_a_service_takes(tmp_path: Path) -> None:
    run = Command(tmp_path)
    first, second = (run("master-key", "create").must() for _ in range(2))
    assert first.out != second.out and first.err.endswith("tidings serve\n")
    given = {"TIDINGS_DATABASE": "postgresql://db", "TIDINGS_MASTER_KEY": first.out.strip()}
    key = read_master_key(load(given))
    assert key is not None and len(key.reveal()) == 32


def test_a_start_with_a_database_and_no_key_is_refused(tmp_path: Path) -> None:
    data = tmp_path / "data"
    given = {"TIDINGS_DATABASE": "postgresql://db"}
    done = Command(tmp_path)("serve", "--data", str(data), "--port", "18431", **given).must(4)
    assert "Print one with `tidings master-key create`" in done.err and not data.exists()
