"""Which store a service has: the files of its data directory, or a schema of a database."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tidings.app.keys.key_check import admit_key
from tidings.app.keys.master_key import key_place
from tidings.connections.port import command_of
from tidings.core.running.lease import EndlessLease, Lease, OwnerLease
from tidings.engine.vault import SealedSecret
from tidings.errors import TidingsError
from tidings.settings.settings import Settings
from tidings.store.hosting.client import HostedStore
from tidings.store.hosting.daemon_thread import run_in_daemon_thread
from tidings.store.port import StoreRefused
from tidings.store.sql.halves import passed_s
from tidings.store.sqlite.directory_lock import DirectoryLock
from tidings.store.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from tidings.core.cells.owners_seen import WatchedOwner

EXTRA = "postgres"
MAP = "map/map.db"  # of a data directory; `cell_map` says what it is


def driver_refusal(settings: Settings) -> str | None:
    """Say that what speaks to the database is not installed, or return None."""
    if settings.database is None:
        return None
    try:
        import psycopg  # noqa: F401, PLC0415  # of an extra
    except ImportError:
        return (
            "database must come with what speaks to PostgreSQL; it is not installed. Run "
            f"{command_of(EXTRA)}."
        )
    return None


class CellsFound(TidingsError):
    """There is a map of cells beside the store: each may be served by a process of its own."""


def look_for_map(settings: Settings) -> None:
    """Raise CellsFound where a data directory has a map. Of a database its opener says so."""
    # What may not be looked into is no map: the store beside it says which cell it is.
    if settings.database is None and os.path.exists(settings.data / MAP):
        raise CellsFound


def server_error(error: Exception) -> str | None:
    """Return what the server of a database says of an error; None where it is of none."""
    driver = sys.modules.get(
        "psycopg"
    )  # of an extra: where nobody has loaded it, it has raised none
    if driver is None or not isinstance(error, driver.Error):
        return None
    from tidings.store.postgres.faults import describe_fault  # noqa: PLC0415

    return describe_fault(error)


def store_opener(
    settings: Settings,
    died: Callable[[], None],
    master: SealedSecret | None,
    *,
    is_alone: bool = False,
    cell: int | None = None,
    former: "WatchedOwner | None" = None,
) -> tuple[Callable[[], Awaitable[HostedStore]], OwnerLease]:
    """Return how the store is opened, again until it can be, and the lease of its owner: each call
    raises StoreRefused where it never can, StoreDown or OSError (`DISK_ERRNOS`) where it cannot
    now. `died` hears of the end of what writes. A database that knows another key than `master` is
    not waited for: one that stands by would find it out when it is needed (WrongKey). Beside one
    that has a map of cells, CellsFound is raised, but for who `is_alone` with its store
    or owns one `cell` of several. `former`: its owner, as it was watched before.
    """
    if settings.database is None:
        return lambda: SqliteStore.open(settings.data, died), EndlessLease()
    assert master is not None, "a database has no key of its own"
    from tidings.store.postgres.database import StoreDatabase  # noqa: PLC0415
    from tidings.store.postgres.inspection.known_key import read_start_facts  # noqa: PLC0415
    from tidings.store.postgres.inspection.server_findings import (  # noqa: PLC0415
        look_before_start,
    )
    from tidings.store.postgres.ownership import OwnerWatch  # noqa: PLC0415
    from tidings.store.postgres.store import PostgresStore  # noqa: PLC0415

    place = settings.database.describe()
    database = StoreDatabase(settings.database.reveal(), settings.database_schema)
    watch, lease = OwnerWatch(database.connect, passed_s, cell, former), Lease(passed_s)
    locked: list[DirectoryLock] = []  # what lies beside the store in files is this process's alone

    def look() -> int | None:
        look_before_start(database)
        facts = read_start_facts(database)
        if facts.has_map and not is_alone and cell is None:
            raise CellsFound
        return facts.known_key

    async def open_store() -> HostedStore:
        if not locked:
            with _naming(place):
                known = await run_in_daemon_thread(look)
            admit_key(master, known, key_place(settings))
            locked.append(await asyncio.to_thread(DirectoryLock, settings.data))
        with _naming(place):
            return await PostgresStore.open(database, watch, lease, died)

    return open_store, lease


@contextmanager
def _naming(place: str) -> Iterator[None]:
    """Name the database in what is refused for good; of one that is down the start names it."""
    try:
        yield
    except StoreRefused as refused:
        raise StoreRefused(f"{place}: {refused}") from refused
