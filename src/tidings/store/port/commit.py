"""One transaction of the engine: what goes in, and what came of it.

Promises:

* `commit` is one transaction. When it returns, all of it is on stable storage; when it raises
  `StoreDown`, nothing of it may be assumed, and the same batch can be committed again: an event
  that is already there comes back as a duplicate of itself, a settled delivery stays as it is.
* `commit` refuses a batch matched under an older registry version (`Receipt.moved`).
* An event and its deliveries appear together. The same (org, event id) is stored once. Of a batch
  with more than `deliveries_max` of them, or `per_event_max` of one event, the rest is *owed*: it
  is on stable storage with its event, as it was matched, and later commits that ask for it
  (`Batch.fan_out`) make it, in order and each once, also for a new owner. One for a webhook that
  was deleted or disabled meanwhile is made CANCELLED or PARKED.
* A delivery with an ordering key is stored HELD while an unfinished or owed one of the same webhook
  and key exists before it, and becomes PENDING in the transaction that makes its predecessor final.
"""

from collections.abc import Awaitable, Sequence
from typing import Protocol

import msgspec

from tidings.core.delivery.job import Job
from tidings.core.ids import DeliveryId, EventNumber, OrgId
from tidings.store.port.audit import AuditWrite
from tidings.store.port.delivery.fan_outs import DELIVERIES_MAX, PER_EVENT_MAX, FanOut
from tidings.store.port.delivery.lanes import CLAIMED_BYTES_MAX, CLAIMED_MAX, RetryClaim
from tidings.store.port.delivery.rows import NewDelivery, Settlement
from tidings.store.port.events.rejections import NewRejection
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


class Receipt(msgspec.Struct, frozen=True, array_like=True):
    """The result of a commit. With `moved`, nothing was done: match again and commit again."""

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
    owed: int = 0  # deliveries of accepted events that are not made yet


class CommitStore(Protocol):
    """The store, as the committer needs it."""

    def commit(self, batch: Batch) -> Awaitable[Receipt]:
        """Write a batch in one synced transaction."""
