"""The blocks of events into which rows came late, with a family from another cell.

What is kept of such a block to find events by is made again: its summary (`blocks.py`), and its
search terms (`segments.py`), for which the cursor may have been past it. When both are made, a row
of `block` notes that, under the number below zero by which the block was noted. A module of its
own, for it has two users: the summaries, and whoever indexes.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from tidings.store.sql.connection import StoreConnection
from tidings.store.sql.events.block_rows import PUT_BLOCK, BlockRow
from tidings.store.sql.events.changed_blocks import ARRIVED

_NOTED = ARRIVED["event"]


class LateEvents:
    """Shares the search database's connection."""

    def __init__(self, search: StoreConnection, made: Sequence[Any]) -> None:
        """`made`: the rows of `block`, numbers and marks."""
        self._search = search
        self._made = {_NOTED - int(number): int(mark) for number, mark in made if number < 0}
        self._unsummarised: dict[int, int] = {}  # with their marks
        self._unindexed: dict[int, int] = {}

    def note(self, block: int, mark: int) -> None:
        """Note a block that has rows which its summary does not know, if it has one."""
        if self._made.get(block, -1) >= mark:
            return
        self._unsummarised[block] = self._unindexed[block] = mark
        with self._search:
            run = self._search.execute
            run("DELETE FROM event_block WHERE number = ?", (block,))
            run("DELETE FROM event_cell WHERE block = ?", (block,))
            run("DELETE FROM event_slice WHERE block = ?", (block,))

    def between(self, low: int, end: int) -> Iterator[int]:
        """Yield those without a summary, from `low` to the one before `end`, in order."""
        if self._unsummarised:
            yield from sorted(block for block in self._unsummarised if low <= block < end)

    def summarised(self, block: int) -> None:
        """Note that the summary of a block was made."""
        if (mark := self._unsummarised.pop(block, None)) is not None:
            self._end(block, mark)

    @property
    def unindexed(self) -> Sequence[int]:
        """The blocks whose search terms are not written, in order."""
        return sorted(self._unindexed)

    def indexed(self, block: int) -> None:
        """Note that the search terms of a block were written."""
        if (mark := self._unindexed.pop(block, None)) is not None:
            self._end(block, mark)

    def forget(self, first: int) -> None:
        """Forget the blocks below one: retention has dropped them."""
        for known in (self._made, self._unsummarised, self._unindexed):
            for block in [block for block in known if block < first]:
                del known[block]
        self._search.execute("DELETE FROM block WHERE number < 0 AND number > ?", (_NOTED - first,))

    def _end(self, block: int, mark: int) -> None:
        if block not in self._unsummarised and block not in self._unindexed:
            self._made[block] = mark
            with self._search:
                self._search.execute(PUT_BLOCK, BlockRow(number=_NOTED - block, mark=mark))
