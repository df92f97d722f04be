"""Columns are the fields of a struct: what is written of one is read back."""

import apsw
import msgspec
import pytest

from tidings.store.sqlite.tables import FLAG, HEADERS, StoredTable


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
