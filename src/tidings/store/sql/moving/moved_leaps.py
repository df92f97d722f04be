"""What leaps of clocks mean for deliveries that have moved to another store.

A leap that a store has followed is of all deliveries that it had, by their ids. Behind a move those
of the former store are missing, and those of this one speak of deliveries that were not here then.
So the difference is noted as further leaps, each of neighbours alone that have arrived: in between
is nothing that waits here. It is looked for only where either store has followed a leap.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence

from tidings.core.cells.families import FamilyId
from tidings.store import port
from tidings.store.sql.connection import StoreConnection
from tidings.store.sql.facts.leaps import note_leaps, read_leaps
from tidings.store.sql.facts.owned_keys import OwnedKeys
from tidings.store.sql.states import is_unfinished

RUNS_MAX = 64  # of neighbours; see `_join`
_UNFINISHED = (  # from which number up to which one: what an event is owed is not made yet
    "SELECT d.id, d.id, w.org FROM delivery d JOIN webhook w ON w.number = d.webhook"
    f" WHERE {is_unfinished('d')}"
    " UNION ALL SELECT f.first, f.first + f.count - 1, e.org FROM fan_out f"
    " JOIN event e ON e.seq = f.event ORDER BY 1"
)


def follow_leaps(
    connection: StoreConnection, family: FamilyId, theirs: Sequence[port.ClockLeap]
) -> None:
    """Have deliveries of a family that has arrived be as old as they were by the leaps of the
    store that it has left; in the transaction of the switch."""
    own = read_leaps(connection)
    if [*theirs] == own:
        return
    orgs = {*OwnedKeys(connection, family).orgs}
    rows = connection.execute(_UNFINISHED).fetchall()
    before, after = _LeapSums(theirs), _LeapSums(own)
    runs = _find_runs(
        (first, last, before.of(first) - after.of(first) if org in orgs else None)
        for first, last, org in rows
    )
    note_leaps(connection, runs if len(runs) <= RUNS_MAX else _join(runs))


class _LeapSums:
    """Adds up the leaps of a delivery, by what they are between their ends."""

    def __init__(self, leaps: Sequence[port.ClockLeap]) -> None:
        ends = {leap.upto for leap in leaps} | {leap.after_id for leap in leaps}
        self._ends = sorted(ends)
        self._sums = [
            sum(leap.by_ms for leap in leaps if leap.after_id < end <= leap.upto)
            for end in self._ends
        ]

    def of(self, delivery: int) -> int:
        """Return by how much later it was accepted than its date says, in milliseconds."""
        at = bisect_left(self._ends, delivery)
        return self._sums[at] if at < len(self._ends) else 0


def _find_runs(deliveries: Iterable[tuple[int, int, int | None]]) -> list[port.ClockLeap]:
    """Find the neighbours that need the same leap. What waits comes by its first and last number
    and the leap that it needs, None: it has not arrived by this move."""
    runs: list[port.ClockLeap] = []
    is_going_on = False
    for first, last, by_ms in deliveries:
        if not by_ms:
            is_going_on = False
        elif is_going_on and runs[-1].by_ms == by_ms:
            runs[-1] = port.ClockLeap(last, runs[-1].after_id, by_ms)
        else:
            runs.append(port.ClockLeap(last, first - 1, by_ms))
            is_going_on = True
    return runs


def _join(runs: Sequence[port.ClockLeap]) -> list[port.ClockLeap]:
    """Return one leap for more than can be kept: what lies between waits longer by it, and what was
    accepted earlier than its date says waits longer too. Nothing ends early."""
    later = [run for run in runs if run.by_ms > 0]
    if not later:
        return []
    by_ms = max(run.by_ms for run in later)
    return [port.ClockLeap(later[-1].upto, later[0].after_id, by_ms)]
