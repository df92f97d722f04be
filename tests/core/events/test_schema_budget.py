"""Whatever the schema of an org and the event: little of the loop, and little memory."""

import os
import random
import subprocess
import sys
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.core import hostile
from tests.core.events.saved_schemas import Json, event, saved
from tests.pace import reference_s
from tidings.catalogue import envelope, load
from tidings.core.budget import LOOP_S, MEMORY_BYTES
from tidings.core.events import own_types
from tidings.core.events.own_schema import expand_schema
from tidings.core.events.own_types import Declaration, OwnType
from tidings.core.events.own_validator import CompiledSchemas
from tidings.core.events.schema_cost import pattern_bytes


def took_s(work: Callable[[], object]) -> float:
    """Seconds of the reference machine; not more exactly than a budget of the loop asks for."""
    return reference_s(work, LOOP_S)


@cache
def hostile_events(size: int) -> list[tuple[Json, bytes]]:
    """Events of about so many bytes, and as they would come."""
    made = [event(data) for data in hostile.events(size)]
    return [(row, msgspec.json.encode(row)) for row in made]


def check_within_budget(made: OwnType, one: Json, raw: bytes) -> bool:
    """Whether it was checked here; then within the budget."""
    if not made.fits_loop(raw):
        return False
    spent = took_s(lambda: made.check(one))
    assert spent < LOOP_S, f"{spent * 1000:.1f} ms for {raw[:120]!r} of {len(raw)} bytes"
    return True


@pytest.mark.parametrize("name", hostile.SCHEMAS)
def test_a_hostile_schema_is_refused_or_takes_little_of_the_loop(name: str) -> None:
    schema = hostile.SCHEMAS[name]
    assert took_s(lambda: saved(schema)) < LOOP_S
    made = saved(schema)
    if isinstance(made, str):
        assert "must" in made and made.endswith(")")
        return
    for size in (4 << 10, hostile.EVENT_BYTES - 500):
        for hostile_event, raw in hostile_events(size):
            check_within_budget(made, hostile_event, raw)


def test_mixtures_of_everything_take_little_of_the_loop() -> None:
    chance = random.Random(20)
    checked = put_off = refused = 0
    for _ in range(150):
        inner = hostile.random_schema(chance, chance.choice([1, 2, 3]))
        made = saved({"type": "object", "additionalProperties": inner})
        if isinstance(made, str):
            refused += 1
            continue
        for size in (2 << 10, 40 << 10):
            for row, raw in chance.sample(hostile_events(size), 6):
                if check_within_budget(made, row, raw):
                    checked += 1
                else:
                    put_off += 1
    assert checked > 50 and put_off > 50, (checked, put_off, refused)


GREEDY = """
import resource
import msgspec
from tests.core import hostile
from tests.core.events.saved_schemas import event, saved
known = {name: saved(schema) for name, schema in hostile.SCHEMAS.items()}
types = {name: made for name, made in known.items() if not isinstance(made, str)}
events = [event(data) for data in hostile.events(200_000)]
raws = [msgspec.json.encode(one) for one in events]
for made in types.values():
    made.check(event({}))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for made in types.values():
    for one, raw in zip(events, raws):
        if made.fits_loop(raw):
            made.check(one)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) << 10)
"""


def test_a_check_takes_little_memory() -> None:
    done = subprocess.run(
        [sys.executable, "-c", GREEDY],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout) < MEMORY_BYTES


