"""The store port: everything the engine and the API ask of a store, and what it promises.

Promises that every adapter keeps (tests/store holds them for each):

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
* `page` and `Receipt` agree: a delivery that `page` did not show to its reader is in the receipt of
  a commit that returns after that page, so a lane can change from reading pages to hand-overs
  without a gap and without a repeat.
* A due retry is handed out by `take` once, after its attempt has been written down.
* Times are milliseconds since the epoch by the store's clock; due times are made from delays.

Structs are tuples on the wire (`array_like`): they cross a process boundary by the thousand.
"""

from collections.abc import Awaitable, Sequence
from typing import Protocol

import msgspec

from tidings.core.delivery.exchange import Timings
from tidings.core.delivery.job import Job
from tidings.core.shaping.left_out import LeftOut
from tidings.store.port.access import AccessStore
from tidings.store.port.access import Link as Link
from tidings.store.port.access import Member as Member
from tidings.store.port.access import People as People
from tidings.store.port.access import Person as Person
from tidings.store.port.access import Seen as Seen
from tidings.store.port.access import Session as Session
from tidings.store.port.access import Use as Use
from tidings.store.port.delivery.fan_outs import DELIVERIES_MAX as DELIVERIES_MAX
from tidings.store.port.delivery.fan_outs import FAN_OUT_ROWS as FAN_OUT_ROWS
from tidings.store.port.delivery.fan_outs import PER_EVENT_MAX as PER_EVENT_MAX
from tidings.store.port.delivery.fan_outs import FannedOut as FannedOut
from tidings.store.port.delivery.health import Health as Health
from tidings.store.port.delivery.health import HealthStore as HealthStore
from tidings.store.port.delivery.in_flight import InFlight as InFlight
from tidings.store.port.delivery.in_flight import NotNoted as NotNoted
from tidings.store.port.disabling import Disabling as Disabling
from tidings.store.port.disabling import DisablingStore
from tidings.store.port.events.log import Asked as Asked
from tidings.store.port.events.log import DeliveryPage as DeliveryPage
from tidings.store.port.events.log import DeliveryQuery as DeliveryQuery
from tidings.store.port.events.log import EventPage as EventPage
from tidings.store.port.events.log import EventQuery as EventQuery
from tidings.store.port.events.log import EventSeries as EventSeries
from tidings.store.port.events.log import LogStore as LogStore
from tidings.store.port.events.log import Point as Point
from tidings.store.port.events.log import RejectionPage as RejectionPage
from tidings.store.port.events.log import SentBody as SentBody
from tidings.store.port.events.log import Series as Series
from tidings.store.port.events.log import Tally as Tally
from tidings.store.port.events.lookup import LOOKUP_MAX as LOOKUP_MAX
from tidings.store.port.events.lookup import EventHead as EventHead
from tidings.store.port.events.lookup import FirstStart as FirstStart
from tidings.store.port.events.lookup import LookupStore as LookupStore
from tidings.store.port.events.rows import Rejection as Rejection
from tidings.store.port.events.rows import StoredDelivery as StoredDelivery
from tidings.store.port.events.rows import StoredEvent as StoredEvent
from tidings.store.port.events.types import StoredType as StoredType
from tidings.store.port.events.types import TypeStore as TypeStore
from tidings.store.port.inboxes import Arrival as Arrival
from tidings.store.port.inboxes import ArrivalPage as ArrivalPage
from tidings.store.port.inboxes import Inbox as Inbox
from tidings.store.port.inboxes import InboxStore as InboxStore
from tidings.store.port.letters import Letter as Letter
from tidings.store.port.letters import LetterStore as LetterStore
from tidings.store.port.reference import ReferenceRow as ReferenceRow
from tidings.store.port.reference import ReferenceStore
from tidings.store.port.reference import ReferenceWrite as ReferenceWrite
from tidings.store.port.replays import Cancelled as Cancelled
from tidings.store.port.replays import CancelSlice as CancelSlice
from tidings.store.port.replays import Candidate as Candidate
from tidings.store.port.replays import Candidates as Candidates
from tidings.store.port.replays import Counted as Counted
from tidings.store.port.replays import Listed as Listed
from tidings.store.port.replays import Replayed as Replayed
from tidings.store.port.replays import ReplayJob as ReplayJob
from tidings.store.port.replays import ReplaySlice as ReplaySlice
from tidings.store.port.replays import ReplaySpec as ReplaySpec
from tidings.store.port.replays import ReplayStore as ReplayStore
from tidings.store.port.replays import Stop as Stop
from tidings.store.port.replays import Tallied as Tallied
from tidings.store.port.replays import Unfinished as Unfinished
from tidings.store.port.retention import Dropped as Dropped
from tidings.store.port.retention import Dropping as Dropping
from tidings.store.port.retention import Kept as Kept
from tidings.store.port.retention import RetentionStore as RetentionStore
from tidings.store.port.transformations import StoredTransformation as StoredTransformation
from tidings.store.port.transformations import TransformationStore as TransformationStore


