"""What the operator may say of the tables of a connection."""

from typing import Any

import pytest

from tidings.core.connections.tables import DeclaredTable, table_faults, tables_faults, tables_of

STATE: dict[str, Any] = {
    "columns": ["customer_id", "tier", "event_id", "at"],
    "key": ["customer_id"],
    "id": "event_id",
    "newer": "at",
}


def test_a_table_is_read_as_it_is_declared() -> None:
    table = DeclaredTable(tuple(STATE["columns"]), ("customer_id",), "event_id", "at")
    assert tables_of({"dsn": "x", "tables": {"loyalty.state": STATE}}) == {"loyalty.state": table}
    assert table.settable == ("customer_id", "tier", "at")
    assert table.needed == {"customer_id", "at"}
    assert tables_of({}) == tables_of({"tables": {"t": {}}}) == {}


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ({"key": []} | {"id": None}, "id must be a column; got nothing"),
        ({"columns": []}, "columns must name a column"),
        ({"columns": "at"}, "columns must be a list"),
        ({"columns": ["a", "a"]}, "each once"),
        ({"columns": ["a\0"]}, "names of columns"),
        ({"columns": ["ä" * 32]}, "names of columns"),
        ({"key": ["other"]}, "key must be of its columns, without the id; got other"),
        ({"key": ["event_id"]}, "key must be of its columns, without the id; got event_id"),
        ({"newer": "customer_id"}, "newer must be one of its columns, neither of the key"),
        ({"newer": "other"}, "newer must be one of its columns"),
        ({"key": []}, "newer must be one of its columns, neither of the key nor the id, beside"),
        ({"where": "true"}, "alone; got where"),
    ],
)
def test_what_a_table_cannot_be_is_told(said: dict[str, Any], fault: str) -> None:
    assert any(fault in one for one in table_faults("state", STATE | said))


def test_without_key_and_id_a_repeat_would_be_written_twice() -> None:
    assert list(table_faults("t", {"columns": ["a"]})) == [
        "tables.t must have a key or an id: else what comes again is written again"
    ]
    assert list(table_faults("a.b.c", STATE)) and list(table_faults("t", 7))


def test_all_tables_of_a_connection_are_looked_at() -> None:
    [fault] = tables_faults({"tables": {"t": STATE, "u": STATE | {"id": None}, "v": STATE}})
    assert fault == "tables.u.id must be a column; got nothing"
