"""How much each cell has to do: the events of the last hour, as its owner counts them.

An owner looks at its count of events now and then. Where it has served for less than an hour, what
it has counted stands for the whole; in its first minute it has no load, and others go by
the last one that they know. A process asks when it wants to place a family and what it knows is
older than a minute, so nobody asks where no org is made.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from typing import NamedTuple

import msgspec

from tidings.api.cells.other_cells import OtherCells
from tidings.api.cells.question import CellQuestion
from tidings.api.context import Services
from tidings.core.cells.families import CellId
from tidings.core.running.service_part import ServicePart
from tidings.engine.heartbeats import Heart

HOUR_S = 3600.0
SAMPLE_EVERY_S = 20.0
LEAST_S = 60.0  # that is taken for an hour
KEPT_S = 60.0
PART = ServicePart("cell load", "new orgs go to a cell as if it had few events", work_s=60.0)


class LoadAsked(msgspec.Struct, frozen=True):
    """Ask a cell for its load."""


class LoadFound(msgspec.Struct, frozen=True):
    """Hold the events that a cell has accepted in the last hour; None: it has just begun."""

    events: int | None = None


class _Sample(NamedTuple):
    at_s: float
    accepted: int


class EventMeter:
    """Tells the events of the last hour of a count that only rises."""

    def __init__(self, accepted: Callable[[], int], now_s: Callable[[], float]) -> None:
        """`accepted`: events since the start; `now_s`: a clock that is never set."""
        self._accepted = accepted
        self._now_s = now_s
        self._samples: deque[_Sample] = deque([_Sample(now_s(), accepted())])

    def sample(self) -> None:
        """Note the count; one sample from before the last hour is kept."""
        now_s = self._now_s()
        self._samples.append(_Sample(now_s, self._accepted()))
        while len(self._samples) > 1 and self._samples[1].at_s <= now_s - HOUR_S:
            self._samples.popleft()

    def events(self) -> int | None:
        """Return the events of the last hour; of less than that as many as an hour would have.
        None where that is too short to tell."""
        first = self._samples[0]
        passed_s = self._now_s() - first.at_s
        if passed_s < LEAST_S:
            return None
        return round((self._accepted() - first.accepted) * HOUR_S / passed_s)


class CellLoads:
    """Knows the loads of all cells. To be used within one event loop."""

    def __init__(self, every: OtherCells, meter: EventMeter, now_s: Callable[[], float]) -> None:
        self._every = every
        self._meter = meter
        self._now_s = now_s
        self._events: dict[CellId, int] = {}
        self._read_s = float("-inf")
        self._lock = asyncio.Lock()
        self.readings = 0
        self.question = CellQuestion(
            name="load", asks=LoadAsked, finds=LoadFound, answer=self._answer
        )

    async def run(self, heart: Heart) -> None:
        """Look at the own count, until cancelled."""
        while True:
            self._meter.sample()
            await heart.sleep(SAMPLE_EVERY_S)

    async def events(self, kept_s: float = KEPT_S) -> Mapping[CellId, int]:
        """Return the events of the last hour of each cell, no older than `kept_s`; of one that does
        not answer as they were known last, of one that has never told them nothing."""
        async with self._lock:
            if self._now_s() - self._read_s >= kept_s:
                await self._ask()
        return self._events

    async def _ask(self) -> None:
        asked = msgspec.json.encode(LoadAsked())
        found = await self._every.ask(self.question.name, asked, LoadFound, self.question.answer_s)
        answered = {cell: load.events for cell, load in found.by_cell.items()}
        answered[self._every.own] = self._meter.events()
        self._events |= {cell: events for cell, events in answered.items() if events is not None}
        self._read_s = self._now_s()
        self.readings += 1

    async def _answer(self, services: Services, asked: LoadAsked) -> LoadFound:
        return LoadFound(self._meter.events())
