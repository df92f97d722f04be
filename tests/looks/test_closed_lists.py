"""Members of a closed list are tried all: no test has a copy of the list written by hand."""

from pathlib import Path

import pytest

from tests.looks.closed_lists import closed_lists, copies

TESTS = Path(__file__).parents[1]
LISTS = {
    "State": frozenset({"State.A", "State.B", "State.C", "State.D"}),
    "ACTS": frozenset({"mail", "call", "row"}),
    "SOURCES": frozenset({"webhook", "kafka", "outbox"}),
}
IMPORTED = "from tidings.core.sources.source_types import KAFKA, OUTBOX, WEBHOOK as HOOK\n"


def faults(source: str) -> list[tuple[int, str]]:
    return [(copy.line, copy.name) for copy in copies(source, LISTS) if copy.is_fault]


@pytest.mark.parametrize(
    "source",
    [
        "for state in (State.A, State.B, State.C, State.D): pass",
        "for state in [State.A, State.B, State.C]: pass",
        "for act in {'mail', 'call', 'row'}: pass",
        "@pytest.mark.parametrize('act', ['mail', 'call', 'row'])\ndef test_it(): pass",
        "ALL = [(State.A, 1), (State.B, 2), (State.B, 2), (State.C, 3)]",
        "ALL = [pytest.param(State.A, 1), pytest.param(State.B, 2), pytest.param(State.C, 3)]",
        "ALL = {State.A: 1, State.B: 2, State.C: 3}",
        IMPORTED + "ALL = (KAFKA, OUTBOX, HOOK)",
    ],
)
def test_a_copy_is_found(source: str) -> None:
    assert len(faults(source)) == 1


@pytest.mark.parametrize(
    "source",
    [
        "for state in State: pass",
        "for state in (State.A, State.B): pass",
        "for act in ('mail', 'call'): pass",
        IMPORTED + "ALL = (KAFKA, OUTBOX)",
        IMPORTED + "ALL = (KAFKA, OUTBOX, WEBHOOK)",
        "for act in ('mail', 'call', 'post'): pass",
        "assert found == [State.A, State.B, State.C, State.D]",
        "ALL = [(State.A, 1), (State.B, 2), (State.C, 3), (State.D, 4)]",
        "ALL = {State.A: 1, State.B: 2, State.C: 3, State.D: 4}",
        "ALL = {'mail': 1, 'call': 2, 'row': 3}",
        "a, b, c, d = State.A, State.B, State.C, State.D",
        "SOME = {State.A: 1, State.B: 2, State.C: 3}  # by hand: of D nothing is known",
    ],
)
def test_what_is_none_is_let_be(source: str) -> None:
    assert faults(source) == []


def test_the_lists_of_the_service_are_found() -> None:
    lists = closed_lists()
    assert {"State", "FaultKind", "DeliveryVerdict", "WEBHOOKS", "OPERATORS"} <= lists.keys()
    assert "State.WAITING" in lists["State"] and "HTTP" in lists["WEBHOOKS"]


def test_no_test_has_a_copy_of_a_closed_list() -> None:
    lists = closed_lists()
    paths = [path for path in TESTS.rglob("*.py") if path.parent != Path(__file__).parent]
    assert len(paths) > 500
    found = [
        f"{path.relative_to(TESTS)}:{copy.line}: "
        + (f"names all of {copy.name} but {sorted(copy.missing)}" if copy.missing else copy.name)
        for path in paths
        for copy in copies(path.read_text("utf-8"), lists)
        if copy.is_fault
    ]
    assert not found, "take the members from the list:\n" + "\n".join(found)
