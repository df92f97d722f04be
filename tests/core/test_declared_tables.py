"""What the operator may say of the tables of a connection."""

from typing import Any

import pytest

from tidings.core.connections.connection import Connection
from tidings.core.connections.tables import (
    DeclaredTable,
    shared_table,
    shared_tables,
    table_faults,
    tables_faults,
    tables_of,
)
from tidings.core.ids import OrgId

STATE: dict[str, Any] = {
    "columns": ["customer_id", "tier", "event_id", "at"],
    "key": ["customer_id"],
    "id": "event_id",
    "newer": "at",
}


def test_a_table_is_read_as_it_is_declared() -> None:
    table = DeclaredTable(tuple(STATE["columns"]), ("customer_id",), "event_id", "at")
    told = {"dsn": "x", "tables": {"loyalty.state": STATE}}
    assert tables_of(told, OrgId(1)) == {"loyalty.state": table}
    assert table.settable == ("customer_id", "tier", "at")
    assert table.needed == {"customer_id", "at"}
    assert tables_of({}, OrgId(1)) == tables_of({"tables": {"t": {}}}, OrgId(1)) == {}


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
        ({"org": "org_id"}, "key must have org_id, the column of the org"),
        ({"org": "event_id"}, "org must be a column, and not the id"),
        ({"org": 7}, "org must be a column"),
        ({"org": "customer_id"}, "key must have a column beside customer_id"),
        ({"org": "at", "key": ["customer_id", "at"]}, "newer must be one of its columns"),
    ],
)
def test_what_a_table_cannot_be_is_told(said: dict[str, Any], fault: str) -> None:
    assert any(fault in table_fault for table_fault in table_faults("state", STATE | said))


def test_without_key_and_id_a_repeat_would_be_written_twice() -> None:
    assert list(table_faults("t", {"columns": ["a"]})) == [
        "tables.t must have a key or an id: else what comes again is written again"
    ]
    assert list(table_faults("a.b.c", STATE)) and list(table_faults("t", 7))


def test_all_tables_of_a_connection_are_looked_at() -> None:
    [fault] = tables_faults({"tables": {"t": STATE, "u": STATE | {"id": None}, "v": STATE}})
    assert fault == "tables.u.id must be a column; got nothing"


def test_an_org_has_tables_of_its_own_by_its_number_and_the_column_of_it_is_never_set() -> None:
    fields = {"tables": {"s_{org}.state": STATE, "log": {"columns": ["a"], "id": "i", "org": "o"}}}
    assert not list(tables_faults(fields))
    assert set(tables_of(fields, OrgId(12))) == {"s_12.state", "log"}
    of_key = STATE | {"key": ["org", "customer_id"], "org": "org"}
    assert not list(table_faults("state", of_key))
    [table] = tables_of({"tables": {"state": of_key}}, OrgId(1)).values()
    assert "org" not in table.settable and table.needed == {"customer_id", "at"}


@pytest.mark.parametrize("name", ["a{org}1", "a1{org}", "{org}{org}", "x.{org}0"])
def test_no_two_orgs_have_a_table_of_one_name(name: str) -> None:
    assert any("beside no digit" in fault for fault in table_faults(name, STATE))


@pytest.mark.parametrize(
    ("orgs", "table", "shared"),
    [
        (None, STATE, True),
        (frozenset({OrgId(1), OrgId(2)}), STATE, True),
        (frozenset({OrgId(1)}), STATE, False),
        (frozenset(), STATE, False),
        (None, STATE | {"key": ["org", "customer_id"], "org": "org"}, False),
        (None, {"columns": ["a"], "id": "i"}, True),
    ],
)
def test_a_table_is_shared_where_several_orgs_may_write_and_no_column_tells_them_apart(
    orgs: frozenset[OrgId] | None, table: dict[str, Any], shared: bool
) -> None:
    fields = {"tables": {"state": table, "state_{org}": table}}
    connection = Connection("crm", "sql", fields, orgs)
    assert list(shared_tables(connection)) == ["state"] * shared
    assert shared_table(connection, tables_of(fields, OrgId(1))["state"]) is shared
