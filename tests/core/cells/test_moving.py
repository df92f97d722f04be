"""Every order of commits, crashes and delayed steps of moves between two cells: all that can be
reached is looked through."""

from typing import NamedTuple

import pytest

from tidings.core.cells.families import (
    CellId,
    FamilyId,
    FamilyMove,
    FamilyRow,
    FamilyState,
    MoveOutcome,
    move_row,
    outcome_at,
)
from tidings.core.cells.moving import (
    MoveSituation,
    MoveStep,
    TargetFacts,
    find_obstacle,
    next_step,
    retry_after_s,
)
from tidings.core.times import exact

FAMILY = FamilyId(7)
A, B = CellId(1), CellId(2)
NUMBERS = 3  # of moves: there, and there again or back
EVENTS = 2  # accepted at any time between


class Side(NamedTuple):
    """A cell's store: the row of the family, and how many of the accepted events it has."""

    row: FamilyRow | None
    events: int | None = None  # None: no row of it


class Sent(NamedTuple):
    """A step on its way to a store, where it may arrive at any time, again and again."""

    to: CellId
    move: FamilyMove | None  # None: rows are copied
    number: int
    other: CellId | None = None
    events: int = 0  # that are copied


class Pair(NamedTuple):
    """Both stores, what is on its way, and how many events were accepted with a 202."""

    a: Side
    b: Side
    sent: frozenset[Sent]
    accepted: int

    def at(self, cell: CellId) -> Side:
        return self.a if cell == A else self.b

    def with_side(self, cell: CellId, side: Side) -> "Pair":
        return self._replace(a=side) if cell == A else self._replace(b=side)


_IN_SOURCE = {
    MoveStep.SEAL: FamilyMove.SEAL,
    MoveStep.END_SWITCHED: FamilyMove.SWITCHED,
    MoveStep.END_UNDONE: FamilyMove.UNDONE,
    MoveStep.EMPTY: FamilyMove.EMPTY,
}
_IN_TARGET = {
    MoveStep.EMPTY_TARGET: FamilyMove.EMPTY,
    MoveStep.RECEIVE: FamilyMove.RECEIVE,
    MoveStep.COPY: None,
    MoveStep.SWITCH: FamilyMove.SWITCH,
    MoveStep.REFUSE: FamilyMove.REFUSE,
}


def other(cell: CellId) -> CellId:
    return B if cell == A else A


def step_of(pair: Pair, source: CellId, is_undone: bool) -> Sent | None:
    """The next step of the move that the source's row is of, as who has read both rows sends it."""
    row, target = pair.at(source).row, pair.at(other(source))
    if row is None:
        return None
    copied = target.row is not None and target.row.state is FamilyState.ARRIVING
    verified = copied and target.events == pair.at(source).events
    step = next_step(
        row, target.row, MoveSituation(True, is_verified=verified, is_undone=is_undone)
    )
    if step in (MoveStep.WAIT, MoveStep.DONE):
        return None
    at_source = step in _IN_SOURCE
    move = _IN_SOURCE[step] if at_source else _IN_TARGET[step]
    number = row.number
    if step is MoveStep.EMPTY_TARGET:
        assert target.row is not None
        number = target.row.number
    to = source if at_source else other(source)
    return Sent(to, move, number, other(to), pair.at(source).events or 0)


def arrived(pair: Pair, sent: Sent) -> Pair:
    """Both stores after a step has arrived: one commit, or nothing."""
    side = pair.at(sent.to)
    if sent.move is None:
        row = side.row
        if row is None or row.state is not FamilyState.ARRIVING or row.number != sent.number:
            return pair
        return pair.with_side(sent.to, Side(row, sent.events))
    row = move_row(side.row, sent.move, family=FAMILY, number=sent.number, other=sent.other)
    if row is None:
        return pair
    events = side.events
    if sent.move is FamilyMove.EMPTY:
        events = None
    return pair.with_side(sent.to, Side(row, events))


def following(pair: Pair) -> set[Pair]:
    """All that one act, by whomever, can make of a pair."""
    found = {arrived(pair, sent) for sent in pair.sent}
    for cell in (A, B):
        side = pair.at(cell)
        if side.row is not None and side.row.state is FamilyState.HERE:
            if pair.accepted < EVENTS:
                accepted = Side(side.row, (side.events or 0) + 1)
                found.add(pair.with_side(cell, accepted)._replace(accepted=pair.accepted + 1))
            if side.row.number < NUMBERS:
                begun = Sent(cell, FamilyMove.BEGIN, side.row.number + 1, other(cell))
                found.add(pair._replace(sent=pair.sent | {begun}))
        for is_undone in (False, True):
            if (sent := step_of(pair, cell, is_undone)) is not None:
                found.add(pair._replace(sent=pair.sent | {sent}))
        if side.row is not None and side.row.state is FamilyState.SEALED:
            found.add(arrived(pair, Sent(cell, FamilyMove.RECALL, side.row.number)))
    return found - {pair}


def reachable() -> set[Pair]:
    first = Pair(Side(FamilyRow(FAMILY, FamilyState.HERE, 1), 0), Side(None), frozenset(), 0)
    seen, fresh = {first}, [first]
    while fresh:
        for pair in following(fresh.pop()):
            if pair not in seen:
                seen.add(pair)
                fresh.append(pair)
    return seen


def here(pair: Pair) -> list[CellId]:
    """The cells that would accept."""
    sides = ((cell, pair.at(cell).row) for cell in (A, B))
    return [cell for cell, row in sides if row is not None and row.state is FamilyState.HERE]


