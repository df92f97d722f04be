"""Every statement of `store/sql` is one of PostgreSQL, once translated."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from contextlib import suppress
from types import ModuleType

import apsw
import psycopg
import pytest
from psycopg.pq import ExecStatus

import tidings.store.sql
from tests.postgres_server import shared_server
from tidings.store.postgres.batches import batch_of
from tidings.store.postgres.catalogue import read_tables
from tidings.store.postgres.migration import migrate
from tidings.store.postgres.statements import Parameter, translate
from tidings.store.sqlite.database import open_writer
from tidings.store.sqlite.search_file import open_search

SCHEMA = "tidings"
IS_STATEMENT = re.compile(r"(SELECT|INSERT|UPDATE|DELETE|WITH)\s", re.IGNORECASE)
BIGINT = 20
OIDS = {  # of a value and of a list
    "bigint": (BIGINT, 1016),
    "text": (0, 1009),
    "bytea": (17, 1001),
    "double precision": (701, 1022),
}
PARTS = {"tidings.store.sql.sources._SUMS.0"}  # grouped by those who ask


@pytest.fixture(scope="module")
def database() -> Iterator[psycopg.Connection]:
    uri = shared_server().database("all_statements")
    options = f"-c search_path={SCHEMA}"
    with psycopg.connect(uri, autocommit=True, options=options) as connection:
        migrate(connection, SCHEMA)
        yield connection


def modules() -> list[ModuleType]:
    """All modules of rows."""
    package = tidings.store.sql
    names = [
        found.name for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    ]
    return [importlib.import_module(name) for name in names]


def constants() -> dict[str, str]:
    """The texts that modules have, by where they are; also in tuples and in mappings."""
    found: dict[str, str] = {}
    for module in modules():
        for name, value in vars(module).items():
            parts = value if isinstance(value, tuple | list) else [value]
            parts = [*value.values()] if isinstance(value, dict) else parts
            for number, part in enumerate(parts):
                if isinstance(part, str) and IS_STATEMENT.match(part):
                    found[f"{module.__name__}.{name}.{number}"] = part
    return found


def whole_statements() -> dict[str, str]:
    """Those that SQLite takes as they are: others are parts of what functions build, as are these
    few that it takes all the same."""
    databases = [open_writer(":memory:"), open_search(":memory:")]

    def is_whole(statement: str) -> bool:
        for database in databases:
            with suppress(apsw.SQLError):
                try:
                    database.execute(f"EXPLAIN {statement}")
                except apsw.BindingsError:  # it was understood before
                    pass
                return True
        return False

    whole = {
        text: place for place, text in constants().items() if place not in PARTS and is_whole(text)
    }
    for database in databases:
        database.close()
    return {place: text for text, place in whole.items()}


def oid_of(parameter: Parameter, untyped: int) -> int:
    """The type of a value, as a connection binds it."""
    if parameter.elements:
        return OIDS[parameter.elements][1]
    return OIDS[parameter.type][0] if parameter.type else untyped


def refusal_of(connection: psycopg.Connection, text: str, oids: list[int]) -> str:
    """Why PostgreSQL does not take a statement; nothing where it does."""
    result = connection.pgconn.prepare(b"", text.encode(), oids)
    return result.error_message.decode() if result.status == ExecStatus.FATAL_ERROR else ""


def test_every_statement_is_taken(database: psycopg.Connection) -> None:
    tables, refused = read_tables(database), {}
    whole = whole_statements()
    assert len(whole) > 150  # of these modules at least
    assert {place.rsplit(".", 3)[1] for place in whole} >= {"writer", "blocks", "queries"}
    for place, text in whole.items():
        statement = translate(text, tables)
        # A value whose column is not plain to see is a number, or a text whose type is left open.
        refusals = [
            refusal_of(
                database,
                statement.text,
                [oid_of(parameter, kind) for parameter in statement.parameters],
            )
            for kind in (BIGINT, 0)
        ]
        if "" not in refusals:
            refused[place] = (statement.text, *refusals)
    assert refused == {}


def test_every_batch_is_taken(database: psycopg.Connection) -> None:
    tables, refused, taken = read_tables(database), {}, 0
    for place, text in whole_statements().items():
        if (batch := batch_of(text, tables)) is not None:
            oids = [OIDS[parameter.type][1] for parameter in batch.parameters]
            if refusal := refusal_of(database, batch.text, oids):
                refused[place] = (batch.text, refusal)
            else:
                taken += 1
    assert refused == {}
    assert taken > 30
