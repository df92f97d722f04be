"""A table's columns, once: they are the fields of the struct that its rows are read as.

SELECT, INSERT and the struct follow from the struct's fields, in their order. A field that SQLite
has no type for says how it is read and written.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec

Row = TypeVar("Row", bound=msgspec.Struct)


class ColumnCodec(NamedTuple):
    """Reads and writes the values of a column."""

    read: Callable[[Any], Any]
    write: Callable[[Any], Any]


FLAG = ColumnCodec(bool, int)
HEADERS = ColumnCodec(msgspec.json.Decoder(list[tuple[str, str]]).decode, msgspec.json.encode)


class StoredTable(Generic[Row]):
    """A table and its struct. `stored`: by field, what is no plain value of SQLite; `beside`: how
    many fields at the struct's end are none of the table's."""

    def __init__(
        self,
        name: str,
        row: type[Row],
        stored: Mapping[str, ColumnCodec] | None = None,
        *,
        beside: int = 0,
    ) -> None:
        self.name = name
        self.fields = row.__struct_fields__[: len(row.__struct_fields__) - beside]
        self.columns = ", ".join(self.fields)
        self.select = f"SELECT {self.columns} FROM {name}"
        self._row = row
        self._stored = [(self.fields.index(field), how) for field, how in (stored or {}).items()]

    def insert(self, verb: str = "INSERT", *, without: Sequence[str] = ()) -> str:
        """Return the statement that inserts a row, with a place for each column but `without`."""
        fields = [field for field in self.fields if field not in without]
        places = ", ".join("?" * len(fields))
        return f"{verb} INTO {self.name} ({', '.join(fields)}) VALUES ({places})"

    def upsert(self, *key: str, keeps: Sequence[str] = ()) -> str:
        """Return the statement that inserts a row or changes the one of its key, in which the
        columns of `keeps` stay as they are."""
        return f"{self.insert()} ON CONFLICT ({', '.join(key)}) {self.update(*key, *keeps)}"

    def update(self, *keeps: str) -> str:
        """Return what a conflict does: every column takes the new value but those of `keeps`."""
        changes = [f"{field} = excluded.{field}" for field in self.fields if field not in keeps]
        return f"DO UPDATE SET {', '.join(changes)}"

    def read(self, values: Sequence[Any]) -> Row:
        """Return a row of `select` as its struct."""
        if not self._stored:
            return self._row(*values)
        read = list(values)
        for place, how in self._stored:
            read[place] = how.read(read[place])
        return self._row(*read)

    def write(self, row: Row, *, without: Sequence[str] = ()) -> list[Any]:
        """Return what `insert` asks for, of a struct."""
        values = list(msgspec.structs.astuple(row))
        for place, how in self._stored:
            values[place] = how.write(values[place])
        return [
            value for field, value in zip(self.fields, values, strict=False) if field not in without
        ]
