"""Whose it is what opens something: what the directory has answered, in memory.

A row of the directory names its family until an org of it gets another parent, which the map says;
so what was found is kept until then, or until others are used more. That there is none is kept for
a second: who tries keys does not ask the map for each call; and it is believed once the directory
is whole: each owner writes into a map that is new to it what opens its orgs, and which credentials
are the platform's, and confirms that afterwards. Until every cell has, whoever is not found may yet
be known, and must not hear that his key is wrong.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from tidings.app.cells.map_view import MapView
from tidings.core.cells.directory import OpenerKind, directory_digest
from tidings.core.cells.families import FamilyId
from tidings.core.shares.table import SharedTable
from tidings.store.port.cell_map import CellMapStore, MapDown

FOUND_MAX = 65_536  # openers; of the family with most the oldest go
MISSING_MAX = 4_096
MISSING_S = 1.0
ASKED_MAX = 64  # at one time

Families = Sequence[FamilyId]


class NotWhole(MapDown):
    """The map answers, but not every cell has written into it: who is not found may be known."""


class KnownOpeners:
    """Asks the directory of a map. To be used within one event loop."""

    def __init__(
        self,
        store: CellMapStore,
        key: bytes,
        whole: "AsksWhetherWhole",
        now_s: Callable[[], float] | None = None,
        parents_changed: Callable[[], int] = lambda: 0,
    ) -> None:
        """`key`: the installation's, of digests in the directory; `whole`: see
        `WholeDirectory`; `parents_changed`: differs once an org got another parent, by which
        what opens it became another family's."""
        self._store = store
        self._key = key
        self._whole = whole
        self._now_s = now_s or asyncio.get_running_loop().time
        self._parents_changed = parents_changed
        self._parents = parents_changed()
        self._found: SharedTable[FamilyId, bytes, Families] = SharedTable(FOUND_MAX)
        # Until when there is none; whoever tries keys makes room of what others have tried.
        self._missing: SharedTable[None, bytes, float] = SharedTable(MISSING_MAX)
        self._asked: dict[bytes, asyncio.Task[Families]] = {}

    def at_hand(self, kind: OpenerKind, text: str) -> Families | None:
        """Return whose it is, as far as is known; None: the directory has to be asked."""
        self._follow_parents()
        digest = directory_digest(kind, self._key, text)
        found = self._found.get(digest)
        if found is not None:
            self._found.touch(digest)
            return found
        until_s = self._missing.get(digest)
        return () if until_s is not None and self._now_s() < until_s else None

    @property
    def are_all_known(self) -> bool:
        """Return whether somebody who is not known here is nobody's: what every cell has said of
        its orgs, and of the platform's credentials, was read here."""
        return self._whole.was_whole

    async def find(self, kind: OpenerKind, text: str) -> Families:
        """Ask the directory whose it is; who asks for the same meanwhile gets the same answer.
        Raise MapDown, also where too many are asked for already, NotWhole, and MapRefused."""
        digest = directory_digest(kind, self._key, text)
        task = self._asked.get(digest)
        if task is None:
            if len(self._asked) >= ASKED_MAX:
                raise MapDown("The directory must answer earlier questions first. Try again.")
            task = asyncio.get_running_loop().create_task(self._ask(digest, kind))
            task.add_done_callback(_let_be)
            self._asked[digest] = task
        return await asyncio.shield(task)

    def _follow_parents(self) -> None:
        """Forget whose it is once it may have become another family's."""
        if (changed := self._parents_changed()) != self._parents:
            self._parents = changed
            self._found.clear()

    async def _ask(self, digest: bytes, kind: OpenerKind) -> Families:
        asked_at = self._parents_changed()
        try:
            rows = await self._store.find_openers(digest)
            if not rows and not await self._whole.is_whole():
                raise NotWhole("one of the cells has not yet written into it what opens its orgs")
        finally:
            self._asked.pop(digest, None)
        families = tuple(row.family for row in rows if row.kind is kind)
        if families:
            self._missing.pop(digest)
            if asked_at == self._parents_changed():
                self._found.put(families[0], digest, families)
        else:
            self._missing.put(None, digest, self._now_s() + MISSING_S)
        return families


class AsksWhetherWhole(Protocol):
    """Knows whether every cell has said what opens its orgs (`WholeDirectory`)."""

    @property
    def was_whole(self) -> bool: ...
    async def is_whole(self) -> bool: ...


class WholeDirectory:
    """Asks the map whether every cell has confirmed it, once for each incarnation that it was."""

    def __init__(
        self, store: CellMapStore, view: MapView, catch_up: Callable[[], Awaitable[None]]
    ) -> None:
        """`catch_up` reads the map and has in force here what is over all cells: what others
        have confirmed of the platform's credentials is known here only behind that."""
        self._store = store
        self._view = view
        self._catch_up = catch_up
        self._whole_in = ""

    @property
    def was_whole(self) -> bool:
        """Return whether it has been found to be whole, in this incarnation of the map."""
        incarnation = self._view.place.incarnation
        return bool(incarnation) and self._whole_in == incarnation

    async def is_whole(self) -> bool:
        """Return whether it is. Raise MapDown, MapRefused."""
        if self.was_whole:
            return True
        incarnation = self._view.place.incarnation
        confirmed = await self._store.confirmations()
        cells = self._view.current_cells
        if not cells or not all(confirmed.get(cell) for cell in cells):
            return False
        await self._catch_up()
        self._whole_in = incarnation
        return True


def _let_be(task: asyncio.Task[Families]) -> None:
    """Look at what became of a question, whose callers may all have gone."""
    if not task.cancelled():
        task.exception()
