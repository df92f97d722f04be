"""Events that were given up, kept until a person has looked at them."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from tidings_consumer.event import Event
from tidings_consumer.sqlite_file import open_file

PAGE = 100
_TABLE = (
    "CREATE TABLE IF NOT EXISTS dead_letter (number INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL,"
    " name TEXT NOT NULL, body BLOB NOT NULL, delivery TEXT, attempt INTEGER NOT NULL,"
    " reason TEXT NOT NULL, at REAL NOT NULL, hops TEXT)"
)
_ADD = (
    "INSERT INTO dead_letter (id, name, body, delivery, attempt, reason, at, hops)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET reason = excluded.reason,"
    " at = excluded.at, attempt = excluded.attempt"
)
_LIST = (
    "SELECT number, id, name, body, delivery, attempt, reason, at, hops FROM dead_letter"
    " WHERE number > ? ORDER BY number LIMIT ?"
)


@dataclass(frozen=True)
class DeadLetter:
    """An event that was given up, why, and when (seconds since the epoch)."""

    number: int
    event: Event[Any]
    reason: str
    at: float


class DeadLetters(Protocol):
    """Keeps what a router gives up. May be called from any thread."""

    def add(self, event: Event[Any], reason: str, at: float) -> None:
        """Keep it durably; once, where it is there already."""
        ...


class SqliteDeadLetters:
    """In a file. `router.redrive(letters)` handles them again."""

    def __init__(self, path: str | Path) -> None:
        """Opens the file, and makes it where it is not there. sqlite3.Error where it cannot."""
        self._lock = threading.Lock()
        self._connection = open_file(path, "FULL", _TABLE)
        columns = self._connection.execute("PRAGMA table_info(dead_letter)").fetchall()
        if "hops" not in [column[1] for column in columns]:  # a file of an earlier release
            self._connection.execute("ALTER TABLE dead_letter ADD COLUMN hops TEXT")

    def add(self, event: Event[Any], reason: str, at: float) -> None:
        """See `DeadLetters.add`."""
        row: tuple[Any, ...] = (event.id, event.name, event.body, event.delivery, event.attempt)
        row += (reason, at, event.hops)
        with self._lock:
            self._connection.execute(_ADD, row)

    def __iter__(self) -> Iterator[DeadLetter]:
        """The oldest first; a page at a time is in memory."""
        after = 0
        while True:
            with self._lock:
                rows = self._connection.execute(_LIST, (after, PAGE)).fetchall()
            if not rows:
                return
            for number, id, name, body, delivery, attempt, reason, at, hops in rows:
                payload = json.loads(body)
                event = Event(
                    id, name, payload, body=body, attempt=attempt, delivery=delivery, hops=hops
                )
                yield DeadLetter(number, event, reason, at=at)
            after = rows[-1][0]

    def remove(self, letter: DeadLetter) -> None:
        """Forget one: it was handled, or nobody wants it."""
        with self._lock:
            self._connection.execute("DELETE FROM dead_letter WHERE number = ?", (letter.number,))

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()
