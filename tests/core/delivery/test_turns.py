"""Turns between orgs and between webhooks of an org, and the slots that slow lanes cannot have."""

from collections import Counter

from tidings.core.delivery.turns import LanePace, Permits, Turns
from tidings.core.ids import OrgId

ORG = OrgId(1)


def play(costs: dict[tuple[int, int], float], turns_count: int) -> Counter[tuple[int, int]]:
    """Everybody always wants another turn; how many each got."""
    turns, org_of = Turns(), {webhook: org for org, webhook in costs}
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
    turns, org_of = Turns(), {webhook: org for org, webhook in [*busy, late]}

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
    turns = Turns()
    for n in range(50):
        turns.join(OrgId(n % 5), n)
        turns.join(OrgId(n % 5), n)
    assert len(turns) == 50
    assert sorted(turns.take(lambda _: 1.0) or 0 for _ in range(50)) == list(range(50))
    assert turns.take(lambda _: 1.0) is None and len(turns) == 0


def test_a_lane_is_slow_by_what_its_attempts_took_or_while_none_ends() -> None:
    pace = LanePace()
    pace.began(10.0, 0)
    assert not pace.slow(10.5, 1)
    assert pace.slow(11.5, 1)  # silent since
    pace.ended(11.6, 1.6)
    assert pace.slow(11.7, 0)
    for at in range(20):
        pace.began(12.0 + at, 0)
        pace.ended(12.0 + at, 0.01)
    assert not pace.slow(40.0, 0)


def test_a_lane_whose_attempts_end_one_after_the_other_is_not_slow() -> None:
    pace = LanePace()
    for at in range(20):
        pace.began(at * 0.5, min(at, 3))
        pace.ended(at * 0.5 + 0.4, 0.9)
        assert not pace.slow(at * 0.5 + 0.5, 3), "one has ended just now"
    assert pace.slow(9.9 + 1.1, 3), "none has ended since"


def test_an_org_cannot_have_more_than_half_and_gets_back_what_it_gave() -> None:
    slots = Permits(10)
    for _ in range(5):
        assert not slots.full_for(ORG)
        slots.take(ORG)
    assert slots.full_for(ORG) and not slots.full_for(OrgId(2)) and slots.used == 5
    slots.give(ORG)
    assert not slots.full_for(ORG) and slots.used == 4
    assert not Permits(1).full_for(ORG), "one slot is for everybody"


def test_slow_lanes_cannot_have_the_last_quarter() -> None:
    slots = Permits(100)
    slots.used = 74
    assert slots.free and not slots.scarce
    slots.used = 75
    assert slots.free
    assert slots.scarce
    slots.used = 100
    assert not slots.free
