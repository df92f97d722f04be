"""Which side of a copy a store is (`tidings store copy`), and so whether it may start.

At most one of the two stores of a copy starts. A source is marked before its first row is read, so
nothing changes in it on the way; it is left for good before its target is whole. Between the two
marks neither starts, and each says which command goes on.
"""

from enum import StrEnum
from typing import NamedTuple

from tidings.store import port
from tidings.store.sql.connection import StoreConnection
from tidings.store.sql.row_mapping import StoredTable


class CopySide(StrEnum):
    """The part of a store in a copy."""

    LEAVING = "leaving"  # the source, while it is copied
    LEFT = "left"  # the source, once everything was compared
    ARRIVING = "arriving"  # the target, while it is filled
    ARRIVED = "arrived"  # the target, whole, and never started
    WITHDRAWN = "withdrawn"  # the target, whose source was taken back


class CopyMark(NamedTuple):
    """The mark of a store. `copy` names the copy; `other` the store on its other side, for people;
    `options` are those of the command that makes it."""

    copy: str
    side: str
    other: str
    options: str
    id: int = 1


_MARK = StoredTable("store_copy", CopyMark)
_PUT = _MARK.upsert("id")
_DROP = "DELETE FROM store_copy"
_REFUSALS = {
    CopySide.LEAVING: (
        "The store must not start: it is being copied to {other}. Finish the copy with `tidings "
        "store copy {options}`, or give it up with `tidings store take-back {options}`."
    ),
    CopySide.LEFT: (
        "The store must not start: it was copied to {other}, and with both every event would be "
        "sent twice. Start that one; if it was never started, `tidings store take-back {options}` "
        "gives this one back."
    ),
    CopySide.ARRIVING: (
        "The store must be whole to start: it holds a part of a copy of {other}. Finish the copy "
        "with `tidings store copy {options}`."
    ),
    CopySide.WITHDRAWN: (
        "The store must not start: it is a copy of {other}, which was taken back and serves "
        "itself. Start that one, or copy it again into an empty store."
    ),
}


def read_mark(connection: StoreConnection) -> CopyMark | None:
    """Read the mark of a store; None where it is part of no copy."""
    row = connection.execute(_MARK.select).fetchone()
    return None if row is None else _MARK.read(row)


def put_mark(connection: StoreConnection, mark: CopyMark) -> None:
    """Write the mark of a store, in a transaction of its own."""
    with connection:
        connection.execute(_PUT, _MARK.write(mark))


def drop_mark(connection: StoreConnection) -> None:
    """Make a store part of no copy, in a transaction of its own."""
    with connection:
        connection.execute(_DROP)


def begin_to_serve(connection: StoreConnection) -> None:
    """Raise StoreRefused where a store must not start. A whole copy that starts for the first time
    is one no more: its source can no longer be taken back."""
    refuse_to_serve(connection)
    if read_mark(connection) is not None:
        drop_mark(connection)


def refuse_to_serve(connection: StoreConnection) -> None:
    """Raise StoreRefused where a store must not start."""
    mark = read_mark(connection)
    if mark is None or mark.side == CopySide.ARRIVED:
        return
    refusal = _REFUSALS[CopySide(mark.side)]
    raise port.StoreRefused(refusal.format(other=mark.other, options=mark.options))
