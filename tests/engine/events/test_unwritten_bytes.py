"""What settlements hold in memory until they are written is bounded in bytes, and none is lost."""

from collections.abc import Callable

import msgspec
import pytest

from tests.engine.delivery.scenes.dispatched_lanes import OTHER, PROCESS_MAX, Lanes, numbered
from tests.engine.delivery.scenes.dispatched_lanes import turns as lane_turns
from tests.engine.delivery.scenes.health_parts import HOOK
from tests.engine.events.commit_desk import Refusal, at_work, begun, settled, turns
from tidings.core.delivery.states import State
from tidings.engine.events.commit_queue import UNWRITTEN_BYTES_MAX, CommitQueue
from tidings.store import port

EACH = 3 << 20


def with_answer(delivery: int) -> port.Settlement:
    evidence = port.Evidence(None, "", (), b"a" * EACH, False)
    return msgspec.structs.replace(settled(delivery), evidence=evidence)


def with_headers(delivery: int) -> port.Settlement:
    headers = [("a", "b" * (EACH - 1))]
    evidence = port.Evidence(None, "", headers, b"", False)
    return msgspec.structs.replace(settled(delivery), evidence=evidence)


def with_message(delivery: int) -> port.Settlement:
    return msgspec.structs.replace(settled(delivery), sent=b"m" * EACH)


class Held(Lanes):
    """Lanes whose settlements wait in a real queue until the next commit."""

    def __init__(self) -> None:
        super().__init__()
        self.queue = CommitQueue(1 << 30, 60.0)
        self.most = 0

    def settle(self, settled: port.Settlement) -> None:
        super().settle(settled)
        self.queue.settle(settled)
        self._look()

    async def write(self) -> None:
        """Write all that waits, and tell the lanes."""
        self.queue.close()
        self._look()
        self.queue.go_on()
        self._look()
        await self.commit()

    def _look(self) -> None:
        self.commits.unwritten_bytes = self.queue.unwritten_bytes
        self.most = max(self.most, self.queue.unwritten_bytes)


async def test_attempts_wait_while_settlements_hold_their_bytes_and_all_are_made() -> None:
    lanes = Held()
    lanes.receiver.says = b"a" * EACH
    for webhook in (HOOK, OTHER):
        lanes.registry.put(msgspec.structs.replace(webhook, keep_answers=True))
    lanes.have_answered()
    await lanes.commit(*numbered(*range(1, 31)), *numbered(*range(31, 61), webhook=OTHER.number))
    assert UNWRITTEN_BYTES_MAX <= lanes.most, "the bound was met"
    made = len(lanes.receiver.sent)
    assert made < 60
    await lane_turns()
    assert len(lanes.receiver.sent) == made and lanes.dispatcher.attempts_running == 0
    ended = list(lanes.ends)
    while len(ended) < 60 and lanes.unwritten:
        await lanes.write()
        ended += lanes.ends
    assert sorted(ended) == [(number, State.DELIVERED, 1) for number in range(1, 61)], "each once"
    assert lanes.most <= UNWRITTEN_BYTES_MAX + PROCESS_MAX * EACH


@pytest.mark.parametrize("large", [with_answer, with_headers, with_message])
async def test_the_bytes_of_settlements_count_until_they_are_written(
    large: Callable[[int], port.Settlement],
) -> None:
    async with at_work() as desk:
        await begun(desk)
        queue = desk.queue
        for number in range(1, 5):
            queue.settle(large(number))
        assert queue.unwritten_bytes == 4 * EACH
        queue.wake()
        await turns()
        assert queue.unwritten == 0 and queue.unwritten_bytes == 4 * EACH, "under way"
        queue.settle(large(5))
        assert queue.unwritten_bytes == 5 * EACH
        desk.store.free.set()
        await queue.drained()
        assert queue.unwritten_bytes == 0
        written = [row.delivery for batch in desk.store.batches for row in batch.settled]
        assert written == [1, 2, 3, 4, 5]


REFUSALS: dict[str, Refusal] = {
    "the store refuses": lambda batch: port.StoreDown("the disk is full"),
    "a row cannot be written": lambda batch: (
        ValueError("no")
        if any(row.evidence and row.evidence.body for row in batch.settled)
        else None
    ),
}


@pytest.mark.parametrize("refusal", REFUSALS)
async def test_what_the_store_refuses_stays_counted_and_nothing_is_counted_for_ever(
    refusal: str,
) -> None:
    async with at_work() as desk:
        await begun(desk)
        desk.store.refuse = REFUSALS[refusal]
        desk.store.free.set()
        desk.queue.settle(with_answer(1))
        desk.queue.settle(with_message(2))
        desk.queue.wake()
        await turns()
        if desk.queue.halted:
            assert desk.queue.unwritten_bytes == 2 * EACH
            desk.store.refuse = lambda batch: None
        await desk.queue.drained()
        assert desk.queue.unwritten_bytes == 0
        written = [row for batch in desk.store.batches for row in batch.settled]
        assert sorted(row.delivery for row in written) == [1, 2]
        assert any(row.sent for row in written), "what can be written is"
