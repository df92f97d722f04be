"""Whether a database is the one that a store was last served from: one that was restored to a point
in time, or that failed over, may have gone back, and a service that has just started remembers
nothing of what it had then.

A server begins a new timeline where it is restored to a point or promoted; another one, or another
database, has another identity; and a schema that was restored from a dump has other tables. Which
they were stands in the store itself. Where one differs, numbers go on far above those that are
there, so that none is given to a second event or delivery. A store of ranges (core/cells/ranges.py)
gives up those that it has, and goes on with what it is granted.
"""

import hashlib
import sys
from typing import Any

import psycopg

from tidings.store.postgres.faults import is_server_fault
from tidings.store.postgres.owner_connection import OwnerConnection
from tidings.store.sql.facts.meta import LINEAGE, PUT, TABLES, MetaRow, read_fact
from tidings.store.sql.facts.numbers import leap

LEAP = 1 << 36  # more than a store gives between two backups; a JSON number holds 131,072 of them
_LINEAGE = (
    "SELECT (pg_control_system()).system_identifier, oid, pg_walfile_name(pg_current_wal_lsn())"
    " FROM pg_database WHERE datname = current_database()"
)
_TABLES = "SELECT 'meta'::regclass::oid::bigint"
_TIMELINE_SIGNS = 8  # of the name of a file of the log


def follow_lineage(connection: OwnerConnection) -> None:
    """Begin fresh numbers, and print why, where the database is not the one of before. Called at a
    start, before one is given."""
    changed = _changed_facts(connection)
    if not changed:
        return
    is_other = any(read_fact(connection, row.key) is not None for row in changed)
    with connection:
        if is_other:
            leap(connection, LEAP)
        connection.executemany(PUT, changed)
    if is_other:
        print(
            "The database has failed over, or was restored, since this store was last served: what "
            "was acknowledged after the point from which it goes on is not there. Numbers of "
            "events and deliveries go on far above those that are.",
            file=sys.stderr,
            flush=True,
        )


def note_lineage(connection: OwnerConnection) -> None:
    """Note which database it is, where nothing that was acknowledged is missing."""
    changed = _changed_facts(connection)
    if changed:
        with connection:
            connection.executemany(PUT, changed)


def _changed_facts(connection: OwnerConnection) -> list[MetaRow]:
    """Return what the database is, where its store has noted something else or nothing."""
    [(tables,)] = connection.execute(_TABLES).fetchall()
    found = {LINEAGE: _read_lineage(connection), TABLES: int(tables)}
    return [
        MetaRow(key=key, value=value)
        for key, value in found.items()
        if value is not None and value != read_fact(connection, key)
    ]


def _read_lineage(connection: OwnerConnection) -> int | None:
    """Return a number of the server, the database and its timeline; None where the server tells
    nothing of them."""
    driver: psycopg.Connection[Any] = connection.driver
    try:
        [(server, database, file)] = driver.execute(_LINEAGE.encode()).fetchall()
    except psycopg.Error as error:
        if is_server_fault(error):
            raise
        return None
    words = f"{server} {database} {file[:_TIMELINE_SIGNS]}"
    digest = hashlib.blake2b(words.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1
