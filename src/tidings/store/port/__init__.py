"""The store port: everything the engine and the API ask of a store, and what it promises.

By subject: each has its rows, and protocols as small as what their users ask; `Store`, which an
adapter is, is their sum. Everything is named from here (`port.EventStore`).

What an adapter promises stands where it is asked for, most of it in `commit.py`, `revisions.py`,
`delivery/lanes.py` and `replay.py`; tests/store/conformance holds it for each. Of all of it:

* Times are milliseconds since the epoch by the store's clock; due times are made from delays.
* A store has one owner. Another one is refused while it lives, by a lock or by a lease; the next
  has all that was answered; what a former one asked late changes nothing.
  `test_a_second_owner_is_refused_and_disturbs_nobody`,
  `test_what_a_former_owner_has_written_is_in_every_answer_of_the_next`,
  `test_a_delayed_commit_of_a_former_owner_changes_nothing`
* What writes, and what a start and lanes read (`load`, `recover`, `unfinished`, `page` and others
  of the half that writes), is done in the order in which it was asked, also where nobody has waited
  for an answer. `test_what_lanes_and_a_start_read_is_in_order_with_writes_that_nobody_waited_for`
* What logs, totals and search read (the half that reads) has at least what was answered before it
  was asked; of what was not answered yet it may have anything, and search may lag
  (`index_lag`). `test_what_was_answered_is_in_every_log_that_is_asked_for_then`
* A change whose answer was lost may be there: who reads again sees which.
  `test_a_change_whose_answer_was_lost_is_seen_when_it_is_read_again`
* A change that was made of what is not stored any more is refused, and nothing of it is written
  (`revisions.py`). `test_a_change_of_what_is_not_stored_any_more_is_refused`,
  `test_what_is_there_is_not_made_again_and_what_is_gone_is_not_changed`

Structs are tuples on the wire (`array_like`): they cross a process boundary by the thousand.
"""

from collections.abc import Awaitable
from typing import Protocol, Self

