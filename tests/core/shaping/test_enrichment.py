"""Enrichment: each event type becomes its enriched example, and nothing else changes."""

import copy
from typing import Any

import msgspec
import pytest

from tests.core.shaping.enrichment_oracle import blocks
from tidings.catalogue import load
from tidings.catalogue.schema import walk
from tidings.catalogue.spellings import with_twins
from tidings.core.exact_json import read_exactly, write_exactly
from tidings.core.shaping.enrichment import NOTHING, EnrichmentSettings, enrichment_of, idle_wishes
from tidings.core.shaping.enrichment_plan import Plan
from tidings.core.shaping.record import EnrichmentRecord

CATALOGUE = load()
NAMES = CATALOGUE.names()
ALL = EnrichmentSettings(
    till=True, store=True, sources=("instore",), cards=True, awards=True, balance=True
)


def kind(name: str) -> Any:
    found = CATALOGUE.get(name)
    assert found is not None
    return found


def thinned(name: str, example: Any) -> tuple[Any, dict[tuple[str, str], Any]]:
    """An enriched example without what enrichment adds, and the records that it was added from."""
    event, points = copy.deepcopy(example), kind(name).enrichment
    records: dict[tuple[str, str], Any] = {}
    for path in points.customer_identifiers:
        for block in blocks(event, path):
            if "instore" in block:
                records[("customers", str(block["customerId"]))] = block.pop("instore")
    for path in points.till_store:
        for actor in blocks(event, path):
            if "till" in actor:
                till, store = actor.pop("till"), actor.pop("store")
                records[("tills", str(actor["id"]))] = till | {"storeId": f"of-{actor['id']}"}
                records[("stores", f"of-{actor['id']}")] = store
    return event, records


def enriched(plan: Plan, event: Any, records: dict[tuple[str, str], Any]) -> Any:
    """As the enricher does it; decoded, and the event itself where nothing was added."""

    def find(kind: str, id: str) -> EnrichmentRecord | None:
        fields = records.get((kind, id))
        return None if fields is None else EnrichmentRecord(msgspec.json.encode(fields))

    made = plan.fill(event, find)
    return event if made is event else msgspec.json.decode(write_exactly(made))


def asked(plan: Plan, event: Any) -> list[tuple[str, str]]:
    """The records that an event takes, each once."""
    keys: dict[tuple[str, str], None] = {}
    plan.fill(event, lambda kind, id: keys.setdefault((kind, id)))
    return list(keys)


@pytest.mark.parametrize("name", NAMES)
def test_every_example_is_made_from_its_thin_form_to_the_byte(name: str) -> None:
    """The 65 types and the 11 later ones, each example; also the order of the fields."""
    plan = Plan(kind(name).enrichment, ALL)
    for example in kind(name).examples:
        thin, records = thinned(name, example)
        before = copy.deepcopy(thin)
        assert bool(records) == (thin != example)
        made = enriched(plan, thin, records)
        assert made == example
        assert msgspec.json.encode(made) == msgspec.json.encode(example)
        assert thin == before, "the given event must stay as it was"
        assert CATALOGUE.check(name, made) == []


@pytest.mark.parametrize("name", NAMES)
def test_without_records_and_without_wishes_the_event_goes_as_it_is(name: str) -> None:
    thin, records = thinned(name, kind(name).example)
    assert enriched(Plan(kind(name).enrichment, ALL), thin, {}) is thin
    nothing = Plan(kind(name).enrichment, NOTHING)
    assert nothing.empty and asked(nothing, thin) == []
    assert enriched(nothing, thin, records) is thin


@pytest.mark.parametrize("name", NAMES)
def test_every_block_of_the_schema_is_an_enrichment_point(name: str) -> None:
    """No block of a customer or an actor is forgotten, and no point leads elsewhere."""
    found: dict[str, set[str]] = {"customers": set(), "actors": set()}
    for path, node in walk(kind(name).schema):
        fields = node.get("properties", {})
        if "instore" in fields and "customerId" in fields:
            found["customers"].add(path)
        if "till" in fields and "store" in fields:
            found["actors"].add(path)
    points = kind(name).enrichment
    assert found["customers"] == set(points.customer_identifiers)
    # An older form of an actor may be declared too; it follows from its twin.
    assert set(points.till_store) <= found["actors"] <= set(with_twins(points.till_store))


