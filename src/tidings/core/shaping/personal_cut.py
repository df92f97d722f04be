"""An event without personal data, by the schema of its type: for webhooks that want none.

What the schema names and does not mark as personal data stays, and nothing else does: a field that
the schema does not name may hold anything, also where it says what such fields look like. So an
event of a type that nobody knows keeps its envelope. The rules, which docs/personal-data.md tells
to people:

* A mark (`x-pii`) takes what stands there and all below it, in whichever branch of the schema the
  mark is. A list is left out with the items that it may not show.
* A value of a type that the schema does not give it is not sent, for an org may have its events
  accepted that do not fit. Null is.
* In a block of customer identifiers, or a list of them, the marks of the catalogue hold too, in
  every spelling of a source and of a field, whoever has declared the type. Its `customerId` stays,
  also where the block is not declared at all: it names nobody outside of the platform. Of more
  than `BLOCKS_MAX` such blocks in a type the last ones are left out.

A value that is JSON still (core/exact_json.py) is read where it may be an object or a list. Pure.
"""

from functools import cache
from operator import contains
from typing import Any

from msgspec import Raw

from tidings.catalogue.event_type import Json
from tidings.catalogue.loader import customer_identifiers
from tidings.catalogue.schema import types_of
from tidings.catalogue.spellings import holds_sources, source_of
from tidings.core.exact_json import read_exactly

MARK = "x-pii"
BLOCKS_MAX = 16  # of customer identifiers in a type; each is a hundred places. Catalogue: 2
CUSTOMER_ID = "customerId"
_DATA = "data"
_NULL = type(None)
_NUMBERS = {int, float}
_CLASSES: dict[str, tuple[type, ...]] = {
    "string": (str,), "boolean": (bool,), "integer": (int, float), "number": (int, float),
}  # fmt: skip
_BRANCHES = ("allOf", "anyOf", "oneOf")
_OF_BLOCKS = frozenset({"properties", "additionalProperties"})
_ELSE = frozenset({"items", *_BRANCHES})
_SAYS = _OF_BLOCKS | _ELSE | {"type", "enum", "const"}
_DIGITS = frozenset(b"-0123456789")
_NONE: frozenset[type] = frozenset()
_NOTHING = object()  # is sent of a value


class _CutField:
    """A place in events, as a schema's branches tell of it together."""

    __slots__ = (
        "block", "blocks", "classes", "items", "marked", "named", "nots", "rest", "rested",
        "sources",
    )  # fmt: skip

    def __init__(self, blocks: list[None], *, sources: bool = False) -> None:
        """`sources`: it is a block of customer identifiers, or a list of such blocks; `blocks` has
        an item for each one of its type that there is."""
        self.blocks = blocks
        self.sources = sources
        self.marked = False
        self.named: dict[str, _CutField] = {}
        # Of fields that a branch does not name: only its marks are of use, for what others name.
        self.rest: _CutField | None = None
        self.rested: list[Json] = []  # what each such branch names
        self.items: _CutField | None = None
        self.classes: set[type] = set()  # of scalars that may stand here
        self.block = False  # an object may
        self.nots: list[Json] = []  # what must not be here declares nothing, but its marks hold

    def read(self, node: Json | bool) -> None:
        """Add what a schema says of this place; `finish` when all is read."""
        if isinstance(node, bool):
            self._read_types({} if node else {"type": "null"})
            return
        self.marked = self.marked or bool(node.get(MARK))
        self._read_types(node)
        self._read_inside(node)
        for key in _BRANCHES:
            for branch in node.get(key, ()):
                self.read(branch)
        if isinstance(forbidden := node.get("not"), dict):
            self.nots.append(forbidden)

    def _read_types(self, node: Json) -> None:
        types = types_of(node)
        for type_name in types:
            self.classes.update(_CLASSES.get(type_name, ()))
        if types:
            self.block = self.block or "object" in types
        elif not _OF_BLOCKS.isdisjoint(node):
            self.block = True
        elif _ELSE.isdisjoint(node):  # it may be anything, and has nothing inside
            self.classes.update((str, bool, int, float))
            self.block = True

    def _read_inside(self, node: Json) -> None:
        named = node.get("properties", {})
        for name, inner in named.items():
            self._at(name).read(inner)
        rest, items = node.get("additionalProperties"), node.get("items")
        if isinstance(rest, dict):
            self.rest = self.rest or _CutField(self.blocks)
            self.rest.read(rest)
            self.rested.append(named)
        if isinstance(items, dict) and _describes(items):
            if self.items is None:
                self.items = self._inner(sources=self.sources)
            self.items.read(items)

    def finish(self) -> None:
        """Let marks hold that stand beside what they mark: in a branch that does not name a field,
        and in what must not be."""
        for inner in (*self.named.values(), self.rest, self.items):
            if inner is not None:
                inner.finish()
        if self.sources:
            self._mark_spelt(_identifiers())
        for node in self.nots:
            other = _CutField(self.blocks)
            other.read(node)
            other.finish()
            self._mark_like(other)
        if self.rest is not None:
            for name, place in self.named.items():
                if any(name not in named for named in self.rested):
                    place._mark_like(self.rest)

    def _at(self, name: str) -> "_CutField":
        place = self.named.get(name)
        if place is None:
            place = self.named[name] = self._inner(sources=holds_sources(name))
        return place

    def _inner(self, *, sources: bool) -> "_CutField":
        place = _CutField(self.blocks, sources=sources)
        if not sources:
            return place
        if len(self.blocks) < BLOCKS_MAX:
            self.blocks.append(None)
            place.read(customer_identifiers())
        else:
            place.marked = True
        return place

    def _mark_like(self, other: "_CutField") -> None:
        self.marked = self.marked or other.marked
        for name, place in self.named.items():
            if (its := other.named.get(name, other.rest)) is not None:
                place._mark_like(its)
        for mine, its in ((self.rest, other.rest), (self.items, other.items)):
            if mine is not None and its is not None:
                mine._mark_like(its)

    def _mark_spelt(self, other: "_CutField") -> None:
        """Mark a block's fields as those of `other` are marked, whatever letters the names are
        written with."""
        self.marked = self.marked or other.marked
        spelt = {name.lower(): place for name, place in other.named.items()}
        for name, place in self.named.items():
            its = spelt.get(name.lower()) or other.named.get(source_of(name) or "")
            if its is not None:
                place._mark_spelt(its)
        if self.items is not None and other.items is not None:
            self.items._mark_spelt(other.items)


