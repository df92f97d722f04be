"""The filter: what it lets through, what it refuses to be, and that it never raises nor hangs."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.depth import depth
from tests.pace import reference_s
from tidings.core.budget import LOOP_S
from tidings.core.shaping.filters.compiler import (
    DEPTH_MAX,
    LIST_MAX,
    NODES_MAX,
    PATTERN_MAX,
    PATTERNS_MAX,
    TEXT_MAX,
    Explanation,
    FilterRefused,
    compile_filter,
    explain,
)
from tidings.core.shaping.filters.cost import worst_s
from tidings.core.shaping.filters.operator_list import OPERATORS
from tidings.core.shaping.filters.operators import CONTAINS_MAX, MATCHED_MAX, VALUES_MAX

EVENT: dict[str, Any] = {
    "eventName": "pointsIssued",
    "orgId": 7,
    "data": {
        "tier": "gold",
        "points": 300,
        "text": "300.000",
        "price": 1.5,
        "nothing": None,
        "vip": True,
        "on": "2026-03-01",
        "customerIdentifiers": {"customerId": 41200777},
        "items": [{"sku": "A1", "n": 2}, {"sku": "B2"}, "odd", None],
        "tags": ["new", "fresh"],
        "empty": [],
    },
}


def accepts(node: dict[str, Any], event: dict[str, Any] = EVENT) -> bool:
    return compile_filter(node).accepts(event)


def test(path: str, **rules: Any) -> dict[str, Any]:
    return {"path": path, **{name.rstrip("_"): value for name, value in rules.items()}}


test.__test__ = False  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("node", "wanted"),
    [
        (test("data.tier", eq="gold"), True),
        (test("data.tier", eq="Gold"), False),
        (test("eventName", eq="pointsIssued"), True),
        (test("data.customerIdentifiers.customerId", eq=41200777), True),
        (test("data.nope.deeper.still", eq="x"), False),
        (test("data.tier.deeper", eq="gold"), False),
        (test("data.nothing", eq=None), True),
        (test("data.absent", eq=None), False),
        (test("data.vip", eq=True), True),
        (test("data.points", eq=True), False),
        (test("data.vip", eq=1), False),
        (test("data.tier", in_=["silver", "gold"]), True),
        (test("data.tier", in_=["silver"]), False),
        (test("data.points", in_=["x", 300.0]), True),
        (test("data.nothing", in_=[1, None]), True),
        (test("data.vip", in_=[1]), False),
        (test("data.points", gte=300, lt=301), True),
        (test("data.points", gt=300), False),
        (test("data.points", gt=299, lt=300), False),
        (test("data.price", lte=1.5), True),
        (test("data.on", gte="2026-01-01", lt="2027"), True),
        (test("data.on", gte=2026), False),
        (test("data.tier", prefix="go"), True),
        (test("data.tier", suffix="ld"), True),
        (test("data.tier", contains="ol"), True),
        (test("data.tier", contains="x"), False),
        (test("data.points", prefix="3"), False),
        (test("data.tier", matches="^(gold|silver)$"), True),
        (test("data.tier", matches="ol"), True),
        (test("data.tier", matches="^ol"), False),
        (test("data.points", matches="3"), False),
        (test("data.tier", matches="o", prefix="s"), False),
        (test("data.nothing", exists=True), True),
        (test("data.absent", exists=True), False),
        (test("data.absent", exists=False), True),
        (test("data.tier.deeper", exists=False), True),
        (test("data.tier", exists=False), False),
        (test("absent", exists=False), True),
        ({"all": [test("data.tier", eq="gold"), test("data.points", eq=300)]}, True),
        ({"all": [test("data.tier", eq="gold"), test("data.points", eq=1)]}, False),
        ({"any": [test("data.tier", eq="x"), test("data.points", eq=300)]}, True),
        ({"any": [test("data.tier", eq="x"), test("data.points", eq=1)]}, False),
        ({"not": test("data.tier", eq="x")}, True),
        ({"not": {"any": [test("data.tier", eq="gold")]}}, False),
    ],
    ids=lambda value: json.dumps(value)[:60],
)
def test_what_is_let_through(node: dict[str, Any], wanted: bool) -> None:
    assert accepts(node) is wanted


KINDS: list[Any] = [True, False, None, 1, 0, 1.0, 0.0, "1", "0", "true", "false", "", [], {}]


@pytest.mark.parametrize("wanted", [True, False, None])
def test_true_false_and_null_are_themselves_alone(wanted: bool | None) -> None:
    for value in KINDS:
        event = {"data": {"x": value}}
        for node in (test("data.x", eq=wanted), test("data.x", in_=[wanted, "y"])):
            assert accepts(node, event) is (value is wanted), (node, value)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("7", True), ("7.0", True), ("007", True), ("7.000", True), ("-7", False), ("+7", False),
        ("7.", False), (".7", False), (" 7", False), ("7 ", False), ("7e0", False), ("0x7", False),
        ("\u0667", False), ("", False), ("0" * 31 + "7", True), ("0" * 32 + "7", False),
        ("7." + "0" * 32, True), ("7." + "0" * 33, False),
    ],
)  # fmt: skip
def test_a_text_is_a_number_only_where_it_is_a_plain_decimal(text: str, number: bool) -> None:
    event = {"data": {"x": text}}
    for node in (test("data.x", eq=7), test("data.x", in_=[7]), test("data.x", gte=7, lte=7.0)):
        assert accepts(node, event) is number, node
    assert accepts(test("data.x", eq=text), event), "as a text it is itself"


@pytest.mark.parametrize(
    ("rules", "passes"),
    [
        ({"gt": 7}, [8]),
        ({"gte": 7}, [7, 8]),
        ({"lt": 7}, [6]),
        ({"lte": 7}, [6, 7]),
        ({"gt": "b"}, ["c"]),
        ({"gte": "b"}, ["b", "c"]),
        ({"lt": "b"}, ["a", "8", "7", "6"]),
        ({"lte": "b"}, ["a", "b", "8", "7", "6"]),
    ],
)
def test_a_comparison_holds_at_its_bound_or_does_not(
    rules: dict[str, Any], passes: list[Any]
) -> None:
    for value in (6, 7, 8, "a", "b", "c"):
        holds = accepts(test("data.x", **rules), {"data": {"x": value}})
        assert holds is (value in passes), value


def test_what_a_filter_may_look_at_is_seen_to_its_end_and_not_beyond() -> None:
    def seen(node: dict[str, Any], *items: Any) -> bool:
        return accepts(node, {"data": {"items": list(items)}})

    last = test("data.items[*]", eq="x")
    assert seen(last, *["o"] * (VALUES_MAX - 1), "x")
    assert not seen(last, *["o"] * VALUES_MAX, "x")
    end = test("data.items[*]", matches="x$")
    assert seen(end, "o" * (MATCHED_MAX - 1) + "x") and not seen(end, "o" * MATCHED_MAX + "x")
    assert seen(end, "o" * (MATCHED_MAX - 1), "x") and not seen(end, "o" * MATCHED_MAX, "x")


def test_a_filter_is_taken_up_to_its_bounds() -> None:
    leaf = test("data.x", eq=1)
    deep: dict[str, Any] = leaf
    for _ in range(DEPTH_MAX - 1):
        deep = {"not": deep}
    patterns = [test("data.x", matches="a")] * PATTERNS_MAX
    for fits, breaks in (
        (deep, {"not": deep}),
        ({"all": [leaf] * (NODES_MAX - 1)}, {"all": [leaf] * NODES_MAX}),
        ({"any": patterns}, {"any": [*patterns, patterns[0]]}),
        (test("x", in_=[1] * LIST_MAX), test("x", in_=[1] * (LIST_MAX + 1))),
        (test("x", eq="a" * TEXT_MAX), test("x", eq="a" * (TEXT_MAX + 1))),
        (test("x", matches="a" * PATTERN_MAX), test("x", matches="a" * (PATTERN_MAX + 1))),
    ):
        compile_filter(fits)
        with pytest.raises(FilterRefused):
            compile_filter(breaks)


@pytest.mark.parametrize(
    ("node", "wanted"),
    [
        (test("data.items[*].sku", eq="B2"), True),
        (test("data.items[*].sku", eq="C3"), False),
        (test("data.items[*].n", gte=2, lt=3), True),
        (test("data.tags[*]", eq="fresh"), True),
        (test("data.tags[*]", matches="^fr"), True),
        (test("data.items[*].sku", exists=True), True),
        (test("data.items[*].price", exists=True), False),
        (test("data.items[*].price", exists=False), True),
        (test("data.empty[*]", exists=True), False),
        (test("data.tier[*]", eq="gold"), False),
        (test("data.tags", eq="new"), False),
    ],
    ids=lambda value: json.dumps(value)[:60],
)
def test_an_item_of_a_list_is_enough(node: dict[str, Any], wanted: bool) -> None:
    assert accepts(node) is wanted


def test_several_operators_of_a_test_must_hold_for_one_item() -> None:
    event = {"data": {"n": [1, 9]}}
    assert not accepts(test("data.n[*]", gt=2, lt=8), event)
    assert accepts({"all": [test("data.n[*]", gt=2), test("data.n[*]", lt=8)]}, event)


@pytest.mark.parametrize(
    ("value", "node", "wanted"),
    [
        ("300.000", {"eq": 300}, True),
        ("300.000", {"gte": 300, "lte": 300}, True),
        ("300.000", {"in": [300]}, True),
        ("0.10", {"eq": 0.1}, True),
        ("-5", {"lt": 0}, True),
        ("9007199254740993", {"eq": 9007199254740993}, True),
        ("9007199254740993", {"eq": 9007199254740992}, False),
        ("300.000", {"eq": "300"}, False),
        (300, {"eq": "300"}, False),
        ("1e3", {"eq": 1000}, False),
        (" 300", {"eq": 300}, False),
        ("+300", {"eq": 300}, False),
        ("", {"gte": 0}, False),
        ("٣", {"eq": 3}, False),
        ("1" * 5000, {"gte": 0}, False),
        (10**400, {"gt": 1.5}, True),
    ],
)
def test_decimal_texts_count_where_a_number_is_asked_for(
    value: object, node: dict[str, Any], wanted: bool
) -> None:
    assert accepts({"path": "data.x", **node}, {"data": {"x": value}}) is wanted


deep: dict[str, Any] = test("a", eq=1)
for _ in range(DEPTH_MAX):
    deep = {"not": deep}
wide: dict[str, Any] = {"any": [test("a", eq=n) for n in range(NODES_MAX)]}
patterns = {"any": [test("a", matches="x") for _ in range(PATTERNS_MAX + 1)]}


@pytest.mark.parametrize(
    ("node", "code", "place"),
    [
        (None, "bad_filter", "filter"),
        ([], "bad_filter", "filter"),
        ({}, "bad_filter", "filter"),
        ({"path": "a", "all": []}, "bad_filter", "filter"),
        ({"all": [], "more": 1}, "bad_filter", "filter"),
        ({"all": []}, "bad_filter", "filter.all"),
        ({"any": {}}, "bad_filter", "filter.any"),
        ({"all": [{"not": 5}]}, "bad_filter", "filter.all[0].not"),
        ({"path": "a..b", "eq": 1}, "bad_path", "filter.path"),
        ({"path": "a"}, "bad_operator", "filter"),
        ({"all": [{"path": "a", "equals": 1}]}, "bad_operator", "filter.all[0].equals"),
        ({"path": "a", "eq": {}}, "bad_operand", "filter.eq"),
        ({"path": "a", "eq": [1]}, "bad_operand", "filter.eq"),
        ({"path": "a", "eq": float("inf")}, "bad_operand", "filter.eq"),
        ({"path": "a", "eq": 10**50}, "bad_operand", "filter.eq"),
        ({"path": "a", "in": "x"}, "bad_operand", "filter.in"),
        ({"path": "a", "in": []}, "bad_operand", "filter.in"),
        ({"path": "a", "in": [[]]}, "bad_operand", "filter.in[0]"),
        ({"path": "a", "in": [1] * (LIST_MAX + 1)}, "filter_too_large", "filter.in"),
        ({"path": "a", "gt": None}, "bad_operand", "filter.gt"),
        ({"path": "a", "gt": True}, "bad_operand", "filter.gt"),
        ({"path": "a", "prefix": 5}, "bad_operand", "filter.prefix"),
        ({"path": "a", "prefix": ""}, "bad_operand", "filter.prefix"),
        ({"path": "a", "exists": 1}, "bad_operand", "filter.exists"),
        ({"path": "a", "exists": True, "eq": 1}, "bad_operator", "filter.exists"),
        ({"path": "a", "matches": "("}, "bad_pattern", "filter.matches"),
        ({"path": "a", "matches": "(?=x)"}, "bad_pattern", "filter.matches"),
        ({"path": "a", "matches": r"(a)\1"}, "bad_pattern", "filter.matches"),
        ({"path": "a", "matches": "(a{1000}){1000}"}, "bad_pattern", "filter.matches"),
        ({"path": "a", "matches": "[\\pL]{60}"}, "bad_pattern", "filter.matches"),
        ({"path": "a", "matches": "\ud800"}, "bad_pattern", "filter.matches"),
        ({"path": "a", "matches": "x" * 300}, "bad_pattern", "filter.matches"),
        ({"path": "a", "eq": "x" * (TEXT_MAX + 1)}, "filter_too_large", "filter.eq"),
        (deep, "filter_too_deep", "filter" + ".not" * DEPTH_MAX),
        (wide, "filter_too_large", f"filter.any[{NODES_MAX - 1}]"),
        (patterns, "filter_too_large", f"filter.any[{PATTERNS_MAX}].matches"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_refused_says_code_place_and_sentence(node: object, code: str, place: str) -> None:
    with pytest.raises(FilterRefused) as refused:
        compile_filter(node)
    wrong = refused.value
    assert (wrong.code, wrong.place) == (code, place)
    [refusal] = wrong.refusals  # what callers are answered
    assert (refusal.code, refusal.field) == (code, place)
    assert refusal.message == str(wrong) == f"{wrong.message} ({code}, field {place})"
    assert "; got " in wrong.message and wrong.message.endswith((".", "}", "2"))
    for word in ("invalid", "oops", "please", "None"):
        assert word not in wrong.message


@pytest.mark.parametrize(
    ("node", "place", "said"),
    [
        (test("data.tier", eq="x"), "filter", 'data.tier must be "x"; got text "gold".'),
        (
            {"all": [test("data.tier", eq="gold"), test("data.points", gte=1000, lt=2000)]},
            "filter.all[1]",
            "data.points must be at least 1000 and be below 2000; got number 300.",
        ),
        ({"any": [test("data.tier", in_=["a", "b", "c", "d"])]}, "filter.any[0]",
         'data.tier must be one of "a", "b", "c" and 1 more; got text "gold".'),
        ({"any": [test("a", eq=1), test("b", eq=1)]}, "filter", "None of its 2 nodes holds."),
        ({"not": test("data.tier", eq="gold")}, "filter", "filter.not must not hold; it does."),
        (test("data.absent", exists=True), "filter",
         "data.absent must be there: true; got nothing."),
        (test("data.items[*].sku", eq="Z"), "filter",
         'data.items[*].sku must be "Z"; got text "A1", text "B2".'),
    ],
    ids=lambda value: str(value)[:40],
)  # fmt: skip
def test_explain_names_the_node_that_refuses(node: dict[str, Any], place: str, said: str) -> None:
    assert explain(compile_filter(node), EVENT) == Explanation(False, place, said)


def test_explain_of_an_accepted_event() -> None:
    assert explain(compile_filter(test("data.tier", eq="gold")), EVENT) == Explanation(True)


# -- hostile --------------------------------------------------------------------------------------

names = st.sampled_from(["a", "b", "data", "items"]) | st.text(max_size=5)
scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12)
    | st.sampled_from(["300.000", "1", "-0", 10**400])
)  # fmt: skip
jsons = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=20,
)
paths = st.sampled_from(["a", "a.b", "data.items[*].a", "data[*][*]", "a.b.a.b", "x"])
tests = st.builds(
    lambda path, rules: {"path": path, **rules},
    paths,
    st.dictionaries(
        st.sampled_from(OPERATORS),
        scalars | st.lists(scalars, max_size=3) | st.sampled_from(["^a+$", "(a|b)*c", True]),
        max_size=3,
    ),
)
nodes = st.recursive(
    tests,
    lambda inner: (
        st.builds(lambda n: {"not": n}, inner)
        | st.builds(lambda n: {"all": n}, st.lists(inner, max_size=3))
        | st.builds(lambda n: {"any": n}, st.lists(inner, max_size=3))
    ),
    max_leaves=8,
)


@settings(max_examples=depth(70, 200), deadline=None)
@given(node=nodes | jsons, event=st.dictionaries(names, jsons, max_size=4))
def test_no_filter_and_no_event_make_it_raise(node: Any, event: dict[str, Any]) -> None:
    try:
        compiled = compile_filter(node)
    except FilterRefused:
        return
    said = compiled.accepts(event)
    assert said is True or said is False
    told = explain(compiled, event)
    assert told.accepted is said
    assert said or (told.node.startswith("filter") and told.said)
    assert compile_filter({"not": compiled.source}).accepts(event) is not said


@pytest.mark.parametrize(
    "pattern",
    ["(a|b)*a(a|b){400}c", "(x+x+)+y", "(a?){250}a{250}$", ".*a.{90}.*b.{90}c$", r"\pL+\d$"],
)
def test_a_hostile_pattern_is_bounded_in_time(pattern: str) -> None:
    hooks = {"any": [test("data.t[*]", matches=pattern) for _ in range(PATTERNS_MAX)]}
    compiled = compile_filter(hooks)
    event = {"data": {"t": ["ab" * 256, "ab" * 100_000] + ["abab" * 10] * 5000}}
    compiled.accepts(event)
    assert reference_s(lambda: compiled.accepts(event), LOOP_S) < LOOP_S


def test_a_long_list_is_looked_at_up_to_a_bound() -> None:
    event = {"data": {"n": [0] * (VALUES_MAX - 1) + [1, 2]}}
    assert accepts(test("data.n[*]", eq=1), event)
    assert not accepts(test("data.n[*]", eq=2), event)


def test_many_tests_over_a_huge_event_are_bounded_in_time() -> None:
    compiled = compile_filter({"any": [test("data.n[*].a[*]", eq=n) for n in range(1, NODES_MAX)]})
    event = {"data": {"n": [{"a": [0] * 50} for _ in range(5000)]}}
    assert not compiled.accepts(event)
    assert reference_s(lambda: compiled.accepts(event), LOOP_S / 2) < LOOP_S / 2


DEAR: dict[str, tuple[Any, Any]] = {  # a test, and the value at data.v that is dear to it
    "contains": ({"contains": "a" * 500 + "b"}, "a" * 250_000),
    "contains in items": ({"contains": "ab" * 500 + "c"}, ["ab" * 490] * 256),
    "numbers": ({"gt": 1, "gte": 1, "lt": 9e15, "lte": 9e15, "eq": 7}, ["123456789.123456"] * 256),
    "in": ({"in": [n + 0.5 for n in range(300)]}, ["123456789.123456"] * 256),
    "texts": ({"gte": "a" * 1000, "lte": "b", "suffix": "x"}, ["a" * 999] * 256),
    "prefix": ({"prefix": "ab" * 500}, ["ab" * 499] * 256),
    "matches": ({"matches": "(a|b)*a(a|b){40}c"}, ["ab" * 100] * 256),
    "large numbers": ({"gt": 10**39, "lt": 1.5}, [10**4000] * 60),
    "lists of lists": ({"eq": 7}, [[[[["1.5"] * 250]]]]),
    "nothing there": ({"exists": True}, [None] * 256),
}


def test_each_operator_is_tried_with_what_is_dear_to_it() -> None:
    assert {word for operators, _ in DEAR.values() for word in operators} == {*OPERATORS}


@pytest.mark.parametrize("name", DEAR)
@pytest.mark.parametrize("count", [1, 4, 20, 62])
def test_the_worst_event_takes_no_longer_than_is_known_before(name: str, count: int) -> None:
    operators, value = DEAR[name]
    if "matches" in operators and count > 4:
        count = 4
    items = "" if isinstance(value, str) else "[*]" * (5 if name == "lists of lists" else 1)
    made = compile_filter({"any": [{"path": f"data.v{items}", **operators}] * count})
    event = {"data": {"v": value}}
    bound_s = worst_s(made) + 0.001
    assert reference_s(lambda: made.accepts(event), bound_s) < bound_s


def test_ordinary_filters_are_far_below_the_bound() -> None:
    made = compile_filter(
        {
            "all": [
                {"path": "data.tier", "in": ["gold", "platinum"]},
                {"path": "data.totalPointsIssued", "gte": 100},
                {"not": {"path": "data.store.code", "prefix": "TEST"}},
                {"path": "data.items[*].sku", "matches": "^VIP-"},
            ]
        }
    )
    assert worst_s(made) < LOOP_S / 50


def test_contains_looks_at_the_first_characters_of_a_very_long_text() -> None:
    accepts = compile_filter({"path": "data.v", "contains": "needle"}).accepts
    for before, found in ((0, True), (CONTAINS_MAX - 6, True), (CONTAINS_MAX, False)):
        text = "x" * before + "needle" + "x" * CONTAINS_MAX
        assert accepts({"data": {"v": text}}) is found
