"""What is known of the cells of an installation, for people and for owners: by the map, and by what
stands in each cell's own store.

Nothing is written, and a cell that cannot be looked at keeps none of the others from being seen.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import closing, suppress
from typing import NamedTuple

import msgspec

from tidings.app.cells.cell_settings import FIRST_CELL, settings_of_cell
from tidings.app.cells.commands.agreement import compare_cells
from tidings.app.cells.commands.owned_store import refusing
from tidings.app.cells.map_place import has_cell_map, open_map_rows
from tidings.app.cells.store_identity import (
    CellRefused,
    identity_of,
    must_be_cell,
    reading_store,
)
from tidings.app.database_operations import check_store
from tidings.core.cells.families import CellId
from tidings.core.cells.ranges import CellRanges
from tidings.errors import Unavailable, Unusable
from tidings.settings.settings import Settings
from tidings.store.port.cell_map import CellEntry, CellKind, CellState, MapPlace, MapReading
from tidings.store.sql.configuration.cell_identity import CELL, StoreIdentity
from tidings.store.sql.connection import StoreConnection
from tidings.store.sql.facts.meta import read_fact
from tidings.store.sql.facts.numbers import read_ranges
from tidings.store.sqlite.database import newest_schema


class CellFacts(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Hold what is known of one cell. `address`: of its owner's door, none where nobody owns it;
    `ranges`, `spares`: of numbers, as they stand in its own store; `problem`: why that cannot be
    read."""

    cell: CellId
    state: str
    kind: str
    place: str
    families: int
    address: str | None
    epoch: int
    confirmed: int
    ranges: int
    spares: int
    problem: str | None


class CellsFacts(NamedTuple):
    """Hold what is known of all cells, and which the version of the map is."""

    version: int
    cells: Sequence[CellFacts]


def read_cells(settings: Settings) -> CellsFacts | None:
    """Return what is known of the cells; None where the store is the only one. Raise
    DatabaseUnreachable, or an Unusable that says why they cannot be read."""
    with refusing():
        own = identity_of(settings)
        if not has_cell_map(settings):
            return None
        with closing(open_map_rows(settings)) as rows:
            reading = rows.changes.read(MapPlace())
            confirmed = rows.processes.confirmations()
            facts = [
                _Looking(settings, reading, own).facts_of(cell, confirmed.get(cell.cell, 0))
                for cell in reading.cells
            ]
    return CellsFacts(reading.place.version, facts) if facts else None


def list_cells(settings: Settings) -> Sequence[CellEntry]:
    """List the cells that are not removed, as the map names them; none where the store is the only
    one. Raise as `read_cells`."""
    with refusing():
        if not has_cell_map(settings):
            return []
        with closing(open_map_rows(settings)) as rows:
            cells = rows.changes.read(MapPlace()).cells
    return [cell for cell in cells if cell.state is not CellState.REMOVED]


def check_cells(settings: Settings) -> list[str]:
    """Return a sentence for each thing that is wrong with the rows of a store, or with the stores
    of all cells and what they and the map say of each other. Raise as `check_store`."""
    first = check_store(settings)
    found = read_cells(settings)
    if found is None:
        return first
    problems = [f"Cell {FIRST_CELL}: {problem}" for problem in first]
    for cell in found.cells:
        if cell.cell != FIRST_CELL and cell.state != CellState.REMOVED.name.lower():
            wrong = [cell.problem] if cell.problem else check_store(_place_of(settings, cell))
            problems += [f"Cell {cell.cell}: {problem}" for problem in wrong]
    return [*problems, *(f"{fault.text} {fault.fix}" for fault in compare_cells(settings))]


def _place_of(settings: Settings, cell: CellFacts) -> Settings:
    kind = CellKind(cell.kind)
    schema = cell.place if kind is CellKind.SCHEMA else ""
    return settings_of_cell(settings, CellEntry(cell.cell, kind, setting=schema))


class _Looking:
    """Looks at the cells of one reading of the map."""

    def __init__(self, settings: Settings, reading: MapReading, own: StoreIdentity | None) -> None:
        self._settings = settings
        self._owners = reading.changes.cells
        self._families = Counter(place.cell for place in reading.changes.families.values())
        self._own = own

    def facts_of(self, entry: CellEntry, confirmed: int) -> CellFacts:
        owner, ranges, problem = self._owners.get(entry.cell), CellRanges(), None
        place = entry.setting
        try:
            own = settings_of_cell(self._settings, entry)
            place = place or str(own.data)
            if entry.state is not CellState.REMOVED:
                ranges = self._ranges_of(own, entry.cell)
        except (Unavailable, Unusable) as error:
            problem = str(error)
        return CellFacts(
            cell=entry.cell,
            state=entry.state.name.lower(),
            kind=entry.kind.value,
            place=place,
            families=self._families[entry.cell],
            address=None if owner is None else owner.address or None,
            epoch=0 if owner is None else owner.epoch,
            confirmed=confirmed,
            ranges=len(ranges.granted),
            spares=len(ranges.spares),
            problem=problem,
        )

    def _ranges_of(self, own: Settings, cell: CellId) -> CellRanges:
        with refusing():
            if self._own is not None:
                must_be_cell(own, self._own._replace(cell=cell))
            with reading_store(own) as connection:
                if connection is None:
                    return CellRanges()
                _must_be_of_this_release(own, connection)
                return read_ranges(connection)


def _must_be_of_this_release(settings: Settings, connection: StoreConnection) -> None:
    """Raise CellRefused, or DatabaseRefused, where a store has a schema on which a start of this
    release is refused."""
    if settings.database is not None:
        from tidings.store.postgres.connection import PostgresConnection  # noqa: PLC0415  # of an extra
        from tidings.store.postgres.migration import check_schema  # noqa: PLC0415  # as above

        assert isinstance(connection, PostgresConnection)
        check_schema(connection.driver)
        return
    [(have,)] = connection.execute("PRAGMA user_version").fetchall()
    if int(have) > (newest := newest_schema()):
        raise CellRefused(
            f"Its store has schema {have}; this release knows {newest}. Start the newer release."
        )


def ranges_reader(
    settings: Settings,
) -> Callable[[Sequence[CellEntry]], Awaitable[Mapping[CellId, CellRanges]]]:
    """Return what reads which ranges stand in the stores of cells, without those that cannot be
    read."""

    def read(entries: Sequence[CellEntry]) -> Mapping[CellId, CellRanges]:
        found = {}
        for cell in entries:
            with suppress(Unavailable, Unusable), refusing():
                own = settings_of_cell(settings, cell)
                with reading_store(own) as connection:
                    if connection is not None and read_fact(connection, CELL) == cell.cell:
                        found[cell.cell] = read_ranges(connection)
        return found

    async def ask(entries: Sequence[CellEntry]) -> Mapping[CellId, CellRanges]:
        return await asyncio.to_thread(read, entries)

    return ask
