"""One outbox that is open: its rows in the order in which they were written, and marked.

Why the order of ids is the order that counts, and no row is ever skipped: a row is waiting until it
is marked, whatever was read meanwhile, so one whose transaction began early and commits late is
found when it is there. Of two rows of which the first was committed before the second was written,
as it is wherever the application locks what they are about, the first has the lower id, and every
snapshot that shows the second shows the first: it was read before, or is read now and comes first.
Ordering by the transaction's number would turn such pairs around where the second's transaction has
begun earlier, and waiting for all older transactions would stop at any that is left open.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

import msgspec
import psycopg
from psycopg import AsyncConnection, sql

from tidings.core.exact_json import check_json, fields_of, first_byte, is_null
from tidings.core.sources.message import (
    CUT_BYTES,
    MESSAGE_BYTES_MAX,
    READ_HEADERS_BYTES_MAX,
    ForeignMessage,
    too_large,
    unreadable,
)
from tidings.errors import FieldRefusal
from tidings.sources.outbox.faults import translated_errors
from tidings.sources.port import BATCH_BYTES_MAX, BATCH_MAX

Line = AsyncConnection[tuple[Any, ...]]

POLL_S = 1.0  # where nobody notifies, or a notification is lost
HEAD_BYTES_MAX = 2 * READ_HEADERS_BYTES_MAX  # of a row's headers as JSON
SQL_ASCII = "SQL_ASCII"  # the encoding of a database that looks at no text
LAG_MAX = 100_000  # rows that are counted; more are told as one more

# The tableoid of each row, and not of the name: the table may be made anew while it is open, and
# then counts from 1 again.
_NEXT = """
SELECT tableoid, id, head, CASE WHEN head <= {head_max} THEN {headers} END,
       size, CASE WHEN size <= {size_max} THEN {body} ELSE substring({body} FOR {cut}) END
  FROM (SELECT tableoid, id, headers, body, head, size,
               row_number() OVER (ORDER BY id) AS nth,
               sum(head + size) OVER (ORDER BY id) AS bytes
          FROM (SELECT tableoid, id, headers, body,
                       coalesce(octet_length(headers::text), 0) AS head,
                       coalesce(octet_length(body), 0) AS size
                  FROM {table}
                 WHERE taken_at IS NULL AND id <> ALL (%s::bigint[])
                 ORDER BY id LIMIT %s) AS waiting) AS batch
 WHERE nth = 1 OR bytes <= %s
 ORDER BY id
