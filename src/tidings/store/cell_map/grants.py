"""The counter of ranges of numbers, and which cell has which."""

from collections.abc import Mapping, Sequence

from tidings.core.cells.families import CellId
from tidings.core.cells.ranges import SKIPPED, CellRanges, RangeGrants, restored_grants
from tidings.store.cell_map.tables import RUN
from tidings.store.cell_map.transactions import MapChange, MapTransactions
from tidings.store.port.cell_map import (
    CellState,
    MapRefused,
    MapWentBack,
    RangeRun,
    RangesUnknown,
    grants_of,
)

# Those from the run on in which a range lies.
_RUNS = (
    f"{RUN.select} WHERE first >="
    " (SELECT coalesce(max(r.first), 0) FROM range_grant r WHERE r.first <= ?) ORDER BY first"
)
_NEWEST = f"{RUN.select} ORDER BY first DESC LIMIT 1"
_PUT_RUN = RUN.insert(behind=("version",))
_COUNT_TO = "UPDATE map_meta SET next_range = ?"
_GRANT_AGAIN = "UPDATE map_meta SET granting = incarnation"
_CELLS = "SELECT cell FROM cell_entry WHERE state <> ?"


class GrantRows:
    """Grants ranges. Each is of one cell for ever."""

    def __init__(self, transactions: MapTransactions) -> None:
        self._transactions = transactions
        self._connection = transactions.connection

    def begin(self, first: int, base: CellId) -> None:
        """See `CellMapStore.begin_grants`. Asked again, it has begun already."""
        with self._transactions.changing() as change:
            begun = self._connection.execute(_RUNS, (0,)).fetchone()
            if begun is None:
                self._append(change, RangeRun(0, base))
                self._connection.execute(_COUNT_TO, (first,))
            elif RUN.read(begun) != RangeRun(0, base) or change.meta.next_range < first:
                raise MapRefused(
                    f"The map must count ranges from {first} on, behind those of cell {base}; it "
                    "counts others. Name the map of this installation."
                )

    def grant(self, cell: CellId, highest: int, wanted: int) -> Sequence[int]:
        """See `CellMapStore.grant_ranges`."""
        with self._transactions.changing() as change:
            grants, known = self._granting(change, cell, highest)
            return self._extend_to(change, grants, cell, known, wanted)

    def grant_afresh(self, cell: CellId, highest: int, wanted: int, counted: int) -> Sequence[int]:
        """See `CellMapStore.grant_fresh_ranges`."""
        with self._transactions.changing() as change:
            grants, known = self._granting(change, cell, highest)
            known = [index for index in known if index >= counted + SKIPPED]  # by this question
            if not known:
                grants.skip()
            return self._extend_to(change, grants, cell, known, wanted)

    def _extend_to(
        self,
        change: MapChange,
        grants: RangeGrants,
        cell: CellId,
        known: Sequence[int],
        wanted: int,
    ) -> Sequence[int]:
        """Grant a cell what is missing of so many ranges, and return all."""
        granted = grants.grant(cell, max(0, wanted - len(known)))
        if granted:
            self._extend(change, grants, range(change.meta.next_range, grants.next))
        return [*known, *granted]

    def _granting(
        self, change: MapChange, cell: CellId, highest: int
    ) -> tuple[RangeGrants, Sequence[int]]:
        """Return the grants from the highest range of a cell on, and its own above that. Raise
        RangesUnknown, MapWentBack."""
        meta = change.meta
        if meta.granting != meta.incarnation:
            raise RangesUnknown(
                "the map grants no ranges before each cell has told those that it has"
            )
        rows = self._connection.execute(_RUNS, (max(0, highest),)).fetchall()
        runs = [RUN.read(row) for row in rows]
        grants = grants_of(runs, meta.next_range)
        if highest >= 0 and grants.cell_of(highest, bits=0) != cell:
            raise MapWentBack(f"the map does not know that cell {cell} has the range {highest}")
        ends = [run.first for run in runs[1:]] + [meta.next_range]
        known = [
            index
            for run, end in zip(runs, ends, strict=True)
            if run.cell == cell
            for index in range(max(run.first, highest + 1), end)
        ]
        return grants, known

    def restore(self, incarnation: str, by_cell: Mapping[CellId, CellRanges]) -> bool:
        """See `CellMapStore.restore_grants`."""
        with self._transactions.changing() as change:
            meta = change.meta
            if meta.incarnation != incarnation:
                return False
            if meta.granting == incarnation:  # asked again
                return True
            self._must_be_known(meta.next_range, by_cell)
            removed = (int(CellState.REMOVED),)
            cells = [cell for (cell,) in self._connection.execute(_CELLS, removed).fetchall()]
            try:
                found = restored_grants(by_cell, cells)
            except ValueError as error:
                raise MapRefused(
                    f"The map must know the ranges of every cell to grant further ones; {error}. "
                    "Ask each cell again."
                ) from error
            found.next = max(meta.next_range, found.next)
            found.skip()  # of a store that was lost as well nobody knows what it had
            self._extend(change, found, range(meta.next_range, found.next))
            self._connection.execute(_GRANT_AGAIN)
        return True

    def _must_be_known(self, next_range: int, by_cell: Mapping[CellId, CellRanges]) -> None:
        """Raise MapRefused where the map has given another cell a range that one says it has."""
        rows = self._connection.execute(_RUNS, (0,)).fetchall()
        grants = grants_of([RUN.read(row) for row in rows], next_range)
        for cell, ranges in by_cell.items():
            for index in ranges.granted:
                if index < next_range and grants.cell_of(index, bits=0) != cell:
                    raise MapRefused(
                        f"The ranges of a cell must be its own in the map; range {index} of cell "
                        f"{cell} is another's there. Restore a later backup of the map."
                    )

    def _extend(self, change: MapChange, grants: RangeGrants, indices: range) -> None:
        """Write the ranges that are new in these grants."""
        row = self._connection.execute(_NEWEST).fetchone()
        newest = None if row is None else RUN.read(row).cell
        for index in indices:
            cell = grants.cell_of(index, bits=0)
            if cell is not None and cell != newest:
                self._append(change, RangeRun(index, cell))
                newest = cell
        self._connection.execute(_COUNT_TO, (grants.next,))

    def _append(self, change: MapChange, run: RangeRun) -> None:
        self._connection.execute(_PUT_RUN, (change.meta.version, *RUN.write(run)))
