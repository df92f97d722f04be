"""What the cut leaves of events of types that orgs declare themselves."""

import json
import time
from typing import Any

import msgspec
import pytest

from tidings.catalogue import envelope
from tidings.core.events.own_types import OwnType, ParsedTypeBody, read_own_type
from tidings.core.exact_json import read_exactly, write_exactly
from tidings.core.shaping.personal_cut import BLOCKS_MAX, PersonalCut

from .personal_events import Json


def own(schema: Json) -> PersonalCut:
    reading = read_own_type("orderPacked", {"description": "x", "schema": schema}, envelope())
    assert isinstance(reading, ParsedTypeBody), reading
    return PersonalCut(reading.made.kind.schema)


def own_data(schema: Json, data: Json) -> Any:
    event = {"eventName": "orderPacked", "eventId": "e-1", "orgId": 7, "data": data}
    made = json.loads(write_exactly(own(schema).apply(read_exactly(msgspec.json.encode(event)))))
    assert made.pop("eventName") == "orderPacked" and made.pop("eventId") == "e-1"
    return made["data"]


TEXT: Json = {"type": "string"}
PII: Json = {"type": "string", "x-pii": "name"}
OWN: dict[str, tuple[Json, Json, Json]] = {
    "a field, named or marked or neither": (
        {"properties": {"sku": TEXT, "name": PII}},
        {"sku": "A", "name": "sec-1", "more": "sec-2", "Name": "sec-3"},
        {"sku": "A"},
    ),
    "a value of another type": (
        {"properties": {"n": {"type": "integer"}, "any": {}}},
        {"n": 7.0, "any": {"x": "sec-1"}},
        {"n": 7.0, "any": {}},
    ),
    "items that are marked": (
        {"properties": {"names": {"type": "array", "items": PII}}}, {"names": ["sec-1"]}, {},
    ),
    "items that nobody describes": (
        {"properties": {"a": {"type": "array"}, "b": {"items": {}}}},
        {"a": ["sec-1"], "b": ["sec-2"]},
        {},
    ),
    "lists in lists": (
        {"properties": {"a": {"items": {"items": {"properties": {"n": TEXT, "m": PII}}}}}},
        {"a": [[{"n": "A", "m": "sec-1", "o": "sec-2"}], []]},
        {"a": [[{"n": "A"}], []]},
    ),
    "fields that the schema does not name": (
        {"properties": {"map": {"additionalProperties": TEXT}}, "additionalProperties": TEXT},
        {"map": {"sec-1": "sec-2"}, "phone": "sec-3"},
        {"map": {}},
    ),
    "a mark in one branch": (
        {"anyOf": [{"properties": {"n": TEXT}}, {"properties": {"n": PII}}]}, {"n": "sec-1"}, {},
    ),
    "a mark on what another branch does not name": (
        {"properties": {"n": TEXT}, "allOf": [{"additionalProperties": PII}]}, {"n": "sec-1"}, {},
    ),
    "a mark on what this branch does not name": (
        {"properties": {"n": TEXT}, "additionalProperties": PII}, {"n": "A", "m": "sec-1"},
        {"n": "A"},
    ),
    "a mark on what must not be": (
        {"properties": {"n": TEXT, "b": {"properties": {"m": TEXT}}},
         "not": {"properties": {"n": {"const": "x", "x-pii": "name"},
                                "b": {"additionalProperties": {"const": "y", "x-pii": "name"}}}}},
        {"n": "sec-1", "b": {"m": "sec-2"}},
        {"b": {}},
    ),
    "a mark behind a reference": (
        {"$defs": {"p": PII}, "properties": {"n": {"$ref": "#/$defs/p"}}}, {"n": "sec-1"}, {},
    ),
    "all of data": (PII | {"type": "object", "properties": {"n": TEXT}}, {"n": "sec-1"}, {}),
    "identifiers that the schema does not mark": (
        {"properties": {"customerIdentifiers": {
            "properties": {"mobile": TEXT, "phone": PII, "shop": TEXT,
                           "instore": {"properties": {"mobile": TEXT}}},
            "additionalProperties": TEXT}}},
        {"customerIdentifiers": {
            "customerId": 7, "mobile": "sec-1", "phone": "sec-2", "Mobile": "sec-3", "shop": "S",
            "nick": "sec-4"}},
        {"customerIdentifiers": {"customerId": 7, "shop": "S"}},
    ),
    "identifiers whose names are written otherwise": (
        {"properties": {"customerIdentifiers": {
            "properties": {"Mobile": TEXT, "cardNumber": TEXT, "shop": TEXT,
                           "Instore": {"properties": {"EMAIL": TEXT, "cardNumbers": {"items": TEXT},
                                                      "shoe": TEXT}},
                           "WeChat": {"properties": {"accounts": {"items": {"properties": {
                               "accountId": TEXT, "identifiers": {"items": {"properties": {
                                   "identifierType": TEXT, "IdentifierValue": TEXT}}}}}}}}}}}},
        {"customerIdentifiers": {
            "Mobile": "sec-1", "cardNumber": "sec-2", "shop": "S",
            "Instore": {"EMAIL": "sec-3", "cardNumbers": ["sec-4"], "shoe": "44"},
            "WeChat": {"accounts": [{"accountId": "A", "identifiers": [
                {"identifierType": "unionId", "IdentifierValue": "sec-5"}]}]}}},
        {"customerIdentifiers": {
            "shop": "S", "Instore": {"shoe": "44"},
            "WeChat": {"accounts": [{"accountId": "A", "identifiers": [
                {"identifierType": "unionId"}]}]}}},
    ),
    "identifiers of several customers": (
        {"properties": {"lines": {"items": {"properties": {"customerIdentifiers": {"items": {
            "properties": {"mobile": TEXT, "shop": TEXT, "INSTORE": {"properties": {
                "email": TEXT, "shoe": TEXT}}}}}}}}}},
        {"lines": [{"customerIdentifiers": [
            {"customerId": 7, "mobile": "sec-1", "shop": "S", "email": "sec-2",
             "INSTORE": {"email": "sec-3", "shoe": "44"}, "instore": {"mobile": "sec-4"}}]}]},
        {"lines": [{"customerIdentifiers": [
            {"customerId": 7, "shop": "S", "INSTORE": {"shoe": "44"}, "instore": {}}]}]},
    ),
    "a customerId that is no number of the platform": (
        {"properties": {"customerIdentifiers": {"type": "object"}}},
        {"customerIdentifiers": {"customerId": "sec-1"}},
        {"customerIdentifiers": {}},
    ),
    "a customerId that its org marks": (
        {"properties": {"customerIdentifiers": {"properties": {"customerId": PII}}}},
        {"customerIdentifiers": {"customerId": "sec-1"}},
        {"customerIdentifiers": {}},
    ),
    "identifiers that the schema does not name": (
        {"properties": {"sku": TEXT}},
        {"sku": "A", "customerIdentifiers": {"customerId": 7, "mobile": "sec-1"}},
        {"sku": "A", "customerIdentifiers": {"customerId": 7}},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", OWN)
def test_of_an_orgs_own_type_what_its_schema_names_and_does_not_mark_is_kept(case: str) -> None:
    schema, data, kept = OWN[case]
    assert own_data(schema, data) == kept


@pytest.mark.parametrize(
    "inside", [{}, {"properties": {"shop": TEXT}}, {"items": {"items": {"type": "object"}}}]
)
def test_a_type_of_very_many_blocks_of_identifiers_is_prepared_in_no_time(inside: Json) -> None:
    """Each is a hundred places: of those beyond what a type may need nothing is sent."""
    blocks = {f"n{at}CustomerIdentifiers": inside for at in range(600)}
    began_s = time.process_time()
    made = own({"properties": blocks})
    assert made.size < 5_000 and time.process_time() - began_s < 1
    data = {name: {"customerId": at, "mobile": "sec-1"} for at, name in enumerate(blocks)}
    kept = made.apply({"eventName": "orderPacked", "data": data})["data"]
    assert "sec-" not in json.dumps(kept) and len(kept) <= BLOCKS_MAX
    if "items" not in inside:
        assert [row["customerId"] for row in kept.values()] == list(range(BLOCKS_MAX))


def test_a_schema_that_could_not_be_read_lets_nothing_out() -> None:
    reading = read_own_type("a", {"description": "x", "schema": {"type": "object"}}, envelope())
    assert isinstance(reading, ParsedTypeBody)
    blank = OwnType("a", 1, reading.made.declaration, envelope(), expanded={})
    made = PersonalCut(blank.kind.schema).apply({"eventName": "a", "data": {"n": "sec-1"}})
    assert made == {"eventName": "a", "data": {}}
