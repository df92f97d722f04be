"""Conformance: pages show what is PENDING, in id order, in step with the receipts."""

import asyncio
from collections.abc import Sequence

from tests.store.conformance.delivery.in_each_state import one_in_each_state
from tests.store.conformance.subject import Subject
from tests.store.rows import event, new, settled
from tidings.core.delivery.job import Job
from tidings.core.delivery.states import State
from tidings.store import port


def test_a_page_is_in_id_order_after_the_cursor_and_within_the_limit(subject: Subject) -> None:
    subject.commit(*(event(f"e{i}", new(1), new(2)) for i in range(20)))
    ids = subject.pending(1)
    assert ids == sorted(ids) and len(ids) == 20
    read: list[int] = []
    while page := subject.page(1, read[-1] if read else 0, 7):
        assert len(page) <= 7
        read += [job.delivery for job in page]
    assert read == ids
    assert all(job.webhook == 1 for job in subject.page(1))


def test_a_page_shows_only_what_is_pending(subject: Subject) -> None:
    in_state = one_in_each_state(subject, 1)
    first_of_its_key = in_state[State.HELD] - 1
    assert subject.pending() == [first_of_its_key, in_state[State.PENDING]]


def test_a_page_of_nothing_is_empty(subject: Subject) -> None:
    subject.commit(event("a", new(1)))
    assert list(subject.page(2)) == []
    assert list(subject.page(1, after=1)) == []
    assert list(subject.page(1, limit=0)) == []
    assert list(subject.page(1, after=(1 << 63) - 1)) == []


def test_a_page_asked_after_a_commit_shows_it_and_one_asked_before_does_not(
    subject: Subject,
) -> None:
    """What a lane builds on: asked in one breath, the answers are in the order of the questions."""
    version = subject.load().registry_version

    def batch(id: str) -> port.Batch:
        return port.Batch(version, [event(id, new(1))])

    async def in_one_breath(
        store: port.Store,
    ) -> tuple[port.Receipt, Sequence[Job], port.Receipt, Sequence[Job]]:
        return await asyncio.gather(
            store.commit(batch("a")),
            store.page(1, 0, 10),
            store.commit(batch("b")),
            store.page(1, 0, 10),
        )

    first, early, second, late = subject.ask(in_one_breath)
    assert isinstance(early, list) and isinstance(late, list)
    assert [job.delivery for job in early] == [first.firsts[0]]
    assert [job.delivery for job in late] == [first.firsts[0], second.firsts[0]]


def test_a_freed_delivery_is_in_pages_from_its_receipt_on(subject: Subject) -> None:
    a, b = subject.commit(event("a", new(1, 7)), event("b", new(1, 7))).firsts
    [job] = subject.commit(settled=[settled(a, key=7)]).freed
    assert list(subject.page()) == [job]
    assert job.delivery == b


def test_a_page_brings_bodies_of_any_size(subject: Subject) -> None:
    bodies = [b"", b"x", b"y" * 1_000_000]
    subject.commit(*(event(f"e{i}", new(1), body=body) for i, body in enumerate(bodies)))
    assert [job.body for job in subject.page()] == bodies
