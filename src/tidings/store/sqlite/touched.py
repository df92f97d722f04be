"""The note that full blocks of deliveries have changed, by which their summaries are made anew.

Whoever changes the state of deliveries notes their blocks in the same transaction. A trigger would
do it unasked, at 2 µs for each settle; deletes, which retention makes in the background, have one.
"""

from collections.abc import Iterable

import apsw

BLOCK_BITS = 12  # of a delivery's id: the block of 4,096 neighbours that it stands in
_TOUCH = "INSERT OR REPLACE INTO touched (block) VALUES (?)"


def touch(connection: apsw.Connection, deliveries: Iterable[int]) -> None:
    """Note the blocks of deliveries whose state has changed; inside a transaction."""
    touch_blocks(connection, {delivery >> BLOCK_BITS for delivery in deliveries})


def touch_blocks(connection: apsw.Connection, blocks: Iterable[int]) -> None:
    """Note blocks; inside a transaction."""
    connection.executemany(_TOUCH, [(block,) for block in blocks])
