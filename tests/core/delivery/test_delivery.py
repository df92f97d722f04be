"""The states of a delivery: every pair of state and move, against a table written out here."""

import pytest

from tidings.core.delivery.states import MOVES, Move, State, move

# One row a state, one column a move; "." where that cannot happen.
TABLE = """
          FREED   SUCCEEDED RETRY    REFUSED PARK   CANCEL    ASKED    ASKED_BEHIND TAKEN     WAIT
PENDING   .       DELIVERED RETRYING FAILED  PARKED CANCELLED .        .            DELIVERED WAITING
HELD      PENDING .         .        .       PARKED CANCELLED .        .            DELIVERED .
RETRYING  .       DELIVERED RETRYING FAILED  PARKED CANCELLED .        .            DELIVERED WAITING
WAITING   .       DELIVERED RETRYING FAILED  PARKED CANCELLED .        .            DELIVERED WAITING
DELIVERED .       .         .        .       .      .         .        .            .         .
FAILED    .       .         .        .       .      .         RETRYING HELD         .         .
PARKED    .       .         .        .       .      .         RETRYING HELD         .         .
CANCELLED .       .         .        .       .      .         RETRYING HELD         .         .
"""  # noqa: E501
_HEAD, *_ROWS = [line.split() for line in TABLE.strip().splitlines()]
CELLS = {
    (State[row[0]], Move[name]): None if cell == "." else State[cell]
    for row in _ROWS
    for name, cell in zip(_HEAD, row[1:], strict=True)
}


def test_the_table_names_every_state_and_every_move() -> None:
    assert set(CELLS) == {(state, what) for state in State for what in Move}


@pytest.mark.parametrize(("pair", "after"), CELLS.items(), ids=lambda value: str(value))
def test_a_move_leads_where_the_table_says(pair: tuple[State, Move], after: State | None) -> None:
    assert move(*pair) is after


def test_a_final_state_is_left_only_on_request_and_delivered_never() -> None:
    left = {(state, what) for state, what in MOVES if state.final}
    assert {what for _, what in left} == {Move.ASKED, Move.ASKED_BEHIND}
    assert State.DELIVERED not in {state for state, _ in left}


def test_every_unfinished_state_can_be_ended_and_every_state_be_reached() -> None:
    reached = {State.PENDING, State.HELD, State.PARKED}  # stored so
    while more := {MOVES[pair] for pair in MOVES if pair[0] in reached} - reached:
        reached |= more
    assert reached == set(State)
    for state in State:
        ends = {after for (before, _), after in MOVES.items() if before is state and after.final}
        assert bool(ends) is not state.final


def test_the_numbers_that_stores_keep_never_change() -> None:
    assert {state.name: int(state) for state in State} == {
        "PENDING": 0,
        "HELD": 1,
        "RETRYING": 2,
        "DELIVERED": 3,
        "FAILED": 4,
        "PARKED": 5,
        "CANCELLED": 6,
        "WAITING": 7,
    }
    assert [state.name for state in State if state.final] == [
        "DELIVERED",
        "FAILED",
        "PARKED",
        "CANCELLED",
    ]


def test_a_state_is_read_in_lower_case() -> None:
    assert [state.word for state in State] == [
        "pending",
        "held",
        "retrying",
        "delivered",
        "failed",
        "parked",
        "cancelled",
        "waiting",
    ]
