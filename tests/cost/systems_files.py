"""Which test files a run of the tests of systems has to read: one in eight.

Each worker reads all files and makes an object of each case, which is fifteen seconds of processor,
and then leaves out all but a few hundred. Where `-m` asks for `systems`, files without that word
are not read. That none with such a test is missed is looked at wherever all are read.
"""

from collections.abc import Iterable
from pathlib import Path

import pytest
from _pytest.mark.expression import Expression

SYSTEMS = "systems"
SIGNS = (f"mark.{SYSTEMS}", "drivers import ")
"""Text of a file that may have such a test: its own mark, or drivers that have it."""

LONGEST = (
    "tests/systems/cells/test_moves.py",
    "tests/systems/test_waiting_memory.py",
    "tests/systems/cells/test_schema_restores.py",
    "tests/consumer/processes/test_kills.py",
    "tests/systems/test_kills.py",
    "tests/systems/test_log_figures.py",
    "tests/systems/cells/test_host.py",
    "tests/docs/receive/test_frameworks.py",
    "tests/systems/cells/test_restores.py",
    "tests/bench/test_figure_commands.py",
    "tests/systems",
)
"""The files that take longest, as far as that is known, and the folder of most such files."""


def asks_for_systems_alone(expression: str) -> bool:
    """Tell whether the value of `-m` takes no test that has no mark, or only other marks."""
    if not expression:
        return False
    compiled = Expression.compile(expression)

    def has_none(_name: str, /, **_: object) -> bool:
        return False

    def has_all_others(name: str, /, **_: object) -> bool:
        return name != SYSTEMS

    return not any(compiled.evaluate(marks) for marks in (has_none, has_all_others))


def may_have_systems(path: Path) -> bool:
    """Tell whether a test file may have a test of systems."""
    text = path.read_text("utf-8")
    return any(sign in text for sign in SIGNS)


def longest_first(items: list[pytest.Item], root: Path) -> None:
    """Order the tests by file: those that take longest are begun first, so that none of them runs
    on by itself when the others have ended."""
    places = [root / name for name in LONGEST]

    def rank(item: pytest.Item) -> int:
        found = (at for at, place in enumerate(places) if item.path.is_relative_to(place))
        return next(found, len(places))

    items.sort(key=rank)


def check_signs(tests: Iterable[pytest.Item]) -> None:
    """Raise `pytest.UsageError` if a file with a test of systems would not be read for it."""
    known: dict[Path, bool] = {}
    for test in tests:
        if test.path not in known:
            known[test.path] = may_have_systems(test.path)
        if not known[test.path] and test.get_closest_marker(SYSTEMS) is not None:
            raise pytest.UsageError(
                f"{test.nodeid} has the mark of systems, and its file has none of {SIGNS}"
            )
