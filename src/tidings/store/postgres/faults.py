"""Which errors of PostgreSQL say that it cannot be worked with now, and which blame a statement."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from tidings.store import port

# Connection; transaction rolled back by the server; resources, of which a full disk is one;
# shutting down, or cancelled by an operator; its disk.
_CLASSES = ("08", "40", "53", "57", "58")
TEXT_MAX = 600
_STATES = frozenset(
    (
        "25006",  # read only: a standby, or set so
        "25P03",  # idle in a transaction for too long
        "25P04",  # a transaction for too long
        "55P03",  # a lock was not to be had
    )
)


def postgres_fault_of(error: BaseException) -> psycopg.Error | None:
    """Return the server's refusal that an error is, or came of; None where none of it did."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, psycopg.Error) and is_server_fault(seen):
            return seen
        seen = seen.__cause__ or seen.__context__
    return None


@contextmanager
def refused_as_store(doing: str) -> Iterator[None]:
    """Raise StoreDown where the server refuses the block what may pass, as `down_where_refused`;
    StoreRefused where it goes on to: a right is missing, or a table."""
    try:
        with down_where_refused(doing):
            yield
    except psycopg.Error as error:
        reason = describe_fault(error)
        raise port.StoreRefused(
            f"The database must let the service work with it; it says: {reason}. Run, as the role "
            "that owns its tables: tidings migrate --serve-role ROLE"
        ) from error


@contextmanager
def down_where_refused(doing: str) -> Iterator[None]:
    """Raise StoreDown where the server refuses the block what may pass; `doing` says what that is.
    Other errors blame a statement, and go on as they are."""
    try:
        yield
    except psycopg.Error as error:
        if not is_server_fault(error):
            raise
        raise port.StoreDown(f"{doing}: {describe_fault(error)}") from error


def describe_fault(error: BaseException) -> str:
    """Return what a server, or the driver, says of an error: in one line, of printable signs, and
    no longer than can be read. Who answers there may be no PostgreSQL at all."""
    text = "".join(sign if sign.isprintable() else "?" for sign in " ".join(str(error).split()))
    return text if len(text) <= TEXT_MAX else f"{text[:TEXT_MAX]}…"


def is_server_fault(error: psycopg.Error) -> bool:
    """Return whether nothing is wrong with what was asked, and it may pass."""
    if error.sqlstate is None:  # libpq's: no connection, or it was lost
        return isinstance(error, psycopg.OperationalError)
    return error.sqlstate[:2] in _CLASSES or error.sqlstate in _STATES
