"""Opening connections to the schema of a store: where it is, under which name, with what bounds.

Names are those of a store: the connection that writes is found by its name, and ended by it.
"""

from typing import Any, NamedTuple

import psycopg

from tidings.store import port
from tidings.store.postgres.connection import PostgresConnection
from tidings.store.postgres.faults import describe_fault, is_server_fault
from tidings.store.postgres.owner_connection import OwnerConnection, SearchConnection
from tidings.store.postgres.ownership import Ownership
from tidings.store.postgres.watched_connection import CONNECT_S, WatchedConnection

MAP_SUFFIX = "_map"  # of the schema that the map of cells has beside that of the first one
IDLE_S = 60  # of the connection that writes: its owner renews more often
# A machine that is gone says nothing: what is idle is asked, and what was sent and is not confirmed
# is given up, which the system would do after a quarter of an hour.
LOST_AFTER: dict[str, Any] = {
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 11_000,
}
# What roles, databases and URIs may set otherwise, and is not theirs to choose: texts are UTF-8 in
# all that is sent, a statement means what is written, one is seen by the next, and it may take as
# long as it takes: reading what is unfinished, at a start, takes longer with all that there is.
OURS = (
    ("standard_conforming_strings", "on"),
    ("transform_null_equals", "off"),
    ("default_transaction_isolation", "read committed"),
    ("statement_timeout", "0"),
    ("transaction_timeout", "0"),
    ("idle_session_timeout", "0"),
    ("idle_in_transaction_session_timeout", "0"),
)
_SET_OURS = (
    "SELECT set_config(s.name, given.value, false) FROM pg_settings s JOIN (VALUES "
    + ", ".join(f"('{name}', '{value}')" for name, value in OURS)
    + ") AS given (name, value) ON given.name = s.name"  # older servers have not all of them
)
# The questions of the log name their tables in the order in which few rows are left, and each is
# reached by an index. What PostgreSQL expects of a range of ids between two columns is a ninth of
# the table, for which it would read all of it.
AS_WRITTEN = (
    "enable_hashjoin = off",
    "enable_mergejoin = off",
    "join_collapse_limit = 1",
    "from_collapse_limit = 1",
    "jit = off",
)


def _refusal(error: psycopg.Error) -> Exception:
    """Return what is raised of a connection that could not be opened."""
    reason = describe_fault(error)
    if is_server_fault(error):
        return port.StoreDown(f"the database is not to be reached: {reason}")
    return port.StoreRefused(
        f"The database must let the service in; it says: {reason}. Look at `database`, and at what "
        "the server allows this role."
    )


class StoreDatabase(NamedTuple):
    """Where the rows are: a database, and the schema in it."""

    uri: str
    schema: str = "tidings"

    def connect(self, name: str) -> "psycopg.Connection[Any]":
        """Open a connection of a name (`application_name`), whose names lead to the schema. One
        whose server is gone without a word is given up (`watched_connection.py`).

        StoreDown where the server is not to be reached now, StoreRefused where it lets nobody in.
        """
        try:
            connection = WatchedConnection.connect(
                self.uri,
                autocommit=True,
                application_name=name,
                connect_timeout=CONNECT_S,
                client_encoding="UTF8",  # whatever the URI says: with others texts come as bytes
                **LOST_AFTER,
            )
        # The second: a name of a host that no name server can be asked for.
        except (psycopg.ProgrammingError, UnicodeError):  # their text may repeat a password
            raise port.StoreRefused(
                "The database must be named as libpq reads it; it cannot read this URI. Look at "
                "its host, and at the names and values of its parameters."
            ) from None
        except psycopg.Error as error:
            raise _refusal(error) from error
        try:
            connection.open_schema(self.uri, self.schema)
            connection.execute(_SET_OURS.encode())
        except psycopg.Error as error:
            connection.close()
            raise _refusal(error) from error
        except BaseException:
            connection.close()
            raise
        return connection

    def open_writer(self, ours: Ownership) -> OwnerConnection:
        """Open the one connection that writes what the engine commits. A server that has lost its
        client notices, so that what it has begun does not stand in a successor's way."""
        connection = self.connect(f"{ours.holder} writes")
        for setting in ("idle_session_timeout", "idle_in_transaction_session_timeout"):
            connection.execute(f"SET {setting} = '{IDLE_S}s'".encode())
        return OwnerConnection(connection, ours)

    def open_reader(self, ours: Ownership, answer_s: float) -> PostgresConnection:
        """Open a connection for logs and the console, which writes nothing."""
        connection = self._bounded(f"{ours.holder} reads", answer_s)
        for setting in AS_WRITTEN:
            connection.execute(f"SET {setting}".encode())
        return PostgresConnection(connection, read_only=True)

    def open_search(self, ours: Ownership, answer_s: float) -> SearchConnection:
        """Open the connection that writes what is found by. All of it can be made again from the
        events, so no commit waits for the disk."""
        return SearchConnection(self._bounded(f"{ours.holder} searches", answer_s), ours)

    def _bounded(self, name: str, answer_s: float) -> "psycopg.Connection[Any]":
        """Open a connection whose server ends statements that take longer."""
        connection = self.connect(name)
        connection.execute(f"SET statement_timeout = {round(answer_s * 1000)}".encode())
        return connection