@cache
def _identifiers() -> _CutField:
    """Read the block of customer identifiers, as the catalogue has it."""
    place = _CutField([])
    place.read(customer_identifiers())
    return place


def _describes(node: Json) -> bool:
    """Return whether a schema says anything of what it is for, or marks it."""
    return bool(node.get(MARK)) or not _SAYS.isdisjoint(node)


class _Kept:
    """The kept part of a place, prepared for the walk."""

    __slots__ = ("block", "classes", "flat", "items", "named", "scalars", "sources")

    def __init__(self, place: _CutField, *, sources: bool = False) -> None:
        """`sources`: it is a block of customer identifiers."""
        self.named: dict[str, _Kept] = {}
        self.items: _Kept | None = None
        self.classes: frozenset[type] = frozenset()  # of what stays as it is
        self.block = not place.marked and place.block
        self.sources = sources
        # Nearly all fields are scalars: one look-up is enough for them.
        self.scalars: dict[str, frozenset[type]] = {}
        self.flat: frozenset[str] = frozenset()  # the fields, where all hold scalars
        if place.marked:
            return
        self.classes = frozenset({_NULL, *place.classes})
        if place.items is not None and not place.items.marked:
            self.items = _Kept(place.items, sources=sources)
        if place.classes == _NUMBERS and not self.block and self.items is None:
            self.classes |= {Raw}  # nothing else that is JSON still can stand there
        for name, inner in place.named.items():
            self.named[name] = kept = _Kept(inner, sources=inner.sources)
            self.scalars[name] = kept.classes
        named = {name: place for name, place in self.named.items() if place.classes}
        if not any(place.block or place.items for place in named.values()):
            self.flat = frozenset(named)

    def size(self) -> int:
        """Count the places that it is made of."""
        below = (*self.named.values(), *([] if self.items is None else [self.items]))
        return 1 + sum(place.size() for place in below)


def _only_the_id() -> _Kept:
    place = _CutField([])
    place.read({"properties": {CUSTOMER_ID: {"type": "integer"}}})
    return _Kept(place, sources=True)


_CUSTOMER_ID = _only_the_id()  # of a block of identifiers that its schema does not declare


class PersonalCut:
    """Takes personal data out of events of one type. Prepared once."""

    __slots__ = ("_root", "size")

    def __init__(self, schema: Json) -> None:
        """`schema` is that of whole events, its references replaced; the envelope's alone for
        events of a type that is not known."""
        place = _CutField([])
        place.read(schema)
        place.finish()
        data = place.named.get(_DATA)
        if data is None or data.marked:  # an event is an object with `data` in any case
            data = place.named[_DATA] = _CutField([])
            data.block = True
        self._root = _Kept(place)
        self.size = self._root.size()

    def apply(self, event: Json) -> Json:
        """Return the event without personal data. What it is given is not changed."""
        return _cut(event, self._root)


def _cut(block: Json, place: _Kept) -> Json:
    classes, flat = place.scalars, place.flat
    if flat and block.keys() <= flat:
        if all(map(contains, map(classes.__getitem__, block), map(type, block.values()))):
            return block  # as most blocks that hold scalars alone
    kept = {}
    find = classes.get
    for name, value in block.items():
        kind = value.__class__
        if kind in find(name, _NONE):
            kept[name] = value
            continue
        if (below := place.named.get(name)) is None and (below := _unnamed(name, place)) is None:
            continue
        if kind is dict:
            if below.block:
                kept[name] = _cut(value, below)
        elif (found := _inside(value, below)) is not _NOTHING:
            kept[name] = found
    return kept


def _unnamed(name: str, place: _Kept) -> _Kept | None:
    """Return what is kept of a field that the schema does not name; None: nothing."""
    if place.sources:
        source = source_of(name)
        return None if source is None else place.named.get(source)
    return _CUSTOMER_ID if holds_sources(name) else None


def _inside(value: Any, place: _Kept) -> Any:
    """Return what is kept of any value."""
    kind = value.__class__
    if kind in place.classes:
        return value
    if kind is dict:
        return _cut(value, place) if place.block else _NOTHING
    if kind is list:
        if (each := place.items) is None:
            return _NOTHING
        if each.block:
            return [
                found
                for element in value
                if (
                    found := _cut(element, each)
                    if element.__class__ is dict
                    else _inside(element, each)
                )
                is not _NOTHING
            ]
        return [found for element in value if (found := _inside(element, each)) is not _NOTHING]
    if kind is Raw:
        if bytes(value).lstrip()[0] in _DIGITS:
            return value if float in place.classes else _NOTHING
        return _inside(read_exactly(value), place)
    return _NOTHING
