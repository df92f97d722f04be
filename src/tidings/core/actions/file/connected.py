"""What acts and look-ups name: connections, which the file declares too, and look-ups and
credentials. Pure."""

from collections.abc import Collection, Mapping

from tidings.core.actions.action import ActionLookup, Credential
from tidings.core.actions.file.credentials import warn_of_plain
from tidings.core.actions.file.likely_slips import warn_of_plaintext
from tidings.core.actions.file.table import Table, listed
from tidings.core.connections.connection import Connection
from tidings.core.form import nearest
from tidings.core.ids import OrgId
from tidings.values import describe_value

CONNECTIONS_MAX = 100


class DeclaredNames:
    """Names that are declared; None for what is declared and cannot be used."""

    def __init__(
        self,
        connections: Mapping[str, Connection | None],
        org: OrgId,
        types: Collection[str] = (),
    ) -> None:
        self.connections = connections
        self.org = org  # whose file it is
        self.types = types  # of events, by which the file adds to those that the org takes
        self.lookups: dict[str, ActionLookup | None] = {}
        self.credentials: dict[str, Credential | None] = {}


def connections_of(table: Table | None) -> dict[str, Connection | None]:
    """Read `[connections.NAME]`; None for one that cannot be used, which is told."""
    if table is None:
        return {}
    found: dict[str, Connection | None] = {}
    if len(table.body) > CONNECTIONS_MAX:
        table.refuse(
            "too_many",
            "",
            f"connections must contain at most {CONNECTIONS_MAX} tables; got {len(table.body)}. "
            "Name the file of connections in the settings instead.",
        )
        return dict.fromkeys(table.body)
    for name, fields in table.body.items():
        made = table.given.check_connection(name, fields)
        if isinstance(made, list):
            for made_table in made:
                word = made_table.partition(" ")[0]
                within = isinstance(fields, dict) and word in fields
                table.refuse("bad_connection", f"{name}.{word}" if within else name, made_table)
            found[name] = None
        else:
            found[name] = made
        if name in table.given.connections:
            table.refuse(
                "duplicate_name",
                name,
                f"A connection must have a name of its own; got {describe_value(name)}, which the "
                "file of connections has too. Rename it, or remove it.",
            )
        if isinstance(fields, dict):
            warn_of_plain(table.within(name, fields))
    return found


def connection_in(
    table: Table, connections: Mapping[str, Connection | None], kind: str
) -> Connection | None:
    """Find the connection of a type that a table names. None if there is none, which is reported,
    or if it is declared and its own faults are reported already."""
    if not table.need("connection", f'the name of a connection of type {kind}, as "main"'):
        return None
    name = table.body["connection"]
    if isinstance(name, str) and name in connections:
        found = connections[name]
        if found is None or found.kind == kind:
            warn_of_plaintext(table, found)
            return found
        got = f"{describe_value(name)}, which is of type {found.kind}"
    else:
        got = describe_value(name)
    fitting = [
        connection
        for connection, made in connections.items()
        if made is not None and made.kind == kind
    ]
    known = f": {listed(fitting)}" if fitting else ", and none is declared"
    table.refuse(
        "unknown_connection",
        "connection",
        f"connection must name one of type {kind}{known}; got {got}."
        f"{nearest(str(name), fitting) or ' Declare it in [connections.NAME].'}",
    )
    return None
