"""Moments and counts on which something about a delivery turns: on the bound, and one beside it."""

import pytest

from tidings.core.delivery.access_tokens import DIGITS_MAX, LIFE_MAX_S, life_s_of
from tidings.core.delivery.next_attempt import NextAttempt, Wait, next_attempt_ms
from tidings.core.delivery.sla import breach_ms, late
from tidings.core.delivery.states import State

ACCEPTED_MS, LIMIT_MS = 1_000, 61_000  # of a minute


@pytest.mark.parametrize(
    ("done_ms", "now_ms", "is_late"),
    [
        (LIMIT_MS, LIMIT_MS + 9, False),
        (LIMIT_MS + 1, LIMIT_MS + 9, True),
        (None, LIMIT_MS, False),
        (None, LIMIT_MS + 1, True),
    ],
)
def test_the_last_moment_itself_is_in_time(done_ms: int | None, now_ms: int, is_late: bool) -> None:
    assert breach_ms(ACCEPTED_MS, 60, done_ms, now_ms) == (LIMIT_MS if is_late else None)
    assert late([(ACCEPTED_MS, done_ms)], 60, now_ms) == is_late


@pytest.mark.parametrize(("due_ms", "expected"), [(1_001, 1_001), (1_000, None), (999, None)])
def test_what_waits_for_something_else_has_a_time_only_while_its_own_is_to_come(
    due_ms: int, expected: int | None
) -> None:
    slots = NextAttempt(why=Wait.SLOTS)
    assert next_attempt_ms(State.RETRYING, due_ms, slots, 1_000) == expected
    until = NextAttempt(why=Wait.RATE, until_ms=1_000)
    assert next_attempt_ms(State.RETRYING, due_ms, until, 1_000) == max(due_ms, 1_000)


@pytest.mark.parametrize(
    ("told", "life_s"),
    [
        ("1" * DIGITS_MAX, LIFE_MAX_S),
        ("1" * (DIGITS_MAX + 1), None),
        (10**DIGITS_MAX - 1, LIFE_MAX_S),
        (10**DIGITS_MAX, None),
        (1, 1.0),
        (0, None),
    ],
)
def test_the_life_of_a_token_has_its_digits(told: object, life_s: float | None) -> None:
    assert life_s_of(told) == life_s
