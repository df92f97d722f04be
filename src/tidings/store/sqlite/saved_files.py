"""The files of a backup: made beside their place, summed, published whole; read, and compared.

A backup is a directory, or one file where the name ends in `.tar`. It appears under its name when
it is whole: made beside its place, checked, synced, renamed. Its names are those of a data
directory; of an installation with several cells also those of the further cells and of the map.
"""

import contextlib
import hashlib
import os
import shutil
import tarfile
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import msgspec

from tidings import __version__
from tidings.errors import Unusable
from tidings.store.sqlite.connection import DISK_FAULTS
from tidings.store.sqlite.database import FILE, newest_schema

KEY = "key"
MANIFEST = "manifest.json"
ONE_STORE, CELLS = 1, 2  # the formats: of the only store, and of one cell of several or all
MADE_AT = "%Y-%m-%dT%H:%M:%SZ"
CHUNK_BYTES = 1 << 20
MANIFEST_BYTES_MAX = 4 << 20
FILES = (FILE, KEY)

Progress = Callable[[str, int, int], None]  # what is done, how much of it, of how much
Open = Callable[[str], IO[bytes] | None]  # one file of a copy by its name; None: not there


class BackupRefused(Unusable):
    """It cannot be made, or not be used; the text says why and what to do."""


class CopiedFile(msgspec.Struct, frozen=True):
    """One file of a copy."""

    bytes: int
    sha256: str


class CellPoint(msgspec.Struct, frozen=True, rename="camel"):
    """The moment of one cell. `unfinished`: deliveries that are sent, or sent again, after a
    restore."""

    cell: int
    file: str
    schema: int
    newest_event: int
    unfinished: int


class MapPoint(msgspec.Struct, frozen=True, rename="camel"):
    """The moment of the map of the cells."""

    file: str
    incarnation: str
    version: int


class Manifest(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """The contents of a copy. Written last, so that a copy without it is known to be broken. Of
    several cells `newest_event` is the greatest number, and `unfinished` the sum."""

    format: int
    made_at: str
    version: str  # of the release that made it
    schema: int
    newest_event: int  # its sequence number; 0 for none
    unfinished: int  # deliveries that are sent, or sent again, after a restore
    files: dict[str, CopiedFile]
    installation: str = ""
    cells: list[CellPoint] = []
    map: MapPoint | None = None

    @property
    def made(self) -> datetime | None:
        """Return when it was made; None of a time that cannot be read."""
        with contextlib.suppress(ValueError):
            return datetime.strptime(self.made_at, MADE_AT).replace(tzinfo=UTC)
        return None


_manifests = msgspec.json.Decoder(Manifest)


# -- making ---------------------------------------------------------------------------------------


def must_have_files(data: Path) -> None:
    """Raise BackupRefused where a directory is not the data directory of a service."""
    for name in FILES:
        if not (data / name).is_file():
            raise BackupRefused(
                f"{data} must be a data directory with {' and '.join(FILES)}; it has no {name}. "
                "Name the directory of the service with --data."
            )


@contextlib.contextmanager
def staged(data: Path, to: Path) -> Iterator[Path]:
    """Make a place beside that of a copy for its files; it is gone behind the block. Raise
    BackupRefused where the copy cannot be there, OSError where the disk fails."""
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
    _remove_left(to)
    stage = to.with_name(f".{to.name}.{os.getpid()}.partial")
    try:
        stage.mkdir(mode=0o700)
        yield stage
    except DISK_FAULTS as error:
        raise OSError(str(error)) from error
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def publish(stage: Path, to: Path, manifest: Manifest) -> None:
    """Have a copy be there under its name, with its files and the manifest."""
    for name in manifest.files:
        sync(stage / name)
    new_file(stage / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest), indent=2))
    for directory in sorted({(stage / name).parent for name in manifest.files}, reverse=True):
        sync(directory)
        sync(directory.parent)
    if to.suffix == ".tar":
        _publish_tar(stage, to, manifest)
        return
    stage.rename(to)
    sync(to.parent)


