"""Dotted paths, prepared once: the value of one path, or the distinct values of many.

On the path of every accepted event; `catalogue.py` says what it costs.
"""

import re
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

from tidings.catalogue.event_type import Json
from tidings.catalogue.spellings import AS_USUAL, NAMES_MAX, SourceStep, marked, source_of, spelt

MAX_VALUES = 256  # of one event: a bulk event must not write thousands of search rows
MAX_TEXT = 255  # characters: longer texts are no identifiers
MAX_LOOKUPS = 50_000  # in the items of lists: a list may hold 80,000 items without any value

_MAX_BITS = 128  # longer integers are no ids either, and str() of a huge one is slow or refused
_SMALL = 1 << 63
_STEP = re.compile(r"([^.\[\]]+)|\[(\d*)\]")
_EACH = -1  # a step: go on with every item of the list


def text_of(value: object) -> str | None:
    """Return a string or whole number as the text that it is found by; None for anything that
    cannot be searched for: other types, fractions, and what is empty or too long."""
    if type(value) is str:
        return value if 0 < len(value) <= MAX_TEXT else None
    if type(value) is int:
        return str(value) if value.bit_length() <= _MAX_BITS else None
    if type(value) is float and value.is_integer() and abs(value) < 2**63:
        return str(int(value))  # 7.0 is the same id as 7
    return None


def steps(path: str) -> tuple[str | int, ...]:
    """Split `a.b[0].c` into ("a", "b", 0, "c"); `[]` (every item) becomes -1. A source of customer
    identifiers is a `SourceStep`."""
    found: list[str | int] = []
    for name, index in _STEP.findall(path):
        found.append(name if name else int(index) if index else _EACH)
    return marked(found)


def getter(path: str) -> Callable[[Json], str | None]:
    """Return a function that finds the text at one path of an event, or None if there is none.
    Raise ValueError if the path has `[]`."""
    way = _one(path)
    if any(type(step) is SourceStep for step in way):
        value_at = value_getter(path)
        return lambda event: text_of(value_at(event))

    def get(event: Json) -> str | None:
        value: Any = event
        try:
            for step in way:
                value = value[step]
        except (LookupError, TypeError):  # absent, or a scalar or list where a block should be
            return None
        return text_of(value)

    return get


def value_getter(path: str) -> Callable[[Json], Any]:
    """Return a function that finds the value at one path of an event, or None if there is none.
    Raise ValueError if the path has `[]`."""
    way = _one(path)

    def get(event: Json) -> Any:
        value: Any = event
        try:
            for step in way:
                value = value[
                    spelt(value, step) if type(step) is SourceStep and type(value) is dict else step
                ]
        except (LookupError, TypeError):  # as above
            return None
        return value

    return get


def _one(path: str) -> tuple[str | int, ...]:
    way = steps(path)
    if _EACH in way:
        raise ValueError(f"the path must name one value, with [0] for a list; got {path}")
    return way


class Tree:
    """Many paths, so that common beginnings are walked once. Values, lists of them, then blocks."""

    __slots__ = ("as_usual", "blocks", "each", "leaves", "lists", "sources", "values", "width")

    def __init__(self, ways: Iterable[tuple[str | int, ...]]) -> None:
        ways = tuple(ways)
        grouped: dict[str, list[tuple[str | int, ...]]] = {}
        for way in ways:
            grouped.setdefault(str(way[0]), []).append(way[1:])
        self.values = tuple(name for name, rests in grouped.items() if () in rests)
        self.lists = tuple(name for name, rests in grouped.items() if (_EACH,) in rests)
        self.blocks = tuple(
            (name, Tree(inner))
            for name, rests in grouped.items()
            if (inner := [rest for rest in rests if rest and rest[0] != _EACH])
        )
        self.each = tuple(
            (name, Tree(inner))
            for name, rests in grouped.items()
            if (inner := [rest[1:] for rest in rests if rest[:1] == (_EACH,) and len(rest) > 1])
        )
        # Blocks of which one value is wanted: a call for each would cost three times as much.
        self.leaves: tuple[tuple[str, str], ...] = ()
        # What is looked for in sources, which may be spelt otherwise, and the names that are not.
        sources = {str(way[0]) for way in ways if type(way[0]) is SourceStep}
        self.sources = {source_of(name): inner for name, inner in self.blocks if name in sources}
        self.as_usual = AS_USUAL.union(grouped)
        # How many names are looked for in one block, without those inside lists.
        self.width: int = len(grouped) + sum(inner.width for _, inner in self.blocks)
        self.leaves = tuple((name, inner.values[0]) for name, inner in self.blocks if inner.is_leaf)
        self.blocks = tuple((name, inner) for name, inner in self.blocks if not inner.is_leaf)

    @property
    def is_leaf(self) -> bool:
        """Return whether one value is wanted and nothing else."""
        inside = (self.lists, self.leaves, self.blocks, self.each)
        return len(self.values) == 1 and not any(inside)


def tree(paths: Iterable[str]) -> Tree:
    """Build the tree of dotted paths. A fixed index is not searched for: use `[]`."""
    return Tree(steps(path) for path in paths)


# One loop for each kind of path: asked for every event, so it is not cut into calls.
def gather(  # noqa: C901, PLR0912
    block: Json, wanted: Tree, out: list[Any], left: list[int] | None = None
) -> None:
    """Append what stands at the wanted paths of `block`, as it is, until there is enough.

    `left` holds how many names may still be looked for inside lists.
    """
    for name in wanted.values:
        if name in block:
            out.append(block[name])
    for name in wanted.lists:
        if name in block:
            items = block[name]
            if type(items) is list:
                out += items[:MAX_VALUES]
    for name, leaf in wanted.leaves:
        if name in block:
            child = block[name]
            if type(child) is dict and leaf in child:
                out.append(child[leaf])
    for name, inner in wanted.blocks:
        if name in block:
            child = block[name]
            if type(child) is dict:
                gather(child, inner, out, left)
    if wanted.sources and not wanted.as_usual.issuperset(block):
        _gather_respelt(block, wanted, out, left)
    for name, inner in wanted.each:
        if name in block and type(block[name]) is list:
            if left is None:
                left = [MAX_LOOKUPS]
            for element in block[name]:
                left[0] -= inner.width
                if left[0] < 0 or len(out) >= MAX_VALUES:
                    return
                if type(element) is dict:
                    gather(element, inner, out, left)


def _gather_respelt(block: Json, wanted: Tree, out: list[Any], left: list[int] | None) -> None:
    """Gather the values of sources whose names are spelt otherwise."""
    for name in islice(block, NAMES_MAX):
        if name not in wanted.as_usual and type(child := block[name]) is dict:
            inner = wanted.sources.get(source_of(name))
            if inner is not None:
                gather(child, inner, out, left)


def distinct_texts(values: Iterable[Any]) -> list[str]:
    """Return the values as texts, each once, in order, at most `MAX_VALUES`; what cannot be
    searched for is left out."""
    found: dict[str, None] = {}
    last: int | None = None
    for value in values:
        if type(value) is str:  # the usual case, without a call
            if 0 < len(value) <= MAX_TEXT:
                found[value] = None
        elif type(value) is int and -_SMALL < value < _SMALL:  # nearly all others
            if value != last:  # the customer, whom most events name several times
                found[str(value)] = None
                last = value
        elif (text := text_of(value)) is not None:
            found[text] = None
    texts = list(found)
    return texts if len(texts) <= MAX_VALUES else texts[:MAX_VALUES]
