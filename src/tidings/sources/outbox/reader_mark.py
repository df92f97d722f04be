"""Who reads a table for good: a row beside it, which outlives restarts and crashes of its reader.

The lock of a table ends with its connection, so it is free while its reader starts again or has
crashed. The row says whose the table is all the same, and that its reader has let go of it.
"""

from typing import Any, NamedTuple

import psycopg
from psycopg import sql

from tidings.connections.port import ConnectionDown
from tidings.sources.outbox.reading import Line

SUFFIX = "_reader"

# Another table that happens to be called so has other columns: it is none of ours.
_COLUMNS = """
SELECT count(*) FROM pg_attribute
 WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped
   AND attname IN ('only_one', 'installation', 'let_go_at')
"""
_READ = "SELECT installation, let_go_at IS NULL FROM {marks}"
_PUT = """
INSERT INTO {marks} (installation, let_go_at) VALUES (%s, NULL)
    ON CONFLICT (only_one)
    DO UPDATE SET installation = excluded.installation, let_go_at = NULL
"""
_LET_GO = "UPDATE {marks} SET let_go_at = now() WHERE installation = %s AND let_go_at IS NULL"


class ReaderMark(NamedTuple):
    """Which installation reads, or has read a table. `reads`: it has not let go of it."""

    installation: str
    reads: bool


class ReaderMarks:
    """The table of the mark beside one outbox. Written only by who holds the outbox's lock."""

    def __init__(self, line: Line, schema: str, table: str) -> None:
        self._line = line
        self._name = f"{table}{SUFFIX}"
        self._marks = sql.Identifier(schema, self._name)

    async def exists(self) -> bool:
        """Tell whether the application has made the table. psycopg.Error."""
        name = self._marks.as_string()
        [count] = await self._row(_COLUMNS, name) or [0]
        return bool(count == 3)  # noqa: PLR2004

    async def read(self) -> ReaderMark | None:
        """Return the mark; None where nobody has ever set it. ConnectionDown, psycopg.Error."""
        row = await self._row(self._of(_READ))
        return None if row is None else ReaderMark(*row)

    async def put(self, installation: str) -> None:
        """Say that an installation reads the table from now on. ConnectionDown, psycopg.Error."""
        await self._write(_PUT, installation)

    async def let_go(self, installation: str) -> None:
        """Say that it reads no more, if it is its. ConnectionDown, psycopg.Error."""
        await self._write(_LET_GO, installation)

    def _of(self, query: str) -> str:
        return sql.SQL(query).format(marks=self._marks).as_string()

    async def _row(self, query: str, *bindings: object) -> tuple[Any, ...] | None:
        try:
            return await (await self._line.execute(query.encode(), bindings)).fetchone()
        except psycopg.errors.InsufficientPrivilege:
            raise self._denied() from None

    async def _write(self, query: str, installation: str) -> None:
        try:
            await self._line.execute(self._of(query).encode(), (installation,))
        except psycopg.errors.InsufficientPrivilege:
            raise self._denied() from None

    def _denied(self) -> ConnectionDown:
        return ConnectionDown(
            f"Table {self._name} must be one that our user may read and write: it says which "
            "installation of Tidings reads the outbox. GRANT SELECT, INSERT, UPDATE on it to our "
            "user."
        )
