"""The statement that writes a row. Every name is quoted, and every value a parameter.

There is one parameter, the row as a JSON object: the server reads each value as what the column is
at that moment, so nothing that is known of a table can be out of date. Functions and types are
named with their schema, so that nobody's `search_path` puts others in their place.
"""

from collections.abc import Sequence

from psycopg import sql

from tidings.core.connections.tables import DeclaredTable

_WRITE = """
INSERT INTO {table} AS t ({columns})
SELECT {values}
  FROM pg_catalog.json_populate_record(NULL::{table}, $1::pg_catalog.json) AS r
    ON CONFLICT ({conflict}) DO {act}
"""
_READ = "SELECT FROM pg_catalog.json_populate_record(NULL::{table}, $1::pg_catalog.json)"


def statement(name: str, table: DeclaredTable, columns: Sequence[str]) -> str:
    """Insert a row of these columns, or change the one with its key. What has come before, or is
    older, changes nothing."""
    columns = list(
        dict.fromkeys((*columns, *filter(None, (table.id, table.org_column, table.headers))))
    )
    return (
        sql.SQL(_WRITE)
        .format(
            table=sql.Identifier(*name.split(".")),
            columns=_names(columns),
            values=sql.SQL(", ").join(sql.Identifier("r", column) for column in columns),
            conflict=_names(table.key or [*filter(None, (table.org_column, table.id))]),
            act=_change(table, [column for column in columns if column not in table.key]),
        )
        .as_string()
    )


def read_statement(name: str) -> str:
    """Read a row as the table's columns are, and write nothing."""
    return sql.SQL(_READ).format(table=sql.Identifier(*name.split("."))).as_string()


def _change(table: DeclaredTable, columns: Sequence[str]) -> sql.Composable:
    if not table.key or not columns:
        return sql.SQL("NOTHING")
    change = sql.SQL(", ").join(
        sql.SQL("{} = {}").format(sql.Identifier(column), sql.Identifier("excluded", column))
        for column in columns
    )
    only: list[sql.Composable] = []
    if table.newer:
        had, comes = sql.Identifier("t", table.newer), sql.Identifier("excluded", table.newer)
        only.append(sql.SQL("({0} IS NULL OR {0} <= {1})").format(had, comes))
    if table.id:
        had, comes = sql.Identifier("t", table.id), sql.Identifier("excluded", table.id)
        only.append(sql.SQL("{} IS DISTINCT FROM {}").format(had, comes))
    where = sql.SQL(" WHERE ") + sql.SQL(" AND ").join(only) if only else sql.SQL("")
    return sql.SQL("UPDATE SET ") + change + where


def _names(names: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, names))
