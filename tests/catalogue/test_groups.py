"""Points that a group owns: what their events are ordered and found by."""

import copy
from typing import Any

import pytest

from tidings.catalogue import load
from tidings.catalogue.event_type import Json

CATALOGUE = load()
GROUP = {"entityType": "USERGROUP2", "entityId": 395718}
OWNED = [kind.name for kind in CATALOGUE.kinds() if kind.owner]


def of(name: str, entity: Any, identifiers: Any = "absent") -> Json:
    """The example of a type as this entity's, with a member who acted."""
    kind = CATALOGUE.get(name)
    assert kind is not None
    event: Json = copy.deepcopy(kind.example)
    data = event["data"]
    data["entityInformation"] = entity
    data.pop("customerIdentifiers", None)
    if identifiers != "absent":
        data["customerIdentifiers"] = identifiers
    if "triggeringActivity" in data:
        data["triggeringActivity"]["entityInformation"] = {"entityType": "USER", "entityId": 4711}
    return event


def test_every_type_that_names_an_entity_has_an_owner() -> None:
    for kind in CATALOGUE.kinds():
        declared = "entityInformation" in kind.schema["properties"]["data"].get("properties", {})
        assert (kind.owner == "data.entityInformation") is declared
        assert (kind.owner in kind.key_else) is declared
    assert {"pointsRedeemed", "pointsExpired", "tierUpgraded", "partnerProgramLinked"} <= set(OWNED)


@pytest.mark.parametrize("identifiers", ["absent", None, {}], ids=str)
@pytest.mark.parametrize("name", OWNED)
def test_a_groups_event_fits_is_ordered_by_the_group_and_found_by_it_and_who_acted(
    name: str, identifiers: Any
) -> None:
    event = of(name, GROUP, identifiers)
    assert CATALOGUE.check(name, event) == []
    assert CATALOGUE.key_of(name, event) == "USERGROUP2 395718"
    values = CATALOGUE.search_values(name, event)
    assert "395718" in values
    assert ("4711" in values) is ("triggeringActivity" in event["data"])


def test_a_group_is_no_customer_of_the_same_number_and_no_other_kind_of_entity() -> None:
    customer = of("pointsRedeemed", GROUP, {"customerId": 395718})
    keys = {
        CATALOGUE.key_of("pointsRedeemed", event)
        for event in (
            customer,
            of("pointsRedeemed", GROUP),
            of("pointsRedeemed", GROUP | {"entityType": "USERGROUP"}),
        )
    }
    assert keys == {"395718", "USERGROUP2 395718", "USERGROUP 395718"}
    written = of("pointsExpired", {"entityType": "usergroup2", "entityId": 395718.0})
    assert CATALOGUE.key_of("pointsExpired", written) == "USERGROUP2 395718"


@pytest.mark.parametrize("said", ["USER", "CUSTOMER", "user"])
def test_an_entity_that_is_a_customer_has_that_customers_key(said: str) -> None:
    event = of("pointsIssued", {"entityType": said, "entityId": 7})
    assert CATALOGUE.key_of("pointsIssued", event) == "7"


def test_an_event_that_names_its_customer_keeps_the_key_that_it_always_had() -> None:
    """Also where a group owns it: stored deliveries of that customer are held by this key."""
    for name in OWNED:
        kind = CATALOGUE.get(name)
        assert kind is not None
        wanted = str(kind.example["data"]["customerIdentifiers"]["customerId"])
        assert CATALOGUE.key_of(name, kind.example) == wanted
        assert CATALOGUE.key_of(name, of(name, GROUP, {"customerId": 7})) == "7"


@pytest.mark.parametrize(
    "entity",
    [None, {}, [], "USERGROUP2", {"entityId": 7}, {"entityType": "USERGROUP2"},
     {"entityType": None, "entityId": 7}, {"entityType": ["USER"], "entityId": 7},
     {"entityType": "G" * 65, "entityId": 7}, {"entityType": "", "entityId": 7},
     {"entityType": "USER", "entityId": {}}],
    ids=str,
)  # fmt: skip
def test_half_an_entity_is_no_key_and_no_exception(entity: Any) -> None:
    assert CATALOGUE.key_of("pointsIssued", of("pointsIssued", entity)) is None


def test_a_request_with_its_fields_in_the_envelope_is_that_of_its_twin() -> None:
    old: Json = {
        "eventName": "requestUpdated",
        "orgId": 781,
        "requestTrackingId": "7676878",
        "requestType": "CUSTOMER",
        "requestBaseType": "DELETE",
        "status": "APPROVED",
        "customerId": 4545332,
        "data": {
            "requestId": "id",
            "createdBy": {"id": 15000375},
            "updatedFields": [{"fieldName": "status", "currentValue": "APPROVED"}],
        },
    }
    assert CATALOGUE.check("requestUpdated", old) == []
    assert CATALOGUE.key_of("requestUpdated", old) == "4545332"
    assert {"4545332", "7676878"} <= set(CATALOGUE.search_values("requestUpdated", old))
    kind = CATALOGUE.get("requestUpdated")
    assert kind is not None
    both = kind.example | {"customerId": 1}
    named = str(kind.example["data"]["customerIdentifiers"]["customerId"])
    assert CATALOGUE.key_of("requestUpdated", both) == named, "that in data wins, as it always did"
    assert "1" in CATALOGUE.search_values("requestUpdated", both)
