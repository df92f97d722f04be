"""Both stores have the same tables: what a migration changes in one of them it changes in both."""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import apsw
import pytest

from tests.golden import lists
from tests.store.postgres.databases import rows
from tidings.store.postgres.migration import DriverConnection
from tidings.store.sqlite import database as sqlite
from tidings.store.sqlite.search_file import open_search

OWN = {"owner", "schema_version"}  # who writes, and the number, are no rows in a file
TYPES = {"INTEGER": "bigint", "TEXT": "text", "BLOB": "bytea", "REAL": "double precision"}
GOLDEN = [line.partition(": ") for line in lists.read("schema")]
# What a run of events is dropped by; one by one they are found by their hash.
OWN_KEYS: dict[str, list[tuple[str, tuple[str, ...], bool]]] = {
    "event_id": [("event_id_seq", ("seq",), False)]
}
# SQLite gives the numbers of these itself, above all that were there or above those that are.
NUMBERED = {"arrival", "aside", "inbox", "rejection", "replay", "source", "webhook"}


class Column(NamedTuple):
    """A column as both databases describe it."""

    name: str
    type: str
    may_be_null: bool
    default: object


class Key(NamedTuple):
    """An index, or a constraint that is kept by one; one that a constraint made has no name."""

    name: str
    columns: tuple[str, ...]
    is_unique: bool
    condition: str


@pytest.fixture(scope="module")
def embedded() -> Iterator[apsw.Connection]:
    """The tables of the golden list, and those of the search file."""
    search = open_search(":memory:")
    found = ask(search, "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL")
    search.close()
    made = [text for head, _, text in GOLDEN if re.match("(index|table) (?!sqlite_)", head)]
    made.sort(key=lambda text: "INDEX" in text.split("(")[0])
    connection = apsw.Connection(":memory:")
    for text in (*made, *(text for (text,) in found)):
        connection.execute(text).fetchall()
    yield connection
    connection.close()


def ask(embedded: apsw.Connection, query: str, *values: str) -> list[Any]:
    """Return the rows of a query in SQLite."""
    return embedded.execute(query, values).fetchall()


def tables(embedded: apsw.Connection) -> list[str]:
    """Names of the tables of the embedded store."""
    query = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    return sorted(name for (name,) in ask(embedded, query))


def columns_of_embedded(embedded: apsw.Connection, table: str) -> list[Column]:
    """The columns of a table in SQLite, in their order."""
    found = []
    for _, name, kind, is_not_null, default, key in ask(embedded, f"PRAGMA table_info({table})"):
        value = None
        if default is not None:
            [(value,)] = ask(embedded, f"SELECT {default}")
        found.append(Column(name, TYPES[kind], not is_not_null and not key, value))
    return found


def columns_of(database: DriverConnection, table: str) -> list[Column]:
    """The columns of a table in PostgreSQL, in their order."""
    found = rows(
        database,
        "SELECT column_name, data_type, is_nullable = 'YES', column_default,"
        " coalesce(collation_name, '') FROM information_schema.columns"
        " WHERE table_schema = 'tidings' AND table_name = %s ORDER BY ordinal_position",
        table,
    )
    columns = []
    for name, kind, may_be_null, default, collation in found:
        assert collation == ("C" if kind == "text" else ""), (table, name)
        value = None
        if default is not None and not default.startswith("nextval("):
            [(value,)] = rows(database, f"SELECT {default}")
        columns.append(Column(name, kind, may_be_null, value))
    return columns


def keys_of_embedded(embedded: apsw.Connection, table: str) -> list[Key]:
    """The indexes of a table in SQLite; its primary key among them, also where that is the row's
    own number."""
    keys = []
    info = ask(embedded, f"PRAGMA table_info({table})")
    if primary := [(key, name) for _, name, _, _, _, key in info if key]:
        keys.append(Key("", tuple(name for _, name in sorted(primary)), True, ""))
    for _, name, is_unique, origin, _ in ask(embedded, f"PRAGMA index_list({table})"):
        if origin != "pk":
            named = ask(embedded, f"PRAGMA index_info({name})")
            text = "SELECT coalesce(max(sql), '') FROM sqlite_schema WHERE name = ?"
            [(sql,)] = ask(embedded, text, name)
            # An expression has no name.
            of_sql = sql.partition(" (")[2].partition(")")[0].split(", ")
            columns = tuple(column or of_sql[place] for place, _, column in named)
            made = name if origin == "c" else ""
            keys.append(Key(made, columns, bool(is_unique), sql.partition(" WHERE ")[2]))
    return sorted(keys)


def keys_of(database: DriverConnection, table: str) -> list[tuple[str, tuple[str, ...], bool]]:
    """The indexes of a table in PostgreSQL, but for their conditions."""
    found = rows(
        database,
        "SELECT CASE WHEN EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid)"
        " THEN '' ELSE i.indexrelid::regclass::text END,"
        " ARRAY(SELECT trim(BOTH '()' FROM pg_get_indexdef(i.indexrelid, place::int, true))"
        " FROM generate_series(1, i.indnkeyatts) AS place ORDER BY place),"
        " i.indisunique FROM pg_index i WHERE i.indrelid = %s::regclass",
        table,
    )
    return sorted((name, tuple(columns), is_unique) for name, columns, is_unique in found)