from tidings.core.cells.families import CallVerdict, FamilyRow, judge_call
from tidings.errors import Unavailable, Unusable
from tidings.store.port.access import (
    AccessStore,
    CredentialUse,
    Member,
    OneTimeLink,
    People,
    SessionUse,
    StoredCredential,
    StoredPerson,
    StoredSession,
    StoredView,
)
from tidings.store.port.asking import ASKING_ORG
from tidings.store.port.audit import (
    AuditPage,
    AuditQuery,
    AuditStore,
    AuditWrite,
    is_change,
    recorded,
    take_audit,
)
from tidings.store.port.commit import Batch, CommitStore, NewEvent, Receipt
from tidings.store.port.configuration import ConfigurationStore, KeptKey, Snapshot
from tidings.store.port.delivery.caps import CapStore, CapUse
from tidings.store.port.delivery.fan_outs import DELIVERIES_MAX, FAN_OUT_ROWS, PER_EVENT_MAX, FanOut
from tidings.store.port.delivery.health import HealthStore, StoredHealth
from tidings.store.port.delivery.in_flight import InFlight, NullInFlight
from tidings.store.port.delivery.incidents import INCIDENTS_KEPT, IncidentQuery, IncidentStore
from tidings.store.port.delivery.lanes import (
    CLAIMED_BYTES_MAX,
    CLAIMED_MAX,
    Backlog,
    LaneStore,
    ManualRetry,
    OldestRetry,
    RetryClaim,
    UnfinishedPage,
    WokenRetries,
)
from tidings.store.port.delivery.log import (
    DeliveryPage,
    DeliveryQuery,
    DeliveryStore,
    FirstStart,
    SentBody,
)
from tidings.store.port.delivery.rows import (
    DeliveredByReplay,
    Evidence,
    NewDelivery,
    Settlement,
    StoredAttempt,
    StoredDelivery,
)
from tidings.store.port.delivery.stops import SendingStop, StopStore
from tidings.store.port.delivery.totals import (
    LEFT_STATES,
    REPLAYED,
    Counts,
    Point,
    Series,
    Tally,
    TotalsStore,
    WaitingAges,
)
from tidings.store.port.events.log import (
    LOOKUP_MAX,
    POINTS_MAX,
    ROWS_MAX,
    STEP_MS,
    EventHead,
    EventPage,
    EventQuery,
    EventSeries,
    EventStore,
    StoredEvent,
)
from tidings.store.port.events.rejections import (
    NewRejection,
    Rejection,
    RejectionPage,
    RejectionStore,
)
from tidings.store.port.events.types import StoredType, TypeStore
from tidings.store.port.families import FamilyReceipt, FamilyStep, FamilyStore, JudgedFamily
from tidings.store.port.family_rows import (
    ClockLeap,
    FamilyFacts,
    FamilyRowsPage,
    FamilyRowsStore,
    FamilyRowsSums,
    RowsPlace,
    RowsSum,
)
from tidings.store.port.inboxes import (
    KEPT_ARRIVALS,
    KEPT_BYTES,
    Arrival,
    ArrivalPage,
    Inbox,
    InboxStore,
)
from tidings.store.port.kept_lists import KeptList, KeptListStore, ListPiece
from tidings.store.port.keyed_calls import (
    KEYED_KEPT_MS,
    KEYED_MAX,
    CallBegun,
    KeyedCall,
    KeyedCallStore,
)
from tidings.store.port.notices import (
    AlertStore,
    EmailStore,
    QueuedEmail,
    StoredAlertMark,
    StoredChannel,
)
from tidings.store.port.orgs import OrgStore, StoredOrg
from tidings.store.port.ranges import RangeStore
from tidings.store.port.replay import (
    CancelReceipt,
    CancelSlice,
    Candidate,
    ReplayCandidates,
    ReplayCount,
    ReplayEntry,
    ReplayJob,
    ReplayReceipt,
    ReplaySlice,
    ReplaySpec,
    ReplayStore,
    ReplayTally,
)
from tidings.store.port.retention import (
    DropReceipt,
    DropSlice,
    FileSpace,
    RetentionState,
    RetentionStore,
    SpaceStore,
)
from tidings.store.port.revisions import StaleChange, revise
from tidings.store.port.shaping import (
    ReferenceRow,
    ReferenceStore,
    ReferenceWrite,
    StoredTransformation,
    TransformationStore,
)
from tidings.store.port.sources import (
    DeadLetter,
    DeadLetterPage,
    DeadLetterSum,
    ReplacedMessage,
    SourceStore,
    StoredActivity,
    StoredSource,
)
from tidings.store.port.webhooks import Disabling, NameTaken, StoredWebhook, WebhookStore


class StoreRefused(Unusable):
    """The store cannot be used; the text says why and what to do."""


class StoreDown(Unavailable):
    """The store cannot take writes now; nothing was promised to anybody."""


class NotKept(StoreDown):
    """One caller's data cannot be written, though the store takes writes."""


class NoNumbers(StoreDown):
    """No number is left for what is new; the store takes whatever needs none."""


class StoreFull(StoreDown):
    """Refuse what has no room: on the disk, or within what the store may take."""


class FamilyAway(StoreDown):
    """A write for an org whose family is not this cell's now; the text says where it is. Nothing of
    it is written, and the store takes the writes of all others."""

    @classmethod
    def of(cls, row: FamilyRow | None) -> Self:
        """Return one by the row of the family."""
        is_held = judge_call(row).verdict is CallVerdict.HELD
        where = "it is moving to another one" if is_held else "it is in another one"
        return cls(f"The org must be in this cell; {where}. Try again in a second.")


class StoreUnanswered(StoreDown):
    """A question was not answered in time, or its process has ended; it may be asked again."""


class Store(
    EventStore,
    RejectionStore,
    TypeStore,
    ReferenceStore,
    TransformationStore,
    LaneStore,
    DeliveryStore,
    TotalsStore,
    HealthStore,
    IncidentStore,
    StopStore,
    WebhookStore,
    ReplayStore,
    OrgStore,
    FamilyStore,
    FamilyRowsStore,
    AccessStore,
    AuditStore,
    InboxStore,
    SourceStore,
    KeyedCallStore,
    KeptListStore,
    CapStore,
    EmailStore,
    AlertStore,
    RetentionStore,
    CommitStore,
    RangeStore,
    ConfigurationStore,
    Protocol,
):
    """The store as the engine and the API need it. Every method may raise `StoreDown`."""

    def close(self, clean: bool = True) -> Awaitable[None]:
        """Finish what was asked and close. `clean`: nothing is in flight. Idempotent."""
