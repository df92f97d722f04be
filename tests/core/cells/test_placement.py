"""Where new families go, and who takes which cell: evenly, and nothing goes back and forth."""

import random
from collections import Counter

import pytest

from tidings.core.cells.families import CellId
from tidings.core.cells.placement import (
    HAND_EVERY_S,
    SETTLED_S,
    TURN_S,
    CellLoad,
    ProcessSeen,
    choose_cell,
    choose_to_hand,
    fair_share,
    hand_over_to,
    may_take,
    turns_for,
)

CELLS = [CellId(number) for number in range(1, 9)]
READ_EVERY = 250  # families between two readings of the loads


def test_a_family_goes_to_the_cell_with_the_fewest_events_then_families() -> None:
    quiet, busy = CellLoad(CELLS[0], 100, 50), CellLoad(CELLS[1], 5000, 1)
    assert choose_cell([busy, quiet]) == CELLS[0]
    fewer = CellLoad(CELLS[2], 101, 49)
    assert choose_cell([busy, quiet, fewer]) == CELLS[2], "as many events, and fewer families"
    assert choose_cell([CellLoad(CELLS[2], 0, 3), CellLoad(CELLS[1], 0, 2)]) == CELLS[1]


def test_no_family_goes_where_nobody_is_or_what_is_drained() -> None:
    closed = CellLoad(CELLS[0], 0, 0, is_open=False)
    assert choose_cell([closed, CellLoad(CELLS[1], 9, 9)]) == CELLS[1]
    assert choose_cell([closed]) is None and choose_cell([]) is None


@pytest.mark.parametrize("pace", ["none", "the same", "of all sorts"])
def test_5000_orgs_over_8_cells_lie_within_20_percent(pace: str) -> None:
    rng = random.Random(7)
    families, events = Counter(dict.fromkeys(CELLS, 0)), Counter(dict.fromkeys(CELLS, 0))
    read: dict[CellId, tuple[int, int]] = {}
    placed: Counter[CellId] = Counter()
    for count in range(5000):
        if count % READ_EVERY == 0:
            read = {cell: (events[cell], families[cell]) for cell in CELLS}
            placed = Counter()
        loads = [CellLoad(cell, *read[cell], placed=placed[cell]) for cell in CELLS]
        cell = choose_cell(loads)
        assert cell is not None
        families[cell] += 1
        placed[cell] += 1
        events[cell] += {
            "none": 0,
            "the same": 100,
            "of all sorts": rng.randrange(1, 1000),
        }[pace]
    spread = events if pace == "of all sorts" else families
    assert max(spread.values()) <= 1.2 * min(spread.values())


def test_orgs_made_between_two_readings_do_not_all_go_to_one_cell() -> None:
    placed: Counter[CellId] = Counter()
    for _ in range(800):
        loads = [
            CellLoad(cell, 10_000 + index, 100, placed=placed[cell])
            for index, cell in enumerate(CELLS)
        ]
        cell = choose_cell(loads)
        assert cell is not None
        placed[cell] += 1
    assert set(placed.values()) == {100}


def seen(*cells: int, lived_s: float = 2 * SETTLED_S) -> list[ProcessSeen]:
    return [ProcessSeen(f"p{index}", count, lived_s) for index, count in enumerate(cells)]


def test_who_is_below_its_share_has_its_turn_first() -> None:
    processes = seen(4, 4, 0)
    assert fair_share(9, 3) == 3
    free = [
        process.name for process in processes if may_take(process.name, CELLS[0], 0, processes, 9)
    ]
    assert free == ["p2"]


def test_of_several_one_reaches_for_a_free_cell_and_then_the_next() -> None:
    processes = seen(0, 0, 0, 0)
    order = turns_for(CELLS[0], processes)
    for turn in range(4):
        may = [name for name in order if may_take(name, CELLS[0], turn * TURN_S, processes, 8)]
        assert may == order[: turn + 1]
    firsts = {turns_for(CellId(number), processes)[0] for number in range(40)}
    assert len(firsts) == 4, "each of them is the first of some"


def test_a_cell_that_nobody_below_its_share_takes_is_anybodys_in_the_end() -> None:
    processes = [*seen(3, 3), ProcessSeen("hung", 0, 99.0)]
    assert not may_take("p0", CELLS[0], 0, processes, 7)
    assert may_take("p0", CELLS[0], 2 * TURN_S, processes, 7)
    assert may_take("p1", CELLS[0], 2 * TURN_S, processes, 7)


