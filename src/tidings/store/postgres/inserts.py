"""An INSERT by its parts, and what becomes of SQLite's `INSERT OR …`."""

from collections.abc import Sequence
from typing import NamedTuple

from tidings.store.postgres.catalogue import CatalogueTable, Tables
from tidings.store.postgres.tokens import (
    SqlToken,
    closing,
    find_outside,
    spaced,
    spell,
    split_outside,
    texts,
)

_AFTER_ITEMS = ("FROM", "WHERE", "ON", "RETURNING", "GROUP", "ORDER", "LIMIT", "UNION")


class Insert(NamedTuple):
    """One row of values, or a SELECT, that goes into a table."""

    table: str
    columns: list[str]
    items: list[list[SqlToken]]  # the value of each column
    source: list[SqlToken] | None  # a SELECT's FROM and WHERE; None: of VALUES
    conflict: list[SqlToken]
    returning: list[SqlToken]

    def spell(self) -> list[SqlToken]:
        """Write it as a statement."""
        items = joined(self.items)
        body = (
            [*spaced("VALUES ("), items[0]._replace(gap=""), *items[1:], SqlToken(")", "")]
            if self.source is None
            else [SqlToken("SELECT"), *items, *self.source]
        )
        return [*self.head(), *body, *self.conflict, *self.returning]

    def head(self) -> list[SqlToken]:
        """Return what stands before the values."""
        columns = f"{self.table} ({', '.join(self.columns)})"
        return [SqlToken("INSERT"), SqlToken("INTO"), *spaced(columns)]


def joined(items: Sequence[Sequence[SqlToken]]) -> list[SqlToken]:
    """Return items with commas between them."""
    tokens: list[SqlToken] = []
    for value in items:
        tokens += ([SqlToken(",", "")] if tokens else []) + [value[0]._replace(gap=" "), *value[1:]]
    return tokens


def parse_insert(tokens: Sequence[SqlToken], tables: Tables) -> Insert | None:
    """Take an INSERT of one row, or of a SELECT, with a list of columns apart; None for whatever
    else. `OR REPLACE` and `OR IGNORE` become conflicts."""
    words = texts(tokens)
    at = 3 if words[:2] == ["INSERT", "OR"] else 1
    if words[0] != "INSERT" or words[at : at + 1] != ["INTO"] or words[at + 2 : at + 3] != ["("]:
        return None
    verb, table = words[2] if at == 3 else "", words[at + 1]
    end = closing(tokens, at + 2)
    columns = [part[0].text for part in split_outside(tokens[at + 3 : end], ",")]
    after = tokens[end + 1 :]
    source: list[SqlToken] | None = None
    if texts(after[:2]) == ["VALUES", "("]:
        close = closing(after, 1)
        items, tail = split_outside(after[2:close], ","), after[close + 1 :]
        if texts(tail[:1]) == [","]:
            return None  # several rows
    elif texts(after[:1]) == ["SELECT"]:
        close = find_outside(after, _AFTER_ITEMS, 1)
        stop = _conflict_of(after, close)
        items, source = split_outside(after[1:close], ","), list(after[close:stop])
        tail = after[stop:]
    else:
        return None
    if len(items) != len(columns):
        return None
    returns = find_outside(tail, ["RETURNING"])
    conflict = list(tail[:returns])
    if verb:
        conflict = conflict_of(verb, table, columns, tables)
    return Insert(
        table=table,
        columns=columns,
        items=_numbered(items, columns, tables.get(table)),
        source=source,
        conflict=conflict,
        returning=list(tail[returns:]),
    )


def _conflict_of(tokens: Sequence[SqlToken], start: int) -> int:
    """Where ON CONFLICT or RETURNING begins: joins have an ON, too."""
    at = start
    while True:
        at = find_outside(tokens, ["ON", "RETURNING"], at)
        if texts(tokens[at : at + 2]) != ["ON", "CONFLICT"] and texts(tokens[at : at + 1]) == [
            "ON"
        ]:
            at += 1
            continue
        return at


def conflict_of(verb: str, table: str, columns: Sequence[str], tables: Tables) -> list[SqlToken]:
    """Build what `OR REPLACE` or `OR IGNORE` is in PostgreSQL. A replaced row takes every value
    anew: of columns that are not listed, their default."""
    if verb == "IGNORE":
        return spaced("ON CONFLICT DO NOTHING")
    known = tables[table]
    key = next((key for key in known.keys if {*key} <= {*columns}), None)
    if key is None:  # the database gives it
        return []
    changes = [
        f"{column} = excluded.{column}" if column in columns else f"{column} = DEFAULT"
        for column in known.types
        if column not in key
    ]
    does = f"DO UPDATE SET {', '.join(changes)}" if changes else "DO NOTHING"
    return spaced(f"ON CONFLICT ({', '.join(key)}) {does}")


def _numbered(
    items: Sequence[Sequence[SqlToken]], columns: Sequence[str], table: CatalogueTable | None
) -> list[list[SqlToken]]:
    """Where a row may come without its number, as SQLite takes null for one, give it the next."""
    numbers = {} if table is None else table.numbers
    return [
        spaced(f"coalesce({spell(value)}, {numbers[column]})")
        if column in numbers and len(value) == 1 and value[0].is_place
        else list(value)
        for column, value in zip(columns, items, strict=True)
    ]
