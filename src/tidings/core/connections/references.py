"""What a file of the operator's takes from elsewhere, so that it holds no secret: a text that is
`${NAME}` comes from the environment, one that is `${file:/run/secrets/mail}` out of a file. Pure.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from tidings.errors import TidingsError

BYTES_MAX = 64 * 1024  # of a file that a text is taken from
_REFERENCE = re.compile(r"\$\{(?:([A-Za-z_][A-Za-z0-9_]*)|file:([^\x00-\x1f\x7f{}]{1,1000}))\}")
Path = tuple[str | int, ...]
"""Of a text within a document: names, and numbers of items."""


class FileUnread(TidingsError):
    """A file cannot be taken. `got`: what there is instead, in a few words."""

    def __init__(self, got: str) -> None:
        super().__init__(got)
        self.got = got


ReadFile = Callable[[str, int], str]
"""The text of a file by its name, of so many bytes at most. FileUnread."""


class MissingReference(msgspec.Struct, frozen=True):
    """A reference that leads to nothing: where it stands, and what must be."""

    path: Path
    message: str


class Filled(msgspec.Struct, frozen=True):
    """A document with what its references lead to. `references`: how each is written, by where it
    stands."""

    document: Any
    references: Mapping[Path, str]
    missing: list[MissingReference]

    def __repr__(self) -> str:
        """Show it without what was filled in."""
        return f"Filled(references={list(self.references.values())!r})"


class _Missing(TidingsError):
    """A reference leads to nothing. The text: what must be, and what to do."""


def fill(document: Any, environment: Mapping[str, str], read: ReadFile) -> Filled:
    """Replace each reference in a document of tables, lists and texts by what it leads to. One that
    leads nowhere stays, and is listed as missing."""
    references: dict[Path, str] = {}
    missing: list[MissingReference] = []

    def of(value: Any, path: Path) -> Any:
        if isinstance(value, dict):
            return {name: of(child, (*path, name)) for name, child in value.items()}
        if isinstance(value, list):
            return [of(child, (*path, at)) for at, child in enumerate(value)]
        if not isinstance(value, str) or (found := _REFERENCE.fullmatch(value)) is None:
            return value
        references[path] = value
        try:
            return _taken(found, environment, read)
        except _Missing as error:
            missing.append(MissingReference(path, str(error)))
            return value

    return Filled(of(document, ()), references, missing)


def _taken(found: re.Match[str], environment: Mapping[str, str], read: ReadFile) -> str:
    name, file = found[1], found[2]
    if file is None:
        if name not in environment:
            raise _Missing(
                f"must be set in the environment as {name}; it is not. Set it, and start again."
            )
        return environment[name]
    try:
        text = read(file, BYTES_MAX)
    except FileUnread as error:
        raise _Missing(
            f"must be in the file {file}; got {error.got}. Put it there, and start again."
        ) from None
    return text.removesuffix("\n").removesuffix("\r")
