"""Owed deliveries: kept as they were matched, in runs, and made a slice at a time.

Ids are given when the event is stored, so the order of a key, the ids of an event and the log are
those that one transaction would have made. The cursor is what is left in `fan_out`: a slice takes
entries out of it in the transaction that inserts their deliveries, so each is made once, across
crashes and repeated batches. The orgs that are owed something take turns, run by run: one whose
events have thousands of webhooks does not hold up what the others are owed.
"""

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import msgspec

from tidings.core.delivery.job import Job
from tidings.core.delivery.states import State
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.ids import DeliveryId, EventNumber, OrgId, from_first
from tidings.store import port
from tidings.store.sql.connection import StoreConnection
from tidings.store.sql.events.changed_blocks import BLOCK_BITS, touch_blocks
from tidings.store.sql.row_mapping import ColumnCodec, Projection, StoredTable, insert_into
from tidings.store.sql.states import HELD, is_unfinished
from tidings.store.sql.writer_rows import OwedDeliveryInsert, bind_owed_delivery

RUN_ENTRIES = port.FAN_OUT_ROWS  # so that a slice takes whole runs
SLICE_BYTES = 4 << 20  # of bodies, which go to the engine with what was made

_INSERT = insert_into("delivery", OwedDeliveryInsert, attempts="0")


class OwedRun(NamedTuple):
    """A run of owed deliveries with what sending them needs of its event."""

    event: EventNumber
    entries: bytes
    event_id: str
    accepted_ms: int
    body: bytes
    passage: str | None


_OWED_RUN = Projection(
    OwedRun,
    "e",
    {
        "event": "f.event",
        "entries": "f.entries",
        "event_id": "e.id",
        "accepted_ms": "e.at_ms",
        "body": "b.bytes",
    },
)
_RUN = (
    f"{_OWED_RUN.select} FROM fan_out f"
    " JOIN event e ON e.seq = f.event JOIN body b ON b.seq = f.event WHERE f.first = ?"
)
_OWED = (
    "SELECT f.first, f.count, f.entries, e.org FROM fan_out f JOIN event e ON e.seq = f.event"
    " ORDER BY f.first"
)
_STATUS = "SELECT standing FROM webhook_version WHERE webhook = ? ORDER BY version DESC LIMIT 1"
# What waits itself does not count: where none is under way it waits for the one that was owed, as
# an older one does of which somebody has asked for another try.
_WAITS_BEFORE = (
    "SELECT 1 FROM delivery WHERE webhook = ? AND key = ? AND key IS NOT NULL AND id < ?"
    f" AND {is_unfinished()} AND state <> {HELD} LIMIT 1"
)
_ENDED = {WebhookStatus.DELETED: int(State.CANCELLED), WebhookStatus.DISABLED: int(State.PARKED)}
_entries = msgspec.msgpack.Decoder(list[port.NewDelivery])
_encoder = msgspec.msgpack.Encoder()
Row = tuple[Any, ...]


class FamiliesHere(Protocol):
    """Knows whose events may be sent here."""

    @property
    def are_all_here(self) -> bool:
        """Return whether no family is another cell's, or on its way."""

    def is_here(self, org: int, /) -> bool:
        """Return whether the family of an org is here."""


class FanOutRow(msgspec.Struct, frozen=True):
    """A run of owed deliveries with neighbouring ids."""

    first: DeliveryId
    event: EventNumber
    count: int
    entries: Sequence[port.NewDelivery]


_FAN_OUT = StoredTable(
    "fan_out", FanOutRow, {"entries": ColumnCodec(_entries.decode, _encoder.encode)}
)


class _Backlog:
    """The table's rows at hand: whose turn it is, how much it is, and which keys wait."""

    def __init__(self, connection: StoreConnection) -> None:
        self.count = 0
        self.counts: dict[OrgId, int] = {}  # of these, by org
        # The first ids of each org; the next org first.
        self.runs: dict[OrgId, deque[DeliveryId]] = {}
        self.keyed: dict[tuple[int, int], list[int]] = {}  # ids by webhook and key, in order
        rows: list[Row] = connection.execute(_OWED).fetchall()
        for first, count, packed, org in rows:
            self.add(org, count)
            self.runs.setdefault(org, deque()).append(first)
            for id, new in enumerate(_entries.decode(packed), first):
                if new.key is not None and not new.parked:
                    self.keyed.setdefault((new.webhook, new.key), []).append(id)

    def add(self, org: OrgId, count: int) -> None:
        """Count more of an org's, or fewer."""
        self.count += count
        self.counts[org] = self.counts.get(org, 0) + count
        if not self.counts[org]:
            del self.counts[org]


