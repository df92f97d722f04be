"""Turns between orgs and between webhooks of an org, and what those that hang cannot have."""

from collections import Counter

import pytest

from tidings.core.delivery.turns import HANGS_S, LanePace, Permit, PermitQueue, Permits, Trust
from tidings.core.ids import OrgId

ORG, OTHER = OrgId(1), OrgId(2)


def play(costs: dict[tuple[int, int], float], turns_count: int) -> Counter[tuple[int, int]]:
    """Everybody always wants another turn; how many each got."""
    turns, org_of = PermitQueue(), {webhook: org for org, webhook in costs}
    got: Counter[tuple[int, int]] = Counter()
    for org, webhook in costs:
        turns.join(OrgId(org), webhook)
    for _ in range(turns_count):
        taken = turns.take(lambda one: costs[org_of[one], one])
        assert taken is not None
        got[org_of[taken], taken] += 1
        turns.join(OrgId(org_of[taken]), taken)
    return got


def test_an_org_with_many_webhooks_gets_no_more_than_one_with_a_single_one() -> None:
    got = play({(1, n): 1.0 for n in range(100)} | {(2, 999): 1.0}, 1000)
    assert abs(got[2, 999] - 500) <= 2
    assert max(got[1, n] for n in range(100)) - min(got[1, n] for n in range(100)) <= 1


def test_who_takes_long_gets_fewer_turns_but_as_much_time() -> None:
    got = play({(1, 10): 0.1, (1, 11): 1.0}, 1100)
    assert abs(got[1, 10] / got[1, 11] - 10) < 0.5


def latecomer(busy: list[tuple[int, int]], late: tuple[int, int]) -> int:
    """Of 30 turns, those of one that joins others which were never all idle before."""
    turns, org_of = PermitQueue(), {webhook: org for org, webhook in [*busy, late]}

    def turn() -> int:
        webhook = turns.take(lambda _: 1.0)
        assert webhook is not None
        turns.join(OrgId(org_of[webhook]), webhook)
        return webhook

    for org, webhook in busy:
        turns.join(OrgId(org), webhook)
    for _ in range(1000):
        turn()
    turns.join(OrgId(late[0]), late[1])
    return [turn() for _ in range(30)].count(late[1])


def test_who_was_idle_gains_nothing_by_it() -> None:
    assert 9 <= latecomer([(1, 10), (3, 30)], (2, 20)) <= 11, "an org among orgs"
    assert 9 <= latecomer([(1, 10), (1, 11)], (1, 12)) <= 11, "a webhook among those of its org"


def test_everybody_who_waits_gets_a_turn_and_stands_once() -> None:
    turns = PermitQueue()
    for n in range(50):
        turns.join(OrgId(n % 5), n)
        turns.join(OrgId(n % 5), n)
    assert len(turns) == 50
    assert sorted(turns.take(lambda _: 1.0) or 0 for _ in range(50)) == list(range(50))
    assert turns.take(lambda _: 1.0) is None and len(turns) == 0


def answering(now_s: float = 0.0) -> LanePace:
    """Of a webhook that has answered then."""
    pace = LanePace()
    pace.ended(now_s, 0.01, hung=False, answered=True)
    return pace


def fill(permits: Permits, org: OrgId, pace: LanePace, now_s: float) -> list[Permit]:
    """All that a webhook is let have at once."""
    taken: list[Permit] = []
    while permits.admits(org, pace, len(taken), now_s):
        taken.append(permits.take(org, pace, now_s))
    return taken


def test_who_has_answered_is_well_and_who_hangs_is_not_until_it_answers_again() -> None:
    pace = LanePace()
    seen = [pace.trust]
    pace.ended(0.0, 0.01, hung=False, answered=None)  # a fault of ours tells nothing
    seen.append(pace.trust)
    pace.ended(0.0, 0.01, hung=False, answered=True)
    seen.append(pace.trust)
    pace.hangs()
    seen.append(pace.trust)
    pace.ended(30.0, 30.0, hung=True, answered=False)
    seen.append(pace.trust)
    pace.ended(30.1, 0.1, hung=False, answered=True)
    seen.append(pace.trust)
    new, hanging, well = Trust.NEW, Trust.HANGING, Trust.WELL
    assert seen == [new, new, well, hanging, hanging, well]


