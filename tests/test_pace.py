"""What is measured in time has as much room on all machines that are about as fast."""

from itertools import pairwise

import pytest

from tests import pace

SPEEDS = [step / 100 for step in range(10, 401)]


def test_a_machine_that_is_a_little_slower_has_a_little_more_room() -> None:
    for faster, slower in pairwise(map(pace.allowance, SPEEDS)):
        assert 0 <= slower - faster <= 0.01 * pace.KINDS + 1e-9


@pytest.mark.parametrize("slower", SPEEDS[::30])
def test_no_kind_of_work_is_held_to_less_than_its_budget(slower: float) -> None:
    room = pace.allowance(slower)
    assert room >= 1.0
    assert room == pytest.approx(slower * pace.KINDS) or slower < 1 / pace.KINDS
