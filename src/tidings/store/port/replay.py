"""Replays as the store keeps them: jobs that make deliveries from old events, or cancel them.

Promises beside those of the port:

* A slice goes in with a commit (`Batch.replays`, `Batch.cancels`). It is applied only while its job
  runs and its cursor is where the slice begins: a slice that is written twice is applied once, and
  one that was planned before a pause or a cancel is not applied at all.
* The cursor moves in the transaction that makes the deliveries.
* Ids of what a slice makes are greater than those of the events of the same batch: a lane is told
  in id order.
"""

from collections.abc import Awaitable, Sequence
from typing import Protocol

import msgspec

from tidings.core.delivery.job import Job
from tidings.core.ids import DeliveryId, EventNumber, OrgId
from tidings.store.port.audit import AuditWrite


class ReplaySpec(msgspec.Struct, frozen=True, array_like=True):
    """The events that a job is about. Fields are only ever added, with a default."""

    owner: OrgId  # the org whose webhooks are looked at
    source: int | None  # the webhook whose deliveries are looked at; None: every one of the owner
    target: int | None  # the webhook that gets new ones; None for a cancel
    orgs: Sequence[OrgId]  # whose events are looked at
    names: Sequence[str] = ()  # empty: of every type
    from_ms: int | None = None  # accepted at this time or later
    to_ms: int | None = None  # accepted before
    states: Sequence[int] = ()  # combined states (core/replay.py) at the source
    unmatched: bool = False  # also events of which the source had no delivery
    again: bool = False  # also what the target has
    listed: bool = False  # only events of the job's list
    after: EventNumber = EventNumber(0)  # sequence numbers greater than this …
    upto: EventNumber = EventNumber(1 << 62)  # … and at most this: the newest at its making


class ReplayJob(msgspec.Struct, frozen=True, array_like=True):
    """A job's row."""

    number: int  # 0 asks the store for a new one
    org: OrgId
    kind: str
    state: str
    spec: ReplaySpec
    rate: float
    hold: bool  # wait for a start once counted
    by: str
    reason: str = ""
    cursor: EventNumber = EventNumber(0)  # the last event that was visited
    counted_to: EventNumber = EventNumber(0)  # the last event that was counted
    counted: int = 0
    total: int | None = None  # what was counted, once all of it is
    made: int = 0  # deliveries made, or cancelled
    under_way: int = 0  # skipped, by reason
    had: int = 0
    no_body: int = 0
    delivered: int = 0  # of those made, by what became of them
    failed: int = 0
    parked: int = 0
    cancelled: int = 0
    created_ms: int = 0
    started_ms: int | None = None
    ended_ms: int | None = None
    closed: bool = False  # nothing is left to be done for it


class ReplayEntry(msgspec.Struct, frozen=True, array_like=True):
    """One entry of a job's list: an event, at one webhook or (0) at whichever the job looks at."""

    event: EventNumber
    webhook: int = 0


class Candidate(msgspec.Struct, frozen=True, array_like=True):
    """An event that a job asks for, as a reader found it; the writer looks again."""

    event: EventNumber
    org: OrgId
    name: str
    body: bytes | None  # where it was asked for, and is there
    unmatched: bool = False  # the source had no delivery of it
    deliveries: Sequence[DeliveryId] = ()  # a cancel: the unfinished ones


class ReplayCandidates(msgspec.Struct, frozen=True, array_like=True):
    """The candidates behind a cursor."""

    cursor: EventNumber  # the last event that was looked at
    found: Sequence[Candidate]
    ended: bool  # nothing is behind the cursor


class ReplayCount(msgspec.Struct, frozen=True, array_like=True):
    """The number that a part of the range would make."""

    cursor: EventNumber
    count: int
    skipped: int  # of these, those that could not be made
    ended: bool


class ReplaySlice(msgspec.Struct, frozen=True, array_like=True):
    """Make the deliveries of these events and move the cursor."""

    replay: int
    after: EventNumber  # where the cursor stands
    to: EventNumber
    version: int  # of the target webhook
    events: Sequence[EventNumber] = ()
    keys: Sequence[int | None] = ()  # hash of the ordering key, for each


