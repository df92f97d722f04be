"""A copy of a data directory, made while it is served; and a data directory, made from a copy.

The copy is what one moment of the store was: a read transaction pins it, and pages are copied from
there by SQLite's online backup, in steps. Commits go on meanwhile; what they write stands in the
write-ahead log until the copy is done. The search index is not copied: the service makes it again
from the events. The key is copied, because without it the copy could not be used.

How its files become a backup is in `saved_files.py`. This is of a store that is the only one; of
several cells each is pinned and copied by the same functions (app/cells/commands/backing_up.py).
"""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import apsw

from tidings.store.sql.audit.upkeep import COPIED
from tidings.store.sql.facts.meta import PUT_ONCE, MetaRow
from tidings.store.sql.facts.numbers import GIVE_UP, RANGES
from tidings.store.sql.states import HELD, PENDING, TIMED, is_unfinished
from tidings.store.sqlite.connection import DISK_FAULTS, SqliteConnection
from tidings.store.sqlite.database import FILE, LOCK, open_reader
from tidings.store.sqlite.directory_lock import DirectoryLock
from tidings.store.sqlite.saved_files import (
    CELLS,
    FILES,
    KEY,
    BackupRefused,
    CellPoint,
    Manifest,
    Progress,
    describe_files,
    must_have_files,
    new_file,
    opened,
    publish,
    read_manifest,
    staged,
    sync,
    take_file,
)

STEP_PAGES = 1024


def backup(data: Path, to: Path, progress: Progress) -> Manifest:
    """Copy the data directory to a new place. BackupRefused, or OSError where the disk fails."""
    must_have_files(data)
    with staged(data, to) as stage:
        new_file(stage / KEY, (data / KEY).read_bytes())
        made = datetime.now(UTC)
        with pinned(data / FILE) as source:
            point = copy_pinned(source, stage, FILE, made, progress)
        manifest = describe_files(stage, made, [point], KEY)
        publish(stage, to, manifest)
    return manifest


def restore(
    source: Path,
    data: Path,
    progress: Progress,
    admit: Callable[[Path, Path], None] = lambda database, key: None,
) -> Manifest:
    """Make a data directory from a copy. BackupRefused, StoreRefused, or OSError.

    StoreRefused where a running service owns the directory. `admit` is given the database and its
    key before they are there under their names, and raises where one is not the other's.
    """
    with opened(source) as files:
        manifest = read_manifest(source, files)
        if manifest.format == CELLS:
            raise BackupRefused(
                f"{source} must be a backup of a store that was the only one; it is one of several "
                "cells. Restore it with `tidings restore`."
            )
        must_be_empty(data)
        lock = DirectoryLock(data)
        fresh = {name: data / f"{name}.restoring" for name in FILES}
        try:
            for path in fresh.values():
                path.unlink(missing_ok=True)  # of one that was killed
            for name, path in fresh.items():
                take_file(files, name, manifest.files, path, source, progress)
            progress("checking the database", 0, 1)
            check_restored(fresh[FILE], manifest.made)
            admit(fresh[FILE], fresh[KEY])
            for name in reversed(FILES):  # the key before what it opens
                fresh[name].rename(data / name)
            sync(data)
        except DISK_FAULTS as error:
            raise OSError(str(error)) from error
        finally:
            for path in fresh.values():
                path.unlink(missing_ok=True)
            lock.release()
    return manifest


def must_be_empty(data: Path) -> None:
    """Raise BackupRefused where something is in a directory that a copy is to be restored to, but
    for what a restore has left that was killed; StoreRefused where a service owns it."""
    if data.is_dir() and any((data / name).exists() for name in (LOCK, FILE)):
        DirectoryLock(data).release()  # whose it is, is said before that it is not empty
    passing = {LOCK, *(f"{name}.restoring" for name in FILES)}
    if data.exists() and any(path.name not in passing for path in data.iterdir()):
        raise BackupRefused(
            f"{data} must be empty or not exist; it contains files. Restore to another "
            "directory, or move them away."
        )


# -- making ---------------------------------------------------------------------------------------


@contextmanager
def pinned(database: Path) -> Iterator[SqliteConnection]:
    """Open a database in a block at the moment that it has now, whatever is written meanwhile."""
    with closing(open_reader(database)) as source:
        source.execute("BEGIN").fetchall()
        source.execute("SELECT count(*) FROM sqlite_schema").fetchall()  # pins this moment
        yield source


def copy_pinned(
    source: SqliteConnection,
    stage: Path,
    name: str,
    made: datetime,
    progress: Progress,
    cell: int = 0,
) -> CellPoint:
    """Copy the moment of a store to a file of this name, check it, and return what it has. `cell`:
    which one it is, of several. Raise BackupRefused where it is not sound."""
    new_file(stage / name, b"")
    copy_pages(source, stage / name, progress)
    with closing(apsw.Connection(str(stage / name))) as copy:
        # One file, without a log beside it.
        copy.execute("PRAGMA journal_mode = delete").fetchall()
        progress("checking the copy", 0, 1)
        schema = check_integrity(copy)
        _note_copy(copy, made.timestamp())
        [(newest,)] = copy.execute("SELECT coalesce(max(seq), 0) FROM event").fetchall()
        unfinished = sum(
            int(count)
            for query in (
                "SELECT count(*) FROM delivery INDEXED BY delivery_pending"
                f" WHERE state = {PENDING}",
                f"SELECT count(*) FROM delivery INDEXED BY delivery_due WHERE state IN ({TIMED})",
                "SELECT count(*) FROM delivery INDEXED BY delivery_key"
                f" WHERE {is_unfinished()} AND key IS NOT NULL AND state = {HELD}",
            )
            for (count,) in copy.execute(query)
        )
    return CellPoint(
        cell=cell,
        file=name,
        schema=schema,
        newest_event=int(newest),  # type: ignore[arg-type]
        unfinished=unfinished,
    )


def copy_pages(source: SqliteConnection, to: Path, progress: Progress) -> None:
    """Copy all pages of a pinned database to a file that is empty."""
    with closing(apsw.Connection(str(to))) as copy, copy.backup("main", source, "main") as steps:
        while not steps.done:
            steps.step(STEP_PAGES)
            progress("copying pages", steps.page_count - steps.remaining, steps.page_count)


def check_integrity(connection: apsw.Connection) -> int:
    """Return the schema of a database that is sound. Raise BackupRefused where it is not."""
    found = connection.execute("PRAGMA integrity_check(3)").fetchall()
    if found != [("ok",)]:
        report = "; ".join(str(row[0]) for row in found)
        raise BackupRefused(
            f"The database must be intact; SQLite reports: {report}. Use the last backup that was "
            "intact."
        )
    [(schema,)] = connection.execute("PRAGMA user_version").fetchall()
    return int(schema)  # type: ignore[arg-type]


def check_restored(path: Path, made: datetime | None) -> None:
    """See that a restored database is sound, and note that it is a copy: a release that made it
    before copies noted it themselves did not. Raise BackupRefused."""
    with closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)) as connection:
        check_integrity(connection)
        if made is not None:  # of a time that cannot be read nothing is noted
            _note_copy(connection, made.timestamp())


def _note_copy(connection: apsw.Connection, made_s: float) -> None:
    """Note in a copy that it is one, since when: whoever opens it first records that. Of the ranges
    that it has none is begun any more: since then any of them may have been."""
    connection.execute(PUT_ONCE, MetaRow(key=COPIED, value=round(made_s * 1000))).fetchall()
    if connection.table_exists("main", RANGES):  # of a release before it has none
        connection.execute(GIVE_UP).fetchall()
