"""A table's columns, once: they are the fields of the struct that its rows are read as.

SELECT, INSERT and the struct follow from the struct's fields, in their order. A field that SQLite
has no type for says how it is read and written; one that a join fills says from which expression.

Rows that a commit writes by the hundred are named tuples (`writer_rows.py`): their statements
follow from the fields too, and `tuple_maker` makes what is bound without a named tuple's price. No
row is filled by position by hand: a struct or named tuple is read by the declaration that made the
SELECT.
"""

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, NamedTuple, ParamSpec, TypeVar, cast

import msgspec

Row = TypeVar("Row", bound=msgspec.Struct | tuple[Any, ...])
Fields = ParamSpec("Fields")
NamedRow = type[tuple[Any, ...]]  # a class of `NamedTuple`


class ColumnCodec(NamedTuple):
    """Reads and writes the values of a column."""

    read: Callable[[Any], Any]
    write: Callable[[Any], Any]


FLAG = ColumnCodec(bool, int)
HEADERS = ColumnCodec(msgspec.json.Decoder(list[tuple[str, str]]).decode, msgspec.json.encode)


def json_of(kind: type[Any]) -> ColumnCodec:
    """Return how a struct is kept as JSON; None is null."""
    decode = msgspec.json.Decoder(kind).decode
    return ColumnCodec(
        lambda kept: None if kept is None else decode(kept),
        lambda value: None if value is None else msgspec.json.encode(value),
    )


def read_only(read: Callable[[Any], Any]) -> ColumnCodec:
    """Return how a column is read that no struct is written to."""

    def write(value: Any) -> Any:
        raise TypeError(f"{value!r} is not written through its struct")

    return ColumnCodec(read, write)


class Projection(Generic[Row]):
    """The columns of a query whose rows are read as a struct or named tuple, in the order of its
    fields.

    `table`: the name that the query gives to the table of most columns; `columns`: by field, the
    expression of one that is called otherwise there; `stored`: by field, what is no plain value of
    SQLite; `beside`: how many fields at the struct's end are none of the query's.
    """

    def __init__(
        self,
        row: type[Row],
        table: str = "",
        columns: Mapping[str, str] | None = None,
        stored: Mapping[str, ColumnCodec] | None = None,
        *,
        beside: int = 0,
    ) -> None:
        named, stored = columns or {}, stored or {}
        fields = columns_of(row)
        self.fields = fields[: len(fields) - beside]
        if unknown := {*named, *stored} - set(self.fields):
            raise ValueError(f"{row.__name__} has no field {', '.join(sorted(unknown))}")
        prefix = f"{table}." if table else ""
        self.names = [named.get(field, f"{prefix}{field}") for field in self.fields]
        self.columns = ", ".join(self.names)
        self.select = f"SELECT {self.columns}"
        self._row = row
        self._stored: Sequence[tuple[int, ColumnCodec]] = [
            (self.fields.index(field), how) for field, how in stored.items()
        ]

    def place(self, field: str) -> int:
        """Return at which place of a row a field stands."""
        return self.fields.index(field)

    def read(self, values: Sequence[Any]) -> Row:
        """Return a row of `select` as its struct."""
        if not self._stored:
            return self._row(*values)
        read = list(values)
        for place, how in self._stored:
            read[place] = how.read(read[place])
        return self._row(*read)

    def part(self, table: str, prefix: str) -> "TablePart[Row]":
        """Return what one of the query's tables has of its rows. `prefix`: its name in the query;
        a column that is made by an expression is no table's."""
        names = {
            field: name.removeprefix(f"{prefix}.")
            for field, name in zip(self.fields, self.names, strict=True)
            if re.fullmatch(rf"{prefix}\.\w+", name)
        }
        return TablePart(table, self.fields, names, self._stored)


class TablePart(Generic[Row]):
    """The columns that a table has of a struct, by the field of each, and how they are written."""

    def __init__(
        self,
        table: str,
        fields: Sequence[str],
        names: Mapping[str, str],
        stored: Sequence[tuple[int, ColumnCodec]],
    ) -> None:
        self._table = table
        self._fields = fields  # of the struct, also those that the table has not
        self._names = names
        self._stored = stored

    def insert(
        self, verb: str = "INSERT", *, without: Sequence[str] = (), behind: Sequence[str] = ()
    ) -> str:
        """Return the statement that inserts a row, with a place for each column but those of the
        fields of `without`. `behind`: columns that no field has, whose values come first."""
        return _insert(verb, self._table, [*behind, *self.names_without(without)])

    def insert_where(
        self,
        condition: str,
        verb: str = "INSERT",
        *,
        without: Sequence[str] = (),
        behind: Sequence[str] = (),
    ) -> str:
        """Return the statement that inserts a row where a condition holds, which may name the
        values by their numbers (`?1`)."""
        names = [*behind, *self.names_without(without)]
        return _insert_from(verb, self._table, names, f"WHERE {condition}")

    def names_without(self, without: Sequence[str]) -> list[str]:
        """Return the columns of all fields but these."""
        return [name for field, name in self._names.items() if field not in without]

    def write(self, row: Row, *, without: Sequence[str] = ()) -> list[Any]:
        """Return what `insert` asks for, of a struct."""
        struct = isinstance(row, msgspec.Struct)
        values = list(msgspec.structs.astuple(row) if struct else row)  # type: ignore[arg-type]
        for place, how in self._stored:
            if self._fields[place] in self._names:
                values[place] = how.write(values[place])
        return [
            value
            for field, value in zip(self._fields, values, strict=False)
            if field in self._names and field not in without
        ]


