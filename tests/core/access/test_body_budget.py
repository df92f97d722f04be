"""How many bytes of bodies may be held: strangers take nothing of who is known."""

from tests.core.access.callers import caller_of
from tidings.core.access.body_budget import BodyBudget, BodyHolder
from tidings.core.ids import OrgId

MB = 1 << 20


def filled(budget: BodyBudget, holder: BodyHolder, size: int = MB) -> int:
    """How many bodies of a size a holder gets."""
    count = 0
    while budget.take(holder, size) is None:
        count += 1
    return count


def test_strangers_take_nothing_of_who_is_known() -> None:
    budget = BodyBudget()
    strangers = [budget.stranger(f"192.0.2.{number}", str(number)) for number in range(100)]
    taken = [filled(budget, stranger) for stranger in strangers]
    assert sum(taken) == 32
    assert filled(budget, budget.known(caller_of(7, "shop"))) == 16
    assert filled(budget, budget.sender(OrgId(8), 3)) == 8


def test_an_address_and_the_callers_of_a_source_have_a_share_of_the_strangers() -> None:
    budget = BodyBudget()
    assert filled(budget, budget.stranger("192.0.2.1", "7/a")) == 8
    assert filled(budget, budget.stranger("192.0.2.1", "7/b")) == 8
    short = budget.take(budget.stranger("192.0.2.1"), MB)
    assert short is not None and short.whose == "an address"
    assert filled(budget, budget.stranger("192.0.2.2")) == 16


def test_no_org_takes_all_that_the_known_have() -> None:
    budget = BodyBudget()
    for number in range(50):
        filled(budget, budget.known(caller_of(7, f"c{number}")))
        filled(budget, budget.sender(OrgId(7), number))
    assert budget.held("org 7") == 24 * MB
    assert filled(budget, budget.known(caller_of(8, "shop"))) == 16


def test_the_longest_call_fits_into_every_share_that_it_counts_against() -> None:
    for call_bytes_max in (4 * MB, 64 * MB, 512 * MB):
        budget = BodyBudget(call_bytes_max)
        for caller in (caller_of(7, "shop"), caller_of(1, "boss", platform=True)):
            assert filled(budget, budget.known(caller), call_bytes_max) >= 2


def test_what_is_given_back_can_be_taken_again_and_leaves_no_entry() -> None:
    budget = BodyBudget()
    holder = budget.stranger("192.0.2.1", "7/a")
    for _ in range(1000):
        assert budget.take(holder, 5 * MB) is None
        assert budget.take(holder, 5 * MB) is not None  # and nothing of it is held
        budget.give(holder, 5 * MB)
    assert budget._held == {}
