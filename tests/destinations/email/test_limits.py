"""How many recipients an org may write to: never more in any span, and no wait beyond its end."""

import random

from tidings.destinations.email.limits import DAY_S, HOUR_S, SLOTS, Limits, SendWindow


def test_no_span_ever_has_more_than_its_limit() -> None:
    rng, window, now_s = random.Random(7), SendWindow(10, HOUR_S), 0.0
    went: list[tuple[float, int]] = []
    for _ in range(3000):
        now_s += rng.expovariate(1 / 120)
        many = rng.randint(1, 4)
        if window.wait_s(many, now_s) == 0:
            window.take(many, now_s)
            went.append((now_s, many))
            assert sum(n for at, n in went if at > now_s - HOUR_S) <= 10
    assert len(went) > 100


def test_after_the_wait_that_was_told_it_may() -> None:
    window = SendWindow(3, HOUR_S)
    for at in (0.0, 100.0, 200.0):
        window.take(1, at)
    wait_s = window.wait_s(2, 300.0)
    assert 3400 <= wait_s <= 3400 + 2 * HOUR_S / SLOTS
    assert window.wait_s(2, 300.0 + wait_s) == 0


def test_more_than_ever_may_go_when_nothing_else_counts() -> None:
    window = SendWindow(3, HOUR_S)
    assert window.wait_s(20, 0.0) == 0
    window.take(20, 0.0)
    assert window.wait_s(1, 10.0) > 3000


def test_what_did_not_go_does_not_count_and_the_day_counts_besides_the_hour() -> None:
    limits = Limits(5, 8)
    assert limits.take(1, 5, 0.0) == 0 and limits.take(1, 1, 1.0) > 3000
    limits.give_back(1, 5, 2.0)
    assert limits.take(1, 5, 3.0) == 0
    assert limits.take(2, 5, 3.0) == 0, "another org's"
    assert limits.take(1, 5, 2 * HOUR_S) > DAY_S - 3 * HOUR_S
