"""Conformance: a new owner marks what may have been sent, and nothing else."""

from collections.abc import Awaitable, Callable, Sequence

import pytest

from tests.store.conformance.subject import Subject
from tests.store.rows import HOUR_MS, ORG, event, failing, new, settled, webhook
from tidings.core.delivery.states import State
from tidings.core.ids import DeliveryId, OrgId
from tidings.store import port


def prepared(subject: Subject, count: int = 5) -> list[int]:
    """An owner that has recovered, and deliveries of webhook 1."""
    assert subject.put_webhook() == 1
    subject.recover()
    return list(subject.commit(*(event(f"e{i}", new(1)) for i in range(count))).firsts)


def lost(subject: Subject, delivery: int) -> list[int]:
    """The numbers of a delivery's attempts that died with their process."""
    return [
        attempt.number
        for attempt in subject.attempts(delivery)
        if attempt.evidence and attempt.evidence.detail == "possibly sent (worker lost)"
    ]


def test_after_a_crash_the_lowest_pending_ones_are_possibly_sent(subject: Subject) -> None:
    ids = prepared(subject)
    subject.crash()
    [standing] = subject.recover(window=3)
    assert (standing.webhook, standing.pending, standing.next_due_ms) == (1, 5, None)
    assert [lost(subject, number) for number in ids] == [[1], [1], [1], [], []]
    assert [job.attempt for job in subject.page()] == [2, 2, 2, 1, 1]
    assert subject.states(*ids) == [State.PENDING] * 5  # due now
    [attempt] = subject.attempts(ids[0])
    assert attempt.ended and attempt.status is None


def test_the_window_counts_for_each_webhook(subject: Subject) -> None:
    prepared(subject, 2)
    assert subject.put_webhook("second") == 2
    subject.commit(*(event(f"f{i}", new(2)) for i in range(3)))
    subject.crash()
    standings = subject.recover(window=1)
    assert [(standing.webhook, standing.pending) for standing in standings] == [(1, 2), (2, 3)]
    assert [job.attempt for job in subject.page(1)] == [2, 1]
    assert [job.attempt for job in subject.page(2)] == [2, 1, 1]


def test_after_a_crash_a_taken_retry_is_possibly_sent_and_due_now(subject: Subject) -> None:
    one, waiting, *_ = prepared(subject)
    subject.commit(settled=[failing(one, 0)])
    subject.take()
    subject.commit(settled=[failing(waiting, HOUR_MS)])
    subject.crash()
    [standing] = subject.recover()
    kept = subject.delivery(one)
    assert kept.due_ms is not None and standing.next_due_ms == kept.due_ms
    assert lost(subject, one) == [2]
    assert lost(subject, waiting) == []
    [job] = subject.take()
    assert (job.delivery, job.attempt) == (one, 3)
    assert [attempt.ended for attempt in subject.attempts(one)] == [True, True, False]


BREAKER_OPEN = port.StoredHealth(1, 1_000, 20, "timeout", 2, until_ms=9_900)
BREAKER_ENDS = port.StoredHealth(1, 1_000, 20, "timeout", 2, until_ms=0)
AT_REST: dict[str, Callable[[port.Store], Awaitable[object]]] = {
    "paused": lambda store: store.put_webhook(at_version(2, "paused")),
    "disabled": lambda store: store.put_webhook(at_version(2, "disabled")),
    "its org stopped": lambda store: store.put_stop(port.SendingStop(ORG, "me", 5)),
    "all stopped": lambda store: store.put_stop(port.SendingStop(OrgId(0), "me", 5)),
    "behind its breaker": lambda store: store.put_healths([BREAKER_OPEN]),
}
AT_WORK: dict[str, Sequence[Callable[[port.Store], Awaitable[object]]]] = {
    "resumed": (
        lambda store: store.put_webhook(at_version(2, "paused")),
        lambda store: store.put_webhook(at_version(3, "active")),
    ),
    "another org stopped": (lambda store: store.put_stop(port.SendingStop(OrgId(9), "me", 5)),),
    "its receiver has answered since": (lambda store: store.put_healths([BREAKER_ENDS]),),
}


def at_version(version: int, status: str) -> port.StoredWebhook:
    """Webhook 1, changed."""
    return webhook("till", number=1, version=version, status=status)


@pytest.mark.parametrize("how", AT_REST)
def test_without_notes_nothing_is_marked_of_a_webhook_of_which_nothing_leaves(
    subject: Subject, how: str
) -> None:
    taken, *rest = prepared(subject)
    subject.commit(settled=[failing(taken, 0)])
    subject.take()
    assert subject.put_webhook("second") == 2
    [other] = subject.commit(event("other", new(2))).firsts
    subject.ask(AT_REST[how])
    subject.crash()
    standings = subject.recover()
    assert [lost(subject, number) for number in (taken, *rest)] == [[]] * 5
    assert standings[0].pending == 4 and standings[0].next_due_ms is not None
    assert [job.attempt for job in subject.page()] == [1] * 4
    [job] = subject.take()
    assert (job.delivery, job.attempt) == (taken, 2)
    assert lost(subject, other) == ([] if "stopped" in how else [1])


@pytest.mark.parametrize("how", AT_WORK)
def test_without_notes_a_webhook_of_which_something_leaves_is_marked(
    subject: Subject, how: str
) -> None:
    [one] = prepared(subject, 1)
    for change in AT_WORK[how]:
        subject.ask(change)
    subject.crash()
    subject.recover()
    assert lost(subject, one) == [1]


