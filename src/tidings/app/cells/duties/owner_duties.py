"""What the owner of a cell owes the map: where its families are, spares of ranges, what opens them.

The map is a hint, so all of it can be done late and again. At its start, and where the map has
another incarnation, an owner writes everything once more: that mends a map which was restored from
a backup, or has lost its last changes. In between it writes what is new. While the map is away the
cell goes on with the spares that it has.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from itertools import islice
from typing import NamedTuple, Protocol, TypeVar

import structlog

from tidings.app.cells.duties.own_openers import list_openers
from tidings.app.cells.map_reader import MapReader
from tidings.core.cells.cell_map import CellOwner, FamilyPlace, lost_places
from tidings.core.cells.directory import Opener
from tidings.core.cells.families import CellId, FamilyId, FamilyState
from tidings.core.cells.ranges import CellRanges, RangeUse, wanted_spares
from tidings.core.running.service_part import ServicePart
from tidings.engine.heartbeats import Heart
from tidings.errors import Unavailable, Unusable
from tidings.store import port
from tidings.store.port.cell_map import (
    CellEntry,
    CellMapStore,
    CellState,
    MapPlace,
    MapRefused,
    MapWentBack,
    RangesUnknown,
)

EVERY_S = 1.0
RANGES_EVERY_S = 5.0
AT_ONCE = 200  # rows in one change of the map, for which others wait
PART = ServicePart(
    "cell duties",
    "other processes do not hear of new orgs and keys of this one, and its numbers run out",
    work_s=60.0,
    waits_for="the map of the cells",
)

Key = TypeVar("Key")
RangesOf = Callable[[Sequence[CellEntry]], Awaitable[Mapping[CellId, CellRanges]]]
log = structlog.get_logger(__name__)


class OwnCell(Protocol):
    """Hold what a process has of its installation, as its duties ask it (`Installation`). `owner`
    changes."""

    cell: CellId
    owner: CellOwner
    store: CellMapStore
    reader: MapReader
    directory_key: bytes


class OwnerClocks(NamedTuple):
    """The time, and one that is never set."""

    now_ms: Callable[[], int]
    passed_s: Callable[[], float] = time.monotonic


async def follow_nothing() -> None:
    """Have nothing in force of what is in force over all cells."""


class OwnerDuties:
    """One task. To be used within one event loop."""

    def __init__(
        self,
        own: OwnCell,
        store: port.Store,
        orgs_version: Callable[[], int],
        ranges_of: RangesOf,
        clocks: OwnerClocks,
        follow: Callable[[], Awaitable[None]] = follow_nothing,
    ) -> None:
        """`orgs_version`: differs once an org was made here; `ranges_of` reads what stands of their
        ranges in the stores of cells; `follow` has in force what is over all cells, as the reader
        has it, and returns when that is so: it is confirmed then."""
        self.problem = ""  # why something is not done now
        self._own = own
        self._store = store
        self._orgs_version = orgs_version
        self._ranges_of = ranges_of
        self._clocks = clocks
        self._follow = follow
        self._use = RangeUse()
        self._opened_in = ""  # the incarnation of the map that has all openers there were
        self._placed_in = ""  # that of the map that has all families
        self._placed_version = -1  # of the orgs
        self._confirmed: tuple[MapPlace, int] | None = None
        self._ranges_at_s = float("-inf")

    async def run(self, heart: Heart) -> None:
        """Do what is due each second, until cancelled."""
        while True:
            await self.step(heart.beat)
            await heart.sleep(EVERY_S)

    async def step(self, beat: Callable[[], None] = lambda: None) -> None:
        """Do what is due now. What cannot be done now is due again the next time."""
        if not self._own.reader.view.place.incarnation:
            return  # the map was never read
        problems = []
        for duty in (self._place_families, self._keep_spares, self._add_openers, self._confirm):
            try:
                await duty(beat)
            except (Unavailable, Unusable) as error:
                problems.append(str(error))
        problem = " ".join(problems)
        if problem and not self.problem:
            log.warning("what a cell owes the map is not done now", reason=problem)
        elif self.problem and not problem:
            log.info("what a cell owes the map is done again")
        self.problem = problem

    # -- where its families are -------------------------------------------------------------------

    async def _place_families(self, beat: Callable[[], None]) -> None:
        version, place = self._orgs_version(), self._own.reader.view.place
        is_all = place.incarnation != self._placed_in
        if not is_all and version == self._placed_version:
            return
        here = {
            row.family: row.number
            for row in await self._store.families()
            if row.state is FamilyState.HERE
        }
        places = self._own.reader.view.places
        # What others have told of families does not say that the map has it.
        known: dict[FamilyId, FamilyPlace] = {}
        if not is_all:
            found = ((family, places.place_of(family)) for family in here)
            known = {family: at for family, at in found if at is not None}
        lost = lost_places(here, known, self._own.cell)
        for part in _parts(lost, AT_ONCE):
            beat()
            await self._own.store.place_families({family: lost[family] for family in part})
        for family, at in lost.items():
            places.learn(family, at)
        self._placed_in, self._placed_version = place.incarnation, version

    # -- what it follows --------------------------------------------------------------------------

    async def _confirm(self, beat: Callable[[], None]) -> None:
        own, place = self._own, self._own.reader.view.place
        if self._confirmed == (place, own.owner.epoch):
            return
        if not self._placed_in == self._opened_in == place.incarnation:
            return  # what is confirmed is also that the map has all that is here
        await self._follow()
        epoch = own.owner.epoch
        if await own.store.confirm(own.cell, epoch, place):
            self._confirmed = place, epoch

    # -- ranges of numbers ------------------------------------------------------------------------

    async def _keep_spares(self, beat: Callable[[], None]) -> None:
        now_s = self._clocks.passed_s()
        if now_s - self._ranges_at_s < RANGES_EVERY_S:
            return
        ranges = await self._store.number_ranges()
        if ranges.is_endless:
            raise MapRefused(
                f"The store of cell {self._own.cell} must give numbers of ranges; it gives them "
                "without an end, as the only one. Run `tidings cells create` again."
            )
        self._use.note(ranges, now_s)
        wanted = wanted_spares(self._use.numbers_a_day)
        if len(ranges.spares) < wanted:
            granted = await self._granted(ranges, wanted - len(ranges.spares))
            await self._store.grant_ranges(granted)
        self._ranges_at_s = now_s

    async def _granted(self, ranges: CellRanges, missing: int) -> Sequence[int]:
        """Have ranges granted above the highest one that the cell has."""
        own, highest = self._own, max(ranges.granted, default=-1)

        async def grant() -> Sequence[int]:
            if ranges.spares:
                return await own.store.grant_ranges(own.cell, highest, missing)
            # It may come from a backup: then none that it was granted since may be begun.
            reading = await own.store.read(MapPlace())
            counted = reading.next_range
            return await own.store.grant_fresh_ranges(own.cell, highest, missing, counted)

        try:
            return await grant()
        except MapWentBack as error:
            log.error("the map has gone back", reason=str(error))
            await own.store.begin_incarnation(own.reader.view.place.incarnation)
            await own.reader.look()
        except RangesUnknown:
            pass  # somebody has found out that it has gone back
        await self._restore_grants()
        return await grant()

    async def _restore_grants(self) -> None:
        """Have the map know again which ranges each cell has, by what stands in its store."""
        own = self._own
        if not await own.reader.look():
            raise RangesUnknown(own.reader.problem)
        view = own.reader.view
        others = [
            cell
            for cell in view.cells.values()
            if cell.cell != own.cell and cell.state is not CellState.REMOVED
        ]
        by_cell = {**await self._ranges_of(others), own.cell: await self._store.number_ranges()}
        await own.store.restore_grants(view.place.incarnation, by_cell)

    # -- what opens its families ------------------------------------------------------------------

    async def _add_openers(self, beat: Callable[[], None]) -> None:
        """Add what is missing in a map that is another one. What is made since is added by who
        makes it, before that."""
        incarnation = self._own.reader.view.place.incarnation
        if incarnation == self._opened_in:
            return
        openers = await list_openers(self._store, self._own.directory_key)
        refused: list[Opener] = []
        for part in _parts(openers, AT_ONCE):
            beat()
            if not await self._own.store.add_openers(part, self._clocks.now_ms()):
                refused += await self._add_each(part)
        if refused:
            kinds = sorted({opener.kind.name.lower() for opener in refused})
            log.error(
                "what opens an org here opens one of another cell",
                count=len(refused),
                kinds=kinds,
                then="A call that names no org is taken for the other one's.",
            )
        self._opened_in = incarnation

    async def _add_each(self, openers: Collection[tuple[bytes, Opener]]) -> list[Opener]:
        """Add what can be; return what is another family's."""
        refused = []
        for digest, opener in openers:
            if not await self._own.store.add_openers([(digest, opener)], self._clocks.now_ms()):
                if not await self._rehome(digest, opener):
                    refused.append(opener)
            await asyncio.sleep(0)
        return refused

    async def _rehome(self, digest: bytes, opener: Opener) -> bool:
        """Put an opener in the place of one that names another family of this cell: its org got
        another parent, and the process ended before the map had that."""
        own, places = self._own, self._own.reader.view.places
        known = [(digest, found) for found in await own.store.find_openers(digest)]
        for _, found in known:
            place = places.place_of(found.family)
            if found.kind is not opener.kind or place is None or place.cell != own.cell:
                return False
        new = [(digest, opener)]
        return await own.store.rehome_openers(known, new, self._clocks.now_ms())


def _parts(all_of_it: Collection[Key], size: int) -> list[list[Key]]:
    """Part something into lists of at most so many."""
    rest = iter(all_of_it)
    parts = []
    while part := list(islice(rest, size)):
        parts.append(part)
    return parts
