"""What `tidings doctor` says of the connections of cells to their database."""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

from tidings.cli.exits import Exit
from tidings.cli.output import clean, how_many

if TYPE_CHECKING:
    from tidings.app.cells.commands.cell_databases import CellDatabase
    from tidings.store.postgres.inspection.cell_connections import CellConnections

NAMED_MAX = 20

Check = TypeVar("Check")


def check_connections(
    databases: "Sequence[CellDatabase]", make: Callable[..., Check]
) -> Iterator[Check]:
    """Check how many connections the processes of cells have in each database, and name one that
    is away. `make` makes what doctor shows."""
    from tidings.app.cells.store_identity import database_of  # noqa: PLC0415  # not for help
    from tidings.errors import Unavailable, Unusable  # noqa: PLC0415  # as above
    from tidings.store.postgres.inspection.cell_connections import (  # noqa: PLC0415  # of an extra
        read_cell_connections,
    )

    for database in databases:
        try:
            found = read_cell_connections(database_of(database.settings))
        except (Unavailable, Unusable) as away:
            cells = ", ".join(map(str, database.schemas))
            yield make(
                False,
                f"{database.title} with the cells {cells}: {clean(str(away))}",
                fix="Start it, or correct its URI; the cells of other databases go on meanwhile.",
                code=Exit.UNREACHABLE if isinstance(away, Unavailable) else Exit.FAILED,
            )
        else:
            yield from judge_connections(found, database, make)


def judge_connections(
    found: "CellConnections", database: "CellDatabase", make: Callable[..., Check]
) -> Iterator[Check]:
    """Say which connections there are in a database, and what is wrong with them."""
    cells = len(database.schemas)
    has_map = bool(database.map_schema)
    bound = found.bound(cells, has_map=has_map)
    text = (
        f"{database.title}: {how_many(found.total, 'connection')} of at most {bound}: 3 for each "
        f"of {how_many(cells, 'cell')}, {2 if has_map else 1} for each of "
        f"{how_many(max(1, found.hosts), 'host')}, and 8 for starts and commands."
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
