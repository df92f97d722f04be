"""A test that looked at nothing fails; one that looked, or says why it need not, passes."""

import ast
import asyncio
from typing import Any

import pytest
from _pytest.assertion import rewrite

from tests.looks import looked_at

BLIND = {
    "a loop": "for row in rows(): assert row",
    "a loop in one": "for _ in range(3):\n        for row in rows(): assert row",
    "a loop whose condition never holds": "for row in [1]:\n        if not row: assert row",
    "a loop of a function that asserts": "for row in rows(): check(row)",
    "a loop that awaits such a one": "for row in rows(): await waited(row)",
    "all": "assert all(row for row in rows())",
    "all of a list": "assert 1 and all([row for row in rows()])",
    "none": "assert not any(row for row in rows())",
    "a list that is false": "assert not [row for row in rows() if row]",
    "an empty list": "assert [row for row in rows() if row] == []",
    "a list that was made before": "bad = [row for row in rows() if row]\n    assert bad == []",
    "all that is given": "assert all(rows())",
    "none that is given": "assert not any(rows())",
    "an empty set": "assert {row for row in rows() if row} == set()",
    "a loop of a function in it": "def look():\n        for row in rows(): assert row\n    look()",
}  # fmt: skip
SEEING = {
    "a loop": "for row in [1, 2]: assert row",
    "a loop that ends early": "for row in [1, 2]:\n        assert row\n        break",
    "one of two is empty": "for some in ([], [1]):\n        for row in some: assert row",
    "a loop of a function that asserts": "for row in [1, 2]: check(row)",
    "all": "assert all(row for row in (1, 2))",
    "all of what is made meanwhile": "made = iter([1, 2])\n    assert all(row for row in made)",
    "none": "assert not any(row > 2 for row in (1, 2))",
    "an empty list": "assert [row for row in (1, 2) if row > 2] == []",
    "a list as it is": "assert rows() == [] and not rows()",
    "a list that was filled": "bad = [row for row in (1, 2) if row > 2]\n    assert not bad",
    "said": "for row in rows(): assert row  # may be empty: nobody has written yet",
    "said of all": "assert all(row for row in rows())  # may be empty: nobody has written yet",
    "a loop that asserts nothing": "for row in rows(): print(row)",
    "what did not come": "assert True or all(row for row in rows())",
}  # fmt: skip
FAILING = {
    "a loop": "for row in (1, 0): assert row",
    "all": "assert all(row for row in (1, 0))",
    "none": "assert not any(row for row in (1, 0))",
    "a list that was made before": "bad = [row for row in (1, 2) if row > 1]\n    assert bad == []",
}


HELPERS = """
def rows(): return []
def check(row): assert row
async def waited(row): assert row
"""


def run(body: str) -> None:
    """Run a test as pytest makes it, but for how its assertions tell."""
    made = "async def" if "await" in body else "def"
    source = f"{HELPERS}\n{made} test_made():\n    {body}\n"
    module = ast.parse(source)
    looked_at.add_looks(module, source)
    names: dict[str, Any] = {"@pytest_ar": rewrite}
    exec(compile(module, "test_made.py", "exec"), names)
    if (test := names["test_made"]()) is not None:
        asyncio.run(test)


@pytest.mark.parametrize("body", BLIND.values(), ids=BLIND.keys())
def test_who_looked_at_nothing_fails(body: str) -> None:
    with pytest.raises(AssertionError, match="has looked at nothing"):
        run(body)


@pytest.mark.parametrize("body", SEEING.values(), ids=SEEING.keys())
def test_who_looked_passes(body: str) -> None:
    run(body)


@pytest.mark.parametrize("body", FAILING.values(), ids=FAILING.keys())
def test_what_failed_fails_still(body: str) -> None:
    with pytest.raises(AssertionError) as failed:
        run(body)
    assert "looked at nothing" not in str(failed.value)


def test_tests_of_this_run_are_made_so() -> None:
    def look() -> None:
        for row in list[int]():
            assert row

    with pytest.raises(AssertionError, match="has looked at nothing"):
        look()


def test_what_is_looked_through_is_not_read_further_than_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = iter(range(10))
    assert next(iter(looked_at.require_some(rows, 1))) == 0
    assert next(rows) == 1
