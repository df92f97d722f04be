"""Which cell a new family goes to, and which process owns which cells.

Families: to the cell with the fewest events of the last hour, then to that with the fewest
families. Loads are read now and then and lie behind; so each family that was placed since counts as
much as an average one brings, and loads that differ by less than `ALIKE` are the same. Otherwise
all orgs that are made between two readings would go to one cell.

Cells: each process takes its fair share of what is free. Whose turn it is follows from the names of
process and cell alone, so several processes that look at one moment do not all reach for the same
one; who has its turn and does nothing is passed after a while. A cell changes from one living
process to another only where that has two more than the other after it, which has lived for a
while: so who comes and goes is left alone, and no cell goes back and forth.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from tidings.core.cells.families import CellId

ALIKE = 0.1  # of the largest load
SETTLED_S = 60.0  # so long a process has lived without a break before it is given anything
TURN_S = 2.0  # of each process for a free cell, one after the other
HAND_EVERY_S = 10.0  # a process hands over one cell at a time


class CellLoad(msgspec.Struct, frozen=True):
    """Hold what a cell has to do, as it was read."""

    cell: CellId
    events: int  # of the last hour
    families: int
    placed: int = 0  # families since the reading
    is_open: bool = True  # it has an owner, and is not being drained or removed


def choose_cell(loads: Sequence[CellLoad]) -> CellId | None:
    """Return the cell for a new family, or None where none is open."""
    able = [load for load in loads if load.is_open]
    if not able:
        return None
    families = sum(load.families for load in loads)
    mean = sum(load.events for load in loads) / families if families else 0.0
    expected = {load.cell: load.events + load.placed * mean for load in able}
    fewest, most = min(expected.values()), max(expected.values())
    alike = [load for load in able if expected[load.cell] <= fewest + ALIKE * most]
    return min(
        alike, key=lambda load: (load.families + load.placed, expected[load.cell], load.cell)
    ).cell


class ProcessSeen(NamedTuple):
    """A process that lives, as its row tells."""

    name: str
    cells: int  # that it owns
    lived_s: float  # without a break, by the clock of who has read it
    takes: bool = True  # it may: it is not being stopped, and has the declared files in force


def fair_share(cells: int, processes: int) -> int:
    """Return how many cells a process may own where all of them take part."""
    return -(-cells // max(1, processes))


def turns_for(cell: CellId, processes: Sequence[ProcessSeen]) -> list[str]:
    """List the processes in the order in which they have their turn to take a cell."""
    return sorted(
        (process.name for process in processes if process.takes),
        key=lambda name: hashlib.blake2b(f"{cell}.{name}".encode(), digest_size=8).digest(),
    )


def may_take(
    name: str,
    cell: CellId,
    free_s: float,
    processes: Sequence[ProcessSeen],
    cells: int,
    reserved_for: str = "",
) -> bool:
    """Return whether a process may take a cell that has been free for so long, by its own clock.

    Those below their share have their turns first. Where all are at their share, or do nothing, the
    cell is anybody's in the end: one too many is better than none. `reserved_for`: to whom its
    owner has handed it over; that one's turn comes first.
    """
    seen = {process.name: process for process in processes if process.takes}
    if name not in seen:
        return False
    share = fair_share(cells, len(seen))
    turns = turns_for(cell, processes)
    below = [other for other in turns if seen[other].cells < share and other != reserved_for]
    rest = [other for other in turns if seen[other].cells >= share and other != reserved_for]
    order = [*([reserved_for] if reserved_for in seen else []), *below, *rest]
    return free_s >= order.index(name) * TURN_S


def hand_over_to(
    name: str, processes: Sequence[ProcessSeen], cells: int, since_last_s: float
) -> str | None:
    """Return to whom a process hands one of its cells now, or None: to the one with the fewest, if
    that has two fewer at least, so that the two are no further apart afterwards. While any cell is
    free, or the counts are not of one moment, nothing is handed over."""
    if since_last_s < HAND_EVERY_S or sum(process.cells for process in processes) != cells:
        return None
    own = next((process for process in processes if process.name == name), None)
    able = [
        process
        for process in processes
        if process.takes and process.lived_s >= SETTLED_S and process.name != name
    ]
    if own is None or not able:
        return None
    fewest = min(able, key=lambda process: (process.cells, process.name))
    busiest = max(processes, key=lambda process: (process.cells, process.name))
    if busiest.name != name or own.cells - fewest.cells < 2:
        return None  # the one with most gives, or several would give to the same one
    return fewest.name


def choose_to_hand(families: Mapping[CellId, int]) -> CellId:
    """Return the cell that costs least to hand over: with the fewest families."""
    return min(families, key=lambda cell: (families[cell], cell))
