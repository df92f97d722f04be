"""Reading pages of deliveries, also where several questions have to be asked for one page.

A store's page may hold fewer rows than are wanted while there are more, and the events of an org
and of those below it are found under different search terms. Rows here come in the order of their
ids, which belongs to accepting, whichever question found them.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol

import msgspec

from tidings.core.ids import EventNumber
from tidings.store import port
from tidings.store.port import ROWS_MAX, DeliveryQuery, EventHead, StoredDelivery

ROUNDS_MAX = 12  # questions in a row that may come back nearly empty before the caller goes on
_END = 1 << 62


class RowStore(port.EventStore, port.DeliveryStore, Protocol):
    """Answers with rows, of events and of deliveries."""


class PageOfLog(msgspec.Struct, frozen=True):
    """Rows in the order asked for. `on` is the id to go on from; None where there are no more."""

    rows: Sequence[StoredDelivery]
    on: int | None


async def heads_of(
    store: port.EventStore, events: Iterable[EventNumber]
) -> dict[EventNumber, EventHead]:
    """Map sequence numbers of events to what they say of where they come from."""
    seqs = list(dict.fromkeys(events))
    heads = await store.event_heads(seqs) if seqs else ()
    return {head.seq: head for head in heads}


async def newest_first(
    store: port.DeliveryStore,
    queries: Sequence[DeliveryQuery],
    before: int | None,
    limit: int,
    rounds: int = ROUNDS_MAX,
) -> PageOfLog:
    """Read up to `limit` deliveries below the id `before` that fit any of the questions."""
    rows: list[StoredDelivery] = []
    for _ in range(rounds):
        pages = [await store.log_deliveries(_at(query, limit, before=before)) for query in queries]
        known = max((page.older or 0 for page in pages), default=0)  # complete down to here
        found = {row.id: row for page in pages for row in page.deliveries if row.id >= known}
        rows += [found[id] for id in sorted(found, reverse=True)]
        if len(rows) >= limit:
            more = len(rows) > limit or known > 0
            return PageOfLog(rows[:limit], rows[limit - 1].id if more else None)
        if known == 0:
            return PageOfLog(rows, None)
        before = known
    return PageOfLog(rows, before)


async def oldest_first(
    store: port.DeliveryStore, queries: Sequence[DeliveryQuery], after: int, limit: int
) -> PageOfLog:
    """Read up to `limit` deliveries above the id `after` that fit any of the questions."""
    found: dict[int, StoredDelivery] = {}
    known = _END  # complete up to here
    for query in queries:
        rows, end = await _upwards(store, query, after, limit)
        found |= {row.id: row for row in rows}
        known = min(known, end)
    ids = [id for id in sorted(found) if id <= known]
    if len(ids) > limit:
        ids, known = ids[:limit], ids[limit - 1]
    return PageOfLog([found[id] for id in ids], None if known == _END else known)


async def _upwards(
    store: port.DeliveryStore, query: DeliveryQuery, after: int, limit: int
) -> tuple[list[StoredDelivery], int]:
    """Rows of one question, oldest first, and up to which id they are all.

    On the newer side there is always a cursor to go on from, for what will come: a question that
    finds nothing and does not move says that there is no more now.
    """
    rows: list[StoredDelivery] = []
    for _ in range(ROUNDS_MAX):
        page = await store.log_deliveries(_at(query, limit - len(rows), after=after))
        if not page.deliveries and page.newer in (None, after):
            return rows, _END
        rows += reversed(page.deliveries)
        after = rows[-1].id if page.newer is None else page.newer
        if len(rows) >= limit:
            break
    return rows, after


def _at(
    query: DeliveryQuery, limit: int, before: int | None = None, after: int | None = None
) -> DeliveryQuery:
    limit = min(limit, ROWS_MAX)
    return msgspec.structs.replace(query, before=before, after=after, limit=limit)
