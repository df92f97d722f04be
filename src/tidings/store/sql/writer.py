"""Writes a batch: settlements, cancels, owed deliveries, new events with their deliveries, replays,
refused events, claims, in this order. Decides which events are duplicates, and which deliveries are
HELD behind an earlier one of their key.

One connection, one transaction a call. Hosted by `hosting/process.py`.

What a commit costs per event and webhook: one row each in `event_id`, `event`, `body` and
`delivery` with two index entries, and one update of the delivery with one index entry removed.
Rows go in by `executemany`, ids in sorted order within a batch. What is written is whole pages: so
rows that go in together stand together, but those of `event_id` (`delivery/pending.py`).
"""

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any, cast

import msgspec

from tidings.core.delivery.job import Job
from tidings.core.delivery.states import FINAL, State
from tidings.core.ids import DeliveryId, EventNumber
from tidings.store import port
from tidings.store.sql.answers import answers
from tidings.store.sql.audit.rows import AuditRows
from tidings.store.sql.configuration.families import FamilyRows
from tidings.store.sql.connection import StoreConnection
from tidings.store.sql.delivery.due import DueDeliveries
from tidings.store.sql.delivery.fan_outs import FanOuts
from tidings.store.sql.delivery.jobs import PENDING_JOBS, one_job, read_job
from tidings.store.sql.delivery.pending import PendingRows
from tidings.store.sql.delivery.waiting import WaitingRows
from tidings.store.sql.events.changed_blocks import (
    BLOCK_BITS,
    touch,
    touch_blocks,
    touch_replayed,
)
from tidings.store.sql.events.rejections import REJECTION
from tidings.store.sql.facts.numbers import DELIVERY, EVENT, StoreNumbers
from tidings.store.sql.queries import AttemptRow, bind_attempt, id_hash
from tidings.store.sql.replay.slices import ReplaySlices
from tidings.store.sql.row_mapping import StoredTable, insert_from, insert_into, update_of
from tidings.store.sql.states import (
    DELIVERED,
    HELD,
    PENDING,
    RETRYING,
    WAITING,
    is_unfinished,
)
from tidings.store.sql.writer_rows import (
    INSERT_DELIVERY,
    BodyInsert,
    DisablingRow,
    EventIdInsert,
    EventInsert,
    LeftOutRow,
    SentInsert,
    SettleUpdate,
    bind_delivery,
    bind_event,
    bind_left_out,
    bind_sent,
    bind_settlement,
)

Row = tuple[Any, ...]

_PARKED = int(State.PARKED)

