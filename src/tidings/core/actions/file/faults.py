"""What is wrong with a file of actions, and what is odd in it: all of it, each with its place.
Pure.

A text never holds what came from the environment or out of a file of secrets: it says where from.
"""

import json
import re
from collections.abc import Mapping
from itertools import takewhile

import msgspec

from tidings.core.actions.file.toml_places import Path, TomlPosition, TomlPositions

FAULTS_MAX = 200
MISSING = "missing_reference"  # the code of what should come from elsewhere, and does not
_PLAIN = re.compile(r"[^.\[\]\"]+")
_STEP = re.compile(r'"((?:[^"\\]|\\.)*)"|([^.\[\]"]+)|\[([0-9]{1,6})\]')
_KNOWN_MIN = 4  # characters of a secret that is looked for in texts: what is shorter is in any word
_KNOWN_BY = 20  # characters of it: a text shows more of a value where it shows any of it


class ActionsFileFault(msgspec.Struct, frozen=True):
    """One thing that is wrong, or that its writer should know. `said`: what must be, what came, and
    what to do."""

    file: str
    line: int
    column: int
    code: str
    field: (
        str  # by the names of the file, as actions.welcome.mail.to[0]; "" for the file as a whole
    )
    said: str

    def place(self) -> tuple[int, int]:
        """Return the line and column by which faults are put in order."""
        return self.line, self.column

    def __str__(self) -> str:
        about = f", field {self.field}" if self.field else ""
        return f"{self.file}:{self.line}:{self.column}: {self.said} ({self.code}{about})"


class Faults:
    """Collects the faults of one file. `references`: how each text is written that comes from
    elsewhere; `taken`: what it was found to be."""

    def __init__(
        self,
        file: str,
        places: TomlPositions,
        references: Mapping[Path, str],
        taken: Mapping[Path, str],
    ) -> None:
        self.refused: list[ActionsFileFault] = []
        self.odd: list[ActionsFileFault] = []
        self._file = file
        self._places = places
        self._references = references
        self._secrets = {
            value: references[path] for path, value in taken.items() if len(value) >= _KNOWN_MIN
        }
        self._taken = frozenset(taken)
        self.read_paths: set[str] = set()  # that actions and look-ups read
        self.zone_paths: set[str] = set()  # of these: time zones
        self._lost = references.keys() - taken.keys()
        self._holding = {path[:steps] for path in references for steps in range(len(path) + 1)}

    def refuse(self, code: int | str, path: Path, message: str) -> None:
        """Tell what is wrong with what stands there; of what did not come from elsewhere nothing
        but that."""
        if path in self._lost and code != MISSING:
            return
        if len(self.refused) < FAULTS_MAX:
            self.refused.append(self._fault(code, path, message))

    def warn(self, code: int | str, path: Path, message: str) -> None:
        """Tell what is odd there."""
        if len(self.odd) < FAULTS_MAX:
            self.odd.append(self._fault(code, path, message))

    def is_reference(self, path: Path) -> bool:
        """Return whether a text comes from elsewhere."""
        return path in self._references

    def holds_reference(self, path: Path) -> bool:
        """Return whether something comes from elsewhere that is or stands in what is there."""
        return path in self._holding

    def _fault(self, code: int | str, path: Path, message: str) -> ActionsFileFault:
        place = self._places.near(path)
        message = printable(self._bare(path, message))
        field = printable(name_of(path))
        return ActionsFileFault(
            file=self._file,
            line=place.line,
            column=place.column,
            code=str(code),
            field=field,
            said=message,
        )

    def _bare(self, path: Path, message: str) -> str:
        """Return a text without what was taken from elsewhere."""
        must, got, _ = message.partition("; got ")
        if path in self._taken and got:
            return f"{must}; got what {self._references[path]} stands for. Correct that."
        for secret, reference in self._secrets.items():
            message = _without(message, secret, reference)
        return message


def _without(message: str, secret: str, reference: str) -> str:
    """Return a text without a secret, also one that is cut off somewhere behind its first
    characters."""
    begin, at = secret[:_KNOWN_BY], 0
    while (at := message.find(begin, at)) >= 0:
        pairs = zip(message[at:], secret, strict=False)
        length = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
        message = message[:at] + reference + message[at + length :]
        at += len(reference)
    return message


def fault_at(place: TomlPosition, file: str, code: str, message: str) -> ActionsFileFault:
    """Build the fault of a place, before anything can be named there."""
    return ActionsFileFault(
        file=file, line=place.line, column=place.column, code=code, field="", said=message
    )


def printable(text: str) -> str:
    """Return a text on one line: a sign that cannot be seen is shown as an escape."""
    if text.isprintable():
        return text
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text
    )


def path_of(field: str) -> Path:
    """Parse `filter.all[1].path` into a path."""
    return tuple(
        int(found[3]) if found[3] else found[2] or _unquoted(found[0])
        for found in _STEP.finditer(field)
    )


def _unquoted(written: str) -> str:
    try:
        return str(json.loads(written, strict=False))
    except ValueError:  # of a name that nobody has quoted
        return written


def quoted(name: str) -> str:
    """Write a name as a part of a field, so that `path_of` reads it again."""
    return name if _PLAIN.fullmatch(name) else json.dumps(name, ensure_ascii=False)


def name_of(path: Path) -> str:
    """Write a path as texts have it: `actions.welcome.mail.to[0]`."""
    named = "".join(f"[{step}]" if isinstance(step, int) else f".{step[:64]}" for step in path)
    return named.removeprefix(".")