class FanOuts:
    """Shares the writer's connection; what writes runs inside its transaction."""

    def __init__(
        self,
        connection: StoreConnection,
        free_next: Callable[[int, int, State | None], list[Job]],
        families: FamiliesHere,
    ) -> None:
        self._connection = connection
        self._free_next = free_next
        self._families = families
        self._known: _Backlog | None = None  # None: to be read again

    def forget(self) -> None:
        """Forget a transaction that was rolled back: what it had changed here is not so."""
        self._known = None

    @property
    def _owed(self) -> _Backlog:
        if self._known is None:
            self._known = _Backlog(self._connection)
        return self._known

    @property
    def owed(self) -> int:
        """Count the deliveries that are owed, of families that are here."""
        owed = self._owed
        if self._families.are_all_here:
            return owed.count
        return sum(count for org, count in owed.counts.items() if self._families.is_here(org))

    def owes(self, webhook: int, key: int, before: int | None = None) -> bool:
        """Return whether a delivery of the key is owed; with `before`, one of a lower id."""
        owed = self._owed.keyed.get((webhook, key))
        return owed is not None and (before is None or owed[0] < before)

    def owe(
        self, org: OrgId, event: EventNumber, first: DeliveryId, entries: Sequence[port.NewDelivery]
    ) -> None:
        """Keep what is to be made of an event of the org, with ids from `first`."""
        owed = self._owed
        runs = owed.runs.setdefault(org, deque())
        for at in range(0, len(entries), RUN_ENTRIES):
            run = DeliveryId(first + at)
            self._put(run, event, entries[at : at + RUN_ENTRIES])
            runs.append(run)
        owed.add(org, len(entries))
        for id, new in from_first(entries, first):
            if new.key is not None and not new.parked:
                insort(owed.keyed.setdefault((new.webhook, new.key), []), id)

    def make(self, limit: int, now: int, last: int) -> tuple[list[port.FanOut], list[Job]]:
        """Make up to `limit` of what is owed, org by org, the oldest of each first.

        Returns also the jobs that this has freed. `last` is the greatest id that was ever given.
        """
        made: list[port.FanOut] = []
        freed: list[Job] = []
        blocks: set[int] = set()
        size = 0
        owed = self._owed
        while limit > 0 and size < SLICE_BYTES and (turn := self._next_run()) is not None:
            org, first = turn
            row: Row | None = self._connection.execute(_RUN, (first,)).fetchone()
            assert row is not None, f"the run at {first} is owed and its event is kept"
            run = _OWED_RUN.read(row)
            event, entries = run.event, _entries.decode(run.entries)
            taken, left = entries[:limit], entries[limit:]
            self._connection.execute("DELETE FROM fan_out WHERE first = ?", (first,))
            if left:
                rest = DeliveryId(first + len(taken))
                self._put(rest, event, left)
                owed.runs.setdefault(org, deque()).appendleft(rest)
            owed.add(org, -len(taken))
            sendable, ended = self._insert(event, first, taken, now)
            freed += [job for place in ended for job in self._free_next(*place, None)]
            made.append(
                port.FanOut(
                    org=org,
                    event_id=run.event_id,
                    accepted_ms=run.accepted_ms,
                    body=run.body,
                    deliveries=sendable,
                    passage=run.passage,
                )
            )
            blocks |= {first >> BLOCK_BITS, (first + len(taken) - 1) >> BLOCK_BITS}
            limit -= len(taken)
            size += len(run.body)
        touch_blocks(self._connection, blocks - {last >> BLOCK_BITS})
        return made, freed

    def _next_run(self) -> tuple[OrgId, DeliveryId] | None:
        """Take a run of the org whose turn it is, which then comes last. None: there is none of an
        org whose family is here."""
        runs = self._owed.runs
        org = next(filter(self._families.is_here, runs), None)
        if org is None:
            return None
        theirs = runs.pop(org)
        first = theirs.popleft()
        if theirs:
            runs[org] = theirs
        return org, first

    def _insert(
        self, event: EventNumber, first: DeliveryId, entries: Sequence[port.NewDelivery], now: int
    ) -> tuple[list[tuple[DeliveryId, int, int | None]], list[tuple[int, int]]]:
        """Insert these; return what may be sent of them, and the keys of those that were final when
        they were made."""
        by_key = self._owed.keyed
        rows: list[Row] = []
        sendable: list[tuple[DeliveryId, int, int | None]] = []
        ended: list[tuple[int, int]] = []
        for id, new in from_first(entries, first):
            state = int(State.PARKED) if new.parked else self._ended(new.webhook)
            if new.key is not None and not new.parked:
                owed = by_key[new.webhook, new.key]
                del owed[bisect_left(owed, id)]
                if not owed:
                    del by_key[new.webhook, new.key]
                if state is not None:
                    ended.append((new.webhook, new.key))
                elif self._connection.execute(_WAITS_BEFORE, (new.webhook, new.key, id)).fetchone():
                    state = int(State.HELD)
            if state is None:
                sendable.append((id, new.webhook, new.key))
                state = int(State.PENDING)
            done = now if State(state).final and not new.parked else None
            rows.append(
                bind_owed_delivery(
                    id=id,
                    event=event,
                    webhook=new.webhook,
                    version=new.version,
                    state=state,
                    done_ms=done,
                    key=new.key,
                )
            )
        self._connection.executemany(_INSERT, rows)
        return sendable, ended

    def _ended(self, webhook: int) -> int | None:
        row = self._connection.execute(_STATUS, (webhook,)).fetchone()
        return None if row is None else _ENDED.get(row[0])

    def _put(
        self, first: DeliveryId, event: EventNumber, entries: Sequence[port.NewDelivery]
    ) -> None:
        run = FanOutRow(first=first, event=event, count=len(entries), entries=entries)
        self._connection.execute(_FAN_OUT.insert(), _FAN_OUT.write(run))
