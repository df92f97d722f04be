"""What an answer means: every status, every kind of fault, and everything in `Retry-After`."""

import random
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings.core.delivery.exchange import (
    Ending,
    FaultKind,
    ReceiverAnswer,
    TransportFault,
    of_fault,
)
from tidings.core.delivery.outcome import (
    LANE_PAUSE_MAX_S,
    Cancelled,
    Delivered,
    Failed,
    Outcome,
    Retry,
    classify,
)
from tidings.core.delivery.retry_policy import DEFAULT_POLICY, RetryPolicy
from tidings.core.delivery.schedule import WINDOW_S
from tidings.core.delivery.statuses import retry_after_s, status_meaning
from tidings.core.delivery.waits import GRACE_S, NotYet, WaitReason, WaitsFor
from tidings.destinations.http.verdicts import judge

NOW_S = 1_700_000_000.0  # 2023-11-14T22:13:20Z
DAY_S = 86_400.0

# Written out, so that a change of the table is a change here: "+" delivered, "-" failed at once,
# "x" failed and disabled, "s" retry and slow down, "." retry. Rows of twenty from 100.
STATUSES = {
    100: "....................",
    120: "....................",
    140: "....................",
    160: "....................",
    180: "....................",
    200: "++++++++++++++++++++",
    220: "++++++++++++++++++++",
    240: "++++++++++++++++++++",
    260: "++++++++++++++++++++",
    280: "++++++++++++++++++++",
    300: "....................",
    320: "....................",
    340: "....................",
    360: "....................",
    380: "....................",
    400: "-....--...x-.---....",
    420: "..-......s.-........",
    440: "....................",
    460: "....................",
    480: "....................",
    500: ".-sss-..............",
    520: "....................",
    540: "....................",
    560: "....................",
    580: "....................",
}
MEANINGS = {
    first + offset: sign for first, row in STATUSES.items() for offset, sign in enumerate(row)
} | {0: ".", 99: ".", 600: ".", 999: ".", 1000: ".", -1: "."}


def answer(status: int, *headers: tuple[str, str]) -> ReceiverAnswer:
    """A head with this status."""
    return ReceiverAnswer(status, headers, b"", False, 1.0)


def judged(ending: Ending, policy: RetryPolicy = DEFAULT_POLICY, age_s: float = 0.0) -> Outcome:
    """What follows the first attempt."""
    return classify(judge(ending, policy, lambda: NOW_S), policy, 1, age_s, random.Random(1))


def test_the_table_has_every_status() -> None:
    assert set(range(100, 600)) <= set(MEANINGS)


@pytest.mark.parametrize("status", MEANINGS)
def test_a_status_means_what_the_table_says(status: int) -> None:
    outcome, meaning = judged(answer(status)), MEANINGS[status]
    match meaning:
        case "+":
            assert outcome == Delivered()
        case "-" | "x":
            assert outcome == Failed(exhausted=False, disable=meaning == "x")
        case _:
            assert isinstance(outcome, Retry)
            assert (outcome.slow, outcome.ours) == (meaning == "s", False)
            assert 4 <= outcome.delay_s <= 6


def test_the_body_of_an_answer_decides_nothing() -> None:
    assert judged(ReceiverAnswer(200, (), b'{"error":"no"}', True, 1.0)) == Delivered()


OURS = {FaultKind.OURS, FaultKind.STALE, FaultKind.LEASE}
NEVER_AGAIN = {FaultKind.TRANSFORM, FaultKind.SKIPPED, FaultKind.WAITS}


@pytest.mark.parametrize("kind", sorted(set(FaultKind) - NEVER_AGAIN))
def test_a_fault_is_tried_again_and_ours_is_not_the_receivers(kind: FaultKind) -> None:
    for sent in (False, True):
        outcome = judged(TransportFault(kind, sent, "", 1.0))
        assert isinstance(outcome, Retry)
        assert outcome.ours is (kind in OURS)
        assert outcome.slow is (kind in {FaultKind.TIMEOUT, FaultKind.CONNECT_TIMEOUT})


def test_what_is_needless_is_cancelled_at_any_age() -> None:
    for age_s in (0.0, WINDOW_S):
        needless = TransportFault(FaultKind.SKIPPED, False, "The customer has opted out.", 0.0)
        assert judged(needless, age_s=age_s) == Cancelled()


