"""Where events of an org's own type hold personal data, by the marks of its schema. Pure.

`x-pii` may stand on any schema: a field, the items of a list, the values of a map, a block, and
inside alternatives. What it marks is a place in the event, whichever branch of the schema says so.
A refusal repeats nothing from such a place, from what lies below it, nor from a place that should
have held such places: who sends a name where a block with a name in it must be has sent the name.
Names of fields are the schema's own words; those that it does not declare, below a mark, are data.
"""

from collections.abc import Iterator

import msgspec

from tidings.catalogue.event_type import Json
from tidings.catalogue.spellings import SourceStep, marked, source_of

MARK = "x-pii"
HIDDEN_NAME = "*"
NAME_CHARS_MAX = 40  # of a name that is repeated
_ITEM, _REST = 0, 1  # steps into any item of a list, into any field that is not declared

Way = tuple[str | int, ...]


class _PersonalField:
    """A place in events: whether it is marked, and where one gets from it."""

    __slots__ = ("declared", "inner", "marked")

    def __init__(self) -> None:
        self.marked = False
        self.declared: dict[str, _PersonalField] = {}
        self.inner: dict[int, _PersonalField] = {}

    def read(self, node: Json | bool) -> None:
        """Add what a schema says of this place."""
        if isinstance(node, bool):
            return
        self.marked = self.marked or bool(node.get(MARK))
        for name, inner in node.get("properties", {}).items():
            self.declared.setdefault(name, _PersonalField()).read(inner)
        for key, step in (("items", _ITEM), ("additionalProperties", _REST)):
            if key in node:
                self.inner.setdefault(step, _PersonalField()).read(node[key])
        for key in ("allOf", "anyOf", "oneOf"):
            for branch in node.get(key, ()):
                self.read(branch)
        self.read(node.get("not", True))

    def holds(self) -> bool:
        """Return whether it is marked, or anything below it."""
        below = (*self.declared.values(), *self.inner.values())
        return self.marked or any(place.holds() for place in below)

    def step(self, step: str | int) -> Iterator["_PersonalField"]:
        """Yield the places where a step leads: a field may be declared in one branch, not in
        another."""
        if isinstance(step, str) and step in self.declared:
            yield self.declared[step]
        elif isinstance(step, SourceStep) and (source := source_of(step)) in self.declared:
            yield self.declared[source]
        rest = self.inner.get(_REST if isinstance(step, str) else _ITEM)
        if rest is not None:
            yield rest

    def paths(self, path: str) -> Iterator[str]:
        """Yield the dotted paths of the marked places from here, `path` being that of this one."""
        if self.marked:
            yield path
        for name, place in self.declared.items():
            yield from place.paths(f"{path}.{name}".lstrip("."))
        for step, place in self.inner.items():
            yield from place.paths(path + ("[]" if step == _ITEM else ".*"))


class PersonalData:
    """The personal data of events of one schema, whose references are replaced."""

    def __init__(self, schema: Json) -> None:
        self._root = _PersonalField()
        if MARK.encode() in msgspec.json.encode(schema):  # most types have none: no walk for them
            self._root.read(schema)

    def paths(self) -> tuple[str, ...]:
        """Return the dotted paths of the marked places; list items end in `[]`, map values in
        `.*`."""
        return tuple(self._root.paths(""))

    def hides(self, way: Way) -> bool:
        """Return whether the value there must not be repeated."""
        *_, (_, inside, places) = self._walk(way)
        return inside or any(place.holds() for place in places)

    def name(self, way: Way, name: str) -> str:
        """Return a field's name as it may be repeated; `way` leads to the object that has it."""
        *_, (_, inside, places) = self._walk(way)
        return _shown(name, inside, places)

    def path(self, way: Way) -> str:
        """Write a way as it may be repeated: `data.lines[2].sku`, `data.phones.*`."""
        return "".join(shown for shown, _, _ in self._walk(way)).lstrip(".")

    def _walk(self, way: Way) -> Iterator[tuple[str, bool, list[_PersonalField]]]:
        """Yield of each step how it is shown, whether it is below a mark, and the places it leads
        to."""
        places, inside = [self._root], self._root.marked
        yield "", inside, places
        for step in marked(way):
            shown = f"[{step}]" if isinstance(step, int) else f".{_shown(step, inside, places)}"
            places = [inner for place in places for inner in place.step(step)]
            inside = inside or any(place.marked for place in places)
            yield shown, inside, places


def _shown(name: str, inside: bool, places: list[_PersonalField]) -> str:
    declared = any(name in place.declared for place in places)
    of_map = any(place.inner[_REST].marked for place in places if _REST in place.inner)
    if not declared and (inside or of_map):
        return HIDDEN_NAME
    return name[:NAME_CHARS_MAX]
