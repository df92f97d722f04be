"""A table that many fill: nobody loses what is no more than an equal part of it."""

import random

import pytest

from tidings.core.shares.table import SharedTable


def test_who_holds_most_makes_room_of_its_own_oldest() -> None:
    table = SharedTable[str, str, int](10)
    table.put("quiet", "mine", 1)
    for number in range(1000):
        table.put("greedy", f"theirs {number}", number)
    assert table.get("mine") == 1 and len(table) == 10
    assert table.get("theirs 999") == 999 and table.get("theirs 990") is None


def test_what_was_used_last_stays_longest() -> None:
    table = SharedTable[str, str, int](3)
    for key in "abc":
        table.put("owner", key, 0)
    table.touch("a")
    table.put("owner", "d", 0)
    assert list(table) == ["a", "c", "d"]


def test_many_small_owners_give_way_in_turn_and_who_comes_last_is_let_in() -> None:
    table = SharedTable[int, int, int](100)
    for owner in range(10_000):
        table.put(owner, owner, owner)
        assert table.get(owner) == owner
    assert sorted(table) == list(range(9_900, 10_000))


def test_sizes_count_and_what_is_too_large_is_not_kept() -> None:
    gone: list[str] = []
    table = SharedTable[str, str, str](
        100, owner_most=60, on_evict=lambda key, value: gone.append(key)
    )
    assert not table.put("a", "huge", "", 61) and "huge" not in table
    assert table.put("a", "first", "", 50) and table.put("a", "second", "", 50)
    assert gone == ["first"] and table.used_by("a") == table.used == 50
    table.put("b", "third", "", 40)
    table.put("c", "fourth", "", 20)
    assert gone == ["first", "second"] and table.used == 60
    table.drop_owner("b")
    assert table.used == 20 and table.pop("fourth") == "" and table.used == 0


@pytest.mark.parametrize("seed", range(10))
def test_an_equal_part_is_never_lost_whatever_others_do(seed: int) -> None:
    chance = random.Random(seed)
    owners, most = 8, 400
    table = SharedTable[int, tuple[int, int], int](most)
    sizes: dict[tuple[int, int], int] = {}
    for number in range(6):  # owner 0 stays below an equal part for each of eight
        sizes[0, number] = 8
        table.put(0, (0, number), 1, 8)
    for number in range(3000):
        owner = chance.randrange(1, owners)
        key = owner, chance.randrange(60)
        act = chance.random()
        if act < 0.8:
            sizes[key] = chance.randrange(1, 40)
            table.put(owner, key, number, sizes[key])
        elif act < 0.9:
            table.pop(key)
        else:
            table.touch(key)
        assert table.used == sum(sizes[pair] for pair in table) <= most
        assert table.used == sum(table.used_by(owner) for owner in range(owners))
        assert table.used_by(0) == 48
        assert len(table._ranking) <= 4 * owners + 65
    table.clear()
    assert len(table) == table.used == 0 and table.put(1, (1, 1), 1)
