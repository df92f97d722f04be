"""What a new owner does before anything is sent, and how unfinished work is ended in bulk."""

from collections.abc import Callable, Sequence
from typing import Any

import apsw

from tidings.core.delivery import State
from tidings.store import port
from tidings.store.sqlite.touched import touch

LOST = "lost"  # the `kind` of an attempt whose outcome died with its process
LOST_DETAIL = "possibly sent (worker lost)"
NOT_SENT = "not sent (the webhook was disabled, or the store has failed)"

_MARK_LOST = (
    "INSERT OR IGNORE INTO attempt (delivery, number, started_ms, version, kind, detail)"
    f" VALUES (?, ?, ?, ?, '{LOST}', '{LOST_DETAIL}')"
)


class Recovery:
    """Shares the writer's connection."""

    def __init__(self, connection: apsw.Connection, clock_ms: Callable[[], int]) -> None:
        self._connection = connection
        self._clock_ms = clock_ms

    def recover(self, window: int) -> list[port.Standing]:
        """See `port.Store.recover`. After a clean stop nothing was in flight."""
        run = self._connection.execute
        with self._connection:
            [(clean,)] = run("SELECT value FROM meta WHERE key = 'clean_stop'")
            webhooks = [row[0] for row in run("SELECT number FROM webhook ORDER BY number")]
            if not clean:
                for webhook in webhooks:
                    self._mark_pending(webhook, window)
            self._return_taken()
            run("UPDATE meta SET value = 0 WHERE key = 'clean_stop'")
        return self.unfinished()

    def unfinished(self) -> list[port.Standing]:
        """See `port.Store.unfinished`."""
        run = self._connection.execute
        standings = []
        webhooks: list[Any] = run("SELECT number FROM webhook ORDER BY number").fetchall()
        for (webhook,) in webhooks:
            [(pending,)] = run(
                "SELECT count(*) FROM delivery INDEXED BY delivery_pending"
                " WHERE webhook = ? AND state = 0",
                (webhook,),
            )
            [(due,)] = run(
                "SELECT min(due_ms) FROM delivery WHERE webhook = ? AND state = 2", (webhook,)
            )
            if pending or due is not None:
                standings.append(port.Standing(webhook, pending, due))
        return standings

    def stopped_cleanly(self) -> None:
        """Remember that nothing was in flight at the stop."""
        with self._connection:
            self._connection.execute("UPDATE meta SET value = 1 WHERE key = 'clean_stop'")

    def _mark_pending(self, webhook: int, window: int) -> None:
        now = self._clock_ms()
        rows = self._connection.execute(
            "SELECT id, attempts + 1, version FROM delivery INDEXED BY delivery_pending"
            " WHERE webhook = ? AND state = 0 ORDER BY id LIMIT ?",
            (webhook, window),
        ).fetchall()
        self._connection.executemany(
            _MARK_LOST, [(id, number, now, version) for id, number, version in rows]
        )
        self._connection.executemany(
            "UPDATE delivery SET attempts = ? WHERE id = ?",
            [(number, id) for id, number, _ in rows],
        )

    def _return_taken(self) -> None:
        """Taken retries have their attempt written down; give it an ending and make them due."""
        now = self._clock_ms()
        run = self._connection.execute
        run(
            f"UPDATE attempt SET kind = '{LOST}', detail = '{LOST_DETAIL}' WHERE (delivery, number)"
            " IN (SELECT id, attempts FROM delivery WHERE state = 2 AND due_ms IS NULL)"
        )
        run("UPDATE delivery SET due_ms = ? WHERE state = 2 AND due_ms IS NULL", (now,))

    def release(self, webhook: int, held: Sequence[int]) -> None:
        """See `port.Store.release`."""
        run = self._connection.execute
        kept = set(held)
        with self._connection:
            taken = [
                int(id)
                for (id,) in run(
                    "SELECT id FROM delivery WHERE webhook = ? AND state = 2 AND due_ms IS NULL",
                    (webhook,),
                )
            ]
            for id in taken:
                if id not in kept:
                    run(
                        f"UPDATE attempt SET kind = '{LOST}', detail = '{NOT_SENT}' WHERE"
                        " (delivery, number) IN (SELECT id, attempts FROM delivery WHERE id = ?)",
                        (id,),
                    )
                    run(
                        "UPDATE delivery SET due_ms = ? WHERE id = ?",
                        (self._clock_ms(), id),
                    )

    def retire(self, webhook: int, state: int, limit: int) -> int:
        """See `port.Store.retire`."""
        if state not in (State.PARKED, State.CANCELLED):
            raise ValueError(f"unfinished deliveries are parked or cancelled, not {state}")
        moved = 0
        with self._connection:
            # The held ones first: none may be left without the one that it waits for.
            for unfinished in (
                "state < 3 AND state = 1 AND key NOT NULL",
                "state = 0",
                "state = 2",
            ):
                ended: list[Any] = self._connection.execute(
                    "UPDATE delivery SET state = ?, done_ms = ?, due_ms = NULL WHERE id IN"
                    f" (SELECT id FROM delivery WHERE webhook = ? AND {unfinished} LIMIT ?)"
                    " RETURNING id",
                    (state, self._clock_ms(), webhook, limit - moved),
                ).fetchall()
                touch(self._connection, [id for (id,) in ended])
                moved += len(ended)
                if moved >= limit:
                    break
        return moved
