"""Conformance: deliveries of one key go one after the other, whatever ends the first."""

import pytest

from tests.store.conformance.subject import Subject
from tests.store.rows import event, failing, new, settled
from tidings.core.delivery.states import State

KEY = 42


def chain(subject: Subject, length: int = 3) -> list[int]:
    """Deliveries of one key, each stored by a commit of its own."""
    return [subject.commit(event(f"e{i}", new(1, KEY))).firsts[0] for i in range(length)]


def test_the_second_of_a_key_is_held_and_told(subject: Subject) -> None:
    first = subject.commit(event("a", new(1, KEY)))
    second = subject.commit(event("b", new(1, KEY)))
    assert list(first.held) == []
    assert list(second.held) == [second.firsts[0]]
    assert subject.pending() == [first.firsts[0]]
    assert subject.states(second.firsts[0]) == [State.HELD]


def test_the_second_of_a_key_in_the_same_batch_is_held(subject: Subject) -> None:
    receipt = subject.commit(*(event(f"e{i}", new(1, KEY), new(2, KEY)) for i in range(3)))
    first = receipt.firsts[0]
    assert list(receipt.held) == list(range(first + 2, first + 6))
    assert subject.pending(1) == [first]
    assert subject.pending(2) == [first + 1]


def test_other_keys_other_webhooks_and_no_key_are_not_held(subject: Subject) -> None:
    subject.commit(event("a", new(1, KEY)))
    receipt = subject.commit(event("b", new(1, KEY + 1), new(2, KEY), new(1)), event("c", new(1)))
    assert list(receipt.held) == []
    assert subject.counts().by_state == {State.PENDING: 5}


@pytest.mark.parametrize("ending", [state for state in State if state.final])
def test_the_end_of_the_first_frees_the_next_in_the_same_commit(
    subject: Subject, ending: State
) -> None:
    a, b, c = chain(subject)
    receipt = subject.commit(settled=[settled(a, ending, key=KEY)])
    [freed] = receipt.freed
    assert (freed.delivery, freed.attempt, freed.key, freed.retry) == (b, 1, KEY, False)
    assert freed.body == b'{"eventId":"e1"}'
    assert subject.states(a, b, c) == [ending, State.PENDING, State.HELD]
    assert subject.pending() == [b]


def test_a_retry_frees_nothing_and_holds_new_ones(subject: Subject) -> None:
    a, b = chain(subject, 2)
    receipt = subject.commit(settled=[failing(a, 0, key=KEY)])
    later = subject.commit(event("later", new(1, KEY)))
    assert list(receipt.freed) == []
    assert list(later.held) == [later.firsts[0]]
    assert subject.states(b) == [State.HELD]
    [taken] = subject.take()
    assert taken.delivery == a
    assert subject.commit(event("more", new(1, KEY))).held
    receipt = subject.commit(settled=[settled(a, key=KEY, attempt=2)])
    assert [job.delivery for job in receipt.freed] == [b]


def test_a_chain_is_freed_one_by_one_in_id_order(subject: Subject) -> None:
    ids = chain(subject, 5)
    for at, number in enumerate(ids):
        assert subject.pending() == [number]
        freed = subject.commit(settled=[settled(number, key=KEY)]).freed
        assert [job.delivery for job in freed] == ids[at + 1 : at + 2]
    assert subject.commit(event("new", new(1, KEY))).held == []


def test_what_ends_in_a_batch_no_longer_holds_an_event_of_the_same_batch(subject: Subject) -> None:
    [a] = chain(subject, 1)
    receipt = subject.commit(event("b", new(1, KEY)), settled=[settled(a, key=KEY)])
    assert (list(receipt.held), list(receipt.freed)) == ([], [])
    assert subject.pending() == [receipt.firsts[0]]


def test_ends_of_many_keys_in_one_batch_free_each_its_own(subject: Subject) -> None:
    receipt = subject.commit(*(event(f"e{i}", new(1, i % 3)) for i in range(9)))
    first = receipt.firsts[0]
    ends = [settled(first + key, key=key) for key in range(3)]
    freed = subject.commit(settled=ends).freed
    assert [job.delivery for job in freed] == [first + 3, first + 4, first + 5]


def test_settling_the_first_again_frees_nobody_twice(subject: Subject) -> None:
    a, b, c = chain(subject)
    again = [settled(a, key=KEY)]
    assert len(subject.commit(settled=again).freed) == 1
    assert list(subject.commit(settled=again).freed) == []
    assert subject.states(b, c) == [State.PENDING, State.HELD]


def test_a_parked_newcomer_neither_waits_nor_holds(subject: Subject) -> None:
    chain(subject, 1)
    subject.commit(event("parked", new(1, KEY, parked=True)))
    receipt = subject.commit(event("other", new(1, KEY + 1, parked=True)), event("x", new(1, 43)))
    assert list(receipt.held) == []


RETIRED = [State.PARKED, State.CANCELLED]


@pytest.mark.parametrize("state", RETIRED)
def test_retiring_a_webhook_ends_its_held_ones_too(subject: Subject, state: State) -> None:
    ids = chain(subject, 3)
    subject.commit(event("free", new(1)), event("other", new(2, KEY)))
    subject.commit(settled=[failing(ids[0], 0, key=KEY)])
    assert subject.retire(state) == 4
    assert subject.retire(state) == 0
    assert subject.states(*ids) == [state] * 3
    assert subject.pending(2) != []
    assert subject.delivery(ids[0]).due_ms is None
    assert subject.delivery(ids[0]).done_ms is not None
    assert subject.commit(event("new", new(1, KEY))).held == []


@pytest.mark.parametrize("state", RETIRED)
def test_retiring_in_slices_never_leaves_a_held_one_without_a_predecessor(
    subject: Subject, state: State
) -> None:
    subject.commit(*(event(f"e{i}", new(1, KEY if i % 2 else None)) for i in range(9)))
    while subject.retire(state, limit=2):
        assert subject.counts().orphans == 0
    assert subject.counts().by_state == {state: 9}


@pytest.mark.parametrize("state", RETIRED)
def test_a_late_outcome_of_a_retired_first_changes_and_frees_nothing(
    subject: Subject, state: State
) -> None:
    a, b = chain(subject, 2)
    subject.retire(state)
    receipt = subject.commit(settled=[settled(a, key=KEY)])
    assert list(receipt.freed) == []
    assert subject.states(a, b) == [state, state]


@pytest.mark.parametrize("state", [state for state in State if state not in RETIRED])
def test_only_parked_and_cancelled_are_ends_in_bulk(subject: Subject, state: State) -> None:
    subject.commit(event("a", new(1)))
    with pytest.raises(ValueError, match="parked or cancelled"):
        subject.retire(state)
    assert subject.states(1) == [State.PENDING]


def test_held_ones_stay_held_through_a_crash_and_are_freed_after_it(subject: Subject) -> None:
    subject.put_webhook()
    a, b = chain(subject, 2)
    subject.crash()
    subject.recover()
    assert subject.pending() == [a]
    receipt = subject.commit(settled=[settled(a, key=KEY, attempt=2)])
    assert [job.delivery for job in receipt.freed] == [b]
