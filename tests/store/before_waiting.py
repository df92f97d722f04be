"""A data directory as it was before what waits was a state: a retry whose last attempt was none."""

from pathlib import Path

import apsw

_SCHEMA = 26
_WAITING = (
    "SELECT d.id, d.attempts + 1, d.version, w.detail FROM delivery d"
    " JOIN waiting w ON w.delivery = d.id WHERE d.state = 7"
)
_ATTEMPT = (
    "INSERT INTO attempt (delivery, number, started_ms, version, duration_ms, kind, detail,"
    " headers, body, truncated) VALUES (?, ?, 0, ?, 0, 'waits', ?, X'5b5d', X'', 0)"
)
_RETRY = (
    "UPDATE delivery SET state = 2, attempts = ?2, duration_ms = 0, status = NULL WHERE id = ?1"
)
_LATER_TABLES = (
    *("audit", "audit_anchor", "audit_chain"),
    *("store_copy", "copy_progress", "kept_key"),
    *("kept_list", "list_piece", "number_range", "family"),
    *("incident", "alert_channel", "alert_mark", "saved_view"),
)
_REVISED = ("org", "credential", "person", "member", "event_type", "source", "inbox")
_INDEXES = (
    *(f"DROP TABLE {name}" for name in _LATER_TABLES),
    *(f"ALTER TABLE {name} DROP COLUMN revision" for name in _REVISED),
    "DROP INDEX delivery_key",
    "DROP INDEX delivery_due",
    "DROP INDEX delivery_trouble",
    "DROP TABLE waiting",
    "CREATE INDEX delivery_due ON delivery (webhook, due_ms) WHERE state = 2",
    "CREATE INDEX delivery_key ON delivery (webhook, key, id) WHERE state < 3 AND key IS NOT NULL",
    "CREATE INDEX delivery_trouble ON delivery (webhook, state, id) WHERE state IN (2, 4, 5, 6)",
    f"PRAGMA user_version = {_SCHEMA}",
)
_SUMMARIES = (
    "DROP INDEX IF EXISTS slice_left_in_state",
    "UPDATE slice SET n7 = n8",
    "ALTER TABLE slice DROP COLUMN n8",
    "CREATE INDEX slice_left_in_state ON slice (webhook, slot)"
    " WHERE level = 21600000 AND n0 + n1 + n2 + n5 + n7 > 0",
)


def make_old(data: Path) -> int:
    """Bring the database of a stopped service to its form of before; count what waits in it."""
    connection = apsw.Connection(str(data / "tidings.db"))
    with connection:
        waiting = connection.execute(_WAITING).fetchall()
        for delivery, number, version, detail in waiting:
            connection.execute(_ATTEMPT, (delivery, number, version, detail)).fetchall()
            connection.execute(_RETRY, (delivery, number)).fetchall()
        for statement in _INDEXES:
            connection.execute(statement).fetchall()
    connection.close()
    if (search := data / "search.db").exists():
        connection = apsw.Connection(str(search))
        with connection:
            for statement in _SUMMARIES:
                connection.execute(statement).fetchall()
        connection.close()
    return len(waiting)