"""
# As bytes, in UTF-8: a text that is none, which a database in SQL_ASCII may have, must be wrong of
# its own row alone.
_AS_BYTES = "convert_to({column}::text, {encoding})"
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
    """See `OpenSource`."""

    def __init__(
        self,
        line: Line,
        table: sql.Identifier,
        cluster: str,
        connection: str,
        name: str,
        *,
        encoding: str,
        is_bytes: bool,
        let_go: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """`cluster`: server and database, for places. `connection`, `name`: for words. `encoding`:
        of the database. `is_bytes`: bodies are bytea. `let_go`: says in the database that this
        installation reads the table no more; None: nothing there can say so."""
        self._line = line
        self._cluster = cluster
        self._let_go = let_go
        self._words = (connection, name)
        self._next = next_query(table, encoding=encoding, is_bytes=is_bytes)
        self._take, self._lag = (
            sql.SQL(query).format(table=table).as_string() for query in (_TAKE, _LAG)
        )
        self._read: list[tuple[int, int]] = []  # and not acknowledged: tableoid and id

    async def read(self) -> Sequence[ForeignMessage]:
        with translated_errors(*self._words):
            while True:
                await self._hear(0)  # what is read now need not wake us later
                if rows := await self._rows(self._next, self._ids(), BATCH_MAX, BATCH_BYTES_MAX):
                    self._read += [(oid, id) for oid, id, *_ in rows]
                    return [self._message(*row) for row in rows]
                await self._hear(POLL_S)

    async def acknowledge(self) -> None:
        if not self._read:
            return
        with translated_errors(*self._words):
            oids, ids = [oid for oid, _ in self._read], self._ids()
            await self._line.execute(self._take.encode(), (oids, ids))
        self._read.clear()

    async def lag(self) -> int | None:
        with translated_errors(*self._words):
            [(count,)] = await self._rows(self._lag, self._ids(), LAG_MAX + 1)
        return int(count)

    async def others(self) -> Sequence[str]:
        return ()  # one at a time reads a table

    async def let_go(self, *, all_acknowledged: bool) -> None:
        if self._let_go is None:
            return
        with translated_errors(*self._words):
            if all_acknowledged or await self._rows(self._lag, [], 1) == [(0,)]:
                await self._let_go()

    async def close(self) -> None:
        with suppress(psycopg.Error, OSError):
            await self._line.close()

    # -- inside -----------------------------------------------------------------------------------

    def _ids(self) -> list[int]:
        return [id for _, id in self._read]

    async def _rows(self, query: str, *bindings: object) -> list[tuple[Any, ...]]:
        """Answer a question, in binary: bytes are not written as hex, and read back on the loop."""
        return await (await self._line.execute(query.encode(), bindings, binary=True)).fetchall()

    async def _hear(self, seconds: float) -> None:
        """Until a notification comes, or the time is over."""
        async for _ in self._line.notifies(timeout=seconds, stop_after=1):
            pass

    def _message(
        self, oid: int, id: int, head: int, headers: bytes | None, size: int, body: bytes | None
    ) -> ForeignMessage:
        place = f"{self._cluster}/{oid}/{id}"
        try:
            return _message(place, head, headers, size, body)
        except Exception as error:  # one row, whatever it is, stops no other
            return unreadable(place, body or b"", error)


def next_query(table: sql.Identifier, *, encoding: str, is_bytes: bool) -> str:
    """Write the question for the next rows."""
    to = sql.Literal(SQL_ASCII if encoding == SQL_ASCII else "UTF8")
    as_bytes = sql.SQL(_AS_BYTES)
    body = sql.Identifier("body")
    return (
        sql.SQL(_NEXT)
        .format(
            table=table,
            headers=as_bytes.format(column=sql.Identifier("headers"), encoding=to),
            body=body if is_bytes else as_bytes.format(column=body, encoding=to),
            head_max=sql.Literal(HEAD_BYTES_MAX),
            size_max=sql.Literal(MESSAGE_BYTES_MAX),
            cut=sql.Literal(CUT_BYTES),
        )
        .as_string()
    )


def _message(
    place: str, head: int, headers: bytes | None, size: int, body: bytes | None
) -> ForeignMessage:
    """Raises nothing but what is unforeseen."""
    defect: FieldRefusal | None = None
    header_rows: list[tuple[str, str]] = []
    if size > MESSAGE_BYTES_MAX:
        defect = too_large(size)
    elif body is None:
        defect = _NO_BODY
    elif head > HEAD_BYTES_MAX:
        defect = _BAD_HEADERS
    try:
        header_rows = _headers(headers)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        defect = defect or _BAD_HEADERS
    return ForeignMessage(place, header_rows, body or b"", defect=defect)


def _headers(raw: bytes | None) -> list[tuple[str, str]]:
    """List the headers of an object; whatever is no text is shown as JSON."""
    if raw is None:
        return []
    whole = check_json(raw)
    fields = fields_of(whole) if first_byte(whole) == ord("{") else {}
    return [(name, _text(value)) for name, value in fields.items() if not is_null(value)]


def _text(value: msgspec.Raw) -> str:
    try:
        read = msgspec.json.decode(value)
        return read if isinstance(read, str) else msgspec.json.encode(read).decode()
    except (msgspec.ValidationError, OverflowError):  # a number that no number of ours can hold
        return bytes(value).decode()


_NO_BODY = FieldRefusal.build(
    "no_body",
    "A row must have a body; it has none. Have the application write one.",
    place="message",
)
_BAD_HEADERS = FieldRefusal.build(
    "bad_message_headers",
    f"The headers of a row must be a JSON object of at most {HEAD_BYTES_MAX} bytes in UTF-8; they "
    "are not. Correct the application.",
    place="message",
)
