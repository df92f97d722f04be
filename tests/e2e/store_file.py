"""The books of a data directory, read from its file as an auditor would; never written."""

from pathlib import Path

import apsw

LOST = (
    "SELECT e.id, count(*) FROM attempt a JOIN delivery d ON d.id = a.delivery"
    " JOIN event e ON e.seq = d.event WHERE a.kind = 'lost' GROUP BY e.id"
)


def _ask(data: Path, query: str) -> list[tuple[str, int]]:
    connection = apsw.Connection(str(data / "tidings.db"), flags=apsw.SQLITE_OPEN_READONLY)
    connection.set_busy_timeout(5000)
    try:
        return [(str(key), int(count)) for key, count in connection.execute(query)]
    finally:
        connection.close()


def lost_attempts(data: Path) -> dict[str, int]:
    """By event id: the attempts that were begun, or may have been, and whose end nobody knows."""
    return dict(_ask(data, LOST))


def sound(data: Path) -> bool:
    """Whether the database is whole by SQLite's own check."""
    return _ask(data, "SELECT integrity_check, 0 FROM pragma_integrity_check") == [("ok", 0)]
