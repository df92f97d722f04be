"""What waits for its key behind nothing is taken up at the next start, as `doctor` says."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.store.conformance.subject import Subject
from tests.store.rows import event, new, settled
from tests.store.sqlite.delivery.keys_at_random import KeptHalves
from tidings.core.delivery.states import State


class StuckKey:
    """Four deliveries of a key, of which an older release has left none under way."""

    def __init__(self, place: Path) -> None:
        self.halves = KeptHalves()
        self.subject = Subject(self.halves, place)
        self.subject.put_webhook()
        self.ids = list(self.subject.commit(*(event(id, new(1, 7)) for id in "abcd")).firsts)
        self.halves.run(f"UPDATE delivery SET state = 3, done_ms = 1 WHERE id = {self.ids[0]}")


@pytest.fixture
def stuck(tmp_path: Path) -> Iterator[StuckKey]:
    made = StuckKey(tmp_path / "data")
    yield made
    made.subject.close()


@pytest.mark.parametrize("clean", [True, False])
def test_the_first_that_waits_behind_nothing_is_freed_at_the_start(
    stuck: StuckKey, clean: bool
) -> None:
    subject, (_, b, c, d) = stuck.subject, stuck.ids
    if clean:
        stuck.halves.opened.writing.recovery.stopped_cleanly()
    assert subject.counts().orphans == 3 and subject.pending() == []
    subject.reopen(clean=clean)
    [backlog] = subject.recover(left=[])
    assert (backlog.webhook, backlog.pending) == (1, 1)
    assert subject.pending() == [b] and subject.counts().orphans == 0
    for delivery, freed in ((b, [c]), (c, [d]), (d, [])):
        receipt = subject.commit(settled=[settled(delivery, key=7)])
        assert [job.delivery for job in receipt.freed] == freed


def test_none_is_freed_beside_one_under_way_or_before_what_is_owed(stuck: StuckKey) -> None:
    subject, b = stuck.subject, stuck.ids[1]
    other = subject.commit(event("other", new(1, 8)), event("behind", new(1, 8))).firsts
    owed = subject.commit(event("owed", new(2, 9), new(1, 9)), deliveries_max=1).firsts[0] + 1
    [newer] = subject.commit(event("newer", new(1, 9))).firsts
    subject.crash()
    subject.recover(left=[])
    assert subject.states(b, *other) == [State.PENDING, State.PENDING, State.HELD]
    assert subject.states(newer) == [State.HELD], "what is owed goes first"
    subject.commit(fan_out=10)
    assert subject.states(owed, newer) == [State.PENDING, State.HELD]
