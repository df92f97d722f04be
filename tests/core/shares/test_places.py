"""Places that owners take for a while: turns, and what an owner leaves to others."""

from itertools import count

import pytest

from tidings.core.shares.places import ALONE_AFTER_S, PlaceQueue

BUSY, QUIET, LAST = "busy", "quiet", "last"


def granted(queue: PlaceQueue[str, int], now_s: float = 0.0) -> list[str]:
    """Let in who may; the owners in order."""
    owners = []
    while (turn := queue.grant(now_s)) is not None:
        owners.append(turn[0])
    return owners


def asked(most: int, *owners: str, crowd_most: int | None = None) -> PlaceQueue[str, int]:
    queue: PlaceQueue[str, int] = PlaceQueue(most, crowd_most)
    for number, owner in enumerate(owners):
        queue.ask(owner, number, 0.0)
    return queue


@pytest.mark.parametrize("most", [1, 2, 3, 4, 16, 50])
def test_an_owner_alone_has_all_places(most: int) -> None:
    queue = asked(most, *[BUSY] * 100)
    assert granted(queue) == [BUSY] * most


@pytest.mark.parametrize("most", [2, 3, 4, 16, 50])
def test_an_owner_among_others_leaves_a_place_to_whoever_comes(most: int) -> None:
    queue = asked(most, QUIET, *[BUSY] * 100)
    assert QUIET in granted(queue)
    queue.give(QUIET)
    granted(queue)  # what the busy one may have of it
    queue.ask(LAST, 200, 1.0)
    assert granted(queue, 1.0) == [LAST]


@pytest.mark.parametrize("most", [2, 5])
def test_who_holds_none_has_the_next_place_whoever_was_there_before(most: int) -> None:
    queue = asked(most, *[BUSY] * 100)
    granted(queue)
    queue.ask(QUIET, 100, 1.0)
    assert granted(queue, 1.0) == []
    queue.give(BUSY)
    assert granted(queue, 1.0)[0] == QUIET


def test_orgs_have_turns_where_there_is_one_place() -> None:
    queue = asked(1, BUSY, BUSY, BUSY, QUIET, LAST, QUIET)
    order = []
    for _ in range(6):
        [owner] = granted(queue)
        order.append(owner)
        queue.give(owner)
    assert order == [BUSY, QUIET, LAST, BUSY, QUIET, BUSY]


def test_within_an_owner_who_came_first_is_first() -> None:
    queue = asked(9, BUSY, BUSY, BUSY)
    numbers = []
    while (turn := queue.grant(0.0)) is not None:
        numbers.append(turn[1])
    assert numbers == [0, 1, 2]


def test_an_owner_has_all_again_once_it_has_been_alone_for_a_while() -> None:
    queue = asked(8, QUIET, *[BUSY] * 20)
    granted(queue)
    queue.give(QUIET)
    granted(queue, ALONE_AFTER_S - 1)
    assert queue.held < 8
    queue.ask(BUSY, 50, ALONE_AFTER_S)
    granted(queue, ALONE_AFTER_S)
    assert queue.held == queue.held_by(BUSY) == 8


def test_a_bound_of_one_holds_only_while_there_are_others() -> None:
    assert granted(asked(4, BUSY, BUSY, BUSY, crowd_most=1)) == [BUSY] * 3
    assert sorted(granted(asked(4, QUIET, BUSY, BUSY, BUSY, crowd_most=1))) == [BUSY, QUIET]


def test_many_owners_never_hold_more_than_there_is_and_none_waits_for_ever() -> None:
    owners = [f"o{number}" for number in range(40)]
    queue: PlaceQueue[str, int] = PlaceQueue(7)
    held: list[str] = []
    served: set[str] = set()
    numbers = count()
    for moment in range(400):
        for _ in range(5):
            queue.ask(BUSY, next(numbers), float(moment))
        if moment < len(owners):
            queue.ask(owners[moment], next(numbers), float(moment))
        if held:
            queue.give(held.pop(0))
        new = granted(queue, float(moment))
        held += new
        served |= {*new}
        assert queue.held == len(held) <= 7
    assert served == {BUSY, *owners}


def test_whoever_waits_is_named_when_all_is_over() -> None:
    queue = asked(1, BUSY, BUSY, QUIET)
    granted(queue)
    assert sorted(queue.drain()) == [1, 2]
    assert queue.grant(0.0) is None
