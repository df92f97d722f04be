"""What operators do with a store from outside of the service: migrate it, check it, look at it.

What speaks to it is an extra, so it is imported where it is needed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from tidings.app.database import driver_refusal
from tidings.errors import Unusable
from tidings.settings.settings import PREFIX, Settings

if TYPE_CHECKING:
    from tidings.core.audit.report import AuditReport
    from tidings.store.postgres.database import StoreDatabase
    from tidings.store.postgres.inspection.server_findings import ServerFinding


class DatabaseUnusable(Unusable):
    """The database cannot be used for what was asked; the text says why and what to do."""


class DatabaseUnreachable(Unusable):
    """The database does not answer now; the text says what it, or the network, said."""


class KeyFinding(NamedTuple):
    """The master key of the settings beside that of the store; `fix`: the remedy if they differ."""

    ok: bool
    message: str
    fix: str = ""


class Migrated(NamedTuple):
    """The outcome of a migration: which schema, and its number before and after."""

    schema: str
    database: str
    before: int
    after: int


def migrate_database(settings: Settings, serve_role: str | None) -> Migrated:
    """Bring the schema of the database forward. Raise DatabaseUnusable, DatabaseUnreachable."""
    with _opened(settings) as database:
        from tidings.store.postgres import migration  # noqa: PLC0415  # of an extra

        with database.connect("tidings migrate") as connection:
            before = migration.schema_of(connection)
            after = migration.migrate(connection, database.schema, serve_role)
        assert settings.database is not None
        return Migrated(
            schema=database.schema,
            database=settings.database.describe(),
            before=before,
            after=after,
        )


def check_store(settings: Settings) -> list[str]:
    """Return a sentence for each thing that is wrong with the rows of the store, wherever it is.
    Raise DatabaseUnreachable, or an Unusable that says why it cannot be read."""
    if settings.database is None:
        from tidings.store.sqlite import store_check as embedded  # noqa: PLC0415  # one of them

        found = embedded.check_store(settings.data)
    else:
        with _opened(settings) as database:
            from tidings.store.postgres.inspection import store_check  # noqa: PLC0415  # of an extra

            found = store_check.check_store(database)
    key = inspect_key(settings)
    if key is not None and not key.ok:
        found.append(key.message)
    return found


def inspect_key(settings: Settings) -> KeyFinding | None:
    """Check the master key of the settings against that of the store; None where one of them is not
    there. Raise DatabaseUnreachable, or an Unusable where the store cannot be read."""
    from tidings.app.keys.key_check import WrongKey, admit_key  # noqa: PLC0415  # with the engine
    from tidings.app.keys.master_key import find_key, key_place  # noqa: PLC0415  # as above
    from tidings.engine.vault import VaultRefused  # noqa: PLC0415  # as above

    known = _known_key(settings)
    if known is None:
        return None
    try:
        master = find_key(settings)
        if master is None:
            return None
        admit_key(master, known, key_place(settings))
    except WrongKey as wrong:
        return KeyFinding(False, str(wrong), wrong.remedy)
    except VaultRefused as refused:
        return KeyFinding(False, str(refused), "Give a key that can be read.")
    return KeyFinding(True, "The master key is that of the store.")


def _known_key(settings: Settings) -> int | None:
    if settings.database is None:
        from tidings.store.sqlite import known_key as embedded  # noqa: PLC0415  # one of them
        from tidings.store.sqlite.database import FILE  # noqa: PLC0415  # as above

        return embedded.read_known_key(settings.data / FILE)
    with _opened(settings) as database:
        from tidings.store.postgres.inspection.known_key import read_known_key  # noqa: PLC0415  # of an extra

        return read_known_key(database)


def verify_audit(settings: Settings, anchor: str = "") -> "AuditReport":
    """Check the audit log of the database, against the line of an anchor where one is given. Raise
    ValueError where it is no such line, DatabaseUnreachable, or an Unusable that says why not."""
    from tidings.app.keys.derived_keys import audit_key  # noqa: PLC0415  # with the engine
    from tidings.app.keys.key_check import unlock  # noqa: PLC0415  # as above
    from tidings.app.keys.master_key import key_place, read_master_key  # noqa: PLC0415  # as above
    from tidings.core.audit.anchors import read_anchor_line  # noqa: PLC0415  # for this alone

    line = read_anchor_line(anchor) if anchor else None
    with _opened(settings) as database:
        from tidings.store.postgres.inspection.audit_check import (  # noqa: PLC0415  # of an extra
            check_audit,
            read_kept_keys,
        )
        from tidings.store.postgres.inspection.known_key import read_known_key  # noqa: PLC0415  # as above

        master = read_master_key(settings)
        assert master is not None, "a database has no key of its own"
        vault = unlock(master, read_known_key(database), key_place(settings))
        return check_audit(database, audit_key(master, vault, read_kept_keys(database)), line)


def inspect_server(settings: Settings) -> "list[ServerFinding]":
    """Look at the server of the database: how it is set, and what follows. Raise
    DatabaseUnreachable, DatabaseUnusable."""
    with _opened(settings) as database:
        from tidings.store.postgres.inspection import server_findings, server_state  # noqa: PLC0415  # as above

        return server_findings.judge_server(server_state.read_state(database))


@contextmanager
def _opened(settings: Settings) -> "Iterator[StoreDatabase]":
    """Name the database of the settings, and say of its faults what a command can say."""
    if settings.database is None:
        raise DatabaseUnusable(
            f"database must be set, such as {PREFIX}DATABASE=postgresql://tidings@db.example/"
            "tidings; got none. Without one the store is in the data directory, and each start "
            "brings its schema forward."
        )
    if (refusal := driver_refusal(settings)) is not None:
        raise DatabaseUnusable(refusal)
    import psycopg  # noqa: PLC0415  # of an extra

    from tidings.store.port import StoreDown, StoreRefused  # noqa: PLC0415  # with the adapter
    from tidings.store.postgres.database import StoreDatabase  # noqa: PLC0415  # of an extra
    from tidings.store.postgres.faults import describe_fault, is_server_fault  # noqa: PLC0415  # of an extra
    from tidings.store.postgres.migration import DatabaseRefused  # noqa: PLC0415  # of an extra

    try:
        yield StoreDatabase(settings.database.reveal(), settings.database_schema)
    except StoreDown as down:
        raise DatabaseUnreachable(f"{settings.database.describe()}: {down}") from None
    except (StoreRefused, DatabaseRefused) as refused:
        raise DatabaseUnusable(f"{settings.database.describe()}: {refused}") from None
    except psycopg.Error as error:
        text = f"{settings.database.describe()} refuses it: {describe_fault(error)}"
        kind = DatabaseUnreachable if is_server_fault(error) else DatabaseUnusable
        raise kind(text) from None
