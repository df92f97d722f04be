"""Conformance: a database that takes no writes is found out by any commit, also one of nothing."""

from collections.abc import Awaitable, Callable

import pytest

from tests.store.conformance.commits.subjects import InProcessSubject
from tests.store.rows import event, new, settled, webhook
from tidings.store import port

Write = Callable[[port.Store], Awaitable[object]]

WRITES: dict[str, Write] = {
    "nothing": lambda store: store.commit(port.Batch(0)),
    "a claim of nothing": lambda store: store.commit(
        port.Batch(0, claims=[port.RetryClaim(1, 10)])
    ),
    "an event": lambda store: store.commit(port.Batch(1, [event("b", new(1))])),
    "an outcome": lambda store: store.commit(port.Batch(0, settled=[settled(1)])),
    "a webhook": lambda store: store.put_webhook(webhook("till")),
}


def test_an_empty_batch_finds_out_that_nothing_can_be_written_and_that_it_can_again(
    in_process: InProcessSubject,
) -> None:
    first = in_process.commit(event("a", new(1)))
    for write in (*WRITES.values(), WRITES["nothing"]):
        with in_process.refusing(), pytest.raises(port.StoreDown):
            in_process.ask(write)
        in_process.commit()
    assert in_process.counts().events == 1 and in_process.load().webhooks == []
    [seq] = in_process.commit(event("b", new(1))).seqs
    assert seq == first.seqs[0] + 1, "what was refused has cost no number"
