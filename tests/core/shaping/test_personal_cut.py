"""The cut that takes personal data out of events: what never leaves, and what stays."""

import copy
import json
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidings.catalogue import EventType, envelope, load
from tidings.catalogue.spellings import SOURCES
from tidings.catalogue.thin import thin
from tidings.core.events.personal import PersonalData
from tidings.core.exact_json import read_exactly, write_exactly
from tidings.core.shaping.personal_cut import PersonalCut

from .personal_events import SECRET, Json, filled, leaves, opens, secrets

PUBLISHED = Path(__file__).parents[2] / "catalogue" / "published-samples.json"
KINDS = load().kinds()
CUTS = {kind.label: PersonalCut(kind.schema) for kind in KINDS}
UNKNOWN = PersonalCut(envelope())
# Names that an event may bring besides: near what is known, and what nobody declares.
NAMES = (
    "mobile Mobile MOBILE email Email firstName firstname first_name phone cardNumber cardnumber "
    "externalId customerName address ip birthday user username note extra extendedFields value "
    "instore Instore INSTORE facebook WeChat customerIdentifiers CustomerIdentifiers accounts"
).split()


def cut(kind: EventType, event: Json) -> Json:
    """As the shape step does it: read, cut, written."""
    before = copy.deepcopy(event)
    read = read_exactly(msgspec.json.encode(event))
    made: Json = json.loads(write_exactly(CUTS[kind.label].apply(read)))
    assert event == before
    return made


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.label)
def test_all_that_is_declared_and_not_marked_stays_and_nothing_that_is_marked(
    kind: EventType,
) -> None:
    event = filled(kind)
    made = cut(kind, event)
    assert not secrets(made)
    assert opens(made) == opens(event)
    assert secrets(event) or not kind.pii_paths


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.label)
def test_no_value_at_a_marked_place_of_an_example_leaves_enriched_or_thin(kind: EventType) -> None:
    personal = PersonalData(kind.schema)
    for example in kind.examples:
        for event in (example, thin(kind, example)):
            made = cut(kind, event)
            for way, _ in leaves(made):
                assert not _marked(personal, way), way
            for name in ("eventId", "eventName", "orgId", "createdAt"):
                assert made.get(name) == event.get(name)
            assert customers(made) == customers(event)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.label)
def test_what_is_left_of_an_example_is_as_its_type_says_still(kind: EventType) -> None:
    """A receiver's own check, and the models that we give it, hold for it too."""
    for example in kind.examples:
        assert load().check(kind.name, cut(kind, example)) == []


def test_no_value_at_a_marked_place_of_a_published_sample_leaves() -> None:
    samples = json.loads(PUBLISHED.read_bytes())["samples"]
    cut_ones = 0
    for sample in samples:
        kind = load().get(sample["eventName"])
        if kind is None or not isinstance(sample["event"].get("data"), dict):
            continue
        personal, event = PersonalData(kind.schema), sample["event"]
        made = cut(kind, event)
        assert not [way for way, _ in leaves(made) if _marked(personal, way)]
        cut_ones += any(_marked(personal, way) for way, _ in leaves(event))
    assert cut_ones > 20


def _marked(personal: PersonalData, way: tuple[str | int, ...]) -> bool:
    """Whether the place is marked, or one above it is."""
    *_, (_, inside, _) = personal._walk(way)
    return inside


def customers(event: Any) -> list[int]:
    """The ids of customers in an event, in order."""
    return [
        leaf for way, leaf in leaves(event) if way[-1:] == ("customerId",) and type(leaf) is int
    ]


SCALARS = st.one_of(
    st.just(SECRET + "text"), st.just(777_123_456), st.just(777.125), st.booleans(), st.none()
)
NESTED = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from((*NAMES, SECRET + "name")), inner, max_size=3),
    ),
    max_leaves=8,
)
BLOCKS = NESTED.filter(lambda value: isinstance(value, dict | list))


