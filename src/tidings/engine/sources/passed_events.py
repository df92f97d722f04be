"""An event of a source for an org of another cell, what became of it, and who passes it on.

It goes as it was made, with what its id is derived from: so it has the same id wherever it is
accepted. `elsewhere.py` has what is done with it on both sides.
"""

from collections.abc import Awaitable, Sequence
from typing import Protocol

import msgspec

from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.core.events.passage import Passage
from tidings.core.ids import OrgId
from tidings.errors import FieldRefusal


class PassedEvent(msgspec.Struct, frozen=True):
    """Hold an event for another cell. `key` and `index`: what its id is derived from, where it has
    none; `door` and `place`: by which source it came in, and where its message lay."""

    org: OrgId
    key: str
    index: int
    body: bytes
    door: str = ""
    place: str = ""
    passage: Passage | None = None
    trace: str = ""  # as it is kept


class PassedVerdict(msgspec.Struct, frozen=True):
    """Say what became of it: accepted, a repeat, or why it is refused. `conflicts`: its id is
    known, of another event. `body`, `warning`: of one that was only tried, as it would be."""

    event_id: str = ""
    name: str = ""
    status: str = ""
    refusal: FieldRefusal | None = None
    conflicts: bool = False
    body: bytes = b""
    warning: str | None = None


class CellsOfEvents(Protocol):
    """Knows which other cells take events."""

    def accept(
        self, source: AuthenticatedCaller, events: Sequence[PassedEvent]
    ) -> Awaitable[Sequence[PassedVerdict | None]]:
        """Have each event accepted by the owner of its org's cell; None of one whose org is in no
        other cell. Raise StoreDown where one of them cannot be asked now."""

    def try_out(
        self, source: AuthenticatedCaller, events: Sequence[PassedEvent]
    ) -> Awaitable[Sequence[PassedVerdict | None]]:
        """Have each event read there as if it were accepted, and nothing kept. As `accept`."""


class NoOtherCells:
    """There is one cell."""

    async def accept(
        self, source: AuthenticatedCaller, events: Sequence[PassedEvent]
    ) -> Sequence[PassedVerdict | None]:
        """See `CellsOfEvents`."""
        return [None] * len(events)

    async def try_out(
        self, source: AuthenticatedCaller, events: Sequence[PassedEvent]
    ) -> Sequence[PassedVerdict | None]:
        """See `CellsOfEvents`."""
        return [None] * len(events)