class StoreDown(Exception):
    """The store cannot take writes now; nothing was promised to anybody."""


class NameTaken(Exception):
    """Another webhook of the org has this name."""


class NewDelivery(msgspec.Struct, frozen=True, array_like=True):
    """A delivery to be stored with its event."""

    webhook: int
    version: int
    key: int | None = None  # hash of the ordering key; None where nothing is ordered
    parked: bool = False


class NewEvent(msgspec.Struct, frozen=True, array_like=True):
    """An event to be stored, with the deliveries it was matched to."""

    org: int
    name: str
    id: str
    digest: bytes  # 8 bytes: tells a repeat of the same bytes from other bytes under the same id
    body: bytes  # the accepted bytes
    terms: bytes  # search terms, 8 bytes each, little endian
    warning: str | None
    deliveries: Sequence[NewDelivery]


class Evidence(msgspec.Struct, frozen=True, array_like=True):
    """What is kept of an attempt that was not a plain success."""

    kind: str | None  # a FaultKind, None for an answer
    detail: str
    headers: Sequence[tuple[str, str]]
    body: bytes
    truncated: bool
    expired: bool = False  # headers and body were there, and are dropped after their retention
    timings: Timings | None = None


class Settled(msgspec.Struct, frozen=True, array_like=True):
    """What came of one attempt. `state` is DELIVERED, FAILED or RETRYING."""

    delivery: int
    webhook: int
    key: int | None
    state: int
    attempt: int  # its number, 1 for the first
    version: int  # of the webhook under which it was sent
    started_ms: int
    duration_ms: int
    status: int | None
    delay_ms: int | None = None  # RETRYING: from now to the next attempt
    evidence: Evidence | None = None
    sent: bytes | None = None  # shaped bytes of an attempt that did not deliver: retries send them
    left_out: LeftOut | None = None  # what was sent lacks this; the first one of a delivery stays
    disable: str | None = None  # the reason, where its webhook is disabled for this outcome


class NewRejection(msgspec.Struct, frozen=True, array_like=True):
    """An event that was refused, kept for a while to be seen and sent again."""

    org: int
    name: str
    event_id: str
    code: str
    message: str
    path: str
    body: bytes


TAKEN_MAX = 250  # due retries that one commit takes: so many attempts begin at once


class Take(msgspec.Struct, frozen=True, array_like=True):
    """Ask for up to `limit` due retries of a webhook.

    A commit with many takes gives each an equal share of `Batch.taken_max`, at least one: the next
    due time that it answers then has passed, and more can be taken at once.
    """

    webhook: int
    limit: int


