"""What a new owner does before anything is sent, and how unfinished work is ended in bulk."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from tidings.core.delivery.states import State
from tidings.core.ids import DeliveryId
from tidings.store import port
from tidings.store.sql.answers import answers
from tidings.store.sql.connection import StoreConnection
from tidings.store.sql.copy_marks import begin_to_serve
from tidings.store.sql.delivery.pending import PendingRows
from tidings.store.sql.events.changed_blocks import touch
from tidings.store.sql.facts.absences import read_at_rest
from tidings.store.sql.facts.counted_changes import CountedChange
from tidings.store.sql.facts.owned_keys import listed
from tidings.store.sql.row_mapping import insert_from
from tidings.store.sql.states import HELD, RETRYING, TIMED, WAITING, is_unfinished
from tidings.store.sql.writer_rows import LostAttempt

LOST = "lost"  # the `kind` of an attempt whose outcome died with its process
LOST_DETAIL = "possibly sent (worker lost)"


def _mark_lost(source: str) -> str:
    """Write the statement that inserts a lost attempt of the delivery that `source` finds."""
    return insert_from(
        "attempt",
        LostAttempt,
        source,
        "INSERT OR IGNORE",
        version="version",
        kind=f"'{LOST}'",
        detail=f"'{LOST_DETAIL}'",
    )


_MARK_LOST = _mark_lost("FROM delivery WHERE id = ?1")
_MARK_FIRST = _mark_lost("FROM delivery WHERE id = ?1 AND attempts < ?2")
_COUNT_FIRST = "UPDATE delivery SET attempts = ? WHERE id = ? AND attempts < ?"
_TAKEN = f"state IN ({TIMED}) AND due_ms IS NULL"
# The number of the attempt that it was taken for: what waits has not counted it.
_TAKEN_FOR = f"attempts + CASE WHEN state = {WAITING} THEN 1 ELSE 0 END"
# What was taken to be looked at and may have left was an attempt after all.
_WAS_TRIED = (
    f"UPDATE delivery SET state = {RETRYING}, attempts = ?2 WHERE id = ?1 AND state = {WAITING}"
)
# Who waits for another one is woken by its end, which the process may have missed.
_LOOK_AGAIN = (
    f"UPDATE delivery SET due_ms = ?1 WHERE state IN ({TIMED}) AND state = {WAITING}"
    " AND due_ms > ?1 AND webhook NOT IN (SELECT value FROM json_each(?2)) AND EXISTS"
    " (SELECT 1 FROM waiting w WHERE w.delivery = delivery.id AND w.needed IS NOT NULL)"
)
_END_LOST = (
    f"UPDATE attempt SET kind = '{LOST}', detail = '{LOST_DETAIL}' WHERE delivery = ? AND number ="
    " ?"
)
# Its delivery was ended meanwhile, by a park or a cancel: the row of its intent waits for an end.
_END_INTENT = f"{_END_LOST} AND kind IS NULL AND status IS NULL"
_NEXT_DUES = (
    "SELECT w.number, (SELECT min(d.due_ms) FROM delivery d WHERE d.webhook = w.number"
    f" AND d.state IN ({TIMED})) FROM webhook w ORDER BY w.number"
)
_NEXT_ATTEMPTS = (
    "SELECT id, attempts + 1 FROM delivery WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id"
)
_DUE_NOW = "UPDATE delivery SET due_ms = ? WHERE id = ?"
# It has not left: its intent goes, and the next attempt has the number.
_FORGET_INTENT = (
    "DELETE FROM attempt WHERE delivery = ? AND number = (SELECT d.attempts FROM delivery d"
    f" WHERE d.id = attempt.delivery AND d.state = {RETRYING})"
)
_UNCHARGED = (
    "UPDATE delivery SET due_ms = ?, attempts = attempts"
    f" - CASE WHEN state = {RETRYING} THEN 1 ELSE 0 END WHERE id = ?"
)
_HELD_OF = (
    f"SELECT id FROM delivery WHERE webhook = ? AND {is_unfinished()} AND state = {HELD}"
    " AND key IS NOT NULL LIMIT ?"
)
_TIMED_OF = f"SELECT id FROM delivery WHERE webhook = ? AND state IN ({TIMED}) LIMIT ?"
_END = "UPDATE delivery SET state = ?, done_ms = ?, due_ms = NULL WHERE id = ?"
# Webhooks of which nothing leaves: none of theirs was on its way, whatever they have waiting.
AT_REST = (
    "SELECT w.number FROM webhook w WHERE"
    " EXISTS (SELECT 1 FROM stop s WHERE s.org = w.org OR s.org = 0)"
    " OR EXISTS (SELECT 1 FROM webhook_health h WHERE h.webhook = w.number"
    " AND h.opens > 0 AND h.until_ms > 0)"
    " OR EXISTS (SELECT 1 FROM webhook_version v WHERE v.webhook = w.number"
    " AND v.standing <> 'active' AND v.version ="
    " (SELECT max(version) FROM webhook_version WHERE webhook = w.number))"
)
# Keys of which deliveries wait and none is under way.
_STUCK = (
    "SELECT webhook, key FROM delivery INDEXED BY delivery_key"
    f" WHERE {is_unfinished()} AND key IS NOT NULL GROUP BY webhook, key"
    f" HAVING min(state) = {HELD} AND max(state) = {HELD}"
)


class Recovery:
    """Shares the writer's connection.

    Invariant: an attempt is called `possibly sent` only if it may have been on the wire when its
    owner died. Which ones those are the owner has noted as they left (`port.InFlight`); what was
    taken, queued, held or paused and had not left keeps its number, however often that happens.
    Only where the notes are gone too, with the machine, is it taken for possible of every taken
    retry and of the lowest PENDING ids of each webhook: lanes start them in that order. Even then
    nothing had left of a webhook that was paused or disabled, stopped, or behind its breaker.
    """

    def __init__(
        self,
        connection: StoreConnection,
        clock_ms: Callable[[], int],
        begins: Callable[[int], None],
        free_next: Callable[[int, int, State | None], object],
    ) -> None:
        """`begins` is told when a new owner does, inside of its transaction."""
        self._connection = connection
        self._clock_ms = clock_ms
        self._begins = begins
        self._free_next = free_next
        self._pending = PendingRows(connection)
        self._recovered = CountedChange(connection, "recovered")

    def go_on_from(self, before: "Recovery") -> None:
        """Go on as the same owner, over another connection."""
        self._recovered.go_on_from(before._recovered)

    @answers(port.Store.recover)
    def recover(
        self, window: int, left: Sequence[tuple[DeliveryId, int]] | None = None
    ) -> Sequence[port.Backlog]:
        """See `port.Store.recover`. After a clean stop nothing was in flight.

        What waits for its key behind nothing is freed: no end of another would ever do it.
        """
        with self._connection:
            if self._recovered.count():
                self._recover(window, left)
        found = self.unfinished()
        self._recovered.answer()
        return found

    def _recover(self, window: int, left: Sequence[tuple[DeliveryId, int]] | None) -> None:
        run = self._connection.execute
        begin_to_serve(self._connection)  # a start that was refused before has sent nothing
        self._begins(self._clock_ms())
        [(clean,)] = run("SELECT value FROM meta WHERE key = 'clean_stop'")
        absent = read_at_rest(self._connection)
        quiet = frozenset[int]() if absent is None else absent.keys_of("webhook")
        taken: list[Any] = run(
            f"SELECT webhook, id, {_TAKEN_FOR} FROM delivery WHERE {_TAKEN}"
        ).fetchall()
        taken = [row for row in taken if row[0] not in quiet]
        at_rest = {number for (number,) in run(AT_REST)} | quiet if left is None else set[int]()
        if not clean:
            self._mark_first(self._lowest_pending(window, at_rest) if left is None else left)
        known = {(id, number) for webhook, id, number in taken if webhook not in at_rest}
        self._return_taken(
            [(id, number) for _, id, number in taken], known if left is None else set(left)
        )
        run(_LOOK_AGAIN, (self._clock_ms(), listed(quiet)))
        stuck: list[Any] = run(_STUCK).fetchall()
        for webhook, key in stuck:
            if webhook not in quiet:
                self._free_next(webhook, key, None)
        run("UPDATE meta SET value = 0 WHERE key = 'clean_stop'")

    @answers(port.Store.unfinished)
    def unfinished(self) -> list[port.Backlog]:
        backlogs = []
        pending = self._pending.counts()
        for webhook, due in self._connection.execute(_NEXT_DUES).fetchall():
            if webhook in pending or due is not None:
                backlogs.append(port.Backlog(webhook, pending[webhook], due))
        return backlogs

    def stopped_cleanly(self) -> None:
        """Remember that nothing was in flight at the stop."""
        with self._connection:
            self._connection.execute("UPDATE meta SET value = 1 WHERE key = 'clean_stop'")

    def _lowest_pending(self, window: int, at_rest: set[int]) -> list[tuple[DeliveryId, int]]:
        """The first that each lane would have started, with the number of their next attempt."""
        found: list[Any] = []
        run = self._connection.execute
        webhooks: list[Any] = run("SELECT number FROM webhook").fetchall()
        at_work = {number for (number,) in webhooks} - at_rest
        for webhook in self._pending.counts().keys() & at_work:
            lowest = msgspec.json.encode(self._pending.lowest(webhook, window)).decode()
            found += run(_NEXT_ATTEMPTS, (lowest,)).fetchall()
        return found

    def _mark_first(self, sent: Sequence[tuple[DeliveryId, int]]) -> None:
        """These were first attempts, where their delivery has not counted them: whatever has become
        of it since they left."""
        now, most = self._clock_ms(), dict[DeliveryId, int]()
        lost: list[tuple[DeliveryId, int]] = []
        for delivery, number in sent:
            if number > most.get(delivery, 0):
                most[delivery] = number
                lost.append((delivery, number))
        self._run_each(_MARK_FIRST, _lost_attempts(lost, now))
        self._run_each(_COUNT_FIRST, [(number, delivery, number) for delivery, number in lost])
        touch(self._connection, most)

    def _return_taken(
        self, taken: Sequence[tuple[DeliveryId, int]], sent: set[tuple[DeliveryId, int]]
    ) -> None:
        """Taken retries are due now: one that may have left with an ending, another uncharged. One
        that has left and was ended has an ending, too.

        All of a kind at once: there may be thousands of each, whoever takes over has to be done
        with all of them within a lease, and one by one they cost a round trip each.
        """
        now, ended = self._clock_ms(), sent.difference(taken)
        self._run_each(_END_INTENT, [*ended])
        left = [pair for pair in taken if pair in sent]
        self._run_each(_WAS_TRIED, left)
        self._run_each(_MARK_LOST, _lost_attempts(left, now))
        self._run_each(_END_LOST, left)
        self._run_each(_DUE_NOW, [(now, delivery) for delivery, _ in left])
        touch(self._connection, [delivery for delivery, _ in (*ended, *left)])
        self._uncharge([delivery for delivery, number in taken if (delivery, number) not in sent])

    def _uncharge(self, deliveries: Sequence[DeliveryId]) -> None:
        now = self._clock_ms()
        self._run_each(_FORGET_INTENT, [(delivery,) for delivery in deliveries])
        self._run_each(_UNCHARGED, [(now, delivery) for delivery in deliveries])

    def _run_each(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        self._connection.executemany(statement, rows)

    @answers(port.Store.release)
    def release(self, webhook: int, held: Sequence[DeliveryId]) -> None:
        """See `port.Store.release`. What its owner does not hold has not left."""
        kept = set(held)
        with self._connection:
            taken: list[Any] = self._connection.execute(
                f"SELECT id FROM delivery WHERE webhook = ? AND {_TAKEN}", (webhook,)
            ).fetchall()
            self._uncharge([delivery for (delivery,) in taken if delivery not in kept])

    @answers(port.Store.retire)
    def retire(self, webhook: int, state: int, limit: int) -> int:
        if state not in (State.PARKED, State.CANCELLED):
            raise ValueError(f"unfinished deliveries are parked or cancelled, not {state}")
        moved = 0
        with self._connection:
            # The held ones first: none may be left without the one that it waits for.
            for find in (self._held, self._pending.lowest, self._timed):
                found = find(webhook, limit - moved)
                now_ms = self._clock_ms()
                self._connection.executemany(_END, [(state, now_ms, id) for id in found])
                touch(self._connection, found)
                moved += len(found)
                if moved >= limit:
                    break
        return moved

    def _held(self, webhook: int, limit: int) -> list[DeliveryId]:
        rows = self._connection.execute(_HELD_OF, (webhook, limit))
        return [DeliveryId(id) for (id,) in rows]

    def _timed(self, webhook: int, limit: int) -> list[DeliveryId]:
        rows = self._connection.execute(_TIMED_OF, (webhook, limit))
        return [DeliveryId(id) for (id,) in rows]


def _lost_attempts(pairs: Sequence[tuple[DeliveryId, int]], now_ms: int) -> list[LostAttempt]:
    return [
        LostAttempt(delivery=delivery, number=number, started_ms=now_ms)
        for delivery, number in pairs
    ]
