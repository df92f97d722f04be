"""What of an event one webhook gets: fields kept or dropped, and names changed.

`eventId`, `eventName` and `orgId` always stay, under their names: a receiver drops repeats by the
first and is routed by the others. Paths are those of the event as it was accepted (and enriched):
selection comes first, renaming second. A path that leads nowhere changes nothing.

A value that is JSON still (core/exact_json.py) is read where a path goes on into it. Pure.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec import Raw

from tidings.catalogue.spellings import SourceStep, holds_sources, source_of
from tidings.core.event_path import EACH, Path, read_path
from tidings.core.exact_json import read_exactly

ALWAYS = ("eventId", "eventName", "orgId")

Event = dict[str, Any]


class Fields(msgspec.Struct, frozen=True, omit_defaults=True):
    """The field selection of a webhook: one of both, the other is empty."""

    keep: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()


Tree = dict[str | int, Any]  # name (or EACH) to the tree below it; `_WHOLE`: all that is below
_WHOLE: Tree = {}


class _Sources(Tree):
    """The tree of a block of customer identifiers: a source is found in every spelling. It is kept
    under its name on the wire."""

    def get(self, name: Any, default: Any = None) -> Any:
        found = super().get(name)
        if found is None and isinstance(name, str) and (source := source_of(name)) is not None:
            found = super().get(source)
        return default if found is None else found


class Shape:
    """Selection and renaming, prepared once."""

    __slots__ = ("_drop", "_keep", "_rename")

    def __init__(self, fields: Fields, rename: Mapping[str, str]) -> None:
        self._keep = _tree([*ALWAYS, *fields.keep]) if fields.keep else None
        self._drop = _tree(fields.drop) if fields.drop else None
        names = {_steps(path): name for path, name in rename.items()}
        self._rename = _Renaming(names) if names else None

    def apply(self, event: Event) -> Event:
        """Return the event as this webhook gets it. What it is given is not changed."""
        if self._keep is not None:
            event = _keep(event, self._keep)
        elif self._drop is not None:
            event = _drop(event, self._drop)
        return event if self._rename is None else self._rename.block(event)


def shape_of(fields: Fields | None, rename: Mapping[str, str]) -> Shape | None:
    """Build the shape of a webhook; None if it asks for neither fields nor new names."""
    return Shape(fields or Fields(), rename) if fields is not None or rename else None


def _steps(path: str) -> Path:
    steps = read_path(path)
    if steps is None:
        raise ValueError(f"{path!r} is no path")
    return steps


def _wire(step: str | int) -> str | int:
    """Return a step, one into a source by its name on the wire."""
    source = source_of(step) if type(step) is SourceStep else None
    return step if source is None else source


def _tree(paths: Iterable[str]) -> Tree:
    root: Tree = {}
    for path in paths:
        *way, end = map(_wire, _steps(path))
        tree = root
        for step in way:
            tree = tree.setdefault(step, _Sources() if holds_sources(step) else {})
            if tree is _WHOLE:
                break
        else:
            tree[end] = _WHOLE
    return root


def _keep(block: Event, tree: Tree) -> Event:
    kept: Event = {}
    for name, value in block.items():
        below = tree.get(name)
        if below is _WHOLE:
            kept[name] = value
        elif below is not None and (found := _keep_in(value, below)) is not None:
            kept[name] = found
    return kept


def _keep_in(value: Any, tree: Tree) -> Any:
    """Return what is kept of a value that a path goes on into; None for a scalar, which has no
    inside."""
    if value.__class__ is Raw:
        value = read_exactly(value)
    if value.__class__ is dict:
        return _keep(value, tree)
    if value.__class__ is list and (each := tree.get(EACH)) is not None:
        if each is _WHOLE:
            return value
        return [found for element in value if (found := _keep_in(element, each)) is not None]
    return None


def _drop(block: Event, tree: Tree) -> Event:
    left: Event = {}
    for name, value in block.items():
        below = tree.get(name)
        if below is None:
            left[name] = value
        elif below is not _WHOLE:
            left[name] = _drop_in(value, below)
    return left


def _drop_in(value: Any, tree: Tree) -> Any:
    if value.__class__ is Raw:
        value = read_exactly(value)
    if value.__class__ is dict:
        return _drop(value, tree)
    if value.__class__ is list and (each := tree.get(EACH)) is not None:
        return [] if each is _WHOLE else [_drop_in(element, each) for element in value]
    return value


class _Renaming:
    """New names at one level, and what is renamed below."""

    __slots__ = ("_below", "_each", "_names")

    def __init__(self, rename: Mapping[Path, str]) -> None:
        sources = any(type(first) is SourceStep for first, *_ in rename)
        self._names: dict[str | int, str] = _Sources() if sources else {}
        self._below: dict[str | int, _Renaming] = _Sources() if sources else {}
        below: dict[str | int, dict[Path, str]] = {}
        others: dict[str | int, str] = {}  # other spellings get the name of the one that is named
        for (first, *rest), name in rename.items():
            step = _wire(first)
            if rest:
                below.setdefault(step, {})[tuple(rest)] = name
            else:
                self._names[first] = others[step] = name
        self._names.update({**others, **self._names})
        self._below.update((step, _Renaming(inner)) for step, inner in below.items())
        self._each = self._below.pop(EACH, None)

    def block(self, block: Event) -> Event:
        """Return an object with its new names. A field that had such a name already gives way and,
        of two spellings of a source with one new name, the one that the path names stays."""
        renamed: Event = {}
        exact = taken = {new for old, new in self._names.items() if old in block}
        if type(self._names) is _Sources:
            taken = {new for name in block if (new := self._names.get(name)) is not None}
        for name, value in block.items():
            if (inner := self._below.get(name)) is not None:
                value = inner.value(value)  # noqa: PLW2901  # what is below it is renamed too
            new = self._names.get(name)
            if new is not None:
                if name in self._names or new not in exact:
                    renamed[new] = value
            elif name not in taken:
                renamed[name] = value
        return renamed

    def value(self, value: Any) -> Any:
        """Return a value that paths go on into, with its new names."""
        if value.__class__ is Raw:
            value = read_exactly(value)
        if value.__class__ is dict:
            return self.block(value)
        if value.__class__ is list and (each := self._each) is not None:
            return [each.value(element) for element in value]
        return value