_INSERT_ID = insert_into("event_id", EventIdInsert)
_INSERT_EVENT = insert_into("event", EventInsert)
_INSERT_BODY = insert_into("body", BodyInsert)
# Only an unfinished delivery is settled: a cancelled one stays cancelled, a second settle of the
# same attempt changes nothing. In a list of three, SQLite would look the state up in a table.
_UNDER_WAY_STATES = f"(state = {PENDING} OR state = {RETRYING} OR state = {WAITING})"
_SETTLE = f"{update_of('delivery', SettleUpdate)} AND {_UNDER_WAY_STATES}"
_KEY = itemgetter(0, 1)  # of an attempt: its delivery and its number
_ATTEMPT = insert_into("attempt", AttemptRow, "INSERT OR REPLACE")
# An attempt that ended after its delivery was cancelled or parked counts all the same.
_COUNT = "UPDATE delivery SET attempts = ? WHERE id = ? AND attempts < ?"
_REJECTION = REJECTION.insert()
_OF_KEY = f"FROM delivery WHERE webhook = ? AND key = ? AND {is_unfinished()}"
_WAITS = f"SELECT 1 {_OF_KEY} LIMIT 1"
_NEXT_OF_KEY = f"SELECT id {_OF_KEY} ORDER BY id LIMIT 1"
# Where none is under way this reads all that wait: asked only where it cannot be known.
_UNDER_WAY = f"SELECT 1 {_OF_KEY} AND state <> {HELD} LIMIT 1"
_FREE = f"UPDATE delivery SET state = {PENDING} WHERE id = ? AND state = {HELD}"
# The first bytes stay: they are what retries send. Only those without personal data replace others;
# and where they are kept to be shown, those of a later attempt that was made anew.
# Retention may have come first, where the attempt ended after its delivery: what is made of a
# payload goes with it.
_HAS_BODY = "WHERE EXISTS (SELECT 1 FROM delivery d JOIN body b ON b.seq = d.event WHERE d.id = ?1)"
_KEEP_SENT = (
    f"{insert_from('sent', SentInsert, _HAS_BODY)}"
    " ON CONFLICT (delivery) DO UPDATE SET bytes = excluded.bytes,"
    " without_personal_data = excluded.without_personal_data"
    " WHERE ?4 <> 0 OR (excluded.without_personal_data <> 0 AND sent.without_personal_data = 0)"
)
_KNOWN = "SELECT 1 FROM delivery WHERE id = ?"
_LEFT_OUT = StoredTable("left_out", LeftOutRow, columns={"content": "said"})
_KEEP_LEFT_OUT = _LEFT_OUT.insert("INSERT OR IGNORE")
# One that was cancelled or parked before its attempt was taken may be tried again: the same bytes.
_FORGET_SENT = (
    "DELETE FROM sent WHERE delivery = ?1 AND EXISTS"
    f" (SELECT 1 FROM delivery WHERE id = ?1 AND state = {DELIVERED})"
)
_DISABLE = (
    f"{insert_into('disabling', DisablingRow)} ON CONFLICT (webhook) DO UPDATE SET"
    " version = excluded.version, reason = excluded.reason WHERE disabling.reason = ''"
)
_TOUCH = "UPDATE meta SET value = value WHERE key = 'clean_stop'"


