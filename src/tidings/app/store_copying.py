"""Copies a store into another one: each is named by a settings file, or is a data directory."""

import re
import shlex
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import apsw

from tidings.app.database import driver_refusal, server_error
from tidings.app.database_operations import DatabaseUnreachable
from tidings.app.keys.derived_keys import PURPOSES, all_keys, derive_key, open_kept
from tidings.app.keys.key_check import admit_key, check_of, unlock
from tidings.app.keys.master_key import key_place, read_master_key
from tidings.core.sealed_columns import KEPT_KEY, SealedColumn
from tidings.engine.vault import KEY_FILE, SealedSecret, Vault, read_or_make_key
from tidings.settings.load import load
from tidings.settings.settings import Settings
from tidings.store.copying.plan import TablePlan, plan_tables
from tidings.store.copying.refusals import no_room
from tidings.store.copying.sides import CopyRefused, StoreSecrets, StoreSide
from tidings.store.copying.sqlite_side import SqliteSide, is_full
from tidings.store.copying.store_copy import (
    CopiedStore,
    CopyReport,
    Progress,
    StoreCopy,
    holds_nothing,
)
from tidings.store.copying.transitions import take_back
from tidings.store.port import KeptKey, StoreDown, StoreRefused
from tidings.store.sql.configuration.cell_identity import CELL
from tidings.store.sql.facts.meta import read_fact
from tidings.store.sqlite import known_key as embedded
from tidings.store.sqlite.connection import disk_fault_of
from tidings.store.sqlite.database import DISK_ERRNOS, FILE
from tidings.store.sqlite.search_file import table_names

if TYPE_CHECKING:
    from tidings.store.postgres.database import StoreDatabase

SETTINGS_FILE = ".toml"
URI = re.compile("[a-z0-9+]+:/", re.IGNORECASE)  # a path has one slash less
AGAIN_BEFORE_ROWS = "run the command again. No row of either store was changed by this run."
AGAIN = "Run the command again: it goes on where it stopped."


class MasterSecrets:
    """See `StoreSecrets`: by a master key."""

    def __init__(self, master: SealedSecret, vault: Vault) -> None:
        self._master = master
        self._vault = vault

    def check(self) -> int:
        """See `StoreSecrets.check`."""
        return check_of(self._master)

    def open(self, column: SealedColumn, of: Sequence[Any], sealed: bytes) -> bytes:
        """See `StoreSecrets.open`."""
        what = f"What the table {column.table} holds sealed"
        return self._vault.open_at(sealed, column.at(*of), what)

    def seal(self, column: SealedColumn, of: Sequence[Any], plain: bytes) -> bytes:
        """See `StoreSecrets.seal`."""
        return self._vault.seal_at(plain, column.at(*of))

    def keys(self, kept: Sequence[KeptKey]) -> Mapping[bytes, bytes]:
        """See `StoreSecrets.keys`."""
        return all_keys(self._master, open_kept(self._vault, kept))

    def keep(self, keys: Mapping[bytes, bytes]) -> Sequence[KeptKey]:
        """See `StoreSecrets.keep`."""
        others = {
            purpose.decode(): key
            for purpose, key in keys.items()
            if key != derive_key(self._master, purpose, PURPOSES[purpose])
        }
        return [
            KeptKey(purpose, self.seal(KEPT_KEY, (purpose,), key))
            for purpose, key in others.items()
        ]


def copy_store(source: Path, target: Path, progress: Progress) -> CopyReport:
    """Copy a store into an empty one, which takes its place. Go on with a copy that was ended on
    the way. Raise DatabaseUnreachable, or an Unusable that says why it cannot be."""
    with ExitStack() as closing, _refusing():
        stores = [
            _opened(closing, path, make=make) for path, make in ((source, False), (target, True))
        ]
        for side, _ in stores:
            _must_be_the_only_cell(side)
        options = f"--from {_quoted(source)} --to {_quoted(target)}"
        copied = [CopiedStore(side, secrets) for side, secrets in stores]
        return StoreCopy(copied[0], copied[1], _plans(stores), options, progress).run()


def take_back_store(source: Path, target: Path) -> None:
    """Have the source of a copy start again, whose target was never started. Raise as
    `copy_store`."""
    with ExitStack() as closing, _refusing():
        side, _ = _opened(closing, source, make=False)

        def open_target() -> StoreSide:
            return _opened(closing, target, make=True)[0]

        def is_empty(other: StoreSide) -> bool:
            return holds_nothing(_planned(side, other), other.connection)

        take_back(side, open_target, is_empty)


def _must_be_the_only_cell(side: StoreSide) -> None:
    if (cell := read_fact(side.connection, CELL)) is not None:
        raise CopyRefused(
            f"{side.name} must be the only cell of its installation to be copied; it is cell "
            f"{cell} of several. Serve it where it is."
        )


