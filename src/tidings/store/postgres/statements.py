"""One statement in SQLite's words as one of PostgreSQL, with the order of its values.

What both databases know is written in words of both; here is the rest, by rules that look at tokens
and at the database's catalogue. Keywords are told from names by their capitals.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from tidings.errors import TidingsError
from tidings.store.postgres.catalogue import Tables
from tidings.store.postgres.inserts import parse_insert
from tidings.store.postgres.tokens import (
    SqlToken,
    closing,
    find_outside,
    spaced,
    spell,
    texts,
    tokenize,
)

_FUNCTIONS = {"group_concat": "string_agg", "json_array": "json_build_array"}
_TYPES = {"INTEGER": "bigint", "BLOB": "bytea", "REAL": "double precision"}
_IN_LIST = ["IN", "(", "SELECT", "value", "FROM"]
_COMPARES = frozenset(("=", "<>", "!=", "<", ">", "<=", ">=", "IN"))
# Of these, columns and tables may be called; PostgreSQL takes them for its own.
_RESERVED = frozenset(
    """all analyse analyze and any array as asc asymmetric both case cast check collate column
    constraint create default deferrable desc distinct do else end except fetch for foreign from
    grant group having in initially intersect into lateral leading limit localtime not null offset
    on only or order placing primary references returning select some symmetric table then to
    trailing union unique user using variadic when where window with""".split()
)
_ENDS_JOIN = (
    "JOIN", "CROSS", "LEFT", "INNER", "WHERE", "GROUP", "ORDER", "UNION", "LIMIT", "SET", "ON",
    "HAVING", "WINDOW", "RETURNING", ",",
)  # fmt: skip
_WRITES = frozenset(("INSERT", "UPDATE", "DELETE"))


class Untranslatable(TidingsError, ValueError):
    """No rule says what this is in PostgreSQL."""


class Parameter(NamedTuple):
    """A value of a statement. `source`: its place, or its name."""

    source: int | str
    elements: str = ""  # the type of the elements of a list in JSON; none: one value
    type: str = ""  # of the column that it is put into or compared with, where that is plain to see


class Statement(NamedTuple):
    """A statement of PostgreSQL."""

    text: str
    parameters: tuple[Parameter, ...]
    writes: bool
    returns: bool
    plain: bool  # its values are those that it is given, in their order


def translate(statement: str, tables: Tables) -> Statement:
    """Convert one statement. Raise Untranslatable where no rule knows it."""
    tokens = rewrite(statement, tables)
    types = place_types(tokens, tables)
    text, places = number_places(tokens)
    parameters = tuple(parameter_of(place, types.get(place, "")) for place in places)
    return Statement(
        text,
        parameters,
        writes=not _WRITES.isdisjoint(texts(tokens)),
        returns=tokens[0].text not in _WRITES or "RETURNING" in texts(tokens),
        plain=all(
            parameter.source == place and not parameter.elements
            for place, parameter in enumerate(parameters)
        ),
    )


def rewrite(statement: str, tables: Tables) -> list[SqlToken]:
    """Apply all rules, but leave the places of values as they are."""
    tokens = tokenize(statement)
    rules: Sequence[Callable[[list[SqlToken], Tables], list[SqlToken]]] = (
        _without_hints,
        _with_plain_joins,
        _with_unnested_json,
        _with_matching,
        _with_own_words,
        _with_names_of_subqueries,
    )
    for rule in rules:
        tokens = rule(tokens, tables)
    insert = parse_insert(tokens, tables)
    tokens = tokens if insert is None else insert.spell()
    return _with_quoted_names(tokens, tables)


def number_places(tokens: Sequence[SqlToken]) -> tuple[str, list[str]]:
    """Write tokens with PostgreSQL's places of values; which place of SQLite's is which."""
    places: dict[str, int] = {}
    numbered = [
        token._replace(text=f"${places.setdefault(token.text, len(places) + 1)}")
        if token.is_place
        else token
        for token in tokens
    ]
    return spell(numbered), [*places]


def parameter_of(place: str, type: str = "") -> Parameter:
    """Return what is bound at a place: `?1`, `:name`, or `?1/bigint` of a list in JSON."""
    source, _, elements = place[1:].partition("/")
    return Parameter(int(source) - 1 if place[0] == "?" else source, elements, type)


def place_types(tokens: Sequence[SqlToken], tables: Tables) -> dict[str, str]:
    """Return the types of columns that values are put into or compared with, by place."""
    scope = scope_of(tokens, tables)
    types: dict[str, str] = {}
    insert = parse_insert(tokens, tables)
    if insert is not None and insert.table in tables:
        columns = tables[insert.table].types
        for column, value in zip(insert.columns, insert.items, strict=True):
            # A number that may be missing stands within coalesce.
            bare = value[2:3] if texts(value[:2]) == ["coalesce", "("] else value
            if len(bare) == 1 and bare[0].is_place:
                types.setdefault(bare[0].text, columns.get(column.strip('"'), ""))
    for before, sign, after in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if sign.text in _COMPARES:
            for place, other in ((after, before), (before, after)):
                if place.is_place and (kind := type_of(other.text, scope, tables)):
                    types.setdefault(place.text, kind)
    return types


def scope_of(tokens: Sequence[SqlToken], tables: Tables) -> Mapping[str, set[str]]:
    """Return the tables that a statement is about, by the names that it gives them."""
    scope: dict[str, set[str]] = {}
    for at, token in enumerate(tokens[:-1]):
        name = tokens[at + 1].text.strip('"')
        if token.text in ("FROM", "JOIN", "UPDATE") and name in tables:
            behind = at + 3 if texts(tokens[at + 2 : at + 3]) == ["AS"] else at + 2
            if behind < len(tokens) and tokens[behind].is_name:
                scope.setdefault(tokens[behind].text, set()).add(name)
            scope.setdefault(name, set()).add(name)
    return scope


def type_of(name: str, scope: Mapping[str, set[str]], tables: Tables) -> str:
    """Return the type of a column, where all that it may be are of one; else nothing."""
    of, _, column = name.replace('"', "").rpartition(".")
    found = scope.get(of, set()) if of else {table for named in scope.values() for table in named}
    types = {tables[table].types[column] for table in found if column in tables[table].types}
    return types.pop() if len(types) == 1 else ""


def _without_hints(tokens: list[SqlToken], tables: Tables) -> list[SqlToken]:
    kept: list[SqlToken] = []
    at = 0
    while at < len(tokens):
        pair = texts(tokens[at : at + 2])
        if pair in (["INDEXED", "BY"], ["NOT", "INDEXED"]):
            at += 3 if pair[1] == "BY" else 2
        else:
            kept.append(tokens[at])
            at += 1
    return kept


def _with_plain_joins(tokens: list[SqlToken], tables: Tables) -> list[SqlToken]:
    """SQLite keeps the order of tables at a CROSS JOIN, and takes a condition with it."""
    kept: list[SqlToken] = []
    for at, token in enumerate(tokens):
        if token.text == "CROSS" and texts(tokens[at + 1 : at + 2]) == ["JOIN"]:
            end = find_outside(tokens, _ENDS_JOIN, at + 2)
            if texts(tokens[end : end + 1]) == ["ON"]:
                continue
        kept.append(token)
    return kept


def _with_unnested_json(tokens: list[SqlToken], tables: Tables) -> list[SqlToken]:
    """A list in JSON is bound as an array: its elements are of the type that they are compared
    with. To be in one is a comparison with each, which is made where the row is read; a join with
    its elements may come behind all others."""
    scope = scope_of(tokens, tables)
    kept: list[SqlToken] = []
    at = 0
    while at < len(tokens):
        if tokens[at].text != "json_each":
            kept.append(tokens[at])
            at += 1
            continue
        place, behind = tokens[at + 2], at + 4
        alias = "json_each"
        if texts(tokens[at - 5 : at]) == _IN_LIST and texts(tokens[behind : behind + 1]) == [")"]:
            del kept[-len(_IN_LIST) :]
            kind = _element_type(tokens, at, alias, scope, tables)
            test = "= ANY"
            if kept[-1].text == "NOT":
                del kept[-1]
                test = "<> ALL"
            kept += [*spaced(test), SqlToken("("), SqlToken(f"{place.text}/{kind}", "")]
            kept += [SqlToken(f"::{kind}[])", "")]
            at = behind + 1
            continue
        if behind < len(tokens) and tokens[behind].is_name:
            alias, behind = tokens[behind].text, behind + 1
        kind = _element_type(tokens, at, alias, scope, tables)
        kept += [SqlToken("unnest"), SqlToken("(", ""), SqlToken(f"{place.text}/{kind}", "")]
        kept += [SqlToken(f"::{kind}[])", ""), *spaced(f"AS {alias} (value)")]
        at = behind
    return kept


def _element_type(
    tokens: Sequence[SqlToken], at: int, alias: str, scope: Mapping[str, set[str]], tables: Tables
) -> str:
    """The type of what the elements of a list are compared with."""
    beside: list[SqlToken] = []
    if texts(tokens[max(0, at - 5) : at]) == _IN_LIST:
        beside.append(tokens[at - 7 if tokens[at - 6].text == "NOT" else at - 6])
    for place, token in enumerate(tokens):
        if token.text == f"{alias}.value":
            if place >= 2 and tokens[place - 1].text in (*_COMPARES, "GLOB"):
                beside.append(tokens[place - 2])
            if place + 2 < len(tokens) and tokens[place + 1].text in _COMPARES:
                beside.append(tokens[place + 2])
    types = {kind for token in beside if (kind := type_of(token.text, scope, tables))}
    if len(types) != 1:
        raise Untranslatable(f"elements of {sorted(types) or 'no known type'}: {spell(tokens)}")
    return types.pop()


def _with_matching(tokens: list[SqlToken], tables: Tables) -> list[SqlToken]:
    kept: list[SqlToken] = []
    for at, token in enumerate(tokens):
        if token.text == "GLOB":
            kept.append(SqlToken("~"))
        elif at and tokens[at - 1].text == "GLOB":
            kept += [SqlToken("glob"), SqlToken("(", ""), token._replace(gap=""), SqlToken(")", "")]
        else:
            kept.append(token)
    return kept


def _with_own_words(tokens: list[SqlToken], tables: Tables) -> list[SqlToken]:
    kept: list[SqlToken] = []
    for at, token in enumerate(tokens):
        text = token.text
        if texts(tokens[at + 1 : at + 2]) == ["("]:
            text = _FUNCTIONS.get(text, text)
        elif at and tokens[at - 1].text == "AS":
            text = _TYPES.get(text, text)
        elif text[:2] in ("x'", "X'"):
            text = f"'\\x{text[2:-1]}'::bytea"
        elif text.isdigit() and texts(tokens[at + 1 : at + 2]) == ["<<"]:
            text += "::bigint"  # a small number is of 32 bits, whatever becomes of it
        kept.append(token._replace(text=text))
    return kept


def _with_names_of_subqueries(tokens: list[SqlToken], tables: Tables) -> list[SqlToken]:
    """Before its version 16 PostgreSQL wants each subquery of a FROM to have a name."""
    names: dict[int, str] = {}
    for at, token in enumerate(tokens[:-2]):
        if token.text in ("FROM", "JOIN") and texts(tokens[at + 1 : at + 3]) == ["(", "SELECT"]:
            end = closing(tokens, at + 1)
            after = tokens[end + 1] if end + 1 < len(tokens) else SqlToken(")")
            if not after.is_name and after.text != "AS":
                names[end] = f"sub{len(names) + 1}"
    kept: list[SqlToken] = []
    for at, token in enumerate(tokens):
        kept.append(token)
        if at in names:
            kept += spaced(f"AS {names[at]}")
    return kept


def _with_quoted_names(tokens: list[SqlToken], tables: Tables) -> list[SqlToken]:
    return [
        token._replace(
            text=".".join(
                f'"{part}"' if part in _RESERVED else part for part in token.text.split(".")
            )
        )
        if token.is_name
        else token
        for token in tokens
    ]
