"""The blocks that have rows: numbers have gaps, and where a new range of them begins, very long
ones. One look at the key for each block that exists, and none for those between."""

from collections.abc import Iterator

from tidings.store.sql.connection import StoreConnection
from tidings.store.sql.events.changed_blocks import BLOCK_BITS


class ExistingBlocks:
    """The blocks of a table, by its key."""

    def __init__(self, log: StoreConnection, table: str, key: str) -> None:
        self._log = log
        self._next = f"SELECT min({key}) FROM {table} WHERE {key} >= ?"

    def first_from(self, low: int) -> int | None:
        """Return the first block from `low` that has rows; None where there is none."""
        [(number,)] = self._log.execute(self._next, (low << BLOCK_BITS,)).fetchall()
        return None if number is None else int(number) >> BLOCK_BITS

    def between(self, low: int, end: int) -> Iterator[int]:
        """Yield the blocks that have rows, from `low` to the one before `end`, in order."""
        at = self.first_from(low) if low < end else None
        while at is not None and at < end:
            yield at
            at = self.first_from(at + 1) if at + 1 < end else None
