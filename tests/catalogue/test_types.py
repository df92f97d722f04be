"""The files of the catalogue: complete, documented, true to the wire, with examples that fit."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

import tidings.catalogue
from tidings.catalogue import load
from tidings.catalogue.paths import steps
from tidings.catalogue.schema import lean, marked, walk
from tidings.core.notices.operational_events import KINDS
from tidings.core.webhooks.name_matching import BULK, STORED_BULK, stored_name, stored_name_of_type

CATALOGUE = load()
NAMES = CATALOGUE.names()
FOLDER = Path(tidings.catalogue.__file__).parent
EXTRA = {
    "updateRewardTransaction",
    "customerSubscription",
    "streakStart",
    "streakEnd",
    "promotionCreated",
    "promotionUpdated",
    "revokeIssuedPromotion",
    "revokeEarnedPromotion",
    "rewardExpiryReminder",
    "promisedToCurrentAlternateCurrencyConversion",
    "communicationMessageUndelivered",
    "targetCustomerUnenrolment",
}
OPERATIONAL = {  # by hand: what the pages promise
    "tidings.webhook.failing",
    "tidings.webhook.disabled",
    "tidings.webhook.recovered",
    "tidings.delivery.exhausted",
    "tidings.replay.finished",
    "tidings.source.failing",
    "tidings.source.aside",
    "tidings.lookup.failing",
    "tidings.connection.failing",
}
FAMILIES = {
    "operational",
    "customer",
    "transactions",
    "loyalty",
    "promotions",
    "tier",
    "partner-programme",
    "incentives",
    "cards",
    "requests",
    "communication",
}


def kind(name: str) -> Any:
    """The event type; the test fails when there is none."""
    found = CATALOGUE.get(name)
    assert found is not None
    return found


def test_holds_the_65_types_and_the_12_documented_since() -> None:
    """All 65 types of the system and the 12 later ones with a known payload, no others."""
    core = {name for name in NAMES if kind(name).core}
    assert len(core) == 65
    assert set(NAMES) - core - OPERATIONAL == EXTRA
    assert CATALOGUE.get("identifierReleased") is None


def test_what_tidings_tells_of_itself_is_a_family_of_its_own() -> None:
    """The types of `core.notices`, and nothing of the system's, begin with its own prefix."""
    family = {name for name in NAMES if kind(name).family == "operational"}
    assert family == OPERATIONAL == set(KINDS)
    assert {name for name in NAMES if name.startswith("tidings.")} == family
    assert not any(kind(name).core for name in family)


def test_names_are_those_of_the_wire() -> None:
    """The three names that start with a capital letter keep it; names are case-sensitive."""
    capital = {name for name in NAMES if name[0].isupper()}
    assert capital == {"CouponIssue", "CouponRedeem", "IssueBulkCoupon"}
    assert CATALOGUE.get("pointsissued") is None


def test_bulk_coupons_show_what_really_arrives() -> None:
    """The name that is subscribed to is not the one on the wire, and the two share a shape."""
    bulk, single = kind("IssueBulkCoupon"), kind("CouponIssue")
    assert lean(bulk.data) == lean(single.data)
    assert bulk.wire_names == ("CouponIssue", "IssueBulkCoupon")
    assert bulk.example["eventName"] == "CouponIssue"
    assert len(bulk.example["data"]["coupons"]) > 1
    assert CATALOGUE.check("CouponIssue", bulk.example) == []
    assert (
        stored_name("CouponIssue", bulk.example)
        == stored_name_of_type("IssueBulkCoupon")
        == STORED_BULK
    )
    assert stored_name("CouponIssue", single.example) == stored_name_of_type("CouponIssue")
    wrong = CATALOGUE.check("IssueBulkCoupon", bulk.example | {"eventName": "CouponRedeem"})
    assert wrong[0].message.startswith(
        'eventName must be "CouponIssue" or "IssueBulkCoupon"; got text "CouponRedeem"'
    )