class Writer:
    """The writing half of the embedded store."""

    def __init__(
        self,
        connection: StoreConnection,
        clock_ms: Callable[[], int],
        audit: AuditRows,
        numbers: StoreNumbers,
        families: FamilyRows,
    ) -> None:
        self._connection = connection
        self._audit = audit
        self._families = families
        self._clock_ms = clock_ms
        self._numbers = numbers
        self._version = self._one("SELECT value FROM meta WHERE key = 'registry_version'")
        self._fan_outs = FanOuts(connection, self.free_next, families)
        self._pending = PendingRows(connection)
        self._waiting = WaitingRows(connection)
        self._due = DueDeliveries(connection)
        self._slices = ReplaySlices(
            connection, take=numbers.take, waits=self.waits, free_next=self.free_next
        )

    @property
    def seq(self) -> EventNumber:
        """The sequence number of the newest event."""
        return EventNumber(self._numbers.highest[EVENT])

    @property
    def newest_delivery(self) -> int:
        """The greatest id of a delivery that was given."""
        return self._numbers.highest[DELIVERY]

    def version_raised(self, version: int) -> None:
        """Follow a change of the registry: refuse what was matched before."""
        self._version = version

    def commit(self, batch: port.Batch) -> port.Receipt:
        matched = batch.events or batch.replays
        if matched and batch.registry_version != self._version:
            return port.Receipt(moved=True)
        if away := self._families.away(batch.families):
            return port.Receipt(away=away)
        connection, before = self._connection, self._numbers.begin()
        connection.begin()
        try:
            receipt = self._apply(batch, self._clock_ms())
            connection.commit()
        except BaseException:
            connection.roll_back()
            self._numbers.go_back(before)
            self._fan_outs.forget()
            raise
        return receipt

    def _apply(self, batch: port.Batch, now: int) -> port.Receipt:
        freed = self._settle(batch.settled, now) if batch.settled else []
        disabled = [
            DisablingRow(webhook=ended.webhook, version=ended.version, reason=ended.disable)
            for ended in batch.settled
            if ended.disable
        ]
        self._connection.executemany(_DISABLE, disabled)
        cancelled: list[port.CancelReceipt] = []
        for wanted in batch.cancels:  # before the claims: what is cancelled is not claimed
            done, freed_by_it = self._slices.cancel(wanted, now)
            cancelled.append(done)
            if wanted.audit is not None:
                self._audit.append_of(wanted.audit, done)
            freed += freed_by_it
        # Before the events: what was accepted earlier is told to the lanes first.
        fanned_out, freed_by_it = self._fan_outs.make(batch.fan_out, now, self.newest_delivery)
        freed += freed_by_it
        held: list[int] = []
        seqs, firsts, differing, made_in_part = self._append(batch, now, held)
        replayed: list[port.ReplayReceipt] = []
        for slice in batch.replays:  # after the events: a lane is told in id order
            replayed.append(self._slices.make(slice, now))
        if batch.rejections:
            self._note(batch.rejections, now)
        for write in batch.audits:
            self._audit.append(write)
        claimed, due = self._due.claim(batch, now)
        asked = (batch.events, batch.settled, batch.claims, batch.rejections, batch.replays)
        if not (any(asked) or batch.cancels or batch.audits or fanned_out):
            self._connection.execute(_TOUCH)  # an empty batch asks whether writing works: write
        return port.Receipt(
            now_ms=now,
            seqs=seqs,
            firsts=firsts,
            held=cast(list[DeliveryId], held),
            differing=differing,
            freed=freed,
            claimed=claimed,
            due=due,
            replayed=replayed,
            cancelled=cancelled,
            made=made_in_part,
            fanned_out=fanned_out,
            owed=self._fan_outs.owed,
        )

    # -- events -----------------------------------------------------------------------------------

    def _append(
        self, batch: port.Batch, now: int, held: list[int]
    ) -> tuple[list[EventNumber], list[DeliveryId], list[int], list[tuple[int, int]]]:
        """The receipt's `seqs`, `firsts`, `differing` and `made`; `held` is added to."""
        events = batch.events
        if not events:
            return [], [], [], []
        seqs, differing = self._append_ids(events)
        rows: list[Row] = []
        bodies: list[Row] = []
        deliveries: list[Row] = []
        in_part: list[tuple[int, int]] = []
        counts = [
            len(event.deliveries) if seq else 0 for event, seq in zip(events, seqs, strict=True)
        ]
        firsts = self._numbers.take_each(DELIVERY, counts)
        left, per_event_max = batch.deliveries_max, batch.per_event_max
        numbered = zip(events, seqs, firsts, counts, strict=True)
        for index, (event, seq, first, count) in enumerate(numbered):
            if not seq:
                continue
            matched = event.deliveries
            rows.append(
                bind_event(
                    seq=seq,
                    org=event.org,
                    name=event.name,
                    id=event.id,
                    at_ms=now,
                    warning=event.warning,
                    first_delivery=first,
                    deliveries=count,
                    terms=event.terms,
                    passage=event.passage,
                )
            )
            bodies.append((seq, event.body))
            if count > left or count > per_event_max:
                at_once = min(left, per_event_max)
                self._fan_outs.owe(event.org, seq, DeliveryId(first + at_once), matched[at_once:])
                in_part.append((index, at_once))
                matched = matched[:at_once]
            left -= len(matched)
            for number, new in enumerate(matched, first):
                state = _PARKED if new.parked else PENDING
                if new.key is not None and not new.parked:
                    # The rows before it in this batch must be seen: ordered webhooks pay for it.
                    self._connection.executemany(INSERT_DELIVERY, deliveries)
                    deliveries = []
                    if self.waits(new.webhook, new.key):
                        state = HELD
                        held.append(number)
                deliveries.append(
                    bind_delivery(number, seq, new.webhook, new.version, state, new.key)
                )
        self._connection.executemany(_INSERT_EVENT, rows)
        self._connection.executemany(_INSERT_BODY, bodies)
        self._connection.executemany(INSERT_DELIVERY, deliveries)
        return seqs, cast(list[DeliveryId], firsts), differing, in_part

    def waits(self, webhook: int, key: int) -> bool:
        """Return whether one of the key goes first: unfinished, or owed."""
        if self._one(_WAITS, (webhook, key), None) is not None:
            return True
        return self._fan_outs.owes(webhook, key)

    def _append_ids(self, events: Sequence[port.NewEvent]) -> tuple[list[EventNumber], list[int]]:
        """Number the events that are new, and keep their ids."""
        before, count = self._numbers.here, len(events)
        try:
            first = self._numbers.take(EVENT, count)
        except port.NoNumbers:  # those that are there already need none
            return self._append_ids_one_by_one(events)
        # All at once: a call for each would cost more.
        seqs = cast(list[EventNumber], list(range(first, first + count)))
        ids = sorted(
            (id_hash(event.org, event.id), seq, event.digest)
            for event, seq in zip(events, seqs, strict=True)
        )
        if self._connection.insert_new(_INSERT_ID, ids):
            return seqs, []
        self._numbers.go_back(before)
        return self._append_ids_one_by_one(events)

    def _append_ids_one_by_one(
        self, events: Sequence[port.NewEvent]
    ) -> tuple[list[EventNumber], list[int]]:
        seqs: list[EventNumber] = []
        differing: list[int] = []
        for index, event in enumerate(events):
            hashed = id_hash(event.org, event.id)
            known = self._connection.execute(
                "SELECT digest FROM event_id WHERE hash = ?", (hashed,)
            ).fetchone()
            if known is None:
                seq = EventNumber(self._numbers.take(EVENT))
                self._connection.execute(_INSERT_ID, (hashed, seq, event.digest))
                seqs.append(seq)
            else:
                seqs.append(EventNumber(0))
                if known[0] != event.digest:
                    differing.append(index)
        return seqs, differing

    def _note(self, rejections: Sequence[port.NewRejection], now: int) -> None:
        """Note refused events. Without numbers they are left out: nobody waits for them, and what
        else is in the batch goes on."""
        try:
            first = self._numbers.take("rejection", len(rejections))
        except port.NoNumbers:
            return
        self._connection.executemany(
            _REJECTION,
            [
                REJECTION.write(
                    port.Rejection(id=number, at_ms=now, **msgspec.structs.asdict(rejection))
                )
                for number, rejection in enumerate(rejections, first)
            ],
        )

    # -- deliveries -------------------------------------------------------------------------------

    def _settle(self, settled: Sequence[port.Settlement], now: int) -> list[Job]:
        rows = []
        attempts = []
        ordered = []
        sent = []
        left_out = []
        for settlement in settled:
            state, attempt, delivery = settlement.state, settlement.attempt, settlement.delivery
            final = state in FINAL
            due = None if settlement.delay_ms is None else now + settlement.delay_ms
            if settlement.sent is not None:
                kept = bind_sent(
                    delivery=delivery, bytes=settlement.sent, without_personal_data=settlement.cut
                )
                sent.append((*kept, settlement.keeps_sent))
            if settlement.left_out is not None:
                left_out.append(
                    bind_left_out(
                        delivery=delivery, content=msgspec.json.encode(settlement.left_out)
                    )
                )
            if state == WAITING:
                continue
            rows.append(
                bind_settlement(
                    state=state,
                    attempts=attempt,
                    due_ms=due,
                    done_ms=now if final else None,
                    duration_ms=settlement.duration_ms,
                    status=settlement.status,
                    version=settlement.version,
                    id=delivery,
                )
            )
            if settlement.evidence is not None or attempt > 1:
                attempts.append(_attempt_row(settlement))
            if final and settlement.key is not None:
                ordered.append((settlement.webhook, settlement.key))
        changes = self._connection.total_changes()
        self._connection.executemany(_SETTLE, rows)
        late = self._connection.total_changes() - changes < len(rows)
        if len(rows) < len(settled):
            self._waiting.put_off(settled, now)
        if late:  # some were ended meanwhile
            attempts += [
                _attempt_row(settlement) for settlement in settled if self._unseen(settlement)
            ]
            attempts = [row for row in attempts if self._known(row[0])]
            left_out = [row for row in left_out if self._known(row[0])]
        full = {settlement.delivery >> BLOCK_BITS for settlement in settled} - {
            self.newest_delivery >> BLOCK_BITS
        }
        if full:
            touch_blocks(self._connection, full)
        touch_replayed(
            self._connection,
            [settlement.delivery for settlement in settled if settlement.state == DELIVERED],
        )
        self._keep(sent, left_out)
        over = [(settlement.delivery,) for settlement in settled if _may_have_kept(settlement)]
        if over:
            self._connection.executemany(_FORGET_SENT, over)
        if attempts:
            self._connection.executemany(_ATTEMPT, attempts)
            self._connection.executemany(
                _COUNT, [(number, delivery, number) for delivery, number in map(_KEY, attempts)]
            )
        was = None if late else State.PENDING
        return [freed for place in ordered for freed in self.free_next(*place, was)]

    def _keep(self, sent: Sequence[Row], left_out: Sequence[Row]) -> None:
        """Keep what was shaped for deliveries that are not over, and what it lacks."""
        if sent:
            self._connection.executemany(_KEEP_SENT, sent)
        if left_out:
            self._connection.executemany(_KEEP_LEFT_OUT, left_out)

    def _known(self, delivery: DeliveryId) -> bool:
        """Return whether retention has not dropped a delivery meanwhile."""
        return self._one(_KNOWN, (delivery,), None) is not None

    def _unseen(self, one: port.Settlement) -> bool:
        """Return whether a plain first success, which the delivery's row would show, has come too
        late for that: whoever has ended the delivery meanwhile, the attempt is not counted."""
        if one.evidence is not None or one.waits is not None or one.attempt > 1:
            return False
        counted = self._one("SELECT attempts FROM delivery WHERE id = ?", (one.delivery,), None)
        return counted is not None and counted < one.attempt

    def free_next(self, webhook: int, key: int, was: State | None) -> list[Job]:
        """Make the first delivery PENDING that waits for its key, when one of the key has ended.

        In a transaction. `was` is the state that has ended, None where it is not known: the end of
        one that waited itself frees none. The first that waits is not always behind the one that is
        under way: somebody may have asked for another try of an older one.
        """
        if was is State.HELD:
            return []
        if was is None and self._one(_UNDER_WAY, (webhook, key), None) is not None:
            return []
        first = self._one(_NEXT_OF_KEY, (webhook, key), None)
        if first is None or self._fan_outs.owes(webhook, key, before=first):
            return []
        self._connection.execute(_FREE, (first,))
        if not self._connection.changes():
            return []
        touch(self._connection, [first])
        return [one_job(self._connection, first, retry=False)]

    @answers(port.Store.page)
    def page(self, webhook: int, after: int, limit: int) -> list[Job]:
        """See `port.Store.page`; on this connection, so that it is in order with the commits."""
        return [
            read_job(*row, retry=False)
            for row in self._pending.read(PENDING_JOBS, webhook, after, limit)
        ]

    def _one(self, query: str, binding: Row = (), default: int | None = 0) -> Any:
        row = self._connection.execute(query, binding).fetchone()
        return default if row is None else row[0]


def _may_have_kept(settlement: port.Settlement) -> bool:
    """Return whether an attempt was taken, and what was sent may be kept: not of a first one."""
    if settlement.state != DELIVERED or settlement.keeps_sent:
        return False
    is_plain = settlement.attempt == 1 and settlement.evidence is None
    return not is_plain or settlement.sent is not None


def _attempt_row(settlement: port.Settlement) -> Row:
    evidence = settlement.evidence
    if evidence is None:
        return bind_attempt(
            delivery=settlement.delivery,
            number=settlement.attempt,
            started_ms=settlement.started_ms,
            version=settlement.version,
            duration_ms=settlement.duration_ms,
            status=settlement.status,
        )
    spent = evidence.timings
    return bind_attempt(
        delivery=settlement.delivery,
        number=settlement.attempt,
        started_ms=settlement.started_ms,
        version=settlement.version,
        duration_ms=settlement.duration_ms,
        status=settlement.status,
        kind=evidence.kind,
        detail=evidence.detail,
        headers=msgspec.json.encode(evidence.headers),
        body=evidence.body,
        truncated=int(evidence.truncated),
        timings=None if spent is None else msgspec.json.encode(spent),
    )
