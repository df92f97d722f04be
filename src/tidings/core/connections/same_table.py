"""Whether an outbox reads the very table that rows are written to, as far as connections say. Pure.

They may name one server in two ways: what is not found here is found when rows are written
(`destinations/sql/outbox_readers.py`).
"""

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, unquote, urlsplit

from tidings.core.connections.connection import Connection

_PAIR = re.compile(r"(\w+)\s*=\s*('(?:[^'\\]|\\.)*'|\S+)")
_HERE = ("", "localhost", "127.0.0.1", "::1")


def is_same_table(one: Connection, table: str, other: Connection, other_table: str) -> bool:
    """Tell whether two connections lead to one database, and two names to one table of it. A name
    without a schema may be in any."""
    if one.name != other.name and _database(one.fields) != _database(other.fields):
        return False
    schema, name = _split(table)
    other_schema, other_name = _split(other_table)
    return name == other_name and (not schema or not other_schema or schema == other_schema)


def _split(table: str) -> tuple[str, str]:
    schema, _, name = table.rpartition(".")
    return schema, name


def _database(fields: Mapping[str, object]) -> tuple[str, str, str]:
    """Return host, port and name of a database, as libpq would find them."""
    dsn = str(fields.get("dsn", ""))
    parameters: dict[str, str] = {}
    try:
        parts = urlsplit(dsn)
    except ValueError:
        parts = urlsplit("")  # libpq cannot read it either
    if parts.scheme in ("postgresql", "postgres"):
        place = parts.netloc.rpartition("@")[2]
        host, _, port = place.rpartition(":") if re.search(r":[0-9]+$", place) else (place, "", "")
        user = parts.netloc.rpartition("@")[0].partition(":")[0]
        parameters = {"host": host.strip("[]"), "port": port, "user": unquote(user)}
        parameters |= {"dbname": unquote(parts.path.lstrip("/"))}
        parameters |= dict(parse_qsl(parts.query))
    else:
        parameters = {name: value.strip("'") for name, value in _PAIR.findall(dsn)}
    parameters |= {name: str(value) for name, value in fields.items() if name != "dsn"}
    host = (parameters.get("host") or parameters.get("hostaddr") or "").lower().rstrip(".")
    host = "" if host in _HERE or host.startswith("/") else host
    return (
        host,
        parameters.get("port") or "5432",
        parameters.get("dbname") or parameters.get("user") or "",
    )
