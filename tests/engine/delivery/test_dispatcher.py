"""The dispatcher by itself: commits hand work to it, attempts go out, outcomes come back.

Around it are a store's log, the next commit and a receiver, each as small as it can be.
"""

import asyncio
from collections.abc import Callable

import msgspec
import pytest

from tests.engine.delivery.scenes.dispatched_lanes import (
    OTHER,
    PROCESS_MAX,
    Lanes,
    numbered,
    turns,
)
from tests.engine.delivery.scenes.health_parts import HOOK
from tests.engine.delivery.scenes.offers import NOW_MS, job
from tests.engine.events.commit_desk import event
from tidings.core.delivery.states import State
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.ids import DeliveryId, EventNumber
from tidings.core.replay import window
from tidings.engine.delivery.attempt_results import LOST
from tidings.engine.events.commit_queue import UNWRITTEN_MAX
from tidings.store import port


async def test_what_a_commit_brings_is_sent_and_its_outcome_goes_into_the_next() -> None:
    lanes = Lanes()
    new = [port.NewDelivery(HOOK.number, 1, None), port.NewDelivery(OTHER.number, 1, None)]
    receipt = port.Receipt(
        now_ms=NOW_MS,
        seqs=[EventNumber(1), EventNumber(0)],
        firsts=[DeliveryId(11), DeliveryId(13)],
    )
    events = [event("a", b"accepted"), event("again", b"a duplicate")]
    lanes.dispatcher.handover.take(receipt, events, [new, new])
    await turns()
    assert lanes.receiver.sent == [b"accepted", b"accepted"]
    assert lanes.ends == [(11, State.DELIVERED, 1), (12, State.DELIVERED, 1)]
    assert (lanes.dispatcher.attempts_running, lanes.dispatcher.queued) == (0, 0)
    begun = lanes.dispatcher.next_attempts.of
    assert begun(HOOK.number, DeliveryId(11), False).begun == 1, (
        "until its outcome is on stable storage"
    )
    await lanes.commit()
    assert begun(HOOK.number, DeliveryId(11), False).begun == 0


async def test_what_a_commit_stored_as_held_or_parked_is_not_sent() -> None:
    lanes = Lanes()
    new = [port.NewDelivery(HOOK.number, 1, key) for key in (None, 7)]
    parked = port.NewDelivery(OTHER.number, 1, None, True)
    receipt = port.Receipt(
        now_ms=NOW_MS, seqs=[EventNumber(1)], firsts=[DeliveryId(11)], held=[DeliveryId(12)]
    )
    lanes.dispatcher.handover.take(receipt, [event("a")], [[*new, parked]])
    await turns()
    assert lanes.ends == [(11, State.DELIVERED, 1)]


async def test_a_slot_makes_one_attempt_after_the_other_in_the_order_of_the_commits() -> None:
    lanes = Lanes(connections_max=1)
    await lanes.commit(*numbered(1, 2, 3))
    await lanes.commit(*numbered(4, 5))
    assert lanes.receiver.sent == [b"1", b"2", b"3", b"4", b"5"] and lanes.receiver.most == 1


async def test_a_webhook_has_no_more_attempts_under_way_than_it_takes() -> None:
    lanes = Lanes(connections_max=2)
    lanes.have_answered()
    lanes.receiver.free.clear()
    await lanes.commit(*numbered(1, 2, 3, 4, 5))
    assert (lanes.dispatcher.attempts_running, lanes.dispatcher.queued) == (2, 3)
    lanes.receiver.free.set()
    await turns()
    assert len(lanes.ends) == 5 and lanes.receiver.most == 2


async def test_no_org_keeps_another_from_starting_however_much_it_has() -> None:
    lanes = Lanes(connections_max=PROCESS_MAX)
    lanes.have_answered()
    lanes.receiver.free.clear()
    await lanes.commit(*numbered(*range(1, 31)))
    most = PROCESS_MAX // 2 - 1  # of its org's half a webhook leaves a part to the others
    assert lanes.dispatcher.attempts_running == most
    await lanes.commit(*numbered(31, 32, webhook=OTHER.number))
    assert lanes.receiver.sent[most:] == [b"31", b"32"]
    lanes.receiver.free.set()
    await turns()
    assert len(lanes.ends) == 32 and lanes.receiver.most <= PROCESS_MAX