ORDINARY: dict[str, tuple[Json, Json, Json, str]] = {  # schema, what fits, what does not, where
    "flat": ({"properties": {"n": {"type": "integer"}}}, {"n": 1}, {"n": "1"}, "data.n"),
    "required": ({"required": ["n"]}, {"n": 1}, {}, "data.n"),
    "either": (
        {"properties": {"n": {"anyOf": [{"type": "string"}, {"type": "integer"}]}}},
        {"n": "x"}, {"n": []}, "data.n",
    ),
    "one of": (
        {"properties": {"pay": {"oneOf": [
            {"required": ["card"], "properties": {"card": {"type": "string"}}},
            {"required": ["cash"], "properties": {"cash": {"type": "number"}}},
        ]}}},
        {"pay": {"card": "4111"}}, {"pay": {}}, "data.pay",
    ),
    "pattern": (
        {"properties": {"sku": {"type": "string", "pattern": "^[A-Z]{2}-[0-9]{1,9}$"}}},
        {"sku": "AB-1"}, {"sku": "ab"}, "data.sku",
    ),
    "e-mail": (
        {"properties": {"mail": {"pattern": r"^[^@\s]+@[^@\s]+\.[a-z]{2,24}$"}}},
        {"mail": "a@b.example"}, {"mail": "a"}, "data.mail",
    ),
    "names": (
        {"properties": {"name": {"pattern": r"^[\p{L} .'-]+$", "maxLength": 80}}},
        {"name": "Zoë D'Arcy"}, {"name": "7"}, "data.name",
    ),
    "reference": (
        {"$defs": {"money": {"type": "number", "minimum": 0}},
         "properties": {"total": {"$ref": "#/$defs/money"}, "tax": {"$ref": "#/$defs/money"}}},
        {"total": 1.5, "tax": 0}, {"total": -1}, "data.total",
    ),
    "100 fields": (
        {"properties": {f"f{i}": {"type": "string", "maxLength": 50} for i in range(100)}},
        {f"f{i}": "x" for i in range(100)}, {"f99": 1}, "data.f99",
    ),
    "100 patterns": (
        {"properties": {f"f{i}": {"pattern": f"^A{i}-[0-9]+$"} for i in range(100)}},
        {f"f{i}": f"A{i}-5" for i in range(100)}, {"f7": "A8-5"}, "data.f7",
    ),
    "lines": (
        {"properties": {"lines": {"type": "array", "minItems": 1, "items": {
            "type": "object", "required": ["sku"],
            "properties": {"sku": {"type": "string"}, "qty": {"type": "integer", "minimum": 1}},
        }}}},
        {"lines": [{"sku": "a", "qty": 2}] * 20}, {"lines": [{"sku": "a", "qty": 0}]},
        "data.lines[0].qty",
    ),
    "lists of lists": (
        {"properties": {"grid": {"items": {"type": "array", "items": {"type": "number"}}}}},
        {"grid": [[1, 2], [3, 4.5]]}, {"grid": [[1], ["2"]]}, "data.grid[1][0]",
    ),
    "states": ({"properties": {"s": {"enum": ["new", "sent", "done"]}}}, {"s": "new"}, {"s": "x"},
               "data.s"),
    "country codes": (
        {"properties": {"c": {"enum": [f"{a}{b}" for a in "ABCDEFGHIJ" for b in "KLMNOPQRST"]}}},
        {"c": "AK"}, {"c": "ZZ"}, "data.c",
    ),
    "levels": ({"properties": {"level": {"enum": [1, 2, 3, 4, 5]}}}, {"level": 5.0}, {"level": 6},
               "data.level"),
    "mixed values": ({"properties": {"x": {"enum": [1, "1", None, True]}}}, {"x": None},
                     {"x": False}, "data.x"),
    "a constant": ({"properties": {"v": {"const": 2}}}, {"v": 2}, {"v": 3}, "data.v"),
    "cents": ({"properties": {"amount": {"type": "number", "multipleOf": 0.01}}}, {"amount": 12.34},
              {"amount": 12.345}, "data.amount"),
    "closed": (
        {"additionalProperties": False, "properties": {"a": {}}}, {"a": 1}, {"b": 1}, "data",
    ),
    "map": ({"properties": {"tags": {"additionalProperties": {"type": "string"}}}},
            {"tags": {"a": "b"}}, {"tags": {"a": 1}}, "data.tags.a"),
    "all of": (
        {"allOf": [{"required": ["id"]}, {"properties": {"id": {"type": "string"}}}]},
        {"id": "1"}, {"id": 1}, "data.id",
    ),
    "not": ({"properties": {"id": {"not": {"const": ""}}}}, {"id": "1"}, {"id": ""}, "data.id"),
    "nullable": ({"properties": {"x": {"type": ["string", "null"]}}}, {"x": None}, {"x": 1},
                 "data.x"),
    "deep": (
        {"properties": {"a": {"properties": {"b": {"properties": {"c": {"minLength": 2}}}}}}},
        {"a": {"b": {"c": "xy"}}}, {"a": {"b": {"c": "x"}}}, "data.a.b.c",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ORDINARY)
def test_an_ordinary_schema_is_saved_and_checked_at_once(name: str) -> None:
    schema, good, bad, where = ORDINARY[name]
    made = saved({"type": "object", **schema})
    assert isinstance(made, OwnType), made
    padded = event(good | ({} if name == "closed" else {"note": "x" * 3000}))
    assert made.fits_loop(msgspec.json.encode(padded))
    assert made.check(padded) == []
    assert [violation.path for violation in made.check(event(bad))] == [where]
    assert took_s(lambda: [made.check(event(good)) for _ in range(1000)]) < 0.015


def test_all_that_is_wrong_is_told_up_to_ten_and_what_is_shallow_first() -> None:
    made = saved({"properties": {f"f{i}": {"type": "integer"} for i in range(30)},
                  "required": ["id"]})  # fmt: skip
    assert isinstance(made, OwnType)
    problems = made.check(event({f"f{i}": "x" for i in range(30)}))
    assert len(problems) == 10
    assert problems[0].path == "data.id"
    assert len({problem.path for problem in problems}) == 10


@pytest.mark.parametrize("at", [0, 17, 4_999])
def test_what_is_wrong_behind_thousands_of_good_items_is_found(at: int) -> None:
    made = saved(hostile.of_items({"properties": {"n": {"type": "integer"}}}))
    assert isinstance(made, OwnType)
    lines: list[Any] = [{"n": 1}] * 5_000
    lines[at] = {"n": "one"}
    assert [violation.path for violation in made.check(event({"v": lines}))] == [f"data.v[{at}].n"]
    wrong: list[Any] = ["x"] * 60_000
    kind = saved(hostile.of_items({"type": "integer"}))
    assert isinstance(kind, OwnType)
    assert [violation.path for violation in kind.check(event({"v": wrong}))] == [
        f"data.v[{index}]" for index in range(10)
    ]


def test_a_misfit_always_has_a_problem_even_where_it_is_not_found() -> None:
    made = saved({"additionalProperties": {"type": "integer"}})
    assert isinstance(made, OwnType)
    data: Json = {str(index): 1 for index in range(20_000)} | {"last": "x"}
    (problem,) = made.check(event(data))
    assert problem.message.startswith("The event must be as its schema says;")


def test_an_event_of_the_catalogue_takes_little_of_the_loop() -> None:
    types = load()
    for name in ("pointsIssued", "transactionAdded", "IssueBulkCoupon", "customerUpdated"):
        kind = types.get(name)
        assert kind is not None
        fields = kind.schema["properties"]["data"]["properties"]
        for leaf in hostile.LEAVES:
            wrong = [leaf] * min(60_000, 200_000 // (len(msgspec.json.encode(leaf)) + 1))
            for value in (wrong, {str(i): leaf for i in range(len(wrong) // 4)}):
                one = {"eventName": name, "orgId": 1, "data": dict.fromkeys(fields, value)}
                assert took_s(partial(types.check, name, one)) < LOOP_S
                assert took_s(partial(types.search_values, name, one)) < LOOP_S


def test_looking_for_search_values_is_bounded() -> None:
    items = {"properties": {f"k{i}": {"type": "string", "x-search": True} for i in range(99)}}
    made = saved(hostile.of_items(items))
    assert isinstance(made, OwnType)
    empty = event({"v": [{}] * 85_000})
    assert took_s(lambda: made.search_values(empty)) < LOOP_S
    assert made.search_values(event({"v": [{"k7": f"x{i}"} for i in range(300)]})) == [
        f"x{i}" for i in range(256)
    ]
    many = saved({"properties": {f"k{i}": {"x-search": True} for i in range(101)}})
    assert isinstance(many, str) and "At most 100 fields" in many


def test_patterns_count_by_what_they_are_compiled_to() -> None:
    assert pattern_bytes("^[0-9]+$") == 1 << 10
    assert (pattern_bytes(r"(x{200}){90}") or 0) > 1 << 18
    assert pattern_bytes("(") is None and pattern_bytes(r"(?=a)") is None
    large = [{"pattern": f"(x{{200}}){{{40 + i}}}"} for i in range(12)]
    refused = saved({"properties": {f"f{i}": row for i, row in enumerate(large)}})
    assert isinstance(refused, str) and "at most 1024 KB when compiled" in refused


def test_what_many_references_name_counts_each_time() -> None:
    name = "one long list of values, named 900 times"
    refused = saved(hostile.SCHEMAS[name])
    assert isinstance(refused, str) and "at most 512 KB when references are replaced" in refused
    money = {"type": "number", "description": "An amount in the currency of the order." * 5}
    refs = {f"f{i}": {"$ref": "#/$defs/money"} for i in range(300)}
    assert isinstance(saved({"$defs": {"money": money}, "properties": refs}), OwnType)


def test_a_schema_of_an_older_rule_still_works() -> None:
    """It is never refused at a start; what may take long is checked elsewhere."""
    schema = hostile.of_items(nested := hostile.nested(2, 16, {"pattern": "(x{200}){90}"}))
    assert nested and isinstance(saved(schema), str)
    declaration = Declaration("It happens.", schema)

    def take() -> OwnType:
        return OwnType("orderPacked", 1, declaration, envelope(), expand_schema(schema))

    assert took_s(take) < LOOP_S / 2
    assert took_s(lambda: take().fits_loop(b"{}")) < LOOP_S * 2, "once"
    assert not take().fits_loop(msgspec.json.encode(event({"v": []})))


def test_compiled_schemas_are_given_up_for_newer_ones_and_compiled_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(own_types, "_kept", CompiledSchemas(100_000))
    schema = {"properties": {f"f{i}": {"pattern": f"^{i}-[0-9]+$"} for i in range(3)}}
    types = [saved(schema) for _ in range(5)]
    for _ in range(2):
        for made in types:
            assert isinstance(made, OwnType)
            assert made.check(event({"f1": "1-7"})) == []
            assert [violation.path for violation in made.check(event({"f1": "2-7"}))] == ["data.f1"]
    compiled = [made for made in types if isinstance(made, OwnType) and made._validator is not None]
    assert 1 <= len(compiled) < 5
