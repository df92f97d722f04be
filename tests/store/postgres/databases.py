"""Connections to the database of a test."""

from typing import Any

import psycopg

from tests.postgres_server import Kind, shared_server
from tidings.store.postgres.migration import DriverConnection, migrate

SCHEMA = "tidings"
KEEP_FIRST_ROWS = """
CREATE SCHEMA first_rows;
DO $$ DECLARE name text; filled boolean; BEGIN
  FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'tidings' LOOP
    EXECUTE format('SELECT EXISTS (SELECT FROM tidings.%I)', name) INTO filled;
    IF filled THEN
      EXECUTE format('CREATE TABLE first_rows.%I AS TABLE tidings.%I', name, name);
    END IF;
  END LOOP;
END $$;
"""
BACK_TO_FIRST_ROWS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid();
SET session_replication_role = replica;
DO $$ DECLARE name text; filled boolean; BEGIN
  FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'tidings' LOOP
    EXECUTE format('SELECT EXISTS (SELECT FROM tidings.%I)', name) INTO filled;
    IF filled THEN EXECUTE format('TRUNCATE tidings.%I', name); END IF;
  END LOOP;
  FOR name IN SELECT sequencename FROM pg_sequences
    WHERE schemaname = 'tidings' AND last_value IS NOT NULL LOOP
    EXECUTE format('ALTER SEQUENCE tidings.%I RESTART', name);
  END LOOP;
  FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'first_rows' LOOP
    EXECUTE format('INSERT INTO tidings.%I TABLE first_rows.%I', name, name);
  END LOOP;
END $$;
"""


def connect(uri: str, path: str = SCHEMA, **settings: Any) -> DriverConnection:
    """Open a connection whose statements commit by themselves, and whose names lead to a schema."""
    return psycopg.connect(uri, autocommit=True, options=f"-c search_path={path}", **settings)


def migrated(serve_role: str | None = None) -> str:
    """Return the URI of a database in which the schema was made."""
    uri = shared_server().lend_database()
    with connect(uri) as connection:
        migrate(connection, SCHEMA, serve_role)
    return uri


def _make_migrated(uri: str) -> None:
    with connect(uri) as connection:
        migrate(connection, SCHEMA)
        connection.execute(KEEP_FIRST_ROWS)


MIGRATED = Kind("migrated", _make_migrated, BACK_TO_FIRST_ROWS)
"""A database with the schema, for tests that leave the schema as it is: to make it anew for each
takes longer than most of them."""


def rows(connection: DriverConnection, query: str, *values: object) -> list[Any]:
    """Return the rows of a query."""
    return connection.execute(query.encode(), values or None).fetchall()
