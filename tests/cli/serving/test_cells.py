"""`tidings cells`: what an operator sees of cells, and how the commands end."""

import shutil
from pathlib import Path

import pytest

from tests.app.cells.commands.in_two_databases import OTHER, SCHEMA, in_two_databases
from tests.app.cells.commands.one_installation import (
    MASTER,
    OneInstallation,
    in_database,
    on_directories,
)
from tests.cli.command import Command
from tidings.app.cells.commands.owned_store import owned
from tidings.engine.vault import KEY_FILE


@pytest.fixture
def run(tmp_path: Path) -> Command:
    return Command(tmp_path, TIDINGS_URL="http://127.0.0.1:1", TIDINGS_KEY="a:b")


def settings_file(directory: Path, uri: str) -> str:
    path = directory / "source.toml"
    path.write_text(f'database = "{uri}"\nmaster_key = "{"A" * 43}="\n')
    return str(path)


def keyed(tmp_path: Path) -> OneInstallation:
    """An installation with two cells and the key that they were served with."""
    installation = on_directories(tmp_path)
    installation.settings.data.mkdir()
    key = installation.settings.data / KEY_FILE
    key.touch(0o600)
    key.write_bytes(MASTER.reveal())
    installation.serve_once()
    installation.add()
    return installation


def test_cells_are_backed_up_and_restored_together_and_one_by_one(
    run: Command, tmp_path: Path
) -> None:
    installation = keyed(tmp_path)
    data, copy, again = str(installation.settings.data), tmp_path / "copy", tmp_path / "again"
    made = run("backup", "--data", data, "--to", str(copy)).must()
    assert "MiB  up to event" in made.out and "\ncell 2  up to event 0\n" in made.out
    assert f"Next: tidings restore --from {copy} --data DIRECTORY" in made.err
    put = run("restore", "--from", str(copy), "--data", str(again)).must()
    assert f"Next: tidings serve --data {again} --hold" in put.err
    assert run("store", "check", "--data", str(again)).must().out == ""
    shutil.rmtree(again / "cells" / "2")
    words = ["restore", "--from", str(copy), "--data", str(again)]
    assert "give one of them" in run(*words, "--cell", "2", "--map").must(2).err
    cell = run(*words, "--cell", "2").must()
    assert cell.out.endswith("cell 2  up to event 0\n")
    assert "Cell 2 sends nothing before `tidings sending resume --all`." in cell.err
    shutil.rmtree(again / "map")
    only = run(*words, "--map").must()
    assert "version" in only.out and only.err == "Next: tidings store check\n"
    listed = run("cells", "list", "--data", str(again), "--json").must().rows
    assert [(row["cell"], row["problem"]) for row in listed] == [(1, None), (2, None)]
    row = run("backup", "--data", data, "--cell", "2", "--to", f"{copy}2", "--json").must().row
    assert [point["cell"] for point in row["cells"]] == [2] and "map" not in row
    one = run("restore", "--from", f"{copy}2", "--data", str(tmp_path / "new")).must(4)
    assert "Restore it into its installation with --cell 2." in one.err


def test_a_backup_of_a_database_names_the_schemas_of_all_cells(
    run: Command, tmp_path: Path
) -> None:
    installation = in_database(tmp_path)
    installation.serve_once()
    assert installation.settings.database is not None
    given = {"TIDINGS_DATABASE": installation.settings.database.reveal()}
    given["TIDINGS_DATA"] = str(tmp_path / "data")
    assert "--schema" not in run("backup", "--to", str(tmp_path / "copy"), **given).must(4).err
    installation.add()
    refused = run("backup", "--to", str(tmp_path / "copy"), **given).must(4).err
    schemas = "--schema=tidings --schema=cell_2 --schema=tidings_map"
    assert f"`pg_dump --format=custom {schemas} --file=FILE`" in refused


