"""One transaction of the engine: what goes in, what came of it, and what a store promises of it.

Behind each promise stand the cases of tests/store/conformance that try it.

A commit

* is one transaction. When it returns, all of it is on stable storage: of a database with a
  synchronous standby on that of the standby too. When it raises `StoreDown`, nothing may be
  assumed, also not that it was not written, and the same batch can be committed again: an event
  that is there comes back as a duplicate of itself, a settled delivery stays as it is.
  `test_a_batch_that_came_twice_has_the_effect_of_one`,
  `test_a_commit_whose_answer_was_lost_is_done_once_when_it_is_asked_again`,
  `test_the_next_owner_does_a_batch_once_whose_answer_died_with_the_former`
* whose answer was lost is found out by a transaction that writes, never by a read alone: what can
  be read may not be on stable storage yet. tests/store/postgres/test_standby_commits.py
* is carried out in the order in which it was asked for, beside no other.
  `test_a_page_asked_after_a_commit_shows_it_and_one_asked_before_does_not`
* refuses a batch matched under an older registry version (`Receipt.moved`).
  `test_a_batch_matched_under_an_older_registry_is_refused_whole`
* refuses a batch of a family that is not here as it was judged (`Receipt.away`, families.py).
  `test_a_batch_of_a_family_that_is_not_here_is_refused_whole`
* settles, cancels, makes what is owed, appends events with their deliveries, makes those of
  replays, notes refused events, writes entries of the audit log and claims, in this order.
  `test_what_ends_in_a_batch_no_longer_holds_an_event_of_the_same_batch`,
  `test_what_a_batch_cancels_it_has_settled_before_and_does_not_claim`,
  `test_what_a_batch_cancels_no_longer_holds_an_event_of_it`,
  `test_what_is_owed_is_made_before_the_events_of_the_batch`,
  `test_what_a_replay_makes_has_greater_numbers_than_the_events_of_its_batch`,
  `test_what_a_commit_settles_can_be_taken_by_the_same_commit`
* of an empty batch writes: it finds out whether the store takes writes, and whose it is.
  `test_an_empty_batch_finds_out_that_nothing_can_be_written_and_that_it_can_again`
* follows a leap of the wall clock once that has lasted (core/steady_clock.py): what is due stays
  as far off, what was accepted as old as it is. It is followed once, also by who asks again.
  `test_a_leap_is_followed_by_the_first_commit_once_it_has_lasted`,
  `test_a_leap_whose_answer_was_lost_is_followed_once`

Numbers of events and of deliveries

* rise with commits, and in a batch with its order. They begin anywhere and have gaps of any length:
  a new range begins above all that was given before, also where it is told to begin below.
  `test_a_new_range_begins_above_and_keeps_the_order`,
  `test_a_range_that_would_begin_below_begins_above`
* are given once, also where retention has dropped the rows of the greatest (the floors).
  `test_numbers_are_not_given_again_although_everything_is_gone`

Events and deliveries

* An event and its deliveries appear together. The same (org, event id) is stored once.
  `test_an_event_and_its_deliveries_appear_together`,
  `test_a_repeat_across_batches_is_a_duplicate_whose_first_bytes_stay`
* Of a batch with more than `deliveries_max` of them, or `per_event_max` of one event, the rest is
  *owed*: it is on stable storage with its event, as it was matched, and later commits that ask for
  it (`Batch.fan_out`) make it, in order and each once, also for a new owner. One for a webhook that
  was deleted or disabled meanwhile is made CANCELLED or PARKED.
  `test_what_is_beyond_the_bound_is_owed_and_made_in_slices_in_order`,
  `test_a_new_owner_makes_what_is_left_each_once`,
  `test_one_for_a_webhook_that_was_ended_meanwhile_is_made_final_and_frees_the_next`
* A delivery with an ordering key is stored HELD while an unfinished or owed one of the same webhook
  and key exists before it, and becomes PENDING in the transaction that makes its predecessor final.
  `test_the_second_of_a_key_is_held_and_told`,
  `test_the_end_of_the_first_frees_the_next_in_the_same_commit`
"""

