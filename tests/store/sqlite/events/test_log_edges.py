"""Nothing is missed where one block of the log ends and the next begins, in ids and in times."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.store.rows import ORG, event, new, settled, webhook
from tidings.store import port
from tidings.store.sql.events import log as module
from tidings.store.sql.events.blocks import BLOCK, Blocks
from tidings.store.sql.events.log import LogRows
from tidings.store.sql.events.segments import SearchSegments
from tidings.store.sqlite.halves import WritingHalf
from tidings.store.sqlite.search_file import open_search

FIRST_MS, SECOND_MS = 1_000, 2_000
RARE = [BLOCK - 1, BLOCK, 2 * BLOCK - 1, 2 * BLOCK]  # the deliveries of webhook 2


@pytest.fixture(scope="module")
def log() -> LogRows:
    """Two blocks and a bit; the first was accepted at one time, the rest at another."""
    now = [FIRST_MS]
    half = WritingHalf(":memory:", lambda: now[0])
    for name in ("till", "rare"):
        half.webhooks.put_webhook(webhook(name))
    half.recovery.recover(10)
    version = half.configuration.load().registry_version

    def accept(first: int, last: int) -> None:
        numbers = range(first, last + 1)
        made = half.commit(
            port.Batch(version, [event(f"e{n}", new(2 if n in RARE else 1)) for n in numbers])
        )
        assert list(made.firsts) == list(numbers)
        half.commit(port.Batch(0, settled=[settled(n, webhook=1) for n in numbers]))

    accept(1, BLOCK - 1)
    now[0] = SECOND_MS
    accept(BLOCK, 2 * BLOCK + 5)
    segments = SearchSegments(open_search(":memory:"))
    blocks = Blocks(half.connection, segments.connection, lambda: 1e9)
    blocks.refresh(10)
    blocks.refresh_events(10)
    blocks.look()
    assert blocks.holds(0) and blocks.holds(1) and blocks.event_next == 2
    return LogRows(half.connection, segments, blocks)


def ids(log: LogRows, **query: Any) -> tuple[int, int]:
    """How many deliveries and how many events a page of two has."""
    deliveries = log.deliveries(port.DeliveryQuery([1], limit=2, **query)).deliveries
    events = log.events(port.EventQuery(ORG, limit=2, **query)).events
    return len(deliveries), len(events)


def test_a_time_holds_the_block_that_ends_or_begins_at_it(log: LogRows) -> None:
    assert ids(log, from_ms=FIRST_MS, to_ms=FIRST_MS + 1) == (2, 2), "it is the last of its block"
    assert ids(log, from_ms=SECOND_MS, to_ms=SECOND_MS + 1) == (2, 2)
    assert ids(log, from_ms=FIRST_MS + 1, to_ms=SECOND_MS) == (0, 0)
    assert ids(log, from_ms=SECOND_MS + 1) == ids(log, to_ms=FIRST_MS) == (0, 0)


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("limit", [1, 3, 50])
def test_turning_pages_of_few_blocks_misses_no_row_at_their_ends(
    log: LogRows, monkeypatch: pytest.MonkeyPatch, limit: int, *, newest_first: bool
) -> None:
    monkeypatch.setattr(module, "BLOCKS_MAX", 1)
    asked: Callable[..., port.DeliveryPage] = lambda **at: log.deliveries(  # noqa: E731
        port.DeliveryQuery([2], limit=limit, **at)
    )
    found: list[int] = []
    at: int | None = None if newest_first else 0
    for _ in range(12):
        page = asked(before=at) if newest_first else asked(after=at)
        rows = [delivery.id for delivery in page.deliveries]
        found += rows if newest_first else rows[::-1]
        at = page.older if newest_first else page.newer
        if at is None:
            break
    assert found == sorted(RARE, reverse=newest_first)