async def test_an_unfinished_outcome_is_due_again_and_a_final_one_is_not() -> None:
    lanes = Lanes(503, 400)
    await lanes.commit(*numbered(1), now_ms=0)
    await lanes.commit(*numbered(2), now_ms=0)  # so what was put off is due by now
    assert lanes.commits.takes == [HOOK.number] and lanes.ends == [(2, State.FAILED, 1)]
    [claimed] = [msgspec.structs.replace(job(1, 2), body=b"again")]
    await lanes.commit(claimed=[claimed], due=[(HOOK.number, None)])
    assert lanes.receiver.sent == [b"1", b"2", b"again"]
    assert lanes.ends == [(1, State.DELIVERED, 2)]
    await lanes.commit()
    assert lanes.commits.takes == [HOOK.number], "nothing is due any more"


async def test_a_claim_is_under_way_once_and_asks_for_what_it_has_left() -> None:
    lanes = Lanes()
    lanes.dispatcher.recovery.begin([port.Backlog(HOOK.number, 0, 0)])
    lanes.dispatcher.changes.due(HOOK.number, 0)
    await turns()
    assert lanes.commits.takes == [HOOK.number]
    await lanes.commit(claimed=[job(1, 2)], due=[(HOOK.number, NOW_MS)])
    assert lanes.commits.takes == [HOOK.number] * 2


async def test_nothing_starts_while_the_store_refuses_and_the_log_is_read_after_it() -> None:
    lanes = Lanes()
    lanes.commits.halted = True
    lanes.stored = numbered(1, 2)
    await lanes.commit(*numbered(1))
    assert lanes.receiver.sent == [] and lanes.dispatcher.queued == 1
    lanes.commits.halted = False
    lanes.dispatcher.recovery.look_again(set())  # no receipt had told of the second
    await turns()
    assert lanes.receiver.sent == [b"1", b"2"]


async def test_what_a_commit_without_a_receipt_has_stored_is_found_and_sent() -> None:
    lanes = Lanes()
    lanes.stored = numbered(1)  # of a webhook that nothing was known of here
    lanes.dispatcher.recovery.look_again(set())
    await turns()
    assert lanes.receiver.sent == [b"1"]


async def test_nothing_starts_while_too_many_outcomes_are_unwritten() -> None:
    lanes = Lanes()
    lanes.unwritten = [
        port.Settlement(DeliveryId(99), 99, None, 3, 1, 1, 0, 1, 200)
    ] * UNWRITTEN_MAX
    lanes.commits.unwritten = len(lanes.unwritten)
    lanes.dispatcher.handover.take(port.Receipt(now_ms=NOW_MS, freed=numbered(1)), [], [])
    await turns()
    assert lanes.receiver.sent == []
    await lanes.commit()
    assert lanes.receiver.sent == [b"1"]


async def test_what_had_not_left_when_a_commit_was_lost_is_read_again_and_sent_once() -> None:
    lanes = Lanes()
    lanes.receiver.connects.clear()
    lanes.stored = numbered(1)
    await lanes.commit(*numbered(1), *numbered(2))  # the lost one has ended 2: it is not stored
    lanes.dispatcher.recovery.look_again(set())
    await turns()
    lanes.receiver.connects.set()
    await turns()
    assert lanes.receiver.sent == [b"1"] and lanes.ends == [(1, State.DELIVERED, 1)]


async def test_what_a_former_owner_left_is_read_in_pages_and_sent_each_once() -> None:
    lanes = Lanes(connections_max=2)
    lanes.stored = numbered(*range(1, 1201))
    lanes.dispatcher.recovery.begin([port.Backlog(HOOK.number, 1200, None)])
    for _ in range(200):
        if len(lanes.receiver.sent) >= 1200:
            break
        await lanes.commit()
    assert sorted(map(int, lanes.receiver.sent)) == [*range(1, 1201)]


