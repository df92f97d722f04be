"""Ids in a file, by the standard library's SQLite: for all processes of one machine."""

from __future__ import annotations

import threading
from pathlib import Path

from tidings_consumer.ids import KEEP_S, LEASE_S, Claim
from tidings_consumer.ids.owner import Owner
from tidings_consumer.sqlite_file import open_file

SWEEP_EVERY = 500  # ids between two looks for what is over
_TABLE = (
    "CREATE TABLE IF NOT EXISTS handled"
    " (id TEXT PRIMARY KEY, done INTEGER NOT NULL, until REAL NOT NULL, owner TEXT NOT NULL,"
    " holder TEXT NOT NULL)"
    " WITHOUT ROWID"
)
_INDEX = "CREATE INDEX IF NOT EXISTS handled_until ON handled (until)"
# One statement takes a free id, or one whose time is over, and tells whether it did.
_CLAIM = (
    "INSERT INTO handled (id, done, until, owner, holder) VALUES (?1, 0, ?2, ?4, ?5)"
    " ON CONFLICT (id) DO UPDATE SET done = 0, until = excluded.until, owner = excluded.owner,"
    " holder = excluded.holder WHERE until <= ?3"
)
_TAKE_OVER = (
    "UPDATE handled SET until = ?, owner = ?, holder = ? WHERE id = ? AND done = 0 AND owner = ?"
)
_RELEASE = "DELETE FROM handled WHERE id = ? AND done = 0 AND holder = ?"
_DONE = (
    "INSERT INTO handled (id, done, until, owner, holder) VALUES (?, 1, ?, '', '')"
    " ON CONFLICT (id) DO UPDATE SET done = 1, until = excluded.until"
)
_SWEEP = "DELETE FROM handled WHERE id IN (SELECT id FROM handled WHERE until <= ? LIMIT 1000)"


class SqliteIds:
    """A file of its own. A note outlives the process; what the machine loses with its power is
    handled again. What a process that has ended had claimed can be claimed at once: beside the
    file stands another one for each process (`…-owner-…`), whose lock ends with it.
    """

    blocks = True

    def __init__(self, path: str | Path, keep_s: float = KEEP_S, lease_s: float = LEASE_S) -> None:
        """Opens the file, and makes it where it is not there. sqlite3.Error where it cannot."""
        self._keep_s, self._lease_s = keep_s, lease_s
        self._lock = threading.Lock()
        self._noted = 0
        self._connection = open_file(path, "NORMAL", _TABLE, _INDEX)
        [(_, _, file)] = self._connection.execute("PRAGMA database_list").fetchall()
        self._owner = Owner(file)

    def claim(self, id: str, holder: str, now_s: float) -> Claim:
        """See `IdStore.claim`."""
        until = now_s + self._lease_s
        with self._lock:
            execute, owner = self._connection.execute, self._owner.name
            if execute(_CLAIM, (id, until, now_s, owner, holder)).rowcount:
                return Claim.FRESH
            row = execute("SELECT done, owner FROM handled WHERE id = ?", (id,)).fetchone()
            if row is not None and row[0]:
                return Claim.DONE
            if row is not None and self._owner.is_dead(row[1]):
                if execute(_TAKE_OVER, (until, owner, holder, id, row[1])).rowcount:
                    return Claim.FRESH
        return Claim.BUSY

    def done(self, id: str, now_s: float) -> None:
        """See `IdStore.done`."""
        with self._lock:
            self._connection.execute(_DONE, (id, now_s + self._keep_s))
            self._noted += 1
            if self._noted % SWEEP_EVERY == 0:
                self._connection.execute(_SWEEP, (now_s,))

    def release(self, id: str, holder: str) -> None:
        """See `IdStore.release`."""
        with self._lock:
            self._connection.execute(_RELEASE, (id, holder))

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._owner.close()
            self._connection.close()
