"""Numbers of cells: unique over all of them, rising in each, and none is asked of the map."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings.core.cells.families import CellId
from tidings.core.cells.ranges import (
    RANGE_BITS,
    CellRanges,
    NoRange,
    NumberGiver,
    RangeGrants,
    RangeUse,
    end_endless,
    only_cell,
    range_of,
    restored_grants,
    take_over,
    wanted_spares,
)

A, B, C = CellId(1), CellId(2), CellId(3)
SMALL = 3  # eight numbers to a range
KINDS = ("event", "delivery", "webhook")


def granted(*indices: int) -> CellRanges:
    return CellRanges().with_granted(indices)


def test_a_range_has_two_to_the_24_numbers_and_they_follow_each_other() -> None:
    giver = NumberGiver(granted(5).begin_fresh())
    first = giver.take("event", 3)
    assert first == 5 << RANGE_BITS
    assert giver.take("event") == first + 3
    assert giver.take("delivery", 10) == first, "kinds are never compared"


def test_number_nought_is_nobodys() -> None:
    assert NumberGiver(granted(0).begin_fresh()).take("event") == 1


def test_what_does_not_fit_begins_the_next_range() -> None:
    giver = NumberGiver(granted(1, 4).begin_fresh(bits=SMALL), bits=SMALL)
    assert giver.take("event", 6) == 8
    assert giver.take("event", 3) == 32, "three that follow each other"
    assert giver.ranges.begun == 4 and not giver.ranges.spares
    assert giver.take("delivery", 8) == 32, "begun is begun for all kinds"
    with pytest.raises(NoRange):
        giver.take("event", 6)
    assert giver.take("event", 5) == 35, "what still fits is given"


def test_more_than_a_range_has_is_no_wish() -> None:
    giver = NumberGiver(granted(1).begin_fresh(bits=SMALL), bits=SMALL)
    with pytest.raises(ValueError, match="more than a range"):
        giver.take("event", 9)


def test_a_take_over_begins_a_spare_range_and_asks_nobody() -> None:
    ranges = granted(1, 2, 9).begin_fresh()
    assert ranges.begun == 1 and ranges.spares == (2, 9)
    taken = ranges.begin_fresh()
    assert taken.begun == 2
    assert taken.begin_fresh().begun == 9
    with pytest.raises(NoRange):
        taken.begin_fresh().begin_fresh()


def test_a_new_owner_begins_a_range_with_the_first_number_that_it_needs() -> None:
    ranges = granted(1, 2, 9).begin_fresh(bits=SMALL)
    for _ in range(9):
        giver = take_over(ranges, KINDS, SMALL)
        assert giver.ranges.begun == 1, "owners that give nothing use nothing up"
    assert giver.take("event") == 16 and giver.ranges.begun == 2
    assert giver.take("delivery", 8) == 16, "begun is begun for all kinds"
    assert take_over(giver.ranges, KINDS, SMALL).take("webhook") == 72
    with pytest.raises(NoRange):
        take_over(ranges.restored(), KINDS, SMALL).take("event")
    fresh = take_over(CellRanges(), KINDS, SMALL)
    with pytest.raises(NoRange):
        fresh.take("event")
    fresh.renew(granted(4))
    assert fresh.take("event") == 32


def test_the_same_owner_goes_on_behind_what_it_gave() -> None:
    giver = take_over(granted(1, 2), KINDS, SMALL)
    assert giver.take("event", 3) == 8
    again = NumberGiver(giver.ranges, giver.given, SMALL)
    assert (again.take("event"), again.take("delivery")) == (11, 8)
    lost = NumberGiver(giver.ranges.begin_fresh(bits=SMALL), giver.given, SMALL)
    assert lost.take("event") == 16, "a range was begun meanwhile"


def test_what_is_given_to_a_copy_is_given_again() -> None:
    giver = take_over(granted(1, 2), KINDS, SMALL)
    giver.take("event", 7)
    before = giver.copy()
    assert (giver.take("event", 2), giver.take("delivery"), giver.ranges.begun) == (16, 16, 2)
    assert (before.take("event"), before.take("delivery"), before.ranges.begun) == (15, 8, 1)


@pytest.mark.parametrize("owner", [CellRanges().with_granted, None])
def test_what_is_given_behind_a_place_is_given_again(owner: object) -> None:
    ranges = granted(1, 2, 5) if owner else only_cell()
    giver = take_over(ranges, ["event"], SMALL) if owner else NumberGiver(ranges)
    giver.take("event", 5)
    expected = [giver.copy().take("event", 3), giver.copy().take("delivery", 2)]
    places = []
    for kind, count in (("delivery", 2), ("event", 3), ("event", 8), ("delivery", 7)):
        places.append((kind, giver.place(kind)))
        giver.take(kind, count)
    for kind, place in reversed(places):
        giver.go_back(kind, place)
    assert [giver.take("event", 3), giver.take("delivery", 2)] == expected


def test_an_arriving_family_is_numbered_above_all_that_it_has() -> None:
    ranges = granted(1, 2, 9).begin_fresh(bits=SMALL)
    highest = (7 << SMALL) + 3
    arrived = ranges.begin_fresh(above=highest, bits=SMALL)
    assert arrived.begun == 9, "the spare below its numbers is given up"
    with pytest.raises(NoRange):
        ranges.begin_fresh(above=9 << SMALL, bits=SMALL)
    giver = NumberGiver(arrived, bits=SMALL)
    assert giver.take("event") > highest


def test_ranges_come_rising_or_not_at_all() -> None:
    for indices in ((4,), (9,), (12, 11), (10, 10)):
        with pytest.raises(ValueError, match="not above"):
            granted(4, 9).with_granted(indices)


def test_spares_are_enough_for_a_day_at_twice_its_pace() -> None:
    day = 8000 * 86_400
    assert wanted_spares(day) << RANGE_BITS >= 2 * day
    assert wanted_spares(0) >= 1, "take-overs need some too"


def test_the_only_cell_is_one_range_without_end() -> None:
    giver = NumberGiver(only_cell(), {"event": 1 << 60, "delivery": 0})
    assert giver.take("event", 1000) == (1 << 60) + 1
    assert giver.take("delivery") == 1
    assert giver.take("webhook") == 1
    assert only_cell().begin_fresh() == only_cell(), "its take-over begins nothing"


@pytest.mark.parametrize("highest", [0, 1, 7, 8, 1000])
def test_a_second_cell_ends_it_above_its_highest_number(highest: int) -> None:
    given_before = {"event": highest, "delivery": highest // 2}
    giver = NumberGiver(only_cell(), given_before, bits=SMALL)
    ended, first = end_endless(giver.ranges, highest, bits=SMALL)
    assert first << SMALL > highest
    assert end_endless(ended, highest + 5, bits=SMALL) == (ended, first), "once"
    grants = RangeGrants(first, base=A)
    others = [index << SMALL for index in grants.grant(B, 2)]
    giver.renew(ended.with_granted(grants.grant(A, 2)))
    taken = [giver.take("event") for _ in range(12)]
    fits = range_of(highest + 1, SMALL) == range_of(highest, SMALL)
    assert (taken[0] == highest + 1) is fits, "it goes on where it was, to the end of that range"
    assert taken == sorted(set(taken))
    assert all(grants.cell_of(number, SMALL) == A for number in (*taken, highest or 1))
    assert giver.take("delivery") > highest // 2
    assert all(grants.cell_of(number, SMALL) == B for number in others)


def test_which_cell_took_a_number_is_told_by_its_range() -> None:
    grants = RangeGrants(2, base=A)
    grants.grant(B, 2)
    grants.grant(B, 1)
    grants.grant(C, 1)
    found = [grants.cell_of(index << RANGE_BITS) for index in range(8)]
    assert found == [A, A, B, B, B, C, None, None]
    assert RangeGrants().cell_of(5) is None and RangeGrants(3).cell_of(5) is None


def test_a_restored_map_grants_above_the_highest_range_in_any_cell() -> None:
    stores = {A: granted(0, 1, 7), B: granted(2, 3), C: CellRanges()}
    grants = restored_grants(stores, [A, B, C])
    assert list(grants.grant(C, 2)) == [8, 9]
    found = [grants.cell_of(index << RANGE_BITS) for index in (0, 1, 2, 3, 7, 8)]
    assert found == [A, A, B, B, A, C]
    with pytest.raises(ValueError, match="not known"):
        restored_grants({A: granted(1)}, [A, B])
    with pytest.raises(ValueError, match="two cells"):
        restored_grants({A: granted(1), B: granted(1)}, [A, B])


def test_a_restored_cell_gives_nothing_of_what_it_had() -> None:
    """Behind the backup it may have begun any of its spares."""
    restored = granted(1, 2, 9).begin_fresh().restored()
    with pytest.raises(NoRange):
        restored.begin_fresh()
    assert restored.with_granted([20]).begin_fresh().begun == 20


@given(st.integers(0, 1 << 32))
def test_over_all_cells_a_number_is_given_once_and_later_ones_are_greater(seed: int) -> None:
    """Take-overs, arrivals, spares that run out, and owners that died with what they had given."""
    rng = random.Random(seed)
    grants, stored = RangeGrants(), {cell: CellRanges() for cell in (A, B, C)}
    givers: dict[CellId, NumberGiver] = {}
    last: dict[tuple[CellId, str], int] = {}
    owner_of: dict[tuple[str, int], CellId] = {}
    for _ in range(80):
        cell = rng.choice((A, B, C))
        if rng.random() < 0.4:
            stored[cell] = stored[cell].with_granted(grants.grant(cell, rng.randrange(3)))
            if cell in givers:
                givers[cell].renew(
                    givers[cell].ranges.with_granted(
                        stored[cell].granted[len(givers[cell].ranges.granted) :]
                    )
                )
        try:
            if cell not in givers or rng.random() < 0.2:
                stored[cell] = stored[cell].begin_fresh(bits=SMALL)
                givers[cell] = NumberGiver(stored[cell], bits=SMALL)
            if rng.random() < 0.1:
                highest = max(last.values(), default=0)
                stored[cell] = givers[cell].ranges.begin_fresh(above=highest, bits=SMALL)
                givers[cell].renew(stored[cell])
                assert stored[cell].begun << SMALL > highest
            kind, count = rng.choice(KINDS), rng.randrange(1, 5)
            first = givers[cell].take(kind, count)
        except NoRange:
            continue
        for number in range(first, first + count):
            assert owner_of.setdefault((kind, number), cell) == cell
            assert number > last.get((cell, kind), 0)
            assert grants.cell_of(number, SMALL) == cell
            last[cell, kind] = number
        if rng.random() < 0.9:  # committed with what was begun for it; else it dies with its owner
            stored[cell] = givers[cell].ranges
        else:
            stored[cell] = begun_at_death(stored[cell], givers.pop(cell).ranges)
    assert owner_of or not grants.next


def begun_at_death(stored: CellRanges, given: CellRanges) -> CellRanges:
    """What stands in the store of an owner that has died before its commit: a number counts when it
    is committed, with the range that was begun for it."""
    return CellRanges(given.granted, begun=max(stored.begun, given.begun))


def test_what_is_skipped_for_a_family_has_no_more_spares_kept() -> None:
    use, now_s, next_range = RangeUse(), 0.0, 1000
    ranges = granted(*range(60)).begin_fresh()
    for _ in range(6):  # each move is above all spares, and finds as many as are wanted
        use.note(ranges, now_s)
        missing = max(1, wanted_spares(use.numbers_a_day) - len(ranges.spares))
        ranges = ranges.with_granted(range(next_range, next_range + missing))
        ranges = ranges.begin_fresh((ranges.granted[-1] << RANGE_BITS) - 1)
        next_range, now_s = next_range + missing, now_s + 5
    use.note(ranges, now_s)
    assert wanted_spares(use.numbers_a_day) < 1000


def test_ranges_that_are_used_up_are_counted_as_use() -> None:
    use, ranges = RangeUse(), granted(*range(100)).begin_fresh()
    for look in range(25):
        use.note(ranges, 3600.0 * look)
        ranges = ranges.begin_fresh().begin_fresh()
    assert use.numbers_a_day == 48 << RANGE_BITS
