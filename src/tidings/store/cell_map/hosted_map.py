"""The map's store as a service asks it: one connection, in a thread of its own, with an end to each
wait.

A database, or a disk, may never answer. Who has asked is told so after some seconds, and the thread
is left to itself; the next question gets another one. What the left one does still is a question
that was asked before, which may be asked again at any time.
"""

import asyncio
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, TypeVar

from tidings.core.cells.cell_map import CellOwner, FamilyPlace
from tidings.core.cells.directory import Opener
from tidings.core.cells.families import CellId, FamilyId
from tidings.core.cells.ranges import CellRanges
from tidings.store.cell_map.map_rows import MapRows
from tidings.store.port.cell_map import (
    CellEntry,
    CellMapStore,
    CellState,
    MapDown,
    MapPlace,
    MapReading,
    PlatformRow,
    ProcessEntry,
)

ANSWER_S = 20.0  # longer than a statement may take
WAITING_MAX = 200  # questions
LEFT_MAX = 3  # threads that have never answered

Answer = TypeVar("Answer")
Question = Callable[[MapRows], Any]


class _MapThread:
    """Asks one question after the other, over a connection that it opens when it needs one."""

    def __init__(self, open_rows: Callable[[], MapRows]) -> None:
        self._open = open_rows
        self._questions: SimpleQueue[tuple[Question, asyncio.Future[Any]] | None] = SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self.waiting = 0
        self.thread = threading.Thread(target=self._run, name="map", daemon=True)
        self.thread.start()

    def ask(self, question: Question) -> asyncio.Future[Any]:
        """Ask a question when those before it are answered."""
        answer: asyncio.Future[Any] = self._loop.create_future()
        self.waiting += 1
        self._questions.put((question, answer))
        return answer

    def end(self) -> None:
        """Close the connection behind the questions that were asked."""
        self._questions.put(None)

    def _run(self) -> None:
        rows: MapRows | None = None
        while (asked := self._questions.get()) is not None:
            question, answer = asked
            value: Any = None
            failed: BaseException | None = None
            if not answer.done():  # else nobody waits for it any more
                was_open = rows is not None
                rows, value, failed = self._answer(rows, question)
                if was_open and rows is None and failed is not None:
                    # The connection was lost, perhaps long ago.
                    rows, value, failed = self._answer(None, question)
            with suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._settle, answer, value, failed)
        _close(rows)

    def _answer(
        self, rows: MapRows | None, question: Question
    ) -> tuple[MapRows | None, Any, BaseException | None]:
        """Ask over this connection, or over a new one; return it with the answer."""
        value: Any = None
        failed: BaseException | None = None
        try:
            rows = self._open() if rows is None else rows
            value = question(rows)
        except BaseException as error:
            failed = error
        if rows is not None and rows.is_lost():
            _close(rows)
            rows = None
        return rows, value, failed

    def _settle(
        self, answer: asyncio.Future[Any], value: Any, failed: BaseException | None
    ) -> None:
        self.waiting -= 1
        if answer.done():
            return
        if failed is not None:
            answer.set_exception(failed)
        else:
            answer.set_result(value)


def _close(rows: MapRows | None) -> None:
    if rows is not None:
        with suppress(Exception):  # it is lost
            rows.close()


