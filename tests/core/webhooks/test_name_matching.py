"""Who hears an event: by its name, by a second name, by a prefix; one rule for all who ask."""

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from tidings.core.webhooks.name_matching import (
    BULK,
    SINGLE,
    STORED_BULK,
    both_ask,
    hears,
    is_prefix,
    name_query,
    names_of,
    prefixes_of,
    stored_name,
    stored_name_of_type,
    unheard_names,
    wire_name,
)

Json = dict[str, Any]
FILE = Path(__file__).parents[2] / "catalogue" / "published-samples.json"
SAMPLES = json.loads(FILE.read_text("utf-8"))["samples"]
ONE, TWO = [{"id": 7}], [{"id": 7}, {"id": 8}]


@pytest.mark.parametrize(
    ("event", "bulk"),
    [
        ({"data": {"coupons": TWO}}, True),
        ({"data": {"coupons": TWO}, "refId": "1_2_7:7"}, True),
        ({"data": {"coupons": ONE}, "refId": "1_2_7:8"}, True),
        ({"data": {}, "refId": "1_2_7:8"}, True),
        ({"data": {"coupons": ONE}, "refId": "1_2_7:7"}, False),
        ({"data": {"coupons": ONE}}, False),
        ({"data": {"coupons": ONE}, "refId": ""}, False),
        ({"data": {"coupons": ONE}, "refId": "1_2_7:"}, False),
        ({"data": {"coupons": ONE}, "refId": "a:b"}, False),
        ({"data": {"coupons": ONE, "issualType": "BULK"}}, False),
        ({"data": {"coupons": None}, "refId": None}, False),
        ({"data": {"coupons": {"0": 1, "1": 2}}, "refId": 12}, False),
        ({"data": None}, False),
        ({}, False),
    ],
)
def test_several_coupons_make_an_issue_a_bulk_one(event: Json, bulk: bool) -> None:
    assert stored_name(SINGLE, event) == (STORED_BULK if bulk else SINGLE)
    for other in (BULK, "CouponRedeem", "pointsIssued"):
        assert stored_name(other, event) == other


def test_the_published_samples_are_told_apart() -> None:
    told = {
        sample["event"]["refId"]: stored_name(SINGLE, sample["event"]) == STORED_BULK
        for sample in SAMPLES
        if sample["event"]["eventName"] == SINGLE
    }
    assert told == {
        "1231_353122_397759647:397759647": False,
        "LVTSUMPQX": False,
        "998_516557_1241056561:1241056570": True,
    }


def test_a_stored_name_says_what_is_on_the_wire_and_what_else_it_is_heard_as() -> None:
    assert (wire_name(STORED_BULK), list(names_of(STORED_BULK))) == (SINGLE, [SINGLE, BULK])
    assert (wire_name("a.b"), list(names_of("a.b"))) == ("a.b", ["a.b"])
    assert (stored_name_of_type(BULK), stored_name_of_type(SINGLE)) == (STORED_BULK, SINGLE)


@pytest.mark.parametrize(
    ("asked", "single", "bulk", "posted"),
    [
        ([SINGLE], True, True, False),
        ([BULK], False, True, True),
        ([SINGLE, BULK], True, True, True),
        (["Coupon*"], True, True, False),
        (["Issue*"], False, True, True),
        (["coupon*", "IssueBulkCoupons"], False, False, False),
    ],
)
def test_both_names_hear_a_bulk_issue_and_a_single_one_is_for_its_own(
    asked: list[str], single: bool, bulk: bool, posted: bool
) -> None:
    for kept, heard in ((SINGLE, single), (STORED_BULK, bulk), (BULK, posted)):
        assert hears(asked, kept) is heard
        assert name_query(asked).takes(kept) is heard


def test_a_prefix_is_signs_of_names_and_a_star_at_its_end() -> None:
    for good in ("com.example.*", "points*", "a*", "a:b-c_d.*", "x" * 127 + "*"):
        assert is_prefix(good), good
    for bad in ("*", "", "com.*.x", "com.example.**", "a b*", "[a]*", "x" * 128 + "*", "com"):
        assert not is_prefix(bad), bad
    assert prefixes_of(["b*", "a.*", "c", "*"]) == ("a.", "b")


def test_a_prefix_hears_every_name_that_begins_with_it() -> None:
    asked = ["com.example.*"]
    assert hears(asked, "com.example.x") and hears(asked, "com.example.")
    assert not hears(asked, "com.example") and not hears(asked, "com.examples.x")
    assert not hears(asked, "Com.example.x")
    assert hears(["points*"], "pointsIssued")


def test_what_two_ask_for_both_is_what_each_of_them_hears() -> None:
    """Tried over all pairs of two, against every event that they could hear."""
    parts = ["a.b", "a.*", "a.b.*", "c*", SINGLE, BULK, "Coupon*", "Issue*"]
    asks = [
        list(combination) for size in (1, 2) for combination in itertools.combinations(parts, size)
    ]
    events = ["a.b", "a.c", "a.b.c", "c", "d", SINGLE, BULK, STORED_BULK, "CouponRedeem", "Issued"]
    for row, other in itertools.product(asks, asks):
        both = both_ask(row, other)
        for kept in events:
            wanted = hears(row, kept) and hears(other, kept)
            assert name_query(both).takes(kept) is wanted, (row, other, kept, both)


def test_what_covers_no_known_type_is_told() -> None:
    known = {"pointsIssued": 1, "com.shop.packed": 2}
    asked = ["pointsIssued", "points*", "com.shop.*", "com.other.*", "x.y"]
    assert unheard_names(asked, known) == ["com.other.*", "x.y"]
