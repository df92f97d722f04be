"""When the next attempt may start, and what it waits for: never sooner than everything admits."""

import pytest

from tidings.core.delivery.next_attempt import (
    BARRED,
    NextAttempt,
    Wait,
    next_attempt_ms,
    waits_for,
)
from tidings.core.delivery.states import State

NOON = 1_770_811_200_000  # 2026-02-11T12:00:00Z
AFTER = NOON + 41_000


@pytest.mark.parametrize(
    ("due_ms", "next_attempt", "next_ms"),
    [
        (NOON + 5_000, NextAttempt(), NOON + 5_000),
        (NOON - 5_000, NextAttempt(), NOON - 5_000),  # due, and about to start
        (NOON + 5_000, NextAttempt(why=Wait.BREAKER, until_ms=AFTER), AFTER),
        (NOON - 5_000, NextAttempt(why=Wait.BREAKER, until_ms=AFTER), AFTER),
        (
            None,
            NextAttempt(why=Wait.BREAKER, until_ms=AFTER),
            AFTER,
        ),  # taken, and waits in its lane
        (NOON + 90_000, NextAttempt(why=Wait.BREAKER, until_ms=AFTER), NOON + 90_000),
        (NOON + 5_000, NextAttempt(why=Wait.RETRY_AFTER, until_ms=AFTER), AFTER),
        (
            NOON + 5_000,
            NextAttempt(why=Wait.CONNECTIONS),
            NOON + 5_000,
        ),  # free by then, maybe
        (NOON - 5_000, NextAttempt(why=Wait.CONNECTIONS), None),
        (NOON - 5_000, NextAttempt(why=Wait.PROBE), None),
        (None, NextAttempt(begun=2), None),
        (None, NextAttempt(), None),
    ],
)
def test_a_retry_comes_at_the_later_of_its_own_time_and_its_lanes(
    due_ms: int | None, next_attempt: NextAttempt, next_ms: int | None
) -> None:
    assert next_attempt_ms(State.RETRYING, due_ms, next_attempt, NOON) == next_ms


@pytest.mark.parametrize("why", sorted(BARRED))
def test_where_nothing_is_sent_there_is_no_next_time(why: Wait) -> None:
    assert next_attempt_ms(State.RETRYING, NOON + 5_000, NextAttempt(why=why), NOON) is None
    assert next_attempt_ms(State.PENDING, None, NextAttempt(why=why), NOON) is None


def test_a_first_attempt_has_a_time_only_where_its_lane_makes_it_wait_for_one() -> None:
    behind = NextAttempt(why=Wait.BREAKER, until_ms=AFTER)
    assert next_attempt_ms(State.PENDING, None, behind, NOON) == AFTER
    assert next_attempt_ms(State.PENDING, None, NextAttempt(), NOON) is None
    assert next_attempt_ms(State.HELD, None, behind, NOON) is None
    assert next_attempt_ms(State.DELIVERED, None, behind, NOON) is None


@pytest.mark.parametrize("why", Wait)
def test_every_obstacle_has_a_sentence_in_the_house_voice(why: Wait) -> None:
    said = waits_for(NextAttempt(why=why, most=2.5, over="It has its limit."))
    assert said.endswith(".") and "invalid" not in said and "None" not in said


def test_numbers_are_said_as_they_were_set() -> None:
    assert "2.5 a second" in waits_for(NextAttempt(why=Wait.RATE, most=2.5))
    assert waits_for(NextAttempt(why=Wait.CONNECTIONS, most=10)).endswith("admits: 10.")
    assert waits_for(NextAttempt()) == ""


@pytest.mark.parametrize(("late_ms", "expected"), [(-1, NOON + 1), (0, None), (1, None)])
def test_what_waits_for_something_else_has_a_time_only_while_its_own_is_to_come(
    late_ms: int, expected: int | None
) -> None:
    slots = NextAttempt(why=Wait.SLOTS)
    assert next_attempt_ms(State.RETRYING, NOON - late_ms, slots, NOON) == expected
