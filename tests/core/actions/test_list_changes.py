"""Which states of a list are taken, and which must be accepted first."""

import pytest

from tidings.core.actions.list_changes import ListState, ReadColumns, objection_to

COLUMNS = ("id", "opted_out", "zone")
READ = ReadColumns(frozenset({"opted_out", "zone", "elsewhere"}), frozenset({"zone"}))
OPT_OUT = ReadColumns(frozenset({"opted_out", "zone"}), frozenset({"zone"}))
FORMER = ListState(1000, COLUMNS, frozenset({"IST"}))


@pytest.mark.parametrize(
    ("now", "why"),
    [
        (ListState(0, COLUMNS), "It has 0 lines, where the list in force has 1,000 lines."),
        (ListState(20, COLUMNS), "It has 20 lines"),
        (ListState(499, COLUMNS), "It has 499 lines"),
        (ListState(1, COLUMNS), "It has 1 line,"),
        (ListState(500, COLUMNS), None),
        (ListState(5000, COLUMNS), None),
        (ListState(1000, ("id", "zone")), "It lacks the column opted_out, which actions read."),
        (ListState(1000, ("id",)), "It lacks the columns opted_out and zone"),
        (ListState(1000, ("id", "opted_out", "zone", "new")), None),
        (ListState(1000, COLUMNS, frozenset({"IST"})), None),  # which is in force so
        (ListState(1000, COLUMNS, frozenset({"IST", "India"})), "nobody knows: India."),
    ],
)
def test_what_looks_like_a_slip_beside_the_state_in_force_is_not_taken(
    now: ListState, why: str | None
) -> None:
    said = objection_to(now, FORMER, READ)
    assert said is None if why is None else why in str(said)


@pytest.mark.parametrize(
    ("now", "why"),
    [
        (ListState(0, COLUMNS), "no line beside"),
        (ListState(1, ("id", "zone")), "It lacks the column opted_out"),
        (ListState(1, COLUMNS, frozenset("abcd")), "nobody knows: a, b, c and others."),
        (ListState(1, COLUMNS), None),
        (ListState(1, ("id", "opted_out")), None),  # quiet hours have a usual zone
    ],
)
def test_a_first_state_is_judged_by_itself(now: ListState, why: str | None) -> None:
    said = objection_to(now, None, OPT_OUT)
    assert said is None if why is None else why in str(said)


def test_a_column_that_the_state_in_force_never_had_is_no_loss() -> None:
    assert objection_to(ListState(5, ("id",)), ListState(5, ("id",)), OPT_OUT) is None
