"""The story adds up, for a reader who has nothing but its events; and that reader can fail."""

import ast
import random
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from tests.depth import share
from tests.pace import cpu_s, slowness
from tests.simulator.audit import Finding, audit
from tests.simulator.audit_reading import Event, Json
from tests.simulator.corruptions import CORRUPTIONS, named, weekday
from tidings.simulator import programme, simulate

ORG, EVENTS, SHORT = 2001, 20_000, 6_000
AUDIT_S = 6.0  # of 20,000 events on the reference machine; it takes about one


def play(seed: int, events: int, customers: int = 60) -> list[Json]:
    return [
        happening.event for happening in islice(simulate(ORG, seed, customers=customers), events)
    ]


@pytest.fixture(scope="module")
def story() -> list[Json]:
    return play(20, EVENTS)


@pytest.fixture(scope="module")
def short(story: list[Json]) -> list[Json]:
    return story[:SHORT]


# -- it adds up ------------------------------------------------------------------------------------


def test_nothing_in_a_long_story_contradicts_what_was_said_before(story: list[Json]) -> None:
    found: list[Finding] = []
    took = cpu_s(lambda: found.extend(audit(story)))
    assert found == []
    assert took < AUDIT_S * slowness()


@pytest.mark.parametrize(
    ("seed", "customers"), [(1, 60), (2, 60), (3, 12), (4, 3), (5, 200), (6, 1_000)]
)
def test_nothing_in_other_stories_does(seed: int, customers: int) -> None:
    assert list(audit(play(seed, 3_000, customers))) == []


def test_lifetime_points_never_fall_but_by_a_return(story: list[Json]) -> None:
    lifetime: dict[int | None, float] = {}
    for event in map(Event, story):
        if "programLifetimePoints" in event.data:
            now = event.data["programLifetimePoints"]
            fell = now < lifetime.get(event.customer, 0.0)
            assert not fell or event.name == "issuedPointsReversed"
            lifetime[event.customer] = now


# -- all of it occurs ------------------------------------------------------------------------------


def test_most_events_name_a_customer_by_id_alone_and_some_under_instore(story: list[Json]) -> None:
    blocks = [row["data"].get("customerIdentifiers") for row in story]
    used = Counter("instore" in block for block in blocks if block)
    assert 0.1 < used[True] / used.total() < 0.5


def test_groups_own_points_that_members_gave_and_their_events_name_no_customer(
    story: list[Json],
) -> None:
    owned = [Event(row) for row in story if Event(row).group is not None]
    assert {event.name for event in owned} >= {
        "pointsRedeemed",
        "pointsExpired",
        "pointsExpiryReminder",
    }
    assert all("customerIdentifiers" not in event.data for event in owned)
    gave = {event.data["groupId"] for event in named(story, "pointsContributionToGroup")}
    assert {event.group for event in owned} <= gave


def test_what_has_no_value_is_null_now_and_then(story: list[Json]) -> None:
    places: Counter[str] = Counter()
    holding = 0
    for row in story:
        nulls = list(_nulls(row["data"], row["eventName"]))
        places.update(nulls)
        holding += bool(nulls)
    assert 0.05 < holding / len(story) < 0.4
    assert len(places) > 30


def _nulls(node: Any, path: str) -> Iterator[str]:
    if node is None:
        yield path
    elif isinstance(node, dict):
        for name, value in node.items():
            yield from _nulls(value, f"{path}.{name}")
    elif isinstance(node, list):
        for value in node:
            yield from _nulls(value, path)


def test_every_tier_earns_at_its_own_rate(story: list[Json]) -> None:
    tier: dict[int | None, int] = {}
    amounts: dict[str, float] = {}
    rates: dict[int, set[float]] = {1: set(), 2: set(), 3: set()}
    for event in map(Event, story):
        data = event.data
        match event.name:
            case "transactionAdded":
                amounts[str(data["transactionId"])] = data["amount"]
            case "pointsIssued" if amount := amounts.get(event.cause_id("billId") or ""):
                if not data["promisedPointsIssued"] and amount > 2_000:
                    held = tier.get(event.customer, 1)
                    rates[held].add(round(data["regularPointsIssued"] / amount * 20, 2))
            case "tierUpgraded":
                tier[event.customer] = data["upgradedTierNumber"]
            case "tierDowngraded":
                tier[event.customer] = data["downgradedTierNumber"]
            case "loyaltyCustomerMerge":
                who = data["survivorCustomerIdentifiers"]["customerId"]
                tier[who] = data["survivorCustomerLoyaltySummary"][0]["tierNumber"]
            case _:
                pass
    assert [max(rates[number]) for number in (1, 2, 3)] == [1.0, 1.25, 1.5]


def test_bills_are_refused_as_duplicates_returned_and_paid_by_points(story: list[Json]) -> None:
    reasons = Counter(
        event.data["rejectionDetails"][0]["rejectionReason"]
        for event in named(story, "transactionRejected")
    )
    assert reasons["DUPLICATE_BILL_NUMBER"] > 20 and reasons["UNKNOWN_ITEM"] > 20
    states = Counter(
        event.data["rejectionType"] for event in named(story, "rejectedTransactionRetrigger")
    )
    assert states["FIXED"] > 10 and states["OPEN"] > 10
    counts = Counter(row["eventName"] for row in story)
    for name in ("issuedPointsReversed", "redeemedPointsReversed", "cartPromotionRedeemed"):
        assert counts[name] > 10, name
    fell = [
        event for event in named(story, "targetAchievedValueUpdated") if event.cause == "ReturnBill"
    ]
    assert len(fell) > 20
    days = Counter(
        weekday(event) == programme.store_of(event.data["enteredBy"]["id"]).closed
        for event in named(story, "transactionAdded")
    )
    assert 0 < days[True] < 0.04 * days.total()


# -- it can fail -----------------------------------------------------------------------------------


@pytest.mark.parametrize("label", share(list(CORRUPTIONS), 0, 2))  # the deep run takes all
def test_a_corruption_is_found(short: list[Json], label: str) -> None:
    rule, corruption = CORRUPTIONS[label]
    found = audit(corruption(short, random.Random(label)))
    assert any(finding.rule == rule for finding in found)


def test_every_rule_has_a_corruption_that_it_finds() -> None:
    rules = set()
    for path in Path(__file__).parent.glob("audit*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Yield) and isinstance(node.value, ast.Tuple):
                rule = node.value.elts[0]
                if isinstance(rule, ast.Constant) and len(node.value.elts) == 2:
                    rules.add(rule.value)
    assert rules == {rule for rule, _ in CORRUPTIONS.values()}


def test_the_reader_is_told_the_programme_and_knows_nothing_else_of_the_simulator() -> None:
    for path in Path(__file__).parent.glob("audit*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tidings"):
                names = {f"{node.module}.{name.name}" for name in node.names}
                told = node.module == "tidings.simulator.programme"
                assert told or names == {"tidings.simulator.programme"}, (path.name, names)
