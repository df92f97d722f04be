"""The rows of a family, as they go from the store of one cell into that of another.

* They are read by pages from a store in which the family is sealed, under the number of its move,
  and written to one in which it arrives, under the same: whatever else is refused with
  `StaleChange`. Nothing changes in either but by this.
  `test_rows_are_read_where_sealed_written_where_arriving_and_dropped_where_gone`
* A page is written once, however often it is sent. One with a row of another family is refused
  whole, and no row that is there is changed by any.
  `test_a_page_that_was_written_is_written_once`, `test_a_page_of_another_family_is_refused_whole`
* What was written may be lost with the power until the next commit that waits for the disk, which
  that of the switch is. So the sums of both stores are compared before it, and where they are not
  the same the rows are read again from the beginning.
* Sums are of what is stored: the same in every database, whatever the order of the rows. Sessions
  are in none, for the stores may have other ones of the same person; those of who is a member of
  another family too stay. What opens an org neither begins nor ends while it is copied.
  `test_a_family_that_was_copied_has_the_same_sums_in_both_stores`,
  `test_a_session_begins_and_ends_in_neither_store_while_it_is_copied`,
  `test_sessions_that_are_out_of_force_in_the_source_end_with_the_switch`,
  `test_sessions_of_who_is_a_member_elsewhere_stay_where_a_sign_out_ends_them`
* Rows are dropped by pieces where the family is gone; the row of the family stays.
  `test_dropping_leaves_no_row_of_the_family_and_each_of_the_others`

* What is age of a delivery by the leaps that the store of its source has followed is so in that of
  its target, whatever leaps that one has followed before.
  `test_a_delivery_is_as_old_behind_a_move_as_before_it`

A call works for some 30 ms, so that whoever else writes waits no longer. Of a long log it may find
nothing of the family in that time: then its page is empty, and names the place to go on from.
"""

from collections.abc import Awaitable, Mapping, Sequence
from typing import Protocol

import msgspec

from tidings.core.cells.families import FamilyId

PAGE_BYTES = 1 << 20  # of a page; a row that is longer by itself is a page of its own


class RowsPlace(msgspec.Struct, frozen=True, array_like=True):
    """A place among the rows of a family. `table`: those of which list are read, which is a table,
    or a part of one; `after`: the packed key behind which; empty: from its beginning."""

    table: str
    after: bytes = b""


class FamilyRowsPage(msgspec.Struct, frozen=True, array_like=True):
    """Rows of one table. `rows`: packed, the same for every database; they may be none. `next`:
    where the next page begins; None: that was all."""

    table: str
    rows: bytes
    count: int
    next: RowsPlace | None


class RowsSum(msgspec.Struct, frozen=True, array_like=True):
    """The count of the rows of a table, and a sum over the digests of all, in whatever order."""

    rows: int
    digest: bytes


class FamilyRowsSums(msgspec.Struct, frozen=True, array_like=True):
    """The sums so far, by table, and where to go on. None: these are all."""

    sums: Mapping[str, RowsSum]
    next: RowsPlace | None


class ClockLeap(msgspec.Struct, frozen=True, array_like=True):
    """A leap of the clock that a store has followed: deliveries with ids above `after_id`, up to
    `upto`, were accepted so many milliseconds later than their dates say."""

    upto: int
    after_id: int
    by_ms: int


class FamilyFacts(msgspec.Struct, frozen=True, array_like=True):
    """Hold what a move has to know of a family in the store that it leaves. `rows`, `bytes`: an
    estimate of how many it has, and of what they take; `held_ms`: when its newest move began, by
    the store's clock; None: none has, or it is over."""

    rows: int
    bytes: int
    held_ms: int | None = None


class FamilyRowsStore(Protocol):
    """The store of rows of families. What is asked is in order with all other writes."""

    def read_family_rows(
        self, family: FamilyId, number: int, place: RowsPlace | None
    ) -> Awaitable[FamilyRowsPage]:
        """Read a page of the rows of a sealed family; the first of all without a place. Raise
        StaleChange where it is not sealed under this number."""

    def write_family_rows(
        self, family: FamilyId, number: int, page: FamilyRowsPage
    ) -> Awaitable[None]:
        """Write a page of rows of an arriving family. Raise StaleChange where it does not arrive
        under this number, or the page holds a row that is not the family's; StoreFull where there
        is no room for it."""

    def sum_family_rows(
        self,
        family: FamilyId,
        number: int,
        place: RowsPlace | None,
        so_far: Mapping[str, RowsSum],
    ) -> Awaitable[FamilyRowsSums]:
        """Add rows of a sealed or arriving family to sums; from the beginning without a place.
        Raise StaleChange where it is neither under this number."""

    def drop_family_rows(self, family: FamilyId, number: int) -> Awaitable[bool]:
        """Drop a piece of the rows of a family that is gone. True: there is more. Raise StaleChange
        where it is not gone under this number."""

    def count_family_rows(self, family: FamilyId) -> Awaitable[int]:
        """Estimate how many rows a family has, from a part of its events."""

    def facts_of_family(self, family: FamilyId) -> Awaitable[FamilyFacts]:
        """Return what a move has to know of a family here."""

    def clock_leaps(self) -> Awaitable[Sequence[ClockLeap]]:
        """Return the leaps of the clock that the store has followed, as far as they are kept."""

    def highest_numbers_of(self, family: FamilyId) -> Awaitable[int]:
        """Return a number that no row of a family has a greater one than. Others may have: it costs
        nothing to go on above those too."""
