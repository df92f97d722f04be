"""The note that full blocks of deliveries have changed, by which their summaries are made anew.

Whoever changes the state of deliveries notes their blocks in the same transaction. A trigger would
do it unasked, at 2 µs for each settle; deletes, which retention makes in the background, have one.

Rows that come with a family from another cell may go into any block, also of events, which are
final else. Those are noted below zero, so that what a release before reads is none of its blocks.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from tidings.core.ids import DeliveryId
from tidings.store.sql.connection import StoreConnection
from tidings.store.sql.row_mapping import insert_columns

BLOCK_BITS = 12  # of a delivery's id: the block of 4,096 neighbours that it stands in
_TOUCH = insert_columns("touched", ("block",), "INSERT OR REPLACE")
ARRIVED: Mapping[str, int] = {"event": -1, "delivery": -1 - (1 << 56)}
"""From what the number of a block is taken where rows came into it that were another cell's: of an
old block as well. A block of events is noted by this alone."""
_TOUCHED = "SELECT block FROM touched WHERE mark > ? ORDER BY mark"
_ANY_REPLAY = "SELECT 1 FROM delivery_replay WHERE delivery BETWEEN ? AND ? LIMIT 1"
# The deliveries that an event has made itself have neighbouring ids, so the blocks of the first and
# of the last of them say where the one of this webhook stands, without a look at each.
_ORIGINALS = (
    "SELECT e.first_delivery, e.first_delivery + CASE WHEN e.deliveries > 0 THEN e.deliveries - 1"
    " ELSE 0 END FROM json_each(?1) j"
    " CROSS JOIN delivery_replay r ON r.delivery = j.value CROSS JOIN event e ON e.seq = r.event"
    " UNION ALL SELECT x.delivery, x.delivery FROM json_each(?1) j"
    " CROSS JOIN delivery_replay r ON r.delivery = j.value CROSS JOIN delivery_replay x"
    " INDEXED BY delivery_replay_event ON x.event = r.event AND x.webhook = r.webhook"
)


def touch(connection: StoreConnection, deliveries: Iterable[DeliveryId]) -> None:
    """Note the blocks of deliveries whose state has changed; inside a transaction."""
    touch_blocks(connection, {delivery >> BLOCK_BITS for delivery in deliveries})


def touch_blocks(connection: StoreConnection, blocks: Iterable[int]) -> None:
    """Note blocks; inside a transaction."""
    connection.executemany(_TOUCH, [(block,) for block in blocks])


def touch_arrived(connection: StoreConnection, table: str, numbers: Iterable[int]) -> None:
    """Note the blocks of rows of `event` or `delivery` that arrive from another cell, or leave for
    one; of other tables nothing. Inside a transaction."""
    if (arrived := ARRIVED.get(table)) is None:
        return
    blocks = sorted({number >> BLOCK_BITS for number in numbers})
    touch_blocks(connection, [arrived - block for block in blocks])
    if table == "delivery":  # behind those: a summary with its mark holds what has arrived
        touch_blocks(connection, blocks)


def touch_again(connection: StoreConnection, after: int) -> None:
    """Note again, in their order, all blocks that were noted behind a mark. Inside a
    transaction."""
    touched = connection.execute(_TOUCHED, (after,)).fetchall()
    touch_blocks(connection, [block for (block,) in touched])


def touch_replayed(connection: StoreConnection, delivered: Sequence[int]) -> None:
    """Note the blocks of what replays have delivered now: what failed or was parked before them is
    counted as that no more. Inside a transaction."""
    if not delivered:
        return
    # Of fresh events, which most are, one look at the index says that no replay made any.
    ends = (min(delivered), max(delivered))
    if connection.execute(_ANY_REPLAY, ends).fetchone() is None:
        return
    ids = msgspec.json.encode(delivered).decode()
    blocks: set[int] = set()
    for first, last in connection.execute(_ORIGINALS, (ids,)):
        blocks.update(range(first >> BLOCK_BITS, (last >> BLOCK_BITS) + 1))
    touch_blocks(connection, blocks)
