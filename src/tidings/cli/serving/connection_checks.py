"""What `tidings doctor` says of the connections of cells to their database."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeVar

from tidings.cli.output import how_many

if TYPE_CHECKING:
    from tidings.settings.settings import Settings
    from tidings.store.postgres.inspection.cell_connections import CellConnections

NAMED_MAX = 20

Check = TypeVar("Check")


def check_connections(
    settings: "Settings", cells: int, make: Callable[..., Check]
) -> Iterator[Check]:
    """Check how many connections the processes of so many cells have; nothing on directories.
    Raise an Unavailable or Unusable where they cannot be listed."""
    if settings.database is None:
        return
    from tidings.app.cells.store_identity import database_of  # noqa: PLC0415  # not for help
    from tidings.store.postgres.inspection.cell_connections import (  # noqa: PLC0415  # of an extra
        read_cell_connections,
    )

    yield from judge_connections(read_cell_connections(database_of(settings)), cells, make)


def judge_connections(
    found: "CellConnections", cells: int, make: Callable[..., Check]
) -> Iterator[Check]:
    """Say which connections there are, and what is wrong with them."""
    bound = found.bound(cells)
    text = (
        f"{how_many(found.total, 'connection')} of at most {bound}: 4 for each of "
        f"{how_many(cells, 'cell')}, 2 for each of {how_many(max(1, found.hosts), 'host')}, and 8 "
        "for starts and commands."
    )
    yield make(
        found.total <= bound,
        text,
        fix="Look in pg_stat_activity for those of processes that have ended, and end them.",
    )
    if found.room < bound:
        yield make(
            False,
            f"The server must let in {bound} connections of Tidings; it lets in {found.room}.",
            fix=f"Raise max_connections to {bound + found.total} or more.",
        )
    by_cell: dict[int, list[str]] = {}
    writers: dict[int, int] = {}
    for name, count in sorted(found.counts.items(), key=lambda row: str(row[0])):
        if name.cell is None:
            continue
        epoch = "" if name.epoch is None else f" of epoch {name.epoch}"
        by_cell.setdefault(name.cell, []).append(f"{count} {name.role}{epoch}")
        if name.role == "writes":
            writers[name.cell] = writers.get(name.cell, 0) + count
    for cell in sorted(by_cell)[:NAMED_MAX]:
        yield make(
            writers.get(cell, 0) <= 1,
            f"Connections of cell {cell}: {', '.join(by_cell[cell])}.",
            fix="One owner writes; the others are of owners that have ended. Nothing of theirs is "
            "committed: wait, or end them with pg_terminate_backend.",
        )
