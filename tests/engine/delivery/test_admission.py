"""Who gets a slot of the process where several lanes wait for one."""

from types import SimpleNamespace
from typing import Any, cast

from tidings.core.delivery.turns import HANGS_S, LanePace, Permit
from tidings.engine.delivery.admission import Admission
from tidings.engine.delivery.runner import WebhookRunner


def runner(org: int, number: int, *, took_s: float | None = None) -> WebhookRunner:
    """As much of a webhook's runner as is asked here."""
    made: Any = SimpleNamespace(
        webhook=SimpleNamespace(org=org, number=number),
        fetched=False,
        lane=SimpleNamespace(running=0, can_start=True, next_bytes=0),
        pace=LanePace(),
    )
    if took_s is not None:
        hung = took_s > HANGS_S
        if hung:
            made.pace.hangs()
        made.pace.ended(0.0, took_s, hung=hung, answered=not hung)
    return cast(WebhookRunner, made)


class MaySend:
    """`Sending`, as a test has it."""

    def __init__(self, says: bool = True) -> None:
        self.says = says

    def may_send(self) -> bool:
        return self.says


def admission(slots: int = 8) -> Admission:
    return Admission(slots, 1 << 30, MaySend())


def begin(desk: Admission, runner: WebhookRunner, now_s: float = 0.0) -> Permit:
    """An attempt of the webhook; what it holds."""
    runner.lane.running += 1
    permit = desk.began(runner, now_s)
    assert permit is not None
    return permit


def end(desk: Admission, runner: WebhookRunner, permit: Permit, now_s: float) -> None:
    runner.lane.running -= 1
    desk.ended(permit, now_s, answered=True)


def test_lanes_whose_attempts_hang_leave_the_last_slots_to_those_that_are_well() -> None:
    desk, hangs, well = admission(), runner(1, 10, took_s=2 * HANGS_S), runner(2, 20, took_s=0.01)
    for org in range(3, 9):
        begin(desk, runner(org, org))
    assert desk.permits.free
    assert not desk.admits(hangs, 3.0) and desk.admits(well, 3.0)


def test_lanes_that_hang_and_lanes_that_are_well_take_turns_while_slots_are_plenty() -> None:
    desk, hangs, well = admission(), runner(1, 10, took_s=2 * HANGS_S), runner(2, 20, took_s=0.01)
    got = []
    for lane in (hangs, well):
        desk.wait(lane, 100.0)
    for _ in range(8):
        taken = cast(WebhookRunner, desk.next(100.0))
        got.append(taken.webhook.number)
        desk.wait(taken, 100.0)
    assert sorted(got[:2]) == [10, 20] and got.count(10) == got.count(20) == 4


def test_where_slots_are_scarce_lanes_that_are_well_alone_have_turns() -> None:
    desk, hangs, well = admission(), runner(1, 10, took_s=2 * HANGS_S), runner(2, 20, took_s=0.01)
    begun = [(new := runner(org, org), begin(desk, new)) for org in range(3, 9)]
    for lane in (hangs, well):
        desk.wait(lane, 0.1)
    assert cast(WebhookRunner, desk.next(0.1)).webhook.number == 20
    assert desk.next(0.1) is None and desk.crowded, "the one that hangs waits"
    end(desk, *begun[0], 0.2)
    assert cast(WebhookRunner, desk.next(0.2)).webhook.number == 10


def test_a_lane_of_an_org_that_has_its_half_waits_aside_until_one_of_its_attempts_ends() -> None:
    desk, own, other = admission(8), runner(1, 10, took_s=0.01), runner(2, 20, took_s=0.01)
    begun = [(well := runner(1, 11 + n, took_s=0.01), begin(desk, well)) for n in range(4)]
    assert not desk.admits(own, 0.0) and desk.admits(other, 0.0)
    assert not desk.wait(own, 0.0)
    assert not desk.crowded and desk.next(0.0) is None
    end(desk, *begun[0], 0.1)
    assert desk.next(0.1) is own and desk.admits(own, 0.1)


def test_of_new_ones_the_last_goes_first_and_those_that_hang_have_every_fourth_turn() -> None:
    desk = admission(20)
    busy = [(new := runner(1, 100 + n), begin(desk, new)) for n in range(7)]
    hanging = [runner(1, 10 + n, took_s=30.0) for n in range(2)]
    unknown = [runner(1, 20 + n) for n in range(6)]
    for lane in (*hanging, *unknown):
        assert not desk.wait(lane, 5.0)
    turns = []
    for lane, permit in busy:
        end(desk, lane, permit, 6.0)
        taken = cast(WebhookRunner, desk.next(6.0))
        turns.append(taken.webhook.number)
        begin(desk, taken, 6.0)
    assert turns[:4] == [25, 20, 24, 10] and sorted(turns[4:]) == [21, 22, 23]


def test_a_lane_that_cannot_start_any_more_does_not_keep_the_turn_of_the_next() -> None:
    desk = admission(8)
    begun = [(new := runner(1, 100 + n), begin(desk, new)) for n in range(3)]
    gone, stays = runner(1, 10), runner(1, 11)
    for lane in (gone, stays):
        desk.wait(lane, 0.0)
    cast(Any, gone.lane).can_start = False
    end(desk, *begun[0], 0.1)
    assert desk.next(0.1) is stays


def test_nobody_has_a_turn_while_nothing_may_be_sent_or_no_slot_is_free() -> None:
    may = MaySend(False)
    desk, lane = Admission(2, 1 << 30, may), runner(1, 10, took_s=0.01)
    assert not desk.admits(lane, 0.0)
    desk.wait(lane, 0.0)
    assert desk.next(0.0) is None
    may.says = True
    begun = [(well := runner(org, org, took_s=0.01), begin(desk, well)) for org in (2, 3)]
    assert desk.next(0.0) is None and not desk.admits(lane, 0.0)
    end(desk, *begun[0], 0.1)
    assert desk.next(0.1) is lane


def test_what_is_fetched_takes_no_slot_and_one_that_is_over_gives_none_back() -> None:
    desk, fetched = admission(), runner(1, 10)
    cast(Any, fetched).fetched = True
    assert desk.began(fetched, 0.0) is None
    permit = begin(desk, runner(1, 11))
    assert desk.permits.used == 1
    for now_s in (1.0, 2.0):
        desk.ended(permit, now_s, answered=None)
    assert desk.permits.used == 0
