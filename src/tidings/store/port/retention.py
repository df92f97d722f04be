"""The store's part of retention: dropping in slices, and what is there to be dropped.

`kind` is a number of `core.retention.Kind`.
"""

from collections.abc import Awaitable, Sequence
from typing import Protocol, runtime_checkable

import msgspec

from tidings.core.ids import OrgId
from tidings.core.orgs.retention import ROWS_MAX, ROWS_MIN


class DropSlice(msgspec.Struct, frozen=True, array_like=True):
    """One slice: a kind of data of some orgs that is older than a moment."""

    kind: int
    days: int  # with `kind`, the name under which the store remembers how far it has come
    before_ms: int
    orgs: Sequence[OrgId]
    others: bool  # `orgs` are the exceptions, everybody else is meant
    rows_max: int  # of rows dropped or changed; nearly all of a slice's cost
    first: bool  # the first slice of a pass: what was kept back by the last one is looked at again
    now_ms: int = 0  # the time by which the pass drops, remembered for the next one


class DropReceipt(msgspec.Struct, frozen=True, array_like=True):
    """The result of a slice."""

    rows: int
    more: bool  # another slice will find something to look at
    took_us: int  # how long the writer was busy with it


class RetentionState(msgspec.Struct, frozen=True, array_like=True):
    """The state of retention, for metrics and for the next pass."""

    dropped_ms: int  # `now_ms` of the last slice; 0 before the first
    oldest_event_ms: int | None
    oldest_payload_ms: int | None
    kept_back: int  # events older than their retention that are not finished
    slice_rows: int = ROWS_MAX  # what a slice may ask to be dropped at most
    slice_rows_min: int = ROWS_MIN  # fewer make a slice no shorter


class FileSpace(msgspec.Struct, frozen=True, array_like=True):
    """The space that a database takes in its file."""

    pages: int
    free_pages: int  # of them: nothing is kept there any more
    page_bytes: int

    @property
    def bytes(self) -> int:
        """Compute how long the file is."""
        return self.pages * self.page_bytes

    @property
    def free_bytes(self) -> int:
        """Compute how much of it is free."""
        return self.free_pages * self.page_bytes


class RetentionStore(Protocol):
    """The store of retention: it keeps no more than it should.

    Promises: an event with an unfinished delivery, be it of its own or of a replay, keeps
    everything. Slices are resumed where they were, also after a crash. What is dropped comes out of
    no question any more, and its id may be accepted again only after its metadata are gone.
    """

    def drop(self, dropping: DropSlice) -> Awaitable[DropReceipt]:
        """Drop up to `rows_max` rows in one transaction."""

    def retention_state(self) -> Awaitable[RetentionState]:
        """Return what there is to be kept."""


@runtime_checkable
class SpaceStore(Protocol):
    """A store whose database is a file of its own, which it can make shorter. Not every adapter is
    one: a database server looks after its files itself."""

    def file_space(self) -> Awaitable[FileSpace]:
        """Return how long the file is, and how much of it is free."""

    def give_back(self, pages: int) -> Awaitable[DropReceipt]:
        """Return up to so many free pages to the file system; `rows` says how many."""
