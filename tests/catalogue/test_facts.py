"""Every event type says what a reader asks first, and says no more than the record does."""

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.catalogue import versioned
from tidings.catalogue import load, read
from tidings.catalogue.facts import (
    CAUTIONS,
    PRODUCTS,
    key_meaning,
    missing,
    raised_by,
    reference_meaning,
)
from tidings.catalogue.loader import HERE, raw_blocks
from tidings.catalogue.schema import CatalogueError

CATALOGUE = load()
NAMES = CATALOGUE.names()
SAMPLES = [
    (load["eventName"], load["event"])
    for load in json.loads((Path(__file__).parent / "published-samples.json").read_text("utf-8"))[
        "samples"
    ]
]
ACTIVITIES = raw_blocks(HERE)["shared/triggeringActivity.json"]["properties"]["name"]["examples"]
# What a reader asks of a shop, and the type that answers.
ASKED = {
    "spends points": "pointsRedeemed",
    "earns points": "pointsIssued",
    "buys something": "transactionAdded",
    "joins": "customerAdded",
    "uses a coupon": "CouponRedeem",
    "moves up a tier": "tierUpgraded",
    "gets a reward": "rewardIssued",
}
WATCHED = ("customerIdentifiers", "entityInformation", "triggeringActivity")


def kind(name: str) -> Any:
    found = CATALOGUE.get(name)
    assert found is not None
    return found


@pytest.mark.parametrize("name", NAMES)
def test_a_type_says_which_product_raises_it_and_what_has_happened(name: str) -> None:
    one = kind(name)
    assert one.product in PRODUCTS and one.product != "own"
    assert (one.product == "tidings") == (one.family == "operational")
    assert re.fullmatch(r"[A-Z][^.]{5,70}", one.plainly), one.plainly


def test_no_two_types_say_the_same_has_happened() -> None:
    assert len({kind(name).plainly for name in NAMES}) == len(NAMES)


def test_a_reader_finds_a_type_by_what_has_happened() -> None:
    for words, name in ASKED.items():
        assert kind(name).plainly.endswith(words)


def test_some_types_say_each_of_it() -> None:
    kinds = [kind(name) for name in NAMES]
    assert any(fact.not_raised for fact in kinds) and any(fact.beware for fact in kinds)
    assert any(missing(fact) for fact in kinds) and any(raised_by(fact) for fact in kinds)


@pytest.mark.parametrize("name", NAMES)
def test_what_it_says_can_be_read(name: str) -> None:
    one = kind(name)
    for said in (*one.not_raised, *one.beware, *missing(one)):  # may be empty: seen above of some
        assert said[0].isupper() or said[0] == "`", said
        assert said.endswith((".", "?")) and "$" not in said, said
    for _, said in raised_by(one):  # may be empty: seen above of some
        assert (said[0].isupper() or said[0] == "`") and not said.endswith("."), said
    assert "{" not in reference_meaning(one) and "_" not in reference_meaning(one)
    assert "in order" in key_meaning(one) and key_meaning(one).startswith("the ")


@pytest.mark.parametrize("name", NAMES)
def test_an_activity_is_one_that_the_platform_is_known_to_name(name: str) -> None:
    assert set(kind(name).causes.activities) <= set(ACTIVITIES)


def named_in(node: Any) -> Iterator[str]:
    """The activities of a sample; a name that was taken out of it stands as its digest."""
    digests = {hashlib.sha256(name.encode()).hexdigest()[:6]: name for name in ACTIVITIES}
    if isinstance(node, list):
        for row in node:
            yield from named_in(row)
    elif isinstance(node, dict):
        activity = node.get("triggeringActivity")
        if isinstance(activity, dict):
            said = str(activity.get("name"))
            found = digests.get(said.removeprefix("Sample "), said)
            if found in ACTIVITIES:
                yield found
        for row in node.values():
            yield from named_in(row)


def test_every_activity_of_a_published_sample_is_among_the_causes() -> None:
    for name, event in SAMPLES:
        if name in NAMES:
            assert set(named_in(event)) <= set(kind(name).causes.activities), name


@pytest.mark.parametrize("name", NAMES)
def test_what_published_samples_lack_is_told_and_nothing_else(name: str) -> None:
    events = [event for sampled, event in SAMPLES if sampled == name]
    declared = kind(name).data["properties"]
    lacked = [
        element
        for element in ("eventId", "loyaltyEventId")
        if any(element not in e for e in events)
    ]
    lacked += [
        f"data.{text}"
        for text in WATCHED
        if text in declared and any(text not in event.get("data", {}) for event in events)
    ]
    assert kind(name).absent_in_samples == tuple(lacked)


@pytest.mark.parametrize("name", ["pointsRedeemed", "pointsExpired", "pointsIssued"])
def test_what_a_group_owns_names_no_customer(name: str) -> None:
    [told] = [said for said in missing(kind(name)) if "USERGROUP2" in said]
    assert ("inferred" in told) == (name == "pointsIssued")


def test_where_the_record_is_silent_nothing_is_said() -> None:
    assert raised_by(kind("cartPromotionRevoked")) == []
    assert reference_meaning(kind("cartPromotionRevoked")) == "not documented"


def test_a_reference_of_several_forms_says_when_it_is_which() -> None:
    told = reference_meaning(kind("partnerProgramUpdated"))
    assert told == (
        "the org's id and the loyalty engine's id of the activity; "
        "the org's id and the id of the API request when it is renewed"
    )


def test_automated_issuance_is_told_with_every_type_that_it_may_leave_out() -> None:
    told = {name for name in NAMES if CAUTIONS["automated"] in kind(name).not_raised}
    assert told == {"pointsIssued", "CouponIssue", "IssueBulkCoupon"}


def test_a_product_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    file = versioned.first() | {"product": "pints"}
    folder = versioned.write(tmp_path, groupCreated=file)
    with pytest.raises(CatalogueError, match="groupCreated.json: product must be one of customers"):
        read(folder)