@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_nothing_that_a_sender_adds_or_puts_in_the_place_of_something_else_leaves(
    data: st.DataObject,
) -> None:
    kind = data.draw(st.sampled_from(KINDS))
    event = filled(kind) if data.draw(st.booleans()) else copy.deepcopy(kind.example)
    for _ in range(data.draw(st.integers(1, 6))):
        blocks = [event, *(value for value in inside(event) if isinstance(value, dict))]
        block = data.draw(st.sampled_from(blocks))
        if data.draw(st.booleans()):
            name = data.draw(st.sampled_from(NAMES))
            if name not in block:  # a field that is known may hold what its schema says
                block[name] = data.draw(NESTED)
        elif block:
            name = data.draw(st.sampled_from(sorted(block)))
            block[name] = data.draw(BLOCKS)
    if not isinstance(event.get("data"), dict):
        event["data"] = {}
    allowed = declared_scalars(kind)
    for way in secrets(cut(kind, event)):
        assert tuple(step for step in way if isinstance(step, str)) in allowed, way
    assert not secrets(json.loads(write_exactly(UNKNOWN.apply(event | {"eventName": "nobody"}))))


def inside(value: Any) -> list[Any]:
    """A value's inner values, all of them."""
    inner = list(value.values()) if isinstance(value, dict) else value
    found = []
    for row in inner if isinstance(inner, list) else []:
        found += [row, *inside(row)]
    return found


def declared_scalars(kind: EventType) -> set[tuple[str, ...]]:
    """Where a scalar may stand by the schema without a mark: a list of them may be put there, with
    the same names on the way. Sources stand under every name that the tests use for them."""
    found: set[tuple[str, ...]] = set()

    def walk(node: Json, way: tuple[str, ...]) -> None:
        if node.get("x-pii"):
            return
        if not node.keys() & {"properties", "items", "additionalProperties"}:
            found.add(way)
        for name, inner in node.get("properties", {}).items():
            spelt = [other for other in NAMES if SOURCES.get(other.lower()) == name]
            for row in {name, *(spelt if name in SOURCES.values() else ())}:
                walk(inner, (*way, row))
        if isinstance(node.get("items"), dict):
            walk(node["items"], way)

    walk(kind.schema, ())
    return found


# -- what events bring, in bytes ------------------------------------------------------------------


def cut_bytes(name: str, body: bytes) -> bytes:
    return write_exactly(CUTS[name].apply(read_exactly(body)))


def test_values_stay_as_they_were_written() -> None:
    body = (
        b'{"eventName":"transactionAdded","data":{"amount":86.50,"discount":9.80E+2,'
        b'"grossAmount":-0.0,"transactionId":123456789012345678901234567890,"billNumber":null,'
        b'"customerIdentifiers":{"customerId":7,"mobile":"91","loyaltyType":"LOYALTY"}}}'
    )
    assert cut_bytes("transactionAdded", body) == body.replace(b'"mobile":"91",', b"")


def test_names_that_are_escaped_or_come_twice_hide_nothing() -> None:
    body = (
        rb'{"eventName":"customerAdded","data":{"first\u004eame":"sec-1","data":{"a":"sec-2"},'
        rb'"customerIdentifiers":{"mobi\u006ce":"sec-3","customerId":7,"INSTORE":{"mobile":"sec-4",'
        rb'"id":8},"inst\u006fre":{"email":"sec-5"}},"loyaltyType":"a","loyaltyType":"b",'
        rb'"customerIdentifiers ":{"mobile":"sec-6"}}}'
    )
    assert json.loads(cut_bytes("customerAdded", body)) == {
        "eventName": "customerAdded",
        "data": {
            "customerIdentifiers": {"customerId": 7, "INSTORE": {"id": 8}, "instore": {}},
            "loyaltyType": "b",
        },
    }