@pytest.mark.parametrize("how", AT_REST)
def test_what_is_noted_is_marked_whatever_became_of_its_webhook(subject: Subject, how: str) -> None:
    first, second, *_ = prepared(subject)
    subject.ask(AT_REST[how])
    subject.crash()
    subject.recover(left=[(second, 1)])
    assert (lost(subject, first), lost(subject, second)) == ([], [1])


def test_after_a_clean_stop_nothing_is_marked(subject: Subject) -> None:
    ids = prepared(subject)
    subject.commit(settled=[failing(ids[0], HOUR_MS)])
    subject.reopen(clean=True)
    [standing] = subject.recover()
    assert standing.pending == 4 and standing.next_due_ms is not None
    assert [lost(subject, number) for number in ids] == [[]] * 5
    assert [job.attempt for job in subject.page()] == [1] * 4


def test_a_stop_that_was_not_clean_marks_like_a_crash(subject: Subject) -> None:
    ids = prepared(subject, 1)
    subject.reopen(clean=False)
    subject.recover()
    assert lost(subject, ids[0]) == [1]


def test_the_first_owner_of_a_new_store_finds_nothing(subject: Subject) -> None:
    subject.put_webhook()
    assert list(subject.recover()) == []


def test_each_crash_is_an_attempt_of_its_own(subject: Subject) -> None:
    [one] = prepared(subject, 1)
    for _ in range(3):
        subject.crash()
        subject.recover()
    assert lost(subject, one) == [1, 2, 3]
    subject.commit(settled=[settled(one, attempt=4)])
    assert [attempt.number for attempt in subject.attempts(one)] == [1, 2, 3, 4]


def test_final_and_held_ones_are_left_alone(subject: Subject) -> None:
    [done] = prepared(subject, 1)
    subject.commit(settled=[settled(done)])
    first, held, parked = subject.commit(
        event("a", new(1, 7)), event("b", new(1, 7)), event("c", new(1, parked=True))
    ).firsts
    subject.crash()
    subject.recover()
    assert [lost(subject, number) for number in (done, first, held, parked)] == [[], [1], [], []]
    assert subject.delivery(held).attempts == 0


def test_what_was_acknowledged_is_there_after_a_crash(subject: Subject) -> None:
    prepared(subject, 3)
    subject.commit(settled=[settled(2)], rejections=[])
    subject.crash()
    counts = subject.counts()
    assert (counts.events, counts.by_state) == (3, {State.PENDING: 2, State.DELIVERED: 1})
    assert subject.states(1, 2, 3) == [State.PENDING, State.DELIVERED, State.PENDING]


def test_closing_twice_is_closing_once(subject: Subject) -> None:
    prepared(subject, 1)
    subject.ask(lambda store: store.close(True))
    subject.reopen()
    assert subject.pending() == [1]


def test_what_is_known_to_have_left_is_marked_and_nothing_else(subject: Subject) -> None:
    ids = prepared(subject)
    subject.commit(settled=[failing(ids[0], 0), failing(ids[1], 0), failing(ids[4], HOUR_MS)])
    assert len(subject.take()) == 2
    subject.crash()
    [standing] = subject.recover(left=[(ids[0], 2), (ids[3], 1), (ids[4], 1)])
    assert standing.next_due_ms == subject.delivery(ids[0]).due_ms
    assert [lost(subject, number) for number in ids] == [[2], [], [], [1], []]
    assert [(job.delivery, job.attempt) for job in subject.page()] == [(ids[2], 1), (ids[3], 2)]
    # The one that was taken and had not left is due now, under the number that it had.
    assert [(job.delivery, job.attempt) for job in subject.take()] == [(ids[0], 3), (ids[1], 2)]
    assert [attempt.number for attempt in subject.attempts(ids[1])] == [1, 2]


def test_however_often_nothing_had_left_nothing_is_charged(subject: Subject) -> None:
    pending, retried, *_ = prepared(subject)
    subject.commit(settled=[failing(retried, 0)])
    for _ in range(3):
        assert [job.attempt for job in subject.take()] == [2]
        subject.crash()
        subject.recover(left=[])
    assert lost(subject, pending) == lost(subject, retried) == []
    assert subject.page()[0].attempt == 1 and subject.page()[0].lost == 0
    [job] = subject.take()
    assert (job.attempt, job.lost) == (2, 0)


def test_a_recovery_that_is_repeated_marks_once(subject: Subject) -> None:
    [one] = prepared(subject, 1)
    for _ in range(3):
        subject.crash()
        subject.recover(left=[(one, 1)])
    assert lost(subject, one) == [1]


def test_what_was_possibly_sent_takes_no_step_of_the_schedule(subject: Subject) -> None:
    one, two, *_ = prepared(subject)
    for number in range(1, 5):
        subject.crash()
        subject.recover(left=[(one, number), (two, number)])
    [job, *_] = subject.page()
    assert (job.attempt, job.lost, job.step) == (5, 4, 1)
    subject.commit(settled=[failing(two, 0, attempt=5)])
    [job] = subject.take()
    assert (job.attempt, job.lost, job.step) == (6, 4, 2)


def test_a_release_charges_nothing(subject: Subject) -> None:
    [one] = prepared(subject, 1)
    subject.commit(settled=[failing(one, 0)])
    [job] = subject.take()
    subject.ask(lambda store: store.release(1, [DeliveryId(one)]))
    assert subject.take() == []  # its owner holds it
    subject.ask(lambda store: store.release(1, []))
    [again] = subject.take()
    assert again.attempt == job.attempt == 2
    assert [attempt.number for attempt in subject.attempts(one)] == [1, 2]