class HostedCellMap(CellMapStore):
    """See `CellMapStore`."""

    def __init__(self, open_rows: Callable[[], MapRows], answer_s: float = ANSWER_S) -> None:
        """`open_rows` opens the map, and is called in another thread."""
        self._open = open_rows
        self._answer_s = answer_s
        self._thread: _MapThread | None = None
        self._left: list[_MapThread] = []
        self._is_closed = False

    async def _ask(self, question: Callable[[MapRows], Answer]) -> Answer:
        """Return the answer to a question. Raise MapDown where none comes in time."""
        thread = self._asked()
        answer = thread.ask(question)
        try:
            done, _ = await asyncio.wait((answer,), timeout=self._answer_s)
            if not done:
                self._leave(thread)
                raise MapDown("the map cannot be asked now: no answer has come")
            result: Answer = answer.result()
            return result
        finally:
            answer.cancel()

    def _asked(self) -> _MapThread:
        if self._is_closed:
            raise MapDown("the map cannot be asked now: it was closed")
        if self._thread is None:
            self._left = [thread for thread in self._left if thread.thread.is_alive()]
            if len(self._left) >= LEFT_MAX:
                raise MapDown("the map cannot be asked now: nothing that was asked is answered")
            self._thread = _MapThread(self._open)
        if self._thread.waiting >= WAITING_MAX:
            raise MapDown("the map cannot be asked now: too much waits for it")
        return self._thread

    def _leave(self, thread: _MapThread) -> None:
        """Ask this thread nothing more."""
        thread.end()
        if thread is self._thread:
            self._thread = None
            self._left.append(thread)

    # -- reading ----------------------------------------------------------------------------------

    async def read(self, known: MapPlace) -> MapReading:
        """See `CellMapStore`."""
        return await self._ask(lambda rows: rows.changes.read(known))

    async def find_openers(self, digest: bytes) -> Sequence[Opener]:
        """See `CellMapStore`."""
        return await self._ask(lambda rows: rows.openers.find(digest))

    async def list_processes(self) -> Sequence[ProcessEntry]:
        """See `CellMapStore`."""
        return await self._ask(lambda rows: rows.processes.list())

    async def confirmations(self) -> Mapping[CellId, int]:
        """See `CellMapStore`."""
        return await self._ask(lambda rows: rows.processes.confirmations())

    # -- cells and families -----------------------------------------------------------------------

    async def add_cell(self, entry: CellEntry) -> bool:
        """See `CellMapStore`."""
        return await self._ask(lambda rows: rows.entries.add_cell(entry))

    async def put_cell(self, entry: CellEntry) -> int:
        """See `CellMapStore`."""
        return await self._ask(lambda rows: rows.entries.put_cell(entry))

    async def change_state(self, cell: CellId, former: CellState, state: CellState) -> bool:
        """See `CellMapStore`."""
        return await self._ask(lambda rows: rows.entries.change_state(cell, former, state))

    async def remove_cell(self, cell: CellId) -> bool:
        """See `CellMapStore`."""
        return await self._ask(lambda rows: rows.entries.remove_cell(cell))

    async def put_owner(self, cell: CellId, owner: CellOwner) -> int:
        """See `CellMapStore`."""
        return await self._ask(lambda rows: rows.entries.put_owner(cell, owner))

    async def place_families(self, places: Mapping[FamilyId, FamilyPlace]) -> int:
        """See `CellMapStore`."""
        return await self._ask(lambda rows: rows.entries.place_families(places))

    # -- ranges of numbers ------------------------------------------------------------------------

    async def begin_grants(self, first: int, base: CellId) -> None:
        """See `CellMapStore`."""
        await self._ask(lambda rows: rows.grants.begin(first, base))

    async def grant_ranges(self, cell: CellId, highest: int, wanted: int) -> Sequence[int]:
        """See `CellMapStore`."""
        return await self._ask(lambda rows: rows.grants.grant(cell, highest, wanted))

    async def grant_fresh_ranges(
        self, cell: CellId, highest: int, wanted: int, counted: int
    ) -> Sequence[int]:
        """See `CellMapStore`."""
        return await self._ask(
            lambda rows: rows.grants.grant_afresh(cell, highest, wanted, counted)
        )

    async def restore_grants(self, incarnation: str, by_cell: Mapping[CellId, CellRanges]) -> bool:
        """See `CellMapStore`."""
        return await self._ask(lambda rows: rows.grants.restore(incarnation, by_cell))

    # -- what opens something ---------------------------------------------------------------------

    async def add_openers(self, openers: Iterable[tuple[bytes, Opener]], now_ms: int) -> bool:
        """See `CellMapStore`."""
        added = list(openers)
        return await self._ask(lambda rows: rows.openers.add(added, now_ms))

    async def rehome_openers(
        self,
        former: Iterable[tuple[bytes, Opener]],
        openers: Iterable[tuple[bytes, Opener]],
        now_ms: int,
    ) -> bool:
        """See `CellMapStore`."""
        gone, added = list(former), list(openers)
        return await self._ask(lambda rows: rows.openers.rehome(gone, added, now_ms))

    async def remove_openers(self, openers: Iterable[tuple[bytes, Opener]]) -> None:
        """See `CellMapStore`."""
        removed = list(openers)
        await self._ask(lambda rows: rows.openers.remove(removed))

    async def list_openers(
        self, family: FamilyId, behind: bytes, before_ms: int, limit: int
    ) -> Sequence[tuple[bytes, Opener]]:
        """See `CellMapStore`."""
        return await self._ask(
            lambda rows: rows.openers.of_family(family, behind, before_ms, limit)
        )

    # -- processes --------------------------------------------------------------------------------

    async def beat(self, process: ProcessEntry) -> None:
        """See `CellMapStore`."""
        await self._ask(lambda rows: rows.processes.beat(process))

    async def remove_process(self, name: str, beat: int) -> bool:
        """See `CellMapStore`."""
        return await self._ask(lambda rows: rows.processes.remove(name, beat))

    async def confirm(self, cell: CellId, epoch: int, place: MapPlace) -> bool:
        """See `CellMapStore`."""
        return await self._ask(lambda rows: rows.processes.confirm(cell, epoch, place))

    # -- what is in force over all cells ----------------------------------------------------------

    async def put_platform(self, rows: Sequence[PlatformRow]) -> int:
        """See `CellMapStore`."""
        return await self._ask(lambda map_rows: map_rows.platform.put(rows))

    async def drop_expired(self, now_ms: int) -> None:
        """See `CellMapStore`."""
        await self._ask(lambda rows: rows.platform.drop_expired(now_ms))

    # -- the map itself ---------------------------------------------------------------------------

    async def begin_incarnation(self, known: str) -> str:
        """See `CellMapStore`."""
        return await self._ask(lambda rows: rows.changes.begin_incarnation(known))

    async def close(self) -> None:
        """See `CellMapStore`. What was asked before is finished, if that is soon."""
        self._is_closed = True
        if self._thread is not None:
            thread, self._thread = self._thread, None
            answer = thread.ask(lambda rows: None)
            thread.end()
            await asyncio.wait((answer,), timeout=self._answer_s)
