"""Why a PostgreSQL database does not let us in, in words.

Whoever uses a connection need not know where it leads: of libpq's own texts, which name hosts,
users and databases, nothing is passed on.
"""

import re

import psycopg

from tidings.connections.port import ConnectionDown

_NAME = re.compile(r'"[^"]*"')  # of a host, a user or a database: any word may be one
_STARTS = ("the database system is ", "administrator command")
_FULL = ("too many", "remaining connection")
# By words of libpq or the server. They have no SQLSTATE when no connection comes about.
_REFUSED = (
    # First: "the database system is starting up" has a word of those below.
    (_STARTS, "it starts or stops", "It goes on by itself"),
    (("password", "authentication"), "it takes neither our user nor our password", "Mend them"),
    (("pg_hba.conf",), "it lets nobody in with our user from here", "Admit it in pg_hba.conf"),
    (("role ", "database "), "it has no such user or database", "Mend user and dbname"),
    (("SSL", "certificate"), "no TLS with it comes about", "Mend sslmode and the certificates"),
    (_FULL, "it has no connection left", "Raise max_connections"),
)
_OF_CONNECTIONS = ("", "08", "28", "3D", "57")  # classes of SQLSTATE
_UNREACHED = ("nobody answers", "See that it runs, and that host and port are right")
_OTHER = ("it refuses us", "See the log of the server")


def is_of_connection(error: psycopg.Error) -> bool:
    """Return whether no connection came about, or it broke; False for errors of the statement
    itself."""
    state = error.sqlstate or ""
    return isinstance(error, psycopg.OperationalError) and state[:2] in _OF_CONNECTIONS


def refusal(connection: str, error: psycopg.Error) -> ConnectionDown:
    """Build the error that users of the connection are told."""
    got, do = _explain(error)
    return ConnectionDown(
        f"The database of connection {connection} must let us in and stay there; {got}. {do}."
    )


def reason_of(error: psycopg.Error) -> tuple[str, bool]:
    """Return why no connection came about, without the names in it, and whether the server says
    so."""
    text = _NAME.sub('""', str(error))
    _, fatal, reason = text.partition("FATAL:")
    return (reason, True) if fatal else (text, False)


def is_full(error: psycopg.Error) -> bool:
    """Return whether a server has no room for one more: those that are connected go on."""
    reason, is_of_server = reason_of(error)
    return is_of_server and any(word in reason for word in _FULL)


def is_starting(error: psycopg.Error) -> bool:
    """Return whether a server lets nobody in because it starts or stops."""
    reason, is_of_server = reason_of(error)
    return is_of_server and any(word in reason for word in _STARTS)


def _explain(error: psycopg.Error) -> tuple[str, str]:
    reason, is_of_server = reason_of(error)
    for words, got, do in _REFUSED:
        if any(word in reason for word in words):
            return got, do
    return _OTHER if is_of_server else _UNREACHED
