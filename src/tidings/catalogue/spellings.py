"""Names in events that mean the same thing: the one place that knows which.

A block of customer identifiers holds one block for each source. Its name is `instore` as a rule,
and `Instore` or `INSTORE` in what some producers write: whoever looks for a source, or keeps it
from somebody, must mean all of them. The actors `enteredBy` and `updatedBy` are `enteredAt` and
`createdBy` in older forms of the same events.
"""

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

SOURCES = {  # in small letters, and the name on the wire
    "instore": "instore",
    "webengage": "web_engage",
    "web_engage": "web_engage",
    "wechat": "wechat",
    "facebook": "facebook",
    "martjack": "martjack",
    "tmall": "tmall",
    "taobao": "toabao",  # misspelt on the wire
    "toabao": "toabao",
    "jd": "jd",
    "ecommerce": "ecommerce",
    "website": "website",
    "line": "line",
}
# The names in a block of identifiers that need no second look.
AS_USUAL = frozenset(SOURCES.values()) | {
    "customerId", "firstName", "lastName", "loyaltyType", "mobile", "email", "externalId",
    "cardnumber",
}  # fmt: skip
PRINTED = {"instore": "Instore"}  # other spellings that the documentation shows
NAMES_MAX = 32  # of a block that are looked at for another spelling: twice what one can hold
_BLOCK = "customeridentifiers"  # with these letters the name of a block of sources ends
_CHARS_MAX = max(map(len, SOURCES))
_ACTORS = {"enteredBy": "enteredAt", "updatedBy": "createdBy"}


class SourceStep(str):
    """A step of a path into the block of one source, which an event may spell otherwise."""

    __slots__ = ()


def holds_sources(name: object) -> bool:
    """Return whether a block of this name is one of customer identifiers."""
    return isinstance(name, str) and name[-len(_BLOCK) :].lower() == _BLOCK


def source_of(name: str) -> str | None:
    """Return the name on the wire of a source in any spelling, or None if there is no such
    source."""
    return SOURCES.get(name.lower()) if len(name) <= _CHARS_MAX else None


def marked(steps: Iterable[str | int]) -> tuple[str | int, ...]:
    """Return the steps of a path, those into a source's block as `SourceStep`."""
    found: list[str | int] = []
    before: str | int = ""
    for step in steps:
        is_source = isinstance(step, str) and holds_sources(before) and source_of(step) is not None
        found.append(SourceStep(step) if is_source else step)
        before = step
    return tuple(found)


def spelt(block: Mapping[str, Any], name: str) -> str:
    """Find the name under which a block of identifiers holds a source: the given one if it is
    there, else another spelling that is, else the given one."""
    if name in block or (source := source_of(name)) is None:
        return name
    if source in block:
        return source
    if not AS_USUAL.issuperset(islice(block, NAMES_MAX)):
        for spelling in islice(block, NAMES_MAX):
            if source_of(spelling) == source:
                return spelling
    return name


def respelt(block: Mapping[str, Any], names: Iterable[str]) -> dict[str, str]:
    """Map those of the names that a block of identifiers spells otherwise to its spelling."""
    if AS_USUAL.issuperset(islice(block, NAMES_MAX)):  # nearly always
        return {}
    return {name: there for name in names if (there := spelt(block, name)) != name}


def with_twins(paths: Iterable[str]) -> tuple[str, ...]:
    """Return the paths of actors, each with that of its older name beside it."""
    found: dict[str, None] = {}
    for path in paths:
        found[path] = None
        block, _, name = path.rpartition(".")
        if name in _ACTORS:
            found[f"{block}.{_ACTORS[name]}"] = None
    return tuple(found)