def test_what_would_be_tried_again_fails_when_the_window_is_over() -> None:
    over = Failed(exhausted=True)
    faults = [TransportFault(kind, False, "", 1.0) for kind in set(FaultKind) - NEVER_AGAIN]
    endings: list[Ending] = [*map(answer, MEANINGS), *faults]
    for ending in endings:
        early = judged(ending)
        assert judged(ending, age_s=WINDOW_S) == (over if isinstance(early, Retry) else early)


def test_a_message_that_cannot_be_made_fails_at_once() -> None:
    assert judged(TransportFault(FaultKind.TRANSFORM, False, "", 1.0)) == Failed(exhausted=False)


def test_a_policy_that_holds_keeps_what_is_refused_until_its_window_ends() -> None:
    policy, rng = RetryPolicy(hold_on_failure=True), random.Random(1)
    refused = ReceiverAnswer(400, (), b"", False, 1.0)
    assert classify(judge(refused, policy, lambda: 0.0), policy, 1, 100.0, rng) == Retry(
        WINDOW_S - 100.0, waits_for_owner=True
    )
    assert classify(judge(refused, policy, lambda: 0.0), policy, 2, WINDOW_S, rng) == Failed(
        exhausted=False
    )
    gone = ReceiverAnswer(410, (), b"", False, 1.0)
    assert classify(judge(gone, policy, lambda: 0.0), policy, 1, 0.0, rng) == Failed(
        exhausted=False, disable=True
    )
    unmade = TransportFault(FaultKind.TRANSFORM, False, "", 1.0)
    assert classify(of_fault(unmade), policy, 1, 100.0, rng) == Retry(
        WINDOW_S - 100.0, waits_for_owner=True
    )
    assert classify(of_fault(unmade), policy, 2, WINDOW_S, rng) == Failed(exhausted=False)


def test_a_webhooks_policy_turns_refusals_into_retries_and_back() -> None:
    policy = RetryPolicy(retry_also=frozenset({400, 410}), fail_also=frozenset({404, 503}))
    assert isinstance(judged(answer(400), policy), Retry)
    assert isinstance(judged(answer(410), policy), Retry)
    assert judged(answer(404), policy) == Failed(exhausted=False)
    assert judged(answer(503), policy) == Failed(exhausted=False)
    assert judged(answer(422), policy) == Failed(exhausted=False)
    assert isinstance(judged(answer(500), policy), Retry)


@given(status=st.integers(200, 299), statuses=st.frozensets(st.integers(100, 599)))
def test_no_policy_makes_a_success_anything_else(status: int, statuses: frozenset[int]) -> None:
    assert (
        status_meaning(status, RetryPolicy(retry_also=statuses, fail_also=statuses)) == "delivered"
    )


WISHES = {
    "0": 0.0,
    "1": 1.0,
    "120": 120.0,
    " 120\t": 120.0,
    "007": 7.0,
    "0000000000120": 120.0,
    "Tue, 14 Nov 2023 22:14:20 GMT": 60.0,
    "Tue, 14 Nov 2023 22:14:20 +0000": 60.0,
    "Tue, 14 Nov 2023 22:14:20 -0000": 60.0,
    "Tue, 14 Nov 2023 23:14:20 +0100": 60.0,
    "Tuesday, 14-Nov-23 22:14:20 GMT": 60.0,  # the old forms of RFC 9110 are GMT too
    "Tue Nov 14 22:14:20 2023": 60.0,
    "Tue, 14 Nov 2023 22:13:20 GMT": 0.0,
    "Tue, 14 Nov 2000 22:13:20 GMT": 0.0,
    "Thu, 01 Jan 1970 00:00:00 GMT": 0.0,
}
NONSENSE = [
    "",
    " ",
    "-1",
    "-0",
    "+5",
    "1.5",
    "1e3",
    "1_000",
    "nan",
    "NaN",
    "inf",
    "-inf",
    "Infinity",
    "1e300",
    "0x10",
    "soon",
    "later, please",
    "Tue, 99 Nov 2023 22:14:20 GMT",
    "Tue, 14 Nov 99999 22:14:20 GMT",
    "Tue, 14 Nov 2023 25:61:61 GMT",
    "Tue, 14 Nov 2023 22:14:20 +9999999999",
    "\u0661\u0662",
    "²",
    "12\x00",
    ",",
    "5, 10",
]


