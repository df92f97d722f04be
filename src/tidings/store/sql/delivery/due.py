"""What is due at a time, claimed for its lane: retries, and what waits."""

from collections.abc import Sequence
from typing import Any

from tidings.core.delivery.job import Job
from tidings.store import port
from tidings.store.sql.connection import StoreConnection
from tidings.store.sql.delivery.jobs import one_job
from tidings.store.sql.row_mapping import insert_from
from tidings.store.sql.states import TIMED, WAITING
from tidings.store.sql.writer_rows import AttemptIntent

_DUE = (
    f"SELECT id, state FROM delivery WHERE webhook = ? AND state IN ({TIMED}) AND due_ms <= ?"
    " ORDER BY due_ms LIMIT ?"
)
_CLAIM = "UPDATE delivery SET due_ms = NULL, attempts = attempts + 1 WHERE id = ?"
_INTENT = insert_from(
    "attempt",
    AttemptIntent,
    "FROM delivery WHERE id = ?1",
    "INSERT OR IGNORE",
    number="attempts",
    version="version",
)
# What waits is looked at again: whether that is an attempt is known when it leaves.
_LOOK = "UPDATE delivery SET due_ms = NULL WHERE id = ?"
_NEXT_DUE = (
    f"SELECT min(due_ms) FROM delivery WHERE webhook = ? AND state IN ({TIMED})"
    " AND due_ms IS NOT NULL"
)


class DueDeliveries:
    """Shares the writer's connection; runs inside its transaction."""

    def __init__(self, connection: StoreConnection) -> None:
        self._connection = connection
        self._next: int | None = None  # the webhook that a commit had no room for first

    def claim(self, batch: port.Batch, now: int) -> tuple[list[Job], list[tuple[int, int | None]]]:
        """Claim what a batch asks for, as far as there is room. Return the jobs, and when the next
        one of each webhook is due (milliseconds since the epoch; None: none is)."""
        claimed: list[Job] = []
        due: list[tuple[int, int | None]] = []
        share = max(1, batch.claimed_max // max(1, len(batch.claims)))
        room = batch.claimed_bytes_max
        for claim in self._in_turn(batch.claims):
            if room > 0:
                jobs = self._claim(claim.webhook, min(claim.limit, share), now, room)
                room -= sum(len(job.body) for job in jobs)
                claimed += jobs
            elif self._next is None:
                self._next = claim.webhook
            [(next_ms,)] = self._connection.execute(_NEXT_DUE, (claim.webhook,))
            due.append((claim.webhook, next_ms))
        return claimed, due

    def _in_turn(self, claims: Sequence[port.RetryClaim]) -> Sequence[port.RetryClaim]:
        """Begin with the first one that got nothing in the commit before, for want of room."""
        first, self._next = self._next, None
        at = next((at for at, claim in enumerate(claims) if claim.webhook == first), 0)
        return (*claims[at:], *claims[:at]) if at else claims

    def _claim(self, webhook: int, limit: int, now: int, room: int) -> list[Job]:
        """Claim what is due of a webhook until the bodies have filled the room, in bytes."""
        jobs: list[Job] = []
        due: list[Any] = self._connection.execute(_DUE, (webhook, now, limit)).fetchall()
        for delivery, state in due:
            if room <= 0:
                break
            if state == WAITING:
                self._connection.execute(_LOOK, (delivery,))
            else:
                self._connection.execute(_CLAIM, (delivery,))
                intent = AttemptIntent(delivery=delivery, started_ms=now)
                self._connection.execute(_INTENT, intent)
            claimed = one_job(self._connection, delivery, retry=True)
            claimed.attempt += state == WAITING
            room -= len(claimed.body)
            jobs.append(claimed)
        return jobs
