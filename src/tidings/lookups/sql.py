"""Look-ups in a PostgreSQL database: the first row of a statement, over a connection of type sql.

The statement is asked in a transaction that can only read, and ended by the server where nobody
waits for it any more. Each value goes as a text of which the server makes what stands beside it: 42
finds a number 42 and a text '42'. A value that it cannot make that of, as `abc` where a number
stands, is refused: the action fails with it. Whatever else goes wrong, a statement with a mistake
too, says that nobody answers now: it is asked again, and the operator mends it meanwhile.

Of the server's texts nothing is passed on: they may quote what was looked up.
"""

import asyncio
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import psycopg

from tidings.connections.port import ConnectionDown
from tidings.connections.postgresql_faults import is_of_connection, refusal
from tidings.connections.postgresql_lines import PostgresqlConnection, PostgresqlPool
from tidings.core.actions.action import SqlLookup
from tidings.core.actions.context import text_of
from tidings.lookups.port import RECORD_BYTES_MAX, LookupDown, LookupRefused
from tidings.lookups.records import LookupRecordUnfit, read_record
from tidings.lookups.sql_statement import asked_as

_ORG = 0  # the file of actions is one org's: nobody else has use for these lines
_ENDED = "57014"  # by statement_timeout
_VALUES = ("21", "22")  # classes of SQLSTATE that speak of values and of what is found by them
# By SQLSTATE, or by its class: what came, and what to do.
_EXPLANATIONS = {
    "08P01": ("a value stands within quotes", "Leave the quotes around it out"),
    "25006": ("it must only read, and does not", "Correct sql"),
    "42501": ("our user lacks a right for it", "Grant it"),
    "42P01": ("there is no such table", "Correct sql, or make the table"),
    "42P18": ("the server cannot tell of what type a value is", "Write %(id)s::text"),
    "42": ("the server does not understand it", "Correct sql"),
    "40": ("others write at the same time", "It is asked again by itself"),
    "53": ("the database has no room for more", "It is asked again by itself"),
    "55": ("it is in use", "It is asked again by itself"),
}
_OTHER = ("the database fails", "See its log")


class _Row(NamedTuple):
    """A row as JSON; None where it has more bytes than a record may have."""

    size: int
    written: bytes | None


class SqlSource:
    """See `LookupBackend`."""

    def __init__(self, where: SqlLookup, lines: PostgresqlPool) -> None:
        """`lines` of its connection, which can only read; other look-ups may share them."""
        self._connection = where.connection
        self._lines = lines
        self._statement, self._names = asked_as(where.statement)

    async def find(self, values: Mapping[str, Any], deadline_s: float) -> dict[str, Any] | None:
        texts = [self._text(name, values.get(name)) for name in self._names]
        if any(b"\0" in text for text in texts):
            return None  # no text of PostgreSQL holds it, and what is behind it would be cut off
        try:
            async with asyncio.timeout(deadline_s):
                found = await self._asked(texts, deadline_s)
        except TimeoutError:
            raise LookupDown(
                f"The database of connection {self._connection} must answer in time; it did not. "
                "Make an index for the statement, or raise deadline."
            ) from None
        except ConnectionDown as down:
            raise LookupDown(str(down)) from None
        except psycopg.Error as error:
            raise self._fault(error) from None
        return None if found is None else self._record(found)

    async def check(self) -> str | None:
        return None

    async def close(self) -> None:
        await self._lines.close()

    # -- inside -----------------------------------------------------------------------------------

    def _text(self, name: str, value: object) -> bytes:
        text = text_of(value)
        try:
            if text is not None:
                return text.encode()
        except UnicodeEncodeError:  # half a sign
            pass
        raise LookupRefused(
            f"The value of {name} must be a text, a number or a truth; it is something else. "
            f"Correct values.{name}."
        )

    async def _asked(self, texts: list[bytes], deadline_s: float) -> "_Row | None":
        """Return how many bytes the first row has, and the row where these are not too many."""
        await self._lines.place(_ORG)
        try:
            line, kept = self._lines.idle(), True
            if line is None:
                line, kept = await self._lines.dial(), False
        except BaseException:
            self._lines.leave(_ORG)
            raise
        try:
            result = await self._answer(line, texts, deadline_s)
        except psycopg.Error:
            ended = kept and line.closed
            self._lines.give(line, _ORG)
            if ended:  # before it was asked: another one
                return await self._asked(texts, deadline_s)
            raise
        except BaseException:
            self._lines.drop(line, _ORG)
            raise
        self._lines.give(line, _ORG)
        return result

    async def _answer(
        self, line: PostgresqlConnection, texts: list[bytes], deadline_s: float
    ) -> "_Row | None":
        await line.bound(math.ceil(deadline_s))  # in few lengths: each other one is told first
        result = await line.read(await line.prepare(self._statement), texts)
        if result.ntuples == 0:
            return None
        return _Row(int(result.get_value(0, 0) or 0), result.get_value(0, 1))

    def _record(self, row: "_Row") -> dict[str, Any]:
        if row.written is None:
            raise LookupRefused(
                f"A row must be at most {RECORD_BYTES_MAX >> 10} KiB as JSON; got {row.size}. "
                "Select fewer columns."
            )
        try:
            return read_record(row.written)
        except LookupRecordUnfit as unfit:
            raise LookupRefused(f"A row must be {unfit.must}; got {unfit.got}.") from None

    def _fault(self, error: psycopg.Error) -> LookupDown | LookupRefused:
        state = error.sqlstate or ""
        if state == _ENDED:
            return LookupDown(
                f"The database of connection {self._connection} must answer in time; it ended the "
                "statement. Make an index for it, or raise deadline."
            )
        if is_of_connection(error) and state not in _EXPLANATIONS:
            return LookupDown(str(refusal(self._connection, error)))
        if state[:2] in _VALUES:
            return LookupRefused(
                f"The statement must take its values; the server refuses them ({state}). Correct "
                "sql, or the paths in values."
            )
        got, do = _EXPLANATIONS.get(state) or _EXPLANATIONS.get(state[:2]) or _OTHER
        return LookupDown(f"The statement must find a row; {got} ({state or 'unknown'}). {do}.")
