"""Deliveries that may be sent now, read with all that sending needs."""

from tidings.core.delivery.exchange import UNMADE, FaultKind
from tidings.core.delivery.job import Job
from tidings.core.ids import DeliveryId, OrgId
from tidings.store.sql.connection import StoreConnection
from tidings.store.sql.delivery.pending import OF_BLOCK
from tidings.store.sql.delivery.recovery import LOST
from tidings.store.sql.facts.leaps import LATER
from tidings.store.sql.row_mapping import select_for


def read_job(
    delivery: DeliveryId,
    webhook: int,
    org: OrgId,
    event_id: str,
    accepted_ms: int,
    attempts: int,
    key: int | None,
    body: bytes,
    replay: int | None,
    again: int | None,
    sent: bytes | None,
    cut: int,
    tried: int,
    lost: int,
    passage: str | None,
    *,
    retry: bool,
) -> Job:
    """Return a row of either query as a job. A claimed retry has counted its attempt already.

    A further attempt sends what the first recorded one has sent: the shaped bytes where they were
    kept, the accepted ones where it was made without shaping. Neither, where nothing can have left,
    and where it arrived after the end of its delivery: a success lets go of what it sent.
    """
    return Job(
        delivery=delivery,
        webhook=webhook,
        org=org,
        event_id=event_id,
        accepted_ms=accepted_ms,
        attempt=attempts if retry else attempts + 1,
        key=key,
        retry=retry,
        body=sent or body,
        replay=replay,
        again=bool(again),
        shaped=sent is not None or bool(tried),
        lost=lost,
        cut=bool(cut),
        passage=passage,
    )


_MADE_NOTHING = ", ".join(f"'{kind}'" for kind in sorted((*UNMADE, FaultKind.OURS, LOST)))
_JOB = select_for(
    read_job,
    {
        "delivery": "d.id",
        "webhook": "d.webhook",
        "org": "e.org",
        "event_id": "e.id",
        "accepted_ms": f"coalesce(r.at_ms, e.at_ms) + {LATER}",
        "attempts": "d.attempts",
        "key": "d.key",
        "body": "b.bytes",
        "replay": "r.replay",
        "again": "r.again",
        "sent": "s.bytes",
        "cut": "coalesce(s.without_personal_data, 0)",
        "tried": "d.attempts > 0 AND EXISTS (SELECT 1 FROM attempt a WHERE a.delivery = d.id"
        f" AND (a.status NOT BETWEEN 200 AND 299 OR a.kind NOT IN ({_MADE_NOTHING})))",
        # Of before: what waited was a row of an attempt that was none.
        "lost": "CASE WHEN d.attempts > 0 THEN (SELECT count(*) FROM attempt a"
        f" WHERE a.delivery = d.id AND a.kind IN ('{LOST}', '{FaultKind.WAITS}')) ELSE 0 END",
        "passage": "e.passage",
    },
)
_JOINED = (
    " JOIN event e ON e.seq = d.event JOIN body b ON b.seq = d.event"
    " LEFT JOIN delivery_replay r ON r.delivery = d.id"
    " LEFT JOIN sent s ON s.delivery = d.id"
)
_ONE_JOB = f"{_JOB} FROM delivery d{_JOINED} WHERE d.id = ?"
# The index is named: without statistics SQLite prefers that of the whole log, and a page would then
# read past everything that was ever delivered.
PENDING_JOBS = (
    f"{_JOB} FROM delivery d INDEXED BY delivery_pending{_JOINED}"
    f" WHERE {OF_BLOCK} ORDER BY d.id LIMIT :limit"
)


def one_job(connection: StoreConnection, delivery: DeliveryId, *, retry: bool) -> Job:
    """Read an unfinished delivery."""
    [row] = connection.execute(_ONE_JOB, (delivery,))
    return read_job(*row, retry=retry)