class Batch(msgspec.Struct, frozen=True, array_like=True):
    """One transaction of the engine."""

    registry_version: int
    events: Sequence[NewEvent] = ()
    settled: Sequence[Settled] = ()
    takes: Sequence[Take] = ()
    rejections: Sequence[NewRejection] = ()
    replays: Sequence[ReplaySlice] = ()
    cancels: Sequence[CancelSlice] = ()
    deliveries_max: int = DELIVERIES_MAX  # of all its events, made by this transaction
    per_event_max: int = PER_EVENT_MAX  # … and of one of them
    fan_out: int = 0  # make up to so many owed deliveries of earlier events
    taken_max: int = TAKEN_MAX


class Receipt(msgspec.Struct, frozen=True, array_like=True):
    """What a commit did. With `moved`, nothing was done: match again and commit again."""

    now_ms: int = 0
    moved: bool = False
    seqs: Sequence[int] = ()  # per event: its sequence number; 0 where it was a duplicate
    firsts: Sequence[int] = ()  # per event: the id of its first delivery, the rest follow
    held: Sequence[int] = ()  # ids of new deliveries that were stored HELD
    differing: Sequence[int] = ()  # indices of duplicates whose bytes differ from the stored ones
    freed: Sequence[Job] = ()  # HELD deliveries that became PENDING
    taken: Sequence[Job] = ()
    due: Sequence[tuple[int, int | None]] = ()  # per take: the webhook and its next due time
    replayed: Sequence[Replayed] = ()  # per slice of a replay
    cancelled: Sequence[Cancelled] = ()  # per cancel
    made: Sequence[tuple[int, int]] = ()  # index of an event, how many of it: where some are owed
    fanned_out: Sequence[FannedOut] = ()
    owed: int = 0  # deliveries of accepted events that are not made yet


class Org(msgspec.Struct, frozen=True, array_like=True):
    """A tenant. `settings` is opaque to the store."""

    id: int
    name: str
    parent: int | None = None
    time_zone: str = "UTC"
    settings: bytes = b"{}"
    created_ms: int = 0


class Credential(msgspec.Struct, frozen=True, array_like=True):
    """Who may call. Only a digest of the secret is kept."""

    id: str
    org: int
    platform: bool  # the platform's own: may name any org
    digest: bytes
    scopes: str
    created_ms: int = 0
    revoked_ms: int | None = None
    kind: str = "key"  # or "till", "oauth"
    name: str = ""
    expires_ms: int | None = None
    previous: bytes | None = None  # the digest of the secret before the last rotation …
    previous_until_ms: int | None = None  # … and until when it is taken too
    calls_per_minute: float | None = None
    events_per_s: float | None = None
    created_by: str = ""
    used_ms: int | None = None  # kept by `note_uses`; `put_credential` writes it at the first time


class StoredWebhook(msgspec.Struct, frozen=True, array_like=True):
    """One version of a webhook; `config` is sealed by the service and opaque to the store."""

    number: int  # 0 asks the store for a new one
    id: str
    consumer_group: str
    org: int
    version: int
    name: str
    standing: str
    config: bytes
    created_ms: int = 0
    updated_ms: int = 0


class Snapshot(msgspec.Struct, frozen=True, array_like=True):
    """All configuration, as of one registry version."""

    registry_version: int
    orgs: Sequence[Org] = ()
    credentials: Sequence[Credential] = ()
    webhooks: Sequence[StoredWebhook] = ()
    disablings: Sequence[Disabling] = ()


class Standing(msgspec.Struct, frozen=True, array_like=True):
    """What is unfinished of one webhook."""

    webhook: int
    pending: int
    next_due_ms: int | None


class Counts(msgspec.Struct, frozen=True, array_like=True):
    """Deliveries by state, and what is behind."""

    events: int
    by_state: dict[int, int]
    orphans: int  # unfinished without a due time, an owner or a predecessor, made or owed: always 0
    index_lag: int  # events whose search terms are not written yet


