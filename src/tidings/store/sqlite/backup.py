"""A copy of a data directory, made while it is served; and a data directory, made from a copy.

The copy is what one moment of the store was: a read transaction pins it, and pages are copied from
there by SQLite's online backup, in steps. Commits go on meanwhile; what they write stands in the
write-ahead log until the copy is done. The search index is not copied: the service makes it again
from the events. The key is copied, because without it the copy could not be used.

A copy appears under its name when it is whole: made beside its place, checked, synced, renamed. It
is a directory, or one file where the name ends in `.tar`.
"""

import contextlib
import hashlib
import os
import shutil
import tarfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import apsw
import msgspec

from tidings import __version__
from tidings.errors import Unusable
from tidings.store.sql.audit.upkeep import COPIED
from tidings.store.sql.facts.meta import PUT_ONCE, MetaRow
from tidings.store.sql.facts.numbers import GIVE_UP, RANGES
from tidings.store.sql.states import HELD, PENDING, TIMED, is_unfinished
from tidings.store.sqlite.connection import DISK_FAULTS
from tidings.store.sqlite.database import FILE, LOCK, newest_schema, open_reader
from tidings.store.sqlite.directory_lock import DirectoryLock

KEY = "key"
MANIFEST = "manifest.json"
FORMAT = 1
MADE_AT = "%Y-%m-%dT%H:%M:%SZ"
STEP_PAGES = 1024
CHUNK_BYTES = 1 << 20
MANIFEST_BYTES_MAX = 64 << 10
FILES = (FILE, KEY)

Progress = Callable[[str, int, int], None]  # what is done, how much of it, of how much


class BackupRefused(Unusable):
    """It cannot be made, or not be used; the text says why and what to do."""


class CopiedFile(msgspec.Struct, frozen=True):
    """One file of a copy."""

    bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, rename="camel"):
    """The contents of a copy. Written last, so that a copy without it is known to be broken."""

    format: int
    made_at: str
    version: str  # of the release that made it
    schema: int
    newest_event: int  # its sequence number; 0 for none
    unfinished: int  # deliveries that are sent, or sent again, after a restore
    files: dict[str, CopiedFile]


_manifests = msgspec.json.Decoder(Manifest)


def backup(data: Path, to: Path, progress: Progress) -> Manifest:
    """Copy the data directory to a new place. BackupRefused, or OSError where the disk fails."""
    for name in FILES:
        if not (data / name).is_file():
            raise BackupRefused(
                f"{data} must be a data directory with {' and '.join(FILES)}; it has no {name}. "
                "Name the directory of the service with --data."
            )
    if to.exists() or to.is_symlink():
        raise BackupRefused(
            f"{to} must not exist yet; it does. Choose another name, or move the old one away."
        )
    if not to.parent.is_dir():
        raise BackupRefused(f"{to.parent} must be a directory; it does not exist. Create it first.")
    if to.resolve().is_relative_to(data.resolve()):
        raise BackupRefused(
            f"{to} must be outside of {data}: a backup there would be lost with the data. Choose "
            "another place, on another disk."
        )
    stage = to.with_name(f".{to.name}.{os.getpid()}.partial")
    try:
        stage.mkdir(mode=0o700)
        manifest = _copy(data, stage, progress)
        if to.suffix == ".tar":
            _publish_tar(stage, to)
        else:
            stage.rename(to)
            _sync(to.parent)
    except DISK_FAULTS as error:
        raise OSError(str(error)) from error
    finally:
        shutil.rmtree(stage, ignore_errors=True)
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
    with _opened(source) as files:
        manifest = _read_manifest(source, files)
        if data.is_dir() and any((data / name).exists() for name in (LOCK, FILE)):
            DirectoryLock(data).release()  # whose it is, is said before that it is not empty
        if data.exists() and any(path.name != LOCK for path in data.iterdir()):
            raise BackupRefused(
                f"{data} must be empty or not exist; it contains files. Restore to another "
                "directory, or move them away."
            )
        lock = DirectoryLock(data)
        fresh = {name: data / f"{name}.restoring" for name in FILES}
        try:
            for name, path in fresh.items():
                _take(files, name, manifest.files[name], path, source, progress)
            progress("checking the database", 0, 1)
            _check(fresh[FILE], manifest.made_at)
            admit(fresh[FILE], fresh[KEY])
            for name in reversed(FILES):  # the key before what it opens
                fresh[name].rename(data / name)
            _sync(data)
        except DISK_FAULTS as error:
            raise OSError(str(error)) from error
        finally:
            for path in fresh.values():
                path.unlink(missing_ok=True)
            lock.release()
    return manifest


# -- making ---------------------------------------------------------------------------------------


def _copy(data: Path, stage: Path, progress: Progress) -> Manifest:
    _new_file(stage / KEY, (data / KEY).read_bytes())
    _new_file(stage / FILE, b"")
    made = datetime.now(UTC)
    source = open_reader(data / FILE)
    copy = apsw.Connection(str(stage / FILE))
    try:
        source.execute("BEGIN").fetchall()
        source.execute("SELECT count(*) FROM sqlite_schema").fetchall()  # pins this moment
        with copy.backup("main", source, "main") as steps:
            while not steps.done:
                steps.step(STEP_PAGES)
                progress("copying pages", steps.page_count - steps.remaining, steps.page_count)
    finally:
        source.close()
    try:
        # One file, without a log beside it.
        copy.execute("PRAGMA journal_mode = delete").fetchall()
        progress("checking the copy", 0, 1)
        schema = _integrity(copy)
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
    finally:
        copy.close()
    manifest = Manifest(
        format=FORMAT,
        made_at=f"{made:{MADE_AT}}",
        version=__version__,
        schema=schema,
        newest_event=int(newest),  # type: ignore[arg-type]
        unfinished=unfinished,
        files={name: _summed(stage / name) for name in FILES},
    )
    for name in FILES:
        _sync(stage / name)
    _new_file(stage / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest), indent=2))
    _sync(stage)
    return manifest


