"""Conformance: outcomes are written once, retries are handed out once, attempts are kept."""

import pytest

from tests.store.conformance.subject import Subject
from tests.store.rows import HOUR_MS, event, failing, new, settled
from tidings.core.delivery.states import FINAL, State
from tidings.core.ids import DeliveryId
from tidings.store import port


def committed(subject: Subject, count: int = 1, webhook: int = 1) -> list[int]:
    """Deliveries of a webhook, ready to be sent."""
    receipt = subject.commit(*(event(f"w{webhook}-{i}", new(webhook)) for i in range(count)))
    return list(receipt.firsts)


def test_a_success_is_final_and_keeps_its_figures(subject: Subject) -> None:
    [one] = committed(subject)
    receipt = subject.commit(settled=[settled(one, status=204)])
    kept = subject.delivery(one)
    assert (kept.state, kept.attempts, kept.status) == (State.DELIVERED, 1, 204)
    assert (kept.duration_ms, kept.done_ms, kept.due_ms) == (12, receipt.now_ms, None)
    assert subject.pending() == []
    assert list(subject.attempts(one)) == []  # a plain first success needs no row


def test_the_version_under_which_it_was_sent_is_kept(subject: Subject) -> None:
    [one] = committed(subject)
    sent = port.Settlement(DeliveryId(one), 1, None, State.DELIVERED, 1, 7, 1_000, 12, 200)
    subject.commit(settled=[sent])
    assert subject.delivery(one).version == 7


def test_a_refusal_keeps_its_answer(subject: Subject) -> None:
    [one] = committed(subject)
    evidence = port.Evidence(None, "", [("X-A", "b: c"), ("x-a", "")], b"\x00no\xff", True)
    subject.commit(settled=[settled(one, State.FAILED, status=400, evidence=evidence)])
    [attempt] = subject.attempts(one)
    assert (attempt.number, attempt.started_ms, attempt.ended) == (1, 1_000, True)
    assert (attempt.duration_ms, attempt.status, attempt.version) == (12, 400, 1)
    assert attempt.evidence is not None
    assert attempt.evidence.body == b"\x00no\xff" and attempt.evidence.truncated
    assert [tuple(header) for header in attempt.evidence.headers] == [("X-A", "b: c"), ("x-a", "")]


def test_a_fault_keeps_its_kind_and_words(subject: Subject) -> None:
    [one] = committed(subject)
    fault = port.Evidence("dns", "no such name", [], b"", False)
    subject.commit(settled=[settled(one, State.RETRYING, status=None, delay_ms=0, evidence=fault)])
    [attempt] = subject.attempts(one)
    assert attempt.status is None and attempt.evidence is not None
    assert (attempt.evidence.kind, attempt.evidence.detail) == ("dns", "no such name")


@pytest.mark.parametrize("end", sorted(FINAL))
def test_settling_what_has_ended_leaves_it_as_it_ended(subject: Subject, end: State) -> None:
    """Whatever comes later: the attempt was under way, or its outcome is written twice."""
    [one] = committed(subject)
    if end in (State.PARKED, State.CANCELLED):
        subject.retire(end)
    else:
        subject.commit(settled=[settled(one, end)])
    before = subject.delivery(one)
    assert before.state == end
    for later in (settled(one), settled(one, State.FAILED, status=500), failing(one, 0)):
        subject.commit(settled=[later])
        after = subject.delivery(one)
        assert (after.state, after.done_ms, after.due_ms) == (end, before.done_ms, None)
        assert after == before or end in (State.PARKED, State.CANCELLED), "the try is counted"
    assert subject.take() == []


def test_a_retry_is_due_after_its_delay_and_not_before(subject: Subject) -> None:
    one, two = committed(subject, 2)
    receipt = subject.commit(settled=[failing(one, 0), failing(two, HOUR_MS)])
    kept = subject.delivery(two)
    assert (kept.state, kept.attempts) == (State.RETRYING, 1)
    assert kept.due_ms == receipt.now_ms + HOUR_MS
    taken = subject.commit(claims=[port.RetryClaim(1, 10)])
    assert [job.delivery for job in taken.claimed] == [one]
    assert [tuple(due) for due in taken.due] == [(1, kept.due_ms)]


def test_a_due_retry_is_taken_once_with_its_attempt_written_down(subject: Subject) -> None:
    [one] = committed(subject)
    subject.commit(settled=[failing(one, 0)])
    [job] = subject.take()
    assert (job.delivery, job.attempt, job.retry) == (one, 2, True)
    assert job.body == b'{"eventId":"w1-0"}'
    first, second = subject.attempts(one)
    assert (first.number, first.ended, first.status) == (1, True, 503)
    assert (second.number, second.ended, second.status) == (2, False, None)
    assert second.evidence is None
    again = subject.commit(claims=[port.RetryClaim(1, 10)])
    assert (list(again.claimed), [tuple(due) for due in again.due]) == ([], [(1, None)])


def test_many_takes_share_what_one_commit_takes(subject: Subject) -> None:
    first = committed(subject, 5)
    second = committed(subject, 5, webhook=2)
    subject.commit(settled=[failing(number, 0) for number in first])
    at = subject.commit(settled=[failing(number, 0, webhook=2) for number in second]).now_ms
    takes = [port.RetryClaim(1, 10), port.RetryClaim(2, 10)]
    seen: list[int] = []
    for _ in range(3):
        receipt = subject.commit(claims=takes, claimed_max=4)
        assert len(receipt.claimed) <= 4
        seen += [job.delivery for job in receipt.claimed]
        if len(seen) < 10:
            assert all(due is not None and due <= at for _, due in receipt.due)
    assert sorted(seen) == sorted([*first, *second])
    assert seen[:4] == [*first[:2], *second[:2]], "an equal share for each"


