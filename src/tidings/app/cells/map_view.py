"""What a process knows of the map: readings of its store, put together."""

from collections import Counter
from collections.abc import Iterator, Mapping

from tidings.core.cells.cell_map import CellMap
from tidings.core.cells.families import CellId, FamilyId
from tidings.core.cells.ranges import RangeGrants
from tidings.store.port.cell_map import (
    BELOW,
    CellEntry,
    CellState,
    MapPlace,
    MapReading,
    PlatformKind,
    PlatformRow,
    RangeRun,
    grants_of,
)


class MapView:
    """Holds cells, owners, families, ranges, and what is in force over all cells.

    Families and owners, in `places`, go by numbers of their own, and are learned from answers of
    owners too: nothing that is read of the map takes them back. All else is as the map has it."""

    def __init__(self) -> None:
        self.place = MapPlace()
        self.places = CellMap()
        self.grants = RangeGrants()
        self.parents_changed = 0  # rises once an org got another parent: openers are others' then
        self._cells: dict[CellId, CellEntry] = {}
        self._runs: set[RangeRun] = set()
        self._platform: dict[tuple[PlatformKind, str], PlatformRow] = {}

    @property
    def cells(self) -> Mapping[CellId, CellEntry]:
        """Return the cells, also those that were removed."""
        return self._cells

    @property
    def current_cells(self) -> list[CellId]:
        """List the cells that were not removed."""
        cells = self._cells.values()
        return sorted(known.cell for known in cells if known.state is not CellState.REMOVED)

    def is_below(self, family: FamilyId) -> bool:
        """Return whether an org that was a family is below another one by now: where it is says the
        directory, and not its place."""
        row = self._platform.get((PlatformKind.PARENT, str(family)))
        return row is not None and row.content == BELOW

    def families_by_cell(self) -> Counter[CellId]:
        """Count the families of each cell."""
        families: Counter[CellId] = Counter(self.places.cells_of_families())
        for row in self._platform.values():
            if row.kind is PlatformKind.PARENT and row.content == BELOW:
                place = self.places.place_of(FamilyId(int(row.name)))
                if place is not None:
                    families[place.cell] -= 1
        return families

    def in_force(self, kind: PlatformKind, now_ms: int) -> Iterator[PlatformRow]:
        """List what of a kind is in force over all cells."""
        for row in self._platform.values():
            if row.kind is kind and (row.until_ms is None or now_ms <= row.until_ms):
                yield row

    def platform_row(self, kind: PlatformKind, name: str) -> PlatformRow | None:
        """Return what of that name is in force over all cells."""
        return self._platform.get((kind, name))

    def merge(self, reading: MapReading) -> None:
        """Take in what was read behind `place`."""
        if reading.is_whole:
            self._cells.clear()
            self._runs.clear()
            self._platform.clear()
        self.places.merge(reading.changes)
        self._cells.update((cell.cell, cell) for cell in reading.cells)
        for row in reading.platform:
            self.parents_changed += row.kind is PlatformKind.PARENT
            if row.content is None:
                self._platform.pop((row.kind, row.name), None)
            else:
                self._platform[row.kind, row.name] = row
        if reading.runs or reading.is_whole or reading.next_range != self.grants.next:
            self._runs.update(reading.runs)
            self.grants = grants_of(self._runs, reading.next_range)
        self.place = reading.place

    def lacked_by(self, reading: MapReading) -> Iterator[PlatformRow]:
        """List what was in force and another incarnation of the map does not know."""
        known = {(row.kind, row.name): row.revision for row in reading.platform}
        for key, row in self._platform.items():
            if row.revision > known.get(key, 0):
                yield row

    def forget_expired(self, now_ms: int) -> None:
        """Forget what need not be known any more."""
        expired = [
            key
            for key, row in self._platform.items()
            if row.until_ms is not None and row.until_ms < now_ms
        ]
        for key in expired:
            del self._platform[key]
