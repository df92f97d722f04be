"""The owners of cells, as the row in each cell's store has them, watched by one's own clock. Pure.

Whoever waits to take a store over does so when its row has not changed for a whole lease. A host
watches the rows of all cells all the time, so that a process which it starts for one need not
begin to wait then. What was not looked at for a while was perhaps not to be reached for its owner
either: the watch begins anew.
"""

from typing import NamedTuple

from tidings.core.cells.families import CellId
from tidings.core.running.lease import LEASE_S

EARLY_S = 4.0  # before the lease is over a process is started, and is there in time
BREAK_S = LEASE_S / 2  # without a look


class WatchedOwner(NamedTuple):
    """The row of a store's owner, and since when it has been seen as it is. `holder`: the name of
    its connection; none: it has let go."""

    epoch: int
    holder: str
    renewed: int
    since_s: float = 0.0


class OwnersSeen:
    """Tells for how long the cells have been free."""

    def __init__(self) -> None:
        self._seen: dict[CellId, tuple[WatchedOwner | None, float, float]] = {}

    def note(self, cell: CellId, row: WatchedOwner | None, now_s: float) -> None:
        """Note the row of a cell's owner as it was just read; None: there is none to be read, so
        whoever opens the store says why."""
        known = self._seen.get(cell)
        since_s = now_s
        if known is not None and now_s - known[2] <= BREAK_S:
            former = known[0]
            is_same = (row is None) == (former is None)
            if row is not None and former is not None:
                is_same = row[:3] == former[:3]
            since_s = known[1] if is_same else now_s
        self._seen[cell] = row, since_s, now_s

    def watched(self, cell: CellId) -> WatchedOwner | None:
        """Return the row of a cell's owner and since when it has been so, if it has one."""
        row, since_s, _ = self._seen.get(cell, (None, 0.0, 0.0))
        return None if row is None or not row.holder else row._replace(since_s=since_s)

    def free_s(self, cell: CellId) -> float | None:
        """Compute for how long a cell may have been taken, in seconds; None: it is owned, or was
        never looked at."""
        if cell not in self._seen:
            return None
        row, since_s, last_s = self._seen[cell]
        passed_s = last_s - since_s
        if row is not None and row.holder:
            passed_s -= LEASE_S - EARLY_S
        return passed_s if passed_s >= 0 else None
