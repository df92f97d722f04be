"""Copies the cells of an installation in directories, while they are served: all, or one.

All stores are pinned one right behind the other, before any page is copied, and then the map. A
family that has moved between two of these moments would be in both copies or in neither: that is
seen by the rows of families, and all are pinned again. The copy of the map has where each family is
by the stores, for an owner puts that there a moment later.
"""

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path

import apsw
import msgspec

from tidings.app.cells.cell_settings import FIRST_CELL, directory_of_cell
from tidings.app.cells.commands.owned_store import refusing
from tidings.app.cells.map_place import MAP_DIRECTORY, open_map_rows
from tidings.app.cells.store_identity import CellRefused, identity_of, reading_store
from tidings.app.keys.key_check import admit_key
from tidings.app.keys.master_key import directory_key_place
from tidings.core.cells.agreement import find_torn
from tidings.core.cells.cell_map import lost_places
from tidings.core.cells.families import CellId, FamilyId, FamilyRow, FamilyState
from tidings.engine.vault import read_or_make_key
from tidings.settings.settings import Settings
from tidings.store.cell_map.sqlite_map import MAP_FILE, open_sqlite_map
from tidings.store.port.cell_map import CellEntry, CellKind, CellState, MapPlace
from tidings.store.sql.configuration.cell_identity import read_identity
from tidings.store.sql.configuration.families import read_families
from tidings.store.sql.facts.numbers import read_ranges
from tidings.store.sqlite.backup import copy_pages, copy_pinned, pinned
from tidings.store.sqlite.connection import SqliteConnection
from tidings.store.sqlite.database import FILE
from tidings.store.sqlite.saved_files import (
    KEY,
    BackupRefused,
    CellPoint,
    Manifest,
    MapPoint,
    Progress,
    describe_files,
    make_directories,
    new_file,
    publish,
    staged,
)

PINS_MAX = 20
AGAIN_S = 0.5  # until what had moved between two moments is pinned again
MAP_NAME = f"{MAP_DIRECTORY}/{MAP_FILE}"

Pins = Mapping[CellId, SqliteConnection]


def file_of_cell(cell: CellId) -> str:
    """Return the name of a cell's database in a backup: as in the data directory."""
    return str(directory_of_cell(Path(), cell) / FILE)


def has_cells(data: Path) -> bool:
    """Return whether a data directory with a map is of several cells. Raise as `backup_cells`: also
    where a first `tidings cells create` was ended halfway, whose numbers a copy could not give."""
    settings = Settings(data=data)
    with refusing():
        own = identity_of(settings)
        if own is None or own.cell is not None:
            return True
        with reading_store(settings) as connection:
            if connection is not None and not read_ranges(connection).is_endless:
                raise BackupRefused(
                    f"{data} must be the store of the only cell, or of several, to be backed up; "
                    "`tidings cells create` was ended on the way. Run it again."
                )
    return False


def backup_cells(data: Path, to: Path, progress: Progress, only: CellId | None) -> Manifest:
    """Copy all cells of a data directory with their map, or one cell, to a new place.

    Raise an Unusable that says why not, DatabaseUnreachable where it cannot be done now, OSError
    where the disk fails.
    """
    must_have_key(data)
    settings = Settings(data=data)
    with refusing(), closing(open_map_rows(settings)) as rows:
        cells = _wanted(rows.changes.read(MapPlace()).cells, only)
    with refusing(), staged(data, to) as stage, ExitStack() as pins:
        new_file(stage / KEY, (data / KEY).read_bytes())
        made = datetime.now(UTC)
        sources = _pin(data, cells, pins)
        installation = _must_belong(data, sources)
        at = None if only is not None else _copy_map(settings, stage, sources, progress)
        points = [_copy(sources[cell], stage, cell, made, progress) for cell in cells]
        names = [KEY] if at is None else [KEY, MAP_NAME]
        manifest = msgspec.structs.replace(
            describe_files(stage, made, points, *names, of_cells=True),
            installation=installation,
            map=at,
        )
        pins.close()
        publish(stage, to, manifest)
    return manifest


def must_have_key(data: Path) -> None:
    """Raise BackupRefused where the key of the cells is not beside them."""
    if not (data / KEY).is_file():
        raise BackupRefused(
            f"{data} must be a data directory with the file {KEY}; it has none. Name the directory "
            "of the installation with --data."
        )


