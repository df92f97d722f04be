"""A run of the tests of systems reads few files, and misses no test of theirs."""

from pathlib import Path
from typing import cast

import pytest

from tests.cost.systems_files import (
    LONGEST,
    asks_for_systems_alone,
    check_signs,
    longest_first,
    may_have_systems,
)

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("expression", "alone"),
    [
        ("systems", True),
        ("systems and alone", True),
        ("systems and not alone", True),
        ("not alone and systems", True),
        ("", False),
        ("not systems", False),
        ("alone", False),
        ("systems or alone", False),
        ("not (systems and alone)", False),
    ],
)
def test_files_are_left_out_only_where_every_test_that_runs_has_the_mark(
    expression: str, alone: bool
) -> None:
    assert asks_for_systems_alone(expression) is alone


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("@pytest.mark.systems\ndef test_it(): ...", True),
        ("pytestmark = [pytest.mark.systems]", True),
        ("from tests.sources.conformance.drivers import DRIVERS", True),
        ("def test_of_systems(): ...", False),
    ],
)
def test_a_file_is_read_for_its_own_mark_and_for_drivers_that_have_it(
    tmp_path: Path, text: str, found: bool
) -> None:
    path = tmp_path / "test_it.py"
    path.write_text(text, "utf-8")
    assert may_have_systems(path) is found


class Item:
    """A test of a file, with the mark of systems or without."""

    nodeid = "test_it.py::test_it"

    def __init__(self, path: Path, marked: bool) -> None:
        self.path = path
        self._marked = marked

    def get_closest_marker(self, name: str) -> object | None:
        return name if self._marked else None


def test_a_marked_test_in_a_file_that_would_not_be_read_ends_a_run_of_all(tmp_path: Path) -> None:
    path = tmp_path / "test_it.py"
    path.write_text("from elsewhere import test_it", "utf-8")
    check_signs([cast(pytest.Item, Item(path, marked=False))])
    with pytest.raises(pytest.UsageError, match="its file has none of"):
        check_signs([cast(pytest.Item, Item(path, marked=True))])


def test_the_longest_files_run_first_and_the_tests_of_a_file_stay_in_their_order() -> None:
    names = ["tests/app/test_a.py", "tests/systems/test_z.py", LONGEST[1], LONGEST[0], LONGEST[1]]
    items = [Item(ROOT / name, marked=True) for name in names]
    longest_first(ordered := [cast(pytest.Item, test) for test in items], ROOT)
    assert [items.index(cast(Item, test)) for test in ordered] == [3, 2, 4, 1, 0]


def test_the_longest_are_there_and_are_read_for_the_tests_of_systems() -> None:
    for name in LONGEST:
        path = ROOT / name
        assert path.is_dir() or may_have_systems(path), name
