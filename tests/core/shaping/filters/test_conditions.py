"""Filters as rows: what they mean survives both ways, and what has no rows is left alone."""

import json
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.depth import depth
from tidings.core.shaping.filters.compiler import PATTERNS_MAX, FilterRefused, compile_filter
from tidings.core.shaping.filters.conditions import (
    CONDITIONS_MAX,
    GROUPS_MAX,
    NOT,
    ConditionGroup,
    ConditionTree,
    FilterCondition,
    Joined,
    filter_kept,
    filter_of,
    is_operator,
    normalized,
    operators_for,
    tree_of,
    words_of,
)
from tidings.core.shaping.filters.operand_text import read_operand, write_operand
from tidings.core.shaping.filters.operator_list import (
    ANY_TYPE,
    FILTER_OPERATORS,
    OPERATORS,
    OperandKind,
)

GOLD = {"path": "data.tier", "eq": "gold"}
BIG = {"path": "data.points", "gte": 100}
SMALL = {"path": "data.points", "lt": 1000}
SHOP = {"path": "data.shop", "prefix": "HO"}

paths = st.sampled_from(["a", "b.c", "d[*].e", "data.items[*]"])
texts = st.text(max_size=8) | st.sampled_from(
    ["300", "true", "null", '"', '"x"', "a, b", ",", " x ", "\u202ex", "x\ny", "gold", "\\", "1e5"]
)
numbers = st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False)
scalars = texts | numbers | st.booleans() | st.none()
joins = st.sampled_from(get_args(Joined))
OPERANDS = {
    OperandKind.SCALAR: scalars,
    OperandKind.LIST: st.lists(scalars, min_size=1, max_size=4),
    OperandKind.BOUND: texts | numbers,
    OperandKind.TEXT: texts.filter(bool),
    OperandKind.PATTERN: st.sampled_from(["^VIP-", "a, b", '"', " x"]),
    OperandKind.FLAG: st.booleans(),
}
tests = st.sampled_from(OPERATORS).flatmap(
    lambda name: st.builds(
        lambda path, operand: {"path": path, name: operand},
        paths,
        OPERANDS[FILTER_OPERATORS[name].operand],
    )
)
several = st.builds(
    lambda path, low, high: {"path": path, "gte": low, "lt": high}, paths, numbers, numbers
)
filters = st.recursive(
    tests | several,
    lambda inner: (
        st.builds(lambda node: {"not": node}, inner)
        | st.builds(lambda nodes: {"all": nodes}, st.lists(inner, min_size=1, max_size=3))
        | st.builds(lambda nodes: {"any": nodes}, st.lists(inner, min_size=1, max_size=3))
    ),
    max_leaves=6,
)
values = scalars | st.lists(scalars, max_size=3)
events = st.fixed_dictionaries(
    {},
    optional={
        "a": values,
        "b": st.fixed_dictionaries({}, optional={"c": values}),
        "d": st.lists(st.fixed_dictionaries({}, optional={"e": values}), max_size=3),
        "data": st.fixed_dictionaries({}, optional={"items": st.lists(scalars, max_size=3)}),
    },
)
written = st.sampled_from(["gold", "300", '"300"', "true", "a, b,", "2.50", "^x"])
rows = st.builds(
    FilterCondition,
    path=paths,
    operator=st.sampled_from([*OPERATORS, *(NOT + name for name in OPERATORS)]),
    value=written,
) | st.just(FilterCondition())
trees = st.builds(
    ConditionTree,
    joined=joins,
    groups=st.lists(
        st.builds(ConditionGroup, joined=joins, conditions=st.lists(rows, max_size=3).map(tuple)),
        max_size=3,
    ).map(tuple),
)


@settings(max_examples=depth(150, 2000), deadline=None)
@given(tree=trees)
def test_from_rows_to_a_filter_and_back_the_rows_are_the_same(tree: ConditionTree) -> None:
    source, refusals = filter_of(tree)
    if refusals:
        return
    assert tree_of(source) == normalized(tree)
    again, _ = filter_of(normalized(tree))
    assert json.dumps(again) == json.dumps(source)
    if source is not None:
        compile_filter(source)


