"""A source of identifiers in any spelling is that source, wherever events are looked into."""

from typing import Any

import pytest

from tidings.catalogue import load
from tidings.catalogue.event_type import Json
from tidings.catalogue.paths import getter
from tidings.catalogue.spellings import (
    AS_USUAL,
    NAMES_MAX,
    SourceStep,
    respelt,
    source_of,
    spelt,
)
from tidings.catalogue.thin import thin
from tidings.core.event_path import read_path

CATALOGUE = load()
SPELT = ["Instore", "INSTORE", "InStore", "instorE"]
KIND: Any = CATALOGUE.get("pointsRedeemed")


def with_source(name: str, block: Any) -> Json:
    return {
        "eventName": "pointsRedeemed",
        "data": {"customerIdentifiers": {"customerId": 41, name: block}},
    }


@pytest.mark.parametrize("name", SPELT)
def test_an_event_is_found_by_what_a_source_holds_in_any_spelling(name: str) -> None:
    block = {"mobile": "15550100", "externalId": "EXT-1", "cardNumbers": ["600"]}
    event = with_source(name, block)
    assert CATALOGUE.check("pointsRedeemed", event) == []
    assert set(CATALOGUE.search_values("pointsRedeemed", event)) == {
        "41", "15550100", "EXT-1", "600",
    }  # fmt: skip


def test_so_are_the_other_sources_and_both_of_two_spellings() -> None:
    accounts = [{"accountId": "b", "identifiers": [{"identifierType": "unionId",
                                                    "identifierValue": "o6_bm"}]}]  # fmt: skip
    usual = with_source("wechat", {"accounts": accounts})
    for name in ("WeChat", "WECHAT"):
        found = CATALOGUE.search_values("pointsRedeemed", with_source(name, {"accounts": accounts}))
        assert found == CATALOGUE.search_values("pointsRedeemed", usual)
    two = with_source("instore", {"mobile": "1"})
    two["data"]["customerIdentifiers"]["Instore"] = {"mobile": "2"}
    assert CATALOGUE.search_values("pointsRedeemed", two) == ["41", "1", "2"]


@pytest.mark.parametrize("odd", [None, 5, "x", [], [{}]], ids=str)
def test_what_is_no_block_is_passed_over(odd: Any) -> None:
    assert CATALOGUE.search_values("pointsRedeemed", with_source("Instore", odd)) == ["41"]


@pytest.mark.parametrize("name", SPELT)
def test_a_key_goes_through_any_spelling(name: str) -> None:
    get = getter("data.customerIdentifiers.instore.externalId")
    assert get(with_source(name, {"externalId": "E"})) == "E"
    assert getter("data.customerIdentifiers.Instore.externalId")(
        with_source("instore", {"externalId": "E"})
    ) == "E"  # fmt: skip
    others: list[Any] = [None, [], 5, "instore"]
    for odd in others:
        assert get({"data": {"customerIdentifiers": odd}}) is None


def test_the_thin_form_has_no_source_in_any_spelling() -> None:
    actor = {"id": 5, "till": {"code": "t"}, "store": {"code": "s"}}
    event = with_source("Instore", {"mobile": "15550100", "email": "a@example.test"})
    event["data"]["triggeringActivity"] = {"enteredAt": actor}
    assert thin(KIND, event)["data"] == {
        "customerIdentifiers": {"customerId": 41},
        "triggeringActivity": {"enteredAt": {"id": 5}},
    }
    kind: Any = CATALOGUE.get("transactionAdded")
    at = {"eventName": "transactionAdded", "data": {"enteredAt": 1693333333}}
    assert thin(kind, at) == at, "a time is no actor"


def test_a_name_means_a_source_only_where_identifiers_stand() -> None:
    assert [type(step) is SourceStep for step in read_path("data.customerIdentifiers.Instore") or
        ()] \
        == [False, False, True]  # fmt: skip
    for path in ("data.instore.mobile", "data.customerIdentifiers.Mobile", "instore"):
        assert not any(type(step) is SourceStep for step in read_path(path) or ())
    assert any(
        type(step) is SourceStep
        for step in read_path("data.coupons[*].survivorCustomerIdentifiers.WeChat.accounts") or ()
    )


def test_the_spelling_that_is_asked_for_comes_first_and_a_crowd_is_not_searched() -> None:
    assert spelt({"Instore": 1, "instore": 2}, "instore") == "instore"
    assert spelt({"Instore": 1, "instore": 2}, "Instore") == "Instore"
    assert spelt({"INSTORE": 1}, "instore") == "INSTORE"
    assert spelt({"customerId": 1}, "instore") == "instore"
    assert respelt({"INSTORE": 1, "wechat": 1}, ["instore", "wechat"]) == {"instore": "INSTORE"}
    crowd = {f"n{number}": 1 for number in range(NAMES_MAX)} | {"Instore": 2}
    assert spelt(crowd, "instore") == "instore"


def test_the_usual_names_are_those_of_the_schema() -> None:
    block = KIND.schema["properties"]["data"]["properties"]["customerIdentifiers"]
    assert set(block["properties"]) == AS_USUAL
    assert {name for name in AS_USUAL if source_of(name) == name} == {
        name for name, inner in block["properties"].items() if "properties" in inner
    }
