"""A file of SQLite, opened by several processes at the same moment and used by all threads."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

WAIT_S = 10.0


def open_file(path: str | Path, synchronous: str, *tables: str) -> sqlite3.Connection:
    """Open a connection in write-ahead mode and create missing tables. Raise sqlite3.Error if that
    is impossible, or others hold the file for longer than `WAIT_S`."""
    connection = sqlite3.connect(
        path, timeout=WAIT_S, isolation_level=None, check_same_thread=False
    )
    try:
        _write_ahead(connection)
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        for table in tables:
            connection.execute(table)
    except BaseException:
        connection.close()
        raise
    return connection


def _write_ahead(connection: sqlite3.Connection) -> None:
    """For this statement SQLite does not wait by itself while another process uses a new file."""
    until = time.monotonic() + WAIT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as fault:
            if "locked" not in str(fault) or time.monotonic() > until:
                raise
            time.sleep(0.01)
        else:
            return
