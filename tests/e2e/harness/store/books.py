"""The books of a data directory, read from its file as an auditor would; never written."""

from contextlib import closing
from pathlib import Path
from typing import Any

import apsw

from tests.chosen_store import on_postgres
from tests.e2e.harness.store.database import database_of
from tidings.store.postgres.connection import PostgresConnection

_OF = " JOIN event e ON e.seq = d.event JOIN webhook w ON w.number = d.webhook WHERE w.id LIKE ?"
_LOST = (
    "SELECT e.id, count(*) FROM attempt a JOIN delivery d ON d.id = a.delivery"
    + _OF
    + " AND a.kind = 'lost' GROUP BY e.id"
)
# A retry that waits has a due time; while its attempt is under way it has none.
_UNSETTLED = (
    "SELECT e.id FROM delivery d"
    + _OF
    + " AND (d.state = 0 OR (d.state IN (2, 7) AND d.due_ms IS NULL))"
)
ANY = "%"


def ask(data: Path, query: str, *bindings: str) -> list[tuple[Any, ...]]:
    """What a query of the database answers."""
    if on_postgres():
        with closing(
            PostgresConnection(database_of(data).connect("tests"), read_only=True)
        ) as rows:
            return list(rows.execute(query, bindings).fetchall())
    connection = apsw.Connection(str(data / "tidings.db"), flags=apsw.SQLITE_OPEN_READONLY)
    connection.set_busy_timeout(5000)
    try:
        return connection.execute(query, bindings).fetchall()
    finally:
        connection.close()


def lost_attempts(data: Path, webhook: str = ANY) -> dict[str, int]:
    """By event id: the attempts that were begun, or may have been, and whose end nobody knows."""
    return {str(event_id): int(count) for event_id, count in ask(data, _LOST, webhook)}


def unsettled(data: Path, webhook: str = ANY) -> set[str]:
    """The events with a delivery of which an attempt may be under way."""
    return {str(event_id) for (event_id,) in ask(data, _UNSETTLED, webhook)}


def operational_events(data: Path) -> int:
    """Count the events that Tidings made itself, of how webhooks and sources do.

    They come between others whenever a machine is slow enough, and no webhook here asks for them.
    """
    [(count,)] = ask(data, "SELECT count(*) FROM event WHERE name LIKE 'tidings.%'")
    return int(count)


def owed(data: Path) -> int:
    """How many deliveries of accepted events are not made yet."""
    [(count,)] = ask(data, "SELECT coalesce(sum(count), 0) FROM fan_out")
    return int(count)


def sound(data: Path) -> bool:
    """Whether the database is whole by SQLite's own check; PostgreSQL has none."""
    return on_postgres() or ask(data, "PRAGMA integrity_check") == [("ok",)]


def pages(data: Path) -> tuple[int, int, int]:
    """The pages of the database, those of them that are free, and the bytes of one."""
    names = ("page_count", "freelist_count", "page_size")
    count, free, size = (int(ask(data, f"PRAGMA {name}")[0][0]) for name in names)
    return count, free, size