def test_what_was_handed_over_is_first_of_all_for_whom_it_was() -> None:
    processes = seen(1, 5)
    assert may_take("p1", CELLS[0], 0, processes, 7, reserved_for="p1")
    assert not may_take("p0", CELLS[0], 0, processes, 7, reserved_for="p1")
    assert may_take("p0", CELLS[0], TURN_S, processes, 7, reserved_for="p1")
    assert may_take("p0", CELLS[0], 0, processes, 7, reserved_for="gone")


def test_who_stops_or_has_other_files_takes_nothing() -> None:
    processes = [ProcessSeen("stops", 0, 99.0, takes=False), ProcessSeen("p", 7, 99.0)]
    assert not may_take("stops", CELLS[0], 99.0, processes, 8)
    assert may_take("p", CELLS[0], 0, processes, 8)
    assert hand_over_to("p", processes, 7, HAND_EVERY_S) is None


def test_a_cell_changes_hands_only_where_it_evens_out() -> None:
    assert hand_over_to("p0", seen(3, 1), 4, HAND_EVERY_S) == "p1"
    assert hand_over_to("p0", seen(2, 1), 3, HAND_EVERY_S) is None, (
        "it would only go back and forth"
    )
    assert hand_over_to("p0", seen(3, 1), 4, HAND_EVERY_S - 1) is None
    assert hand_over_to("p0", seen(4, 5, 1), 10, HAND_EVERY_S) is None, "who has most gives"
    assert hand_over_to("p1", seen(4, 5, 1), 10, HAND_EVERY_S) == "p2"
    assert hand_over_to("p0", seen(3, 1), 5, HAND_EVERY_S) is None, "one is free: it is taken first"
    assert choose_to_hand({CELLS[0]: 9, CELLS[1]: 2}) == CELLS[1]


def test_who_has_just_come_is_given_nothing() -> None:
    processes = [ProcessSeen("old", 8, 999.0), ProcessSeen("new", 0, SETTLED_S - 1)]
    assert hand_over_to("old", processes, 8, HAND_EVERY_S) is None
    settled = [processes[0], ProcessSeen("new", 0, SETTLED_S)]
    assert hand_over_to("old", settled, 8, HAND_EVERY_S) == "new"


@pytest.mark.parametrize("seed", range(5))
def test_processes_that_come_and_go_move_no_cell_more_than_they_must(seed: int) -> None:
    """One restarts again and again, faster than it settles: it takes what it has lost, at most; a
    stop hands over what it had, and a lasting guest gets its share, each cell once."""
    rng = random.Random(seed)
    names = ["a", "b", "c"]
    owner: dict[CellId, str] = {}
    since: dict[CellId, float] = dict.fromkeys(CELLS, 0.0)
    born = dict.fromkeys(names, -1000.0)
    handed: list[CellId] = []
    reserved = dict.fromkeys(CELLS, "")
    last_s = dict.fromkeys(names, -1000.0)

    def passed(from_s: int, to_s: int, living: list[str]) -> None:
        for now in range(from_s, to_s):
            for cell in CELLS:
                counts = Counter(owner.values())
                processes = [ProcessSeen(name, counts[name], now - born[name]) for name in living]
                for name in sorted(living, key=lambda _: rng.random()):
                    if cell not in owner and may_take(
                        name, cell, now - since[cell], processes, len(CELLS), reserved[cell]
                    ):
                        owner[cell], reserved[cell] = name, ""
            for name in living:
                to = hand_over_to(name, processes, len(CELLS), now - last_s[name])
                if to is not None:
                    own = {cell: cell for cell, by in owner.items() if by == name}
                    cell = choose_to_hand(own)
                    del owner[cell]
                    since[cell], reserved[cell], last_s[name] = now, to, now
                    handed.append(cell)

    passed(0, 60, names)
    assert sorted(Counter(owner.values()).values()) == [2, 3, 3] and not handed
    at_first = dict(owner)
    for round in range(3):  # it dies, and is back before its cells were free for a turn of another
        start = 100 + 40 * round
        for cell in [cell for cell, name in owner.items() if name == "a"]:
            del owner[cell]
            since[cell] = start
        passed(start, start + 10, ["b", "c"])
        born["a"] = float(start + 10)
        passed(start + 10, start + 40, names)
    assert not handed, "who comes and goes is given nothing"
    kept = [cell for cell, name in at_first.items() if name != "a"]
    assert all(owner[cell] == at_first[cell] for cell in kept), "those of others stay"
    passed(220, 400, names)
    assert sorted(Counter(owner.values()).values()) == [2, 3, 3]
    assert len(handed) == len(set(handed)) == 2, "each that it needs, once"
    before = dict(owner)
    passed(400, 800, names)
    assert owner == before
