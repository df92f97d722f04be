"""Pages over a store whose own pages may be short, or empty, although there is more."""

import random
from collections.abc import Mapping, Sequence
from typing import cast

import pytest

from tidings.core.ids import DeliveryId, EventNumber, OrgId
from tidings.reads.events.log_pages import newest_first, oldest_first
from tidings.store import port
from tidings.store.port import DeliveryPage, DeliveryQuery, StoredDelivery


def row(id: int) -> StoredDelivery:
    return StoredDelivery(
        DeliveryId(id),
        EventNumber(id),
        1,
        1,
        3,
        1,
        None,
        1,
        1,
        200,
        OrgId(1),
        "pointsIssued",
        f"e{id}",
        1,
    )


class Store:
    """Rows by search term; one question examines `bound` ids of all that there are."""

    def __init__(self, terms: Mapping[bytes, Sequence[int]], bound: int, newest: int) -> None:
        self.terms = terms
        self.bound = bound
        self.newest = newest
        self.asked = 0

    async def log_deliveries(self, query: DeliveryQuery) -> DeliveryPage:
        self.asked += 1
        ids = self.terms[query.terms[0]]
        if query.after is not None:
            end = query.after + self.bound
            found = sorted(number for number in ids if query.after < number <= end)[: query.limit]
            if len(found) == query.limit:
                end = found[-1]
            elif end >= self.newest:
                end = found[-1] if found else query.after  # to go on from when more has come
            return DeliveryPage([row(number) for number in reversed(found)], newer=end)
        start = self.newest + 1 if query.before is None else query.before
        end = start - self.bound
        found = sorted((number for number in ids if end <= number < start), reverse=True)[
            : query.limit
        ]
        if len(found) == query.limit:
            end = found[-1]
        return DeliveryPage([row(number) for number in found], older=end if end > 1 else None)


@pytest.mark.parametrize("seed", range(30))
async def test_turning_the_pages_shows_each_row_once_in_order(seed: int) -> None:
    rng = random.Random(seed)
    newest = rng.randint(0, 300)
    spread = [rng.choice((b"a", b"b", b"c", b"")) for _ in range(newest)]
    terms = {
        term: [at + 1 for at, body in enumerate(spread) if body == term] for term in (b"a", b"b")
    }
    queries = [DeliveryQuery((1,), terms=(term,)) for term in terms]
    wanted = sorted(terms[b"a"] + terms[b"b"])
    store = Store(terms, rng.randint(1, 40), newest)
    limit = rng.randint(1, 9)
    seen: list[int] = []
    on: int | None = None
    while True:
        page = await newest_first(cast(port.Store, store), queries, on, limit)
        assert len(page.rows) <= limit
        seen += [row.id for row in page.rows]
        if (on := page.on) is None:
            break
    assert seen == wanted[::-1]
    seen, on = [], 0
    while on is not None:
        page = await oldest_first(cast(port.Store, store), queries, on, limit)
        assert len(page.rows) <= limit
        seen += [row.id for row in page.rows]
        on = page.on
    assert seen == wanted


async def test_one_page_asks_a_bounded_number_of_questions() -> None:
    store = Store({b"a": [1]}, 1, 10_000)
    page = await newest_first(
        cast(port.Store, store), [DeliveryQuery((1,), terms=(b"a",))], None, 50
    )
    assert page.rows == [] and page.on is not None and store.asked == 12