class StoredAttempt(msgspec.Struct, frozen=True, array_like=True):
    """One attempt. Without `ended` it is in flight."""

    number: int
    started_ms: int
    ended: bool
    duration_ms: int | None
    status: int | None
    version: int
    evidence: Evidence | None


class Store(
    AccessStore,
    DisablingStore,
    HealthStore,
    LetterStore,
    ReferenceStore,
    RetentionStore,
    TransformationStore,
    TypeStore,
    LookupStore,
    LogStore,
    InboxStore,
    ReplayStore,
    Protocol,
):
    """What the engine and the API need. Every method may raise `StoreDown`."""

    def commit(self, batch: Batch) -> Awaitable[Receipt]:
        """Write a batch in one synced transaction."""
        ...

    def page(self, webhook: int, after: int, limit: int) -> Awaitable[Sequence[Job]]:
        """PENDING deliveries of a webhook with a greater id than `after`, in id order."""
        ...

    def recover(
        self, window: int, left: Sequence[tuple[int, int]] | None = None
    ) -> Awaitable[Sequence[Standing]]:
        """Called once by a new owner, before anything is sent.

        What may have been in flight when the last owner died gets an attempt `possibly sent (worker
        lost)` and is due now: `left` (see `InFlight.left`), or where that is None up to `window` of
        the lowest PENDING ids of each webhook, and every taken retry. What was taken and had not
        left is due now under the same number. Returns the webhooks with unfinished deliveries.
        """
        ...

    def load(self) -> Awaitable[Snapshot]:
        """All configuration."""
        ...

    def put_org(self, org: Org) -> Awaitable[int]:
        """Insert or replace an org; returns the new registry version."""
        ...

    def put_credential(self, credential: Credential) -> Awaitable[None]:
        """Insert or replace a credential."""
        ...

    def put_webhook(self, webhook: StoredWebhook) -> Awaitable[tuple[StoredWebhook, int]]:
        """Store a version of a webhook; returns it with its number, and the registry version.

        Raises NameTaken. Of a disabled version it is kept that its owner is to be told, until
        `drop_disabling`. What is unfinished of a webhook that was deleted or disabled is ended by
        `retire`, not here.
        """
        ...

    def retire(self, webhook: int, state: int, limit: int) -> Awaitable[int]:
        """Move up to `limit` unfinished deliveries to PARKED or CANCELLED; how many were moved."""
        ...

    def unfinished(self) -> Awaitable[Sequence[Standing]]:
        """The webhooks that have unfinished deliveries, as `recover` tells them."""
        ...

    def release(self, webhook: int, held: Sequence[int]) -> Awaitable[None]:
        """Make due every taken retry of a webhook but the ones that its owner still holds.

        They have not left: their number is that of the next attempt.
        """
        ...

    def event(self, org: int, event_id: str) -> Awaitable[StoredEvent | None]:
        """An event by its id."""
        ...

    def deliveries_of(self, event: int) -> Awaitable[Sequence[StoredDelivery]]:
        """All deliveries of an event."""
        ...

    def delivery(self, delivery: int) -> Awaitable[StoredDelivery | None]:
        """A delivery by its id."""
        ...

    def attempts_of(self, delivery: int) -> Awaitable[Sequence[StoredAttempt]]:
        """The attempts that are kept as rows; a plain first success has none."""
        ...

    def rejections(self, org: int, limit: int) -> Awaitable[Sequence[Rejection]]:
        """The newest refused events of an org."""
        ...

    def counts(self) -> Awaitable[Counts]:
        """Totals for the ledger, readiness and metrics."""
        ...

    def find(self, term: bytes, limit: int) -> Awaitable[Sequence[int]]:
        """Sequence numbers of the newest events with a search term, or with one of several that
        stand one behind another."""
        ...

    def close(self, clean: bool = True) -> Awaitable[None]:
        """Finish what was asked and close. `clean`: nothing is in flight. Idempotent."""
        ...
