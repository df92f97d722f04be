"""Where in a TOML document each key and each item of a list stands: line and column, from 1. Pure.

`tomllib` reads a document and forgets where everything stood. This walks over the same text once
more, understands as much of it as that takes, and judges nothing: at the first sign that fits
nowhere it stops, with the places that it has, and `tomllib` says what is wrong there.
"""

import re
from bisect import bisect_right
from collections.abc import Mapping

import msgspec

from tidings.errors import TidingsError

Path = tuple[str | int, ...]
"""Of keys, and of the numbers of items."""
DEPTH_MAX = 32
"""Of keys and lists, one within the other; what is deeper has no place."""

_BARE = r"[A-Za-z0-9_-]+"
_BASIC = r'"(?:[^"\\\n]|\\.)*+"'
_LITERAL = r"'[^'\n]*+'"
_KEY = re.compile(rf"{_BARE}|{_BASIC}|{_LITERAL}")
_DOT = re.compile(r"[ \t]*\.[ \t]*")
_EQUALS = re.compile(r"[ \t]*=[ \t]*")
_BLANK = re.compile(r"(?:[ \t\n]|#[^\n]*)*+")  # between statements, and within lists
_SPACE = re.compile(r"[ \t]*")
_TEXT = re.compile(
    r'"""(?:[^"\\]|\\[\s\S]|"(?!""))*+"{3,5}'
    r"|'''(?:[^']|'(?!''))*+'{3,5}"
    rf"|{_BASIC}|{_LITERAL}"
)
_OTHER = re.compile(r"[^\s,\]}#\"'\[{][^,\]}#\n]*")  # numbers, dates, truths
_SIMPLE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))")
_ESCAPES = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", "e": "\x1b"}


class TomlPosition(msgspec.Struct, frozen=True):
    """A line, and a column of it in characters; both begin with 1."""

    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.line}:{self.column}"


class TomlPositions:
    """The places of a document."""

    def __init__(self, found: Mapping[Path, TomlPosition], deepest: TomlPosition | None) -> None:
        self._found = found
        self.too_deep = deepest
        """The first thing that stands deeper than DEPTH_MAX."""

    def __getitem__(self, path: Path) -> TomlPosition:
        return self._found[path]

    def __contains__(self, path: object) -> bool:
        return path in self._found

    def __len__(self) -> int:
        return len(self._found)

    def items(self) -> list[tuple[Path, TomlPosition]]:
        """List all places with their paths."""
        return list(self._found.items())

    def near(self, path: Path) -> TomlPosition:
        """Return the place of a path, or of the nearest thing around it that has one."""
        while path and path not in self._found:
            path = path[:-1]
        return self._found[path] if path else TomlPosition(1, 1)


def find_places(document: str) -> TomlPositions:
    """Find the places of all keys and items, in time and memory that grow with the document."""
    walk = _Walk(document.replace("\r\n", "\n"))
    walk.run()
    starts = [0, *(found.end() for found in re.finditer("\n", walk.text))]

    def place(at: int) -> TomlPosition:
        line = bisect_right(starts, at)
        return TomlPosition(line, at - starts[line - 1] + 1)

    deep = None if walk.deep is None else place(walk.deep)
    return TomlPositions({path: place(at) for path, at in walk.found.items()}, deep)


class _Stop(TidingsError):
    """Nothing that is known stands here."""


class _Open:
    """A list or an inline table that is not yet closed, and how many items it has had."""

    __slots__ = ("count", "is_list", "path")

    def __init__(self, path: Path, is_list: bool) -> None:
        self.path = path
        self.is_list = is_list
        self.count = 0


