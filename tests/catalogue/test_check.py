"""`Catalogue.check`: wrong events are refused with their path, right ones pass, nothing raises."""

import functools
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.catalogue.spoil import (
    Json,
    Place,
    dotted,
    full,
    places,
    put,
    with_empty_lists,
    wrong_for,
)
from tidings.catalogue import load
from tidings.catalogue.catalogue import compile_validator
from tidings.catalogue.explain import MAX_PROBLEMS, explain
from tidings.catalogue.schema import lean, types_of

CATALOGUE = load()
NAMES = CATALOGUE.names()


def schema_of(name: str) -> Json:
    """The full schema of an event type."""
    found = CATALOGUE.get(name)
    assert found is not None
    return found.schema


@functools.cache
def referee(name: str) -> Any:
    """jsonschema-rs with the schema as published: what `check` must agree with."""
    return jsonschema_rs.Draft202012Validator(schema_of(name))


def example(name: str) -> Json:
    """A copy of the example whose data can be changed."""
    found = CATALOGUE.get(name)
    assert found is not None
    return {**found.example, "data": dict(found.example["data"])}


@pytest.mark.parametrize("name", NAMES)
def test_event_with_every_declared_field_is_accepted(name: str) -> None:
    """A value of the declared type at every declared path is fine."""
    assert CATALOGUE.check(name, full(schema_of(name))) == []


@pytest.mark.parametrize("name", NAMES)
def test_wrong_type_at_any_path_is_refused_with_that_path(name: str) -> None:
    """Each typed field with a type it does not allow is refused, and with its own path.

    The wrong types take turns; for two event types every field meets all of them.
    """
    schema = schema_of(name)
    event = full(schema)
    typed = [(place, node) for place, node in places(schema) if place and types_of(node)]
    assert len(typed) > 10
    for turn, (place, node) in enumerate(typed):
        wrong = wrong_for(node)
        every = name in ("pointsIssued", "transactionAdded")
        for value in wrong if every else [wrong[turn % len(wrong)]]:
            problems = CATALOGUE.check(name, put(event, place, value))
            assert [p.path for p in problems] == [dotted(place)], (place, value)


REQUIRING = {name for name in NAMES if name.startswith("tidings.")}


@pytest.mark.parametrize("name", NAMES)
def test_missing_required_field_is_refused_with_its_path(name: str) -> None:
    """Without eventName, data, or a required field of data the event is refused, by that path."""
    whole = full(schema_of(name))
    for field in ("eventName", "data"):
        event = {k: v for k, v in whole.items() if k != field}
        assert [p.path for p in CATALOGUE.check(name, event)] == [field]
    required = schema_of(name)["properties"]["data"].get("required", ())
    assert bool(required) == (name in REQUIRING)
    for field in required:  # may be empty: the platform's types require nothing of data
        event = {**whole, "data": {k: v for k, v in whole["data"].items() if k != field}}
        problems = CATALOGUE.check(name, event)
        assert [(p.path, p.got) for p in problems] == [(f"data.{field}", "nothing")]


@pytest.mark.parametrize("name", NAMES)
def test_fields_nobody_knows_are_accepted(name: str) -> None:
    """Extra fields of any type pass, in the envelope, in data and in every declared block."""
    schema = schema_of(name)
    event = full(schema)
    for place, node in places(schema):
        if types_of(node) == ("object",) and "additionalProperties" not in node:
            event = put(event, (*place, "somethingNew"), {"deep": [1, None, {"x": 1.5}]})
    assert CATALOGUE.check(name, event) == []


def test_envelope_that_the_service_completes_may_be_bare() -> None:
    """eventId, orgId and createdAt are given when missing, so only eventName and data must come."""
    event: Json = {"eventName": "customerAdded", "data": {"customerIdentifiers": {"customerId": 1}}}
    assert CATALOGUE.check("customerAdded", event) == []
    event |= {"refId": "", "apiRequestId": None, "loyaltyEventId": None, "eventLogId": -1}
    assert CATALOGUE.check("customerAdded", event) == []


@pytest.mark.parametrize(
    ("value", "accepted"), [(1, True), (1.0, True), (2**70, True), (1.5, False), (True, False)]
)
def test_whole_numbers(value: object, accepted: bool) -> None:
    """1 and 1.0 are whole numbers; 1.5 and true are not."""
    event = example("transactionAdded") | {"orgId": value}
    assert (CATALOGUE.check("transactionAdded", event) == []) is accepted


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("data", "billNumber"), 12, "data.billNumber must be text or null; got number 12."),
        (("data", "amount"), "12", 'data.amount must be a number or null; got text "12".'),
        (("data", "enteredAt"), [], "data.enteredAt must be a whole number or null; got a list."),
        (("eventName",), None, 'eventName must be "transactionAdded"; got null.'),
        (("data",), None, "data must be an object; got null."),
        (("orgId",), 1.5, "orgId must be a whole number or null; got number 1.5."),
        (("orgId",), True, "orgId must be a whole number or null; got true."),
        (("apiRequestId",), [], "apiRequestId must be text or null; got a list."),
        (
            ("data", "amount"),
            "x" * 60,
            f'data.amount must be a number or null; got text "{"x" * 40}…".',
        ),
        (("data",), "x" * 60, "data must be an object; got text."),  # it may be personal
        (("eventName",), "other", 'eventName must be "transactionAdded"; got text "other".'),
        (("traceAttributes",), {"k": {}}, "traceAttributes.k must be text or null; got an object."),
        (("refId",), 2**200, "refId must be text or null; got a number."),
    ],
)
def test_problems_read_as_sentences(place: Place, value: object, message: str) -> None:
    """What must be, what came, and where, in one sentence."""
    problems = CATALOGUE.check("transactionAdded", put(example("transactionAdded"), place, value))
    assert [problem.message for problem in problems] == [message]


