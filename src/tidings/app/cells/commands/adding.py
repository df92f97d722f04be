"""Adds a cell: the second one of an installation makes the map, and its store the first of several.

Each step is one transaction, and is the same when it is done again. Whatever ends the command, the
next one goes on; between any two steps the service works as it did, over one cell or over those
that are in the map.

The first store goes on with numbers of its own: the transaction that ends its range without an end
gives it spares right above, and the counter of ranges begins behind them. Until the map names it,
it is served as the only one. A further cell is named in the map last, under a number that nobody
else has got meanwhile; its ranges follow, before anybody else may own its store.
"""

from collections.abc import Callable
from contextlib import closing
from enum import Enum
from typing import NamedTuple

from tidings.app.cells.cell_settings import (
    FIRST_CELL,
    SchemaPlace,
    directory_entry,
    schema_entry,
    settings_of_cell,
)
from tidings.app.cells.commands.owned_store import owned, refusing
from tidings.app.cells.commands.places import (
    ServeRoles,
    make_place,
    must_name_a_place,
    serve_roles,
)
from tidings.app.cells.map_place import has_cell_map, make_cell_map, open_map_rows
from tidings.app.cells.store_identity import (
    CellRefused,
    identity_of,
    must_be_there,
    reading_store,
)
from tidings.core.cells.cell_map import lost_places
from tidings.core.cells.families import CellId, FamilyState
from tidings.core.cells.ranges import wanted_spares
from tidings.settings.settings import Settings
from tidings.store.cell_map.map_rows import MapRows
from tidings.store.port.cell_map import CellEntry, CellState, MapPlace, MapReading
from tidings.store.sql.configuration.cell_identity import (
    StoreIdentity,
    found_cell,
    name_cell,
)
from tidings.store.sql.facts.numbers import read_ranges
from tidings.store.sql.halves import RowWriter

SPARES = wanted_spares(0)  # of a cell that nobody owns yet; its owner gets what it needs
# Of the first one: where the command ended on the way, it may be served alone for long.
FIRST_SPARES = 64


class AddStep(Enum):
    """List the steps, each behind what it is named for."""

    MAP_MADE = "map made"
    RANGE_ENDED = "range ended"
    COUNTER_BEGUN = "counter begun"
    FAMILIES_PLACED = "families placed"
    FIRST_ADDED = "first added"
    FIRST_NAMED = "first named"
    STORE_MADE = "store made"
    FOUNDED = "founded"
    ADDED = "added"
    RANGES_KNOWN = "ranges known"
    GRANTED = "granted"


class AddedCell(NamedTuple):
    """The cell that was added. `is_new`: false where it had been; `is_first_time`: the store that
    was the only one became a cell by this."""

    entry: CellEntry
    is_new: bool
    is_first_time: bool


def add_cell(
    settings: Settings,
    schema: str | None = None,
    serve_role: str | None = None,
    after: Callable[[AddStep], None] = lambda step: None,
    *,
    another: bool = True,
    database: str = "",
) -> AddedCell:
    """Add a cell: a directory, or a schema of the database of the settings, or of another
    `database` by its name there. `serve_role`: who serves it; without one, those who serve the
    first cell. `after` hears of each step. `another`: also where a directory was added that nobody
    has served yet, as by a command that was ended after its last step; without it that one is what
    is asked for.

    Raise CellRefused, or another Unusable that says why not; DatabaseUnreachable where it cannot be
    done now; OSError, of a disk.
    """
    wanted = must_name_a_place(settings, schema, database)
    with refusing():
        own = identity_of(settings)
        if own is None or own.key_check is None:
            raise CellRefused(
                "The store must have been served once by this release to become the first cell; it "
                "was not. Start it once with `tidings serve --hold`, and stop it."
            )
        if own.cell is not None and not has_cell_map(settings):
            raise CellRefused(
                f"The map of the cells must be there; this store is cell {own.cell}, and there is "
                "no map. Restore it from a backup."
            )
        roles = serve_roles(settings, serve_role)
        for role in (serve_roles(settings, None) if database else roles).names:
            make_cell_map(settings, role)
        after(AddStep.MAP_MADE)
        with closing(open_map_rows(settings)) as rows:
            is_first_time = own.cell is None
            if is_first_time:
                _make_first(settings, rows, after)
            elif not _read(rows).cells:
                raise CellRefused(
                    f"The map must name the cells that there are; this store is cell {own.cell}, "
                    "and the map names none. Restore the map from a backup."
                )
            entry, is_new = _add_further(settings, rows, own, wanted, roles, after, another)
    return AddedCell(entry, is_new=is_new, is_first_time=is_first_time)


# -- the first cell -------------------------------------------------------------------------------


