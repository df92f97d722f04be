"""The store port: everything the engine and the API ask of a store, and what it promises.

By subject: each has its rows, and protocols as small as what their users ask; `Store`, which an
adapter is, is their sum. Everything is named from here (`port.EventStore`).

What an adapter promises stands where it is asked for, most of it in `commit.py`,
`delivery/lanes.py` and `replay.py`; tests/store/conformance holds it for each. Of all of it: times
are milliseconds since the epoch by the store's clock; due times are made from delays.

Structs are tuples on the wire (`array_like`): they cross a process boundary by the thousand.
"""

from collections.abc import Awaitable
from typing import Protocol

from tidings.errors import Unavailable
from tidings.store.port.access import (
    AccessStore as AccessStore,
    Credential as Credential,
    Link as Link,
    Member as Member,
    People as People,
    Person as Person,
    SessionUse as SessionUse,
    Session as Session,
    CredentialUse as CredentialUse,
)
from tidings.store.port.commit import (
    Batch as Batch,
    CommitStore as CommitStore,
    NewEvent as NewEvent,
    Receipt as Receipt,
)
from tidings.store.port.configuration import (
    ConfigurationStore as ConfigurationStore,
    Snapshot as Snapshot,
)
from tidings.store.port.delivery.fan_outs import (
    DELIVERIES_MAX as DELIVERIES_MAX,
    FAN_OUT_ROWS as FAN_OUT_ROWS,
    PER_EVENT_MAX as PER_EVENT_MAX,
    FanOut as FanOut,
)
from tidings.store.port.delivery.health import Health as Health, HealthStore as HealthStore
from tidings.store.port.delivery.in_flight import InFlight as InFlight, NullInFlight as NullInFlight
from tidings.store.port.delivery.lanes import (
    CLAIMED_MAX as CLAIMED_MAX,
    ManualRetry as ManualRetry,
    LaneStore as LaneStore,
    Backlog as Backlog,
    RetryClaim as RetryClaim,
    UnfinishedPage as UnfinishedPage,
)
from tidings.store.port.delivery.log import (
    DeliveryPage as DeliveryPage,
    DeliveryQuery as DeliveryQuery,
    DeliveryStore as DeliveryStore,
    FirstStart as FirstStart,
    SentBody as SentBody,
)
from tidings.store.port.delivery.rows import (
    Evidence as Evidence,
    NewDelivery as NewDelivery,
    Settlement as Settlement,
    StoredAttempt as StoredAttempt,
    StoredDelivery as StoredDelivery,
)
from tidings.store.port.delivery.stops import Stop as Stop, StopStore as StopStore
from tidings.store.port.delivery.totals import (
    LEFT_STATES as LEFT_STATES,
    REPLAYED as REPLAYED,
    Counts as Counts,
    Point as Point,
    Series as Series,
    Tally as Tally,
    TotalsStore as TotalsStore,
)
from tidings.store.port.events.log import (
    LOOKUP_MAX as LOOKUP_MAX,
    POINTS_MAX as POINTS_MAX,
    ROWS_MAX as ROWS_MAX,
    STEP_MS as STEP_MS,
    EventHead as EventHead,
    EventPage as EventPage,
    EventQuery as EventQuery,
    EventSeries as EventSeries,
    EventStore as EventStore,
    StoredEvent as StoredEvent,
)
from tidings.store.port.events.rejections import (
    NewRejection as NewRejection,
    Rejection as Rejection,
    RejectionPage as RejectionPage,
    RejectionStore as RejectionStore,
)
from tidings.store.port.events.types import StoredType as StoredType, TypeStore as TypeStore
from tidings.store.port.inboxes import (
    KEPT_ARRIVALS as KEPT_ARRIVALS,
    KEPT_BYTES as KEPT_BYTES,
    Arrival as Arrival,
    ArrivalPage as ArrivalPage,
    Inbox as Inbox,
    InboxStore as InboxStore,
)
from tidings.store.port.keyed_calls import (
    KEYED_KEPT_MS as KEYED_KEPT_MS,
    KEYED_MAX as KEYED_MAX,
    CallBegun as CallBegun,
    KeyedCall as KeyedCall,
    KeyedCallStore as KeyedCallStore,
)
from tidings.store.port.notices import Email as Email, EmailStore as EmailStore
from tidings.store.port.orgs import Org as Org, OrgStore as OrgStore
from tidings.store.port.replay import (
    CancelReceipt as CancelReceipt,
    CancelSlice as CancelSlice,
    Candidate as Candidate,
    Candidates as Candidates,
    ReplayCount as ReplayCount,
    ReplayEntry as ReplayEntry,
    ReplayReceipt as ReplayReceipt,
    ReplayJob as ReplayJob,
    ReplaySlice as ReplaySlice,
    ReplaySpec as ReplaySpec,
    ReplayStore as ReplayStore,
    ReplayTally as ReplayTally,
)
from tidings.store.port.retention import (
    DropReceipt as DropReceipt,
    DropSlice as DropSlice,
    RetentionState as RetentionState,
    RetentionStore as RetentionStore,
)
from tidings.store.port.shaping import (
    ReferenceRow as ReferenceRow,
    ReferenceStore as ReferenceStore,
    ReferenceWrite as ReferenceWrite,
    StoredTransformation as StoredTransformation,
    TransformationStore as TransformationStore,
)
from tidings.store.port.webhooks import (
    Disabling as Disabling,
    NameTaken as NameTaken,
    StoredWebhook as StoredWebhook,
    WebhookStore as WebhookStore,
)


class StoreDown(Unavailable):
    """The store cannot take writes now; nothing was promised to anybody."""


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
    StopStore,
    WebhookStore,
    ReplayStore,
    OrgStore,
    AccessStore,
    InboxStore,
    KeyedCallStore,
    EmailStore,
    RetentionStore,
    CommitStore,
    ConfigurationStore,
    Protocol,
):
    """What the engine and the API need. Every method may raise `StoreDown`."""

    def close(self, clean: bool = True) -> Awaitable[None]:
        """Finish what was asked and close. `clean`: nothing is in flight. Idempotent."""
