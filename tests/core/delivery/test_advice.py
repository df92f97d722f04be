"""Advice: every state and every kind of ending has its words, with the time of the next try."""

from datetime import timedelta, timezone

import pytest

from tidings.core.delivery.advice import PastAttempt, advise, next_try, what_happened, what_to_do
from tidings.core.delivery.exchange import FaultKind
from tidings.core.delivery.next_attempt import BARRED, NextAttempt, Wait
from tidings.core.delivery.retry_policy import DEFAULT_POLICY, RetryPolicy
from tidings.core.delivery.schedule import WINDOW_S, Schedule
from tidings.core.delivery.states import State
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.ids import DeliveryId, show
from tidings.reads.delivery.retry import if_it_fails

WINDOW_MS = int(WINDOW_S * 1000)
NOON = 1_770_811_200_000  # 2026-02-11T12:00:00Z
BUSY = PastAttempt(503, None, "", 12)
REFUSED = PastAttempt(400, None, "", 3)


@pytest.mark.parametrize(
    ("left_ms", "words"),
    [
        (0, "Next try 12:00:00Z (now)."),
        (5_000, "Next try 12:00:05Z (in 5 s)."),
        (400, "Next try 12:00:00Z (in 1 s)."),
        (600_000, "Next try 12:10:00Z (in 10 min)."),
        (4 * 3_600_000, "Next try 16:00:00Z (in 4 h)."),
        (13 * 3_600_000, "Next try 2026-02-12T01:00:00Z (in 13 h)."),
    ],
)
def test_the_next_try_in_words(left_ms: int, words: str) -> None:
    assert next_try(NOON + left_ms, NOON) == words


def test_times_are_the_orgs_own() -> None:
    india = timezone(timedelta(hours=5, minutes=30), "IST")
    assert next_try(NOON + 5_000, NOON, india) == "Next try 17:30:05+05:30 (in 5 s)."


@pytest.mark.parametrize(
    ("state", "tried", "words"),
    [
        (State.PENDING, None, "It waits for its attempt."),
        (State.HELD, None, "It waits for another delivery with the same ordering key."),
        (
            State.RETRYING,
            BUSY,
            "The receiver answered 503 Service Unavailable after 12 ms. Next try 12:00:05Z (in "
            "5 s). The receiver is overloaded or stopped: check that it runs.",
        ),
        (
            State.DELIVERED,
            PastAttempt(200, None, "", 3),
            "The receiver answered 200 OK after 3 ms.",
        ),
        (
            State.FAILED,
            REFUSED,
            "The receiver answered 400 Bad Request after 3 ms. Tidings does not retry it: the "
            "receiver refuses this message for good. Compare the body with what the receiver "
            "expects; its answer may say more.",
        ),
        (
            State.FAILED,
            BUSY,
            "The receiver answered 503 Service Unavailable after 12 ms. It was the last try: the "
            "168 hours of its retries are over. The receiver is overloaded or stopped: check that "
            "it runs.",
        ),
        (
            State.PARKED,
            None,
            "It was parked: the 168 hours of its retries ended while it could not be sent. Replay "
            "it once its receiver is back.",
        ),
        (State.CANCELLED, None, "It was cancelled with its webhook."),
        (State.WAITING, None, "It is due now."),  # what it waited for is over
    ],
)
def test_each_state_in_words(state: State, tried: PastAttempt | None, words: str) -> None:
    due = NOON + 5_000 if state is State.RETRYING else None
    assert advise(state, tried, due_ms=due, now_ms=NOON, lasted_ms=WINDOW_MS + 3) == words


OVER = "hours of its retries"
FAILED_BY = [
    *(
        PastAttempt(status, None, "", 5)
        for status in (None, 200, 302, 400, 410, 422, 429, 500, 503)
    ),
    *(PastAttempt(None, kind.value, "It broke. Fix it.", 5) for kind in FaultKind),
    PastAttempt(503, None, "The topic is away. Ask the operator.", 5, http=False),
    PastAttempt(422, None, "The row is refused. Correct it.", 5, acts=True),
]


