"""The group commit by itself: what goes into one batch, who is told of it, and in which order."""

import asyncio
from itertools import count

import pytest

from tests.engine.events.commit_desk import at_work, begun, event, refused, settled, turns
from tests.simulation.loop import simulate
from tidings.core.ids import DeliveryId, EventNumber, OrgId
from tidings.engine.events.commit_queue import (
    BATCH_BYTES_MAX,
    BATCH_EVENTS_MAX,
    SETTLE_ALONE_AT,
    SETTLE_WAIT_S,
)
from tidings.engine.events.committer import ANSWER_S, DIFFERS
from tidings.engine.events.intake import Acceptance
from tidings.store import port


async def test_while_one_commit_is_under_way_the_next_one_gathers() -> None:
    async with at_work() as desk:
        await begun(desk)
        first = desk.queue.add([event("a")])
        await turns()
        others = [desk.queue.add([event("b")]), desk.queue.add([event("c"), event("d")])]
        desk.queue.settle(settled(1))
        desk.queue.claim(9, 4)
        desk.queue.note_rejections([refused("x")])
        await turns()
        assert desk.store.batches == [] and not first.done()
        desk.store.free.set()
        await asyncio.gather(first, *others)
        assert desk.store.ids == [["a"], ["b", "c", "d"]]
        batch = desk.store.batches[1]
        assert [settlement.delivery for settlement in batch.settled] == [1]
        assert batch.claims == [port.RetryClaim(9, 4)]
        assert [rejection.event_id for rejection in batch.rejections] == ["x"]


