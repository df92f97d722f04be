"""JSON that stays as it was written where it is not changed. Pure.

Numbers with a point or an exponent are read as `Raw`, the characters in which they came: 1.10 stays
1.10, and is not 1.1. What is added to an event may be `Raw` too, JSON that was written before.
"""

from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Raw

Steps = tuple[str | int, ...]  # from an object or list to what stands in it: names, and numbers

# A pair. The second writes no space between.
read_exactly = msgspec.json.Decoder(float_hook=Raw).decode
write_exactly = msgspec.json.Encoder(decimal_format="number").encode

_read = msgspec.json.Decoder(float_hook=float).decode
_read_items = msgspec.json.Decoder(list[Raw]).decode
_read_fields = msgspec.json.Decoder(dict[str, Raw]).decode
_read_items = msgspec.json.Decoder(list[Raw]).decode
_read_whole = msgspec.json.Decoder(Raw).decode


PATH_DEPTH = 16


def unreadable_path(raw: Raw | bytes) -> str | None:
    """Return where the value is that nothing can read, as `data.lines[0].sum`: a number of
    thousands of digits, or levels without end. Blank where it has no place, as what is no JSON;
    None where all of it can be read."""
    path, here = "", Raw(raw)
    if _is_readable(here):
        return None
    for _ in range(PATH_DEPTH):
        try:
            parts = _parts_of(here)
        except (msgspec.DecodeError, RecursionError):
            break
        found = next((part for part in parts if not _is_readable(part[1])), None)
        if found is None:
            break
        path, here = f"{path}{found[0]}", found[1]
    return path.removeprefix(".")


def _parts_of(raw: Raw) -> list[tuple[str, Raw]]:
    start = bytes(raw).lstrip()[:1]
    if start == b"{":
        return [(f".{name}", part) for name, part in _read_fields(raw).items()]
    return [(f"[{at}]", part) for at, part in enumerate(_read_items(raw))] if start == b"[" else []


def _is_readable(raw: Raw) -> bool:
    try:
        read_exactly(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def value_of(raw: Raw) -> Any:
    """Decode the value that is written there, numbers as numbers."""
    return _read(raw)


def fields_of(raw: Raw | bytes) -> dict[str, Raw]:
    """Split the object that is written there into its fields, each as it is written."""
    return _read_fields(raw)


def items_of(raw: Raw | bytes) -> list[Raw]:
    """Split the list that is written there; each item stays as it is written."""
    return _read_items(raw)


def check_json(raw: bytes) -> Raw:
    """Return `raw` if it is one JSON value in UTF-8, whatever numbers it has, for a twentieth of
    what reading it costs. Raise msgspec.DecodeError, UnicodeDecodeError or RecursionError if it is
    none."""
    if not raw.isascii():
        raw.decode()
    return _read_whole(raw)


def first_byte(raw: Raw) -> int:
    """Return the byte that a value begins with, which says its kind; 0 of an empty one."""
    view = memoryview(raw)
    return view[0] if view.nbytes else 0


def is_null(raw: Raw) -> bool:
    """Return whether a value is null."""
    return first_byte(raw) == _NULL


class PathTree:
    """Paths, all of which are followed by one reading: each object and list on the way is read
    once, however many paths lead through it."""

    __slots__ = ("_root", "depth")

    def __init__(self, paths: Iterable[Steps]) -> None:
        self._root = _Branch()
        self.depth = 0
        for path in paths:
            branch = self._root
            for step in path:
                branch = branch.below.setdefault(step, _Branch())
            branch.path = path
            self.depth = max(self.depth, len(path))

    def read(self, whole: Raw) -> dict[Steps, Raw]:
        """Return what stands at each path, as it is written; nothing for a path to nowhere. Raise
        msgspec.DecodeError, UnicodeDecodeError or RecursionError if what is read is not JSON."""
        found: dict[Steps, Raw] = {}
        self._root.read(whole, found)
        return found


class _Branch:
    """A place that paths lead to, or through."""

    __slots__ = ("below", "path")

    def __init__(self) -> None:
        self.below: dict[str | int, _Branch] = {}
        self.path: Steps | None = None  # that ends here

    def read(self, here: Raw, found: dict[Steps, Raw]) -> None:
        if self.path is not None:
            found[self.path] = here
        if not self.below:
            return
        first = first_byte(here)
        if first == _OBJECT:
            fields = _read_fields(here)
            for step, branch in self.below.items():
                if step in fields:
                    branch.read(fields[step], found)
        elif first == _LIST:
            items = _read_items(here)
            for step, branch in self.below.items():
                if isinstance(step, int) and step < len(items):
                    branch.read(items[step], found)


_OBJECT, _LIST, _NULL = b"{[n"
