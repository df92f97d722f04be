"""Filters in words."""

from typing import Any

import pytest

from tidings.core.shaping.filters.compiler import compile_filter
from tidings.core.shaping.filters.operator_list import OPERATORS
from tidings.core.shaping.filters.words import describe_filter

GOLD = {"path": "data.tier", "eq": "gold"}
MANY = {"path": "data.points", "gte": 100, "lt": 1000}


@pytest.mark.parametrize(
    ("filter", "said"),
    [
        (GOLD, "data.tier is gold"),
        (MANY, "data.points is at least 100 and is below 1000"),
        ({"path": "a", "eq": "two words"}, "a is “two words”"),
        ({"path": "a", "eq": "12"}, "a is “12”"),
        ({"path": "a", "eq": True}, "a is true"),
        ({"path": "a", "eq": "true"}, "a is “true”"),
        ({"path": "a", "exists": True}, "a is there"),
        ({"path": "a", "exists": False}, "a is not there"),
        ({"path": "a", "in": list("abcdefg")}, "a is one of a, b, c, d, e and 2 more"),
        ({"path": "a", "prefix": "x" * 200}, f"a begins with “{'x' * 79}…”"),
        ({"all": [GOLD]}, "data.tier is gold"),
        ({"any": [GOLD, MANY]}, "data.tier is gold or data.points is at least 100 and is below"
         " 1000"),
        ({"all": [{"any": [GOLD, {"path": "a", "gt": 1}]}, {"not": GOLD}]},
         "(data.tier is gold or a is above 1) and not (data.tier is gold)"),
    ],
)  # fmt: skip
def test_a_filter_is_read_as_a_sentence(filter: dict[str, Any], said: str) -> None:
    assert describe_filter(compile_filter(filter)) == said


@pytest.mark.parametrize("operator", OPERATORS)
def test_every_operator_has_its_words(operator: str) -> None:
    operand: Any = {"in": ["x"], "exists": True}.get(operator, "x")
    said = describe_filter(compile_filter({"path": "a", operator: operand}))
    assert said.startswith("a ") and len(said.split()) >= 3
