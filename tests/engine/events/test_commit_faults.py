"""The group commit over a store that refuses, loses answers or meets a fault."""

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from tests.engine.events.commit_desk import Desk, at_work, begun, event, refused, settled
from tidings.core.ids import DeliveryId
from tidings.store import port


async def test_while_the_store_refuses_callers_and_commands_are_refused_at_once() -> None:
    async with at_work() as desk:
        await begun(desk)
        desk.store.refuse = lambda _: port.StoreDown("the disk is full")
        cancelled = desk.queue.cancel(port.CancelSlice([DeliveryId(4)], "boss"))
        desk.store.free.set()
        with pytest.raises(port.StoreDown):
            await cancelled
        assert desk.queue.halted and desk.queue.failure == "the disk is full"
        with pytest.raises(port.StoreDown, match="the disk is full"):
            desk.queue.add([event("a")])
        desk.queue.settle(settled(1))  # an attempt that was under way has ended
        desk.store.refuse = lambda _: None
        await desk.queue.drained()
        assert not desk.queue.halted and desk.queue.unwritten == 0
        assert not any(batch.cancels for batch in desk.store.batches), "who asked was told"
        assert (await desk.queue.add([event("b")]))[0].status == "accepted"


async def test_a_store_that_takes_again_is_found_though_nothing_waits() -> None:
    async with at_work() as desk:
        await begun(desk)
        desk.committer.leave_owed()
        desk.store.refuse = lambda _: port.StoreDown("the disk is full")
        answered = desk.queue.add([event("a")])
        desk.store.free.set()
        with pytest.raises(port.StoreDown):
            await answered
        desk.store.refuse = lambda _: None
        await desk.queue.drained()
        assert not desk.queue.halted and desk.store.ids == [[]]


async def test_an_event_that_cannot_be_written_is_its_own_callers_alone() -> None:
    async with at_work() as desk:
        await begun(desk)
        desk.store.refuse = lambda batch: (
            ValueError("a bad row") if "bad" in [event.id for event in batch.events] else None
        )
        answered = {id: desk.queue.add([event(id)]) for id in ("a", "bad", "b")}
        desk.queue.settle(settled(1))
        desk.store.free.set()
        with pytest.raises(port.StoreDown, match="a bad row"):
            await answered["bad"]
        await desk.queue.drained()
        for id in "ab":
            assert [acceptance.status for acceptance in await answered[id]] == ["accepted"]
        assert sorted(sum(desk.store.ids, [])) == ["a", "b"]
        assert [
            settlement.delivery for batch in desk.store.batches for settlement in batch.settled
        ] == [1]
        assert not desk.queue.halted


async def test_an_outcome_that_cannot_be_written_ends_the_work_loudly() -> None:
    async with at_work() as desk:
        await begun(desk)
        desk.store.refuse = lambda batch: ValueError("no such row") if batch.settled else None
        desk.queue.settle(settled(1))
        desk.store.free.set()
        with pytest.raises(ValueError, match="no such row"):
            await desk.work


async def test_an_answer_that_cannot_be_kept_takes_no_outcome_with_it() -> None:
    """A text, a number or bytes of a receiver that no store takes must not end the service."""
    async with at_work() as desk:
        await begun(desk)
        odd = port.Evidence(None, "busy", (("x", "odd"),), b"odd", False)
        desk.store.refuse = lambda batch: (
            UnicodeEncodeError("utf-8", "x", 0, 1, "surrogates")
            if any(settlement.evidence and settlement.evidence.body for settlement in batch.settled)
            else None
        )
        desk.queue.settle(msgspec.structs.replace(settled(1), evidence=odd, sent=b"shaped"))
        desk.queue.settle(settled(2))
        desk.store.free.set()
        await desk.queue.drained()
        written = [settlement for batch in desk.store.batches for settlement in batch.settled]
        assert sorted(settlement.delivery for settlement in written) == [1, 2]
        [bare] = [settlement for settlement in written if settlement.delivery == 1]
        assert bare.evidence is not None and bare.evidence.kind == "ours" and bare.sent is None
        assert not desk.work.done()


async def refused_once(desk: Desk, error: Exception) -> "asyncio.Future[Any]":
    """An event, an outcome and a take in a batch that the store refuses the first time."""
    await desk.queue.add([event("first")])
    refusals = [error]
    desk.store.refuse = lambda _: refusals.pop() if refusals else None
    desk.queue.settle(settled(1))
    desk.queue.claim(9, 4)
    return desk.queue.add([event("a")])


async def test_after_a_refusal_the_lanes_look_again_once_and_outcomes_are_written() -> None:
    async with at_work() as desk:
        answered = await refused_once(desk, port.StoreDown("the answer is lost"))
        with pytest.raises(port.StoreDown):
            await answered
        assert desk.queue.halted and desk.doubted == []
        await desk.queue.drained()
        assert desk.doubted == [{9}] and not desk.queue.halted
        assert [element.delivery for batch in desk.store.batches for element in batch.settled] == [
            1
        ]
        await desk.queue.add([event("b")])
        assert desk.doubted == [{9}]


async def test_after_a_fault_rows_go_one_by_one_and_the_lanes_look_again() -> None:
    """Of a fault, too, nobody knows whether it came before the commit or after it."""
    async with at_work() as desk:
        assert len(await (await refused_once(desk, RuntimeError("a fault")))) == 1
        await desk.queue.drained()
        assert desk.doubted == [{9}]


