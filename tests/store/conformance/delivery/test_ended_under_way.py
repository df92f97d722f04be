"""Conformance: whatever ends a delivery while its attempt is under way, the attempt is recorded."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from tests.store.conformance.subject import Subject
from tests.store.rows import EVIDENCE, event, failing, new, settled
from tidings.core.delivery.states import State
from tidings.core.ids import DeliveryId
from tidings.store import port


def cancel(subject: Subject, delivery: int) -> None:
    subject.commit(cancels=[port.CancelSlice([DeliveryId(delivery)], "boss")])


def take_as_delivered(subject: Subject, delivery: int) -> None:
    subject.commit(cancels=[port.CancelSlice([DeliveryId(delivery)], "boss", delivered=True)])


def expire(subject: Subject, delivery: int) -> None:
    assert subject.ask(lambda store: store.park_expired(1, 1 << 50, 10)) == 1


ENDS: dict[str, tuple[Callable[[Subject, int], object], State]] = {
    "parked": (lambda subject, _: subject.retire(State.PARKED), State.PARKED),
    "cancelled with its webhook": (
        lambda subject, _: subject.retire(State.CANCELLED),
        State.CANCELLED,
    ),
    "cancelled by a person": (cancel, State.CANCELLED),
    "known to be delivered": (take_as_delivered, State.DELIVERED),
    "parked as its window ended": (expire, State.PARKED),
}
# A retry that was claimed is not parked at the end of its window: its last attempt is made.
CASES = [
    (end, attempt)
    for end in ENDS
    for attempt in (1, 2)
    if attempt == 1 or ENDS[end][0] is not expire
]
OUTCOMES: dict[str, dict[str, Any]] = {
    "taken": {"state": State.DELIVERED},
    "taken, with its answer": {"state": State.DELIVERED, "evidence": EVIDENCE},
    "refused": {"state": State.FAILED, "status": 400, "evidence": EVIDENCE},
}


def begun(subject: Subject, attempt: int) -> int:
    """A delivery whose attempt of this number is under way."""
    subject.put_webhook()
    subject.recover()
    [one] = subject.commit(event("e", new(1))).firsts
    for number in range(1, attempt):
        subject.commit(settled=[failing(one, 0, attempt=number)])
        assert [job.attempt for job in subject.take()] == [number + 1]
    return one


def shown(subject: Subject, delivery: int) -> list[tuple[int, bool, int | None, object]]:
    return [
        (attempt.number, attempt.ended, attempt.status, attempt.evidence and attempt.evidence.kind)
        for attempt in subject.attempts(delivery)
    ]


@pytest.mark.parametrize("outcome", OUTCOMES)
@pytest.mark.parametrize(("end", "attempt"), CASES)
def test_what_came_of_it_is_recorded_once_and_the_end_stays(
    subject: Subject, end: str, outcome: str, attempt: int
) -> None:
    one = begun(subject, attempt)
    do, state = ENDS[end]
    do(subject, one)
    more = dict(OUTCOMES[outcome])
    settlement = settled(one, more.pop("state"), attempt=attempt, **more)
    for _ in range(2):  # a commit whose answer was lost is repeated
        subject.commit(settled=[settlement])
        assert subject.states(one) == [state]
        assert subject.delivery(one).attempts == attempt
        number, ended, status, _kind = shown(subject, one)[-1]
        assert (number, ended, status) == (attempt, True, settlement.status)
        assert len(shown(subject, one)) == attempt


@pytest.mark.parametrize(("end", "attempt"), CASES)
def test_after_a_kill_one_that_had_left_is_possibly_sent_whatever_has_ended_its_delivery(
    subject: Subject, end: str, attempt: int
) -> None:
    one = begun(subject, attempt)
    do, state = ENDS[end]
    do(subject, one)
    for _ in range(2):
        subject.crash()
        subject.recover(left=[(one, attempt)])
        assert subject.states(one) == [state]
        assert subject.delivery(one).attempts == attempt
        assert shown(subject, one)[-1] == (attempt, True, None, "lost")
        assert len(shown(subject, one)) == attempt
    if state is not State.DELIVERED:  # it is replayed, or tried again by hand, as the next one
        subject.ask(lambda store: store.retry_now(DeliveryId(one)))
        assert [job.attempt for job in subject.take()] == [attempt + 1]


@pytest.mark.parametrize("end", ENDS)
def test_after_a_kill_one_that_had_not_left_was_no_attempt(subject: Subject, end: str) -> None:
    one = begun(subject, 1)
    ENDS[end][0](subject, one)
    subject.crash()
    subject.recover(left=[])
    assert shown(subject, one) == [] and subject.delivery(one).attempts == 0


def test_one_that_was_asked_for_again_meanwhile_counts_the_one_that_had_left(
    subject: Subject,
) -> None:
    one = begun(subject, 1)
    subject.retire(State.PARKED)
    subject.ask(lambda store: store.retry_now(DeliveryId(one)))
    subject.crash()
    subject.recover(left=[(one, 1)])
    assert shown(subject, one) == [(1, True, None, "lost")]
    assert [job.attempt for job in subject.take()] == [2]


REOPENED = [end for end, (_, state) in ENDS.items() if state is not State.DELIVERED]


@pytest.mark.parametrize("outcome", OUTCOMES)
@pytest.mark.parametrize("kept", [None, b'{"made":true}'])
@pytest.mark.parametrize("end", REOPENED)
def test_another_try_sends_what_was_kept_of_it_or_is_made_anew_where_it_arrived(
    subject: Subject, end: str, kept: bytes | None, outcome: str
) -> None:
    """A success keeps nothing: the event as it came may be what a webhook must not be shown."""
    one = begun(subject, 1)
    ENDS[end][0](subject, one)
    more = dict(OUTCOMES[outcome])
    settlement = settled(one, more.pop("state"), **more)
    subject.commit(settled=[msgspec.structs.replace(settlement, sent=kept)])
    subject.ask(lambda store: store.retry_now(DeliveryId(one)))
    [job] = subject.take()
    made_anew = kept is None and outcome != "refused"
    assert job.shaped is not made_anew
    assert kept is None or job.body == kept
