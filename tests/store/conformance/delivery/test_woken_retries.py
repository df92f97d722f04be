"""All that waits at a webhook becomes due, where its receiver is back: in pages, and each once."""

import time

import msgspec

from tests.store.conformance.subject import Subject
from tests.store.rows import event, failing, new, settled, waiting
from tidings.core.delivery.states import State
from tidings.core.ids import DeliveryId
from tidings.store import port

HOUR_MS = 3_600_000


def wake(
    subject: Subject, since_ms: int, place: tuple[int, int] | None = None, limit: int = 100
) -> port.WokenRetries:
    place = place or (since_ms, 0)
    return subject.ask(lambda store: store.wake_retries(1, since_ms, place, limit))


def oldest(subject: Subject) -> port.OldestRetry | None:
    return subject.ask(lambda store: store.wake_oldest(1))


def wait_for_hours(subject: Subject, count: int) -> list[int]:
    """Retries that are due in hours, the newest first."""
    deliveries = [subject.commit(event(f"e{at}", new(1))).firsts[0] for at in range(count)]
    for at, delivery in enumerate(deliveries):
        subject.commit(settled=[failing(delivery, (count - at) * HOUR_MS)])
    return list(deliveries)


def since(subject: Subject) -> int:
    """A moment after all that was tried, which has passed."""
    since_ms = subject.commit().now_ms + 1
    while subject.commit().now_ms <= since_ms:
        time.sleep(0.001)
    return since_ms


def test_what_waits_is_due_page_by_page_and_is_taken_with_its_next_number(
    subject: Subject,
) -> None:
    waits = wait_for_hours(subject, 5)
    assert subject.take() == []
    since_ms = since(subject)
    page = wake(subject, since_ms, limit=2)
    assert page.count == 2 and page.place is not None
    assert subject.delivery(waits[-1]).due_ms == since_ms, "the next due ones come first"
    assert (subject.delivery(waits[0]).due_ms or 0) > since_ms
    counts = [page.count]
    while page.place is not None:
        page = wake(subject, since_ms, page.place, limit=2)
        counts.append(page.count)
    assert counts == [2, 2, 1]
    assert {subject.delivery(delivery).due_ms for delivery in waits} == {since_ms}
    assert wake(subject, since_ms) == port.WokenRetries(0, None), "again it changes nothing"
    taken = {(job.delivery, job.attempt, job.retry) for job in subject.take()}
    assert taken == {(delivery, 2, True) for delivery in waits}
    assert wake(subject, since_ms) == port.WokenRetries(0, None), "they are under way"


def test_what_was_tried_since_keeps_its_time(subject: Subject) -> None:
    tried, waits = wait_for_hours(subject, 2)
    since_ms = since(subject)
    asked = subject.ask(lambda store: store.retry_now(DeliveryId(tried)))
    assert asked.outcome == "due"
    [job] = subject.take()
    failed = failing(tried, HOUR_MS, attempt=job.attempt)
    subject.commit(settled=[msgspec.structs.replace(failed, started_ms=since_ms)])
    due_ms = subject.delivery(tried).due_ms
    assert wake(subject, since_ms).count == 1
    assert subject.delivery(tried).due_ms == due_ms, "its receiver may have said when"
    assert subject.delivery(waits).due_ms == since_ms


def test_what_waits_for_another_reason_or_is_of_another_webhook_stays(subject: Subject) -> None:
    [retried] = wait_for_hours(subject, 1)
    [timed] = subject.commit(event("timed", new(1))).firsts
    subject.commit(settled=[waiting(timed, HOUR_MS)])
    [other] = subject.commit(event("other", new(2))).firsts
    subject.commit(settled=[failing(other, HOUR_MS, webhook=2)])
    [fresh] = subject.commit(event("fresh", new(1))).firsts
    since_ms = since(subject)
    stays = {delivery: subject.delivery(delivery) for delivery in (timed, other, fresh)}
    page = wake(subject, since_ms, limit=1)
    assert page.place is not None, "a page counts what it has looked at"
    page = wake(subject, since_ms, page.place, limit=10)
    assert {delivery: subject.delivery(delivery) for delivery in stays} == stays
    assert subject.delivery(retried).due_ms == since_ms


def test_the_oldest_retry_is_due_and_when_it_was_is_told(subject: Subject) -> None:
    assert oldest(subject) is None
    first, second = wait_for_hours(subject, 2)
    was_ms = subject.delivery(first).due_ms
    found = oldest(subject)
    assert found == port.OldestRetry(DeliveryId(first), subject.delivery(first).due_ms or 0, was_ms)
    again = oldest(subject)
    assert again == port.OldestRetry(DeliveryId(first), found.due_ms), "it is due already"
    [job] = subject.take()
    assert job.delivery == first
    subject.commit(settled=[settled(first, State.DELIVERED, attempt=2)])
    found = oldest(subject)
    assert found is not None and found.delivery == second
