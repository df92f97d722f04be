"""Which connections the processes of several cells have at a database, by their names, and how many
they may have.

The process of a cell has three for as long as it serves: one writes, and by its name the next owner
ends it; one answers of the log, one writes what is found by. A host has one in each database for
the rows of owners, and one for the map, over which the processes of its cells ask as well. A start,
a look and a command have one for a moment.
"""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

import psycopg

from tidings.store import port
from tidings.store.postgres.database import StoreDatabase
from tidings.store.postgres.faults import describe_fault

OF_CELL = 3
SPARE = 8
CONNECTION_NAME = "tidings doctor"
HOST_NAME = "tidings host"  # that watches the owners
_OF_OWNER = re.compile(r"tidings cell=(\d+) epoch=(\d+) [0-9a-f]+ (\w+)")
_OF_MAP = re.compile(r"tidings map cell=(\d+)")
_NAMES = (
    "SELECT application_name FROM pg_stat_activity WHERE datname = current_database()"
    " AND starts_with(application_name, 'tidings ') AND pid <> pg_backend_pid()"
)
_ROOM = (
    "SELECT current_setting('max_connections')::int"
    " - current_setting('superuser_reserved_connections')::int"
)


class ConnectionName(NamedTuple):
    """Hold what the name of a connection says: of which cell it is, and epoch, and what it does.
    No cell: it is of a host, or of a command."""

    cell: int | None
    epoch: int | None
    role: str


class CellConnections(NamedTuple):
    """Hold the connections that there are, and how many the server lets in."""

    counts: Mapping[ConnectionName, int]
    room: int

    @property
    def total(self) -> int:
        """Return how many there are."""
        return sum(self.counts.values())

    @property
    def hosts(self) -> int:
        """Return how many hosts are connected."""
        return self.counts.get(ConnectionName(None, None, HOST_NAME), 0)

    def bound(self, cells: int, *, has_map: bool) -> int:
        """Compute how many there may be, with so many cells in this database. `has_map`: it is in
        this database too."""
        of_host = 2 if has_map else 1
        return OF_CELL * cells + of_host * max(1, self.hosts) + SPARE


def read_name(name: str) -> ConnectionName:
    """Read what the name of a connection says."""
    if found := _OF_OWNER.fullmatch(name):
        return ConnectionName(int(found[1]), int(found[2]), found[3])
    if found := _OF_MAP.fullmatch(name):
        return ConnectionName(int(found[1]), None, "map")
    return ConnectionName(None, None, name)


def read_cell_connections(database: StoreDatabase) -> CellConnections:
    """Read which connections a database has. Raise StoreDown, StoreRefused."""
    with database.connect(CONNECTION_NAME) as connection:
        try:
            names = [read_name(name) for (name,) in connection.execute(_NAMES.encode())]
            return CellConnections(Counter(names), _room_of(connection))
        except psycopg.Error as error:
            raise port.StoreDown(
                f"its connections cannot be listed now: {describe_fault(error)}"
            ) from error


def _room_of(connection: "psycopg.Connection[Any]") -> int:
    [(room,)] = connection.execute(_ROOM.encode()).fetchall()
    return int(room)