@settings(max_examples=depth(150, 2000), deadline=None)
@given(source=filters, event=events)
def test_from_a_filter_to_rows_and_back_its_meaning_is_the_same(
    source: dict[str, Any], event: dict[str, Any]
) -> None:
    try:
        compiled = compile_filter(source)
    except FilterRefused:
        assert tree_of(source) is None
        return
    if (tree := tree_of(source)) is None:
        return
    made, refusals = filter_of(tree)
    assert made is not None and not refusals
    assert compile_filter(made).accepts(event) is compiled.accepts(event)
    kept, _ = filter_kept(tree, source)
    assert kept is source, "nobody has changed a row: not a letter of it is another one"


@settings(max_examples=depth(150, 2000), deadline=None)
@given(data=st.data(), name=st.sampled_from(OPERATORS))
def test_what_an_operator_is_given_is_read_as_it_was_written(
    data: st.DataObject, name: str
) -> None:
    kind = FILTER_OPERATORS[name].operand
    if kind is OperandKind.FLAG:
        return
    operand = data.draw(OPERANDS[kind])
    line = write_operand(name, operand)
    if line is None:
        return
    assert "\n" not in line and line == line.strip() and line.isprintable()
    read = read_operand(name, line)
    assert json.dumps(read) == json.dumps(operand)
    assert msgspec.json.encode(read) == msgspec.json.encode(operand)


@pytest.mark.parametrize(
    ("operator", "line", "operand"),
    [
        ("eq", "gold", "gold"),
        ("eq", "300", 300),
        ("eq", '"300"', "300"),
        ("eq", "2026-01-31", "2026-01-31"),
        ("eq", "true", True),
        ("eq", '""', ""),
        ("eq", "[1]", "[1]"),
        ("eq", "NaN", "NaN"),
        ("prefix", "300", "300"),
        ("prefix", '"half', '"half'),
        ("in", 'HO, 12, "a, b",', ["HO", 12, "a, b"]),
        ("in", " , ", []),
        ("gte", "2.5", 2.5),
    ],
)
def test_a_line_means(operator: str, line: str, operand: object) -> None:
    read = read_operand(operator, line)
    assert (read, read.__class__) == (operand, operand.__class__)


@pytest.mark.parametrize(
    ("source", "groups"),
    [
        (None, []),
        (GOLD, [("all", ["data.tier eq gold"])]),
        ({"all": [GOLD, BIG]}, [("all", ["data.tier eq gold", "data.points gte 100"])]),
        ({"any": [GOLD, BIG]}, [("any", ["data.tier eq gold", "data.points gte 100"])]),
        (BIG | SMALL, [("all", ["data.points gte 100", "data.points lt 1000"])]),
        ({"not": GOLD}, [("all", ["data.tier not eq gold"])]),
        (
            {"not": {"any": [GOLD, SHOP]}},
            [("all", ["data.tier not eq gold", "data.shop not prefix HO"])],
        ),
        (
            {"all": [GOLD, {"any": [BIG, SHOP]}]},
            [
                ("all", ["data.tier eq gold"]),
                ("any", ["data.points gte 100", "data.shop prefix HO"]),
            ],
        ),
        ({"path": "a", "exists": False}, [("all", ["a not exists "])]),
        ({"not": {"path": "a", "exists": False}}, [("all", ["a exists "])]),
        ({"all": [{"all": [{"any": [GOLD]}]}]}, [("all", ["data.tier eq gold"])]),
    ],
)
def test_a_filter_has_the_rows(source: object, groups: list[tuple[str, list[str]]]) -> None:
    tree = tree_of(source)
    assert tree is not None
    shown = [
        (group.joined, [f"{row.path} {row.operator} {row.value}" for row in group.conditions])
        for group in tree.groups
    ]
    assert shown == groups