class CancelSlice(msgspec.Struct, frozen=True, array_like=True):
    """Cancel these deliveries, or take them as delivered. With a job its cursor moves too."""

    deliveries: Sequence[DeliveryId]
    by: str
    replay: int | None = None
    after: EventNumber = EventNumber(0)
    to: EventNumber = EventNumber(0)
    delivered: bool = False  # they end as delivered, at the time of their accept
    audit: AuditWrite | None = None  # entries that are written with it


class ReplayReceipt(msgspec.Struct, frozen=True, array_like=True):
    """The result of a slice; nothing where it was not applied."""

    replay: int
    applied: bool
    made: int = 0
    jobs: Sequence[Job] = ()  # those that are PENDING


class CancelReceipt(msgspec.Struct, frozen=True, array_like=True):
    """The result of a cancel."""

    applied: bool
    deliveries: Sequence[tuple[int, DeliveryId]] = ()  # webhook and delivery

    @property
    def is_change(self) -> bool:
        """Return whether one of them was unfinished."""
        return bool(self.deliveries)


class ReplayTally(msgspec.Struct, frozen=True, array_like=True):
    """The outcomes of a job's deliveries since the last look."""

    after: int  # where to go on looking; 0 from the beginning
    final: int  # how many became final
    open: bool  # whether any is unfinished, or was not looked at


class ReplayStore(Protocol):
    """The store of replays."""

    def put_replay(self, job: ReplayJob, listed: Sequence[ReplayEntry]) -> Awaitable[ReplayJob]:
        """Store a new job with its list, in one transaction; `spec.upto` becomes what is newest."""

    def move_replay(
        self, replay: int, states: Sequence[str], state: str, reason: str
    ) -> Awaitable[ReplayJob | None]:
        """Move a job that is in one of `states`; as it is now, or None where it was in another."""

    def note_counted(
        self, replay: int, cursor: EventNumber, count: int, ended: bool
    ) -> Awaitable[ReplayJob | None]:
        """Remember how far a job is counted; None where it is not being counted any more."""

    def tally_replay(self, replay: int, after: int, limit: int) -> Awaitable[ReplayTally]:
        """Look at up to `limit` unfinished deliveries of a job and count those that are final."""

    def close_replay(self, replay: int) -> Awaitable[None]:
        """Close a final job for which nothing is left to be done; its list goes."""

    def unfinished_of(self, replay: int, limit: int) -> Awaitable[Sequence[DeliveryId]]:
        """Return up to `limit` deliveries of a job that are unfinished, to be cancelled with it."""

    def replay(self, org: OrgId, replay: int) -> Awaitable[ReplayJob | None]:
        """Return a job of an org; None where there is none."""

    def replays(self, org: OrgId, before: int, limit: int) -> Awaitable[Sequence[ReplayJob]]:
        """Return up to `limit` jobs of an org with a smaller number than `before`, newest first."""

    def open_replays(self) -> Awaitable[Sequence[ReplayJob]]:
        """Return the jobs of every org that something is left to be done for."""

    def candidates(
        self, replay: int, spec: ReplaySpec, after: EventNumber, limit: int, bodies: bool
    ) -> Awaitable[ReplayCandidates]:
        """Return up to `limit` events that a job asks for, behind `after`; possibly none of a
        part."""

    def count_replay(
        self, replay: int, spec: ReplaySpec, after: EventNumber, listed: Sequence[ReplayEntry]
    ) -> Awaitable[ReplayCount]:
        """Count a part of a range; `replay` 0 and `listed` for a job that is not stored."""

    def first_since(self, from_ms: int) -> Awaitable[EventNumber]:
        """Return a sequence number below every event accepted at `from_ms` or later."""

    def listed_deliveries(
        self, org: OrgId, deliveries: Sequence[DeliveryId]
    ) -> Awaitable[Sequence[ReplayEntry]]:
        """Return entries for those of these delivery ids that are at webhooks of the org."""

    def listed_events(self, org: OrgId, ids: Sequence[str]) -> Awaitable[Sequence[ReplayEntry]]:
        """Return entries for those of these event ids that the org has."""
