"""Ordering keys and search values: the right ones, as text, each once, and bounded."""

from typing import Any

import pytest

from tidings.catalogue import load
from tidings.catalogue.paths import MAX_TEXT, MAX_VALUES, getter, steps, text_of

CATALOGUE = load()
KEYS = {
    "pointsIssued": "data.customerIdentifiers.customerId",
    "groupMemberAdded": "data.groupId",
    "pointsContributionToGroup": "data.groupId",
    "cardUpdated": "data.cardNumber",
    "rewardCreated": "data.rewardId",
    "promotionCreated": "data.promotionId",
    "requestWorkflowEvent": "data.requestId",
    "loyaltyCustomerMerge": "data.survivorCustomerIdentifiers.customerId",
    "CouponIssue": "data.coupons[0].customerIdentifiers.customerId",
    "IssueBulkCoupon": "data.series_info.id",
    "updateRewardTransaction": "data.transactionUpdates[0].customerId",
}


@pytest.mark.parametrize(("name", "path"), KEYS.items())
def test_key_is_that_of_the_subject(name: str, path: str) -> None:
    """The customer by default; else the group, card, reward, promotion or request."""
    found = CATALOGUE.get(name)
    assert found is not None and found.key == path


def test_key_is_text_whatever_its_type() -> None:
    """Whole numbers and texts give the same key; anything else gives none."""
    same = [(41, "41"), (41.0, "41"), ("41", "41")]
    for value, key in (*same, ("", None), (True, None), (4.5, None)):
        event = {"data": {"customerIdentifiers": {"customerId": value}}}
        assert CATALOGUE.key_of("pointsIssued", event) == key


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"data": None},
        {"data": []},
        {"data": "text"},
        {"data": {"customerIdentifiers": 3}},
        {"data": {"customerIdentifiers": {"customerId": {}}}},
    ],
)
def test_event_without_the_key_has_none(event: dict[str, object]) -> None:
    """A missing or odd way to the key is no key, and no exception."""
    assert CATALOGUE.key_of("pointsIssued", event) is None
    assert CATALOGUE.search_values("pointsIssued", event) == []


def test_bill_is_found_by_customer_identifiers_and_bill_number() -> None:
    """Enriched and thin identifiers, all cards and the bill number; a value twice is given once."""
    event = {
        "data": {
            "billNumber": "INV-1",
            "customerIdentifiers": {
                "customerId": 41,
                "mobile": "15550100",
                "instore": {
                    "mobile": "15550100",
                    "email": "a@example.test",
                    "externalId": "EXT-1",
                    "cardnumber": "600",
                    "cardNumbers": ["600", "601", 602, None, "", {}],
                },
            },
        }
    }
    values = CATALOGUE.search_values("transactionAdded", event)
    assert sorted(values) == sorted(
        ["41", "15550100", "a@example.test", "EXT-1", "600", "601", "602", "INV-1"]
    )


def test_merge_is_found_by_both_customers() -> None:
    """Every customer that an event names finds it, in lists too."""
    merge = CATALOGUE.get("loyaltyCustomerMerge")
    assert merge is not None
    data = merge.example["data"]
    values = CATALOGUE.search_values("loyaltyCustomerMerge", merge.example)
    for side in ("survivorCustomerIdentifiers", "victimCustomerIdentifiers"):
        assert str(data[side]["customerId"]) in values
    bulk = CATALOGUE.get("IssueBulkCoupon")
    assert bulk is not None
    values = CATALOGUE.search_values("IssueBulkCoupon", bulk.example)
    assert {"41200777", "41200778", "CPN7X3", "CPN7X4", "55120"} <= set(values)


def test_values_of_a_bulk_event_are_bounded() -> None:
    """A bulk event cannot make thousands of search rows."""
    coupons = [{"code": f"C{i}", "customerIdentifiers": {"customerId": i}} for i in range(5_000)]
    event = {"data": {"series_info": {"id": 9}, "coupons": coupons}}
    values = CATALOGUE.search_values("IssueBulkCoupon", event)
    assert len(values) == MAX_VALUES == len(set(values))
    assert "9" in values


def test_texts_that_cannot_be_identifiers_are_left_out() -> None:
    """Empty and very long texts, huge numbers, fractions, booleans and blocks are left out."""
    assert text_of("x" * MAX_TEXT) == "x" * MAX_TEXT
    no_text: list[Any] = [
        "",
        "x" * (MAX_TEXT + 1),
        2**20_000,
        1.5,
        float("inf"),
        True,
        None,
        [],
        {},
    ]
    for value in no_text:
        assert text_of(value) is None


def test_what_an_event_is_found_by_names_every_item_and_each_path_once() -> None:
    """A key is of the first item of a list; what is searched for is of all of them."""
    for kind in CATALOGUE.kinds():
        assert not [path for path in kind.search_paths if "[0]" in path], kind.label
        assert len(set(kind.search_paths)) == len(kind.search_paths), kind.label
        assert kind.key.replace("[0]", "[]") in kind.search_paths, kind.label


def test_paths_are_read_as_steps() -> None:
    """Names, fixed items and every item."""
    assert steps("a.b_c[0].d[].e") == ("a", "b_c", 0, "d", -1, "e")
    with pytest.raises(ValueError, match="must name one value"):
        getter("a[].b")
