"""Reading a delivery together with what sending it needs."""

from typing import Any

from tidings.core.job import Job

JOB_COLUMNS = (
    "d.id, d.webhook, e.org, e.id, e.at_ms, d.attempts, d.key, b.bytes"
    " FROM delivery d JOIN event e ON e.seq = d.event JOIN body b ON b.seq = d.event"
)


def job(row: tuple[Any, ...], *, retry: bool) -> Job:
    """A row of `JOB_COLUMNS` as a job. A taken retry has counted its attempt already."""
    delivery, webhook, org, event_id, at_ms, attempts, key, body = row
    attempt = attempts if retry else attempts + 1
    return Job(delivery, webhook, org, event_id, at_ms, attempt, key, retry, body)