def test_a_cell_may_be_in_another_database_that_commands_name_without_its_password(
    run: Command, tmp_path: Path
) -> None:
    installation = in_two_databases(tmp_path)
    settings = installation.settings
    first, other = settings.database, settings.databases.find(OTHER)
    assert first is not None and other is not None
    given = {
        "TIDINGS_DATABASE": first.reveal(),
        "TIDINGS_DATA": str(tmp_path / "data"),
        "TIDINGS_DATABASES": f"{OTHER}={other.reveal()}",
    }
    add = ("cells", "create", "--schema", SCHEMA, "--in-database", OTHER)
    assert "databases must name far" in run(*add[:-1], "far", **given).must(4).err
    assert run(*add, **given).must().out == "cell 2\n"
    row = run(*add, "--json", **given).must().row
    assert (row["schema"], row["database"], row["isNew"]) == (SCHEMA, OTHER, False)
    listed = run("cells", "list", "--json", **given).must().rows
    assert [row["place"] for row in listed] == [SCHEMA, f"{OTHER}/{SCHEMA}"]
    assert f"{OTHER}/{SCHEMA}" in run("cells", "show", "2", **given).must().out
    lines = run("migrate", **given).must().out.splitlines()
    assert [line.split()[:3] for line in lines] == [
        [SCHEMA, "in", uri.describe()] for uri in (first, other)
    ]
    refused = run("backup", "--to", str(tmp_path / "copy"), **given).must(4).err
    for uri, schemas in (
        (first, "--schema=tidings --schema=tidings_map"),
        (other, "--schema=tidings"),
    ):
        assert f"`pg_dump --dbname={uri.describe()} --format=custom {schemas} --file=" in refused
    assert run("store", "check", **given).must().out == ""
    found = run("doctor", **given).out
    assert "The database: " in found and f"The database {OTHER}: " in found
    away = given | {"TIDINGS_DATABASES": f"{OTHER}=postgresql://a:hush@127.0.0.1:1/b"}
    for words in (("cells", "list"), ("doctor",), ("store", "check"), ("migrate",)):
        shown = run(*words, **away)
        assert "postgresql://a@127.0.0.1:1/b" in shown.out + shown.err
        assert "hush" not in shown.out + shown.err
    assert f"The database {OTHER} with the cells 2: " in run("doctor", **away).out


def test_the_stores_of_all_cells_are_checked(run: Command, tmp_path: Path) -> None:
    installation = on_directories(tmp_path)
    installation.serve_once()
    data = str(installation.settings.data)
    second = installation.place(installation.add().entry)
    assert run("store", "check", "--data", data).must().out == ""
    with owned(second) as writing, writing.connection:
        writing.connection.execute("INSERT INTO installation (id) VALUES ('another')")
    found = run("store", "check", "--data", data).must(1).out
    assert found == "Cell 2: The table installation must have one row; it has 2.\n"
    shutil.rmtree(second.data)
    assert "Cell 2: " in run("store", "check", "--data", data).must(1).out


def test_doctor_says_what_is_wrong_with_cells(run: Command, tmp_path: Path) -> None:
    installation = on_directories(tmp_path)
    installation.serve_once()
    data = str(installation.settings.data)
    assert "cells" not in run("doctor", TIDINGS_DATA=data).out
    second = installation.place(installation.add().entry)
    found = run("doctor", TIDINGS_DATA=data)
    assert found.code and "There are 2 cells with 1 family of orgs." in found.out
    assert "Cell 1 is owned by no process" in found.out
    shutil.rmtree(second.data)
    assert "Cell 2: " in run("doctor", TIDINGS_DATA=data).out


