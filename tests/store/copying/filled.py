"""Stores with something in every table, and what is in them."""

import base64
import itertools
import os
import re
from pathlib import Path
from typing import Any, NamedTuple

from tests.golden.taken_up import unpacked
from tests.postgres_server import shared_server
from tests.store.postgres.databases import SCHEMA
from tidings.app.keys.key_check import unlock
from tidings.app.keys.master_key import key_place
from tidings.app.store_copying import MasterSecrets
from tidings.engine.vault import SealedSecret, read_or_make_key
from tidings.settings.load import load
from tidings.store.copying.plan import TablePlan, plan_tables
from tidings.store.copying.postgres_side import PostgresSide
from tidings.store.copying.sides import StoreSide
from tidings.store.copying.sqlite_side import SqliteSide
from tidings.store.postgres.database import StoreDatabase
from tidings.store.postgres.migration import migrate
from tidings.store.sql.configuration.key_check import KeyCheckRow
from tidings.store.sql.row_mapping import insert_columns
from tidings.store.sqlite.database import open_writer
from tidings.store.sqlite.search_file import table_names

KEY = bytes(range(32))
VALUES = {"INTEGER": 7, "TEXT": "nul \0, é, \ufdd0", "BLOB": b"\0\xff", "REAL": 1.5}


class FilledStore(NamedTuple):
    """A store, as the command names it, and the key that it is sealed with."""

    path: Path
    key: bytes

    @property
    def secrets(self) -> MasterSecrets:
        """What opens its secrets."""
        master = SealedSecret(self.key)
        return MasterSecrets(master, unlock(master, None, key_place(load({}))))


def filled_directory(place: Path) -> FilledStore:
    """Return a data directory that a service has left, with rows in every table."""
    place.mkdir(mode=0o700)
    unpacked(place)
    connection = open_writer(place / "tidings.db")
    connection.execute("UPDATE meta SET value = 1 WHERE key = 'clean_stop'").fetchall()
    connection.close()
    store = FilledStore(place, read_or_make_key(place / "key").reveal())
    side = SqliteSide(place, make=False)
    KeyCheckRow(side.connection).put(store.secrets.check())
    for plan in plans(side):
        if not side.connection.execute(f"SELECT 1 FROM {plan.name}").fetchall():
            side.connection.execute(
                insert_columns(plan.name, plan.columns), made(plan, side, store)
            )
    side.close()
    return store


def made(plan: TablePlan, side: StoreSide, store: FilledStore) -> list[Any]:
    """Return a row of values of a table's types, with what is sealed in it sealed."""
    types = side.tables()[plan.name].columns
    row = {column: VALUES[types[column]] for column in plan.columns}
    for sealed in plan.sealed:
        of = [row[column] for column in sealed.of]
        row[sealed.column] = store.secrets.seal(sealed, of, b"hush")
    return [*row.values()]


def empty_directory(place: Path) -> FilledStore:
    """Name a data directory that is not there yet, but for its key."""
    place.mkdir(mode=0o700)
    key = place / "key"
    key.touch(0o600)
    key.write_bytes(KEY)
    return FilledStore(place, KEY)


def empty_database(place: Path, serve_role: str | None = None) -> FilledStore:
    """Name a database whose tables were just made, by a settings file; with the role that serves
    where there is one."""
    uri = shared_server().lend_database()
    with StoreDatabase(uri).connect("tests") as connection:
        migrate(connection, SCHEMA, serve_role)
        if serve_role is not None:
            uri = re.sub(r"//[^/@]*@", f"//{serve_role}@", uri)
    key = place.with_suffix(".key")
    key.touch(0o600)
    key.write_text(base64.b64encode(KEY).decode())
    settings = place.with_suffix(".toml")
    settings.write_text(f'database = "{uri}"\nmaster_key_file = "{key}"\n')
    return FilledStore(settings, KEY)


def database_of(store: FilledStore) -> StoreDatabase:
    """Return the database that a store is in."""
    settings = load({}, store.path)
    assert settings.database is not None
    return StoreDatabase(settings.database.reveal())


def opened(store: FilledStore) -> StoreSide:
    """Open a store, as a copy does."""
    if store.path.suffix != ".toml":
        return SqliteSide(store.path, make=False)
    return PostgresSide(database_of(store), "the database")


def plans(side: StoreSide) -> list[TablePlan]:
    """List the tables that are copied."""
    return plan_tables(side.tables(), side.tables(), table_names())


def rows_of(store: FilledStore) -> dict[str, list[Any]]:
    """Read all rows of a store that are copied, with what is sealed in them open; the one that is
    of its key alone is there, and left out."""
    side = opened(store)
    try:
        rows = {plan.name: _rows(plan, side, store) for plan in plans(side)}
        rows["meta"].remove(["key_check", store.secrets.check()])
        return rows
    finally:
        side.close()


def _rows(plan: TablePlan, side: StoreSide, store: FilledStore) -> list[Any]:
    places = [of for sealed in plan.sealed for of in sealed.of]
    found = side.connection.execute(
        f"SELECT {', '.join((*plan.columns, *places))} FROM {plan.name}"
    ).fetchall()
    rows = []
    for values in found:
        row = dict(zip(plan.columns, values, strict=False))
        of = iter(values[len(plan.columns) :])
        for sealed in plan.sealed:
            place = [*itertools.islice(of, len(sealed.of))]
            if row[sealed.column] is not None:
                row[sealed.column] = store.secrets.open(sealed, place, row[sealed.column])
        rows.append([*row.values()])
    return sorted(rows, key=repr)


def killed(pid: int) -> bool:
    """Wait for the end of a process that this one has forked; whether it was killed."""
    _, status = os.waitpid(pid, 0)
    return os.WIFSIGNALED(status)
