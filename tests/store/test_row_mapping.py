"""Columns are the fields of a struct: what is written of one is read back."""

from typing import NamedTuple

import apsw
import msgspec
import pytest

from tidings.store.sql.row_mapping import (
    FLAG,
    HEADERS,
    Projection,
    StoredTable,
    insert_into,
    read_only,
    select_for,
    tuple_maker,
    update_of,
)


class Parcel(msgspec.Struct, frozen=True):
    id: str
    sent: bool
    headers: list[tuple[str, str]]
    made_ms: int = 0
    weight: float = 0.0


PARCEL = StoredTable("parcel", Parcel, {"sent": FLAG, "headers": HEADERS}, beside=1)


@pytest.fixture
def connection() -> apsw.Connection:
    connection = apsw.Connection(":memory:")
    connection.execute("CREATE TABLE parcel (id TEXT PRIMARY KEY, sent, headers, made_ms)")
    return connection


def stored(connection: apsw.Connection) -> list[Parcel]:
    return [PARCEL.read(row) for row in connection.execute(PARCEL.select)]


def test_what_is_inserted_is_read_back_without_what_is_beside(connection: apsw.Connection) -> None:
    parcel = Parcel("a", True, [("x-a", "1")], 7, 2.5)
    connection.execute(PARCEL.insert(), PARCEL.write(parcel))
    assert stored(connection) == [msgspec.structs.replace(parcel, weight=0.0)]
    assert PARCEL.insert(without=["id"]) == (
        "INSERT INTO parcel (sent, headers, made_ms) VALUES (?, ?, ?)"
    )
    assert PARCEL.write(parcel, without=["id", "headers"]) == [1, 7]


def test_an_upsert_changes_all_but_its_key_and_what_it_keeps(connection: apsw.Connection) -> None:
    put = PARCEL.upsert("id", keeps=["made_ms"])
    connection.execute(put, PARCEL.write(Parcel("a", False, [], 7)))
    connection.execute(put, PARCEL.write(Parcel("a", True, [("x", "y")], 9)))
    assert stored(connection) == [Parcel("a", True, [("x", "y")], 7)]


def test_a_field_may_be_called_otherwise_in_its_table(connection: apsw.Connection) -> None:
    class Weighed(msgspec.Struct, frozen=True):
        id: str
        grams: int

    weighed = StoredTable("parcel", Weighed, columns={"grams": "made_ms"})
    put = weighed.upsert("id")
    for grams in (5, 7):
        connection.execute(put, weighed.write(Weighed("a", grams)))
    assert [weighed.read(row) for row in connection.execute(weighed.select)] == [Weighed("a", 7)]


def test_a_projection_reads_each_field_from_its_expression(connection: apsw.Connection) -> None:
    class Shown(msgspec.Struct, frozen=True):
        id: str
        age_ms: int
        sent: bool

    connection.execute(PARCEL.insert(), PARCEL.write(Parcel("a", True, [], 7)))
    shown = Projection(Shown, "p", {"age_ms": "10 - p.made_ms"}, {"sent": read_only(bool)})
    [row] = connection.execute(f"{shown.select} FROM parcel p")
    assert shown.select == "SELECT p.id, 10 - p.made_ms, p.sent"
    assert (shown.read(row), shown.place("age_ms")) == (Shown("a", 3, True), 1)


def test_what_a_struct_does_not_have_is_refused_when_it_is_declared() -> None:
    with pytest.raises(ValueError, match="Parcel has no field height"):
        Projection(Parcel, "p", {"height": "p.height"})
    with pytest.raises(ValueError, match="height"):
        select_for(lambda id, width: None, {"id": "id", "width": "width", "height": "height"})


class ParcelRow(NamedTuple):
    """Fields in another order than the table's columns."""

    sent: int
    id: str
    made_ms: int = 3


