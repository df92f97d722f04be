"""How much time a schema can take to check an event, known from the schema alone.

The validator visits a value once for each schema that applies to it, so its time is bounded by a
fixed part and one for each byte of the event:

    time(schema, event) ≤ fixed + per byte × bytes of the event

`cost_of` works that out from the inside: what is applied in place (`anyOf` …) adds up; what is
applied to children is paid for by the bytes of the child, and only the dearest child counts. The
figures are nanoseconds, measured on the slowest values that were found and rounded up. Numbers with
an exponent or very many digits are compared as decimals of any length, and are up to 100 times
dearer: they are counted apart (`wild`), because events seldom hold one, and that is seen soon.
"""

import re
from functools import lru_cache
from typing import Any

import jsonschema_rs
import msgspec

from tidings.catalogue.event_type import Json
from tidings.core.budget import APART_CPU_S, LOOP_S, USUAL_BYTES

PATTERN_STEPS = (1 << 10, 1 << 11, 1 << 12, 1 << 13, 1 << 14, 1 << 15, 1 << 16, 1 << 18, 1 << 20)
# Nanoseconds for a byte of text: of each byte of the compiled pattern, or of each place in it where
# a match can be under way at the same time. Both are bounds; a large class of letters is one place.
TEXT_PER_PATTERN_BYTE = 0.125
TEXT_PER_PLACE = 60.0
# Of the loop's share. The rest is for saying why an event does not fit: twice as long, and a walk.
CHECK_NS = LOOP_S * 0.4 * 1e9
SCANNED_BYTES = 64 << 10  # the largest event that is looked through for wild numbers
APART_NS = APART_CPU_S * 0.5 * 1e9

_WILD = re.compile(rb"[0-9]{19}|[0-9][eE]|[0-9]\.[0-9]{9}")
_REPEAT = re.compile(r"\{(\d*),?(\d*)\}")
_ESCAPE = re.compile(r"\\[pP]\{[^}]*\}|\\.")
_CLASS = re.compile(r"\[[^\]]*\]")
_IN_PLACE = ("anyOf", "oneOf", "allOf")
_LIMITS = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"})
_NUMBERS = frozenset({"number", "integer"})
_TAME = 1 << 53
_FREE = frozenset(
    "title description examples default deprecated $comment $schema $defs format".split()
)


class Cost(msgspec.Struct, frozen=True):
    """A bound, in nanoseconds."""

    fixed: float = 0.0
    byte: float = 0.0  # for each byte of an event without wild numbers
    wild: float = 0.0  # for each byte of any event

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.fixed + other.fixed, self.byte + other.byte, self.wild + other.wild)

    def of(self, size: int, wild: bool = True) -> float:
        """Compute the bound for an event of `size` bytes, in nanoseconds. Not `wild`: it holds no
        wild numbers."""
        return self.fixed + (self.wild if wild else self.byte) * size

    def fits_loop(self, raw: bytes) -> bool:
        """Return whether an event, as it came, can be checked within the loop's share for sure."""
        size = len(raw)
        if self.of(size) <= CHECK_NS:
            return True
        if size > SCANNED_BYTES or self.of(size, wild=False) > CHECK_NS:
            return False
        return not _WILD.search(raw)

    @property
    def surely(self) -> int:
        """Return the number of bytes up to which every event fits into the loop's share; -1 if none
        does."""
        return -1 if self.fixed > CHECK_NS else int((CHECK_NS - self.fixed) / self.wild)

    @property
    def bearable(self) -> bool:
        """Return whether an ordinary event can be checked at all, be it in a process of its own."""
        return self.of(USUAL_BYTES, wild=False) <= APART_NS


BOUNDLESS = Cost(float("inf"), 1.0, 1.0)


@lru_cache(maxsize=4096)
def pattern_bytes(pattern: str) -> int | None:
    """Return how large a pattern is when compiled, rounded up; None for what is none, or too
    large."""
    for step in PATTERN_STEPS:
        try:
            jsonschema_rs.Draft202012Validator(
                {"pattern": pattern},
                pattern_options=jsonschema_rs.RegexOptions(size_limit=step, dfa_size_limit=1 << 10),
            )
        except ValueError:
            continue
        return step
    return None


