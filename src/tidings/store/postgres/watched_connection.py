"""A connection that does not wait for ever for a server that is gone without a word.

A server that is frozen, and one behind a network or a proxy that swallows what is sent, answers
nothing and resets nothing. The bounds of the system end what nobody confirms, but the machine of a
frozen server confirms, and so does a proxy. How long a statement takes says nothing either: a
commit waits for its standby, an index is built. So after a while of silence the server is asked
over a second connection whether it works at what was asked over ours. One that does may take any
time.
"""

import time
from collections.abc import Callable
from contextlib import closing
from typing import Any, NoReturn, TypeVar

import psycopg
from psycopg.abc import PQGen

CONNECT_S = 5
SILENT_S = 5.0  # until the server is asked, and asked again
_OPEN = "SELECT pg_backend_pid(), set_config('search_path', quote_ident(%s), false)"
# Who has the role of a connection sees its state. A server that keeps none (`track_activities`)
# counts as one that works.
_WORKS = "SELECT 1 FROM pg_stat_activity WHERE pid = %s AND NOT starts_with(state, 'idle')"

Value = TypeVar("Value")


class WatchedConnection(psycopg.Connection[Any]):
    """See above. One that is given up is closed, and raises what a lost one raises."""

    _uri = ""
    _pid: int | None = None  # of its process at the server; behind a pooler, libpq names another

    def open_schema(self, uri: str, schema: str) -> None:
        """Have names lead to a schema, over a connection that was opened to `uri`. A server that is
        silent meanwhile is given up."""
        self._uri = uri
        [(self._pid, _)] = self.execute(_OPEN, (schema,)).fetchall()

    def wait(self, gen: PQGen[Value], *given: Any, **named: Any) -> Value:
        """Wait for what is asked of the server (`psycopg.Connection.wait`)."""
        return super().wait(_watched(gen, self._is_worked_at, self._give_up), *given, **named)

    def _is_worked_at(self) -> bool:
        """Ask the server whether it works at what was asked over this connection."""
        if self._pid is None:
            return False
        server: dict[str, Any] = {"host": self.info.host, "port": self.info.port}
        if self.info.hostaddr:
            server["hostaddr"] = self.info.hostaddr
        try:
            other = _BoundedConnection.connect(
                self._uri,
                **server,
                autocommit=True,
                application_name="tidings look",
                connect_timeout=CONNECT_S,
                target_session_attrs="any",
            )
        except psycopg.errors.ConnectionTimeout:
            return False
        except psycopg.Error:
            return True  # somebody answers, if only that there is no room for one more
        with closing(other):
            try:
                return other.execute(_WORKS, (self._pid,)).fetchone() is not None
            except psycopg.Error:
                return False

    def _give_up(self) -> NoReturn:
        self.pgconn.finish()
        raise psycopg.OperationalError(
            "the server has not answered, and does not work at what it was asked: the connection "
            "is given up"
        )


class _BoundedConnection(psycopg.Connection[Any]):
    """A connection each of whose answers comes as soon as it must have been opened, or never."""

    def wait(self, gen: PQGen[Value], *given: Any, **named: Any) -> Value:
        """See `psycopg.Connection.wait`."""
        return super().wait(gen, *given, **{"timeout": CONNECT_S} | named)


def _watched(
    gen: PQGen[Value], is_worked_at: Callable[[], bool], give_up: Callable[[], NoReturn]
) -> PQGen[Value]:
    """Go on as `gen` does, and look after the server when nothing has come for a while. Who waits
    for it hears of that a few times a second."""
    silent_since_s, lost = 0.0, False
    try:
        wanted = next(gen)
        while True:
            ready = yield wanted
            if ready:
                silent_since_s, lost = 0.0, False
            elif lost:
                give_up()  # nor has an answer come while the server was asked
            elif not silent_since_s:
                silent_since_s = time.monotonic()
            elif time.monotonic() - silent_since_s >= SILENT_S:
                lost, silent_since_s = not is_worked_at(), time.monotonic()
            wanted = gen.send(ready)
    except StopIteration as end:
        value: Value = end.value
        return value
