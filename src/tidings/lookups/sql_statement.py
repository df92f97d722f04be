"""The statement of a look-up, as PostgreSQL is asked it. Pure.

Values are parameters and never a part of it: `%(id)s` becomes `$1`. It stands within another one,
so that it can only read and is only one; that has PostgreSQL make JSON of its first row, which
knows best how: numbers keep all their digits, but for NaN and Infinity, which are texts; times are
ISO 8601 in UTC, arrays are lists, json is what it holds, and bytes are a text of hexadecimal
digits behind `\\x`. Of two columns with one name the last counts. A row above the bound stays
where it is.
"""

import re

from tidings.lookups.port import RECORD_BYTES_MAX

_HOLE = re.compile(r"%\(([A-Za-z_][A-Za-z0-9_]{0,63})\)s|%%")
_ROW = """
SELECT pg_catalog.octet_length(one.j),
  CASE WHEN pg_catalog.octet_length(one.j) <= {most} THEN one.j END
FROM (SELECT pg_catalog.row_to_json(r)::pg_catalog.text AS j FROM (
{statement}
) AS r LIMIT 1) AS one
"""


def asked_as(statement: str) -> tuple[bytes, tuple[str, ...]]:
    """Return what the server is asked, and the names of its parameters in their order. `%%` is a
    percent sign, as is one that begins no parameter."""
    names: dict[str, int] = {}

    def numbered(hole: re.Match[str]) -> str:
        return f"${names.setdefault(hole[1], len(names) + 1)}" if hole[1] else "%"

    inner = _HOLE.sub(numbered, statement).strip().removesuffix(";")
    whole = _ROW.replace("{most}", str(RECORD_BYTES_MAX)).replace("{statement}", inner)
    return whole.encode(), tuple(names)