class _Walk:
    """One walk over a document. `found`: where each thing begins, as a number of characters."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.found: dict[Path, int] = {}
        self.deep: int | None = None
        self._at = 0
        self._lists: dict[Path, int] = {}  # how often each [[…]] was said

    def run(self) -> None:
        """Walk from the beginning to the end, or to what is no TOML."""
        try:
            table: Path = ()
            while True:
                self._over(_BLANK)
                if self._at == len(self.text):
                    return
                if self.text[self._at] == "[":
                    table = self._header()
                else:
                    self._value(self._assigned(table))
        except _Stop:
            return

    # -- statements -------------------------------------------------------------------------------

    def _header(self) -> Path:
        """Read `[a.b]` or `[[a.b]]`; return the path of what follows."""
        marks = 2 if self.text.startswith("[[", self._at) else 1
        self._at += marks
        self._over(_SPACE)
        names, starts = self._key()
        self._over(_SPACE)
        if not self.text.startswith("]" * marks, self._at):
            raise _Stop
        self._at += marks
        path = self._noted((), names[:-1], starts)
        path = (*path, names[-1])
        if marks == 2:
            self._note(path, starts[-1])
            count = self._lists.get(path, 0)
            self._lists[path] = count + 1
            path = (*path, count)
        self.found.pop(path, None)  # said by its own name now
        self._note(path, starts[-1])
        return path

    def _assigned(self, table: Path) -> Path:
        """Read `a.b =`; return the path of the value that follows."""
        names, starts = self._key()
        self._take(_EQUALS)
        return self._noted(table, names, starts)

    def _noted(self, table: Path, names: list[str], starts: list[int]) -> Path:
        """Note each part of a key within a table; return the key's path."""
        path = table
        for name, start in zip(names, starts, strict=False):
            path = (*path, name)
            if len(path) > DEPTH_MAX:
                self._too_deep(start)
            self._note(path, start)
            if (count := self._lists.get(path)) is not None:
                path = (*path, count - 1)
        return path

    def _note(self, path: Path, start: int) -> None:
        if len(path) > DEPTH_MAX:
            self._too_deep(start)
        self.found.setdefault(path, start)

    def _too_deep(self, start: int) -> None:
        self.deep = start
        raise _Stop

    # -- keys -------------------------------------------------------------------------------------

    def _key(self) -> tuple[list[str], list[int]]:
        """Read a dotted key: its names, and where each begins."""
        names, starts = [], []
        while True:
            starts.append(self._at)
            names.append(_name(self._take(_KEY)))
            if len(names) > DEPTH_MAX:
                self._too_deep(starts[-1])
            if not self._over(_DOT):
                return names, starts

    # -- values -----------------------------------------------------------------------------------

    def _value(self, path: Path) -> None:
        """Pass over a value, however deep it is; without recursion."""
        opened: list[_Open] = []
        self._begin(path, opened)
        while opened:
            inner = opened[-1]
            self._over(_BLANK)
            sign = self.text[self._at : self._at + 1]
            if sign == ("]" if inner.is_list else "}"):
                self._at += 1
                opened.pop()
            elif sign == "," and inner.count:
                self._at += 1
            elif inner.is_list:
                item = (*inner.path, inner.count)
                inner.count += 1
                self._note(item, self._at)
                self._begin(item, opened)
            else:
                inner.count += 1
                self._begin(self._assigned(inner.path), opened)

    def _begin(self, path: Path, opened: list[_Open]) -> None:
        """Pass over a simple value, or enter a list or an inline table."""
        sign = self.text[self._at : self._at + 1]
        if sign in ("[", "{") and sign:
            self._at += 1
            opened.append(_Open(path, sign == "["))
        elif not self._over(_TEXT):
            self._take(_OTHER)

    # -- signs ------------------------------------------------------------------------------------

    def _over(self, pattern: re.Pattern[str]) -> str:
        """Go over what fits; "" where nothing does."""
        found = pattern.match(self.text, self._at)
        if found is None:
            return ""
        self._at = found.end()
        return found[0]

    def _take(self, pattern: re.Pattern[str]) -> str:
        return self._over(pattern) or self._stop()

    def _stop(self) -> str:
        raise _Stop


def _name(written: str) -> str:
    """Read a key as it is written: bare, or in quotes of either kind."""
    if written[0] == "'":
        return written[1:-1]
    if written[0] != '"':
        return written
    return _SIMPLE.sub(_meant, written[1:-1])


def _meant(escape: re.Match[str]) -> str:
    code = escape[1] or escape[2]
    if code is None:
        return _ESCAPES.get(escape[3], escape[3])
    return chr(number) if (number := int(code, 16)) < 0x110000 else ""