@pytest.mark.parametrize("spelt", ["Instore", "INSTORE", "inStore"])
def test_a_source_is_cut_in_every_spelling(spelt: str) -> None:
    block = {"customerId": 7, spelt: {"mobile": "sec-1", "cardNumbers": ["sec-2"], "id": 8}}
    event = {"eventName": "customerAdded", "data": {"customerIdentifiers": block}}
    made = cut(_kind("customerAdded"), event)
    assert made["data"]["customerIdentifiers"] == {"customerId": 7, spelt: {"id": 8}}


def _kind(name: str) -> EventType:
    kind = load().get(name)
    assert kind is not None
    return kind


def test_what_enrichment_has_written_as_json_is_read_and_cut() -> None:
    event = read_exactly(msgspec.json.encode(_kind("pointsIssued").example))
    instore = msgspec.Raw(b' {"mobile":"sec-1","id":8, "cardNumbers":["sec-2"]}')
    event["data"]["customerIdentifiers"] = {"customerId": 7, "instore": instore}
    event["data"]["AvailablePointsBalance"] = msgspec.Raw(b"410.50")
    event["data"]["regularPointsBreakup"] = [
        {"awardedReferenceId": msgspec.Raw(b'"r-1"')},
        {"awardedReferenceId": msgspec.Raw(b'{"mobile":"sec-3"}')},
        {"awardedReferenceId": msgspec.Raw(b'["sec-4"]')},
    ]
    event["data"]["behavioralEventAttributes"] = msgspec.Raw(
        b'{"identifier_value":"sec-5","event_name":"visit","x":{"y":"sec-6"}}'
    )
    made = json.loads(write_exactly(CUTS["pointsIssued"].apply(event)))
    assert not secrets(made)
    data = made["data"]
    assert data["customerIdentifiers"] == {"customerId": 7, "instore": {"id": 8}}
    assert data["AvailablePointsBalance"] == 410.5
    assert data["regularPointsBreakup"] == [
        {"awardedReferenceId": "r-1"},
        {"awardedReferenceId": {}},
        {},
    ]
    assert data["behavioralEventAttributes"] == {"event_name": "visit"}


def test_an_event_of_a_type_that_nobody_knows_keeps_its_envelope_and_its_customers_id() -> None:
    event = {
        "eventName": "gone", "eventId": "e-1", "orgId": 7, "refId": "7_1", "createdAt": 5,
        "mobile": "sec-1", "traceAttributes": {"x-user": "sec-2"},
        "data": {
            "name": "sec-3", "customerIdentifiers": {"customerId": 7, "mobile": "sec-4"},
            "oldCustomerIdentifiers": {"customerId": "sec-5"}, "lines": [{"email": "sec-6"}],
        },
    }  # fmt: skip
    assert UNKNOWN.apply(event) == {
        "eventName": "gone", "eventId": "e-1", "orgId": 7, "refId": "7_1", "createdAt": 5,
        "traceAttributes": {},
        "data": {"customerIdentifiers": {"customerId": 7}, "oldCustomerIdentifiers": {}},
    }  # fmt: skip


def test_a_huge_event_takes_time_in_proportion_to_its_size() -> None:
    def seconds(items: int) -> float:
        pair = {"key": "k", "value": "v", "mobile": "sec-1"}
        activity = {"name": "n", "identifiers": [pair] * items}
        odd = {f"field{at}": "sec-2" for at in range(items)}
        data = {"triggeringActivity": activity, "customerIdentifiers": odd, **odd}
        event = {"eventName": "pointsIssued", "data": data}
        best = float("inf")
        for _ in range(5):
            began = time.process_time()
            made = CUTS["pointsIssued"].apply(event)
            best = min(best, time.process_time() - began)
        assert not secrets(made)
        assert len(made["data"]["triggeringActivity"]["identifiers"]) == items
        return best

    assert seconds(40_000) < 40 * seconds(4_000)
