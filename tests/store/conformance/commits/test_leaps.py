"""Conformance: dates follow a leap of the clock that lasts, and what is due stays as far off."""

import pytest

from tests.store.conformance.commits.subjects import InProcessSubject
from tests.store.rows import HOUR_MS, event, failing, new

DAY_MS = 24 * HOUR_MS
LASTS_S = 600


@pytest.mark.parametrize("by_ms", [8 * DAY_MS, -8 * DAY_MS], ids=["ahead", "back"])
def test_a_leap_is_followed_by_the_first_commit_once_it_has_lasted(
    in_process: InProcessSubject, by_ms: int
) -> None:
    subject = in_process
    subject.date()
    waits, young = subject.commit(event("a", new(1)), event("b", new(1))).firsts
    subject.recover(left=[])
    subject.commit(settled=[failing(waits, HOUR_MS)])
    subject.leap(by_ms)
    subject.pass_s(LASTS_S - 1)
    assert subject.commit().now_ms == subject.clock.wall_ms() - by_ms, "it may be taken back"
    subject.pass_s(1)
    now_ms = subject.commit().now_ms
    assert now_ms == subject.clock.wall_ms()
    assert subject.delivery(waits).due_ms == now_ms + HOUR_MS - LASTS_S * 1000
    [job] = subject.page()
    assert (job.delivery, now_ms - job.accepted_ms) == (young, LASTS_S * 1000)
    subject.pass_s(HOUR_MS / 1000 - LASTS_S - 1)
    assert list(subject.take()) == []
    subject.pass_s(1)
    assert [job.delivery for job in subject.take()] == [waits]
