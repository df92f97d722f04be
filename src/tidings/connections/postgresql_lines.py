"""Lines to one PostgreSQL database, shared by all who go over its connection.

One that broke, or whose statement was given up, is never handed out again.
"""

import asyncio
import itertools
import select
from collections.abc import Sequence
from contextlib import suppress
from time import monotonic
from typing import Any

import psycopg
from psycopg import AsyncConnection, AsyncRawCursor, generators, pq, waiting
from psycopg.abc import RV, PQGen
from psycopg.pq.abc import PGconn, PGresult

from tidings.connections.postgresql_dialling import conninfo
from tidings.core.connections.connection import Connection
from tidings.shared_places import SharedPlaces

IDLE_S = 60.0  # then a line that nobody needs is closed
CANCEL_S = 2.0  # for the server to hear that a statement was given up
_WAIT_S = 0.1
PREPARED_MAX = 200  # statements that the server keeps of a line

# What the rows mean must not depend on how the server or our user is set, nor may a row be
# forgotten that was confirmed. A peer that is gone without a word is known as gone within a minute.
_SESSION = """
SELECT pg_catalog.set_config(name, value, false) FROM (VALUES
  ('TimeZone', 'UTC'), ('DateStyle', 'ISO, YMD'), ('client_min_messages', 'error'),
  ('tcp_keepalives_idle', '20'), ('tcp_keepalives_interval', '10'), ('tcp_keepalives_count', '3'),
  ('synchronous_commit', CASE pg_catalog.current_setting('synchronous_commit')
    WHEN 'off' THEN 'on' ELSE pg_catalog.current_setting('synchronous_commit') END)
) AS said (name, value)
"""
_READ_ONLY = "SELECT pg_catalog.set_config('default_transaction_read_only', 'on', false)"
_BOUND = "SELECT pg_catalog.set_config('statement_timeout', $1::text, false)"


class PostgresqlConnection(AsyncConnection[tuple[Any, ...]]):
    """One of them. Whoever gives up waiting for a statement gives up the line."""

    bound_ms = 0
    idle_since_s = 0.0

    def __init__(self, pgconn: PGconn, *more: Any, **options: Any) -> None:
        super().__init__(pgconn, *more, **options)
        self._statement_names: dict[bytes, bytes] = {}  # names, by statement
        self._statement_numbers = itertools.count()

    async def wait(
        self, gen: PQGen[RV], interval: float = _WAIT_S, timeout: float | None = None
    ) -> RV:
        """Run a generator of psycopg. If it is cancelled, nobody waits for the server to agree: the
        line is dropped."""
        return await waiting.wait_async(gen, self.pgconn.socket, interval, timeout)

    @property
    def is_idle(self) -> bool:
        """Return whether it is there, and nothing is under way. What comes unasked is mostly a
        farewell: a new line costs less than a statement that nobody reads."""
        if self.closed or self.pgconn.transaction_status != pq.TransactionStatus.IDLE:
            return False
        poll = select.poll()
        poll.register(self.pgconn.socket, select.POLLIN)
        return not poll.poll(0)

    async def bound(self, deadline_s: float) -> None:
        """Have the server end statements that take longer."""
        bound_ms = max(1, round(deadline_s * 1000))
        if bound_ms != self.bound_ms:
            await self.execute(_BOUND, (str(bound_ms),))
            self.bound_ms = bound_ms

    async def prepare(self, statement: bytes) -> bytes:
        """Prepare a statement, once per line, and return its name on the server. The server plans
        it anew when its tables change."""
        if (name := self._statement_names.get(statement)) is None:
            if len(self._statement_names) == PREPARED_MAX:
                await self.execute("DEALLOCATE ALL")
                self._statement_names.clear()
            name = b"t%d" % next(self._statement_numbers)
            self.pgconn.send_prepare(name, statement)
            await self._result()
            self._statement_names[statement] = name
        return name

    async def write(self, prepared: bytes, row: bytes) -> int:
        """Run a statement with a row, which is handed over before anything is awaited; how many
        rows it has changed."""
        self.pgconn.send_query_prepared(prepared, [row])
        return (await self._result()).command_tuples or 0

    async def read(self, prepared: bytes, values: Sequence[bytes]) -> PGresult:
        """Run a statement with values, as texts without NUL: of what type each is, the server finds
        out."""
        self.pgconn.send_query_prepared(prepared, values)
        return await self._result()

    async def _result(self) -> PGresult:
        result: PGresult = (await self.wait(generators.execute(self.pgconn)))[-1]
        if result.status == pq.ExecStatus.FATAL_ERROR:
            raise psycopg.errors.error_from_result(result)
        return result

    async def end(self) -> None:
        """Tell the server that its statement was given up, and close."""
        with suppress(psycopg.Error, OSError, TimeoutError):
            if self.pgconn.transaction_status == pq.TransactionStatus.ACTIVE:
                async with asyncio.timeout(CANCEL_S):
                    await self.cancel_safe(timeout=CANCEL_S)
        await self.close()


