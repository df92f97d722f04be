"""What a filter's tests are made of: the value at a path, and the operators that judge it.

Made once for a filter, asked for every event. Nothing here raises whatever the event holds, and
what it looks at is bounded. Pure.
"""

import math
import re
from collections.abc import Callable
from itertools import chain, islice
from typing import Any, TypeGuard

import re2  # type: ignore[import-untyped]  # its wheel has no types

from tidings.catalogue.spellings import SourceStep, spelt
from tidings.core.event_path import EACH, Path

VALUES_MAX = 256  # what a path with [*] looks at in one event; items behind are not seen
PROGRAM_MAX = 1500  # RE2's instructions: a long program is slow where its automaton is given up
MATCHED_MAX = 512  # characters of one event that one pattern is shown
CONTAINS_MAX = 64 * 1024  # characters of one text that `contains` looks at
RE2_BYTES = 1 << 20

Event = dict[str, Any]
Accepts = Callable[[Event], bool]
Holds = Callable[[Any], bool]

_DECIMAL = re.compile(r"-?[0-9]{1,32}(?:\.[0-9]{1,32})?")


class _Absent:
    """The type of the value of a path that leads nowhere; null is a value."""


ABSENT = _Absent()


def decimal(text: str) -> int | float | None:
    """Parse a plain decimal text into a number; return None for any other text."""
    if not text or len(text) > 66 or not _DECIMAL.fullmatch(text):
        return None
    return float(text) if "." in text else int(text)


def values_at(event: Event, steps: Path) -> list[Any]:
    """List the values at a path, at most `VALUES_MAX` of them."""
    found: list[Any] = [event]
    for step in steps:
        if step == EACH:
            lists = (value for value in found if value.__class__ is list)
            found = list(islice(chain.from_iterable(lists), VALUES_MAX))
        elif step.__class__ is SourceStep:
            blocks = [value for value in found if value.__class__ is dict]
            found = [block[name] for block in blocks if (name := spelt(block, str(step))) in block]
        else:
            found = [value[step] for value in found if value.__class__ is dict and step in value]
    return found


def of_one(steps: Path, holds: Holds) -> Accepts:
    """Build the test of the value at a path without [*]."""
    if any(step.__class__ is SourceStep for step in steps):
        return lambda event: holds(next(iter(values_at(event, steps)), ABSENT))
    names = tuple(str(step) for step in steps)
    if len(names) == 1:
        (only,) = names
        return lambda event: holds(event.get(only, ABSENT))
    if len(names) == 2:
        first, last = names

        def two(event: Event) -> bool:
            block = event.get(first)
            return block.__class__ is dict and holds(block.get(last, ABSENT))

        return two
    *way, end = names

    def many(event: Event) -> bool:
        block: Any = event
        for name in way:
            block = block.get(name)
            if block.__class__ is not dict:
                return holds(ABSENT)
        return holds(block.get(end, ABSENT))

    return many


def of_any(steps: Path, holds: Holds, when_none: bool) -> Accepts:
    """Build the test that one of the values of a path with [*] must pass; `when_none` is its result
    where there are none."""

    def run(event: Event) -> bool:
        values = values_at(event, steps)
        return any(map(holds, values)) if values else when_none

    return run


# -- operators ------------------------------------------------------------------------------------


def is_number(value: object) -> TypeGuard[int | float]:
    """Return whether it is a finite number; true and false are none."""
    return value.__class__ is int or (value.__class__ is float and math.isfinite(value))


def equal(operand: Any) -> Holds:
    """Build the operator `eq`, for a text, a number, true, false or null."""
    if operand is None or operand.__class__ is bool:
        return lambda value: value is operand
    if operand.__class__ is str:
        return lambda value: value.__class__ is str and value == operand
    return _number_test(lambda number: bool(number == operand))


def _number_test(holds: Callable[[int | float], bool]) -> Holds:
    def run(value: Any) -> bool:
        kind = value.__class__
        if kind is int or kind is float:
            return holds(value)
        return kind is str and (number := decimal(value)) is not None and holds(number)

    return run


def member(operands: list[Any]) -> Holds:
    """Build the operator `in`, for a list of such values as `eq` takes."""
    texts = frozenset(operand for operand in operands if operand.__class__ is str)
    numbers = frozenset(operand for operand in operands if is_number(operand))
    others = tuple(operand for operand in operands if operand is None or operand.__class__ is bool)

    def run(value: Any) -> bool:
        kind = value.__class__
        if kind is str:
            if value in texts:
                return True
            return bool(numbers) and decimal(value) in numbers
        if kind is int or kind is float:
            return value in numbers
        return any(value is other for other in others)

    return run


_COMPARE: dict[str, Callable[[Any], Callable[[Any], bool]]] = {
    "gt": lambda bound: lambda value: bool(value > bound),
    "gte": lambda bound: lambda value: bool(value >= bound),
    "lt": lambda bound: lambda value: bool(value < bound),
    "lte": lambda bound: lambda value: bool(value <= bound),
}


def compare(operator: str, bound: Any) -> Holds:
    """Build the operator `gt`, `gte`, `lt` or `lte`, for a number or a text."""
    holds = _COMPARE[operator](bound)
    if bound.__class__ is str:
        return lambda value: value.__class__ is str and holds(value)
    return _number_test(holds)


def textual(operator: str, operand: str) -> Holds:
    """Build the operator `prefix`, `suffix` or `contains`, for a text."""
    if operator == "prefix":
        return lambda value: value.__class__ is str and value.startswith(operand)
    if operator == "suffix":
        return lambda value: value.__class__ is str and value.endswith(operand)
    return lambda value: (
        value.__class__ is str
        and (
            operand in value
            if len(value) <= CONTAINS_MAX
            else value.find(operand, 0, CONTAINS_MAX) >= 0
        )
    )


def compile_pattern(text: str) -> Any:
    """Compile the pattern of `matches`. Raise re2.error if it is none or its program is too long,
    and UnicodeError for half a surrogate pair."""
    options = re2.Options()
    options.max_mem = RE2_BYTES
    options.log_errors = False
    pattern = re2.compile(text, options)
    if pattern.programsize > PROGRAM_MAX:
        raise re2.error("the program is too long")
    return pattern


def matching(pattern: Any, steps: Path, others: Holds | None) -> Accepts:
    """Build the test that a text at a path matches a pattern and passes the other tests of the
    path. It stands apart from the other operators, because what it looks at is counted for each
    event."""

    def run(event: Event) -> bool:
        left = MATCHED_MAX
        for value in values_at(event, steps):
            if value.__class__ is not str or (others is not None and not others(value)):
                continue
            left -= len(value)
            if left < 0:
                return False
            try:
                if pattern.search(value) is not None:
                    return True
            except ValueError:  # half a surrogate pair; none passes the door
                continue
        return False

    return run