POINTS = kind("pointsIssued").enrichment
EVENT: dict[str, Any] = {
    "eventName": "pointsIssued",
    "loyaltyEventId": "L-1",
    "data": {
        "customerIdentifiers": {"customerId": 7},
        "triggeringActivity": {"enteredBy": {"id": 5031}},
        "regularPointsBreakup": [{"points": 1}, {"points": 2}],
        "promotionalPointsIssued": [{"promotionPoints": 3}],
    },
}
TILL = {("tills", "5031"): {"code": "t", "storeId": 9}, ("stores", "9"): {"name": "Harbour"}}


def customer(wanted: EnrichmentSettings, record: Any, block: Any = None) -> Any:
    event = {"data": {"customerIdentifiers": block or {"customerId": 7}}}
    made = enriched(Plan(POINTS, wanted), event, {("customers", "7"): record})
    return made["data"]["customerIdentifiers"]


def test_instore_yields_what_is_known_and_cards_only_when_asked_for() -> None:
    record = {"mobile": "1", "externalId": "E", "cardNumbers": ["9"], "pointsBalance": 3}
    instore = EnrichmentSettings(sources=("instore",))
    assert customer(instore, record)["instore"] == {"mobile": "1", "externalId": "E"}
    cards = EnrichmentSettings(sources=("wechat",), cards=True)
    assert customer(cards, record)["instore"] == {"cardNumbers": ["9"]}
    assert "instore" not in customer(instore, {"pointsBalance": 3})
    assert not EnrichmentSettings(cards=True).any, "cards take a source"
    assert customer(EnrichmentSettings(cards=True), record) == {"customerId": 7}


def test_sources_come_as_blocks_of_their_own_and_only_those_asked_for() -> None:
    record = {
        "sources": {
            "wechat": {"accounts": [{"accountId": "a", "identifiers": []}]},
            "web_engage": {"accounts": []},
        }
    }
    made = customer(EnrichmentSettings(sources=("wechat", "line")), record)
    assert made == {"customerId": 7, "wechat": record["sources"]["wechat"]}


def test_what_the_event_says_itself_wins() -> None:
    record = {"mobile": "other", "email": "a@example.test", "sources": {"wechat": {"accounts": []}}}
    held = {"customerId": 7, "instore": {"mobile": "held"}, "wechat": {"held": 1}}
    made = customer(EnrichmentSettings(sources=("instore", "wechat")), record, held)
    assert made["instore"] == {"mobile": "held", "email": "a@example.test"}
    assert made["wechat"] == {"held": 1}
    odd = {"customerId": 7, "instore": "text"}
    assert customer(EnrichmentSettings(sources=("instore",)), record, odd)["instore"] == "text"


def test_till_and_store_are_separate_wishes() -> None:
    def actor(wanted: EnrichmentSettings) -> Any:
        made = enriched(Plan(POINTS, wanted), EVENT, TILL)
        return made["data"]["triggeringActivity"]["enteredBy"]

    assert actor(EnrichmentSettings(till=True)) == {"id": 5031, "till": {"code": "t", "name": ""}}
    store = dict(code="", name="Harbour", externalId="", externalId1="", externalId2="")
    assert actor(EnrichmentSettings(store=True)) == {"id": 5031, "store": store}


def test_an_id_beside_a_user_is_no_till() -> None:
    event = {"data": {"triggeringActivity": {"enteredBy": {"id": 5031, "user": {"username": "x"}}}}}
    plan = Plan(POINTS, EnrichmentSettings(till=True))
    assert asked(plan, event) == []
    assert enriched(plan, event, TILL) is event


def test_awards_give_each_slice_its_reference_and_the_behavioural_event() -> None:
    award = {
        "awardedReferenceIds": {"regularPointsBreakup": [71, 72, 73]},
        "behavioralEventAttributes": {"event_name": "walk"},
    }
    made = enriched(
        Plan(POINTS, EnrichmentSettings(awards=True)), EVENT, {("awards", "L-1"): award}
    )
    data = made["data"]
    assert [row["awardedReferenceId"] for row in data["regularPointsBreakup"]] == [71, 72]
    assert "awardedReferenceId" not in data["promotionalPointsIssued"][0]
    assert data["behavioralEventAttributes"] == {"event_name": "walk"}


