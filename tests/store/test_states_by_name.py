"""What is unfinished, and what is final, is asked by name: the numbers of states have no order."""

import re
from pathlib import Path

import pytest

from tidings.core.delivery.states import FINAL, MOVES, UNFINISHED, Move, State
from tidings.store.sql import states as sql

ROOT = Path(__file__).parents[2]
# The schema of before is history: what it holds was made anew by later files.
HISTORY = re.compile(r"schema/00(0\d|1\d|2[0-6])_|/before_waiting\.py$")
_LESS = r"(?:<=|>=|<(?!>)|(?<![-=<])>)"
_STATE = r"(?:old_|new_)?state\b"
_VALUE = r"(?:\d|\{|\?|int\(|State\b|DELIVERED\b|FINAL\b|FAILED\b|HELD\b|PENDING\b|RETRYING\b)"
ORDERED = re.compile(
    rf"\b{_STATE}\s*{_LESS}\s*{_VALUE}"  # d.state < 3, state >= State.DELIVERED
    rf"|\bState\.[A-Z_]+\s*{_LESS}|{_LESS}\s*State\.[A-Z_]+"
    r"|\b(?:min|max)\(\s*(?:state\b|State\b)"  # min(state for state in State if …)
    r"|\bstate\s+BETWEEN\b",
)
# Of equal numbers, which has nothing to do with their order.
ALIKE = "HAVING min(state) = {HELD} AND max(state) = {HELD}"


def ordered(text: str) -> list[str]:
    """Find where states are compared by the order of their numbers."""
    return [found.group() for found in ORDERED.finditer(text.replace(ALIKE, ""))]


@pytest.mark.parametrize(
    "text",
    [
        "AND state < {FINAL}",
        "d.state >= 3",
        "WHERE d.state > 3",
        "settlement.state >= State.DELIVERED",
        "if state >= DELIVERED:",
        "State.DELIVERED <= found",
        "return self >= State.DELIVERED",
        "int(min(state for state in State if state.final))",
        "state BETWEEN 0 AND 2",
        "id = ? AND state >= ?",
        "WHERE state <= 2",
    ],
)
def test_an_order_is_seen(text: str) -> None:
    assert ordered(text)


@pytest.mark.parametrize(
    "text",
    [
        "state <> {HELD}",
        "state IN ({UNFINISHED})",
        "def move(state: State) -> State:",
        "dict[tuple[State, Move], State]",
        "(d.webhook, d.state, d.id) > (?1, {RETRYING}, ?3)",
        "Callable[[int, int, State | None], object]",
    ],
)
def test_what_is_no_order_is_let_be(text: str) -> None:
    assert not ordered(text)


def test_states_are_compared_nowhere_by_their_order() -> None:
    looked_at = 0
    found: list[tuple[str, str]] = []
    for folder in ("src", "tests", "tools", "bench", "scripts"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix not in (".py", ".sql") or path == Path(__file__):
                continue
            if HISTORY.search(path.as_posix()):
                continue
            looked_at += 1
            name = path.relative_to(ROOT).as_posix()
            found += [(name, text) for text in ordered(path.read_text("utf-8"))]
    assert looked_at > 500
    assert found == []


def test_each_state_is_either_unfinished_or_final() -> None:
    assert set(State) == UNFINISHED | FINAL
    assert not UNFINISHED & FINAL
    assert {state for state in State if state.final} == FINAL


def test_numbers_that_are_stored_keep_their_meaning() -> None:
    stored = [
        "PENDING",
        "HELD",
        "RETRYING",
        "DELIVERED",
        "FAILED",
        "PARKED",
        "CANCELLED",
        "WAITING",
    ]
    assert [State(number).name for number in range(len(stored))] == stored


def test_a_final_state_is_left_only_by_asking() -> None:
    asked = {Move.ASKED, Move.ASKED_BEHIND}
    left = [(state, what) for (state, what) in MOVES if state in FINAL]
    assert left
    assert all(what in asked for _, what in left)


def test_sql_names_the_same_states() -> None:
    numbers = re.findall(r"d\.state = (\d)", sql.is_unfinished("d"))
    assert {State(int(number)) for number in numbers} == UNFINISHED
    assert sql.is_unfinished("d").replace("d.", "") == sql.is_unfinished()
    assert {State(int(number)) for number in sql.FINAL.split(",")} == FINAL