def test_cells_are_added_listed_and_shown(run: Command, tmp_path: Path) -> None:
    data = str(tmp_path / "data")
    never = run("cells", "create", "--data", data).must(4)
    assert "Start it once with `tidings serve --hold`" in never.err
    on_directories(tmp_path).serve_once()
    only = run("cells", "list", "--data", data).must()
    assert only.out == "" and only.err == (
        "There is one cell: the store itself. `tidings cells create` makes another one.\n"
        "Next: tidings cells create\n"
    )
    first = run("cells", "create", "--data", data).must()
    assert first.out == "cell 2\n" and first.err == (
        "The store that was the only one is cell 1, with all its orgs. New orgs go to either.\n"
        "Next: tidings serve\n"
    )
    again = run("cells", "create", "--data", data).must()
    assert again.out == "cell 2, as it was\n" and again.err == (
        "Cell 2 was added before, and never served. For one more add --another.\n"
        "Next: tidings cells show 2\n"
    )
    second = run("cells", "create", "--another", "--data", data, "--json").must().row
    assert second == {
        "cell": 3,
        "isNew": True,
        "firstTime": False,
        "kind": "directory",
        "schema": None,
        "database": None,
    }
    rows = run("cells", "list", "--data", data, "--json").must().rows
    assert [row["cell"] for row in rows] == [1, 2, 3]
    assert rows[0]["families"] == 1 and rows[0]["place"] == data
    listed = run("cells", "list", "--data", data).must()
    states = [line.split()[:2] for line in listed.out.splitlines() if " open " in line]
    assert states == [["1", "open"], ["2", "open"], ["3", "open"]]
    shown = run("cells", "show", "2", "--data", data).must()
    assert "owner" in shown.out and "nobody" in shown.out
    assert run("cells", "show", "2", "--data", data, "--json").must().row == rows[1]
    assert run("cells", "show", "9", "--data", data).must(3).err == (
        "There is no cell 9.\nNext: tidings cells list\n"
    )


def test_a_cell_that_is_gone_is_named_beside_the_others(run: Command, tmp_path: Path) -> None:
    installation = on_directories(tmp_path)
    installation.serve_once()
    place = installation.place(installation.add().entry)
    shutil.rmtree(place.data)
    data = str(installation.settings.data)
    listed = run("cells", "list", "--data", data).must()
    assert "   1  open" in listed.out and "   2  open" in listed.out
    assert f"Cell 2: {place.data} must hold the store of cell 2; there is none." in listed.err
    assert "there is none" in run("cells", "show", "2", "--data", data).must(1).out
    assert not place.data.exists()


def test_a_store_of_a_newer_release_is_named_with_what_to_do(run: Command, tmp_path: Path) -> None:
    installation = on_directories(tmp_path)
    installation.serve_once()
    place = installation.place(installation.add().entry)
    with owned(place) as writing:
        writing.connection.execute("PRAGMA user_version = 9999")
    shown = run("cells", "show", "2", "--data", str(installation.settings.data)).must(1).out
    assert "Its store has schema 9999" in shown and "Start the newer release." in shown


def test_cells_of_a_database_are_schemas_of_it(run: Command, tmp_path: Path) -> None:
    installation: OneInstallation = in_database(tmp_path)
    installation.serve_once()
    assert installation.settings.database is not None
    uri = installation.settings.database.reveal()
    given = {"TIDINGS_DATABASE": uri, "TIDINGS_DATA": str(tmp_path / "data")}
    assert "must name its schema" in run("cells", "create", **given).must(4).err
    odd = run("cells", "create", "--schema", "No-Schema", **given).must(4)
    assert odd.err.startswith("--schema must be 1 to 63 lower-case letters")
    assert run("cells", "create", "--schema", "two", **given).must().out == "cell 2\n"
    assert run("cells", "create", "--schema", "two", **given).must().out == "cell 2, as it was\n"
    rows = run("cells", "list", "--json", **given).must().rows
    assert [(row["kind"], row["place"], row["problem"]) for row in rows] == [
        ("schema", "tidings", None),
        ("schema", "two", None),
    ]
    lines = run("migrate", **given).must().out.splitlines()
    assert [line.split()[0] for line in lines] == ["tidings", "two"]
    again = run("migrate", "--json", **given).must().rows
    assert [row["schema"] for row in again] == ["tidings", "two"]
    new = str(tmp_path / "new")
    refused = run("store", "copy", "--from", settings_file(tmp_path, uri), "--to", new).must(4)
    assert "it is cell 1 of several" in refused.err
    away = run("cells", "list", TIDINGS_DATABASE="postgresql://a@127.0.0.1:1/b").must(5)
    assert "Run the command again" in away.err
