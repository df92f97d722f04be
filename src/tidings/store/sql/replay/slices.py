"""One slice of a job, inside the transaction of a commit: deliveries made or cancelled.

A slice is applied only where its job runs and its cursor is where the slice begins. So a batch that
is committed a second time, because nobody knew of the first, makes nothing twice.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any, cast

import msgspec

from tidings.core.delivery.job import Job
from tidings.core.delivery.states import State
from tidings.core.ids import DeliveryId
from tidings.core.replay import JobState, ReplayDecision
from tidings.store import port
from tidings.store.sql.connection import StoreConnection
from tidings.store.sql.events.changed_blocks import touch
from tidings.store.sql.facts.numbers import DELIVERY
from tidings.store.sql.replay.source import ReplaySource
from tidings.store.sql.row_mapping import insert_into
from tidings.store.sql.states import is_unfinished
from tidings.store.sql.writer_rows import (
    INSERT_DELIVERY,
    CancelledBy,
    ReplayDeliveryInsert,
    bind_delivery,
)

_SPEC = f"SELECT spec FROM replay WHERE number = ? AND state = '{JobState.RUNNING}' AND cursor = ?"
_ADVANCE = (
    "UPDATE replay SET cursor = ?, made = made + ?, under_way = under_way + ?, had = had + ?,"
    " no_body = no_body + ? WHERE number = ?"
)
_INSERT_OF = insert_into("delivery_replay", ReplayDeliveryInsert)
_UNFINISHED = f"SELECT webhook, key, state FROM delivery WHERE id = ? AND {is_unfinished()}"
_CANCEL = (
    f"UPDATE delivery SET state = {int(State.CANCELLED)}, done_ms = ?2, due_ms = NULL WHERE id = ?1"
)
# Nobody knows when its receiver got it: dated by its accept, it is neither late nor slow.
_TAKE_AS_DELIVERED = (
    f"UPDATE delivery SET state = {int(State.DELIVERED)}, due_ms = NULL, done_ms = coalesce("
    "(SELECT at_ms FROM delivery_replay WHERE delivery = ?1),"
    " (SELECT at_ms FROM event WHERE seq = delivery.event), ?2) WHERE id = ?1"
)
_FORGET_SENT = "DELETE FROM sent WHERE delivery = ?"
_NAMED = insert_into("delivery_cancel", CancelledBy, "INSERT OR REPLACE")
Row = tuple[Any, ...]
_spec = msgspec.json.Decoder(port.ReplaySpec)


class ReplaySlices:
    """Shares the writer's connection; every method runs inside its transaction."""

    def __init__(
        self,
        connection: StoreConnection,
        *,
        take: Callable[[str], int],
        waits: Callable[[int, int], bool],
        free_next: Callable[[int, int, State | None], list[Job]],
    ) -> None:
        """`take` gives a number of a kind."""
        self._connection = connection
        self._take = take
        self._source = ReplaySource(connection)
        self._waits = waits
        self._free_next = free_next

    def make(self, slice: port.ReplaySlice, now: int) -> port.ReplayReceipt:
        """Make a slice's deliveries; what it did."""
        row = self._connection.execute(_SPEC, (slice.replay, slice.after)).fetchone()
        if row is None:
            return port.ReplayReceipt(slice.replay, False)
        spec = _spec.decode(row[0])
        assert spec.target is not None
        decisions: Counter[ReplayDecision] = Counter()
        deliveries: list[Row] = []
        of_replay: list[Row] = []
        pending: list[Job] = []
        made = 0
        for seq, key in zip(slice.events, slice.keys, strict=True):
            event = self._source.fitting(spec, seq, (0,))
            body = None if event is None else self._source.body(seq)
            decision = ReplayDecision.OTHER
            if event is not None:
                decision = self._source.decision(spec, event, body is not None)
            decisions[decision] += 1
            if (
                event is None
                or body is None
                or decision not in (ReplayDecision.MAKE, ReplayDecision.MAKE_AGAIN)
            ):
                continue
            number = self._take(DELIVERY)
            made += 1
            again = decision is ReplayDecision.MAKE_AGAIN
            if key is not None:  # the rows before it in this slice must be seen
                self._connection.executemany(INSERT_DELIVERY, deliveries)
                deliveries = []
            waits = key is not None and self._waits(spec.target, key)
            state = int(State.HELD if waits else State.PENDING)
            deliveries.append(bind_delivery(number, seq, spec.target, slice.version, state, key))
            of_replay.append(
                ReplayDeliveryInsert(
                    delivery=number,
                    replay=slice.replay,
                    event=seq,
                    webhook=spec.target,
                    again=again,
                    at_ms=now,
                )
            )
            if not waits:
                pending.append(
                    Job(
                        delivery=DeliveryId(number),
                        webhook=spec.target,
                        org=event.org,
                        event_id=event.id,
                        accepted_ms=now,
                        attempt=1,
                        key=key,
                        retry=False,
                        body=body,
                        replay=slice.replay,
                        again=again,
                        passage=self._source.passage(seq),
                    )
                )
        self._connection.executemany(INSERT_DELIVERY, deliveries)
        self._connection.executemany(_INSERT_OF, of_replay)
        skipped = (
            decisions[ReplayDecision.UNDER_WAY],
            decisions[ReplayDecision.DELIVERED],
            decisions[ReplayDecision.NO_BODY],
        )
        self._connection.execute(_ADVANCE, (slice.to, made, *skipped, slice.replay))
        return port.ReplayReceipt(slice.replay, True, made, jobs=pending)

    def cancel(self, slice: port.CancelSlice, now: int) -> tuple[port.CancelReceipt, list[Job]]:
        """End what is unfinished of these deliveries; what it did, and what that has freed."""
        run = self._connection.execute
        if slice.replay is not None and slice.to:
            if run(_SPEC, (slice.replay, slice.after)).fetchone() is None:
                return port.CancelReceipt(False), []
        cancelled: list[tuple[int, DeliveryId]] = []
        freed: list[Job] = []
        for delivery in slice.deliveries:
            if slice.delivered:
                run(_FORGET_SENT, (delivery,))
            unfinished = run(_UNFINISHED, (delivery,)).fetchone()
            if unfinished is None:  # it has ended meanwhile
                continue
            webhook, key, was = cast(tuple[int, int | None, int], unfinished)
            run(_TAKE_AS_DELIVERED if slice.delivered else _CANCEL, (delivery, now))
            cancelled.append((webhook, delivery))
            run(_NAMED, CancelledBy(delivery=delivery, by=slice.by, replay=slice.replay))
            if key is not None:
                freed += self._free_next(webhook, key, State(was))
        if slice.replay is not None and slice.to:
            run(_ADVANCE, (slice.to, len(cancelled), 0, 0, 0, slice.replay))
        touch(self._connection, [delivery for _, delivery in cancelled])
        ended = {delivery for _, delivery in cancelled}  # one that was freed may end here too
        return port.CancelReceipt(True, cancelled), [
            delivery for delivery in freed if delivery.delivery not in ended
        ]