async def test_what_is_owed_is_made_slice_by_slice_beside_what_comes() -> None:
    async with at_work() as desk:
        desk.store.owed = 12
        await desk.queue.add([event("a")])
        await desk.queue.drained()
        slices: Sequence[int] = [batch.fan_out for batch in desk.store.batches]
        assert slices == [5, 5, 5] and desk.committer.owed == 0
        await desk.queue.add([event("b")])
        assert desk.store.batches[-1].fan_out == 0


async def test_what_is_owed_and_cannot_be_made_refuses_nobody_else() -> None:
    async with at_work() as desk:
        desk.store.refuse = lambda batch: RuntimeError("no such row") if batch.fan_out else None
        desk.store.owed = 12
        await desk.queue.add([event("a")])
        await desk.queue.drained()
        assert desk.committer.fan_out_failure == "no such row"
        assert [len(batch.events) for batch in desk.store.batches] == [1]


async def test_a_stop_leaves_what_is_owed_to_the_next_start() -> None:
    async with at_work() as desk:
        await desk.queue.add([event("first")])
        desk.committer.leave_owed()
        desk.store.owed = 1_000_000
        await desk.queue.add([event("a")])
        await desk.queue.drained()
        assert [batch.fan_out for batch in desk.store.batches[1:]] == [0]


def kept_refusals(desk: Desk) -> list[str]:
    """What the store has of them."""
    return [rejection.event_id for batch in desk.store.batches for rejection in batch.rejections]


@pytest.mark.parametrize("times", [1, 2, 5])
@pytest.mark.parametrize("beside", ["alone", "an outcome", "an event"])
@pytest.mark.parametrize("error", [port.StoreDown("the disk is full"), RuntimeError("a fault")])
async def test_refused_events_outlive_failed_writes(
    error: Exception, beside: str, times: int
) -> None:
    async with at_work() as desk:
        await desk.queue.add([event("first")])
        left = times if isinstance(error, port.StoreDown) else 1
        # A fault is that of the whole batch; its parts go through.
        whole = 2 if beside == "alone" else 1

        def refuse(batch: port.Batch) -> Exception | None:
            nonlocal left
            if left and len(batch.rejections) >= whole:
                left -= 1
                return error
            return None

        desk.store.refuse = refuse
        if beside == "an outcome":
            desk.queue.settle(settled(1))
        desk.queue.note_rejections([refused("x"), refused("y")])
        if beside == "an event":
            answered = desk.queue.add([event("a")])
            if isinstance(error, port.StoreDown):
                with pytest.raises(port.StoreDown):
                    await answered
            else:
                assert [acceptance.status for acceptance in await answered] == ["accepted"]
        await desk.queue.drained()
        assert left == 0 and kept_refusals(desk) == ["x", "y"]


async def test_a_refused_event_that_cannot_be_kept_refuses_nobody_else() -> None:
    async with at_work() as desk:
        await desk.queue.add([event("first")])
        desk.store.refuse = lambda batch: (
            ValueError("no text")
            if "bad" in [rejection.event_id for rejection in batch.rejections]
            else None
        )
        ids = ["x", "bad", *(str(n) for n in range(30))]
        desk.queue.note_rejections([refused(id) for id in ids])
        desk.queue.settle(settled(1))
        answered = [desk.queue.add([event(id)]) for id in "ab"]
        for future in answered:
            assert [verdict.status for verdict in await future] == ["accepted"]
        await desk.queue.drained()
        assert sorted(kept_refusals(desk)) == sorted(set(ids) - {"bad"})
        assert [
            settlement.delivery for batch in desk.store.batches for settlement in batch.settled
        ] == [1]
        assert len(desk.store.batches) < 20, "halves of them, not one by one"


async def test_events_refused_while_a_batch_is_taken_apart_are_kept_too() -> None:
    async with at_work() as desk:
        await desk.queue.add([event("first")])
        came = iter(["during", "and later"])

        def refuse(batch: port.Batch) -> Exception | None:
            if (id := next(came, None)) is not None:
                desk.queue.note_rejections([refused(id)])
            return RuntimeError("a fault") if len(batch.events) > 1 else None

        desk.store.refuse = refuse
        answered = [desk.queue.add([event(id)]) for id in "ab"]
        desk.queue.settle(settled(1))
        for future in answered:
            assert [verdict.status for verdict in await future] == ["accepted"]
        await desk.queue.drained()
        assert sorted(kept_refusals(desk)) == ["and later", "during"]


async def test_while_no_number_is_left_calls_are_refused_and_what_is_sent_goes_on() -> None:
    """However many calls there are: outcomes never wait for a commit without any."""
    async with at_work() as desk:
        desk.store.refuse = lambda batch: (
            port.NoNumbers("none is left") if batch.events or batch.replays else None
        )
        for number in range(1, 20):
            desk.queue.settle(settled(number))
            desk.queue.note_rejections([refused(f"x{number}")])
            with pytest.raises(port.NoNumbers, match="none is left"):
                await desk.queue.add([event(f"e{number}")])
            assert not desk.queue.halted and desk.doubted == []
        await desk.queue.drained()
        outcomes = [
            settlement.delivery for batch in desk.store.batches for settlement in batch.settled
        ]
        assert outcomes == [*range(1, 20)] and len(kept_refusals(desk)) == 19
        desk.store.refuse = lambda _: None
        [verdict] = await desk.queue.add([event("e1")])
        assert verdict.status == "accepted"
