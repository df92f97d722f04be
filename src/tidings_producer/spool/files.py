"""What a spool does with the file system, in few words: each ends as a whole, or as an OSError."""

from __future__ import annotations

import fcntl
import logging
import os
from pathlib import Path

from tidings_producer.errors import SpoolFailed, SpoolLocked

LOCK = "lock"
MODE = 0o600  # events are about customers
log = logging.getLogger("tidings_producer")


def lock(folder: Path) -> int:
    """Lock a folder and return the number of its open file. The lock lasts until that is closed or
    the process ends. Raise SpoolLocked, SpoolFailed."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, MODE)
    except OSError as error:
        raise failed("be opened", error) from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(file)
        if not isinstance(error, BlockingIOError):
            raise failed("be locked", error) from None
        raise SpoolLocked(
            f"A spool must have one producer of one process; another one has {folder}. Give each "
            "process a directory of its own, as Spool.first_free(parent) does."
        ) from None
    return file


def write(file: int, data: bytes) -> None:
    """Write all of the data, however many calls that takes."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(file, rest) :]


def sync_folder(folder: Path) -> None:
    """Write the names in a folder to stable storage."""
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def keep_damaged(folder: Path, name: str, data: bytes) -> None:
    """Keep bytes that are no events for a person to look at. OSError."""
    path = folder / f"damaged-{name}"
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, MODE)
    try:
        write(file, data)
        os.fsync(file)
    finally:
        os.close(file)
    log.error("%d bytes of the spool are damaged, and kept in %s", len(data), path)


def failed(what: str, error: OSError) -> SpoolFailed:
    """Return an error of the system as one of the spool, in words."""
    return SpoolFailed(
        f"The spool must {what}; the system said: {error.strerror or error}. "
        "Look at the disk, its room and its rights.",
        error,
    )