@pytest.mark.parametrize(
    "source",
    [
        {"path": "items[*].n", "gte": 1, "lt": 9},
        {"all": [GOLD, {"any": [BIG, {"all": [SMALL, SHOP]}]}]},
        {"any": [GOLD] * (CONDITIONS_MAX + 1)},
        {"all": [{"any": [GOLD, BIG]}] * (GROUPS_MAX + 1)},
        {"path": "data.store", "in": ["x" * 100] * 100},
        {"path": "data.\u202estore", "eq": 1},
        {"path": "data.tier"},
        "no filter",
        [GOLD],
    ],
)
def test_what_rows_cannot_show_has_none(source: object) -> None:
    assert tree_of(source) is None


def test_a_changed_row_makes_the_filter_anew_and_an_unchanged_one_does_not() -> None:
    tree = tree_of(BIG | SMALL)
    assert tree is not None
    assert filter_kept(tree, BIG | SMALL) == (BIG | SMALL, {})
    row = msgspec.structs.replace(tree.conditions[1], value="2000")
    group = ConditionGroup("all", (tree.conditions[0], row))
    made, _ = filter_kept(ConditionTree("any", (group,)), BIG | SMALL)
    assert made == {"all": [BIG, {"path": "data.points", "lt": 2000}]}


def test_a_refusal_is_told_at_the_position_of_its_row() -> None:
    rows_ = (
        FilterCondition("data.tier", "eq", "gold"),
        FilterCondition("data..tier", "eq", "gold"),
        FilterCondition(),
        FilterCondition("data.points", "gte", "true"),
        FilterCondition("data.tier", "eq", ""),
        FilterCondition("data.shop", "matches", "("),
        FilterCondition("", "eq", "gold"),
        FilterCondition("data.shop", "in", ","),
    )
    groups = (ConditionGroup("all", rows_[:3]), ConditionGroup("any", rows_[3:]))
    _, refusals = filter_of(ConditionTree("all", groups))
    assert sorted(refusals) == [1, 3, 4, 5, 6, 7]
    assert refusals[1].message.startswith("path must be a path of names")
    assert refusals[3].message.startswith("gte must be a number or a text; got true")
    assert refusals[4].message.startswith("eq must be given a value; got none")
    assert "matches must be a pattern" in refusals[5].message
    assert "in must be a list of 1 to" in refusals[7].message


@pytest.mark.parametrize("joined", get_args(Joined))
@pytest.mark.parametrize("negation", ["", NOT])
def test_more_patterns_than_a_filter_may_have_are_refused_at_the_first_that_is_too_much(
    joined: Joined, negation: str
) -> None:
    pattern = FilterCondition("data.shop", f"{negation}matches", "^HO")
    plain = FilterCondition("data.tier", "eq", "gold")
    first = ConditionGroup("any", (pattern, plain, *[pattern] * (PATTERNS_MAX - 1)))
    tree = ConditionTree(joined, (first, ConditionGroup("all", (FilterCondition(), plain))))
    assert filter_of(tree)[1] == {}
    one_more = ConditionGroup("all", (FilterCondition(), plain, pattern, pattern))
    _, refusals = filter_of(ConditionTree(joined, (first, one_more)))
    assert list(refusals) == [PATTERNS_MAX + 3]
    assert refusals[PATTERNS_MAX + 3].message.startswith(
        f"A filter must have at most {PATTERNS_MAX}"
    )


@pytest.mark.parametrize("type_", sorted(ANY_TYPE))
def test_the_operators_on_offer_suit_the_type(type_: str) -> None:
    offered = operators_for([type_])
    assert {name.removeprefix(NOT) for name, _ in offered} == {
        operator.name for operator in FILTER_OPERATORS.values() if type_ in operator.suits
    }
    assert all(words_of(name) == words for name, words in offered)
    assert len({words for _, words in offered}) == len(offered)


def test_of_an_unknown_type_every_operator_is_on_offer_and_no_other_is_one() -> None:
    names = {name for name, _ in operators_for([])}
    assert {*OPERATORS} <= names and all(map(is_operator, names))
    assert not is_operator("like") and not is_operator("not not eq")