def test_the_tables_are_those_of_the_embedded_store(
    database: DriverConnection, embedded: apsw.Connection
) -> None:
    found = rows(database, "SELECT tablename FROM pg_tables WHERE schemaname = 'tidings'")
    assert {name for (name,) in found} == {*tables(embedded), *OWN}


def test_their_columns_are_the_same(database: DriverConnection, embedded: apsw.Connection) -> None:
    for table in tables(embedded):
        assert columns_of(database, table) == columns_of_embedded(embedded, table), table


def test_their_keys_and_indexes_are_the_same(
    database: DriverConnection, embedded: apsw.Connection
) -> None:
    for table in tables(embedded):
        expected = [key[:3] for key in keys_of_embedded(embedded, table)]
        assert keys_of(database, table) == sorted(expected + OWN_KEYS.get(table, [])), table


def test_the_conditions_of_indexes_are_the_same_and_what_fits_them_is_found_so(
    database: DriverConnection, embedded: apsw.Connection
) -> None:
    database.execute("SET enable_seqscan = off; SET enable_bitmapscan = off")
    conditional = [
        (table, key)
        for table in tables(embedded)
        for key in keys_of_embedded(embedded, table)
        if key.condition
    ]
    assert len(conditional) >= 9
    for table, key in conditional:
        plan = rows(
            database,
            f"EXPLAIN SELECT {key.columns[0]} FROM {table} WHERE {key.condition}"
            f" ORDER BY {', '.join(key.columns)}",
        )
        assert any(f" using {key.name} on " in line for (line,) in plan), (key, plan)
        database.execute(f"CREATE INDEX same ON {table} (({key.columns[0]})) WHERE {key.condition}")
        conditions = rows(
            database,
            "SELECT DISTINCT pg_get_expr(indpred, indrelid) FROM pg_index"
            " WHERE indexrelid IN ('same'::regclass, %s::regclass)",
            key.name,
        )
        assert len(conditions) == 1, (key, conditions)
        database.execute("DROP INDEX same")


def test_the_numbers_that_sqlite_gives_are_given(
    database: DriverConnection, embedded: apsw.Connection
) -> None:
    given = {
        head.split()[1] for head, _, text in GOLDEN if "AUTOINCREMENT" in text.partition("--")[0]
    }
    assert given <= NUMBERED
    identities = "SELECT attrelid::regclass::text FROM pg_attribute WHERE attidentity = 'd'"
    found = rows(database, identities)
    assert {name for (name,) in found} == NUMBERED


def test_a_number_is_given_once_and_may_be_brought_along(database: DriverConnection) -> None:
    put = "INSERT INTO source (org, name, sealed, created_ms, changed_ms) VALUES (1, %s, '', 0, 0)"
    assert rows(database, f"{put} RETURNING number", "a") == [(1,)]
    database.execute("DELETE FROM source")
    assert rows(database, f"{put} RETURNING number", "b") == [(2,)]
    database.execute(
        "INSERT INTO source (number, org, name, sealed, created_ms, changed_ms)"
        " VALUES (77, 1, 'c', '', 0, 0)"
    )


def test_its_triggers_are_the_same_and_its_facts_are_known(
    database: DriverConnection,
) -> None:
    heads = [head.split() for head, _, _ in GOLDEN]
    triggers = rows(database, "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1")
    assert triggers == [(name,) for kind, name in heads if kind == "trigger"]
    facts = rows(database, "SELECT key FROM meta ORDER BY 1")
    known = {(name,) for kind, name in heads if kind == "meta"}  # of a service that has run
    assert facts and known >= set(facts)


def test_a_new_store_begins_as_an_embedded_one(database: DriverConnection) -> None:
    embedded = apsw.Connection(":memory:")
    sqlite.migrate(embedded)
    for table in sorted({*tables(embedded)} - {"installation"}):
        query = f"SELECT * FROM {table} ORDER BY 1"
        assert rows(database, query) == ask(embedded, query), table
    embedded.close()
    assert rows(database, "SELECT epoch, holder, renewed FROM owner") == [(0, "", 0)]


def test_there_is_one_owner(database: DriverConnection) -> None:
    with pytest.raises(Exception, match="owner_pkey"):
        database.execute("INSERT INTO owner (epoch, holder, renewed) VALUES (1, 'b', 0)")
    with pytest.raises(Exception, match="owner_id_check"):
        database.execute("INSERT INTO owner (id, epoch, holder, renewed) VALUES (2, 1, 'b', 0)")


def test_a_part_of_a_segment_is_read_without_the_rest(database: DriverConnection) -> None:
    stored = "SELECT attstorage::text FROM pg_attribute WHERE attrelid = 'segment'::regclass"
    assert rows(database, f"{stored} AND attname = 'entries'") == [("e",)]
