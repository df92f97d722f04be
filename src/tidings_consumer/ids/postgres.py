"""Ids in a table of PostgreSQL, by whichever driver: for all processes of all machines."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import Any

from tidings_consumer.ids import KEEP_S, LEASE_S, Claim

SWEEP_EVERY = 500  # notes between two looks for what is over
TABLE = (
    "CREATE TABLE IF NOT EXISTS tidings_handled (id text PRIMARY KEY, done boolean NOT NULL,"
    " until double precision NOT NULL, holder text NOT NULL)"
)
INDEX = "CREATE INDEX IF NOT EXISTS tidings_handled_until ON tidings_handled (until)"
_CLAIM = (
    "INSERT INTO tidings_handled AS known (id, done, until, holder) VALUES (%s, false, %s, %s)"
    " ON CONFLICT (id) DO UPDATE SET done = false, until = excluded.until, holder = excluded.holder"
    " WHERE known.until <= %s RETURNING id"
)
_DONE = (
    "INSERT INTO tidings_handled (id, done, until, holder) VALUES (%s, true, %s, '')"
    " ON CONFLICT (id) DO UPDATE SET done = true, until = excluded.until"
)
_RELEASE = "DELETE FROM tidings_handled WHERE id = %s AND NOT done AND holder = %s"
_SWEEP = (
    "DELETE FROM tidings_handled WHERE id IN (SELECT id FROM tidings_handled WHERE until <= %s"
    " LIMIT 1000 FOR UPDATE SKIP LOCKED)"
)


class PostgresIds:
    """In the table `tidings_handled`.

    `connection` gives a DB-API connection as a context manager that commits at its end:
    `pool.connection` of psycopg_pool, or `lambda: psycopg.connect(…)`.
    """

    blocks = True

    def __init__(
        self, connection: Callable[[], Any], keep_s: float = KEEP_S, lease_s: float = LEASE_S
    ) -> None:
        self._connection = connection
        self._keep_s, self._lease_s = keep_s, lease_s
        self._notes = itertools.count(1)

    def create(self) -> None:
        """Make the table where it is not there; migrations of yours may do it instead (`TABLE`,
        `INDEX`)."""
        with self._connection() as connection:
            connection.cursor().execute(TABLE)
            connection.cursor().execute(INDEX)

    def claim(self, id: str, holder: str, now_s: float) -> Claim:
        """See `IdStore.claim`."""
        with self._connection() as connection, connection.cursor() as cursor:
            cursor.execute(_CLAIM, (id, now_s + self._lease_s, holder, now_s))
            if cursor.fetchone() is not None:
                return Claim.FRESH
            cursor.execute("SELECT done FROM tidings_handled WHERE id = %s", (id,))
            row = cursor.fetchone()
        return Claim.DONE if row is not None and row[0] else Claim.BUSY

    def done(self, id: str, now_s: float) -> None:
        """See `IdStore.done`."""
        with self._connection() as connection:
            self.note(connection, id, now_s)

    def note(self, connection: Any, id: str, now_s: float | None = None) -> None:
        """Note it in a transaction of yours, with what the handler writes: then the effect is there
        exactly once, where no handler takes longer than its lease. `now_s`: by default now."""
        now = time.time() if now_s is None else now_s
        with connection.cursor() as cursor:
            cursor.execute(_DONE, (id, now + self._keep_s))
            if next(self._notes) % SWEEP_EVERY == 0:
                cursor.execute(_SWEEP, (now,))

    def release(self, id: str, holder: str) -> None:
        """See `IdStore.release`."""
        with self._connection() as connection, connection.cursor() as cursor:
            cursor.execute(_RELEASE, (id, holder))