@pytest.mark.parametrize("acts", [False, True])
@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("standing", list(WebhookStatus))
def test_each_sentence_is_made_from_the_fact_that_it_names(
    state: State, standing: WebhookStatus, acts: bool
) -> None:
    """Every outcome × age × standing: the hours are over only where they are, a disabled webhook is
    named only where it is one, and nothing that an owner can mend is said to be past mending."""
    why = "It failed for eight days." if acts else None
    for tried in (None, *FAILED_BY):
        for lasted_ms in (None, 21_000, WINDOW_MS - 1, WINDOW_MS, WINDOW_MS + 9):
            told = advise(
                state,
                tried,
                due_ms=None,
                now_ms=NOON,
                status=standing,
                of_action=why,
                lasted_ms=lasted_ms if state.final else None,
            )
            over = state.final and lasted_ms is not None and lasted_ms >= WINDOW_MS
            assert OVER not in told or over, (tried, lasted_ms, told)
            assert "was disabled." not in told or standing is WebhookStatus.DISABLED
            assert "can only fail again" not in told
            if state is State.FAILED and tried is not None and tried.status in (503, None):
                assert "refuses this message for good" not in told


def test_a_delivery_that_was_parked_says_why_where_that_is_known() -> None:
    told = advise(State.PARKED, None, due_ms=None, now_ms=NOON, status=WebhookStatus.DISABLED)
    assert told == (
        "It was parked, because the webhook was disabled. Set the webhook active; new events are "
        "then sent."
    )
    told = advise(State.PARKED, BUSY, due_ms=None, now_ms=NOON, lasted_ms=WINDOW_MS)
    assert "the 168 hours of its retries ended while it could not be sent." in told
    told = advise(State.PARKED, None, due_ms=None, now_ms=NOON, lasted_ms=5_000)
    assert told == "It was parked: it waits to be replayed. Replay it once its receiver is back."


@pytest.mark.parametrize(
    ("promised", "age_ms", "words"),
    [
        (True, 9, "If it fails, the automatic attempt stays when it was due."),
        (False, 9, "If it fails and can be tried again, its retries go on by the schedule."),
        (False, WINDOW_MS, "The 168 hours of its retries are over: it has this one attempt."),
    ],
)
def test_what_follows_a_try_by_hand_hangs_on_its_age(
    promised: bool, age_ms: int, words: str
) -> None:
    assert if_it_fails(promised, age_ms, DEFAULT_POLICY) == words


def test_a_fault_says_first_what_happened_then_when_then_what_to_do() -> None:
    tried = PastAttempt(
        None,
        "reset",
        "The receiver closed the connection after 312 ms without an answer. If it goes on, raise "
        "its idle time-out.",
        312,
    )
    assert advise(State.RETRYING, tried, due_ms=NOON + 5_000, now_ms=NOON) == (
        "The receiver closed the connection after 312 ms without an answer. Next try 12:00:05Z "
        "(in 5 s). If it goes on, raise its idle time-out."
    )


def test_a_webhook_that_does_not_send_is_named_first_of_all_remedies() -> None:
    for status in sorted(set(WebhookStatus) - {"active", "disabled"}):  # which parks
        told = advise(State.PENDING, None, due_ms=None, now_ms=NOON, status=status)
        assert told.endswith(f"The webhook is {status.value}: nothing is sent until it is active.")


OPEN = NextAttempt(why=Wait.BREAKER, until_ms=NOON + 41_000)
FULL = NextAttempt(why=Wait.CONNECTIONS, most=10)
PROBED = "The webhook's breaker is open, for its receiver only failed: one delivery is tried then"