def describe_files(
    stage: Path, made: datetime, points: list[CellPoint], *names: str, of_cells: bool = False
) -> Manifest:
    """Build the manifest of files that were made at a moment; further names beside those of
    points."""
    files = {name: _summed(stage / name) for name in (*(point.file for point in points), *names)}
    return Manifest(
        format=CELLS if of_cells else ONE_STORE,
        made_at=f"{made:{MADE_AT}}",
        version=__version__,
        schema=max(point.schema for point in points),
        newest_event=max(point.newest_event for point in points),
        unfinished=sum(point.unfinished for point in points),
        files=files,
        cells=points if of_cells else [],
    )


def make_directories(stage: Path, name: str) -> None:
    """Make the directories that a file of a copy is in, for their owner alone."""
    for parent in reversed([*Path(name).parents][:-1]):
        (stage / parent).mkdir(mode=0o700, exist_ok=True)


def new_file(path: Path, content: bytes) -> None:
    """Write a file that is not there yet, for its owner alone, to the disk."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def sync(path: Path) -> None:
    """Have a file, or the names in a directory, be on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _publish_tar(stage: Path, to: Path, manifest: Manifest) -> None:
    whole = stage / "whole.tar"
    new_file(whole, b"")
    with tarfile.open(whole, "w") as tar:
        for name in (MANIFEST, *manifest.files):
            tar.add(stage / name, name)
    sync(whole)
    os.link(whole, to)  # refuses where something has come there meanwhile
    sync(to.parent)


def _remove_left(to: Path) -> None:
    """Remove what backups to this place have left that were killed: it holds the key."""
    stem, end = f".{to.name}.", ".partial"
    for path in to.parent.glob("*" + end):
        number = path.name.removeprefix(stem).removesuffix(end)
        if path.name == f"{stem}{number}{end}" and number.isdecimal() and not _is_running(number):
            shutil.rmtree(path, ignore_errors=True)


def _is_running(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        pass
    return True


def _summed(path: Path) -> CopiedFile:
    with path.open("rb") as file:
        return CopiedFile(path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest())


# -- reading --------------------------------------------------------------------------------------


@contextlib.contextmanager
def opened(source: Path) -> Iterator[Open]:
    """Open a copy in a block, to read its files by name. Raise BackupRefused where it is none."""
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
        raise no_backup(source, f"it cannot be read: {why}") from None
    with tar:

        def of_tar(name: str) -> IO[bytes] | None:
            try:
                return tar.extractfile(name)
            except (KeyError, tarfile.TarError):
                return None

        yield of_tar


def is_of_cells(source: Path) -> bool:
    """Return whether a copy is of several cells, or of one of them. Raise BackupRefused where this
    release cannot read it."""
    with opened(source) as files:
        return read_manifest(source, files).format == CELLS


def read_manifest(source: Path, files: Open) -> Manifest:
    """Read what a copy holds. Raise BackupRefused where this release cannot read it."""
    file = files(MANIFEST)
    if file is None:
        raise no_backup(source, f"it has no {MANIFEST}")
    with file:
        manifest_bytes = file.read(MANIFEST_BYTES_MAX)
    try:
        manifest = _manifests.decode(manifest_bytes)
    except msgspec.DecodeError:
        raise no_backup(source, f"its {MANIFEST} cannot be read") from None
    if manifest.format not in (ONE_STORE, CELLS) or manifest.schema > newest_schema():
        raise BackupRefused(
            f"{source} must be from this release or an older one; it is from {manifest.version}, "
            f"with schema {manifest.schema}, and this release knows {newest_schema()}. Restore it "
            "with that release."
        )
    if manifest.format == ONE_STORE and set(manifest.files) != set(FILES):
        raise no_backup(source, f"its {MANIFEST} names other files")
    return manifest


def take_file(
    files: Open,
    name: str,
    known: Mapping[str, CopiedFile],
    to: Path,
    source: Path,
    progress: Progress,
) -> None:
    """Take one file of a copy to a place where none is, and see that it is as it was written. Raise
    BackupRefused."""
    entry, file = known[name], files(name)
    if file is None:
        raise no_backup(source, f"it has no {name}")
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


def no_backup(source: Path, why: str) -> BackupRefused:
    """Build what is raised of something that is no copy that can be read."""
    return BackupRefused(
        f"{source} must be a backup made by `tidings backup`; {why}. Name its directory or its "
        ".tar file."
    )
