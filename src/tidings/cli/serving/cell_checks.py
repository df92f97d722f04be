"""What `tidings doctor` says of cells."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from tidings.cli.exits import Exit
from tidings.cli.output import clean, how_many
from tidings.cli.serving.connection_checks import check_connections

if TYPE_CHECKING:
    from tidings.app.cells.commands.cell_facts import CellFacts
    from tidings.app.cells.commands.cell_files import FilesFacts
    from tidings.core.cells.families import CellId

SETTINGS = ("TIDINGS_CONFIG", "TIDINGS_DATABASE", "TIDINGS_DATA")
NAMED_MAX = 20


Check = TypeVar("Check")


def check_cells(config: Path | None, make: Callable[..., Check]) -> list[Check]:
    """Check the cells of an installation that has several, if settings name its stores here. `make`
    makes what doctor shows. Raise CommandExit where the settings do not fit."""
    if config is None and not any(name in os.environ for name in SETTINGS):
        return []
    from tidings.app.cells.commands.agreement import compare_cells  # noqa: PLC0415  # not for help
    from tidings.app.cells.commands.cell_databases import list_databases  # noqa: PLC0415  # as above
    from tidings.app.cells.commands.cell_facts import read_cells  # noqa: PLC0415  # not for help
    from tidings.app.cells.commands.cell_files import read_files  # noqa: PLC0415  # as above
    from tidings.app.database_operations import DatabaseUnreachable  # noqa: PLC0415  # as above
    from tidings.cli.serving.database_commands import load_settings  # noqa: PLC0415  # as above
    from tidings.errors import Unavailable, Unusable  # noqa: PLC0415  # as above

    settings = load_settings(config, {})
    try:
        found = read_cells(settings)
        databases = [] if found is None else list_databases(settings)
        files = None if found is None else read_files(settings)
    except DatabaseUnreachable as down:
        fix = "Make the map of the cells reachable; each cell continues as it is meanwhile."
        return [make(False, clean(str(down)), fix=fix, code=Exit.UNREACHABLE)]
    except (Unavailable, Unusable) as refused:
        return [make(False, clean(str(refused)), fix="Do what it says.")]
    if found is None:
        return []
    faults = [fault for cell in found.cells for fault in _faults(cell, make)]
    try:
        compared = compare_cells(settings)
    except Unusable as refused:
        faults.append(make(False, clean(str(refused)), fix="Do what it says."))
    else:
        faults += [make(False, fault.text, fix=fault.fix) for fault in compared]
    faults += [] if files is None else _file_faults(files, make)
    count = how_many(len(found.cells), "cell")
    families = how_many(sum(cell.families for cell in found.cells), "family")
    whole = make(True, f"There are {count} with {families} of orgs.")
    return [whole, *faults[:NAMED_MAX], *check_connections(databases, make)]


def _file_faults(files: "FilesFacts", make: Callable[..., Check]) -> Iterator[Check]:
    """Say which cells run with other files than are in force."""
    names: dict[CellId, list[str]] = {}
    for file in files.files:
        for cell in file.others:
            names.setdefault(cell, []).append(file.name)
    for cell, differing in names.items():
        yield make(
            False,
            f"Cell {cell} runs with others than are in force of: {', '.join(differing)}.",
            fix="Start its process again, with what is in force or with what is new.",
            step="tidings cells files",
        )


def _faults(cell: "CellFacts", make: Callable[..., Check]) -> Iterator[Check]:
    """Say what is wrong with one cell."""
    step = f"tidings cells show {cell.cell}"
    if cell.state == "removed":
        return
    if cell.problem is not None:
        text = f"Cell {cell.cell}: {clean(cell.problem)}"
        yield make(False, text, fix="Do what it says.", step=step)
    elif not cell.spares:
        yield make(
            False,
            f"Cell {cell.cell} has no range of numbers left to begin.",
            fix="Start it where the map can be reached: its owner gets further ones there.",
            step=step,
        )
    if cell.address is None:
        yield make(
            False,
            f"Cell {cell.cell} is owned by no process: nothing of its orgs is accepted or sent.",
            fix="Start Tidings where its store is, with `tidings serve`.",
            step=step,
        )
