"""What PostgreSQL says of why it does not do what we ask, in words for the page of a source.

Whoever owns a source need not know where its connection leads: of libpq's own texts, which name
hosts, users and databases, nothing is passed on.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from tidings.connections.port import ConnectionDown

# By words of libpq or the server. They have no SQLSTATE when no connection comes about.
_REFUSED = (
    (("password", "authentication"), "it takes neither our user nor our password", "Mend them"),
    (("pg_hba.conf",), "it lets nobody in with our user from here", "Admit it in pg_hba.conf"),
    (("role ", "database "), "it has no such user or database", "Mend user and dbname"),
    (("SSL", "certificate"), "no TLS with it comes about", "Mend sslmode and the certificates"),
    (("too many", "remaining connection"), "it has no connection left", "Raise max_connections"),
    (("starting up", "shutting down", "recovery"), "it starts or stops", "It goes on by itself"),
)
_OF_CONNECTIONS = ("", "08", "28", "3D", "57")  # classes of SQLSTATE
_UNREACHED = ("nobody answers", "See that it runs, and that host and port are right")

# By SQLSTATE: what came, and what to do.
_SAID = {
    "42P01": ("there is none", "Make it as docs/sources.md shows"),
    "3F000": ("there is no such schema", "Make it as docs/sources.md shows"),
    "42703": ("it lacks a column", "Make it as docs/sources.md shows"),
    "42883": ("a column of it is of another type", "Make it as docs/sources.md shows"),
    "42804": ("a column of it is of another type", "Make it as docs/sources.md shows"),
    "42501": (
        "our user lacks a right",
        "GRANT USAGE on its schema, SELECT, and UPDATE (taken_at) on it to our user",
    ),
    "25006": ("the server takes no writes", "Name the primary, or target_session_attrs"),
    "57014": ("it took too long", "See who holds a lock on it, and whether its index is there"),
    "55P03": ("it is locked", "See who holds a lock on it"),
}
_OTHER = "see the log of the server"


def down(connection: str, table: str, error: psycopg.Error) -> ConnectionDown:
    """The error as the port has it."""
    state = error.sqlstate or ""
    if state in _SAID:
        return unfit(table, *_SAID[state])
    if isinstance(error, psycopg.OperationalError) and state[:2] in _OF_CONNECTIONS:
        came, do = _refusal(str(error))
        return ConnectionDown(
            f"The database of connection {connection} must let us in and stay there; {came}. {do}."
        )
    return unfit(table, f"PostgreSQL said {state or type(error).__name__}", _OTHER.capitalize())


def unfit(table: str, came: str, do: str) -> ConnectionDown:
    """The table is not as it must be."""
    return ConnectionDown(
        f"Table {table} must be an outbox that we may read and mark; {came}. {do}."
    )


@contextmanager
def told(connection: str, table: str) -> Iterator[None]:
    """Every error of PostgreSQL within it is told as ConnectionDown."""
    try:
        yield
    except psycopg.Error as error:
        raise down(connection, table, error) from None


def _refusal(text: str) -> tuple[str, str]:
    _, fatal, said = text.partition("FATAL:")
    for words, came, do in _REFUSED:
        if any(word in (said if fatal else text) for word in words):
            return came, do
    return ("it refuses us", _OTHER.capitalize()) if fatal else _UNREACHED
