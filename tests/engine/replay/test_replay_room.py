"""The room that replays get in a lane: live work comes first, in the lane and in the process."""

import pytest

from tests.engine.delivery.scenes.health_parts import HOOK
from tests.engine.delivery.scenes.offers import Silent, job, offer, scene_of
from tests.engine.webhooks.dispatch_scene import Scene
from tidings.core.delivery.lane import Lane
from tidings.core.delivery.turns import HANGS_S, LanePace
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.ids import DeliveryId, OrgId
from tidings.core.replay import window

SLOTS = 10  # of the scene's process
ROOM = window(100)


def lane_of(scene: Scene) -> Lane:
    return scene.dispatcher.runners.at_work[HOOK.number].lane


def room(scene: Scene) -> int:
    webhook = scene.registry.get(HOOK.number)
    assert webhook is not None
    return scene.dispatcher.replay_room(webhook)


async def test_a_lane_with_nothing_to_do_has_room_for_a_window_of_them() -> None:
    scene = Scene()
    scene = scene_of(Silent(), connections_max=100)
    assert room(scene) == ROOM


async def test_there_is_none_while_live_attempts_hold_more_than_half_of_the_slots() -> None:
    scene = Scene()
    silent = Silent()
    scene = scene_of(silent, connections_max=100)
    await offer(scene, job(1))
    permits = scene.dispatcher._admission.permits
    for org in range(1, SLOTS // 2):  # of other orgs: the slots are the process's
        permits.take(OrgId(HOOK.org + org), LanePace(), 0.0)
    assert scene.dispatcher.attempts_running == SLOTS // 2 and room(scene) == ROOM
    permit = permits.take(OrgId(HOOK.org), LanePace(), 0.0)
    assert room(scene) == 0
    permits.give(permit, 0.0, answered=True)
    assert room(scene) == ROOM


async def test_attempts_that_hang_keep_no_replay_waiting() -> None:
    scene = scene_of(Silent(), connections_max=100)
    permits = scene.dispatcher._admission.permits
    for org in range(1, SLOTS * 3 // 4 + 1):
        permits.take(OrgId(HOOK.org + org), LanePace(), 0.0)
    assert room(scene) == 0
    permits.look_at_young(HANGS_S)
    assert room(scene) == ROOM


async def test_there_is_none_while_the_lane_is_behind_with_live_events() -> None:
    scene = Scene()
    scene = scene_of(Silent(), connections_max=100)
    assert room(scene) == ROOM
    lane_of(scene).behind = True
    assert room(scene) == 0
    lane_of(scene).behind = False
    assert room(scene) == ROOM


@pytest.mark.parametrize("status", sorted(set(WebhookStatus) - {"active", "deleted"}))
async def test_there_is_none_where_nothing_is_sent(status: WebhookStatus) -> None:
    scene = Scene()
    scene = scene_of(Silent(), connections_max=100)
    assert room(scene) == ROOM
    lane_of(scene).sleep()
    lane_of(scene).behind = False
    assert room(scene) == 0, "its breaker is open"
    lane_of(scene).wake()
    assert room(scene) == ROOM
    scene.committer.halted = True
    assert room(scene) == 0, "the store takes no writes"
    scene.committer.halted = False
    scene.change(status)
    lane_of(scene).behind = False
    assert room(scene) == 0, "its webhook does not send"


async def test_what_waits_or_has_no_outcome_yet_takes_room() -> None:
    scene = Scene()
    scene = scene_of(Silent(), connections_max=1)
    whole = room(scene)
    for n in range(1, 4):
        one = job(n)
        one.replay = 1
        lane_of(scene).offer(one)
    assert room(scene) == whole - 3
    assert lane_of(scene).start(0.0) is not None
    assert room(scene) == whole - 3
    lane_of(scene).ended(DeliveryId(1), slow=False, delivered=True)
    lane_of(scene).settled(DeliveryId(1), 1)
    assert room(scene) == whole - 2