class StoredTable(Projection[Row], TablePart[Row]):
    """A table and its struct. `columns`: by field, the column that is called otherwise; `stored`
    and `beside` are those of `Projection`."""

    def __init__(
        self,
        name: str,
        row: type[Row],
        stored: Mapping[str, ColumnCodec] | None = None,
        *,
        columns: Mapping[str, str] | None = None,
        beside: int = 0,
    ) -> None:
        Projection.__init__(self, row, columns=columns, stored=stored, beside=beside)
        names = dict(zip(self.fields, self.names, strict=True))
        TablePart.__init__(self, name, self.fields, names, self._stored)
        self.name = name
        self.select = f"SELECT {self.columns} FROM {name}"

    def upsert(self, *key: str, keeps: Sequence[str] = ()) -> str:
        """Return the statement that inserts a row or changes the one of its key, in which the
        columns of `keeps` stay as they are."""
        return f"{self.insert()} ON CONFLICT ({', '.join(key)}) {self.update(*key, *keeps)}"

    def update(self, *keeps: str) -> str:
        """Return what a conflict does: every column takes the new value but those of `keeps`."""
        changes = [f"{name} = excluded.{name}" for name in self.names_without(keeps)]
        return f"DO UPDATE SET {', '.join(changes)}"


def insert_into(table: str, row: NamedRow, verb: str = "INSERT", **constants: str) -> str:
    """Return the statement that inserts a named tuple; `constants` are SQL of further columns."""
    return _insert(verb, table, columns_of(row), constants)


def insert_from(
    table: str, row: NamedRow, source: str, verb: str = "INSERT", **constants: str
) -> str:
    """Return the statement that inserts a named tuple for each row that `source` finds: a FROM or
    WHERE, which may name the tuple's values by their numbers (`?1`). `constants` are SQL of further
    columns, and may name those of `source`."""
    return _insert_from(verb, table, columns_of(row), source, constants)


def insert_columns(table: str, names: Sequence[str], verb: str = "INSERT") -> str:
    """Return the statement that inserts a row of a table whose columns are counted, so that no
    named tuple can declare them."""
    return _insert(verb, table, names)


def columns_of(row: type[Any]) -> tuple[str, ...]:
    """Return the columns of a struct or named tuple: they are called as its fields are."""
    fields: tuple[str, ...] = getattr(row, "__struct_fields__", None) or vars(row)["_fields"]
    return fields


def update_of(table: str, row: NamedRow) -> str:
    """Return the statement that changes the row whose key is the last field of a named tuple."""
    *changed, key = columns_of(row)
    return f"UPDATE {table} SET {', '.join(f'{name} = ?' for name in changed)} WHERE {key} = ?"


def select_for(reader: Callable[..., object], columns: Mapping[str, str]) -> str:
    """Return the SELECT whose rows are the positional arguments of a function: an expression by
    the name of each. Raises ValueError where the names are not those of its arguments."""
    names = [
        parameter.name
        for parameter in inspect.signature(reader).parameters.values()
        if parameter.kind is not parameter.KEYWORD_ONLY
    ]
    if {*names} != {*columns}:
        raise ValueError(
            f"not both in the query and the arguments: {sorted({*names} ^ {*columns})}"
        )
    return f"SELECT {', '.join(columns[name] for name in names)}"


def tuple_maker(row: Callable[Fields, tuple[Any, ...]]) -> Callable[Fields, tuple[Any, ...]]:
    """Return a function of a named tuple's fields that makes a plain tuple of them, in their order:
    it takes a fraction of the time, and SQLite asks for no names."""
    fields = ", ".join(vars(row)["_fields"])
    make: Any = eval(f"lambda {fields}: ({fields},)", {})
    make.__defaults__ = tuple(vars(row)["_field_defaults"].values())
    return cast(Callable[Fields, tuple[Any, ...]], make)


def _insert(
    verb: str, table: str, names: Sequence[str], constants: Mapping[str, str] | None = None
) -> str:
    constants = constants or {}
    places = ", ".join((*("?" for _ in names), *constants.values()))
    return f"{verb} INTO {table} ({', '.join((*names, *constants))}) VALUES ({places})"


def _insert_from(
    verb: str,
    table: str,
    names: Sequence[str],
    source: str,
    constants: Mapping[str, str] | None = None,
) -> str:
    constants = constants or {}
    places = (f"?{place}" for place, _ in enumerate(names, 1))
    columns, values = ", ".join((*names, *constants)), ", ".join((*places, *constants.values()))
    return f"{verb} INTO {table} ({columns}) SELECT {values} {source}"