@pytest.fixture(params=["UTC", "Asia/Kolkata", "America/New_York"])
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The machine's time zone, which must not matter."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("zone")
@pytest.mark.parametrize(("text", "seconds"), WISHES.items())
def test_retry_after_is_read_as_seconds_or_a_date(text: str, seconds: float) -> None:
    assert retry_after_s((("Retry-After", text),), NOW_S) == seconds


@pytest.mark.parametrize("text", NONSENSE)
def test_retry_after_that_says_nothing_is_as_none(text: str) -> None:
    assert retry_after_s((("retry-after", text),), NOW_S) is None
    outcome = judged(answer(500, ("Retry-After", text)))
    assert isinstance(outcome, Retry) and 4 <= outcome.delay_s <= 6 and not outcome.slow


@pytest.mark.parametrize("text", ["9" * 40, "9" * 9, "86401", "9" * 5000])
def test_a_wish_beyond_a_day_is_a_day(text: str) -> None:
    outcome = judged(answer(503, ("RETRY-AFTER", text)))
    assert outcome == Retry(delay_s=DAY_S, slow=True, deferred=True, lane_pause_s=LANE_PAUSE_MAX_S)


def test_a_date_far_away_is_a_day() -> None:
    outcome = judged(answer(503, ("Retry-After", "Fri, 31 Dec 9999 23:59:59 GMT")))
    assert outcome == Retry(delay_s=DAY_S, slow=True, deferred=True, lane_pause_s=LANE_PAUSE_MAX_S)


def test_of_two_headers_the_first_counts() -> None:
    two = (("X", "1"), ("Retry-After", "60"), ("retry-after", "7200"))
    assert retry_after_s(two, NOW_S) == 60
    assert retry_after_s((("Retry-After", "soon"), ("Retry-After", "60")), NOW_S) is None
    assert retry_after_s((), NOW_S) is None


@pytest.mark.parametrize("status", [301, 404, 408, 425, 429, 500, 502, 503, 504])
def test_a_wish_slows_the_lane_and_delays_any_retry(status: int) -> None:
    outcome = judged(answer(status, ("Retry-After", "600")))
    # Of an answer that speaks of the whole receiver, the whole lane waits; for a while at most.
    held_s = LANE_PAUSE_MAX_S if status in (429, 503) else 0.0
    assert outcome == Retry(delay_s=600, slow=True, deferred=True, lane_pause_s=held_s)


@pytest.mark.parametrize("status", [200, 400, 410])
def test_a_wish_changes_nothing_where_nothing_is_tried_again(status: int) -> None:
    assert judged(answer(status, ("Retry-After", "600"))) == judged(answer(status))


@given(value=st.text(max_size=60) | st.from_regex(r"\w{3}, \d+ \w{3} \d+ [\d:]+ .{0,8}"))
def test_nothing_in_the_header_raises_or_waits_longer_than_a_day(value: str) -> None:
    outcome = judged(answer(503, ("Retry-After", value)))
    assert isinstance(outcome, Retry) and 0 < outcome.delay_s <= DAY_S


WAIT_S = 7 * 3600.0


@pytest.mark.parametrize("reason", sorted(set(WaitReason) - {WaitReason.NEEDS}))
@pytest.mark.parametrize(
    ("age_s", "delay_s"), [(0.0, WAIT_S), (WINDOW_S - 60, 60.0), (WINDOW_S, None)]
)
def test_what_waits_for_a_time_comes_when_it_is_due_and_at_the_end_of_its_window_at_last(
    reason: WaitReason, age_s: float, delay_s: float | None
) -> None:
    not_yet = NotYet(WaitsFor(reason, "It is not time yet."), WAIT_S)
    assert not_yet.delay_s(WINDOW_S, age_s) == delay_s


@pytest.mark.parametrize(
    ("age_s", "delay_s"),
    [
        (0.0, WAIT_S),
        (WINDOW_S - 60, GRACE_S + 60),
        (WINDOW_S, GRACE_S),
        (WINDOW_S + GRACE_S - 1, 1.0),
        (WINDOW_S + GRACE_S, None),
    ],
)
def test_what_waits_for_another_sees_the_last_attempt_of_that_one(
    age_s: float, delay_s: float | None
) -> None:
    not_yet = NotYet(WaitsFor(WaitReason.NEEDS, "It waits for mail.", "mail"), WAIT_S)
    assert not_yet.delay_s(WINDOW_S, age_s) == delay_s
