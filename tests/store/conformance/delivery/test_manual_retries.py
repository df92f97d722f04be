"""A try that somebody asks for, in each adapter: what becomes due, what waits, what is refused."""

import pytest

from tests.store.conformance.subject import Subject
from tests.store.rows import event, failing, new, settled
from tidings.core.delivery.states import State
from tidings.core.ids import DeliveryId
from tidings.store import port

HOUR_MS = 3_600_000


def ask(subject: Subject, delivery: int) -> port.ManualRetry:
    return subject.ask(lambda store: store.retry_now(DeliveryId(delivery)))


def first(subject: Subject, *events: port.NewEvent) -> list[int]:
    return list(subject.commit(*events).firsts)


FINAL = [state for state in State if state.final]
UNDELIVERED = [state for state in FINAL if state is not State.DELIVERED]


@pytest.mark.parametrize("state", UNDELIVERED)
def test_what_ended_undelivered_is_due_now_and_is_taken_with_the_next_number(
    subject: Subject, state: State
) -> None:
    [one] = first(subject, event("a", new(1)))
    if state is State.FAILED:
        subject.commit(settled=[settled(one, State.FAILED, status=400)])
    else:
        subject.retire(state)
    asked = ask(subject, one)
    assert asked.outcome == "due" and asked.due_ms is not None and asked.promised_ms is None
    assert subject.states(one) == [State.RETRYING]
    assert subject.delivery(one).done_ms is None
    [job] = subject.take()
    attempts = 2 if state is State.FAILED else 1
    assert (job.delivery, job.attempt, job.retry) == (one, attempts, True)
    subject.commit(settled=[settled(one, attempt=attempts)])
    assert subject.states(one) == [State.DELIVERED]


def test_a_retry_comes_forward_and_what_was_promised_is_told(subject: Subject) -> None:
    [one] = first(subject, event("a", new(1)))
    subject.commit(settled=[failing(one, 12 * HOUR_MS)])
    due = subject.delivery(one).due_ms
    assert subject.take() == []
    asked = ask(subject, one)
    assert asked == port.ManualRetry("due", asked.due_ms, due)
    [job] = subject.take()
    assert job.attempt == 2
    assert ask(subject, one).outcome == "under_way"


@pytest.mark.parametrize("state", FINAL)
def test_what_is_over_is_not_woken(subject: Subject, state: State) -> None:
    [one] = first(subject, event("a", new(1)))
    if state in (State.FAILED, State.DELIVERED):
        subject.commit(settled=[settled(one, state)])
    else:
        subject.retire(state)
    assert subject.ask(lambda store: store.wake(DeliveryId(one))) == port.ManualRetry("over")
    assert subject.states(one) == [state]
    assert subject.ask(lambda store: store.wake(DeliveryId(999))) == port.ManualRetry("unknown")


def test_what_waits_for_its_next_attempt_is_woken(subject: Subject) -> None:
    one, other = first(subject, event("a", new(1)), event("b", new(1)))
    assert subject.ask(lambda store: store.wake(DeliveryId(other))).outcome == "waiting"
    subject.commit(settled=[failing(one, 12 * HOUR_MS)])
    assert subject.take() == []
    woken = subject.ask(lambda store: store.wake(DeliveryId(one)))
    assert woken.outcome == "due" and woken.due_ms is not None
    assert [job.delivery for job in subject.take()] == [one]
    assert subject.ask(lambda store: store.wake(DeliveryId(one))).outcome == "under_way"


def test_what_waits_or_has_arrived_or_is_unknown_is_left_as_it_is(subject: Subject) -> None:
    pending, _, delivered = first(
        subject, event("a", new(1, 5)), event("b", new(1, 5)), event("c", new(2))
    )
    subject.commit(settled=[settled(delivered, webhook=2)])
    assert ask(subject, pending).outcome == "waiting"
    assert ask(subject, pending + 1).outcome == "waiting"
    assert ask(subject, delivered).outcome == "delivered"
    assert ask(subject, 999).outcome == "unknown"
    assert subject.states(pending, pending + 1, delivered) == [
        State.PENDING,
        State.HELD,
        State.DELIVERED,
    ]


@pytest.mark.parametrize("state", UNDELIVERED)
def test_behind_another_of_its_key_it_goes_next_and_never_beside_it(
    subject: Subject, state: State
) -> None:
    a, b, c = first(subject, *(event(id, new(1, 7)) for id in "abc"))
    if state is State.CANCELLED:
        freed = subject.commit(version=0, cancels=[port.CancelSlice([DeliveryId(a)], "me")]).freed
    else:
        freed = subject.commit(settled=[settled(a, state, key=7, status=400)]).freed
    assert subject.states(a) == [state]
    assert [job.delivery for job in freed] == [b]
    assert ask(subject, a).outcome == "next"
    assert subject.states(a, b, c) == [State.HELD, State.PENDING, State.HELD]
    assert subject.counts().orphans == 0
    freed = subject.commit(settled=[settled(b, key=7)]).freed
    attempt = 1 if state is State.CANCELLED else 2
    assert [(job.delivery, job.attempt) for job in freed] == [(a, attempt)]
    freed = subject.commit(settled=[settled(a, key=7, attempt=attempt)]).freed
    assert [job.delivery for job in freed] == [c]
    assert subject.counts().orphans == 0