class PostgresqlPool:
    """The connections to one PostgreSQL server: at most `most`, dialled as they are needed, and
    divided among orgs.

    Whoever takes a place says for which org, and says it again where the place is given back.
    """

    def __init__(self, connection: Connection, most: int, *, read_only: bool = False) -> None:
        """`read_only`: statements that would change anything are refused."""
        self._connection = connection
        self._read_only = read_only
        self._places: SharedPlaces[int] = SharedPlaces(most)
        self._idle: list[PostgresqlConnection] = []  # the one that was used last comes last
        self._ending: set[asyncio.Task[None]] = set()
        self._sweep: asyncio.TimerHandle | None = None

    async def place(self, org: int) -> None:
        """Wait until there is room for one more of an org: it is taken, and given back by `give` or
        `drop`, or by `leave`."""
        await self._places.acquire(org)

    def leave(self, org: int) -> None:
        """Give a place back without a line."""
        self._places.release(org)

    def idle(self) -> PostgresqlConnection | None:
        """Take the idle line that was used last, or return None; lines that broke meanwhile are
        closed."""
        while self._idle:
            line = self._idle.pop()
            if line.is_idle:
                return line
            self._end(line)
        return None

    async def dial(self) -> PostgresqlConnection:
        """Open a new line. Raise ConnectionDown if the dsn cannot be read, psycopg.Error if the
        server does not let us in."""
        line = await PostgresqlConnection.connect(
            conninfo(self._connection),
            autocommit=True,
            prepare_threshold=None,  # what is prepared is said
            cursor_factory=AsyncRawCursor,
        )
        try:
            await line.execute(_SESSION)
            if self._read_only:
                await line.execute(_READ_ONLY)
        except BaseException:
            self._end(line)
            raise
        return line

    def give(self, line: PostgresqlConnection, org: int) -> None:
        """Take back a line that an org needs no more; one with something under way is dropped."""
        if not line.is_idle:
            self.drop(line, org)
            return
        line.idle_since_s = monotonic()
        self._idle.append(line)
        self._places.release(org)
        if self._sweep is None:
            self._sweep = asyncio.get_running_loop().call_later(IDLE_S, self._close_old)

    def drop(self, line: PostgresqlConnection, org: int) -> None:
        """Close a line whose statement was given up; its place is free once it is closed."""
        self._end(line, org)

    async def close(self) -> None:
        """Close all that are idle, and wait for those that end."""
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None
        while self._idle:
            self._end(self._idle.pop())
        while self._ending:
            await asyncio.wait(self._ending)

    # -- inside -----------------------------------------------------------------------------------

    def _end(self, line: PostgresqlConnection, org: int | None = None) -> None:
        """Close a line; `org` has its place until then."""
        ending = asyncio.get_running_loop().create_task(line.end())
        self._ending.add(ending)

        def ended(_: asyncio.Task[None]) -> None:
            self._ending.discard(ending)
            if org is not None:
                self._places.release(org)

        ending.add_done_callback(ended)

    def _close_old(self) -> None:
        self._sweep = None
        before_s = monotonic() - IDLE_S
        while self._idle and self._idle[0].idle_since_s <= before_s:
            self._end(self._idle.pop(0))
        if self._idle:
            self._sweep = asyncio.get_running_loop().call_later(IDLE_S, self._close_old)
