"""What `tidings doctor` says of the connections of cells."""

from collections import Counter
from typing import Any

from tidings.app.cells.commands.cell_databases import CellDatabase
from tidings.cli.serving.connection_checks import check_connections, judge_connections
from tidings.core.cells.families import CellId
from tidings.settings.database_uri import DatabaseUri
from tidings.settings.settings import Settings
from tidings.store.postgres.inspection.cell_connections import CellConnections, read_name

NAMES = [
    *(f"tidings cell=1 epoch=5 0a1b {role}" for role in ("writes", "reads", "searches")),
    *(f"tidings cell=2 epoch=9 ff00 {role}" for role in ("writes", "reads", "searches")),
    "tidings host",
    "tidings map host",
]


DATABASE = CellDatabase(
    name="",
    settings=Settings(),
    schemas={CellId(1): "one", CellId(2): "two"},
    map_schema="one_map",
)


def judged(
    names: list[str], room: int = 97, database: CellDatabase = DATABASE
) -> list[tuple[bool, str]]:
    found = CellConnections(Counter(map(read_name, names)), room)

    def make(ok: bool, text: str, **_: Any) -> tuple[bool, str]:
        return ok, text

    return list(judge_connections(found, database, make))


def test_each_cell_is_named_with_its_epoch_and_what_its_connections_do() -> None:
    whole, first, second = judged(NAMES)
    assert whole[0] and whole[1].startswith(
        "The database: 8 connections of at most 16: 3 for each of 2 cells, 2 for each of 1 host"
    )
    assert first == (
        True,
        "Connections of cell 1: 1 reads of epoch 5, 1 searches of epoch 5, 1 writes of epoch 5.",
    )
    assert second[0] and "1 writes of epoch 9" in second[1]


def test_more_than_the_bound_is_a_fault() -> None:
    assert not judged([*NAMES, *["tidings standby"] * 9])[0][0]


def test_two_that_write_for_one_cell_are_a_fault() -> None:
    assert [ok for ok, _ in judged([*NAMES, "tidings cell=2 epoch=8 aa11 writes"])] == [
        True, True, False
    ]  # fmt: skip


def test_a_server_without_room_for_them_is_a_fault() -> None:
    assert [ok for ok, _ in judged(NAMES, room=12)] == [True, False, True, True]


def test_each_host_has_its_part_of_the_bound() -> None:
    assert "of at most 18" in judged([*NAMES, "tidings host"])[0][1]


def test_another_database_has_a_bound_of_its_own() -> None:
    far = CellDatabase(name="far", settings=Settings(), schemas={CellId(2): "two"})
    names = [name for name in NAMES if name.startswith("tidings cell=2") or name == "tidings host"]
    assert judged(names, database=far)[0] == (
        True,
        "The database far: 4 connections of at most 12: 3 for each of 1 cell, 1 for each of 1 "
        "host, and 8 for starts and commands.",
    )


def test_a_database_that_is_away_is_named_with_its_cells_and_without_its_password() -> None:
    uri = DatabaseUri("postgresql://tidings:hush@127.0.0.1:1/away")
    cells = {CellId(2): "two", CellId(3): "three"}
    far = CellDatabase("far", Settings(database=uri), cells)
    [text] = check_connections([far], lambda ok, text, **_: None if ok else text)
    assert text is not None and "hush" not in text
    assert text.startswith("The database far with the cells 2, 3: the database is not to be")