def test_no_other_type_arrives_under_another_name() -> None:
    assert {name for name in NAMES if kind(name).wire_names != (name,)} == {BULK}


@pytest.mark.parametrize("name", NAMES)
def test_examples_fit_and_hold_no_gap(name: str) -> None:
    """Every example is a whole event of its type, and no value says that it is not documented."""
    for example in kind(name).examples:
        assert CATALOGUE.check(name, example) == []
        assert "not documented" not in json.dumps(example)
        assert example["eventName"] == kind(name).wire_names[0]
        assert {"eventId", "orgId", "refId", "createdAt", "data"} <= example.keys()


@pytest.mark.parametrize("name", NAMES)
def test_example_shows_its_key_and_its_search_values(name: str) -> None:
    """The first example can be ordered and found."""
    example = kind(name).example
    key = CATALOGUE.key_of(name, example)
    assert key
    assert key in CATALOGUE.search_values(name, example)


@pytest.mark.parametrize("name", NAMES)
def test_example_gives_the_reference_its_rule_says(name: str) -> None:
    """refId starts with the org where a rule is known, and goes on as it says: mostly with an
    underscore, of refused bills with a hyphen."""
    rule = kind(name).ref_id_rule
    if rule and not rule.startswith("empty "):
        begun = re.match(r"\{orgId\}[_-](null_)?", rule)
        assert begun, rule
        for example in kind(name).examples:
            start = begun[0].replace("{orgId}", str(example["orgId"]))
            assert example["refId"].startswith(start)


@pytest.mark.parametrize("name", NAMES)
def test_every_field_is_described(name: str) -> None:
    """Each field has a sentence that stands by itself."""
    for path, node in walk(kind(name).schema):
        if path:
            text = node.get("description", "")
            assert text.endswith((".", "?", "!")) and not text[0].islower(), (path, text)
            assert "enum" not in text, path


@pytest.mark.parametrize("name", NAMES)
def test_lists_say_what_they_hold_and_values_are_hints(name: str) -> None:
    """Lists have items; documented values are hints, never a closed list; extras are allowed."""
    for path, node in walk(kind(name).schema):
        if node.get("type") == "array":
            assert "items" in node, path
        assert "enum" not in node or path == "eventName", path
        assert node.get("additionalProperties") is not False, path
        assert all(isinstance(hint, str) and hint != "..." for hint in node.get("examples", ()))


@pytest.mark.parametrize("name", NAMES)
def test_required_fields_are_declared_and_shown(name: str) -> None:
    """What is demanded is described, and stands in the example.

    In the platform's events nothing is: its documentation marks no field as always present, and
    its samples lack what its tables list.
    """
    data = kind(name).data
    assert ("required" in data) == (name in OPERATIONAL)
    assert set(data.get("required", ())) <= data["properties"].keys()
    assert set(data.get("required", ())) <= kind(name).example["data"].keys()


@pytest.mark.parametrize("name", NAMES)
def test_facts_around_the_schema(name: str) -> None:
    """Family, trigger, source, invented paths and enrichment points are filled in and agree."""
    event_type = kind(name)
    assert event_type.family in FAMILIES
    assert event_type.trigger[0].isupper() and event_type.trigger.endswith(".")
    if name in OPERATIONAL:
        page = (FOLDER.parents[2] / event_type.source.url).read_text("utf-8")
        assert f"\n### {event_type.source.section}\n" in page
    else:
        assert event_type.source.url.startswith("https://docs.capillarytech.com/docs/")
    declared = {path for path, _ in walk(event_type.schema)}
    points = event_type.enrichment
    for path in (*points.customer_identifiers, *points.till_store):  # may be empty: some need none
        assert path in declared, path
    assert set(event_type.search_paths) - declared <= {event_type.key}
    assert set(event_type.pii_paths) <= declared
    for path in event_type.invented:  # may be empty: of most nothing is invented
        value: Any = event_type.example
        for step in () if path == "*" else steps(path):
            value = value[step]
        assert value


