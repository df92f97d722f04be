"""Hosts that share cells, in seconds that are counted: stores with owners, processes that take a
while to be there, and a map that is read late."""

import random
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from tidings.core.cells.families import CellId
from tidings.core.cells.hosts_seen import HostClaims, HostSeen, HostsSeen
from tidings.core.cells.owners_seen import OwnersSeen, WatchedOwner
from tidings.core.cells.taking import READY_S, CellsNow, CellTaking
from tidings.core.running.lease import LEASE_S

START_S = 1.5  # for a process to ask for its store
DRAIN_S = 0.5
RENEW_S = LEASE_S / 3


@dataclass
class Store:
    """The row of a store's owner."""

    epoch: int = 0
    holder: str = ""
    renewed: int = 0
    renewed_at_s: float = 0.0
    is_readable: bool = True

    @property
    def row(self) -> WatchedOwner | None:
        if not self.is_readable:
            return None
        return WatchedOwner(self.epoch, self.holder, self.renewed)


@dataclass
class Process:
    """A process of a cell."""

    cell: CellId
    begun_s: float
    seen: WatchedOwner | None
    since_s: float
    epoch: int = 0  # with which it owns; 0: it waits
    ends_s: float | None = None


class Host:
    """A machine's host and its processes."""

    def __init__(
        self, world: "World", name: str, address: str = "10.0.0.1", machine: str = ""
    ) -> None:
        self.world = world
        self.name = name
        self.taking = CellTaking(name, address, machine or name, world.now_s)
        self.hosts = HostsSeen()
        self.owners = OwnersSeen()
        self.processes: dict[CellId, Process] = {}
        self.ending: list[Process] = []
        self.beat = 0
        self.is_alive = True
        self.frozen_until_s = 0.0
        self.started = 0
        self.ends_s: float | None = None

    @property
    def serving(self) -> set[CellId]:
        """The cells whose process owns the store, as it believes."""
        return {cell for cell, process in self.processes.items() if process.epoch}

    def now(self) -> CellsNow:
        families = dict.fromkeys(self.world.stores.keys() - self.world.removed, 1)
        living = self.hosts.living(self.world.now_s)
        others = [host for host in living if host.name != self.name]
        return CellsNow(families, others, self.owners, self.serving)

    def step(self) -> None:
        """What a host does each second."""
        now_s = self.world.now_s
        for cell, store in self.world.stores.items():
            self.owners.note(cell, store.row, now_s)
        self.say()
        self.hosts.note(self.world.read(), now_s)
        self.taking.step(self.now(), now_s)
        self.say()
        if self.ends_s is not None and (not self.taking.wanted or now_s >= self.ends_s):
            self.want(())
            if not self.processes and not self.ending:
                self.is_alive = False
                self.world.entries.pop(self.name, None)
        else:
            self.want(self.taking.wanted)

    def end(self) -> None:
        """Be told to end."""
        self.taking.end(self.now(), self.world.now_s)
        self.ends_s = self.world.now_s + READY_S + 1
        self.say()

    def say(self) -> None:
        self.beat += 1
        seen = HostSeen(self.name, self.taking.address, self.taking.takes, self.taking.claims)
        packed = HostClaims.read(seen.claims.write())
        assert packed == seen.claims
        self.world.entries[self.name] = seen, self.beat

    def want(self, cells: Collection[CellId]) -> None:
        now_s = self.world.now_s
        for cell in set(self.processes) - set(cells):
            process = self.processes.pop(cell)
            process.ends_s = now_s + (DRAIN_S if process.epoch else 0.0)
            self.ending.append(process)
        for cell in set(cells) - set(self.processes):
            seen = self.owners.watched(cell)
            self.started += 1
            self.processes[cell] = Process(
                cell, now_s, seen and seen._replace(since_s=0.0), seen.since_s if seen else now_s
            )

    def run(self) -> None:
        """What its processes do."""
        now_s = self.world.now_s
        for process in [*self.processes.values()]:
            store = self.world.stores[process.cell]
            if process.epoch:
                if store.epoch != process.epoch:  # another one has taken it: this one ends
                    del self.processes[process.cell]
                elif now_s - store.renewed_at_s >= RENEW_S:
                    store.renewed, store.renewed_at_s = store.renewed + 1, now_s
            elif now_s >= process.begun_s + START_S and store.is_readable:
                self._ask(process, store)
        for process in [*self.ending]:
            assert process.ends_s is not None
            if now_s >= process.ends_s:
                self.ending.remove(process)
                store = self.world.stores[process.cell]
                if process.epoch and store.epoch == process.epoch:
                    store.holder = ""

    def _ask(self, process: Process, store: Store) -> None:
        """Take the store, if it was let go or not renewed for a lease."""
        now_s = self.world.now_s
        if store.row != process.seen:
            process.seen, process.since_s = store.row, now_s
        if not store.holder or now_s - process.since_s >= LEASE_S:
            self.world.takes.append((process.cell, self.name, now_s))
            store.epoch, store.holder, store.renewed = store.epoch + 1, self.name, 0
            store.renewed_at_s = now_s
            process.epoch = store.epoch


@dataclass
class World:
    """All of it. A tick is a tenth of a second."""

    cells: int
    seed: int = 0
    now_s: float = 0.0
    hosts: dict[str, Host] = field(default_factory=dict)
    entries: dict[str, tuple[HostSeen, int]] = field(default_factory=dict)
    takes: list[tuple[CellId, str, float]] = field(default_factory=list)
    is_map_away: bool = False
    removed: set[CellId] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        self.stores = {CellId(number): Store() for number in range(1, self.cells + 1)}
        self._due: dict[str, float] = {}

    def read(self) -> list[tuple[HostSeen, int]]:
        return [*self.entries.values()]

    def add(self, *names: str, **more: str) -> Host:
        for name in names:
            self.hosts[name] = host = Host(self, name, **more)
            self._due[name] = self.now_s + self.rng.random() / 3
        return host

    def kill(self, name: str) -> None:
        """The machine is gone, with all its processes."""
        self.hosts.pop(name).is_alive = False

    def freeze(self, name: str, seconds: float) -> None:
        """Nothing of the machine goes on for a while."""
        self.hosts[name].frozen_until_s = self.now_s + seconds

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds * 10)):
            self.now_s = round(self.now_s + 0.1, 1)
            for name, host in [*self.hosts.items()]:
                if self.now_s < host.frozen_until_s:
                    continue
                host.run()
                if self.now_s >= self._due[name] and not self.is_map_away:
                    pause_s = 0.2 if host.ends_s is not None else 1.0
                    self._due[name] = self.now_s + pause_s + self.rng.random() / 10
                    host.step()
                if not host.is_alive:
                    del self.hosts[name]

    def served(self) -> dict[CellId, str]:
        """By which living host each cell is served: by its store, so there is one at most."""
        return {
            process.cell: name
            for name, host in self.hosts.items()
            for process in host.processes.values()
            if process.epoch and self.stores[process.cell].epoch == process.epoch
        }

    def counts(self) -> list[int]:
        served = [*self.served().values()]
        return sorted(served.count(name) for name in self.hosts)

    def run_until_served(self, seconds: float) -> float:
        """Run until every cell is served; return after how many seconds."""
        began_s = self.now_s
        while len(self.served()) < self.cells:
            assert self.now_s - began_s < seconds, (self.served(), self.now_s - began_s)
            self.run(0.1)
        return self.now_s - began_s

    def takes_since(self, since_s: float) -> Iterable[tuple[CellId, str]]:
        return [(cell, name) for cell, name, at_s in self.takes if at_s > since_s]