def test_missing_field_says_what_it_must_be() -> None:
    """A missing field is described as if it had come."""
    event = example("tidings.webhook.failing")
    del event["data"]["webHookId"]
    (problem,) = CATALOGUE.check("tidings.webhook.failing", event)
    assert problem.message == "data.webHookId must be text; got nothing."


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith("tidings.")])
def test_null_and_absence_are_accepted_in_every_optional_field(name: str) -> None:
    """The platform's producers write null for what they have no value for."""
    schema = schema_of(name)
    event = full(schema)
    optional = [
        place
        for place, node in places(schema)
        if isinstance(place[-1] if place else 0, str)
        and place != ("data",)
        and not {"const", "enum"} & node.keys()
    ]
    assert len(optional) > 10
    for place in optional:
        assert CATALOGUE.check(name, put(event, place, None)) == [], place
    assert CATALOGUE.check(name, {"eventName": name, "data": {}}) == []


def personal_texts(schema: Any) -> list[Any]:
    """The places of texts that are personal data."""
    return [
        place for place, node in places(schema) if node.get("x-pii") and "string" in types_of(node)
    ]


PERSONAL = [name for name in NAMES if personal_texts(schema_of(name))]


def test_most_types_have_texts_that_are_personal_data() -> None:
    assert len(PERSONAL) > len(NAMES) / 2


@pytest.mark.parametrize("name", PERSONAL)
def test_personal_data_is_not_repeated(name: str) -> None:
    """A wrong value at a path of personal data is named by its type, not shown."""
    schema = schema_of(name)
    event = full(schema)
    for place in personal_texts(schema):
        (problem,) = CATALOGUE.check(name, put(event, place, 15550100))
        assert problem.got == "a number" and "15550100" not in problem.message


def test_shallow_problems_come_first_and_ten_at_most() -> None:
    """A wrong envelope is said before the hundred wrong items inside."""
    event = example("CouponIssue")
    event["data"]["coupons"] = [{"id": "x"}] * 100
    event["orgId"] = "1"
    problems = CATALOGUE.check("CouponIssue", event)
    assert len(problems) == MAX_PROBLEMS
    assert problems[0].path == "orgId"
    assert problems[1].path == "data.coupons[0].id"


def test_unknown_event_type_is_a_problem_of_its_name() -> None:
    """An unknown name is refused by `check`; it has no key and no search values."""
    event: Json = {"eventName": "nope", "data": {}}
    (problem,) = CATALOGUE.check("nope", event)
    assert problem.path == "eventName"
    assert problem.message == 'eventName must be the name of an event type; got text "nope".'
    assert CATALOGUE.key_of("nope", event) is None
    assert CATALOGUE.search_values("nope", event) == []


def test_depth_and_size_beyond_reason_do_not_raise() -> None:
    """Nesting of 20,000, huge integers, lone surrogates and odd floats: an answer, no exception."""
    deep: Any = 0
    for _ in range(20_000):
        deep = [deep]
    event = example("pointsIssued")
    for value in (deep, 2**20_000, "\ud800", float("nan"), float("inf"), 1e300):
        assert CATALOGUE.check("pointsIssued", put(event, ("extra",), value)) == []
        for place in (("refId",), ("orgId",), ("data", "totalPointsIssued"), ("data",)):
            CATALOGUE.check("pointsIssued", put(event, place, value))


def test_validator_fetches_nothing() -> None:
    """A schema that points elsewhere is refused when it is compiled, without a fetch."""
    for uri in ("http://127.0.0.1:9/x.json", "file:///etc/passwd"):
        with pytest.raises(ValueError, match="must hold all they need"):
            compile_validator({"$ref": uri})


def test_validator_compiles_rules_alone() -> None:
    """Descriptions, hints and marks are left out of what is compiled."""
    field = {"type": "string", "description": "x", "examples": ["y"], "x-pii": "name"}
    assert lean({"properties": {"a": field}}) == {"properties": {"a": {"type": "string"}}}


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=5,
)


@settings(max_examples=100, deadline=None)
@given(name=st.sampled_from(NAMES), event=st.dictionaries(st.text(), JSON_VALUES, max_size=5))
def test_arbitrary_objects_never_raise(name: str, event: Json) -> None:
    """Whatever object comes: an answer, the one of jsonschema-rs on the published schema."""
    problems = CATALOGUE.check(name, event)
    assert (problems == []) == referee(name).is_valid(event)
    CATALOGUE.key_of(name, event)
    CATALOGUE.search_values(name, event)


@settings(max_examples=200, deadline=None)
@given(data=st.data(), name=st.sampled_from(NAMES))
def test_spoilt_events_get_the_verdict_of_the_published_schema(
    data: st.DataObject, name: str
) -> None:
    """Full events with arbitrary values put anywhere: verdicts agree, problems are sentences."""
    schema = schema_of(name)
    event = full(schema)
    spots = [place for place, _ in places(schema) if place]
    for place in data.draw(st.lists(st.sampled_from(spots), max_size=2)):
        try:
            event = put(event, place, data.draw(JSON_VALUES))
        except (TypeError, LookupError):
            continue  # an earlier value took the place away
    problems = CATALOGUE.check(name, event)
    valid = referee(name).is_valid(with_empty_lists(event, schema))
    assert (problems == []) == valid
    assert (explain(event, schema) == []) == valid
    assert all(problem.message.endswith(".") for problem in problems)
    CATALOGUE.key_of(name, event)
    CATALOGUE.search_values(name, event)