def test_wire_quirks_are_kept_and_marked() -> None:
    """Misspellings, decimal texts and twin fields stay as the wire has them, and say so."""
    adjusted = kind("manualPointsAdjustment").data["properties"]["totalPoinstDeducted"]
    assert adjusted["type"] == ["string", "null"] and "x-quirk" in adjusted
    identifiers = kind("pointsIssued").schema["properties"]["data"]["properties"][
        "customerIdentifiers"
    ]["properties"]
    assert "toabao" in identifiers and "taobao" not in identifiers
    target = kind("targetValueAchieved").data["properties"]["achievedTargetValue"]
    assert target["type"] == ["string", "null"] and target["x-quirk"] == "Decimal number as text."
    for name in NAMES:
        for path, node in walk(kind(name).schema):
            if path.endswith("InMillis"):
                twin = path.rsplit(".", 1)[-1].removesuffix("InMillis")
                assert node["type"] == ["integer", "null"] and node["x-twin-of"] == twin


def test_the_older_name_of_the_alternate_currencies_is_accepted_and_marked() -> None:
    """Captures of 2026 settle which of the two names is sent; older samples have the other one."""
    for name, list_name in (
        ("alternateCurrenciesIssued", "alternateCurrenciesIssuedData"),
        ("issuedAlternateCurrenciesReversed", "alternateCurrenciesReversedData"),
    ):
        properties = kind(name).data["properties"]
        assert "x-quirk" not in properties[list_name]
        assert list_name in properties["alternateCurrencies"]["x-quirk"]
        assert list_name in kind(name).example["data"]


def test_reference_that_is_text_or_number_is_accepted_as_both() -> None:
    """issueRewardFailure's transactionId is text in the schema page and a number in the sample."""
    example = json.loads(json.dumps(kind("issueRewardFailure").example))
    reward = example["data"]["erroredSteps"][0]["rewards"][0]
    for value in ("90551", 90551):
        reward["transactionId"] = value
        assert CATALOGUE.check("issueRewardFailure", example) == []
    reward["transactionId"] = 1.5
    assert [p.path for p in CATALOGUE.check("issueRewardFailure", example)] == [
        "data.erroredSteps[0].rewards[0].transactionId"
    ]


def test_event_of_no_published_sample_says_that_all_is_invented() -> None:
    """communicationMessageUndelivered has only a schema: its example is marked as invented."""
    assert kind("communicationMessageUndelivered").invented == ("*",)


def test_shared_blocks_are_written_once() -> None:
    """No type file spells out a block that several types share."""
    blocks = {p.stem: json.loads(p.read_text()) for p in (FOLDER / "shared").glob("*.json")}
    assert len(blocks) == 12
    for name in NAMES:
        for path, node in walk(kind(name).data):
            for block, body in blocks.items():
                if len(body.get("properties", {})) > 2:
                    same = node.get("properties", {}).keys() == body["properties"].keys()
                    assert not same, (name, path, block)


def test_personal_data_is_marked() -> None:
    """Mobile, e-mail, names and cards are marked wherever customers are named."""
    added = kind("customerAdded")
    for path in (
        "data.firstName",
        "data.lastName",
        "data.customFields",
        "data.customerIdentifiers.instore.mobile",
        "data.customerIdentifiers.instore.cardNumbers[]",
        "data.customerIdentifiers.wechat.accounts[].identifiers[].identifierValue",
    ):
        assert path in added.pii_paths
    assert "data.cardNumber" in kind("cardUpdated").pii_paths
    assert marked(added.schema, "x-pii") == added.pii_paths


def test_files_point_to_nothing_outside() -> None:
    """The catalogue stands alone: its addresses are public documentation or made up."""
    for path in FOLDER.rglob("*.json"):
        for address in re.findall(r"(?:https?://|\.\./)\S*", path.read_text()):
            public = address.startswith("https://docs.capillarytech.com/docs/")
            assert public or ".example.test/" in address, (path, address)
