"""A budget that many draw on: there is always something left for who comes last."""

import pytest

from tidings.core.shares.budget import SharedBudget


@pytest.mark.parametrize("greedy", [1, 2, 9])
def test_each_holds_as_much_as_is_left_for_others(greedy: int) -> None:
    budget = SharedBudget[int](1000)
    for _ in range(1000):
        for owner in range(greedy):
            budget.take(owner)
    fair = 1000 // (greedy + 1)
    assert all(abs(budget.held_by(owner) - fair) <= 1 for owner in range(greedy))
    assert budget.take(99, fair // 3), "who comes last finds something"


def test_what_is_given_back_can_be_taken_again_and_refusals_take_nothing() -> None:
    budget = SharedBudget[str](100, owner_most=30)
    assert budget.take("a", 30) and not budget.take("a") and budget.held == 30
    budget.give("a", 30)
    assert budget.held == budget.held_by("a") == 0 and budget.take("a", 30)
    budget.charge("b", 70)
    assert budget.held == 100 and not budget.take("c")
    budget.give("b", 70)
    assert budget.take("c")
