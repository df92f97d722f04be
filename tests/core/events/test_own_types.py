"""Event types of an org's own: their declaration, and what they say of events."""

from typing import Any

import pytest

from tidings.catalogue import envelope
from tidings.catalogue.versions import version_of
from tidings.core.events.own_types import Declaration, OwnType, ParsedTypeBody, read_own_type

Json = dict[str, Any]
SCHEMA: Json = {
    "type": "object",
    "required": ["orderId"],
    "properties": {
        "orderId": {"type": "string", "minLength": 3, "x-search": True},
        "lines": {
            "type": "array",
            "items": {"type": "object", "properties": {"quantity": {"type": "integer"}}},
        },
        "phone": {"type": "string", "pattern": "^[0-9]+$", "x-pii": "mobile", "x-search": True},
        "state": {"enum": ["packed", "sent"]},
    },
}
BODY: Json = {
    "description": "An order is packed.",
    "schema": SCHEMA,
    "key": "data.orderId",
    "example": {"orderId": "O-71", "lines": [{"quantity": 2}], "state": "packed"},
}


def own(**declared: Any) -> OwnType:
    return OwnType("orderPacked", 1, Declaration("Packed.", SCHEMA, **declared), envelope())


def event(**data: Any) -> Json:
    return {"eventName": "orderPacked", "orgId": 1, "data": {"orderId": "O-71", **data}}


def test_a_declaration_is_read() -> None:
    reading = read_own_type("orderPacked", BODY, envelope())
    assert isinstance(reading, ParsedTypeBody)
    assert reading.declaration.key == "data.orderId"
    assert reading.declaration.schema == SCHEMA
    assert not reading.new_version and not reading.warnings


@pytest.mark.parametrize(
    ("name", "change", "code", "field"),
    [
        ("1st", {}, "bad_event_name", "eventName"),
        ("order packed", {}, "bad_event_name", "eventName"),
        ("o" * 129, {}, "bad_event_name", "eventName"),
        ("order-packed", {}, "bad_event_name", "eventName"),
        ("tidings.mine", {}, "bad_event_name", "eventName"),
        ("orderPacked", {"description": ""}, "bad_description", "description"),
        ("orderPacked", {"description": 7}, "bad_description", "description"),
        ("orderPacked", {"description": "x" * 1001}, "bad_description", "description"),
        ("orderPacked", {"schema": None}, "bad_schema", "schema"),
        ("orderPacked", {"schema": []}, "bad_schema", "schema"),
        ("orderPacked", {"schema": {"$comment": "x" * 65_536}}, "schema_too_large", "schema"),
        ("orderPacked", {"schema": {"$ref": "#"}}, "bad_schema", "schema"),
        ("orderPacked", {"key": "orderId"}, "bad_key", "key"),
        ("orderPacked", {"key": "data.lines[].sku"}, "bad_key", "key"),
        ("orderPacked", {"key": 7}, "bad_key", "key"),
        ("orderPacked", {"example": []}, "bad_example", "example"),
        ("orderPacked", {"example": {"orderId": 7}}, "bad_example", "example"),
        ("orderPacked", {"newVersion": "yes"}, "bad_type", "newVersion"),
    ],
)
def test_what_is_wrong_is_told_by_code_and_field(
    name: str, change: Json, code: str, field: str
) -> None:
    refusals = read_own_type(name, BODY | change, envelope())
    assert isinstance(refusals, list)
    assert [(refusal.code, refusal.field) for refusal in refusals] == [(code, field)]
    assert f"({code}, field {field})" in refusals[0].message


def test_unknown_fields_are_refused() -> None:
    refusals = read_own_type("orderPacked", BODY | {"colour": "red"}, envelope())
    assert isinstance(refusals, list)
    assert [refusal.field for refusal in refusals] == ["colour"]


def test_a_fitting_event_has_no_problem_and_extra_fields_are_kept() -> None:
    assert own().check(event(extra={"deep": [1]}, phone="123")) == []


@pytest.mark.parametrize(
    ("data", "path", "message"),
    [
        ({"orderId": 7}, "data.orderId", "data.orderId must be text; got number 7."),
        ({"orderId": "O"}, "data.orderId", "must be text of at least 3 characters"),
        ({"lines": [{}, {"quantity": "2"}]}, "data.lines[1].quantity", "must be a whole number"),
        ({"state": "lost"}, "data.state", 'must be one of packed, sent; got text "lost".'),
        ({"phone": "+91-1"}, "data.phone", "must be text that matches ^[0-9]+$; got text."),
    ],
)
def test_a_problem_has_its_path_and_says_what_must_be(data: Json, path: str, message: str) -> None:
    (problem,) = own().check(event(**data))
    assert problem.path == path
    assert message in problem.message


def test_what_is_absent_or_of_another_name_is_told() -> None:
    (absent,) = own().check({"eventName": "orderPacked", "data": {}})
    assert absent.message == "data.orderId must be present; got nothing."
    (other,) = own().check({**event(), "eventName": "orderSent"})
    assert other.path == "eventName"


def test_key_and_search_values_follow_the_declaration() -> None:
    made = own(key="data.lines[0].quantity")
    one = event(phone="911", lines=[{"quantity": 4}])
    assert made.key_of(one) == "4"
    assert set(made.search_values(one)) == {"O-71", "911", "4"}
    assert made.kind.pii_paths == ("data.phone",)
    assert own().key_of(event()) is None, "the default key is the customer"


@pytest.mark.parametrize(("said", "version"), [(None, 1), (1, 1), (2, 2)])
def test_an_event_is_of_version_1_unless_it_says_another(said: int | None, version: int) -> None:
    one = event() if said is None else event() | {"eventVersion": said}
    assert version_of(one, {1, 2}) == version


@pytest.mark.parametrize("said", [0, 3, "2", 2.0, True, None, [1]])
def test_a_version_that_is_not_there_is_a_problem(said: object) -> None:
    problem = version_of(event() | {"eventVersion": said}, {1, 2})
    assert not isinstance(problem, int)
    assert problem.message.startswith("eventVersion must be a version of the event type (1, 2);")


def test_hostile_events_get_an_answer() -> None:
    deep: Any = 0
    for _ in range(60):
        deep = [deep]
    for value in (deep, 2**20_000, "\ud800", float("inf"), {"": None}):
        own().check(event(orderId=value))
        own().check(event(lines=value))
        own().search_values(event(phone=value))