def _wanted(known: Sequence[CellEntry], only: CellId | None) -> list[CellId]:
    """List the cells to copy. Raise CellRefused where there is none such."""
    there = [
        cell.cell
        for cell in known
        if cell.state is not CellState.REMOVED and cell.kind is CellKind.DIRECTORY
    ]
    if only is None and FIRST_CELL in there:
        return there
    if only is None:
        raise CellRefused(
            "The map of the cells must name them; it does not name the first one. Restore it from "
            "a backup."
        )
    if only not in there:
        raise CellRefused(
            f"--cell must be one of {', '.join(map(str, there))}; got {only}. `tidings cells list` "
            "shows all."
        )
    return [only]


def _pin(data: Path, cells: Sequence[CellId], pins: ExitStack) -> Pins:
    """Open all stores at moments that fit each other. Raise BackupRefused where there are none."""
    tries = 0
    while True:
        sources = {cell: pins.enter_context(pinned(_store_of(data, cell))) for cell in cells}
        torn = [] if len(cells) == 1 else find_torn(_families(sources))
        if not torn:
            return sources
        tries += 1
        if tries == PINS_MAX:
            orgs = ", ".join(str(fault.family) for fault in torn[:5])
            raise BackupRefused(
                f"Each org must be in one cell for a backup of all; org {orgs} is in several, or "
                "in none. `tidings store check` says what to do; --cell backs up one cell."
            )
        pins.close()
        time.sleep(AGAIN_S)


def _store_of(data: Path, cell: CellId) -> Path:
    file = directory_of_cell(data, cell) / FILE
    if not file.is_file():
        raise BackupRefused(
            f"{file.parent} must hold the store of cell {cell}; there is none. Restore it, or back "
            "the others up by --cell."
        )
    return file


def _families(sources: Pins) -> Mapping[CellId, Mapping[FamilyId, FamilyRow]]:
    return {cell: read_families(source) for cell, source in sources.items()}


def _must_belong(data: Path, sources: Pins) -> str:
    """Return the installation that all stores are of; raise CellRefused where one is another cell,
    or another installation's, WrongKey where the key is not theirs."""
    master, found = read_or_make_key(data / KEY), set()
    for cell, source in sources.items():
        identity = read_identity(source)
        admit_key(master, identity.key_check, directory_key_place(data))
        if identity.cell != cell:
            raise CellRefused(
                f"{directory_of_cell(data, cell)} must hold the store of cell {cell}; it holds "
                f"{'no cell' if identity.cell is None else f'cell {identity.cell}'}. Put the right "
                "one there."
            )
        found.add(identity.installation)
    if len(found) > 1:
        raise CellRefused(
            f"The stores of {data} must be of one installation; they are of {len(found)}. "
            "`tidings cells list` names those that are not."
        )
    return found.pop()


def _copy(
    source: SqliteConnection, stage: Path, cell: CellId, made: datetime, progress: Progress
) -> CellPoint:
    def of_cell(what: str, done: int, of: int) -> None:
        progress(f"cell {cell}: {what}", done, of)

    name = file_of_cell(cell)
    make_directories(stage, name)
    return copy_pinned(source, stage, name, made, of_cell, cell)


# -- the map --------------------------------------------------------------------------------------


def _copy_map(settings: Settings, stage: Path, sources: Pins, progress: Progress) -> MapPoint:
    """Copy the map, and write into the copy where the copies of stores have their families."""
    make_directories(stage, MAP_NAME)
    new_file(stage / MAP_NAME, b"")
    with pinned(settings.data / MAP_NAME) as source:
        copy_pages(source, stage / MAP_NAME, progress)
    with closing(open_sqlite_map(stage / MAP_DIRECTORY)) as rows:
        for cell, families in _families(sources).items():
            here = {
                row.family: row.number for row in families.values() if row.state is FamilyState.HERE
            }
            known = rows.changes.read(MapPlace()).changes.families
            if lost := lost_places(here, known, cell):
                rows.entries.place_families(lost)
        place = rows.changes.read(MapPlace()).place
    fold(stage / MAP_NAME)
    return MapPoint(MAP_NAME, place.incarnation, place.version)


def fold(database: Path) -> None:
    """Have a database be one file, without a log beside it."""
    with closing(apsw.Connection(str(database))) as copy:
        copy.execute("PRAGMA journal_mode = delete").fetchall()