async def test_a_cancel_is_heeded_by_what_waits_and_by_what_has_not_left() -> None:
    lanes = Lanes(connections_max=1)
    lanes.receiver.connects.clear()
    await lanes.commit(*numbered(1, 2, 3))
    lanes.stored = numbered(3)
    cancel = port.CancelReceipt(True, [(HOOK.number, DeliveryId(1)), (HOOK.number, DeliveryId(2))])
    await lanes.commit(cancelled=[cancel])
    lanes.receiver.connects.set()
    await turns()
    assert lanes.receiver.sent == [b"3"] and lanes.ends == [(3, State.DELIVERED, 1)]


async def test_who_is_deleted_is_sent_nothing_more_and_closed_when_its_attempts_end() -> None:
    lanes = Lanes(connections_max=1)
    lanes.receiver.free.clear()
    await lanes.commit(*numbered(1, 2))
    lanes.dispatcher.changes.changed(msgspec.structs.replace(HOOK, status=WebhookStatus.DELETED))
    await turns()
    assert lanes.receiver.closed == 0, "the first is under way"
    lanes.receiver.free.set()
    await turns()
    assert lanes.receiver.closed == 1 and lanes.receiver.sent == [b"1"]
    assert lanes.ends == [(1, State.DELIVERED, 1)]


async def test_a_webhook_that_nobody_knows_is_passed_by() -> None:
    lanes = Lanes()
    await lanes.commit(*numbered(1, webhook=77), *numbered(2))
    lanes.dispatcher.recovery.begin([port.Backlog(77, 1, 0)])
    lanes.dispatcher.changes.due(77, 0)
    await lanes.commit(due=[(77, None)])
    assert lanes.receiver.sent == [b"2"]


@pytest.mark.parametrize(
    "reason",
    [
        lambda lanes: setattr(lanes.commits, "halted", True),
        lambda lanes: lanes.dispatcher.changes.changed(
            msgspec.structs.replace(HOOK, status=WebhookStatus.PAUSED)
        ),
    ],
    ids=["the store refuses", "paused"],
)
async def test_a_replay_has_the_room_that_live_work_leaves(
    reason: Callable[[Lanes], None],
) -> None:
    lanes = Lanes()
    assert lanes.dispatcher.replay_room(HOOK) == window(HOOK.connections_max)
    lanes.receiver.free.clear()
    made = [msgspec.structs.replace(job, replay=3) for job in numbered(1, 2)]
    await lanes.commit(replayed=[port.ReplayReceipt(3, True, 2, made)])
    assert lanes.dispatcher.replay_room(HOOK) == window(HOOK.connections_max) - 2
    reason(lanes)
    assert lanes.dispatcher.replay_room(HOOK) == 0
    lanes.receiver.free.set()


async def test_a_stop_starts_nothing_more_and_waits_for_what_is_under_way() -> None:
    lanes = Lanes(connections_max=1)
    lanes.receiver.free.clear()
    await lanes.commit(*numbered(1, 2))
    stop = asyncio.ensure_future(lanes.dispatcher.stop(30.0))
    await turns()
    assert not stop.done() and lanes.receiver.closed == 0
    lanes.receiver.free.set()
    await stop
    assert lanes.receiver.sent == [b"1"] and lanes.ends == [(1, State.DELIVERED, 1)]
    assert lanes.receiver.closed == 1
    await lanes.commit(*numbered(3))
    assert lanes.receiver.sent == [b"1"]


async def test_what_a_stop_ends_is_possibly_sent_if_it_had_left_and_charged_to_nobody_if_not() -> (
    None
):
    lanes = Lanes(connections_max=1)
    lanes.receiver.free.clear()
    await lanes.commit(*numbered(1))
    lanes.receiver.connects.clear()
    await lanes.commit(*numbered(2, webhook=OTHER.number))
    await lanes.dispatcher.stop(0.02)
    assert lanes.ends == [(1, State.RETRYING, 1)]
    [lost] = lanes.unwritten
    assert lost.evidence is not None and (lost.evidence.kind, lost.delay_ms) == (LOST, 0)
