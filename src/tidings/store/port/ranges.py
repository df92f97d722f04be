"""The ranges that the numbers of a store are given from (core/cells/ranges.py).

A store gives numbers to events, deliveries, webhooks, sources and what they put aside, inboxes and
their arrivals, refused events and replays. Where it is the only one of an installation, each kind
is counted from 1, without an end. Where it is one of several, they are unique over all of them, and

* are given from ranges that were granted to it. The next range is begun by the transaction that
  needs it: where that is not written, it is not begun.
  `test_a_range_that_ends_within_a_batch_goes_on_in_the_next_one`,
  `test_what_is_rolled_back_has_begun_no_range_and_gives_nothing_twice`
* of a new owner are of a range that no former owner has begun. It begins none before it needs a
  number. `test_a_new_owner_begins_a_fresh_range_with_its_first_number`
* rise, each kind by itself, over every change of ranges.
  `test_numbers_rise_when_the_endless_range_ends_and_when_a_fresh_one_begins`
* run out where nothing more is granted. What needs one is then refused whole (`NoNumbers`); what
  needs none is written. Refused events are not noted meanwhile.
  `test_without_a_range_what_needs_a_number_is_refused_and_all_else_is_written`
* are not those that a store had before it was restored from a backup.
  `test_a_restored_store_gives_nothing_of_what_it_had`
* are not those that were given by later owners than a store knows of, whoever put it back.
  `test_a_store_that_later_owners_have_noted_nothing_in_gives_nothing_of_what_it_had`
"""

from collections.abc import Awaitable, Sequence
from typing import Protocol

from tidings.core.cells.ranges import CellRanges


class RangeStore(Protocol):
    """The ranges of one store."""

    def number_ranges(self) -> Awaitable[CellRanges]:
        """Return the ranges that it has."""

    def end_endless_range(self) -> Awaitable[int]:
        """Make a store that is the only one the first of several. Return the index of the lowest
        range that it has given nothing of; all below are its own. Of a store that is one of several
        nothing is changed."""

    def grant_ranges(self, indices: Sequence[int]) -> Awaitable[CellRanges]:
        """Take ranges that are granted, in order; those that it has already stay as they are. A
        store that has given no number yet is made one of several by that. Return what it has. Raise
        StaleChange where they are not above all that it has, or where the store has given numbers
        without an end."""

    def begin_range(self, above: int) -> Awaitable[CellRanges]:
        """Begin a fresh range above a number, as when rows of another store arrive. Return what it
        has. Raise NoNumbers where there is none. Of a store that is the only one nothing is
        changed."""

    def give_up_ranges(self) -> Awaitable[CellRanges]:
        """Give no number any more of the ranges that it has, as it comes from a backup: what it has
        given since is not known. Return what it has. Of a store that is the only one nothing is
        changed."""

    def note_epoch(self, epoch: int, is_own: bool) -> Awaitable[bool]:
        """Note the epoch of the newest owner of the cell, as the map has it. `is_own`: it is that
        of the owner that asks. One of another owner that has noted nothing here has served a later
        state of this store: it gives up its ranges, as one from a backup. Return whether that is
        so. An epoch that is not above the noted one changes nothing."""
