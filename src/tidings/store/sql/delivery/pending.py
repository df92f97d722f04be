"""What is PENDING of a webhook, in id order.

Its index stands by blocks of 4,096 neighbouring deliveries, and within a block by webhook: a commit
adds to a few pages of it, however many webhooks its events are for. So a webhook's are looked for
block by block. A block in which nothing is PENDING costs nothing, one in which only deliveries of
other webhooks are costs two looks: some 2 µs.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from tidings.core.ids import DeliveryId
from tidings.store.sql.connection import StoreConnection
from tidings.store.sql.events.changed_blocks import BLOCK_BITS
from tidings.store.sql.states import PENDING

FIRST_BLOCKS = 2  # that are asked for; then twice as many each time
# Of `delivery d`: those of a webhook in a block, above an id.
OF_BLOCK = (
    f"d.state = {PENDING} AND d.id >> {BLOCK_BITS} = :block AND d.webhook = :webhook"
    " AND d.id > :after"
)
_INDEXED = f"FROM delivery INDEXED BY delivery_pending WHERE state = {PENDING}"
_BLOCKS = (
    "WITH RECURSIVE pending (block) AS ("
    f"SELECT min(id >> {BLOCK_BITS}) {_INDEXED} AND id >> {BLOCK_BITS} >= ?2 >> {BLOCK_BITS}"
    f" UNION ALL SELECT (SELECT min(id >> {BLOCK_BITS}) {_INDEXED} AND id >> {BLOCK_BITS} > block)"
    " FROM pending WHERE block IS NOT NULL)"
    f" SELECT block FROM pending WHERE EXISTS (SELECT 1 {_INDEXED}"
    f" AND id >> {BLOCK_BITS} = block AND webhook = ?1 AND id > ?2) LIMIT ?3"
)
_IDS = (
    "SELECT d.id FROM delivery d INDEXED BY delivery_pending"
    f" WHERE {OF_BLOCK} ORDER BY d.id LIMIT :limit"
)
_COUNTS = f"SELECT webhook, count(*) {_INDEXED} GROUP BY id >> {BLOCK_BITS}, webhook"


class PendingRows:
    """Shares the writer's connection."""

    def __init__(self, connection: StoreConnection) -> None:
        self._connection = connection

    def read(
        self, query: str, webhook: int, after: int, limit: int, **asked: Any
    ) -> Iterator[tuple[Any, ...]]:
        """Read up to `limit` rows of a webhook above an id, in id order. `query` asks for
        `OF_BLOCK`, for `:limit` rows at most, and for what else is `asked`."""
        run, left = self._connection.execute, limit
        asked |= {"webhook": webhook, "after": after}
        for block in self._blocks(webhook, after):
            rows = run(query, {**asked, "block": block, "limit": left}).fetchall()
            yield from rows
            left -= len(rows)
            if left <= 0:
                return

    def _blocks(self, webhook: int, after: int) -> Iterator[int]:
        """Yield the blocks in which ids of a webhook are, above this one. They are asked for a few
        at a time: PostgreSQL would look at all of a backlog for a page of it."""
        few = FIRST_BLOCKS
        while True:
            found: list[Any] = self._connection.execute(_BLOCKS, (webhook, after, few)).fetchall()
            for (block,) in found:
                yield block
            if len(found) < few:
                return
            after = ((found[-1][0] + 1) << BLOCK_BITS) - 1
            few *= 2

    def lowest(self, webhook: int, limit: int) -> list[DeliveryId]:
        """List up to `limit` ids of a webhook, the lowest."""
        return [DeliveryId(id) for (id,) in self.read(_IDS, webhook, 0, limit)]

    def counts(self) -> Counter[int]:
        """Count what is PENDING, by webhook: reads all of it once."""
        found: Counter[int] = Counter()
        for webhook, count in self._connection.execute(_COUNTS):
            found[webhook] += count
        return found
