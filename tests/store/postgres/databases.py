"""Connections to the database of a test."""

from typing import Any

import psycopg

from tests.postgres_server import shared_server
from tidings.store.postgres.migration import DriverConnection, migrate

SCHEMA = "tidings"


def connect(uri: str, path: str = SCHEMA, **settings: Any) -> DriverConnection:
    """Open a connection whose statements commit by themselves, and whose names lead to a schema."""
    return psycopg.connect(uri, autocommit=True, options=f"-c search_path={path}", **settings)


def migrated(serve_role: str | None = None) -> str:
    """Return the URI of a database in which the schema was made."""
    uri = shared_server().lend_database()
    with connect(uri) as connection:
        migrate(connection, SCHEMA, serve_role)
    return uri


def rows(connection: DriverConnection, query: str, *values: object) -> list[Any]:
    """Return the rows of a query."""
    return connection.execute(query.encode(), values or None).fetchall()
