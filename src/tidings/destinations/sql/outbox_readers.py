"""Tables that the outbox of a source reads: what is written there comes back as an event.

Whoever reads an outbox holds a lock of its name for as long (`sources/outbox/opening.py`), which
everybody may see: also that of another Tidings, and whatever the server is called. What is written
into a view, a partition or its parent comes into the others too.
"""

from time import monotonic

import psycopg
from psycopg import sql

from tidings.connections.postgresql_lines import PostgresqlConnection
from tidings.core.connections.tables import DeclaredTable

LOOK_AGAIN_S = 1.0

_READ = """
WITH RECURSIVE reached (oid) AS (
  SELECT pg_catalog.to_regclass($1)::pg_catalog.oid
  UNION
  SELECT next.oid FROM reached CROSS JOIN LATERAL (
    SELECT inhparent AS oid FROM pg_catalog.pg_inherits WHERE inhrelid = reached.oid
    UNION ALL
    SELECT inhrelid FROM pg_catalog.pg_inherits WHERE inhparent = reached.oid
    UNION ALL
    SELECT d.refobjid FROM pg_catalog.pg_rewrite AS w JOIN pg_catalog.pg_depend AS d
      ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = w.oid
     AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
   WHERE w.ev_class = reached.oid
  ) AS next
)
SELECT n.nspname || '.' || c.relname
  FROM reached JOIN pg_catalog.pg_class AS c USING (oid)
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
 WHERE EXISTS (
   SELECT FROM pg_catalog.pg_locks AS l JOIN pg_catalog.pg_database AS b ON b.oid = l.database
    WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.mode = 'ExclusiveLock' AND l.granted
      AND b.datname = pg_catalog.current_database()
      AND (l.classid::pg_catalog.int8 << 32) | l.objid::pg_catalog.int8
        = pg_catalog.hashtextextended('tidings outbox ' || n.nspname || '.' || c.relname, 0))
 LIMIT 1
"""


class OutboxReaders:
    """Tells whether a source reads the table that a channel writes to."""

    def __init__(self, name: str, table: DeclaredTable) -> None:
        self._name = sql.Identifier(*name.split(".")).as_string()
        self._table = name
        self._passes_on = table.passes_on
        self._looked_s = -LOOK_AGAIN_S
        self._refusal: str | None = None

    async def refusal(self, line: PostgresqlConnection) -> str | None:
        """Say why nothing may be written now; None where it may. Asked every second."""
        if self._passes_on or monotonic() - self._looked_s < LOOK_AGAIN_S:
            return self._refusal
        try:
            row = await (await line.execute(_READ, (self._name,))).fetchone()
        except (psycopg.ProgrammingError, psycopg.NotSupportedError):
            row = None  # a server without such locks has no such readers
        self._looked_s = monotonic()
        self._refusal = None if row is None else read_back(self._table)
        return self._refusal


def read_back(table: str) -> str:
    """Say why a table must not be written to."""
    return (
        f"The table {table} must not be one that a source reads, since its rows would come back as "
        "events without an end; a source reads it. Have the operator declare "
        'headers = "headers" for the table, or write to another one.'
    )