def test_the_balance_comes_with_its_capital_letter_and_to_two_types_only() -> None:
    with_balance = {name for name in NAMES if kind(name).enrichment.available_points_balance}
    assert with_balance == {"pointsIssued", "pointsRedeemed"}
    assert {n for n in NAMES if kind(n).enrichment.awarded_reference} == {"pointsIssued"}
    balance = {("balances", "7"): {"pointsBalance": 0}}
    made = enriched(Plan(POINTS, EnrichmentSettings(balance=True)), EVENT, balance)
    assert made["data"]["AvailablePointsBalance"] == 0


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"data": None},
        {"data": []},
        {"data": {"customerIdentifiers": None, "triggeringActivity": []}},
        {"data": {"customerIdentifiers": {"customerId": {"a": 1}}}},
        {"data": {"customerIdentifiers": {"customerId": True}}},
        {"data": {"triggeringActivity": {"enteredBy": {"id": None}}}},
        {"loyaltyEventId": None, "data": {"regularPointsBreakup": "x"}},
    ],
)
def test_an_event_of_another_shape_goes_as_it_is(event: dict[str, Any]) -> None:
    """Types can be unchecked: whatever stands where a block should be is left alone."""
    assert enriched(Plan(POINTS, ALL), event, TILL) is event


def test_an_id_is_found_however_its_number_was_written() -> None:
    wanted = Plan(POINTS, EnrichmentSettings(sources=("instore",)))
    for written in ("7", "7.0", "0.7e1", '"7"'):
        body = b'{"data":{"customerIdentifiers":{"customerId":%b}}}' % written.encode()
        for event in (read_exactly(body), msgspec.json.decode(body)):
            assert asked(wanted, event) == [("customers", "7")], written
    made = enriched(wanted, read_exactly(body), {("customers", "7"): {"mobile": "1"}})
    assert b'"customerId":"7","instore":{"mobile":"1"}' in write_exactly(made)


def test_a_coupon_for_each_customer_is_looked_up_once() -> None:
    coupons = [{"customerIdentifiers": {"customerId": n % 3}} for n in range(9)]
    event = {"data": {"coupons": [*coupons, "odd", {"customerIdentifiers": []}]}}
    plan = Plan(kind("IssueBulkCoupon").enrichment, EnrichmentSettings(sources=("instore",)))
    assert asked(plan, event) == [
        ("customers", "0"),
        ("customers", "1"),
        ("customers", "2"),
    ]
    made = enriched(plan, event, {("customers", "1"): {"mobile": "1"}})
    assert [("instore" in c["customerIdentifiers"]) for c in made["data"]["coupons"][:3]] == [
        False,
        True,
        False,
    ]


def raw(**fields: Any) -> dict[str, msgspec.Raw]:
    return {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in fields.items()}


def test_the_fields_of_a_webhook_become_its_wishes() -> None:
    fields = raw(
        tillDetailsEnrichmentEnabled=True,
        storeDetailsEnrichmentEnabled=False,
        customerIdentifiersToBeEnriched=["WeChat", "WebEngage", "Instore", "wechat", "Nowhere"],
        cardNumberEnrichmentEnabled=True,
        enrichmentWhenDown="wait",
    )
    asked = enrichment_of(fields)
    assert asked.till and not asked.store and asked.cards and asked.wait and asked.any
    assert asked.sources == ("wechat", "web_engage", "instore")
    assert enrichment_of({}) is NOTHING and not NOTHING.any


def test_a_wish_that_adds_nothing_is_told() -> None:
    fields = raw(customerIdentifiersToBeEnriched=["Tiktok"], cardNumberEnrichmentEnabled=True)
    codes = [code for code, _, _ in idle_wishes(fields)]
    assert codes == ["unknown_source", "cards_without_source"]
    assert list(idle_wishes(raw(customerIdentifiersToBeEnriched=["Instore"]))) == []
