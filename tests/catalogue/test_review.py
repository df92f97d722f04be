"""The catalogue against the list of what every event type must bring, counted."""

import json
import re
from collections import Counter
from typing import Any

import pytest

from tidings.catalogue import load
from tidings.catalogue.schema import walk
from tidings.catalogue.thin import thin

CATALOGUE = load()
NAMES = [name for name in CATALOGUE.names() if not name.startswith("tidings.")]
# Fields that name a person wherever they stand; every one of them is marked.
PERSONAL = re.compile(
    r"(^|\.)(mobile|email|firstName|lastName|cardNumber|cardnumber|cardNumbers\[\]|username"
    r"|identifierValue|identifier_value|cardexternalid)$"
)
PLACEHOLDERS = ("Example text", '"Example"', '"text"', '"id-1"', "not documented")


def kind(name: str) -> Any:
    found = CATALOGUE.get(name)
    assert found is not None
    return found


def test_there_are_65_and_12_of_ten_families() -> None:
    assert len(NAMES) == 77
    assert Counter(kind(name).core for name in NAMES) == {True: 65, False: 12}
    families = Counter(kind(name).family for name in NAMES)
    assert families == {
        "loyalty": 31,
        "promotions": 10,
        "incentives": 10,
        "customer": 8,
        "transactions": 6,
        "tier": 4,
        "partner-programme": 4,
        "requests": 2,
        "cards": 1,
        "communication": 1,
    }


@pytest.mark.parametrize("name", NAMES)
def test_the_trigger_is_one_sentence(name: str) -> None:
    trigger = kind(name).trigger
    assert trigger[0].isupper() and trigger.endswith(".")
    assert not re.search(r"[a-z]\. [A-Z]", trigger), trigger


@pytest.mark.parametrize("name", NAMES)
def test_personal_data_is_marked_wherever_it_stands(name: str) -> None:
    marked = set(kind(name).pii_paths)
    for path, node in walk(kind(name).schema):  # may be empty: those of rewards name nobody
        if PERSONAL.search(path) and node.get("type") != "object":
            assert path in marked, path


@pytest.mark.parametrize("name", NAMES)
def test_the_example_is_enriched_at_every_point_and_has_a_thin_twin(name: str) -> None:
    one = kind(name)
    points = one.enrichment
    small = thin(one, one.example)
    assert CATALOGUE.check(name, small) == []
    assert CATALOGUE.key_of(name, small) == CATALOGUE.key_of(name, one.example)
    assert {**one.example, "data": 0} == {**small, "data": 0}, "the envelope stays as it is"
    if points.customer_identifiers or points.till_store:
        assert len(json.dumps(small)) < len(json.dumps(one.example))
    text = json.dumps(small)
    assert '"instore"' not in text or not points.customer_identifiers
    assert '"till"' not in text and '"store"' not in text
    if points.customer_identifiers and "customerIdentifiers" in one.example["data"]:
        assert small["data"]["customerIdentifiers"].keys() == {"customerId"}


def test_a_thin_copy_leaves_the_event_as_it_was() -> None:
    one = kind("pointsIssued")
    before = json.dumps(one.example)
    thin(one, one.example)
    thin(one, {"data": {"customerIdentifiers": 7, "triggeringActivity": []}})
    thin(one, {"data": None})
    assert json.dumps(one.example) == before


@pytest.mark.parametrize("name", NAMES)
def test_examples_are_realistic(name: str) -> None:
    """No placeholder stands in an example, and what is reversed or moved has two sides."""
    for example in kind(name).examples:
        text = json.dumps(example)
        for placeholder in PLACEHOLDERS:
            assert placeholder not in text, placeholder


@pytest.mark.parametrize("name", NAMES)
def test_the_reference_follows_its_rule(name: str) -> None:
    """refId of the example is what the rule says, where the rule names a field."""
    one, example = kind(name), kind(name).example
    rest = example["refId"].removeprefix(f"{example['orgId']}_")
    expected = {
        "{orgId}_{loyaltyEventId}": example.get("loyaltyEventId"),
        "{orgId}_{apiRequestId}": example.get("apiRequestId"),
        "{orgId}_{transactionId}": str(example["data"].get("transactionId")),
        "{orgId}_{requestTrackingId}": str(example["data"].get("requestTrackingId")),
        "{orgId}_{rewardId}": str(example["data"].get("rewardId")),
        "{orgId}_{requestId}": str(example["data"].get("requestId")),
        "{orgId}_{data.requestId}": str(example["data"].get("requestId")),
    }.get(one.ref_id_rule)
    assert expected is None or rest == expected
