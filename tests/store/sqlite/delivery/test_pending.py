"""What is PENDING is found by webhook, in id order, though its index stands by blocks of ids."""

import os
import random
from collections import Counter
from pathlib import Path

import pytest

from tests.store.rows import event, new
from tidings.store import port
from tidings.store.sql.delivery.pending import OF_BLOCK, PendingRows
from tidings.store.sql.events.changed_blocks import BLOCK_BITS
from tidings.store.sqlite.connection import SqliteConnection
from tidings.store.sqlite.database import FILE, open_writer
from tidings.store.sqlite.halves import WritingHalf

BLOCK = 1 << BLOCK_BITS
WEBHOOKS = 5
QUERY = f"SELECT d.id FROM delivery d WHERE {OF_BLOCK} ORDER BY d.id LIMIT :limit"
INSERT = (
    "INSERT INTO delivery (id, event, webhook, version, state, attempts) VALUES (?, 1, ?, 1, ?, 0)"
)

Rows = list[tuple[int, int, int]]  # id, webhook, state


def rows_of(seed: int) -> Rows:
    """Deliveries in many blocks, some of which have none, or none that is PENDING."""
    rng = random.Random(seed)
    blocks = rng.sample(range(12), 6)
    ids = {block * BLOCK + rng.choice((0, 1, 7, BLOCK - 1)) for block in blocks for _ in range(9)}
    ids |= {rng.randrange(1, 12 * BLOCK) for _ in range(20)}
    return [
        (id, rng.randrange(1, WEBHOOKS), rng.choice((0, 0, 0, 2, 3, 5))) for id in sorted(ids - {0})
    ]


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> SqliteConnection:
    return open_writer(tmp_path_factory.mktemp("pending") / FILE)


@pytest.mark.parametrize("seed", range(12))
def test_a_webhooks_are_read_in_order_from_any_id_on_and_no_others(
    connection: SqliteConnection, seed: int
) -> None:
    rows = rows_of(seed)
    connection.execute("DELETE FROM delivery").fetchall()
    with connection:
        connection.executemany(INSERT, rows)
    pending = PendingRows(connection)
    found = 0
    for webhook in range(1, WEBHOOKS + 1):  # the last one has none
        own = [id for id, of, state in rows if of == webhook and state == 0]
        for after in (0, *(id for id, _, _ in rows), 13 * BLOCK):
            for limit in (1, 2, len(own) + 1):
                read = [id for (id,) in pending.read(QUERY, webhook, after, limit)]
                assert read == [id for id in own if id > after][:limit]
                found += len(read)
        assert pending.lowest(webhook, 3) == own[:3]
    assert found, "nothing was there to be found"
    assert pending.counts() == Counter(webhook for _, webhook, state in rows if state == 0)


def test_an_event_for_a_hundred_webhooks_writes_few_pages_of_what_is_pending(
    tmp_path: Path,
) -> None:
    """Each commit writes the pages that it has changed: were they a webhook's, they would be a
    hundred."""
    half = WritingHalf(tmp_path / FILE)
    written: list[int] = []
    for number in range(150):
        before = os.path.getsize(f"{half.connection.filename}-wal")
        half.commit(port.Batch(1, [event(f"e{number}", *(new(n) for n in range(1, 101)))]))
        written.append(os.path.getsize(f"{half.connection.filename}-wal") - before)
    half.close()
    assert min(written) > 0
    assert sum(written[50:]) / len(written[50:]) < 40 * 4096
