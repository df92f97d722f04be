"""The cells of this machine's host, where several machines share those of one database.

Each second the host says in the map that it lives and what it has, reads what the others say, looks
at who owns the stores, and decides (`core/cells/taking.py`). While the map is away it keeps what it
has, and takes nothing.
"""

import os
import secrets
import socket
import sys
from collections import Counter
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Protocol

import structlog

from tidings.app.cells.cell_settings import door_address
from tidings.app.cells.map_reader import MapReader
from tidings.app.cells.owner_rows import OwnerRows, Owners
from tidings.core.cells.families import CellId
from tidings.core.cells.hosts_seen import HostClaims, HostSeen, HostsSeen
from tidings.core.cells.owners_seen import OwnersSeen, WatchedOwner
from tidings.core.cells.taking import CellsNow, CellTaking
from tidings.core.running.lease import STANDS_BY
from tidings.settings.settings import Settings
from tidings.store.port.cell_map import CellEntry, CellMapStore, MapDown, MapRefused, ProcessEntry

BOOT_ID = "/proc/sys/kernel/random/boot_id"
NETWORK = "/proc/self/ns/net"

log = structlog.get_logger(__name__)


class LooksAtOwners(Protocol):
    """Reads who owns the stores of cells (`OwnerRows`)."""

    async def look(self, cells: Collection[CellEntry]) -> Owners:
        """Return the row of each cell's owner, as far as it can be read now."""

    async def close(self) -> None:
        """Let go what it reads with."""


def share_cells(
    settings: Settings, store: CellMapStore, reader: MapReader, passed_s: Callable[[], float]
) -> "SharedCells | None":
    """Return what decides which cells this machine has; None where it has them all, since their
    stores are its directories."""
    if settings.database is None:
        return None
    name = f"{socket.gethostname()[:64]}-{secrets.token_hex(4)}"
    address = door_address(settings)
    taking = CellTaking(name, address, name_machine(), passed_s())
    return SharedCells(taking, store, reader, OwnerRows(settings), passed_s)


def name_machine() -> str:
    """Return a name of where loopback is one and the same: this machine, or this container."""
    parts = [socket.gethostname()]
    with suppress(OSError):
        with open(BOOT_ID) as file:
            parts = [file.read().strip()]
        parts.append(str(os.stat(NETWORK).st_ino))
    return ":".join(parts)


class SharedCells:
    """To be used within one event loop."""

    def __init__(
        self,
        taking: CellTaking,
        store: CellMapStore,
        reader: MapReader,
        owners: LooksAtOwners,
        passed_s: Callable[[], float],
    ) -> None:
        """`passed_s`: never set, and the same clock for all processes of the machine."""
        self._taking = taking
        self._store = store
        self._reader = reader
        self._rows = owners
        self._passed_s = passed_s
        self._hosts = HostsSeen()
        self._owners = OwnersSeen()
        self._beat = 0
        self._is_in_map = False
        self._why_shown = ""  # why it stands by

    @property
    def cells(self) -> list[CellId]:
        """List the cells that this machine has a process for."""
        return sorted(self._taking.wanted)

    def watched(self, cell: CellId) -> WatchedOwner | None:
        """Return who owns the store of a cell and since when its row has not changed."""
        return self._owners.watched(cell)

    @property
    def why_idle(self) -> str:
        """Say why this machine has no cell; nothing where it has one."""
        taking = self._taking
        if taking.wanted:
            return ""
        if (other := taking.unreachable) is not None:
            return (
                "door_host must be an address that the other machines reach, on each of them: "
                f"this one has {taking.address}, and {other.name} has {other.address}. No cell is "
                "taken here meanwhile. Set TIDINGS_DOOR_HOST."
            )
        return (
            f"{STANDS_BY} the processes of other machines own all cells, and this one takes over "
            "when one of them ends. For work of its own: tidings cells create"
        )

    async def step(self, serving: Collection[CellId], *, may_take: bool = True) -> None:
        """Do what is due each second. `serving`: the cells whose process here says that it
        listens; `may_take`: the host has the files that are in force."""
        if self._reader.problem:
            return
        self._taking.has_files = may_take
        cells = self._reader.view.cells
        for cell, row in (await self._rows.look([*cells.values()])).items():
            self._owners.note(cell, row, self._passed_s())
        try:
            hosts = await self._exchange()
        except (MapDown, MapRefused):
            return  # its reader says so
        before = {*self._taking.wanted}, dict(self._taking.gives)
        self._taking.step(self._now(serving, hosts), self._passed_s())
        after = {*self._taking.wanted}, dict(self._taking.gives)
        if before != after:
            log.info("this machine has other cells", cells=sorted(after[0]), gives=after[1])
            with suppress(MapDown, MapRefused):
                await self._say()
        self._tell()

    async def hand_over(self, serving: Collection[CellId]) -> bool:
        """Name for each cell who is to have it, and return whether anybody is."""
        if not self._is_in_map:
            return False
        hosts = self._hosts.living(self._passed_s())
        self._taking.end(self._now(serving, self._others(hosts)), self._passed_s())
        with suppress(MapDown, MapRefused):
            await self._say()
        return bool(self._taking.gives)

    async def leave(self) -> None:
        """Take the host out of the map. Idempotent."""
        if self._is_in_map:
            self._is_in_map = False
            with suppress(MapDown, MapRefused):
                await self._store.remove_process(self._taking.name, self._beat)
        await self._rows.close()

    async def _say(self) -> None:
        """Say in the map that the host lives, and what it has."""
        taking = self._taking
        self._beat += 1
        self._is_in_map = True
        await self._store.beat(
            ProcessEntry(
                name=taking.name,
                address=taking.address,
                beat=self._beat,
                takes=taking.takes,
                claims=taking.claims.write(),
            )
        )

    async def _exchange(self) -> list[HostSeen]:
        """Beat, and return the other hosts that live."""
        await self._say()
        processes = await self._store.list_processes()
        now_s = self._passed_s()
        self._hosts.note(((_host_of(process), process.beat) for process in processes), now_s)
        for name, beat in self._hosts.forgotten(now_s):
            await self._store.remove_process(name, beat)
        return self._others(self._hosts.living(now_s))

    def _others(self, hosts: list[HostSeen]) -> list[HostSeen]:
        return [host for host in hosts if host.name != self._taking.name]

    def _now(self, serving: Collection[CellId], hosts: list[HostSeen]) -> CellsNow:
        view = self._reader.view
        counts = Counter(view.places.cells_of_families())
        families = {cell: counts[cell] for cell in view.current_cells}
        return CellsNow(families=families, others=hosts, owners=self._owners, serving=serving)

    def _tell(self) -> None:
        """Say once on stderr that the host stands by, and why."""
        why = self.why_idle
        if why != self._why_shown and not (why and self._beat < 3):  # it has just begun to look
            self._why_shown = why
            if why:
                print(f"Tidings has no cell here: {why}", file=sys.stderr, flush=True)


def _host_of(process: ProcessEntry) -> HostSeen:
    return HostSeen(
        name=process.name,
        address=process.address,
        takes=process.takes,
        claims=HostClaims.read(process.claims),
    )
