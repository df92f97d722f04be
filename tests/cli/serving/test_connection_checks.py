"""What `tidings doctor` says of the connections of cells."""

from collections import Counter
from typing import Any

from tidings.cli.serving.connection_checks import judge_connections
from tidings.store.postgres.inspection.cell_connections import CellConnections, read_name

NAMES = [
    *(f"tidings cell=1 epoch=5 0a1b {role}" for role in ("writes", "reads", "searches")),
    "tidings map cell=1",
    *(f"tidings cell=2 epoch=9 ff00 {role}" for role in ("writes", "reads", "searches")),
    "tidings map cell=2",
    "tidings host",
    "tidings map host",
]


def judged(names: list[str], cells: int = 2, room: int = 97) -> list[tuple[bool, str]]:
    found = CellConnections(Counter(map(read_name, names)), room)

    def make(ok: bool, text: str, **_: Any) -> tuple[bool, str]:
        return ok, text

    return list(judge_connections(found, cells, make))


def test_each_cell_is_named_with_its_epoch_and_what_its_connections_do() -> None:
    whole, first, second = judged(NAMES)
    assert whole[0] and whole[1].startswith("10 connections of at most 18: 4 for each of 2 cells")
    assert first == (
        True,
        "Connections of cell 1: 1 reads of epoch 5, 1 searches of epoch 5, 1 writes of epoch 5, "
        "1 map.",
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
    assert "of at most 20" in judged([*NAMES, "tidings host"])[0][1]
