"""What the operator says of the tables of a connection that rows may be written to. Pure.

[crm.tables.customer_state]       # or [crm.tables."loyalty.customer_state"], with its schema
columns = ["customer_id", "tier", "points", "event_id", "at"]
key = ["customer_id"]
id = "event_id"
newer = "at"
org = "org_id"                    # or a table for each org: [crm.tables."customer_state_{org}"]
headers = "headers"               # where its rows may come back by an outbox
"""

import re
from collections.abc import Iterator, Mapping

import msgspec

from tidings.core.connections.admitted import ORG
from tidings.core.connections.connection import Connection
from tidings.core.ids import ORG_ID_MAX, OrgId
from tidings.values import describe_value

TABLES, LINES_MAX = "tables", "connections_max"
LINES_USUAL = 10
COLUMNS_MAX = 100
NAME_BYTES_MAX = 63  # PostgreSQL cuts off what is longer
_FIELDS = ("columns", "key", "id", "newer", "org", "headers")
OUTBOX_HEADERS = "headers"  # the column of them that an outbox has
_ANOTHER_NUMBER = re.compile(r"[0-9}]\{org\}|\{org\}[0-9{]")


class DeclaredTable(msgspec.Struct, frozen=True):
    """One of them. `columns`: those that a webhook may set. `key`: a row is changed where there is
    one with these; none: every row is a new one. `id`: the column of the message's id, by which a
    repeat is known. `newer`: a row is changed only by what is as new or newer by this column.
    `org_column`: the column of the org's number, which no webhook sets. `per_org`: whether each
    org has a table of its own by the name. `headers`: the column that gets the message's id and how
    often its event has been through Tidings, as an object, for whoever makes an event of it."""

    columns: tuple[str, ...]
    key: tuple[str, ...] = ()
    id: str = ""
    newer: str = ""
    org_column: str = ""
    per_org: bool = False
    headers: str = ""

    @property
    def settable(self) -> tuple[str, ...]:
        """Return the columns that a webhook fills; id, org and headers are set by themselves."""
        by_itself = (self.id, self.org_column, self.headers)
        return tuple(column for column in self.columns if column not in by_itself)

    @property
    def passes_on(self) -> bool:
        """Return whether an outbox that reads the table is told how often a row's event came
        through."""
        return self.headers == OUTBOX_HEADERS

    @property
    def needed(self) -> frozenset[str]:
        """Return the columns without which nobody can tell which row is meant, and whether it is
        older."""
        return frozenset({*self.key, self.newer} - {"", self.org_column})


def tables_of(fields: Mapping[str, object], org: OrgId) -> dict[str, DeclaredTable]:
    """Name the tables of a connection that says these fields, as the org has them, but for those
    that are not as they must be."""
    return {name.replace(ORG, str(org)): table for name, table in _declared(fields)}


def shared_table(connection: Connection, table: DeclaredTable) -> bool:
    """Tell whether several orgs may write to a table, and nothing in it tells their rows apart."""
    several = connection.orgs is None or len(connection.orgs) > 1
    return several and not table.org_column and not table.per_org


def shared_tables(connection: Connection) -> dict[str, DeclaredTable]:
    """Name those tables of a connection, as the operator calls them."""
    found = dict(_declared(connection.fields))
    return {name: table for name, table in found.items() if shared_table(connection, table)}


def _declared(fields: Mapping[str, object]) -> Iterator[tuple[str, DeclaredTable]]:
    tables = fields.get(TABLES)
    for name, table in tables.items() if isinstance(tables, dict) else ():
        if any(table_faults(name, table)):
            continue
        yield (
            name,
            DeclaredTable(
                columns=tuple(table["columns"]),
                key=tuple(table.get("key", ())),
                id=table.get("id", ""),
                newer=table.get("newer", ""),
                org_column=table.get("org", ""),
                per_org=ORG in name,
                headers=table.get("headers", ""),
            ),
        )


def tables_faults(fields: Mapping[str, object]) -> Iterator[str]:
    """Yield what is wrong with the tables of a connection that has these fields."""
    tables = fields.get(TABLES)
    for name, table in tables.items() if isinstance(tables, dict) else ():
        yield from table_faults(name, table)


def table_faults(name: str, declared_table: object) -> Iterator[str]:
    """Yield what is wrong with one table."""
    where = f"{TABLES}.{name}"
    parts = name.split(".")
    if len(parts) > 2 or not all(_is_name(part.replace(ORG, str(ORG_ID_MAX))) for part in parts):
        yield f"{where} must be a table's name, or its schema's and its own with a point between"
    if not isinstance(declared_table, dict):
        yield (
            f"{where} must be a table of {', '.join(_FIELDS)}; got {describe_value(declared_table)}"
        )
        return
    if strange := sorted(declared_table.keys() - set(_FIELDS)):
        yield f"{where} must have fields of {', '.join(_FIELDS)} alone; got {strange[0]}"
    columns, key = declared_table.get("columns", []), declared_table.get("key", [])
    for field, value in (("columns", columns), ("key", key)):
        if not _are_names(value):
            yield (
                f"{where}.{field} must be a list of at most {COLUMNS_MAX} names of columns, each "
                f"once; got {describe_value(value)}"
            )
            return
    id, newer, org = (
        declared_table.get("id", ""),
        declared_table.get("newer", ""),
        declared_table.get("org", ""),
    )
    if not columns:
        yield f"{where}.columns must name a column; got none"
    if "id" in declared_table and not _is_name(id):
        yield f"{where}.id must be a column; got {describe_value(id)}"
    yield from _org_faults(where, name, declared_table)
    headers = declared_table.get("headers", "")
    if "headers" in declared_table and (not _is_name(headers) or headers in (*key, id, newer, org)):
        yield (
            f"{where}.headers must be a column of its own, beside key, id, newer and org; got "
            f"{describe_value(headers)}"
        )
    if not key and not id:
        yield f"{where} must have a key or an id: else what comes again is written again"
    if strange := [
        column for column in key if column != org and (column not in columns or column == id)
    ]:
        yield f"{where}.key must be of its columns, without the id; got {strange[0]}"
    if "newer" in declared_table and (newer not in columns or newer in (*key, id, org) or not key):
        yield (
            f"{where}.newer must be one of its columns, neither of the key nor the id, beside a "
            f"key; got {describe_value(newer)}"
        )


def _org_faults(where: str, name: str, table_fields: Mapping[str, object]) -> Iterator[str]:
    """Say what would let two orgs at the same rows, though the table is to tell them apart."""
    if _ANOTHER_NUMBER.search(name):
        yield f"{where} must have {ORG} beside no digit and no other {ORG}: else orgs share a name"
    if "org" not in table_fields:
        return
    org, key = table_fields["org"], table_fields.get("key", [])
    if not _is_name(org) or org == table_fields.get("id"):
        yield f"{where}.org must be a column, and not the id; got {describe_value(org)}"
    elif isinstance(key, list) and key and org not in key:
        yield f"{where}.key must have {org}, the column of the org: else orgs change others' rows"
    elif key == [org]:
        yield f"{where}.key must have a column beside {org}: else an org has one row alone"


def _is_name(value: object) -> bool:
    return (
        isinstance(value, str)
        and 0 < len(value.encode(errors="replace")) <= NAME_BYTES_MAX
        and value.isprintable()
    )


def _are_names(value: object) -> bool:
    return (
        isinstance(value, list)
        and len(value) <= COLUMNS_MAX
        and all(_is_name(name) for name in value)
        and len(set(value)) == len(value)
    )
