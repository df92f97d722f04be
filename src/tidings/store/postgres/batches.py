"""A statement for many rows of values as one statement over arrays of them.

It must mean what the rows mean one after another. So a row of the table is changed by one row of
values at most: `waves` parts those of the same key. And what reads the table that it writes, beside
the row that it is about, is no batch.
"""

from collections.abc import Hashable, Iterable, Sequence
from typing import NamedTuple

from tidings.store.postgres.catalogue import Tables
from tidings.store.postgres.inserts import Insert, joined, parse_insert
from tidings.store.postgres.statements import Parameter, parameter_of, place_types, rewrite
from tidings.store.postgres.tokens import (
    SqlToken,
    find_outside,
    spaced,
    spell,
    split_outside,
    texts,
)

NEW_ONLY = "ON CONFLICT DO NOTHING RETURNING"
ARRAYS = frozenset(("bigint", "text", "bytea", "double precision"))


class BatchStatement(NamedTuple):
    """`parameters` are bound as arrays of their types. `key`: those of `parameters` by which a row
    of values is about another row of the table than others; none where it does not matter."""

    text: str
    parameters: tuple[Parameter, ...]
    key: tuple[int, ...]
    table: str
    returns: bool


def batch_of(statement: str, tables: Tables) -> BatchStatement | None:
    """Return the batch that a statement is for many rows of values; None where it is none."""
    tokens = rewrite(statement, tables)
    types = place_types(tokens, tables)
    places = [*dict.fromkeys(token.text for token in tokens if token.is_place)]
    if not places or any(types.get(place) not in ARRAYS for place in places):
        return None
    verb = tokens[0].text
    if verb == "INSERT":
        insert = parse_insert(tokens, tables)
        made = None if insert is None else _inserted(insert, places, types)
        table, key = ("", []) if insert is None else (insert.table, _conflict_key(insert))
    elif verb in ("UPDATE", "DELETE"):
        table = tokens[1 if verb == "UPDATE" else 2].text
        key = _equal_places(tokens)
        made = _changed(tokens, table, places, types) if key else None
        if verb == "DELETE":
            key = []  # what is gone is not there a second time
    else:
        return None
    if made is None or _reads(made, table):
        return None
    return BatchStatement(
        text=spell(_named(made, places)),
        parameters=tuple(parameter_of(place, types[place]) for place in places),
        key=tuple(places.index(place) for place in key),
        table=table,
        returns="RETURNING" in texts(tokens),
    )


def insert_new_of(statement: str, tables: Tables) -> BatchStatement | None:
    """Return the batch that leaves out rows whose key is there and returns the keys of those that
    it has inserted; None where a statement is no such batch."""
    insert = parse_insert(rewrite(statement, tables), tables)
    batch = batch_of(statement, tables)
    if insert is None or batch is None or insert.conflict or insert.returning:
        return None
    keys = tables[batch.table].keys
    if len(keys) != 1:  # which of them it was that one of the rows met, nobody could tell
        return None
    return batch._replace(text=f"{batch.text} {NEW_ONLY} {', '.join(keys[0])}", returns=True)


def waves(keys: Sequence[Hashable]) -> Iterable[list[int]]:
    """Split rows by their keys, so that no part has one twice and those of one stay in order."""
    parts: list[list[int]] = []
    seen: dict[Hashable, int] = {}
    for place, key in enumerate(keys):
        number = seen[key] = seen.get(key, -1) + 1
        if number == len(parts):
            parts.append([])
        parts[number].append(place)
    return parts


def _values_of(places: Sequence[str], types: dict[str, str]) -> list[SqlToken]:
    arrays = ", ".join(f"${number}::{types[place]}[]" for number, place in enumerate(places, 1))
    names = ", ".join(f"v{number}" for number, _ in enumerate(places, 1))
    return [SqlToken(f"unnest({arrays}) AS batch ({names})")]


def _named(tokens: Iterable[SqlToken], places: Sequence[str]) -> list[SqlToken]:
    names = {place: f"batch.v{number}" for number, place in enumerate(places, 1)}
    return [token._replace(text=names.get(token.text, token.text)) for token in tokens]


def _inserted(
    insert: Insert, places: Sequence[str], types: dict[str, str]
) -> list[SqlToken] | None:
    if any(token.is_place for token in (*insert.conflict, *insert.returning)):
        return None
    values = _values_of(places, types)
    items = joined(insert.items)
    if insert.source is None:
        body = [SqlToken("SELECT"), *items, SqlToken("FROM"), *values]
    else:
        names = ", ".join(f"c{number}" for number, _ in enumerate(insert.columns, 1))
        rows = [SqlToken("SELECT", ""), *items, *insert.source]
        body = [*spaced("SELECT made.* FROM"), *values, *spaced("CROSS JOIN LATERAL")]
        body += [SqlToken("("), *rows, SqlToken(")", ""), *spaced(f"AS made ({names})")]
    return [*insert.head(), *body, *insert.conflict, *insert.returning]


def _changed(
    tokens: Sequence[SqlToken], table: str, places: Sequence[str], types: dict[str, str]
) -> list[SqlToken] | None:
    verb = "FROM" if tokens[0].text == "UPDATE" else "USING"
    where = find_outside(tokens, ["WHERE"])
    if verb == "FROM" and (tokens[2].text != "SET" or "FROM" in texts(tokens[:where])):
        return None
    return [*tokens[:where], SqlToken(verb), *_values_of(places, types), *tokens[where:]]


def _reads(tokens: Sequence[SqlToken], table: str) -> bool:
    """Return whether a table that is written is read, too: rows would see what others did."""
    pairs = zip(tokens, tokens[1:], strict=False)
    named = [
        at
        for at, (verb, name) in enumerate(pairs)
        if verb.text in ("FROM", "JOIN") and name.text == table
    ]
    return [at for at in named if not (at == 1 and tokens[0].text == "DELETE")] != []


def _equal_places(tokens: Sequence[SqlToken]) -> list[str]:
    """The places that a row's columns must be equal to, all of them, and are not changed."""
    where = find_outside(tokens, ["WHERE"])
    end = find_outside(tokens, ["RETURNING"], where)
    condition = tokens[where + 1 : end]
    if find_outside(condition, ["OR", "BETWEEN"]) < len(condition):
        return []
    set_columns = {part[0].text for part in split_outside(tokens[3:where], ",") if part}
    equal: dict[str, None] = {}
    for part in split_outside(condition, "AND"):
        words = texts(part)
        if len(part) == 3 and words[1] == "=":
            column, place = (part[0], part[2]) if part[2].is_place else (part[2], part[0])
            if place.is_place and column.is_name and column.text not in set_columns:
                equal[place.text] = None
    return [*equal]


def _conflict_key(insert: Insert) -> list[str]:
    """The places of the columns that rows of values may not have twice; none: they may."""
    words = texts(insert.conflict)
    if "UPDATE" not in words or words[:3] != ["ON", "CONFLICT", "("]:
        return []
    columns = words[3 : words.index(")")]
    items = dict(zip(insert.columns, insert.items, strict=True))
    return [token.text for column in columns for token in items.get(column, ()) if token.is_place]
