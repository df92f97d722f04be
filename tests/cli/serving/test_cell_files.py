"""`tidings cells files` and `use-files`, as an operator sees them."""

from pathlib import Path

import pytest

from tests.app.cells.commands.one_installation import MASTER, OneInstallation, on_directories
from tests.cli.command import Command
from tidings.app.cells.files.file_rows import row_name, row_of
from tidings.app.cells.files.own_digests import digests_of
from tidings.app.cells.map_place import open_map_rows
from tidings.core.cells.families import CellId
from tidings.engine.vault import KEY_FILE
from tidings.settings.settings import Settings


@pytest.fixture
def run(tmp_path: Path) -> Command:
    return Command(tmp_path, TIDINGS_URL="http://127.0.0.1:1", TIDINGS_KEY="a:b")


@pytest.fixture
def installation(tmp_path: Path) -> OneInstallation:
    made = on_directories(tmp_path)
    made.serve_once()
    key = made.settings.data / KEY_FILE
    key.touch(0o600)
    key.write_bytes(MASTER.reveal())
    return made


def test_files_are_put_in_force_and_who_runs_with_others_is_shown(
    run: Command, installation: OneInstallation, tmp_path: Path
) -> None:
    data = str(installation.settings.data)
    assert "There is one cell" in run("cells", "files", "--data", data).must().err
    assert "There is one cell" in run("cells", "use-files", "--data", data).must(4).err
    installation.add()
    file = tmp_path / "connections.toml"
    file.write_text('[main]\ntype = "kafka"\nservers = "a:1"\n')
    given = {"TIDINGS_CONNECTIONS": str(file)}
    used = run("cells", "use-files", "--data", data, **given).must()
    assert "In force now: " in used.err and "connections" in used.err
    again = run("cells", "use-files", "--data", data, **given).must()
    assert "Nothing differs: what is here is in force." in again.err

    old = digests_of(Settings(data=installation.settings.data, connections=file), MASTER)
    rows = open_map_rows(installation.settings)
    rows.platform.put([row_of(row_name(CellId(1)), old, None)])
    rows.close()
    file.write_text('[main]\ntype = "kafka"\nservers = "b:1"\n')
    shown = run("cells", "files", "--data", data, **given).must()
    assert "Cell 2: no process has said with which files it runs." in shown.err
    assert "Next: tidings cells use-files" in shown.err
    first = run("cells", "files", "--json", "--data", data, **given).must().rows[0]
    assert first["name"] == "connections" and first["inForce"] == old["connections"]
    assert first["here"] not in ("", first["inForce"]) and first["others"] == {}
    changed = run("cells", "use-files", "--json", "--data", data, **given).must().row
    assert changed == {"changed": ["connections"]}
    shown = run("cells", "files", "--data", data, **given).must()
    assert f"cell 1: {old['connections'][:8]}" in shown.out
    assert "Start the processes of these cells again." in shown.err
    doctor = run("doctor", TIDINGS_DATA=data, **given)
    assert "Cell 1 runs with others than are in force of: connections." in doctor.out


def test_a_file_that_a_start_would_refuse_is_not_put_in_force(
    run: Command, installation: OneInstallation, tmp_path: Path
) -> None:
    installation.add()
    data = str(installation.settings.data)
    file = tmp_path / "connections.toml"
    file.write_text('[main]\ntype = "nothing"\n')
    refused = run("cells", "use-files", "--data", data, TIDINGS_CONNECTIONS=str(file)).must(4)
    assert "must have a type of" in refused.err
    assert run("cells", "files", "--json", "--data", data).must().rows[0]["inForce"] is None


def test_without_the_key_files_are_not_compared_and_what_is_in_force_is_shown(
    run: Command, installation: OneInstallation
) -> None:
    installation.add()
    data = installation.settings.data
    run("cells", "use-files", "--data", str(data)).must()
    (data / KEY_FILE).unlink()
    shown = run("cells", "files", "--data", str(data)).must()
    assert "The master key must be given" in shown.err and "unknown" in shown.out
    assert (
        "The master key must be given" in run("cells", "use-files", "--data", str(data)).must(4).err
    )
