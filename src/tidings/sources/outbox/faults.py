"""What PostgreSQL says of why it does not do what we ask, in words for the page of a source.

Whoever owns a source need not know where its connection leads: of libpq's own texts, which name
hosts, users and databases, nothing is passed on.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from tidings.connections.port import ConnectionDown
from tidings.connections.postgresql_faults import is_of_connection, refusal

# By SQLSTATE: what came, and what to do.
_EXPLANATIONS = {
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


def down(connection: str, table: str, error: psycopg.Error) -> ConnectionDown:
    """Convert an error of PostgreSQL into the port's ConnectionDown, in words of ours."""
    state = error.sqlstate or ""
    if state in _EXPLANATIONS:
        return unfit(table, *_EXPLANATIONS[state])
    if is_of_connection(error):
        return refusal(connection, error)
    message = f"PostgreSQL said {state or type(error).__name__}"
    return unfit(table, message, "See the log of the server")


def unfit(table: str, got: str, do: str) -> ConnectionDown:
    """Build the ConnectionDown for a table that is not as it must be: what it is, and what to
    do."""
    return ConnectionDown(
        f"Table {table} must be an outbox that we may read and mark; {got}. {do}."
    )


@contextmanager
def translated_errors(connection: str, table: str) -> Iterator[None]:
    """Raise ConnectionDown in place of any error of PostgreSQL within it."""
    try:
        yield
    except psycopg.Error as error:
        raise down(connection, table, error) from None
