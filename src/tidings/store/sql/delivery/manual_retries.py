"""A retry that somebody asks for: a delivery is due now, whatever it was, or only if it waits; and
all of a webhook, where its receiver is back."""

from collections.abc import Callable
from typing import Any

from tidings.core.delivery.states import Move, State, move
from tidings.core.ids import DeliveryId
from tidings.store import port
from tidings.store.sql.answers import answers
from tidings.store.sql.connection import StoreConnection
from tidings.store.sql.delivery import replay_tallies
from tidings.store.sql.events.changed_blocks import touch
from tidings.store.sql.states import RETRYING, TIMED, is_in_trouble

_ROW = (
    "SELECT d.state, d.due_ms, d.webhook, d.key, EXISTS (SELECT 1 FROM body b"
    " WHERE b.seq = d.event) FROM delivery d WHERE d.id = ?"
)
_TIMED = (State.RETRYING, State.WAITING)
_OLDEST = (
    "SELECT id, due_ms FROM delivery WHERE webhook = ?"
    f" AND {is_in_trouble()} AND state = {RETRYING} AND due_ms IS NOT NULL ORDER BY id LIMIT 1"
)
_DUE_NOW = "UPDATE delivery SET due_ms = ? WHERE id = ?"
# Each page is read by the index of what is due: also what waits for another reason counts for it.
_WAITS_ON = (
    "SELECT d.id, d.due_ms, d.state, EXISTS (SELECT 1 FROM attempt a WHERE a.delivery = d.id"
    f" AND a.started_ms >= ?2) FROM delivery d WHERE d.webhook = ?1 AND d.state IN ({TIMED})"
    " AND d.due_ms > ?2 AND (d.due_ms, d.id) > (?3, ?4) ORDER BY d.due_ms, d.id LIMIT ?5"
)


class ManualRetryRows:
    """Shares the writer's connection."""

    def __init__(
        self,
        connection: StoreConnection,
        clock_ms: Callable[[], int],
        waits: Callable[[int, int], bool],
    ) -> None:
        self._waits = waits
        self._connection = connection
        self._run: Callable[..., Any] = connection.execute
        self._clock_ms = clock_ms

    @answers(port.Store.retry_now)
    def retry_now(self, delivery: DeliveryId) -> port.ManualRetry:
        with self._connection:
            row = self._run(_ROW, (delivery,)).fetchone()
            asked = port.ManualRetry("unknown") if row is None else self._retry(delivery, *row)
        return asked

    @answers(port.Store.wake)
    def wake(self, delivery: DeliveryId) -> port.ManualRetry:
        with self._connection:
            row = self._run(_ROW, (delivery,)).fetchone()
            if row is None:
                asked = port.ManualRetry("unknown")
            elif State(row[0]).final:
                asked = port.ManualRetry("over")
            else:
                asked = self._retry(delivery, *row)
        return asked

    @answers(port.Store.wake_oldest)
    def wake_oldest(self, webhook: int) -> port.OldestRetry | None:
        with self._connection:
            row = self._run(_OLDEST, (webhook,)).fetchone()
            if row is None:
                return None
            delivery, due_ms = row
            now = self._clock_ms()
            if due_ms <= now:
                return port.OldestRetry(delivery, due_ms)
            self._run(_DUE_NOW, (now, delivery))
        return port.OldestRetry(delivery, now, due_ms)

    @answers(port.Store.wake_retries)
    def wake_retries(
        self, webhook: int, since_ms: int, place: tuple[int, int], limit: int
    ) -> port.WokenRetries:
        with self._connection:
            asked = (webhook, since_ms, *place, limit)
            rows: list[Any] = self._run(_WAITS_ON, asked).fetchall()
            woken = [
                (since_ms, delivery)
                for delivery, _, state, is_tried in rows
                if state == State.RETRYING and not is_tried
            ]
            self._connection.executemany(_DUE_NOW, woken)
        ended = len(rows) < limit
        return port.WokenRetries(len(woken), None if ended else (rows[-1][1], rows[-1][0]))

    def _retry(
        self,
        delivery: DeliveryId,
        number: int,
        due_ms: int | None,
        webhook: int,
        key: int | None,
        has_body: bool,
    ) -> port.ManualRetry:
        refused = _refusal(State(number), due_ms, has_body)
        return refused or self._revive(delivery, State(number), due_ms, webhook, key)

    def _revive(
        self, delivery: DeliveryId, state: State, due_ms: int | None, webhook: int, key: int | None
    ) -> port.ManualRetry:
        now = self._clock_ms()
        if state in _TIMED:
            self._run("UPDATE delivery SET due_ms = ? WHERE id = ?", (now, delivery))
            return port.ManualRetry("due", now, due_ms)
        behind = key is not None and self._waits(webhook, key)
        after = move(state, Move.ASKED_BEHIND if behind else Move.ASKED)
        self._run(
            "UPDATE delivery SET state = ?, due_ms = ?, done_ms = NULL WHERE id = ?",
            (after, None if behind else now, delivery),
        )
        self._run("DELETE FROM delivery_cancel WHERE delivery = ?", (delivery,))
        replay_tallies.take_back(self._connection, delivery)
        touch(self._connection, [delivery])
        return port.ManualRetry("next") if behind else port.ManualRetry("due", now)


def _refusal(state: State, due_ms: int | None, has_body: bool) -> port.ManualRetry | None:
    if state in (State.PENDING, State.HELD):
        return port.ManualRetry("waiting")
    if state is State.DELIVERED:
        return port.ManualRetry("delivered")
    if state in _TIMED and due_ms is None:
        return port.ManualRetry("under_way")
    return None if has_body else port.ManualRetry("no_payload")
