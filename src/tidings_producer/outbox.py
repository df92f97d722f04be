"""Write events into the outbox of a PostgreSQL application, in the application's own transaction.

What is rolled back is then never told, and what is committed is never forgotten. A source of type
`outbox` brings the rows to Tidings.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Optional

from tidings_producer.envelope import EVENT_BYTES_MAX, HOPS, encode, split_hops
from tidings_producer.errors import NotInTransaction, SettingError

NAME = "tidings_outbox"
TABLE = """\
CREATE TABLE tidings_outbox (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    headers  jsonb CHECK (jsonb_typeof(headers) = 'object'),
    body     text NOT NULL,
    taken_at timestamptz
);
CREATE INDEX tidings_outbox_waiting ON tidings_outbox (id) WHERE taken_at IS NULL;

CREATE FUNCTION tidings_outbox_tell() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN NOTIFY tidings_outbox; RETURN NULL; END $$;
CREATE TRIGGER tidings_outbox_tell AFTER INSERT ON tidings_outbox
    FOR EACH STATEMENT EXECUTE FUNCTION tidings_outbox_tell();

CREATE TABLE tidings_outbox_reader (    -- which installation of Tidings reads it
    only_one     boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    installation text NOT NULL,
    let_go_at    timestamptz
);
"""
"""The statements that make the table, for a migration. `python -m tidings_producer outbox-table`
prints them."""

ROWS_MAX = 1_000
"""Of one statement; more rows take further ones."""
_SQL_NAME = r"[a-z_][a-z0-9_]{0,62}"
_TABLE = re.compile(rf"(?:{_SQL_NAME}\.)?{_SQL_NAME}")
_IDLE = 0  # of libpq's transaction states
_Statement = tuple[str, list[Optional[str]]]


class Outbox:
    """A table for events. It holds no connection, and can be shared by all threads."""

    def __init__(self, table: str = NAME, *, event_bytes_max: int = EVENT_BYTES_MAX) -> None:
        """`table`: as the source names it, in lower case, with its schema or not."""
        if not _TABLE.fullmatch(table):
            raise SettingError(
                f"table must be a table's name, in lower case, with its schema or not; "
                f"got {table!r}. Write shop.outbox."
            )
        self._table = ".".join(f'"{part}"' for part in table.split("."))
        self._bytes_max = event_bytes_max

    def write(
        self, db: Any, event: Mapping[str, Any], headers: Mapping[str, str] | None = None
    ) -> str:
        """Write one event; its id. `db`: a connection or a cursor of a DB-API driver (psycopg,
        Django's `connection`) that is in the transaction of the change."""
        return self.write_many(db, [event], headers)[0]

    def write_many(
        self,
        db: Any,
        events: Iterable[Mapping[str, Any]],
        headers: Mapping[str, str] | None = None,
    ) -> list[str]:
        """Write events in this order, as one statement for each thousand; their ids. Where one of
        them cannot be an event (EventError), none is written."""
        ids, statements = self._statements(events, headers)
        _refuse_autocommit(db)
        cursor, own = _cursor(db)
        try:
            for query, values in statements:
                cursor.execute(query, values)
        finally:
            if own:
                cursor.close()
        return ids

    async def write_async(
        self, db: Any, event: Mapping[str, Any], headers: Mapping[str, str] | None = None
    ) -> str:
        """Do as `write` over a connection or cursor whose calls are awaited, as psycopg's."""
        return (await self.write_many_async(db, [event], headers))[0]

    async def write_many_async(
        self,
        db: Any,
        events: Iterable[Mapping[str, Any]],
        headers: Mapping[str, str] | None = None,
    ) -> list[str]:
        """Do as `write_many` over a connection or cursor whose calls are awaited, as psycopg's."""
        ids, statements = self._statements(events, headers)
        _refuse_autocommit(db)
        cursor, own = _cursor(db)
        try:
            for query, values in statements:
                await cursor.execute(query, values)
        finally:
            if own:
                await cursor.close()
        return ids

    def _statements(
        self, events: Iterable[Mapping[str, Any]], headers: Mapping[str, str] | None
    ) -> tuple[list[str], list[_Statement]]:
        """The ids, and what writes the events. All of it is made before the first is written."""
        own_headers = _headers(headers)
        made = [encode(event, self._bytes_max) for event in events]
        parted = [split_hops(event.body) for event in made]
        rows = [
            (
                _headers({**(headers or {}), HOPS: hops}) if hops else own_headers,
                body.decode("utf-8"),
            )
            for hops, body in parted
        ]
        return [event.event_id for event in made], list(self._inserts(rows))

    def _inserts(self, written: Sequence[tuple[str | None, str]]) -> Iterator[_Statement]:
        for start in range(0, len(written), ROWS_MAX):
            some = written[start : start + ROWS_MAX]
            rows = ", ".join(["(CAST(%s AS jsonb), %s)"] * len(some))
            values = [value for row in some for value in row]
            yield f"INSERT INTO {self._table} (headers, body) VALUES {rows}", values


def _headers(headers: Mapping[str, str] | None) -> str | None:
    if headers is None:
        return None
    for name, value in headers.items():
        parts: tuple[object, ...] = (name, value)
        # PostgreSQL keeps neither in jsonb, and would end the transaction for it.
        if not all(isinstance(part, str) and "\0" not in part and _whole(part) for part in parts):
            raise SettingError(
                "headers must be texts by their names, without NUL; got something else. "
                "Write {'source': 'till'}."
            )
    return json.dumps(dict(headers))


def _whole(text: str) -> bool:
    return not any("\ud800" <= sign <= "\udfff" for sign in text)


def _cursor(db: Any) -> tuple[Any, bool]:
    """A cursor, and whether it is ours to close. A connection of psycopg has `execute` too; a
    cursor of Django has `cursor`, which is the driver's."""
    make = getattr(db, "cursor", None)
    return (make(), True) if callable(make) and not hasattr(db, "fetchone") else (db, False)


def _refuse_autocommit(db: Any) -> None:
    """NotInTransaction, as far as the driver says it: psycopg 2 and 3, and what is over them."""
    if hasattr(db, "fetchone"):  # a cursor: Django's knows its `db`, others their `connection`
        db = getattr(db, "db", None) or getattr(db, "connection", None)
    db = getattr(db, "driver_connection", None) or db  # behind that of a pool of SQLAlchemy
    alone = False
    if hasattr(db, "in_atomic_block"):
        alone = not db.in_atomic_block and db.get_autocommit()
    elif getattr(db, "autocommit", False):
        state = getattr(getattr(db, "info", None), "transaction_status", None)
        alone = state is not None and int(state) == _IDLE
    if alone:
        raise NotInTransaction(
            "An outbox must be written in the transaction of the change; the connection commits "
            "each statement by itself. Begin a transaction first: connection.transaction() in "
            "psycopg, transaction.atomic() in Django."
        )
