"""What the operator has accepted of a list's file: a note beside the file with the digest of the
very state that was looked at. `tidings actions check --accept` writes it, and whoever searches the
file reads it."""

import os
from contextlib import suppress
from pathlib import Path

ENDING = ".accepted"
NOTE_BYTES_MAX = 200


def is_accepted(path: Path, digest: str) -> bool:
    """Tell whether this state of a file has been accepted."""
    try:
        with _note_of(path).open("rb") as note:
            return note.read(NOTE_BYTES_MAX).split()[:1] == [digest.encode()]
    except OSError:
        return False


def accept(path: Path, digest: str) -> None:
    """Note that the operator accepts this state of a file. Raise OSError if that cannot be
    written."""
    note = _note_of(path)
    fresh = note.with_name(f"{note.name}.{os.getpid()}.new")
    try:
        fresh.write_text(f"{digest}\n", "ascii")
        fresh.replace(note)
    finally:
        with suppress(FileNotFoundError):
            fresh.unlink()


def noted_at(path: Path) -> tuple[int, int]:
    """Read by what a change of the note is known; zeros where there is none."""
    try:
        found = _note_of(path).stat()
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_ino


def _note_of(path: Path) -> Path:
    return path.with_name(path.name + ENDING)
