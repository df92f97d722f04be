"""Every payload that the original's documentation has ever printed, posted under the default rules.

`published-samples.json` holds them as they were published, with made-up personal data. What a
platform really emits must not be refused by a slip of ours: an event that is refused is lost.
"""

import json
from collections.abc import Iterator
from copy import copy
from pathlib import Path
from typing import Any

import pytest

from tests.api.accept_client import PLATFORM, Service
from tests.catalogue.spoil import dotted, full, places, put
from tests.depth import depth, share
from tidings.catalogue import load
from tidings.catalogue.catalogue import compile_validator
from tidings.catalogue.explain import explain
from tidings.catalogue.schema import types_of
from tidings.core.events.call_reader import IntakeRules

Json = dict[str, Any]
Steps = tuple[str | int, ...]
EMPTY: tuple[list[Any] | dict[str, Any], ...] = ([], {})

FILE = Path(__file__).parents[3] / "catalogue" / "published-samples.json"
SAMPLES: list[Json] = json.loads(FILE.read_text("utf-8"))["samples"]
CATALOGUE = load()
# Surely a slip of the documentation: refused. By the type, the title and the source.
SLIPS: dict[tuple[str, str, str], str] = {}
WRONG: list[tuple[str, Any]] = [
    ("string", "x"),
    ("number", 12.5),
    ("boolean", True),
    ("object", {"some": "thing"}),  # an empty one is taken for an empty list
    ("array", []),
]


def named(sample: Json) -> tuple[str, str, str]:
    return sample["eventName"], sample["title"], sample["sources"][0]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda one: "-".join(named(one)))
async def test_a_published_sample_is_accepted_as_it_is_unless_it_is_a_slip(sample: Json) -> None:
    service = Service(CATALOGUE, lambda _: IntakeRules())
    sent = json.dumps(sample["event"]).encode()
    answer = await service.call(sent, authorization=PLATFORM)
    told = answer.body["events"][0]
    if named(sample) in SLIPS:
        assert answer.body["rejected"] == 1, "it is accepted now: take it out of the list"
        return
    assert (answer.status, answer.body["accepted"]) == (202, 1), told
    [stored] = service.intake.bodies.values()
    kept = json.loads(stored)
    assert {name: kept[name] for name in sample["event"]} == sample["event"]


def test_at_most_one_is_a_slip() -> None:
    assert len(SLIPS) <= 1
    assert SLIPS.keys() <= {named(sample) for sample in SAMPLES}
    assert all(SLIPS.values()), "each has its reason"  # may be empty: none is known
    assert len(SAMPLES) == 191


def fields(event: Any, schema: Json, at: Steps = ()) -> Iterator[tuple[Steps, Json]]:
    """Every typed field of the schema that the event has, with its place there."""
    if at and types_of(schema) and event is not None:
        yield at, schema
    if isinstance(event, dict):
        declared = schema.get("properties", {})
        for name, value in event.items():
            inner = declared.get(name, schema.get("additionalProperties"))
            if isinstance(inner, dict):
                yield from fields(value, inner, (*at, name))
    elif isinstance(event, list) and "items" in schema:
        for index, row in enumerate(event):
            yield from fields(row, schema["items"], (*at, index))


def with_wrong(event: Json, at: Steps, value: Any) -> Json:
    """Copy an event, as far as it differs, with a value at a place."""
    made: Any = copy(event)
    inner = made
    for step in at[:-1]:
        inner[step] = copy(inner[step])
        inner = inner[step]
    inner[at[-1]] = value
    return made  # type: ignore[no-any-return]


def test_a_wrong_type_in_any_typed_field_of_any_sample_is_refused_with_its_path() -> None:
    """The wrong types take turns over all fields of all samples, by thirds; the deep run
    takes all."""
    turn = tried = 0
    for sample in SAMPLES:
        event = sample["event"]
        kind = CATALOGUE.get(event["eventName"])
        if kind is None or named(sample) in SLIPS:
            continue
        for at, node in share([*fields(event, kind.schema)], len(event), 3):
            allowed = set(types_of(node))
            allowed |= {"number"} if "integer" in allowed and "number" in allowed else set()
            wrong = [value for word, value in WRONG if word not in allowed]
            for value in wrong if len(at) == 1 else [wrong[turn % len(wrong)]]:
                problems = CATALOGUE.check(kind.name, with_wrong(event, at, value))
                assert dotted(at) in [problem.path for problem in problems], (
                    named(sample),
                    at,
                    value,
                )
                tried += 1
            turn += 1
    assert tried > depth(2_600, 8_000)


def lists(event: Any, at: Steps = ()) -> Iterator[Steps]:
    """Every place of a list in an event."""
    if isinstance(event, dict):
        for name, value in event.items():
            yield from lists(value, (*at, name))
    elif isinstance(event, list):
        yield at
        for index, row in enumerate(event):
            yield from lists(row, (*at, index))


WITH_LISTS = [sample for sample in SAMPLES if list(lists(sample["event"]))]


@pytest.mark.parametrize("sample", WITH_LISTS, ids=lambda one: "-".join(named(one)))
def test_each_list_of_a_published_sample_may_be_empty_as_a_list_or_as_a_map(sample: Json) -> None:
    """Producers in PHP write an empty list as `{}`; the original's samples hold both."""
    event = sample["event"]
    for at in lists(event):
        for empty in EMPTY:
            assert CATALOGUE.check(event["eventName"], with_wrong(event, at, empty)) == []


def test_most_samples_hold_a_list() -> None:
    assert len(WITH_LISTS) == 162


def test_each_list_of_each_type_may_be_an_empty_map_and_no_other_one() -> None:
    """Also the lists that no sample holds; what explains a refusal agrees with what refuses."""
    tried = 0
    for name in CATALOGUE.names():
        kind = CATALOGUE.get(name)
        assert kind is not None
        whole, fits = full(kind.schema), compile_validator(kind.schema)
        for place, node in places(kind.schema):
            if "array" in types_of(node):
                assert CATALOGUE.check(name, put(whole, place, {})) == []
                assert explain(put(whole, place, {}), kind.schema) == []
                assert fits(put(whole, place, {})), "without looking for what is wrong"
                [problem] = CATALOGUE.check(name, put(whole, place, {"0": "x"}))
                assert problem.path == dotted(place)
                tried += 1
    assert tried > 500


async def test_what_comes_as_an_empty_map_is_kept_and_goes_on_as_it_came() -> None:
    issued = next(
        sample for sample in SAMPLES if sample["eventName"] == "alternateCurrenciesIssued"
    )
    event = with_wrong(issued["event"], ("data", "triggeringActivity", "additionalAttributes"), {})
    service = Service(CATALOGUE, lambda _: IntakeRules())
    answer = await service.call(json.dumps(event).encode(), authorization=PLATFORM)
    assert (answer.status, answer.body["accepted"]) == (202, 1), answer.body
    [stored] = service.intake.bodies.values()
    assert json.loads(stored)["data"]["triggeringActivity"]["additionalAttributes"] == {}
