"""What the operator says of the tables of a connection that rows may be written to. Pure.

[crm.tables.customer_state]       # or [crm.tables."loyalty.customer_state"], with its schema
columns = ["customer_id", "tier", "points", "event_id", "at"]
key = ["customer_id"]
id = "event_id"
newer = "at"
"""

from collections.abc import Iterator, Mapping

import msgspec

from tidings.core.form import came

TABLES, LINES_MAX = "tables", "connections_max"
LINES_USUAL = 10
COLUMNS_MAX = 100
NAME_BYTES_MAX = 63  # PostgreSQL cuts off what is longer
_FIELDS = ("columns", "key", "id", "newer")


class DeclaredTable(msgspec.Struct, frozen=True):
    """One of them. `columns`: those that a webhook may set. `key`: a row is changed where there is
    one with these; none: every row is a new one. `id`: the column of the message's id, by which a
    repeat is known. `newer`: a row is changed only by what is as new or newer by this column."""

    columns: tuple[str, ...]
    key: tuple[str, ...] = ()
    id: str = ""
    newer: str = ""

    @property
    def settable(self) -> tuple[str, ...]:
        """What a webhook says; the id is set by itself."""
        return tuple(one for one in self.columns if one != self.id)

    @property
    def needed(self) -> frozenset[str]:
        """The columns without which nobody could say which row it is, and whether it is older."""
        return frozenset({*self.key, self.newer} - {""})


def tables_of(fields: Mapping[str, object]) -> dict[str, DeclaredTable]:
    """The tables of a connection that says these fields, but for those that are not as they must
    be."""
    said = fields.get(TABLES)
    tables = said if isinstance(said, dict) else {}
    return {
        name: DeclaredTable(
            columns=tuple(one["columns"]),
            key=tuple(one.get("key", ())),
            id=one.get("id", ""),
            newer=one.get("newer", ""),
        )
        for name, one in tables.items()
        if not any(table_faults(name, one))
    }


def tables_faults(fields: Mapping[str, object]) -> Iterator[str]:
    """What is wrong with the tables of a connection that says these fields."""
    said = fields.get(TABLES)
    for name, one in said.items() if isinstance(said, dict) else ():
        yield from table_faults(name, one)


def table_faults(name: str, said: object) -> Iterator[str]:
    """What is wrong with one of them."""
    where = f"{TABLES}.{name}"
    parts = name.split(".")
    if len(parts) > 2 or not all(_is_name(one) for one in parts):
        yield f"{where} must be a table's name, or its schema's and its own with a point between"
    if not isinstance(said, dict):
        yield f"{where} must be a table of {', '.join(_FIELDS)}; got {came(said)}"
        return
    if strange := sorted(said.keys() - set(_FIELDS)):
        yield f"{where} must have fields of {', '.join(_FIELDS)} alone; got {strange[0]}"
    columns, key = said.get("columns", []), said.get("key", [])
    for field, value in (("columns", columns), ("key", key)):
        if not _are_names(value):
            yield (
                f"{where}.{field} must be a list of at most {COLUMNS_MAX} names of columns, each "
                f"once; got {came(value)}"
            )
            return
    id, newer = said.get("id", ""), said.get("newer", "")
    if not columns:
        yield f"{where}.columns must name a column; got none"
    if "id" in said and not _is_name(id):
        yield f"{where}.id must be a column; got {came(id)}"
    if not key and not id:
        yield f"{where} must have a key or an id: else what comes again is written again"
    if strange := [one for one in key if one not in columns or one == id]:
        yield f"{where}.key must be of its columns, without the id; got {strange[0]}"
    if "newer" in said and (newer not in columns or newer in key or newer == id or not key):
        yield (
            f"{where}.newer must be one of its columns, neither of the key nor the id, beside a "
            f"key; got {came(newer)}"
        )


def _is_name(said: object) -> bool:
    return (
        isinstance(said, str)
        and 0 < len(said.encode(errors="replace")) <= NAME_BYTES_MAX
        and said.isprintable()
    )


def _are_names(said: object) -> bool:
    return (
        isinstance(said, list)
        and len(said) <= COLUMNS_MAX
        and all(_is_name(one) for one in said)
        and len(set(said)) == len(said)
    )