def _make_first(settings: Settings, rows: MapRows, after: Callable[[AddStep], None]) -> None:
    """Make the store that is the only one the first cell."""
    with owned(settings) as writing:
        first = _end_range(writing)
        after(AddStep.RANGE_ENDED)
        rows.grants.begin(first, FIRST_CELL)
        after(AddStep.COUNTER_BEGUN)
        here = {
            row.family: row.number
            for row in writing.families.all()
            if row.state is FamilyState.HERE
        }
        known = _read(rows).changes.families
        rows.entries.place_families(lost_places(here, known, FIRST_CELL))
        after(AddStep.FAMILIES_PLACED)
        own = None if settings.database is None else SchemaPlace(settings.database_schema)
        rows.entries.put_cell(_entry(FIRST_CELL, own))
        after(AddStep.FIRST_ADDED)
        name_cell(writing.connection, FIRST_CELL)
        after(AddStep.FIRST_NAMED)


def _end_range(writing: RowWriter) -> int:
    """End the range without an end, in one transaction with spares right above it; return with
    which index the counter begins."""
    numbers = writing.numbers
    with numbers.transaction():
        was_endless = numbers.ranges().is_endless
        first = numbers.end_endless()
        if was_endless:
            numbers.grant(range(first, first + FIRST_SPARES))
    return max(numbers.ranges().granted) + 1


# -- a further one --------------------------------------------------------------------------------


def _add_further(
    settings: Settings,
    rows: MapRows,
    own: StoreIdentity,
    wanted: SchemaPlace | None,
    roles: ServeRoles,
    after: Callable[[AddStep], None],
    another: bool,
) -> tuple[CellEntry, bool]:
    """Make the store of a new cell and name it in the map; return it, and whether it is new."""
    while True:
        reading = _read(rows)
        if (begun := _begun(settings, reading, wanted, another)) is not None:
            place = settings_of_cell(settings, begun)
            if wanted is not None:
                must_be_there(place, begun.cell)  # its database may be named wrong here
            is_new = not _has_ranges(place)
            if is_new:
                with owned(place) as writing:
                    _grant(rows, writing, begun.cell, after)
            return begun, is_new
        entry = _entry(_free_number(reading), wanted)
        place = settings_of_cell(settings, entry)
        make_place(place, roles)
        with owned(place) as writing:
            after(AddStep.STORE_MADE)
            if _free_number(_read(rows)) != entry.cell:
                continue  # somebody has added one while the store was waited for
            found_cell(writing.connection, writing.numbers, own._replace(cell=entry.cell))
            after(AddStep.FOUNDED)
            if rows.entries.add_cell(entry):
                after(AddStep.ADDED)
                _grant(rows, writing, entry.cell, after)
                return entry, True


def _begun(
    settings: Settings, reading: MapReading, wanted: SchemaPlace | None, another: bool
) -> CellEntry | None:
    """Return the cell that a schema is already; of directories, the one that was added and whose
    ranges are still to come, or without `another` one that was never served."""
    for cell in reading.cells:
        if cell.state is CellState.REMOVED:
            continue
        if wanted is not None and cell.setting == wanted.write():
            return cell
        if wanted is not None or cell.cell == FIRST_CELL:
            continue
        if not _has_ranges(settings_of_cell(settings, cell)):
            return cell
        if not another and _was_never_served(settings, reading, cell):
            return cell
    return None


def _was_never_served(settings: Settings, reading: MapReading, cell: CellEntry) -> bool:
    """Return whether a cell is as it was made: nobody has owned it, and it is there."""
    if cell.cell in reading.changes.cells:
        return False
    found = identity_of(settings_of_cell(settings, cell))
    return found is not None and found.cell == cell.cell


def _has_ranges(place: Settings) -> bool:
    """Return whether a cell has been granted numbers; true of one whose store is not there."""
    with reading_store(place) as connection:
        return connection is None or bool(read_ranges(connection).granted)


def _grant(
    rows: MapRows, writing: RowWriter, cell: CellId, after: Callable[[AddStep], None]
) -> None:
    """Give a cell its first ranges."""
    highest = max(writing.numbers.ranges().granted, default=-1)
    granted = rows.grants.grant(cell, highest, SPARES)
    after(AddStep.RANGES_KNOWN)
    writing.numbers.grant(granted)
    after(AddStep.GRANTED)


def _free_number(reading: MapReading) -> CellId:
    """Return a number that no cell has, or has had."""
    return CellId(max((cell.cell for cell in reading.cells), default=FIRST_CELL) + 1)


def _entry(cell: CellId, place: SchemaPlace | None) -> CellEntry:
    if place is None:
        return directory_entry(cell)
    return schema_entry(cell, place.schema, place.database)


def _read(rows: MapRows) -> MapReading:
    return rows.changes.read(MapPlace())
