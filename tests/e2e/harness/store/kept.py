"""All that a service has kept, to be looked through for what must not be in it."""

from collections.abc import Iterator
from pathlib import Path

from .database import kept_rows


def kept_in(folder: Path) -> Iterator[tuple[str, bytes]]:
    """All files below a folder and, if it is the data directory of a service whose store is a
    database, all of its rows."""
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            yield str(file), file.read_bytes()
    yield from kept_rows(folder)