def test_who_had_cancelled_it_is_not_told_of_it_any_more(subject: Subject) -> None:
    [one] = first(subject, event("a", new(1)))
    subject.commit(version=0, cancels=[port.CancelSlice([DeliveryId(one)], "me")])
    assert (subject.states(one), subject.delivery(one).ended_by) == ([State.CANCELLED], "me")
    assert ask(subject, one).outcome == "due"
    assert subject.delivery(one).ended_by is None


def test_it_outlives_a_crash(subject: Subject) -> None:
    [one] = first(subject, event("a", new(1)))
    subject.commit(settled=[settled(one, State.FAILED, status=400)])
    ask(subject, one)
    subject.crash()
    subject.recover()
    assert [job.delivery for job in subject.take()] == [one]


# -- one of a key at a time, with an older one that waits behind ----------------------------------


def behind(subject: Subject) -> list[int]:
    """Four of a key: the first, tried again, waits; the second is under way; two wait behind."""
    ids = first(subject, *(event(id, new(1, 7)) for id in "abcd"))
    subject.commit(settled=[settled(ids[0], State.FAILED, key=7, status=400)])
    assert ask(subject, ids[0]).outcome == "next"
    assert subject.states(*ids) == [State.HELD, State.PENDING, State.HELD, State.HELD]
    return ids


def ends_of_waiting_ones() -> dict[str, port.CancelSlice]:
    return {
        "cancelled": port.CancelSlice([DeliveryId(3)], "me"),
        "taken as delivered": port.CancelSlice([DeliveryId(3)], "me", delivered=True),
    }


@pytest.mark.parametrize("how", ends_of_waiting_ones())
@pytest.mark.parametrize("under_way", [State.PENDING, State.RETRYING])
def test_the_end_of_one_that_waits_frees_none(subject: Subject, how: str, under_way: State) -> None:
    a, b, c, d = behind(subject)
    if under_way is State.RETRYING:
        subject.commit(settled=[failing(b, HOUR_MS)])
    freed = subject.commit(version=0, cancels=[ends_of_waiting_ones()[how]]).freed
    assert list(freed) == []
    assert subject.states(a, b, d) == [State.HELD, under_way, State.HELD]
    [job] = subject.commit(settled=[settled(b, key=7, attempt=2)]).freed
    assert job.delivery == a
    assert subject.counts().orphans == 0


@pytest.mark.parametrize("end", [State.DELIVERED, State.FAILED, State.RETRYING, State.WAITING])
def test_what_settles_after_it_was_cancelled_frees_none_beside_the_next(
    subject: Subject, end: State
) -> None:
    a, b, c, d = first(subject, *(event(id, new(1, 7)) for id in "abcd"))
    subject.commit(settled=[settled(a, State.FAILED, key=7, status=400)])
    freed = subject.commit(version=0, cancels=[port.CancelSlice([DeliveryId(b)], "me")]).freed
    assert [job.delivery for job in freed] == [c]
    assert ask(subject, a).outcome == "next"
    delay_ms = None if end.final else 0
    late = subject.commit(settled=[settled(b, end, key=7, delay_ms=delay_ms)])
    assert list(late.freed) == []
    assert subject.states(b) == [State.CANCELLED]
    assert subject.states(a, c, d) == [State.HELD, State.PENDING, State.HELD]


def test_what_is_owed_and_one_that_is_tried_again_do_not_wait_for_each_other(
    subject: Subject,
) -> None:
    [old] = first(subject, event("old", new(1, 7)))
    subject.commit(settled=[settled(old, State.FAILED, key=7, status=400)])
    owed = subject.commit(event("a", new(9), new(1, 7)), deliveries_max=1).firsts[0] + 1
    [newer] = first(subject, event("newer", new(1, 7)))
    assert ask(subject, old).outcome == "next"
    assert subject.counts().orphans == 0, "it waits for what is owed"
    subject.commit(fan_out=10)
    assert subject.states(old, owed, newer) == [State.HELD, State.PENDING, State.HELD]
    for delivery, freed in ((owed, [old]), (old, [newer]), (newer, [])):
        attempt = 2 if delivery == old else 1
        receipt = subject.commit(settled=[settled(delivery, key=7, attempt=attempt)])
        assert [job.delivery for job in receipt.freed] == freed
