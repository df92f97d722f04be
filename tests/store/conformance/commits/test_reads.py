"""Conformance: which reads are in order with which writes."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from tests.store.conformance.subject import Subject
from tests.store.rows import ORG, event, failing, new, term, webhook
from tidings.core.delivery.states import State
from tidings.core.ids import DeliveryId
from tidings.store import port

EVERYTHING = port.EventQuery(org=ORG, limit=10)


def test_what_lanes_and_a_start_read_is_in_order_with_writes_that_nobody_waited_for(
    subject: Subject,
) -> None:
    """Asked in one breath, the answers are in the order of the questions."""

    async def in_one_breath(store: port.Store) -> Sequence[Any]:
        return await asyncio.gather(
            store.unfinished(),
            store.put_webhook(webhook("till")),
            store.load(),
            store.commit(port.Batch(2, [event("a", new(1))])),
            store.unfinished(),
            store.commit(port.Batch(0, settled=[failing(1, 0)])),
            store.commit(port.Batch(0, claims=[port.RetryClaim(1, 1)])),
            store.page(1, 0, 10),
        )

    nothing, _, snapshot, _, backlogs, _, claimed, page = subject.ask(in_one_breath)
    assert (list(nothing), list(page)) == ([], [])
    assert [stored.name for stored in snapshot.webhooks] == ["till"]
    assert [(backlog.webhook, backlog.pending) for backlog in backlogs] == [(1, 1)]
    assert [job.attempt for job in claimed.claimed] == [2]


def test_what_was_answered_is_in_every_log_that_is_asked_for_then(subject: Subject) -> None:
    for number in range(1, 6):
        [delivery] = subject.commit(event(f"e{number}", new(1))).firsts
        assert subject.event(f"e{number}", ORG) is not None
        assert len(subject.ask(lambda store: store.log_events(EVERYTHING)).events) == number
        assert subject.delivery(delivery).state == State.PENDING
        subject.commit(settled=[failing(delivery, 60_000)])
        assert subject.delivery(delivery).state == State.RETRYING
        assert len(subject.attempts(delivery)) == 1


@pytest.mark.parametrize("how", ["reopen", "crash"])
def test_what_a_former_owner_has_written_is_in_every_answer_of_the_next(
    subject: Subject, how: str
) -> None:
    number = subject.put_webhook()
    [delivery] = subject.commit(event("a", new(number), terms=[term("t")])).firsts
    getattr(subject, how)()
    assert subject.event("a", ORG) is not None
    events = subject.ask(lambda store: store.log_events(EVERYTHING)).events
    assert [row.id for row in events] == ["a"]
    found = port.DeliveryQuery(webhooks=[number], limit=10)
    page = subject.ask(lambda store: store.log_deliveries(found))
    assert [row.id for row in page.deliveries] == [delivery]
    assert subject.pending(number) == [delivery]
    assert list(subject.find(term("t"))) == [1]
    left = None if how == "reopen" else [(DeliveryId(delivery), 1)]
    assert [backlog.pending for backlog in subject.recover(left=left)] == [1]
