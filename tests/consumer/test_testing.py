"""The helpers for tests of handlers: requests as the sender makes them."""

import pytest

from tests.consumer.receiving import NAME
from tidings.catalogue import load
from tidings.catalogue.ordering import key_getter
from tidings_consumer import Event, SignatureError, TimestampError, verify
from tidings_consumer.ordering import ordering_key
from tidings_consumer.testing import (
    SECRET,
    UnknownExample,
    example,
    forged,
    late,
    repeated,
    signed,
)

NAMES = load().names()


@pytest.mark.parametrize("name", NAMES)
def test_every_type_has_an_example_that_is_verified_and_ordered_as_by_the_sender(
    name: str,
) -> None:
    event = verify(*signed(example(name)), SECRET)
    kind = load().get(name)
    assert kind is not None and event.payload in kind.examples
    key = key_getter(kind)(event.payload)
    ours = ordering_key(event)
    if event.name != name:  # on the wire it is named as another type, whose key it has here
        assert name == "IssueBulkCoupon" and ours is not None
        return
    assert ours == (None if key is None else f"{event.payload.get('orgId', '')}:{key}")


def test_an_example_is_a_copy_to_change() -> None:
    example(NAME)["data"].clear()
    assert example(NAME)["data"]
    with pytest.raises(UnknownExample):
        example("noSuchType")


def test_a_repeat_has_the_same_id_and_bytes_and_the_next_attempt() -> None:
    first = signed(example(NAME))
    second = repeated(first)
    assert second.body == first.body
    one, two = verify(*first, SECRET), verify(*second, SECRET)
    assert one.id == two.id and (one.attempt, two.attempt) == (1, 2)
    assert two.sent_at == (one.sent_at or 0) + 5


def test_what_is_forged_or_late_is_refused() -> None:
    good = signed(example(NAME))
    with pytest.raises(SignatureError):
        verify(*forged(good), SECRET)
    with pytest.raises(TimestampError):
        verify(*late(good), SECRET)


def test_a_groups_number_is_no_customers() -> None:
    def key(entity: object) -> str | None:
        payload = {"orgId": 7, "data": {"entityInformation": entity}}
        return ordering_key(Event("e", NAME, payload, b""))

    assert key({"entityType": "USER", "entityId": 5}) == "7:5"
    assert key({"entityType": "group", "entityId": 5}) == "7:GROUP 5"
    odds: tuple[object, ...] = (
        None,
        {},
        [],
        {"entityType": 5, "entityId": 5},
        {"entityType": "GROUP"},
    )
    for odd in odds:
        assert key(odd) is None
