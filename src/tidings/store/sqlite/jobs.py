"""Reading a delivery together with what sending it needs."""

from typing import Any

from tidings.core.job import Job

_COLUMNS = "SELECT d.id, d.webhook, e.org, e.id, e.at_ms, d.attempts, d.key, b.bytes"
_JOINED = " JOIN event e ON e.seq = d.event JOIN body b ON b.seq = d.event"

ONE_JOB = f"{_COLUMNS} FROM delivery d{_JOINED} WHERE d.id = ?"
# The index is named: without statistics SQLite prefers that of the whole log, and a page would then
# read past everything that was ever delivered.
PENDING_JOBS = (
    f"{_COLUMNS} FROM delivery d INDEXED BY delivery_pending{_JOINED}"
    " WHERE d.webhook = ? AND d.id > ? AND d.state = 0 ORDER BY d.id LIMIT ?"
)


def job(row: tuple[Any, ...], *, retry: bool) -> Job:
    """A row of either query as a job. A taken retry has counted its attempt already."""
    delivery, webhook, org, event_id, at_ms, attempts, key, body = row
    attempt = attempts if retry else attempts + 1
    return Job(delivery, webhook, org, event_id, at_ms, attempt, key, retry, body)