def test_the_bodies_of_all_takes_of_a_commit_are_bounded_and_webhooks_have_turns(
    subject: Subject,
) -> None:
    webhooks = [1, 2, 3]
    of_webhook = {number: committed(subject, 2, webhook=number) for number in webhooks}
    for number in webhooks:
        subject.commit(settled=[failing(count, 0, webhook=number) for count in of_webhook[number]])
    takes = [port.RetryClaim(number, 10) for number in webhooks]
    seen: list[int] = []
    for _ in range(6):
        receipt = subject.commit(claims=takes, claimed_bytes_max=1)
        [job] = receipt.claimed
        seen.append(job.webhook)
        assert sorted(number for number, _ in receipt.due) == webhooks
    assert seen == [1, 2, 3, 1, 2, 3]
    assert not subject.commit(claims=takes).claimed


def test_the_ending_of_a_taken_retry_completes_its_attempt(subject: Subject) -> None:
    [one] = committed(subject)
    subject.commit(settled=[failing(one, 0)])
    subject.take()
    subject.commit(settled=[settled(one, attempt=2)])
    first, second = subject.attempts(one)
    assert first.evidence is not None and list(first.evidence.headers) != []
    assert (second.number, second.ended, second.status) == (2, True, 200)
    assert subject.delivery(one).attempts == 2
    assert subject.states(one) == [State.DELIVERED]


def test_attempts_count_without_gap_or_repeat(subject: Subject) -> None:
    [one] = committed(subject)
    subject.commit(settled=[failing(one, 0)])
    for number in range(2, 7):
        [job] = subject.take()
        assert job.attempt == number
        subject.commit(settled=[failing(one, 0, attempt=number)])
    assert [attempt.number for attempt in subject.attempts(one)] == [1, 2, 3, 4, 5, 6]
    assert all(attempt.ended for attempt in subject.attempts(one))


def test_retries_are_taken_by_due_time_up_to_the_limit_and_per_webhook(subject: Subject) -> None:
    ours, theirs = committed(subject, 5), committed(subject, 1, webhook=2)
    for number in reversed(ours):  # each its own commit: later due times for lower ids
        subject.commit(settled=[failing(number, 0)])
    subject.commit(settled=[failing(theirs[0], 0, webhook=2)])
    first = subject.take(limit=2)
    rest = subject.take(limit=10)
    due = [subject.delivery(number).due_ms for number in ours]
    assert due == [None] * 5
    assert len(first) == 2
    assert sorted(job.delivery for job in [*first, *rest]) == ours
    assert [job.delivery for job in subject.take(2)] == theirs


def test_what_a_commit_settles_can_be_taken_by_the_same_commit(subject: Subject) -> None:
    [one] = committed(subject)
    receipt = subject.commit(settled=[failing(one, 0)], claims=[port.RetryClaim(1, 1)])
    assert [job.delivery for job in receipt.claimed] == [one]


def test_a_batch_that_came_twice_has_the_effect_of_one(subject: Subject) -> None:
    subject.put_webhook()
    one, two = committed(subject, 2)
    version = subject.load().registry_version
    batch = port.Batch(
        version,
        [event("new", new(1))],
        [settled(one), failing(two, HOUR_MS)],
        [port.RetryClaim(1, 5)],
    )
    first = subject.ask(lambda store: store.commit(batch))
    second = subject.ask(lambda store: store.commit(batch))
    assert all(first.seqs) and not any(second.seqs)
    assert list(second.differing) == []
    assert subject.states(one, two, first.firsts[0]) == [
        State.DELIVERED,
        State.RETRYING,
        State.PENDING,
    ]
    assert [attempt.number for attempt in subject.attempts(two)] == [1]
    assert subject.counts().events == 3


def test_an_unknown_delivery_is_settled_without_harm(subject: Subject) -> None:
    subject.commit(settled=[settled(999)])
    assert subject.ask(lambda store: store.delivery(DeliveryId(999))) is None
    assert subject.counts().by_state == {}


def test_an_outcome_that_was_cancelled_in_flight_is_due_now(subject: Subject) -> None:
    [one] = committed(subject)
    lost = port.Evidence("lost", "possibly sent", (), b"", False)
    subject.commit(settled=[settled(one, State.RETRYING, status=None, delay_ms=0, evidence=lost)])
    [job] = subject.take()
    assert job.attempt == 2


@pytest.mark.parametrize("end", [State.PARKED, State.CANCELLED])
def test_a_first_success_that_comes_after_its_delivery_was_ended_is_kept(
    subject: Subject, end: State
) -> None:
    """Somebody has the event all the same, and whoever looks must see it."""
    subject.put_webhook()
    first = subject.commit(event("a", new(1)), event("b", new(1))).firsts[0]
    subject.retire(end)
    subject.commit(settled=[settled(first)])
    delivery = subject.delivery(first)
    assert (delivery.state, delivery.attempts) == (end, 1)
    [attempt] = subject.attempts(first)
    assert (attempt.number, attempt.ended, attempt.status) == (1, True, 200)
    assert (attempt.duration_ms, attempt.evidence) == (12, None)
    assert subject.attempts(first + 1) == []


def test_a_first_success_that_is_written_twice_leaves_no_row(subject: Subject) -> None:
    first = subject.commit(event("a", new(1))).firsts[0]
    for _ in range(2):
        subject.commit(settled=[settled(first)])
    assert subject.attempts(first) == [] and subject.delivery(first).attempts == 1
