"""A TOML file that the operator writes and the service reads at its start: a table for each thing.

A text in it that is `${NAME}`, wherever it stands, is taken from the environment, and one that is
`${file:/run/secrets/mail}` out of a file, so that this one holds no secret.
"""

import os
import stat
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tidings.core.connections.references import FileUnread, fill
from tidings.errors import Unusable


class FileRefused(Unusable):
    """The file cannot be used; the text says where and why."""


class OperatorFile:
    """One of them. `what`: that of which it has tables."""

    def __init__(self, path: Path, what: str, environment: Mapping[str, str] = os.environ) -> None:
        self.path = path
        self._what = what
        self._environment = environment

    def tables(self) -> dict[str, Any]:
        """Read the file's tables by name, in their order, with what the environment and other files
        say in place of references. Raise FileRefused where the file is no TOML or a reference leads
        nowhere."""
        try:
            document = tomllib.loads(self.path.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise FileRefused(
                f"The file of {self._what} {self.path} must be TOML that can be read; {error}. Fix "
                "it."
            ) from None
        filled = fill(document, self._environment, FilesIn(self.path.parent))
        for lacking in filled.missing:
            table, *names = (step for step in lacking.path if isinstance(step, str))
            raise FileRefused(f"{self.path}: [{table}] {'.'.join(names)} {lacking.message}")
        return dict(filled.document)

    def refused(self, table: str, must: str, got: object) -> FileRefused:
        """Build the error that says what must be in a table, and what is there."""
        return FileRefused(f"{self.path}: [{table}] {must}; got {got!r}. Fix it.")

    def wrong(self, table: str, messages: Sequence[str]) -> FileRefused:
        """Make the refusal of a table from all that is wrong with it, in sentences that name its
        fields."""
        return FileRefused("\n".join(f"{self.path}: [{table}] {message}" for message in messages))


class FilesIn:
    """See `ReadFile`: files by their names from a folder, or by their whole paths.

    The operator owns the file that names them, so they may stand anywhere, and links are followed
    (a mounted secret is one). What is no regular file is not opened: it may never end.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, name: str, bytes_max: int) -> str:
        try:
            descriptor = os.open(self._folder / name, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(descriptor, "rb") as file:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    raise FileUnread("what is no regular file")
                found = file.read(bytes_max + 1)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else None
            raise FileUnread(f"none that can be read ({reason or 'no such name'})") from None
        if len(found) > bytes_max:
            raise FileUnread(f"more than {bytes_max} bytes")
        try:
            text = found.decode("utf-8")
        except UnicodeDecodeError:
            raise FileUnread("bytes that are no UTF-8") from None
        if "\x00" in text:
            raise FileUnread("text with a NUL in it")
        return text.removeprefix("\ufeff")