def _publish_tar(stage: Path, to: Path) -> None:
    whole = stage / "whole.tar"
    _new_file(whole, b"")
    with tarfile.open(whole, "w") as tar:
        for name in (MANIFEST, *FILES):
            tar.add(stage / name, name)
    _sync(whole)
    os.link(whole, to)  # refuses where something has come there meanwhile
    _sync(to.parent)


def _integrity(connection: apsw.Connection) -> int:
    """The schema of a database that is sound. BackupRefused where it is not."""
    found = connection.execute("PRAGMA integrity_check(3)").fetchall()
    if found != [("ok",)]:
        report = "; ".join(str(row[0]) for row in found)
        raise BackupRefused(
            f"The database must be intact; SQLite reports: {report}. Use the last backup that was "
            "intact."
        )
    [(schema,)] = connection.execute("PRAGMA user_version").fetchall()
    return int(schema)  # type: ignore[arg-type]


def _check(path: Path, made_at: str) -> None:
    """See that a restored database is sound, and note that it is a copy: a release that made it
    before copies noted it themselves did not."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        _integrity(connection)
        with contextlib.suppress(ValueError):  # of a time that cannot be read nothing is noted
            made = datetime.strptime(made_at, MADE_AT).replace(tzinfo=UTC)
            _note_copy(connection, made.timestamp())
    finally:
        connection.close()


def _note_copy(connection: apsw.Connection, made_s: float) -> None:
    """Note in a copy that it is one, since when: whoever opens it first records that. Of the ranges
    that it has none is begun any more: since then any of them may have been."""
    connection.execute(PUT_ONCE, MetaRow(key=COPIED, value=round(made_s * 1000))).fetchall()
    if connection.table_exists("main", RANGES):  # of a release before it has none
        connection.execute(GIVE_UP).fetchall()


def _new_file(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _summed(path: Path) -> CopiedFile:
    with path.open("rb") as file:
        return CopiedFile(path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest())


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# -- reading --------------------------------------------------------------------------------------

Open = Callable[[str], IO[bytes] | None]  # one file of a copy by its name; None: not there


@contextlib.contextmanager
def _opened(source: Path) -> Iterator[Open]:
    if source.is_dir():

        def of_directory(name: str) -> IO[bytes] | None:
            path = source / name
            return path.open("rb") if path.is_file() else None

        yield of_directory
        return
    try:
        tar = tarfile.open(source, "r:")
    except (OSError, tarfile.TarError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise _no_backup(source, f"it cannot be read: {why}") from None
    with tar:

        def of_tar(name: str) -> IO[bytes] | None:
            try:
                return tar.extractfile(name)
            except (KeyError, tarfile.TarError):
                return None

        yield of_tar


def _read_manifest(source: Path, files: Open) -> Manifest:
    file = files(MANIFEST)
    if file is None:
        raise _no_backup(source, f"it has no {MANIFEST}")
    with file:
        manifest_bytes = file.read(MANIFEST_BYTES_MAX)
    try:
        manifest = _manifests.decode(manifest_bytes)
    except msgspec.DecodeError:
        raise _no_backup(source, f"its {MANIFEST} cannot be read") from None
    if manifest.format != FORMAT or manifest.schema > newest_schema():
        raise BackupRefused(
            f"{source} must be from this release or an older one; it is from {manifest.version}, "
            f"with schema {manifest.schema}, and this release knows {newest_schema()}. Restore it "
            "with that release."
        )
    if set(manifest.files) != set(FILES):
        raise _no_backup(source, f"its {MANIFEST} names other files")
    return manifest


def _take(
    files: Open, name: str, entry: CopiedFile, to: Path, source: Path, progress: Progress
) -> None:
    file = files(name)
    if file is None:
        raise _no_backup(source, f"it has no {name}")
    summed, taken = hashlib.sha256(), 0
    descriptor = os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with file, os.fdopen(descriptor, "wb") as copy:
        while taken <= entry.bytes and (chunk := file.read(CHUNK_BYTES)):
            copy.write(chunk)
            summed.update(chunk)
            taken += len(chunk)
            progress(f"restoring {name}", taken, entry.bytes)
        copy.flush()
        os.fsync(copy.fileno())
    if taken != entry.bytes or summed.hexdigest() != entry.sha256:
        raise BackupRefused(
            f"{name} of {source} must be as it was written; it is not: {taken} bytes, and another "
            f"sum than the {entry.bytes} bytes of its {MANIFEST}. Use another backup."
        )


def _no_backup(source: Path, why: str) -> BackupRefused:
    return BackupRefused(
        f"{source} must be a backup made by `tidings backup`; {why}. Name its directory or its "
        ".tar file."
    )
