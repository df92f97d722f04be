"""One outbox that is open: its rows in the order in which they were written, and marked.

Why the order of ids is the order that counts, and no row is ever skipped: a row is waiting until it
is marked, whatever was read meanwhile, so one whose transaction began early and commits late is
found when it is there. Of two rows of which the first was committed before the second was written,
as it is wherever the application locks what they are about, the first has the lower id, and every
snapshot that shows the second shows the first: it was read before, or is read now and comes first.
Ordering by the transaction's number would turn such pairs around where the second's transaction has
begun earlier, and waiting for all older transactions would stop at any that is left open.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

import msgspec
import psycopg
from psycopg import AsyncConnection, sql

from tidings.core.sources.message import ForeignMessage
from tidings.sources.outbox.faults import told
from tidings.sources.port import BATCH_BYTES_MAX, BATCH_MAX

Line = AsyncConnection[tuple[Any, ...]]

POLL_S = 1.0  # where nobody notifies, or a notification is lost
LAG_MAX = 100_000  # rows that are counted; more are told as one more

# The tableoid of each row, and not of the name: the table may be made anew while it is open, and
# then counts from 1 again.
_NEXT = """
SELECT tableoid, id, headers::text, body
  FROM (SELECT tableoid, id, headers, body,
               row_number() OVER (ORDER BY id) AS nth,
               sum(octet_length(body)) OVER (ORDER BY id) AS bytes
          FROM (SELECT tableoid, id, headers, body FROM {table}
                 WHERE taken_at IS NULL AND id <> ALL (%s::bigint[])
                 ORDER BY id LIMIT %s) AS waiting) AS batch
 WHERE nth = 1 OR bytes <= %s
 ORDER BY id
"""
# In one transaction: all of them, or none.
_TAKE = """
UPDATE {table} AS t SET taken_at = now()
  FROM unnest(%s::oid[], %s::bigint[]) AS had (tableoid, id)
 WHERE t.id = had.id AND t.tableoid = had.tableoid
"""
_LAG = """
SELECT count(*) FROM (
  SELECT 1 FROM (SELECT id, headers, body, taken_at, tableoid FROM {table}) AS rows
   WHERE taken_at IS NULL AND id <> ALL (%s::bigint[]) LIMIT %s) AS waiting
"""


class OutboxReading:
    """See `Reading`."""

    def __init__(
        self, line: Line, table: sql.Identifier, cluster: str, connection: str, name: str
    ) -> None:
        """`cluster`: server and database, for places. `connection`, `name`: for words."""
        self._line = line
        self._cluster = cluster
        self._words = (connection, name)
        self._next, self._take, self._lag = (
            sql.SQL(query).format(table=table).as_string() for query in (_NEXT, _TAKE, _LAG)
        )
        self._read: list[tuple[int, int]] = []  # and not acknowledged: tableoid and id

    async def read(self) -> Sequence[ForeignMessage]:
        with told(*self._words):
            while True:
                await self._hear(0)  # what is read now need not wake us later
                if rows := await self._rows(self._next, self._ids(), BATCH_MAX, BATCH_BYTES_MAX):
                    self._read += [(oid, id) for oid, id, _, _ in rows]
                    return [self._message(*row) for row in rows]
                await self._hear(POLL_S)

    async def acknowledge(self) -> None:
        if not self._read:
            return
        with told(*self._words):
            oids, ids = [oid for oid, _ in self._read], self._ids()
            await self._line.execute(self._take.encode(), (oids, ids))
        self._read.clear()

    async def lag(self) -> int | None:
        with told(*self._words):
            [(count,)] = await self._rows(self._lag, self._ids(), LAG_MAX + 1)
        return int(count)

    async def close(self) -> None:
        with suppress(psycopg.Error, OSError):
            await self._line.close()

    # -- inside -----------------------------------------------------------------------------------

    def _ids(self) -> list[int]:
        return [id for _, id in self._read]

    async def _rows(self, query: str, *bindings: object) -> list[tuple[Any, ...]]:
        return await (await self._line.execute(query.encode(), bindings)).fetchall()

    async def _hear(self, seconds: float) -> None:
        """Until a notification comes, or the time is over."""
        async for _ in self._line.notifies(timeout=seconds, stop_after=1):
            pass

    def _message(self, oid: int, id: int, headers: str | None, body: str | bytes) -> ForeignMessage:
        came = body.encode() if isinstance(body, str) else body  # bytea may hold it as well
        return ForeignMessage(f"{self._cluster}/{oid}/{id}", list(_headers(headers)), came)


def _headers(said: str | None) -> Iterable[tuple[str, str]]:
    """Those of an object; whatever is no text is shown as JSON."""
    read = msgspec.json.decode(said) if said is not None else None
    for name, value in (read if isinstance(read, dict) else {}).items():
        if value is not None:
            yield name, value if isinstance(value, str) else msgspec.json.encode(value).decode()
