"""Passes the events of sources on to the owners of the cells that have their orgs.

Owners are asked at once, each for all that is its own, and in parts where that is much. An owner
that does not have an org any more says so; then the map is read again, and the messages come again.
"""

import asyncio
from collections.abc import Iterator, Sequence

from tidings.api.cells.source_events import SOURCE_EVENTS, EventsPassed
from tidings.app.cells.calls.map_router import MapRouter
from tidings.app.cells.map_reader import MapReader
from tidings.app.cells.over.every_cell import EveryCell
from tidings.core.cells.door import PassOn, ServeHere
from tidings.core.cells.families import CellId
from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.core.ids import OrgId
from tidings.engine.sources.elsewhere import UNKNOWN_ORG
from tidings.engine.sources.passed_events import PassedEvent, PassedVerdict
from tidings.store.port import StoreDown

PART_BYTES = 4 << 20  # of events in one question, but for one that is larger


class SourceEvents:
    """A `CellsOfEvents`. To be used within one event loop."""

    def __init__(self, router: MapRouter, reader: MapReader, every: EveryCell) -> None:
        self._router = router
        self._reader = reader
        self._every = every

    async def accept(
        self, source: AuthenticatedCaller, events: Sequence[PassedEvent]
    ) -> Sequence[PassedVerdict | None]:
        """See `CellsOfEvents`."""
        return await self._pass(source.credential, events, are_tried=False)

    async def try_out(
        self, source: AuthenticatedCaller, events: Sequence[PassedEvent]
    ) -> Sequence[PassedVerdict | None]:
        """See `CellsOfEvents`."""
        return await self._pass(source.credential, events, are_tried=True)

    async def _pass(
        self, source: str, events: Sequence[PassedEvent], *, are_tried: bool
    ) -> Sequence[PassedVerdict | None]:
        cells = {org: await self._cell_of(org) for org in {event.org for event in events}}
        by_cell: dict[CellId, list[int]] = {}
        for index, event in enumerate(events):
            cell = cells[event.org]
            if cell is not None:
                by_cell.setdefault(cell, []).append(index)
        answers = await asyncio.gather(
            *(
                self._ask(cell, source, [events[index] for index in indices], are_tried)
                for cell, indices in by_cell.items()
            )
        )
        found: list[PassedVerdict | None] = [None] * len(events)
        for indices, verdicts in zip(by_cell.values(), answers, strict=True):
            for index, verdict in zip(indices, verdicts, strict=True):
                found[index] = verdict
        await self._must_still_be_there(cells, events, found)
        return found

    async def _cell_of(self, org: OrgId) -> CellId | None:
        """Return the cell that has an org; None where there is no such org. Raise StoreDown where
        that cannot be said now."""
        decision = await self._router.decide_org(org)
        if isinstance(decision, PassOn):
            return decision.cell
        if decision is None:
            return None
        if isinstance(decision, ServeHere):
            raise StoreDown(f"Org {org} has come to this cell, which reads it at its next start.")
        raise StoreDown(f"The owner of org {org} cannot be asked now.")

    async def _ask(
        self, cell: CellId, source: str, events: Sequence[PassedEvent], are_tried: bool
    ) -> list[PassedVerdict]:
        verdicts: list[PassedVerdict] = []
        for part in _parts(events):
            passed = EventsPassed(source, part, are_tried)
            answer = await self._every.ask_cell(cell, SOURCE_EVENTS, passed)
            if answer is None or len(answer.verdicts) != len(part):
                raise StoreDown(f"The owner of cell {cell} has not taken the events of a source.")
            verdicts += answer.verdicts
        return verdicts

    async def _must_still_be_there(
        self,
        cells: dict[OrgId, CellId | None],
        events: Sequence[PassedEvent],
        found: Sequence[PassedVerdict | None],
    ) -> None:
        """Raise StoreDown where an owner does not know an org that is in another cell by now."""
        unknown = {
            event.org
            for event, verdict in zip(events, found, strict=True)
            if verdict is not None
            and verdict.refusal is not None
            and verdict.refusal.code == UNKNOWN_ORG
        }
        if not unknown:
            return
        await self._reader.look()
        for org in unknown:
            if await self._cell_of(org) != cells[org]:
                raise StoreDown(f"Org {org} has moved to another cell.")


def _parts(events: Sequence[PassedEvent]) -> Iterator[list[PassedEvent]]:
    """Part events by their bytes."""
    part: list[PassedEvent] = []
    size = 0
    for event in events:
        if part and size + len(event.body) > PART_BYTES:
            yield part
            part, size = [], 0
        part.append(event)
        size += len(event.body)
    if part:
        yield part