def _places(pattern: str) -> int:
    """Estimate how many of its characters a pattern has at most, with each repeat written out."""
    repeats = 1
    for least, most in _REPEAT.findall(pattern):
        repeats *= max(int(least or 1), int(most or 1), 1)
    characters = _REPEAT.sub("", _CLASS.sub("c", _ESCAPE.sub("c", pattern)))
    return repeats * sum(1 for character in characters if character not in "()|*+?^$")


def cost_of(node: Json) -> Cost:
    """Compute the cost of a schema without references."""
    total = Cost(6.0, 0.5, 0.5)
    for key, value in node.items():
        if key in _FREE or key.startswith("x-"):
            continue
        total += _keyword(key, value)
    return total + _children(node)


def _keyword(key: str, value: Any) -> Cost:
    """Compute what one keyword costs at each value that it is applied to; children are not
    counted."""
    if key in _IN_PLACE:
        return sum((cost_of(subschema) for subschema in value), Cost(10.0))
    if key == "not":
        return cost_of(value) + Cost(10.0)
    if key == "pattern":
        size = pattern_bytes(value) or PATTERN_STEPS[-1]
        byte = 2 + min(TEXT_PER_PATTERN_BYTE * size, TEXT_PER_PLACE * (2 + _places(value)))
        return Cost(60.0, byte, byte)
    if key in _LIMITS:
        return Cost(40.0, 20.0 if _tame(value) else 130.0, 130.0)
    if key == "multipleOf":
        if not 1e-9 <= abs(value) <= _TAME:
            return Cost(20_000.0, 1_000.0, 4_000.0)
        whole = isinstance(value, int) or value.is_integer()
        return Cost(40.0, 30.0, 150.0) if whole and _tame(value) else Cost(400.0, 320.0, 2300.0)
    if key in ("enum", "const"):
        return options_cost(value if key == "enum" else [value])
    if key == "type" and _NUMBERS.intersection([value] if isinstance(value, str) else value):
        return Cost(10.0, 0.5, 50.0)
    if key in ("properties", "additionalProperties", "items"):
        return Cost(10.0, 2.5, 2.5)
    return Cost(10.0, 0.5, 0.5)


def options_cost(options: list[Any]) -> Cost:
    """Compute what it costs to compare with each of these values, as `own_validator.py` does it."""
    whole = sum(1 for option in options if is_whole(option))
    numbers = sum(1 for option in options if is_number(option)) - whole
    blocks = sum(1 for option in options if isinstance(option, dict | list))
    texts = len(options) - whole - numbers - blocks
    total = Cost(20.0 + 6.0 * texts, 0.3 * texts, 0.3 * texts)
    total += Cost(120.0 * blocks, 40.0 * blocks, 1300.0 * blocks)
    total += Cost(300.0 * numbers, 300.0 * numbers, 1300.0 * numbers)
    if whole:
        total += Cost(100.0 + 10.0 * whole, 40.0 + 20.0 * whole, 280.0 + 60.0 * whole)
    return total


def is_number(value: object) -> bool:
    """Return whether it is a number of JSON."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_whole(value: object) -> bool:
    """Return whether it is a whole number that every double holds."""
    return is_number(value) and _tame(value) and value == int(value)  # type: ignore[call-overload]


def _tame(value: Any) -> bool:
    return isinstance(value, int | float) and -_TAME <= value <= _TAME


def _children(node: Json) -> Cost:
    """Compute the cost of what is applied inside a value: each child pays with its own bytes."""
    fixed, byte, wild = 0.0, 0.0, 0.0
    inner: list[tuple[Cost, int]] = []
    for name, subschema in node.get("properties", {}).items():
        inner.append((cost_of(subschema), len(name.encode("utf-8", "replace")) + 4))
    if isinstance(node.get("additionalProperties"), dict):
        inner.append((cost_of(node["additionalProperties"]), 4))
    if "items" in node:
        inner.append((cost_of(node["items"]), 1))
    for cost, frame in inner:
        # A child of one byte in its frame, or a long one: whichever is dearer for its bytes.
        byte = max(byte, (cost.fixed + cost.byte) / (frame + 1), cost.byte)
        wild = max(wild, (cost.fixed + cost.wild) / (frame + 1), cost.wild)
    return Cost(fixed, byte, wild)
