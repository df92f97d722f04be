"""Reading a delivery together with what sending it needs."""

from typing import Any

from tidings.core.delivery.job import Job
from tidings.store.sqlite.leaps import LATER

# A further attempt sends what the first recorded one has sent: the shaped bytes where they were
# kept, the accepted ones where it was made without shaping. Neither, where nothing can have left.
_COLUMNS = (
    f"SELECT d.id, d.webhook, e.org, e.id, coalesce(r.at_ms, e.at_ms) + {LATER}, d.attempts,"
    " d.key, b.bytes,"
    " r.replay, r.again, s.bytes,"
    " d.attempts > 0 AND EXISTS (SELECT 1 FROM attempt a WHERE a.delivery = d.id"
    " AND (a.status NOT NULL OR a.kind NOT IN ('lost', 'ours', 'transform'))),"
    " CASE WHEN d.attempts > 0 THEN (SELECT count(*) FROM attempt a WHERE a.delivery = d.id"
    " AND a.kind = 'lost') ELSE 0 END"
)
_JOINED = (
    " JOIN event e ON e.seq = d.event JOIN body b ON b.seq = d.event"
    " LEFT JOIN delivery_replay r ON r.delivery = d.id"
    " LEFT JOIN sent s ON s.delivery = d.id"
)

ONE_JOB = f"{_COLUMNS} FROM delivery d{_JOINED} WHERE d.id = ?"
# The index is named: without statistics SQLite prefers that of the whole log, and a page would then
# read past everything that was ever delivered.
PENDING_JOBS = (
    f"{_COLUMNS} FROM delivery d INDEXED BY delivery_pending{_JOINED}"
    " WHERE d.webhook = ? AND d.id > ? AND d.state = 0 ORDER BY d.id LIMIT ?"
)


def job(row: tuple[Any, ...], *, retry: bool) -> Job:
    """A row of either query as a job. A taken retry has counted its attempt already."""
    (delivery, webhook, org, event_id, at_ms, attempts, key, body), more = row[:8], row[8:]
    replay, again, sent, tried, lost = more
    attempt = attempts if retry else attempts + 1
    head = (delivery, webhook, org, event_id, at_ms, attempt, key, retry, sent or body)
    if replay is None and not attempts:
        return Job(*head)
    shaped = sent is not None or bool(tried)
    return Job(*head, replay, bool(again), shaped, lost=lost)