def test_a_named_tuple_is_written_by_its_names(connection: apsw.Connection) -> None:
    put, row = insert_into("parcel", ParcelRow, headers="'[]'"), tuple_maker(ParcelRow)
    made = row(id="a", sent=1)
    assert (type(made), made) == (tuple, (1, "a", 3))
    connection.execute(put, made)
    assert stored(connection) == [Parcel("a", True, [], 3)]


def test_a_row_is_changed_by_the_last_field_of_a_named_tuple(connection: apsw.Connection) -> None:
    class Sent(NamedTuple):
        made_ms: int
        sent: int
        id: str

    for id in "ab":
        connection.execute(PARCEL.insert(), PARCEL.write(Parcel(id, False, [], 7)))
    connection.execute(update_of("parcel", Sent), Sent(made_ms=9, sent=1, id="b"))
    assert stored(connection) == [Parcel("a", False, [], 7), Parcel("b", True, [], 9)]


def test_a_select_has_the_arguments_of_what_reads_it(connection: apsw.Connection) -> None:
    def read(made_ms: int, id: str, *, loud: bool) -> str:
        return f"{id} {made_ms}{'!' if loud else ''}"

    connection.execute(PARCEL.insert(), PARCEL.write(Parcel("a", True, [], 7)))
    query = select_for(read, {"id": "p.id", "made_ms": "p.made_ms + 1"})
    [row] = connection.execute(f"{query} FROM parcel p")
    assert read(*row, loud=True) == "a 8!"


def test_a_projection_reads_a_named_tuple_by_its_names(connection: apsw.Connection) -> None:
    connection.execute(PARCEL.insert(), PARCEL.write(Parcel("a", True, [], 7)))
    row = Projection(ParcelRow, "p", {"made_ms": "p.made_ms + 1"}, {"sent": FLAG})
    [values] = connection.execute(f"{row.select} FROM parcel p")
    assert row.select == "SELECT p.sent, p.id, p.made_ms + 1"
    assert row.read(values) == ParcelRow(sent=True, id="a", made_ms=8)


def test_a_row_is_inserted_where_a_condition_holds(connection: apsw.Connection) -> None:
    owned = StoredTable("parcel", ParcelRow)
    put = owned.insert_where("?1 <> ''", "INSERT OR REPLACE", behind=["headers"])
    assert put == (
        "INSERT OR REPLACE INTO parcel (headers, sent, id, made_ms) SELECT ?1, ?2, ?3, ?4"
        " WHERE ?1 <> ''"
    )
    for headers in ("", "[]"):
        connection.execute(put, (headers, *owned.write(ParcelRow(sent=0, id=f"a{headers}"))))
    assert [parcel.id for parcel in stored(connection)] == ["a[]"]
    assert owned.insert_where("1", without=["id"]) == (
        "INSERT INTO parcel (sent, made_ms) SELECT ?1, ?2 WHERE 1"
    )


def test_each_table_of_a_projection_is_written_by_its_columns(connection: apsw.Connection) -> None:
    connection.execute("CREATE TABLE trip (parcel, made_ms, city)")

    class Trip(msgspec.Struct, frozen=True):
        id: str
        headers: str
        sent: bool
        town: str
        tours: int

    trip = Projection(Trip, "p", {"town": "t.city", "tours": "count(*)"}, {"sent": FLAG})
    made = Trip(id="a", headers="[]", sent=True, town="Kiel", tours=3)
    parcel, way = trip.part("parcel", "p"), trip.part("trip", "t")
    assert parcel.insert(without=["sent"]) == "INSERT INTO parcel (id, headers) VALUES (?, ?)"
    connection.execute(parcel.insert(), parcel.write(made))
    connection.execute(way.insert(behind=["parcel"]), ("a", *way.write(made)))
    assert parcel.write(made, without=["id"]) == ["[]", 1]
    [row] = connection.execute(f"{trip.select} FROM parcel p JOIN trip t ON t.parcel = p.id")
    assert trip.read(row) == msgspec.structs.replace(made, tours=1)