def _plans(stores: Sequence[tuple[StoreSide, StoreSecrets]]) -> list[TablePlan]:
    (source, _), (target, _) = stores
    return _planned(source, target)


def _planned(source: StoreSide, target: StoreSide) -> list[TablePlan]:
    return plan_tables(source.tables(), target.tables(), derived=table_names())


def _opened(closing: ExitStack, path: Path, *, make: bool) -> tuple[StoreSide, StoreSecrets]:
    """Open a store, and what opens its secrets. `make`: it may be new. Raise WrongKey before
    anything of it is changed."""
    settings = _settings(path)
    with _naming_full_disk(settings.data):
        return _opened_store(closing, settings, make=make)


def _opened_store(
    closing: ExitStack, settings: Settings, *, make: bool
) -> tuple[StoreSide, StoreSecrets]:
    known, place = _known_key(settings), key_place(settings)
    master = read_master_key(settings)
    key = settings.data / KEY_FILE
    if master is None and key.is_file():
        master = read_or_make_key(key)
    if master is not None:
        admit_key(master, known, place)
    side = _side(settings, make)
    closing.callback(side.close)
    if master is None:
        if not make or known is not None:  # a key that is missing must not be made
            raise CopyRefused(
                f"{settings.data} must hold its file {KEY_FILE} to be copied; it has none. Put it "
                "back."
            )
        master = read_or_make_key(key)
    return side, MasterSecrets(master, unlock(master, known, place))


def _settings(path: Path) -> Settings:
    """Read a settings file, or name a data directory; the environment is that of neither store."""
    if URI.match(str(path)):  # it may hold a password, so it is not repeated
        raise CopyRefused(
            "A store must be named by a settings file (.toml) or a data directory; got the URI of "
            "a database. Write it into a settings file, as `database`, and name that."
        )
    if path.suffix == SETTINGS_FILE and not path.is_dir():
        settings = load({}, path)
        if not {"database", "data"} & tomllib.loads(path.read_text("utf-8")).keys():
            raise CopyRefused(
                f"{path} must name its store, by `database` or `data`; it has neither, and what "
                "stands in the environment does not count here. Add it."
            )
        return settings
    return load({}, None, {"data": path})


def _side(settings: Settings, make: bool) -> StoreSide:
    if settings.database is None:
        return SqliteSide(settings.data, make=make)
    from tidings.store.copying.postgres_side import PostgresSide

    with _database(settings) as database:
        place = f"{settings.database.describe()} (schema {settings.database_schema})"
        return PostgresSide(database, place)


def _known_key(settings: Settings) -> int | None:
    """Return by which number a store knows its key, None where it knows none yet."""
    if settings.database is None:
        return embedded.read_known_key(settings.data / FILE)
    with _database(settings) as database:
        from tidings.store.postgres.inspection.known_key import read_known_key

        return read_known_key(database)


@contextmanager
def _database(settings: Settings) -> "Iterator[StoreDatabase]":
    """Name the database of a store, also in what it refuses."""
    assert settings.database is not None
    if (refusal := driver_refusal(settings)) is not None:
        raise CopyRefused(refusal)
    from tidings.store.postgres.database import StoreDatabase
    from tidings.store.postgres.faults import refused_as_store

    try:
        with refused_as_store("the database is not to be reached"):
            yield StoreDatabase(settings.database.reveal(), settings.database_schema)
    except StoreDown as down:
        raise StoreDown(f"{settings.database.describe()}: {down}") from None
    except StoreRefused as refused:
        raise CopyRefused(f"{settings.database.describe()}: {refused}") from None


@contextmanager
def _naming_full_disk(data: Path) -> Iterator[None]:
    """Name a data directory whose disk does not take what its opening writes. Raise CopyRefused."""
    try:
        yield
    except OSError as error:
        if error.errno not in DISK_ERRNOS:
            raise
        raise no_room(str(data.absolute()), str(error.strerror), AGAIN_BEFORE_ROWS) from error
    except apsw.Error as error:
        fault = disk_fault_of(error)
        if fault is None or not is_full(fault):
            raise
        raise no_room(str(data.absolute()), str(fault), AGAIN_BEFORE_ROWS) from error


@contextmanager
def _refusing() -> Iterator[None]:
    """Put what the stores say into words of a command."""
    try:
        yield
    except StoreDown as down:
        raise DatabaseUnreachable(f"{down}. {AGAIN}") from None
    except StoreRefused as refused:
        raise CopyRefused(str(refused)) from None
    except apsw.Error as error:
        raise CopyRefused(f"The embedded store refuses it: {error}. {AGAIN}") from error
    except Exception as error:
        if (reason := server_error(error)) is None:
            raise
        raise CopyRefused(
            f"The database must let a copy be made; it says: {reason}. Name it with the role that "
            f"owns its tables. {AGAIN}"
        ) from error


def _quoted(path: Path) -> str:
    return shlex.quote(str(path.absolute()))