@pytest.mark.parametrize(
    ("state", "due_ms", "next_attempt", "words"),
    [
        (State.PENDING, None, NextAttempt(begun=1), "Its attempt is under way."),
        (State.RETRYING, None, NextAttempt(begun=2), "The next try is under way."),
        (State.RETRYING, None, NextAttempt(), "It is due now."),
        (State.RETRYING, None, FULL, "It is due now. As many attempts of the webhook are under"),
        (
            State.PENDING,
            None,
            OPEN,
            f"First try 12:00:41Z at the earliest (in 41 s). {PROBED}",
        ),
        (
            State.RETRYING,
            NOON + 5_000,
            OPEN,
            f"Next try 12:00:41Z at the earliest (in 41 s). {PROBED}",
        ),
        (State.RETRYING, NOON + 60_000, OPEN, "Next try 12:01:00Z (in 60 s)."),
        (State.RETRYING, NOON + 5_000, FULL, "Next try 12:00:05Z (in 5 s)."),
        (
            State.PENDING,
            None,
            NextAttempt(why=Wait.OLDER),
            "It waits for its attempt. Older deliveries of the webhook wait, and go first.",
        ),
        (
            State.HELD,
            None,
            NextAttempt(first=DeliveryId(7)),
            f"It waits for delivery {show('dlv', 7)} with the same ordering key.",
        ),
    ],
)
def test_what_is_not_sent_yet_says_what_it_waits_for(
    state: State, due_ms: int | None, next_attempt: NextAttempt, words: str
) -> None:
    tried = BUSY if state is State.RETRYING else None
    told = advise(state, tried, due_ms=due_ms, now_ms=NOON, next_attempt=next_attempt)
    happened = "The receiver answered 503 Service Unavailable after 12 ms. "
    assert told.removeprefix(happened).startswith(words), told
    if not words.endswith("under"):
        rest = told.removeprefix(happened).removeprefix(words)
        assert "waits" not in rest and "Next try" not in rest, told


ENDS = {
    Wait.STOPPED_ALL: "is started again.",
    Wait.STOPPED_ORG: "is started again.",
    Wait.WEBHOOK_STATUS: "is active.",
    Wait.TYPE: "until webHookType is HTTP.",
    Wait.CONNECTION: "The connection main cannot be used now, whatever the message. Nothing is "
    "sent or charged meanwhile; it goes on by itself.",
}


@pytest.mark.parametrize("why", sorted(BARRED))
def test_where_nothing_is_sent_no_time_is_promised(why: Wait) -> None:
    standing = WebhookStatus.PAUSED if why is Wait.WEBHOOK_STATUS else WebhookStatus.ACTIVE
    told = advise(
        State.RETRYING,
        BUSY,
        due_ms=NOON + 5_000,
        now_ms=NOON,
        next_attempt=NextAttempt(why=why, over="main"),
        status=standing,
    )
    assert "12:00:05" not in told and "Next try" not in told and "It is due" not in told
    assert told.endswith(ENDS[why]), "and nobody is asked to mend what is not at fault"


def test_the_webhooks_own_policy_decides_what_was_final() -> None:
    policy = RetryPolicy(Schedule(window_s=36_000), frozenset({400}), frozenset({503}))
    last = advise(
        State.FAILED, REFUSED, due_ms=None, now_ms=NOON, policy=policy, lasted_ms=36_000_000
    )
    assert "It was the last try: the 10 hours" in last
    once = advise(State.FAILED, BUSY, due_ms=None, now_ms=NOON, policy=policy)
    assert "Tidings does not retry it" in once


def test_every_status_and_fault_has_words_in_the_house_voice() -> None:
    endings = [PastAttempt(status, None, "", 5) for status in range(100, 600)]
    endings += [PastAttempt(None, kind.value, "blocked", 5) for kind in FaultKind]
    endings += [PastAttempt(None, "lost", "possibly sent (worker lost)", None)]
    for tried in endings:
        happened, todo = what_happened(tried), what_to_do(tried)
        assert happened.endswith(".")
        if tried.status is None or not 200 <= tried.status <= 299:
            assert todo.endswith(".")
        for word in ("invalid", "oops", "please", "None"):
            assert word not in happened + todo, (tried, happened + todo)


def test_a_receiver_that_is_no_http_server_has_words_of_its_own() -> None:
    said = "The topic has fewer replicas in step than it must. Ask the operator."
    short = PastAttempt(503, None, said, 12, http=False)
    assert what_happened(short) == "The topic has fewer replicas in step than it must."
    assert what_to_do(short) == "Ask the operator."
    taken, refused = (PastAttempt(element, None, "", 12, http=False) for element in (200, 422))
    assert (what_happened(taken), what_to_do(taken)) == (
        "The receiver accepted it after 12 ms.",
        "",
    )
    assert "answered" not in what_happened(refused) + what_to_do(refused)
