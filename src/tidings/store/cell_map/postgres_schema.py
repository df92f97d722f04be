"""The schema of the map in PostgreSQL: made and brought forward by numbered scripts.

Several that do so at once run one behind the other; each script and its number are one transaction.
"""

from importlib import resources
from typing import Any

import psycopg
from psycopg import sql

from tidings.store.cell_map.schema_number import must_bring_forward
from tidings.store.port.cell_map import MapDown, MapRefused
from tidings.store.postgres.faults import describe_fault, is_server_fault
from tidings.store.postgres.migration import SchemaScript, schema_of
from tidings.store.sql.row_mapping import insert_columns

_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('tidings map ' || %s, 0))"
_IS_THERE = "SELECT 1 FROM pg_namespace WHERE nspname = %s"
_OTHER_TABLES = "SELECT 1 FROM pg_tables WHERE schemaname = %s LIMIT 1"
_IS_OURS = "SELECT 1 WHERE current_user = %s"
_PUT_NUMBER = insert_columns("schema_version", ("number",)).replace("?", "%s")
# Of the number of the schema it reads alone.
_GRANTS = (
    "GRANT USAGE ON SCHEMA {schema} TO {role}",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role}",
    "REVOKE INSERT, UPDATE, DELETE ON {schema}.schema_version FROM {role}",
)


def make_postgres_map(
    connection: "psycopg.Connection[Any]", schema: str, serve_role: str | None = None
) -> None:
    """Make the map in a schema, or bring it forward; give the role that serves what it needs. Done
    again, or by several at once, it is made once. Raise `MapDown`, `MapRefused`."""
    try:
        for script in _scripts():
            with connection.transaction():
                _enter(connection, schema)
                _run(connection, schema, script)
        if serve_role is not None:
            with connection.transaction():
                _enter(connection, schema)
                _grant(connection, schema, serve_role)
    except psycopg.Error as error:
        reason = describe_fault(error)
        if is_server_fault(error):
            raise MapDown(f"the map cannot be made now: {reason}") from error
        raise MapRefused(
            f"The database must let the map be made in the schema {schema}; it says: {reason}. "
            "Correct that, and make the map as the role that owns the tables."
        ) from error


def newest_map_schema() -> int:
    """Return the number of the newest schema of the map that this release knows."""
    return _scripts()[-1].number


def _enter(connection: "psycopg.Connection[Any]", schema: str) -> None:
    """Wait for whoever does the same, make the schema if it is not there, and have names lead to
    it."""
    connection.execute(_LOCK, (schema,))
    name = sql.Identifier(schema)
    if connection.execute(_IS_THERE, (schema,)).fetchone() is None:
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(name))
    connection.execute(sql.SQL("SET LOCAL search_path = {}").format(name))


def _run(connection: "psycopg.Connection[Any]", schema: str, script: SchemaScript) -> None:
    have = schema_of(connection)
    must_bring_forward(have, newest_map_schema())
    if not have and connection.execute(_OTHER_TABLES, (schema,)).fetchone() is not None:
        raise MapRefused(
            f"The schema {schema} must be empty or of a map; it holds other tables. "
            "Name another one."
        )
    if have < script.number:
        connection.execute(script.statements.encode())
        connection.execute(_PUT_NUMBER.encode(), (script.number,))


def _grant(connection: "psycopg.Connection[Any]", schema: str, role: str) -> None:
    """Give a role what it needs; who owns the tables would take that from itself."""
    if connection.execute(_IS_OURS, (role,)).fetchone() is not None:
        return
    names = {"schema": sql.Identifier(schema), "role": sql.Identifier(role)}
    for grant in _GRANTS:
        connection.execute(sql.SQL(grant).format(**names))


def _scripts() -> list[SchemaScript]:
    """Load the numbered scripts, in order."""
    folder = resources.files(__package__).joinpath("schema", "postgres")
    return sorted(
        SchemaScript(int(path.name.split("_")[0]), path.read_text("utf-8"))
        for path in folder.iterdir()
        if path.name.endswith(".sql")
    )