from collections.abc import Awaitable, Sequence
from typing import Protocol

import msgspec

from tidings.core.cells.families import FamilyId
from tidings.core.delivery.job import Job
from tidings.core.ids import DeliveryId, EventNumber, OrgId
from tidings.store.port.audit import AuditWrite
from tidings.store.port.delivery.fan_outs import DELIVERIES_MAX, PER_EVENT_MAX, FanOut
from tidings.store.port.delivery.lanes import CLAIMED_BYTES_MAX, CLAIMED_MAX, RetryClaim
from tidings.store.port.delivery.rows import NewDelivery, Settlement
from tidings.store.port.events.rejections import NewRejection
from tidings.store.port.families import JudgedFamily
from tidings.store.port.replay import CancelReceipt, CancelSlice, ReplayReceipt, ReplaySlice


class NewEvent(msgspec.Struct, frozen=True, array_like=True):
    """An event to be stored, with the deliveries it was matched to."""

    org: OrgId
    name: str
    id: str
    digest: bytes  # 8 bytes: tells a repeat of the same bytes from other bytes under the same id
    body: bytes  # the accepted bytes
    terms: bytes  # search terms, 8 bytes each, little endian
    warning: str | None
    deliveries: Sequence[NewDelivery]
    passage: str | None = None  # how it came (core/events/passage.py)


class Batch(msgspec.Struct, frozen=True, array_like=True):
    """One transaction of the engine."""

    registry_version: int
    events: Sequence[NewEvent] = ()
    settled: Sequence[Settlement] = ()
    claims: Sequence[RetryClaim] = ()
    rejections: Sequence[NewRejection] = ()
    replays: Sequence[ReplaySlice] = ()
    cancels: Sequence[CancelSlice] = ()
    deliveries_max: int = DELIVERIES_MAX  # of all its events, made by this transaction
    per_event_max: int = PER_EVENT_MAX  # … and of one of them
    fan_out: int = 0  # make up to so many owed deliveries of earlier events
    claimed_max: int = CLAIMED_MAX
    claimed_bytes_max: int = CLAIMED_BYTES_MAX
    audits: Sequence[AuditWrite] = ()  # entries of what the batch does
    families: Sequence[JudgedFamily] = ()  # of which it holds something


class Receipt(msgspec.Struct, frozen=True, array_like=True):
    """The result of a commit. With `moved`, nothing was done: match again and commit again. Neither
    with `away`: commit again without what is of these families."""

    now_ms: int = 0
    moved: bool = False
    seqs: Sequence[EventNumber] = ()  # per event: its sequence number; 0 where it was a duplicate
    firsts: Sequence[DeliveryId] = ()  # per event: the id of its first delivery, the rest follow
    held: Sequence[DeliveryId] = ()  # ids of new deliveries that were stored HELD
    differing: Sequence[int] = ()  # indices of duplicates whose bytes differ from the stored ones
    freed: Sequence[Job] = ()  # HELD deliveries that became PENDING
    claimed: Sequence[Job] = ()
    due: Sequence[tuple[int, int | None]] = ()  # per claim: the webhook and its next due time
    replayed: Sequence[ReplayReceipt] = ()  # per slice of a replay
    cancelled: Sequence[CancelReceipt] = ()  # per cancel
    made: Sequence[tuple[int, int]] = ()  # index of an event, how many of it: where some are owed
    fanned_out: Sequence[FanOut] = ()
    owed: int = 0  # deliveries of accepted events that are not made yet, of families that are here
    away: Sequence[FamilyId] = ()


class CommitStore(Protocol):
    """The store, as the committer needs it."""

    def commit(self, batch: Batch) -> Awaitable[Receipt]:
        """Write a batch in one synced transaction."""
