"""Into which table of a database the messages of a webhook go, and what of them into which of its
columns: the declaration of its fields. Pure.

Add a field here; the rest follows.
"""

import re
from typing import Annotated
from urllib.parse import quote

import msgspec

from tidings.core.connections.connection import Connection
from tidings.core.connections.tables import COLUMNS_MAX, shared_table, tables_of
from tidings.core.declaration import DeclaredField, Field
from tidings.core.field_types import CustomField, named, whole
from tidings.core.form import Form
from tidings.core.ids import OrgId
from tidings.core.picks import PICK, Pick, read_pick
from tidings.values import describe_value

TABLE = re.compile(r"[^\x00-\x1f\x7f]{1,127}")
COLUMN = re.compile(r"[^\x00-\x1f\x7f]{1,63}")
WHOLE = "$"
"""The path of the whole message."""


def _columns(
    form: Form, field: DeclaredField, previous: dict[str, Pick] | None
) -> dict[str, Pick] | None:
    value = form.body.get(field.name)
    if value is None:
        return None if field.name in form.body else previous
    fits = isinstance(value, dict) and 0 < len(value) <= COLUMNS_MAX
    if not fits or not all(COLUMN.fullmatch(column) for column in value):
        form.refuse(
            "bad_columns",
            field.name,
            f"{form.called(field.name)} must be an object of 1 to {COLUMNS_MAX} picks, each under "
            f"the column that it fills; got {describe_value(value)}. "
            'Write {"tier": {"path": "data.tier"}}, or leave it out.',
        )
        return previous
    found: dict[str, Pick] = {}
    for name, raw_pick in value.items():
        place = f"{field.name}.{name}"
        if (pick := read_pick(form, place, raw_pick)) is None:
            continue
        if pick.header is not None:
            form.refuse(
                "bad_pick",
                place,
                f"{form.called(place)} must have a path in the message or a constant; got a "
                'header. Write {"path": "data.tier"}.',
            )
        found[name] = pick
    return found


class SqlTable(msgspec.Struct, frozen=True, omit_defaults=True):
    """A table that the connection is for, and what goes into its columns."""

    table: Annotated[
        str,
        Field(
            "table",
            named(TABLE, "the name of a table", "Write customer_state.", null=False),
            "One that the operator has declared for the connection. Each message is one row.",
        ),
    ]
    columns: Annotated[
        dict[str, Pick] | None,
        Field(
            "columns",
            CustomField(
                _columns,
                schema={
                    "type": "object",
                    "minProperties": 1,
                    "maxProperties": COLUMNS_MAX,
                    "propertyNames": {"pattern": f"^{COLUMN.pattern}$"},
                    "additionalProperties": PICK,
                },
                shows=lambda columns: {name: pick.show() for name, pick in columns.items()},
            ),
            "Picks by the column that each goes to; `$` is the path of the whole message. Left out "
            "each column takes the field of its name.",
        ),
    ] = None

    @property
    def place(self) -> str:
        """See `TypeSettings`."""
        return quote(self.table)

    def trespass(self, connection: Connection, org: OrgId) -> str | None:
        """See `TypeSettings`."""
        table = tables_of(connection.fields, org).get(self.table)
        if table is None or not table.key or not shared_table(connection, table):
            return None
        return (
            f"The table {self.table} must have the org in its key, since several orgs may name the "
            f"connection {connection.name}: else one changes the rows of another. Ask the operator "
            'to declare its org = "…", a table for each org by {org} in the name, or a connection '
            "for each."
        )

    def outside(self, connection: Connection, org: OrgId) -> str | None:
        """See `TypeSettings`."""
        table = tables_of(connection.fields, org).get(self.table)
        if table is None:
            return (
                f"The table must be one that is declared for the connection {connection.name}; got "
                f"{describe_value(self.table)}. Name another one, or ask the operator to declare "
                "it."
            )
        outside_columns = {*table.settable} if self.columns is None else {*self.columns}
        if strange := sorted(outside_columns - {*table.settable}):
            return (
                f"The columns of the table {self.table} must be of {', '.join(table.settable)}; "
                f"got {describe_value(strange[0])}. Choose another, or ask the operator to declare "
                "it."
            )
        if lacking := sorted(table.needed - outside_columns):
            return (
                f"The columns of the table {self.table} must have {lacking[0]}, by which its rows "
                'are known; got nothing for it. Write {"path": "…"} for it.'
            )
        return None


SQL_TABLE = whole(
    SqlTable, '{"table": "customer_state", "columns": {"tier": {"path": "data.tier"}}}'
)
