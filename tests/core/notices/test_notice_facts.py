"""Operational events: one batch a minute at most, one event a fact, and words for people."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.notices.webhooks import webhook
from tidings.catalogue import load
from tidings.core.ids import DeliveryId, OrgId
from tidings.core.notices.emails import email
from tidings.core.notices.facts import (
    EVERY_S,
    NAMED_MAX,
    DeliveryEnd,
    NoticeBatches,
    exhausted,
    is_notice,
    merged,
    notice,
)
from tidings.core.notices.operational_events import EXHAUSTED, FAILING, KINDS, failing, recovered

SUBJECTS = ("webHookName", "sourceName", "replayId", "lookUp", "connection")
MOMENTS = st.lists(
    st.tuples(st.floats(0, 30), st.integers(1, 3)), max_size=60
)  # seconds since the one before, and at which webhook


@given(moments=MOMENTS)
def test_a_webhook_is_told_of_at_most_once_a_minute_and_nothing_is_lost(
    moments: list[tuple[float, int]],
) -> None:
    gathering, now, told = NoticeBatches(), 0.0, list[tuple[float, int, int]]()
    for passed, number in moments:
        now += passed
        gathering.add(webhook(number), DeliveryEnd(int(now * 1000), "400", DeliveryId(1), "e"))
        told += [
            (now, notice_batch.webhook.number, notice_batch.failed)
            for notice_batch in gathering.due(now)
        ]
    while (wait := gathering.wait_s(now)) is not None:
        now += wait
        told += [
            (now, notice_batch.webhook.number, notice_batch.failed)
            for notice_batch in gathering.due(now + 1e-9)
        ]
    for number in (1, 2, 3):
        at = [when for when, count, _ in told if count == number]
        assert all(b - a >= EVERY_S - 1e-6 for a, b in zip(at, at[1:], strict=False))
        count = sum(failed for _, count, failed in told if count == number)
        assert count == sum(1 for _, moment in moments if moment == number)


def test_of_many_ended_deliveries_ten_are_named_and_all_are_counted() -> None:
    gathering = NoticeBatches()
    for number in range(40):
        gathering.add(webhook(), DeliveryEnd(number, "400", DeliveryId(number), f"e{number}"))
    [batch] = gathering.due(0.0)
    fact = exhausted(batch)
    assert (fact["count"], fact["from"], fact["to"]) == (40, 0, 39)
    assert fact["eventIds"] == [f"e{number}" for number in range(NAMED_MAX)]
    assert len(fact["deliveryIds"]) == NAMED_MAX


def test_what_was_told_long_ago_is_forgotten() -> None:
    gathering = NoticeBatches()
    for number in range(1, 500):
        gathering.add(webhook(number), DeliveryEnd(0, "400"))
    assert len(gathering.due(0.0)) == 499
    gathering.add(webhook(1), DeliveryEnd(0, "400"))
    gathering.due(10 * EVERY_S)
    assert len(gathering._logged_s) == 1


def test_the_same_fact_is_the_same_event_and_another_is_another() -> None:
    def id_of(since: int, percent: int, now: int, org: int = 7) -> str:
        return notice(
            FAILING, OrgId(org), failing(webhook(), percent, since, 9, 3, "503"), now
        ).event_id

    assert id_of(5, 50, 100) == id_of(5, 50, 200)
    assert len({id_of(5, 50, 1), id_of(5, 70, 1), id_of(6, 50, 1), id_of(5, 50, 1, org=8)}) == 4


def test_what_ended_is_counted_by_how_and_told_with_its_last_known_cause() -> None:
    gathering = NoticeBatches()
    for delivery_end in (
        DeliveryEnd(5, "400", DeliveryId(1), "e1"),
        DeliveryEnd(9, "", parked=3),
        DeliveryEnd(7, "", DeliveryId(2), "e2"),
    ):
        gathering.add(webhook(), delivery_end)
    [batch] = gathering.due(0.0)
    fact = exhausted(batch)
    assert (fact["count"], fact["failed"], fact["parked"]) == (5, 2, 3)
    assert (fact["from"], fact["to"], fact["cause"]) == (5, 9, "400")


def test_two_facts_of_ended_deliveries_are_one_letter_of_both() -> None:
    def fact(first: int, at_ms: int, cause: str, parked: int) -> dict[str, Any]:
        gathering = NoticeBatches()
        for number in range(first, first + 6):
            gathering.add(
                webhook(), DeliveryEnd(at_ms + number, cause, DeliveryId(number), f"e{number}")
            )
        gathering.add(webhook(), DeliveryEnd(at_ms, "", parked=parked))
        [batch] = gathering.due(0.0)
        return exhausted(batch)

    both = merged(fact(1, 1000, "503", 2), fact(7, 2000, "", 3))
    assert (both["count"], both["failed"], both["parked"]) == (17, 12, 5)
    assert (both["from"], both["to"]) == (1001, 2012)
    assert both["cause"] == "503", "the last one that is known"
    assert both["eventIds"] == [f"e{number}" for number in range(1, NAMED_MAX + 1)]
    assert len(both["deliveryIds"]) == NAMED_MAX
    assert merged(fact(1, 1000, "503", 2), fact(7, 2000, "timeout", 3))["cause"] == "timeout"


def test_a_recovery_says_for_how_many_seconds_it_failed() -> None:
    fact = recovered(webhook(), 10_000, 3_610_999)
    assert (fact["failedForInSeconds"], fact["recoveredAt"]) == (3600, 3_610_999)
    assert recovered(webhook(), 10_000, 5_000)["failedForInSeconds"] == 0


def test_a_notice_is_known_by_its_bytes_and_nothing_else_is() -> None:
    made = notice(FAILING, OrgId(7), failing(webhook(), 50, 5, 9, 3, "503"), 100)
    assert is_notice(made.body) and msgspec.json.decode(made.body) == made.event
    assert not is_notice(b'{"eventName":"pointsIssued","data":{"eventName":"tidings.x"}}')
    assert not is_notice(b"")


def test_a_fact_names_the_host_alone() -> None:
    fact = failing(webhook(), 50, 5, 9, 3, "503")
    assert fact["host"] == "crm.example.test" and "hush" not in str(fact)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_can_be_read_by_a_person(kind: str) -> None:
    found = load().get(kind)
    assert found is not None
    fact = found.example["data"]
    words = email(kind, OrgId(2001), fact)
    assert "\n" not in words.subject and len(words.subject) < 100
    subject = next(fact[subject] for subject in SUBJECTS if subject in fact)
    assert subject in words.subject
    assert kind in words.text and "2001" in words.text
    assert "None" not in words.text


def test_a_letter_on_one_ended_delivery_speaks_of_one() -> None:
    found = load().get(EXHAUSTED)
    assert found is not None
    fact = dict(found.example["data"]) | {"count": 1, "failed": 1, "cause": ""}
    words = email(EXHAUSTED, OrgId(1), fact)
    assert words.subject.endswith("1 delivery has ended without success")
    assert "the last result was not recorded" in words.text
