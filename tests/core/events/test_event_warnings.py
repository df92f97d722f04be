"""What is doubtful in an event that is accepted: told, without its values, and never refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from tidings.catalogue import load
from tidings.catalogue.event_warnings import WARNINGS_MAX
from tidings.core.events.envelope import DAY_MS, time_warning

Json = dict[str, Any]
NOW_MS = 1_795_000_000_000
CATALOGUE = load()
FILE = Path(__file__).parents[2] / "catalogue" / "published-samples.json"
SAMPLES: list[Json] = json.loads(FILE.read_text("utf-8"))["samples"]
# Published samples that draw a warning: by their type and title, with the reason.
DOUBTED = {
    ("customerUpdated", "Enriched payload"): "createdAt is in seconds",
}


def warnings(name: str, event: Json) -> list[str]:
    versions = CATALOGUE.versions(name)
    found = [] if versions is None else list(versions[1].warnings(event))
    time = time_warning(event.get("createdAt"), NOW_MS)
    return found if time is None else [time, *found]


def example(name: str, **data: Any) -> Json:
    kind = CATALOGUE.get(name)
    assert kind is not None
    return {**kind.example, "data": {**kind.example["data"], **data}}


@pytest.mark.parametrize(
    ("created", "said"),
    [
        (1_770_801_300, "looks like seconds"),
        (1_770_801_300.5, "looks like seconds"),
        (-1, "is negative"),
        (NOW_MS + DAY_MS + 1, "more than a day in the future"),
        (NOW_MS * 1000, "microseconds"),
        (2**200, "microseconds"),
        (NOW_MS + DAY_MS, None),
        (1_770_801_300_412, None),
        (5, None),
        (0, None),
        (None, None),
        (True, None),
        ("1770801300", None),
    ],
)
def test_a_time_that_cannot_be_right_is_told(created: Any, said: str | None) -> None:
    told = time_warning(created, NOW_MS)
    assert told is None if said is None else (told is not None and said in told)


@pytest.mark.parametrize("block", [{}, None, {"customerId": None}, {"instore": {}}, {"mobile": ""}])
def test_an_event_that_names_no_customer_is_doubtful(block: Json | None) -> None:
    [told] = warnings("pointsIssued", example("pointsIssued", customerIdentifiers=block))
    assert told.startswith("data.customerIdentifiers should say whom the event is about")


def test_the_block_of_the_customer_may_be_missing_only_where_a_group_owns_the_event() -> None:
    event = example("pointsIssued")
    del event["data"]["customerIdentifiers"]
    assert len(warnings("pointsIssued", event)) == 1
    event["data"]["entityInformation"] = {"entityType": "USERGROUP2", "entityId": 7}
    assert warnings("pointsIssued", event) == []
    assert warnings("rewardCreated", example("rewardCreated")) == [], "it names no customer"


def test_a_customer_without_an_id_but_with_a_contact_is_none() -> None:
    event = example("pointsIssued", customerIdentifiers={"mobile": "15550100"})
    assert warnings("pointsIssued", event) == []


@pytest.mark.parametrize(
    ("name", "data", "place"),
    [
        ("pointsIssued", {"customerIdentifiers": {"customerId": ""}}, "customerIdentifiers"),
        ("transactionAdded", {"transactionId": ""}, "transactionId"),
        ("transactionAdded", {"billNumber": ""}, "billNumber"),
        ("CouponRedeem", {"coupon": {"code": ""}}, "coupon.code"),
        ("CouponIssue", {"coupons": [{"customerIdentifiers": {}}]}, "coupons[0].customerId"),
    ],
)
def test_an_empty_text_where_one_always_stands_is_told(name: str, data: Json, place: str) -> None:
    [told] = warnings(name, example(name, **data))
    assert f"data.{place}" in told


def test_texts_that_samples_show_empty_are_none() -> None:
    event = example("pointsRedeemed", redemptionBillNumber="", redemptionNotes="")
    event |= {"refId": "", "apiRequestId": "", "loyaltyEventId": ""}
    assert warnings("pointsRedeemed", event) == []


def test_a_few_are_told_and_no_value_is_repeated() -> None:
    coupons = [{"code": "SECRET", "customerIdentifiers": {}} for _ in range(50)]
    told = warnings("CouponIssue", example("CouponIssue", coupons=coupons))
    assert len(told) == WARNINGS_MAX and "SECRET" not in str(told)


@pytest.mark.parametrize("name", CATALOGUE.names())
def test_no_shape_of_data_makes_it_fail_and_no_example_is_doubtful(name: str) -> None:
    kind = CATALOGUE.get(name)
    assert kind is not None
    assert warnings(name, kind.example) == []
    of_other_kinds: list[Any] = [
        None,
        [],
        "x",
        {"customerIdentifiers": 1, "coupons": [None, 1, {}]},
        {"coupons": 1},
    ]
    for odd in of_other_kinds:
        warnings(name, {"eventName": name, "data": odd})
    warnings(name, {})


def test_hardly_a_published_sample_draws_a_warning() -> None:
    told = {
        (sample["eventName"], sample["title"]): found
        for sample in SAMPLES
        if (found := warnings(sample["eventName"], sample["event"]))
    }
    assert told.keys() == DOUBTED.keys(), told
    assert all(DOUBTED.values()), "each has its reason"