def ended(pair: Pair, is_undone: bool) -> Pair:
    """The pair after its move was carried on to its end by one who is not disturbed."""
    for _ in range(20):
        steps = [sent for cell in (A, B) if (sent := step_of(pair, cell, is_undone)) is not None]
        if not steps:
            return pair
        pair = arrived(pair, steps[0])
    raise AssertionError(f"it does not end: {pair}")


def test_whatever_crashes_or_comes_late_a_family_ends_in_exactly_one_cell() -> None:
    pairs = reachable()
    assert len(pairs) > 1000
    rows = {pair.at(cell).row for pair in pairs for cell in (A, B)}
    states = {row.state for row in rows if row is not None}
    assert states == set(FamilyState), "each state was reached"
    ends: dict[bool, set[CellId]] = {False: set(), True: set()}
    for pair in {pair._replace(sent=frozenset()) for pair in pairs}:
        cells = here(pair)
        assert len(cells) <= 1, f"in two cells: {pair}"
        for cell in cells:
            assert pair.at(cell).events == pair.accepted, f"something is lost: {pair}"
        for is_undone in (False, True):
            at_end = ended(pair, is_undone)
            (cell,) = here(at_end)
            assert at_end.at(cell).events == pair.accepted
            ends[is_undone].add(cell)
    assert ends == {False: {A, B}, True: {A, B}}


def test_while_the_target_cannot_be_asked_it_stays_leaving() -> None:
    silent = MoveSituation(target_answers=False)
    for state in (FamilyState.LEAVING, FamilyState.SEALED, FamilyState.RETURNING):
        source = FamilyRow(FAMILY, state, 2, other=B)
        for is_undone in (False, True):
            unasked = silent._replace(is_undone=is_undone, is_verified=True)
            assert next_step(source, None, unasked) is MoveStep.WAIT


def test_nothing_is_copied_while_attempts_are_under_way() -> None:
    leaving = FamilyRow(FAMILY, FamilyState.LEAVING, 2, other=B)
    assert next_step(leaving, None, MoveSituation(True, is_drained=False)) is MoveStep.WAIT
    assert next_step(leaving, None, MoveSituation(True, is_drained=True)) is MoveStep.SEAL


def test_recalled_it_is_refused_by_the_target_whoever_carries_it_on() -> None:
    recalled = FamilyRow(FAMILY, FamilyState.RETURNING, 2, other=B)
    for target in (None, FamilyRow(FAMILY, FamilyState.ARRIVING, 2, A)):
        for is_verified in (False, True):
            asked = MoveSituation(True, is_verified=is_verified)
            assert next_step(recalled, target, asked) is MoveStep.REFUSE
    switched = FamilyRow(FAMILY, FamilyState.HERE, 2)
    assert next_step(recalled, switched, MoveSituation(True)) is MoveStep.END_SWITCHED


def test_undone_it_is_the_target_that_decides() -> None:
    sealed = FamilyRow(FAMILY, FamilyState.SEALED, 2, other=B)
    undo = MoveSituation(True, is_undone=True)
    assert next_step(sealed, FamilyRow(FAMILY, FamilyState.ARRIVING, 2, A), undo) is MoveStep.REFUSE
    refused = FamilyRow(FAMILY, FamilyState.GONE, 2, A)
    assert outcome_at(refused, 2) is MoveOutcome.REFUSED
    assert next_step(sealed, refused, undo) is MoveStep.END_UNDONE
    switched = FamilyRow(FAMILY, FamilyState.HERE, 2)
    assert next_step(sealed, switched, undo) is MoveStep.END_SWITCHED, "after it only forward"


NOW_MS = 1_790_000_000_000


@pytest.mark.parametrize("field", ["now_ms", "wall_ms"])
@pytest.mark.parametrize("apart_ms", [60_000, -60_000, 3_600_000, -8 * 86_400_000])
def test_no_family_goes_where_the_clock_is_another_one(field: str, apart_ms: int) -> None:
    facts = TargetFacts(NOW_MS, NOW_MS)._replace(**{field: NOW_MS + apart_ms})
    found = find_obstacle(A, B, NOW_MS, 0, facts)
    assert found is not None and found[0] == "clocks_apart"
    assert exact(NOW_MS) in found[1] and exact(NOW_MS + apart_ms) in found[1]


@pytest.mark.parametrize("apart_ms", [59_999, -59_999, 0])
def test_small_differences_of_clocks_hold_up_nothing(apart_ms: int) -> None:
    facts = TargetFacts(NOW_MS + apart_ms, NOW_MS + apart_ms)
    assert find_obstacle(A, B, NOW_MS, 0, facts) is None


def test_no_family_goes_where_it_has_no_room_and_both_numbers_are_named() -> None:
    facts = TargetFacts(NOW_MS, NOW_MS, free_bytes=1_499_000_000)
    found = find_obstacle(A, B, NOW_MS, 1_000_000_000, facts)
    assert found is not None and found[0] == "no_room"
    assert "1,500.0 MB" in found[1] and "1,499.0 MB" in found[1]
    roomy = facts._replace(free_bytes=1_500_000_000)
    for other in (roomy, facts._replace(free_bytes=None)):
        assert find_obstacle(A, B, NOW_MS, 1_000_000_000, other) is None


@pytest.mark.parametrize(
    ("rows", "paused_s", "expected_s"),
    [(0, 0.0, 4), (0, 3.5, 1), (8_000, 1.2, 4), (0, 4.0, 5), (0, 99.0, 5), (10_000_000, 1.0, 60)],
)
def test_a_call_that_is_held_waits_for_the_rest_of_the_pause(
    rows: int, paused_s: float, expected_s: int
) -> None:
    assert retry_after_s(rows, paused_s) == expected_s
