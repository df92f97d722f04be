"""What `tidings doctor` says of cells."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tidings.cli.exits import Exit
from tidings.cli.output import clean, how_many

if TYPE_CHECKING:
    from tidings.app.cells.commands.cell_facts import CellFacts

SETTINGS = ("TIDINGS_CONFIG", "TIDINGS_DATABASE", "TIDINGS_DATA")
NAMED_MAX = 20


class CellCheck(NamedTuple):
    """Hold one thing that was looked at, as doctor says it."""

    ok: bool
    said: str
    fix: str = ""
    step: str = "tidings doctor"
    code: Exit = Exit.FAILED


def check_cells(config: Path | None) -> list[CellCheck]:
    """Check the cells of an installation that has several, if settings name its stores here. Raise
    CommandExit where the settings do not fit."""
    if config is None and not any(name in os.environ for name in SETTINGS):
        return []
    from tidings.app.cells.commands.cell_facts import read_cells  # noqa: PLC0415  # not for help
    from tidings.app.database_operations import DatabaseUnreachable  # noqa: PLC0415  # as above
    from tidings.cli.serving.database_commands import load_settings  # noqa: PLC0415  # as above
    from tidings.errors import Unusable  # noqa: PLC0415  # as above

    settings = load_settings(config, {})
    try:
        found = read_cells(settings)
    except DatabaseUnreachable as down:
        fix = "Have the map of the cells be reached; each cell goes on as it is meanwhile."
        return [CellCheck(False, clean(str(down)), fix=fix, code=Exit.UNREACHABLE)]
    except Unusable as refused:
        return [CellCheck(False, clean(str(refused)), fix="Do what it says.")]
    if found is None:
        return []
    faults = [fault for cell in found.cells for fault in _faults(cell)]
    count = how_many(len(found.cells), "cell")
    families = how_many(sum(cell.families for cell in found.cells), "family")
    whole = CellCheck(True, f"There are {count} with {families} of orgs.")
    return [whole, *faults[:NAMED_MAX]]


def _faults(cell: "CellFacts") -> Iterator[CellCheck]:
    """Say what is wrong with one cell."""
    step = f"tidings cells show {cell.cell}"
    if cell.state == "removed":
        return
    if cell.problem is not None:
        text = f"Cell {cell.cell}: {clean(cell.problem)}"
        yield CellCheck(False, text, fix="Do what it says.", step=step)
    elif not cell.spares:
        yield CellCheck(
            False,
            f"Cell {cell.cell} has no range of numbers left to begin.",
            fix="Start it where the map can be reached: its owner gets further ones there.",
            step=step,
        )
    if cell.address is None:
        yield CellCheck(
            False,
            f"Cell {cell.cell} is owned by no process: nothing of its orgs is accepted or sent.",
            fix="Start Tidings where its store is, with `tidings serve`.",
            step=step,
        )
