"""Which cells a host has processes for, where several machines share the cells. Pure.

A host takes what is free when it has its turn (`placement.py`), and says so in the map. Two that
take one cell at the same moment hurt nobody: the store has one owner, and the other host lets the
cell be as soon as it reads that. Who has too many, or ends, names for each cell that it hands over
the host which is to have it; that one starts a process, which waits for the store, and then the
former one ends its own.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from tidings.core.cells.families import CellId
from tidings.core.cells.hosts_seen import HostClaims, HostSeen, find_unreachable
from tidings.core.cells.owners_seen import OwnersSeen
from tidings.core.cells.placement import (
    ProcessSeen,
    choose_to_hand,
    hand_over_to,
    may_take,
)

FIRST_S = 1.0  # after its first beat a host takes: others that start now have beaten as well
READY_S = 3.0  # for who is given a cell to have a process for it
GIVEN_UP_S = 30.0  # for who is given a cell to own it
STUCK_S = 20.0  # a cell is free although another host has a process for it


class CellsNow(NamedTuple):
    """Hold what a host sees at one moment."""

    families: Mapping[CellId, int]  # of every cell, how many it has
    others: Sequence[HostSeen]  # other hosts, which live
    owners: OwnersSeen
    serving: Collection[CellId]  # of its own processes, those that serve


class _Given(NamedTuple):
    """Name to whom a cell is handed over, and since when."""

    name: str
    since_s: float


class CellTaking:
    """Decides for one host, step by step."""

    def __init__(self, name: str, address: str, machine: str, now_s: float) -> None:
        self.name = name
        self.address = address
        self._machine = machine
        self._begun_s: float | None = None  # its first step
        self._handed_s = now_s
        self._wanted: set[CellId] = set()
        self._gives: dict[CellId, _Given] = {}
        self._serving: frozenset[CellId] = frozenset()
        self._is_ending = False
        self.unreachable: HostSeen | None = None  # beside whom it takes nothing
        self.has_files = True  # those that are in force; with others it takes nothing

    @property
    def wanted(self) -> set[CellId]:
        """Return the cells that the host has processes for."""
        return self._wanted

    @property
    def gives(self) -> Mapping[CellId, str]:
        """Return to whom which cells are handed over."""
        return {cell: given.name for cell, given in self._gives.items()}

    @property
    def takes(self) -> bool:
        """Return whether the host may be given a cell."""
        return not self._is_ending and self.unreachable is None and self.has_files

    @property
    def claims(self) -> HostClaims:
        """Return what the host says of cells."""
        owns = self._wanted & self._serving
        return HostClaims(
            machine=self._machine,
            owns=tuple(sorted(owns)),
            wants=tuple(sorted(self._wanted - owns)),
            gives=self.gives,
        )

    def end(self, now: CellsNow, now_s: float) -> None:
        """Hand over all cells to the hosts with the fewest; they are ended once those are there."""
        if self._is_ending:
            return
        self._is_ending = True
        counts = {host.name: len(host.has) for host in now.others if host.takes}
        for cell in sorted(self._wanted - self._gives.keys()):
            if counts:
                name = min(counts, key=lambda name: (counts[name], name))
                counts[name] += 1
                self._gives[cell] = _Given(name, now_s)

    def step(self, now: CellsNow, now_s: float) -> None:
        """Take, hand over and let be what is due now."""
        self._begun_s = now_s if self._begun_s is None else self._begun_s
        self._serving = frozenset(now.serving)
        self._wanted &= now.families.keys()
        self.unreachable = find_unreachable(self._own(now_s), now.others)
        self._follow_given(now, now_s)
        for cell in self._wanted - self._serving:
            if _is_another_s(cell, self.name, now.others):
                self._wanted.discard(cell)
        if self._is_ending:
            return
        self._hand_over(now, now_s)
        for cell in sorted(now.families.keys() - self._wanted - self._gives.keys()):
            if self._may_take(cell, now, now_s):
                self._wanted.add(cell)

    def _own(self, now_s: float) -> HostSeen:
        return HostSeen(
            name=self.name,
            address=self.address,
            takes=self.takes,
            claims=self.claims,
            lived_s=self._lived_s(now_s),
        )

    def _lived_s(self, now_s: float) -> float:
        return 0.0 if self._begun_s is None else now_s - self._begun_s

    def _processes(self, now: CellsNow, now_s: float) -> list[ProcessSeen]:
        hosts = [self._own(now_s), *now.others]
        return [
            ProcessSeen(host.name, len(host.has), host.lived_s, takes=host.takes) for host in hosts
        ]

    def _may_take(self, cell: CellId, now: CellsNow, now_s: float) -> bool:
        """Return whether a free cell is this host's to take, or one that it is given."""
        given = [host.claims.gives[cell] for host in now.others if cell in host.claims.gives]
        reserved = given[0] if given else ""
        if reserved == self.name:
            return self.takes
        free_s = now.owners.free_s(cell)
        if free_s is None or self._lived_s(now_s) < FIRST_S:
            return False
        if any(cell in host.has for host in now.others):
            free_s -= STUCK_S
        count = len(now.families)
        processes = self._processes(now, now_s)
        return free_s >= 0 and may_take(self.name, cell, free_s, processes, count, reserved)

    def _hand_over(self, now: CellsNow, now_s: float) -> None:
        """Name who is to have one of this host's cells, where another one has two fewer."""
        able = {cell: now.families[cell] for cell in self._wanted & self._serving}
        if not able or self._gives:
            return
        since_s = now_s - self._handed_s
        to = hand_over_to(self.name, self._processes(now, now_s), len(now.families), since_s)
        if to is not None:
            self._gives[choose_to_hand(able)] = _Given(to, now_s)
            self._handed_s = now_s

    def _follow_given(self, now: CellsNow, now_s: float) -> None:
        """End the process of a cell that is handed over, once another one waits for its store."""
        by_name = {host.name: host for host in now.others}
        for cell, given in list(self._gives.items()):
            to = by_name.get(given.name)
            passed_s = now_s - given.since_s
            if to is None or cell in to.claims.owns or passed_s >= GIVEN_UP_S:
                del self._gives[cell]
                if to is not None and cell in to.claims.owns:
                    self._wanted.discard(cell)
            elif cell in to.claims.wants or passed_s >= READY_S:
                self._wanted.discard(cell)


def _is_another_s(cell: CellId, name: str, others: Sequence[HostSeen]) -> bool:
    """Return whether another host owns a cell, and does not hand it to this one."""
    return any(cell in host.claims.owns and host.claims.gives.get(cell) != name for host in others)
