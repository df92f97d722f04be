"""What each answer means, and how long the next try waits."""

import json
import time
from email.utils import formatdate
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings_producer.answers import Answer, Later, Settled, Smaller, Verdict, judge
from tidings_producer.backoff import ASKED_MAX_S, BASE_S, CAP_S, Backoff

ACCEPTED = {"eventId": "a", "status": "accepted"}
WRONG = {"code": "unknown_type", "message": "It must be known.", "path": "eventName"}
REJECTED = {"eventId": "b", "status": "rejected", "error": WRONG}


def body(*rows: Any) -> bytes:
    return json.dumps({"accepted": 1, "events": list(rows)}).encode()


def test_each_event_has_its_verdict() -> None:
    known = {"eventId": "c", "status": "duplicate", "warning": "Other bytes."}
    found = judge(Answer(202, body(ACCEPTED, REJECTED, known)), ["a", "b", "c"])
    refused = Verdict(code="unknown_type", said="It must be known.", field="eventName")
    known_too = Verdict(duplicate=True, warning="Other bytes.")
    assert found == Settled([Verdict(), refused, known_too])
    assert judge(Answer(422, body(REJECTED)), ["b"]) == Settled([refused])


@pytest.mark.parametrize(
    "came",
    [
        b"",
        b"{",
        b"[]",
        b"<html>OK</html>",
        b'{"events": 5}',
        b"[" * 100_000,
        body(),
        body(ACCEPTED, ACCEPTED),
        body({"eventId": "b", "status": "accepted"}),
        body({"status": "accepted"}),
        body({"eventId": "b", "status": "rejected", "error": WRONG}),
        body(5),
        body({"status": "?"}),
        body({"status": "rejected"}),
        body({"status": "rejected", "error": {"code": "", "message": ""}}),
    ],
)
def test_what_says_nothing_of_the_event_is_no_promise(came: bytes) -> None:
    for status in (200, 202, 204, 422):
        assert isinstance(judge(Answer(status, came), ["a"]), Later)


@pytest.mark.parametrize(
    ("status", "mend"),
    [(401, True), (403, True), (404, True), (301, True), (400, True)]
    + [(408, False), (429, False), (500, False), (503, False), (502, False), (101, False)],
)
def test_what_is_tried_again_and_what_somebody_must_mend(status: int, mend: bool) -> None:
    found = judge(Answer(status, b"<html>A proxy says no</html>"), ["a", "b"])
    assert isinstance(found, Later) and found.mend is mend
    assert found.said.startswith(f"The service must answer 202 with 2 rows; got {status}")


def test_a_call_that_is_too_large_is_made_smaller_whoever_says_so() -> None:
    assert isinstance(judge(Answer(413, b"<html>nginx</html>"), ["a", "b"]), Smaller)
    said = json.dumps({"error": WRONG}).encode()
    found = judge(Answer(400, said), ["a", "b"])
    assert isinstance(found, Smaller) and found.alone.code == "unknown_type"


@given(st.integers(100, 599), st.binary() | st.text().map(str.encode), st.text() | st.none())
def test_no_answer_at_all_is_a_surprise(status: int, came: bytes, after: str | None) -> None:
    found = judge(Answer(status, came, after), ["a"])
    assert not isinstance(found, Settled)


def after(said: str) -> float:
    found = judge(Answer(503, b"", said), ["a"])
    assert isinstance(found, Later) and found.after_s is not None
    return found.after_s


def test_retry_after_is_read_in_both_forms() -> None:
    assert (after("7"), after(" 120 ")) == (7, 120)
    assert after("9" * 400) > ASKED_MAX_S
    assert 50 <= after(formatdate(time.time() + 60, usegmt=True)) <= 61
    assert after(formatdate(time.time() - 60, usegmt=True)) == 0


@pytest.mark.parametrize("said", [None, "", "-5", "soon", "1.5", "٣", "Mon, 99 Foo 2020"])
def test_what_is_no_retry_after_is_passed_over(said: str | None) -> None:
    found = judge(Answer(503, b"", said), ["a"])
    assert isinstance(found, Later) and found.after_s is None


def test_waits_are_drawn_up_to_a_bound_that_doubles() -> None:
    longest = Backoff(lambda: 1.0)
    waits = [longest.next_s(None) for _ in range(10)]
    assert waits == [min(CAP_S, BASE_S * 2**n) for n in range(10)]
    longest.success()
    assert longest.next_s(None) == BASE_S
    assert Backoff(lambda: 0.0).next_s(None) == 0.0
    drawn = Backoff()
    assert len({drawn.next_s(None) for _ in range(20)}) == 20


def test_what_the_service_asks_for_is_honoured_within_reason() -> None:
    assert Backoff(lambda: 0.0).next_s(7.0) == 7.0
    assert Backoff(lambda: 0.0).next_s(1e9) == ASKED_MAX_S
