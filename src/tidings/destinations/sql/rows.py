"""What a message is as a row: its columns by name, as one JSON object. Pure.

It is sent as it stands here, and the server makes of each value what its column is: numbers keep
their digits, an object goes into a json or jsonb column as it is written.
"""

from collections.abc import Mapping

import msgspec

from tidings.core.connections.tables import DeclaredTable
from tidings.core.events.passage import HEADER
from tidings.core.exact_json import (
    PathTree,
    Steps,
    fields_of,
    read_exactly,
    unreadable_path,
    write_exactly,
)
from tidings.core.ids import OrgId
from tidings.core.picks import MessageFault, PassedOver, Pick, steps_of
from tidings.core.webhooks.targets.sql_table import WHOLE, SqlTable
from tidings.destinations.port import Headers

PASSED_ON = ("webhook-id", HEADER)


def row_of(sql: SqlTable, table: DeclaredTable, id: str | None, body: bytes, org: OrgId) -> bytes:
    """Make the row. `id` of the message and `org` of its webhook are for the columns that the table
    has for them. MessageFault."""
    row: dict[str, object] = {}
    message = _message(body)
    if sql.columns is None:
        fields = _fields(message)
        for name in table.settable:
            row[name] = fields.get(name)
    else:
        paths = _read(sql.columns, message)
        for name, pick in sql.columns.items():
            row[name] = _value(pick, paths, name)
    for name in table.needed:
        if row.get(name) in (None, _NULL):
            pick = Pick(path=name) if sql.columns is None else sql.columns[name]
            raise MessageFault(
                "no_value",
                f"{name} must have a value {pick.where()}, since rows of the table are known by "
                "it; there is nothing. Correct sql.columns, or the transformation.",
                name,
            )
    if table.id and id is not None:
        row[table.id] = id
    if table.org_column:
        row[table.org_column] = org
    return write_exactly(row)


def with_headers(row: bytes, table: DeclaredTable, left: Headers) -> bytes:
    """Add what a message has left with, if the table has a column for it, to its row."""
    if not table.headers or not row:
        return row
    kept = {name: value for name, value in left if name in PASSED_ON}
    return write_exactly(fields_of(row) | {table.headers: kept})


_NULL = msgspec.Raw(b"null")


def _read(columns: Mapping[str, Pick], message: msgspec.Raw) -> dict[Steps, msgspec.Raw]:
    """Read the values at the paths of all columns, by one reading of the message."""
    ways = [pick.steps for pick in columns.values() if pick.path != WHOLE]
    paths = PathTree(way for way in ways if way is not None).read(message)
    return paths | {steps_of(WHOLE): message}


def _value(pick: Pick, paths: Mapping[Steps, msgspec.Raw], name: str) -> msgspec.Raw | None:
    try:
        return pick.take(pick.finder()(paths, {}), name)
    except PassedOver:  # a text that `names` makes nothing of
        return None


def _message(body: bytes) -> msgspec.Raw:
    try:
        read_exactly(body)  # all of it, and not only what is looked at below
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        if path := unreadable_path(body):
            raise MessageFault(
                "unreadable",
                f"{path} must be a readable value; it has too many digits or levels. Correct the "
                "sender, or the transformation.",
                path,
            ) from None
        raise MessageFault(
            "not_json",
            "The message must be JSON, since columns read values from it; it is not. Correct the "
            "transformation.",
        ) from None
    return msgspec.Raw(body.strip())


def _fields(message: msgspec.Raw) -> dict[str, msgspec.Raw]:
    if bytes(message)[:1] != b"{":
        raise MessageFault(
            "no_object",
            "The message must be an object of columns, since sql.columns names none; it is not. "
            "Write sql.columns, or correct the transformation.",
        )
    return fields_of(message)
