"""The tables of a database, as its catalogue has them: what statements are translated by."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import psycopg

_COLUMNS = """
SELECT c.relname, a.attname, format_type(a.atttypid, NULL),
    CASE WHEN a.attidentity <> '' THEN format('nextval(%L)', pg_get_serial_sequence(
            quote_ident(n.nspname) || '.' || quote_ident(c.relname), a.attname))
        WHEN pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%' THEN pg_get_expr(d.adbin, d.adrelid)
    END
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p')
ORDER BY c.relname, a.attnum
"""
# An index of some rows only, or of an expression, is no key.
_KEYS = """
SELECT c.relname, (SELECT array_agg(a.attname::text ORDER BY k.place)
    FROM unnest(i.indkey::smallint[]) WITH ORDINALITY AS k (number, place)
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number
    WHERE k.place <= i.indnkeyatts)
FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p')
    AND i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL
ORDER BY c.relname, NOT i.indisprimary, i.indexrelid
"""


class CatalogueTable(NamedTuple):
    """A table's columns, and what is unique in it."""

    types: Mapping[str, str]  # by column
    keys: Sequence[tuple[str, ...]] = ()  # the primary one first
    numbers: Mapping[str, str] = {}  # by column that the database numbers: its next number


Tables = Mapping[str, CatalogueTable]


def read_tables(connection: psycopg.Connection[Any]) -> dict[str, CatalogueTable]:
    """Read the tables of the schema that statements of this connection are about."""
    types: dict[str, dict[str, str]] = {}
    numbers: dict[str, dict[str, str]] = {}
    for table, column, kind, number in connection.execute(_COLUMNS):
        types.setdefault(table, {})[column] = kind
        if number is not None:
            numbers.setdefault(table, {})[column] = number
    keys: dict[str, list[tuple[str, ...]]] = {}
    for table, columns in connection.execute(_KEYS):
        keys.setdefault(table, []).append(tuple(columns))
    return {
        table: CatalogueTable(types[table], keys.get(table, []), numbers.get(table, {}))
        for table in types
    }
