"""Search terms in sorted segments, in a database file of their own, written behind the commits.

Everything here can be derived again from the events, so this file is written without waiting for
the disk (`synchronous=NORMAL`: a power cut may lose the newest segments, never their order). A
segment covers a run of event sequence numbers and is one blob of 12-byte entries, sorted: 8 bytes
of term, 4 bytes of distance from the segment's first number. Sixteen neighbours are merged into a
bigger one, so a look-up asks few blobs, each by binary search, and retention drops whole segments.

Measured against a table of (term, seq) rows in SQLite on the same two cores: 11-20 µs an event for
five terms there, 3 µs here (docs/decisions/0002-embedded-store.md).
"""

from pathlib import Path
from typing import Any

import apsw

SLICE_EVENTS = 4096
MERGE = 16
TERM_BYTES = 8
ENTRY_BYTES = 12


class Segments:
    """The search database, and the cursor up to which it has read the events."""

    def __init__(self, path: Path | str, vfs: str | None = None) -> None:
        self._connection = apsw.Connection(str(path), vfs=vfs)
        for statement in (
            "PRAGMA journal_mode = wal",
            "PRAGMA synchronous = normal",
            "CREATE TABLE IF NOT EXISTS segment (first INTEGER PRIMARY KEY, last INTEGER NOT NULL,"
            " level INTEGER NOT NULL, entries BLOB NOT NULL)",
        ):
            for _ in self._connection.execute(statement):
                pass
        [(last,)] = self._rows("SELECT coalesce(max(last), 0) FROM segment", ())
        self._cursor = int(last)

    @property
    def cursor(self) -> int:
        """The sequence number of the last event whose terms can be found here."""
        return self._cursor

    def write_slice(self, events: apsw.Connection, limit: int = SLICE_EVENTS) -> int:
        """Read up to `limit` further events and write their terms; how many there were."""
        rows: list[tuple[Any, ...]] = events.execute(
            "SELECT seq, terms FROM event WHERE seq > ? ORDER BY seq LIMIT ?", (self._cursor, limit)
        ).fetchall()
        if not rows:
            return 0
        first, last = rows[0][0], rows[-1][0]
        entries = sorted(
            {  # a set: an event that has a term twice is found once
                terms[at : at + TERM_BYTES] + (seq - first).to_bytes(4, "big")
                for seq, terms in rows
                for at in range(0, len(terms), TERM_BYTES)
            }
        )
        with self._connection:
            self._connection.execute(
                "INSERT INTO segment VALUES (?, ?, 0, ?)", (first, last, b"".join(entries))
            )
            self._merge(0)
        self._cursor = last
        return len(rows)

    def _rows(self, query: str, binding: tuple[int, ...]) -> list[tuple[Any, ...]]:
        return self._connection.execute(query, binding).fetchall()

    def _merge(self, level: int) -> None:
        rows = self._rows(
            "SELECT first, last, entries FROM segment WHERE level = ? ORDER BY first", (level,)
        )
        if len(rows) < MERGE or level >= 2:
            return
        base = rows[0][0]
        merged: list[bytes] = []
        for first, _, blob in rows:
            shift = first - base
            for at in range(0, len(blob), ENTRY_BYTES):
                split = at + TERM_BYTES
                distance = int.from_bytes(blob[split : at + ENTRY_BYTES], "big") + shift
                merged.append(blob[at:split] + distance.to_bytes(4, "big"))
        merged.sort()
        self._connection.execute("DELETE FROM segment WHERE level = ?", (level,))
        self._connection.execute(
            "INSERT INTO segment VALUES (?, ?, ?, ?)",
            (base, rows[-1][1], level + 1, b"".join(merged)),
        )
        self._merge(level + 1)

    def find(self, term: bytes, limit: int, before: int | None = None) -> list[int]:
        """Sequence numbers of events with this term, newest first, below `before`."""
        found: list[int] = []
        for first, size in self._rows(
            "SELECT first, length(entries) FROM segment WHERE first < ? ORDER BY first DESC",
            (before if before is not None else 1 << 62,),
        ):
            with self._connection.blob_open("main", "segment", "entries", first, False) as blob:
                here = _find_in(blob, size // ENTRY_BYTES, term)
            found += [
                first + distance
                for distance in reversed(here)
                if before is None or first + distance < before
            ]
            if len(found) >= limit:
                break
        return found[:limit]

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def _find_in(blob: apsw.Blob, count: int, term: bytes) -> list[int]:
    def entry(index: int) -> bytes:
        blob.seek(index * ENTRY_BYTES)
        return bytes(blob.read(ENTRY_BYTES))

    low, high = 0, count
    while low < high:
        middle = (low + high) // 2
        if entry(middle)[:TERM_BYTES] < term:
            low = middle + 1
        else:
            high = middle
    found = []
    while low < count and (one := entry(low))[:TERM_BYTES] == term:
        found.append(int.from_bytes(one[TERM_BYTES:], "big"))
        low += 1
    return found
