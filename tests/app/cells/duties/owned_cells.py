"""Two cells with a map, and an owner of each over a store in memory: what duties are tried on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.store.cell_map.subject import SqliteMap
from tests.store.in_process import MemoryStore
from tidings.app.cells.duties.owner_duties import RANGES_EVERY_S, OwnerClocks, OwnerDuties
from tidings.app.cells.map_reader import MapReader
from tidings.core.cells.cell_map import CellOwner, FamilyPlace
from tidings.core.cells.directory import Opener, OpenerKind, directory_digest
from tidings.core.cells.families import CellId, FamilyId
from tidings.core.cells.ranges import CellRanges
from tidings.core.ids import OrgId
from tidings.store import port
from tidings.store.port.cell_map import CellEntry, CellKind, CellMapStore, MapPlace

ONE, TWO = CellId(1), CellId(2)
FIRST, CHILD, OTHER = OrgId(7), OrgId(8), OrgId(20)
KEY = b"k" * 32
NOW_MS = 1_000


class StoppedClock:
    def now_ms(self) -> int:
        return NOW_MS


def memory_store() -> MemoryStore:
    return MemoryStore(StoppedClock())


@dataclass
class Owner:
    """The owner of one cell."""

    cell: CellId
    owner: CellOwner
    store: CellMapStore
    reader: MapReader
    directory_key: bytes = KEY

    def begin(self, place: "Place", memory: MemoryStore) -> None:
        """Start, over what its store holds."""
        self.memory = memory
        self.version = 0
        self.followed = 0
        self.duties = OwnerDuties(
            self,
            memory,
            lambda: self.version,
            place.ranges_of,
            OwnerClocks(lambda: NOW_MS, lambda: place.passed_s),
            self.follow,
        )

    async def follow(self) -> None:
        self.followed += 1

    async def step(self) -> str:
        """A second goes by; why something could not be done."""
        await self.reader.look()
        await self.duties.step()
        await self.reader.look()
        return self.duties.problem

    async def make_org(self, org: OrgId, parent: OrgId | None = None) -> None:
        await self.memory.put_org(port.StoredOrg(org, f"org {org}", parent))
        self.version += 1


class Place:
    """A map, and two owners."""

    def __init__(self, directory: Path) -> None:
        self.map = SqliteMap(directory / "map")
        self.passed_s = 0.0
        self.unasked: set[CellId] = set()
        self.owners: dict[CellId, Owner] = {}

    async def begin(self) -> None:
        """Two cells, as `tidings cells create` leaves them."""
        for cell in (ONE, TWO):
            self.start(cell, memory_store())
        one, two = self.owners[ONE], self.owners[TWO]
        await one.make_org(FIRST)
        await one.make_org(CHILD, FIRST)
        await one.store.begin_grants(await one.memory.end_endless_range(), ONE)
        await two.memory.grant_ranges(())
        await two.make_org(OTHER)
        for owner in (one, two):
            await owner.store.put_cell(CellEntry(owner.cell, CellKind.DIRECTORY))
            await owner.store.put_owner(owner.cell, owner.owner)

    def start(self, cell: CellId, memory: MemoryStore) -> Owner:
        """Another process becomes the owner of a cell."""
        store = self.map.hosted()
        reader = MapReader(store, lambda: NOW_MS)
        owner = Owner(cell, CellOwner(1, f"a:{cell}"), store, reader)
        owner.begin(self, memory)
        self.owners[cell] = owner
        return owner

    async def step(self) -> None:
        """Some seconds go by."""
        self.passed_s += RANGES_EVERY_S
        for owner in self.owners.values():
            await owner.step()

    async def ranges_of(self, entries: Sequence[CellEntry]) -> Mapping[CellId, CellRanges]:
        return {
            cell.cell: await self.owners[cell.cell].memory.number_ranges()
            for cell in entries
            if cell.cell not in self.unasked
        }

    async def placed(self) -> Mapping[FamilyId, FamilyPlace]:
        return (await self.owners[ONE].store.read(MapPlace())).changes.families

    async def find(self, kind: OpenerKind, text: str) -> Sequence[Opener]:
        return await self.owners[ONE].store.find_openers(directory_digest(kind, KEY, text))