@pytest.mark.parametrize(
    ("sizes", "body", "batches"),
    [
        ([600, 600, 1], b"{}", [1200, 1]),  # the call that fills it goes in as a whole
        ([BATCH_EVENTS_MAX, 1], b"{}", [BATCH_EVENTS_MAX, 1]),
        ([1, 1, 1], b" " * (BATCH_BYTES_MAX // 2), [2, 1]),
    ],
)
async def test_a_batch_is_closed_when_it_is_full_and_no_call_is_divided(
    sizes: list[int], body: bytes, batches: list[int]
) -> None:
    async with at_work() as desk:
        await begun(desk)
        number = count()
        calls = [
            desk.queue.add([event(str(next(number)), body) for _ in range(size)]) for size in sizes
        ]
        desk.store.free.set()
        await asyncio.gather(*calls)
        assert [len(ids) for ids in desk.store.ids] == batches
        assert [id for ids in desk.store.ids for id in ids] == [str(n) for n in range(sum(sizes))]


async def test_lanes_know_of_a_commit_before_any_of_its_callers_is_answered() -> None:
    async with at_work() as desk:
        await begun(desk)
        found = [port.NewDelivery(7, 1, None)]
        desk.match = lambda one: found if one.draft.event_id == "b" else ()
        desk.lanes.answers = [desk.queue.add([event("a")]), desk.queue.add([event("b")])]
        desk.queue.settle(settled(1))
        desk.store.free.set()
        await asyncio.gather(*desk.lanes.answers)
        assert desk.lanes.told == [
            ("handover", [("a", ()), ("b", found)], False),
            ("settled", [1], False),
        ]
        assert [list(event.deliveries) for event in desk.store.batches[0].events] == [[], found]


async def test_each_call_is_told_of_its_own_events_in_their_order() -> None:
    async with at_work() as desk:
        await begun(desk)
        desk.store.known = {"again": False, "other bytes": True}
        calls = [
            desk.queue.add([event("a"), event("again"), event("b", warning="odd")]),
            desk.queue.add([event("other bytes")]),
            desk.queue.add([event("c")]),
        ]
        desk.store.free.set()
        accepted, again = Acceptance("accepted"), Acceptance("duplicate")
        assert await asyncio.gather(*calls) == [
            [accepted, again, Acceptance("accepted", "odd")],
            [Acceptance("duplicate", DIFFERS)],
            [accepted],
        ]


async def test_a_batch_is_matched_at_its_close_and_again_where_the_registry_had_changed() -> None:
    async with at_work() as desk:
        await begun(desk)
        desk.match = lambda _: [port.NewDelivery(7, desk.registry.version, None)]
        blocking = desk.queue.add([event("a")])
        await turns()
        answered = desk.queue.add([event("b")])  # not matched yet
        desk.registry.version, desk.store.moved_at = 3, 3
        desk.store.free.set()
        await blocking
        await turns()
        assert not answered.done() and len(desk.store.batches) == 1
        desk.registry.version = 4  # the change that outdated it has arrived here
        assert [acceptance.status for acceptance in await answered] == ["accepted"]
        assert desk.store.asked[-2:] == [3, 4] and desk.store.asked.count(3) == 1, (
            "not asked again before it had arrived"
        )
        batch = desk.store.batches[1]
        assert (batch.registry_version, batch.events[0].deliveries[0].version) == (4, 4)
        told = [what for kind, what, _ in desk.lanes.told if kind == "handover"]
        assert [[id for id, _ in what] for what in told] == [["a"], ["b"]], "each once"
        assert told[1][0][1] == batch.events[0].deliveries


def test_outcomes_alone_wait_a_moment_and_events_do_not() -> None:
    async def main() -> None:
        async with at_work() as desk:
            await begun(desk)
            desk.store.free.set()
            desk.queue.settle(settled(1))
            await turns()
            assert desk.store.batches == [] and desk.queue.unwritten == 1
            desk.queue.add([event("a")])
            await turns()
            [batch] = desk.store.batches
            assert [settlement.delivery for settlement in batch.settled] == [1] and len(
                batch.events
            ) == 1
            desk.queue.settle(settled(2))
            await asyncio.sleep(2 * SETTLE_WAIT_S)  # nobody comes
            assert [settlement.delivery for settlement in desk.store.batches[1].settled] == [2]

    simulate(1, main())


def test_an_outcome_that_frees_the_next_of_its_key_does_not_wait_nor_do_many() -> None:
    async def main() -> None:
        async with at_work() as desk:
            await begun(desk)
            desk.store.free.set()
            desk.queue.settle(settled(1, key=5))
            await turns()
            assert len(desk.store.batches) == 1
            for number in range(SETTLE_ALONE_AT):
                desk.queue.settle(settled(number))
            await turns()
            assert len(desk.store.batches[1].settled) == SETTLE_ALONE_AT

    simulate(1, main())


async def test_commands_go_with_the_batch_and_are_planned_at_its_close() -> None:
    async with at_work() as desk:
        await begun(desk)
        blocking = desk.queue.add([event("a")])
        await turns()
        plans = [port.ReplaySlice(3, EventNumber(0), EventNumber(9), 1), None]
        sliced, not_now = (desk.queue.slice(lambda: plans.pop(0), OrgId(1)) for _ in range(2))
        cancelled = desk.queue.cancel(port.CancelSlice([DeliveryId(4)], "boss"))
        await turns()
        assert len(plans) == 2, "the webhook may change until then"
        desk.store.free.set()
        await blocking
        assert (await sliced).applied and not (await not_now).applied
        assert (await cancelled).applied
        [batch] = desk.store.batches[1:]
        assert [replay.replay for replay in batch.replays] == [3]
        assert [list(cancel.deliveries) for cancel in batch.cancels] == [[4]]


async def test_a_commit_that_takes_long_is_told_and_a_stop_writes_nothing_more() -> None:
    async with at_work() as desk:
        await begun(desk)
        assert desk.committer.stuck_s() == 0.0
        under_way = desk.queue.add([event("a")])
        await turns()
        later = desk.queue.add([event("b")])
        await asyncio.sleep(0.02)
        assert desk.committer.stuck_s() >= 0.02
        desk.work.cancel()
        desk.store.free.set()
        await turns()
        assert desk.work.cancelled() and desk.store.batches == []
        assert not under_way.done() and not later.done(), "nothing was promised of either"


def test_nobody_waits_for_a_commit_that_does_not_end_and_all_goes_on_when_it_does() -> None:
    async def main() -> None:
        async with at_work() as desk:
            await begun(desk)
            desk.queue.settle(settled(7))
            under_way = desk.queue.add([event("a")])
            await turns()
            later = desk.queue.add([event("b"), event("c")])
            command = desk.queue.cancel(port.CancelSlice([DeliveryId(4)], "boss"))
            desk.queue.settle(settled(8))
            await asyncio.sleep(ANSWER_S - 0.1)
            assert not under_way.done() and not later.done() and not desk.queue.halted
            await asyncio.sleep(0.2)
            for answered in (under_way, later, command):
                with pytest.raises(port.StoreDown, match="a commit takes more than 10 s"):
                    await answered
            with pytest.raises(port.StoreDown):
                desk.queue.add([event("d")])
            assert desk.queue.halted, "nothing is sent meanwhile"
            assert desk.store.batches == [] and desk.doubted == []
            desk.store.free.set()
            await turns()
            assert not desk.queue.halted and desk.doubted == [set()], "lanes go on"
            assert desk.store.ids == [["a"], []], "who was told may have been heard all the same"
            assert [told for told in desk.lanes.told if told[0] == "handover"][0][1] == [("a", ())]
            await asyncio.sleep(2 * SETTLE_WAIT_S)
            written = [
                settlement.delivery for batch in desk.store.batches for settlement in batch.settled
            ]
            assert written == [7, 8], "and no outcome is lost"
            assert (await desk.queue.add([event("b")]))[0] == Acceptance("accepted")

    simulate(1, main())


def test_who_asked_for_a_cancel_or_a_slice_waits_for_no_such_commit_either() -> None:
    async def main() -> None:
        async with at_work() as desk:
            await begun(desk)
            plan = port.ReplaySlice(3, EventNumber(0), EventNumber(9), 1)
            sliced = desk.queue.slice(lambda: plan, OrgId(1))
            cancelled = desk.queue.cancel(port.CancelSlice([DeliveryId(4)], "boss"))
            await turns()  # both are in it
            await asyncio.sleep(ANSWER_S + 0.1)
            assert sliced.done() and cancelled.done()
            for answered in (sliced, cancelled):
                with pytest.raises(port.StoreDown, match="a commit takes more than 10 s"):
                    await answered
            desk.store.free.set()
            await turns()
            assert not desk.queue.halted and desk.doubted == [set()]
            assert [len(batch.cancels) for batch in desk.store.batches if batch.cancels] == [1]

    simulate(1, main())


def test_a_commit_that_has_ended_in_time_halts_nothing_later() -> None:
    async def main() -> None:
        async with at_work() as desk:
            await begun(desk)
            desk.store.free.set()
            assert await desk.queue.add([event("a")]) == [Acceptance("accepted")]
            await asyncio.sleep(2 * ANSWER_S)
            assert not desk.queue.halted and desk.doubted == []

    simulate(1, main())
