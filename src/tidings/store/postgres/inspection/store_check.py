"""Checks a store in PostgreSQL, also one that is served: nothing is written."""

from collections.abc import Iterator

from psycopg import sql

from tidings.store.postgres.connection import PostgresConnection
from tidings.store.postgres.database import StoreDatabase
from tidings.store.postgres.migration import DriverConnection, check_schema
from tidings.store.sql.invariants import find_broken

NAME = "tidings check"
_NUMBERED = """
SELECT c.relname, a.attname, pg_get_serial_sequence(
    quote_ident(n.nspname) || '.' || quote_ident(c.relname), a.attname)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p') AND a.attidentity = ''
    AND pg_get_serial_sequence(
        quote_ident(n.nspname) || '.' || quote_ident(c.relname), a.attname) IS NOT NULL
ORDER BY c.relname
"""
_GIVEN = "SELECT pg_sequence_last_value(%s::regclass)"  # for whoever may take a number


def check_store(database: StoreDatabase) -> list[str]:
    """Return a sentence for each thing that is wrong with the rows of a schema. Raise StoreDown or
    Unusable where they cannot be read."""
    with database.connect(NAME) as connection:
        check_schema(connection)
        found = [*_owners(connection), *_sequences(connection)]
    reader = PostgresConnection(database.connect(NAME), read_only=True)
    try:
        with reader:
            found += find_broken(reader)
    finally:
        reader.close()
    return found


def _owners(connection: DriverConnection) -> Iterator[str]:
    rows = connection.execute("SELECT epoch FROM owner").fetchall()
    if len(rows) != 1:
        yield f"The table owner must have one row; it has {len(rows)}. Restore it from a backup."


def _sequences(connection: DriverConnection) -> Iterator[str]:
    """Find numbers that would be given a second time, as after a dump of tables alone: those that
    the database gives. Of IDENTITY columns the owner does, above all that are there."""
    for table, column, sequence in connection.execute(_NUMBERED.encode()).fetchall():
        highest = sql.SQL("SELECT coalesce(max({}), 0) FROM {}")
        names = sql.Identifier(column), sql.Identifier(table)
        [(newest,)] = connection.execute(highest.format(*names)).fetchall()
        [(given,)] = connection.execute(_GIVEN.encode(), (sequence,)).fetchall()
        last = given or 0
        if newest > last:
            yield (
                f"The sequence {sequence} must be above the numbers of {table}; it has given "
                f"{last:,}, and {newest:,} is there. Set it: SELECT setval('{sequence}', {newest})"
            )
