"""Who gets a slot of the process where several lanes wait for one."""

from types import SimpleNamespace
from typing import Any, cast

from tidings.core.delivery.turns import SLOW_S, LanePace
from tidings.core.ids import OrgId
from tidings.engine.delivery.admission import Admission
from tidings.engine.delivery.runner import WebhookRunner


def runner(org: int, number: int, *, took_s: float = 0.0) -> WebhookRunner:
    """As much of a webhook's runner as is asked here."""
    made: Any = SimpleNamespace(
        webhook=SimpleNamespace(org=org, number=number, pulled=False),
        lane=SimpleNamespace(running=0, can_start=True),
        pace=LanePace(),
    )
    if took_s:
        made.pace.ended(0.0, took_s)
    return cast(WebhookRunner, made)


def admission(slots: int = 8) -> Admission:
    return Admission(slots, lambda: True)


def test_a_lane_whose_attempts_took_long_leaves_the_last_slots_to_quick_ones() -> None:
    desk, slow, quick = admission(), runner(1, 10), runner(2, 20)
    desk.began(slow, 0.0)
    desk.ended(slow, 2 * SLOW_S, 2 * SLOW_S)
    for org in range(3, 9):
        desk.permits.take(OrgId(org))
    assert desk.permits.free and desk.permits.scarce
    assert not desk.admits(slow, 3.0) and desk.admits(quick, 3.0)


def test_slow_and_quick_lanes_take_turns_while_slots_are_plenty() -> None:
    desk, slow, quick = admission(), runner(1, 10, took_s=2 * SLOW_S), runner(2, 20, took_s=0.01)
    got = []
    for one in (slow, quick):
        desk.wait(one, 100.0)
    for _ in range(8):
        one = cast(WebhookRunner, desk.next(100.0))
        got.append(one.webhook.number)
        desk.wait(one, 100.0)
    assert sorted(got[:2]) == [10, 20] and got.count(10) == got.count(20) == 4


def test_where_slots_are_scarce_quick_lanes_alone_have_turns() -> None:
    desk, slow, quick = admission(), runner(1, 10, took_s=2 * SLOW_S), runner(2, 20, took_s=0.01)
    for org in range(3, 9):
        desk.permits.take(OrgId(org))
    for one in (slow, quick):
        desk.wait(one, 100.0)
    assert cast(WebhookRunner, desk.next(100.0)).webhook.number == 20
    assert desk.next(100.0) is None and desk.crowded, "the slow one waits"
    desk.permits.give(OrgId(3))
    desk.permits.give(OrgId(4))
    assert cast(WebhookRunner, desk.next(100.0)).webhook.number == 10


def test_a_lane_of_an_org_that_has_its_half_waits_aside_until_one_of_its_attempts_ends() -> None:
    desk, own, other = admission(8), runner(1, 10), runner(2, 20)
    running = runner(1, 11)
    for _ in range(4):
        desk.began(running, 0.0)
    assert not desk.admits(own, 0.0) and desk.admits(other, 0.0)
    desk.wait(own, 0.0)
    assert not desk.crowded and desk.next(0.0) is None
    desk.ended(running, 1.0, 0.1)
    assert desk.next(1.0) is own and desk.admits(own, 1.0)


def test_nobody_has_a_turn_while_nothing_may_be_sent_or_no_slot_is_free() -> None:
    may = False
    desk, one = Admission(2, lambda: may), runner(1, 10)
    assert not desk.admits(one, 0.0)
    desk.wait(one, 0.0)
    assert desk.next(0.0) is None
    may = True
    desk.permits.take(OrgId(2))
    desk.permits.take(OrgId(3))
    assert desk.next(0.0) is None and not desk.admits(one, 0.0)
    desk.permits.give(OrgId(2))
    assert desk.next(0.0) is one