def test_who_only_refuses_connections_is_neither_new_nor_well() -> None:
    pace = LanePace()
    pace.ended(0.0, 0.01, hung=False, answered=False)
    assert pace.trust is Trust.HANGING


def test_one_attempt_in_many_that_hangs_does_not_make_a_busy_webhook_hang() -> None:
    pace = answering()
    pace.hangs()
    for _ in range(2):
        pace.ended(1.0, 0.01, hung=False, answered=True)
    assert pace.trust is Trust.WELL and not pace.is_sure(0.0)
    for _ in range(2):
        pace.ended(2.0, 0.01, hung=False, answered=True)
    assert pace.is_sure(2.0) and not pace.is_sure(2.1)


def test_an_org_cannot_have_more_than_half_and_gets_back_what_it_gave() -> None:
    permits, paces = Permits(20), [answering(100.0) for _ in range(12)]
    taken = [permits.take(ORG, pace, 0.0) for pace in paces[:10]]
    assert not permits.admits(ORG, paces[11], 0, 0.0) and permits.used == 10
    assert permits.admits(OTHER, answering(), 0, 0.0)
    permits.give(taken[0], 0.1, answered=True)
    assert permits.admits(ORG, paces[11], 0, 0.1) and permits.used == 9
    assert Permits(1).admits(ORG, LanePace(), 0, 0.0), "one is for everybody"


@pytest.mark.parametrize("count", [4, 21, 105, 4000])
def test_those_that_hang_and_new_ones_hold_three_quarters_and_one_that_answers_has_room(
    count: int,
) -> None:
    permits, half = Permits(count), count // 2
    for _ in range(300):
        fill(permits, ORG, LanePace(), 0.0)
    assert max(1, half // 2) <= permits.used <= max(1, half * 3 // 4)
    well = answering()
    for second in range(1, 60):
        assert permits.admits(ORG, well, 0, float(second))
        permit = permits.take(ORG, well, float(second))
        assert not permits.admits(ORG, LanePace(), 0, float(second))
        permits.give(permit, second + 0.02, answered=True)


def test_all_that_have_answered_may_hang_at_once_and_who_answered_since_finds_room() -> None:
    permits = Permits(104)
    paces = [answering() for _ in range(60)]
    well = answering()
    for pace in paces[:3]:
        fill(permits, ORG, pace, 10.0)
    permits.give(permits.take(ORG, well, 10.0), 10.02, answered=True)
    for pace in paces:
        fill(permits, ORG, pace, 10.1)
    assert not permits.admits(ORG, answering(), 0, 10.2), "it may hang as the others do"
    for second in range(11, 40):
        assert permits.admits(ORG, well, 0, second)
        permits.give(permits.take(ORG, well, second), second + 0.02, answered=True)


@pytest.mark.parametrize("count", [21, 105])
def test_one_webhook_alone_leaves_a_part_of_its_orgs_share(count: int) -> None:
    permits = Permits(count)
    greedy = fill(permits, ORG, answering(), 0.0)
    assert count // 4 <= len(greedy) <= count // 2 * 3 // 4
    assert permits.admits(ORG, answering(), 0, 0.0)


def test_an_attempt_without_an_answer_counts_as_hanging_from_a_second_on() -> None:
    permits, pace = Permits(20), answering()
    permit = permits.take(ORG, pace, 0.0)
    assert permits.hanging(HANGS_S - 0.01) == 0
    permits.unproven_may(HANGS_S - 0.01)
    seen = [(permit.hung, pace.trust)]
    permits.unproven_may(HANGS_S)
    seen.append((permit.hung, pace.trust))
    assert permits.hanging(HANGS_S) == 1
    permits.give(permit, 30.0, answered=False)
    assert permits.hanging(30.0) == 0
    assert seen == [(False, Trust.WELL), (True, Trust.HANGING)]
    assert permits.used == 0 and pace.trust is Trust.HANGING


def test_orgs_whose_webhooks_hang_leave_a_quarter_of_the_process() -> None:
    permits = Permits(100)
    for org in range(2, 9):
        for _ in range(40):
            fill(permits, OrgId(org), LanePace(), 0.0)
    assert permits.used == 75 and not permits.unproven_may(5.0) and not permits.busy
    assert permits.admits(ORG, answering(), 0, 5.0)
