"""Counts of all cells: each gives its own, and they are summed."""

import msgspec

from tidings.api.cells.question import CellQuestion, ask_every_cell, named_missing
from tidings.api.context import Services
from tidings.core.delivery.states import State
from tidings.core.times import iso
from tidings.engine.delivery.restored_backlog import NotStopped
from tidings.engine.delivery.stops import EVERYTHING
from tidings.store.port import Counts

TAKE_FOR_S = 5.0


class CountsAsked(msgspec.Struct, frozen=True):
    """Ask for the counts of a cell."""


class TakeAsked(msgspec.Struct, frozen=True, kw_only=True):
    """Ask a cell to take as delivered what was accepted before a time; to count it alone, where
    `by` names nobody."""

    before_ms: int
    by: str = ""


class TakeFound(msgspec.Struct, frozen=True, kw_only=True):
    """Hold what a cell has taken, or would; nothing where its sending is not stopped."""

    deliveries: int = 0
    ended: bool = False
    is_stopped: bool = True


async def _count(services: Services, asked: CountsAsked) -> Counts:
    return await services.store.counts()


async def _take(services: Services, asked: TakeAsked) -> TakeFound:
    backlog = services.delivery.replay.backlog
    if not asked.by:
        done = await backlog.count(asked.before_ms, TAKE_FOR_S)
    elif services.delivery.stops.of(EVERYTHING) is None:
        return TakeFound(is_stopped=False)
    else:
        done = await backlog.take(asked.before_ms, asked.by, TAKE_FOR_S)
    return TakeFound(deliveries=done.deliveries, ended=done.ended)


COUNTS = CellQuestion(name="counts", asks=CountsAsked, finds=Counts, answer=_count)
TAKE = CellQuestion(
    name="take", asks=TakeAsked, finds=TakeFound, answer=_take, answer_s=3 * TAKE_FOR_S
)


async def count_all(services: Services) -> dict[str, object]:
    """Count the deliveries of all orgs by their states, and what is behind."""
    gathered = await ask_every_cell(services, COUNTS, CountsAsked())
    found = gathered.by_cell.values()
    by_state = {
        state.word: sum(counts.by_state.get(state, 0) for counts in found) for state in State
    }
    return {
        "events": sum(counts.events for counts in found),
        **by_state,
        "orphans": sum(counts.orphans for counts in found),
        "indexLag": sum(counts.index_lag for counts in found),
    } | named_missing(gathered)


async def take_all(services: Services, asked: TakeAsked) -> dict[str, object]:
    """Take as delivered, in all cells, what was accepted before a time. Raise NotStopped where
    sending is not stopped in one of them; it has ended where all have said so."""
    if asked.by and services.delivery.stops.of(EVERYTHING) is None:
        raise NotStopped
    gathered = await ask_every_cell(services, TAKE, asked)
    found = gathered.by_cell.values()
    if not all(taken.is_stopped for taken in found):
        raise NotStopped
    return {
        "acceptedBefore": iso(asked.before_ms),
        "dryRun": not asked.by,
        "deliveries": sum(taken.deliveries for taken in found),
        "ended": not gathered.missing and all(taken.ended for taken in found),
    } | named_missing(gathered)
