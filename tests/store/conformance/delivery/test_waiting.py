"""Conformance: what is not to be done yet waits. It is no attempt, and nothing has failed."""

from collections.abc import Callable

import msgspec
import pytest

from tests.store.conformance.subject import Subject
from tests.store.rows import HOUR_MS, QUIET, event, failing, new, settled, waiting
from tidings.core.delivery.states import State
from tidings.core.delivery.waits import WaitReason, WaitsFor
from tidings.core.ids import DeliveryId
from tidings.store import port

DAY_MS = 24 * HOUR_MS
EVER_MS = 1 << 50
NEEDS = WaitsFor(WaitReason.NEEDS, "It waits for mail, which is not done yet.", "mail")


def made(subject: Subject, *keys: int | None) -> list[int]:
    """Deliveries of webhook 1, one for each key, of an owner that has recovered."""
    assert subject.put_webhook() == 1
    subject.recover()
    return list(subject.commit(*(event(f"e{i}", new(1, key)) for i, key in enumerate(keys))).firsts)


def look(subject: Subject) -> list[tuple[int, int]]:
    """Take what is due, once anything is; deliveries and the numbers of their next attempts."""
    while not (taken := subject.take()):
        pass
    return [(job.delivery, job.attempt) for job in taken]


def test_what_waits_has_made_no_attempt_and_says_for_what(subject: Subject) -> None:
    [one] = made(subject, None)
    subject.commit(settled=[waiting(one)])
    row = subject.delivery(one)
    assert (row.state, row.attempts, row.status, row.waits) == (State.WAITING, 0, None, QUIET)
    assert row.due_ms is not None and row.done_ms is None
    assert subject.attempts(one) == []
    assert not subject.take(), "it is not due"
    assert subject.pending() == []
    assert subject.counts().by_state == {State.WAITING: 1}


def test_what_waits_is_looked_at_when_it_is_due_and_may_wait_on(subject: Subject) -> None:
    [one] = made(subject, None)
    for reason in (QUIET, NEEDS, QUIET):
        subject.commit(settled=[waiting(one, 1, waits=reason)])
        assert look(subject) == [(one, 1)], "no number is used up"
        row = subject.delivery(one)
        assert (row.state, row.attempts, row.due_ms) == (State.WAITING, 0, None)
        assert row.waits == reason
        assert subject.attempts(one) == [], "a look is not written down as an attempt"
        assert not subject.take(), "it is taken once"
    subject.commit(settled=[settled(one)])
    row = subject.delivery(one)
    assert (row.state, row.attempts, row.status, row.waits) == (State.DELIVERED, 1, 200, None)


def test_a_wait_between_attempts_keeps_their_numbers(subject: Subject) -> None:
    [one] = made(subject, None)
    subject.commit(settled=[failing(one, 1)])
    assert look(subject) == [(one, 2)]
    subject.commit(settled=[waiting(one, 1, attempt=2)])
    row = subject.delivery(one)
    assert (row.state, row.attempts, row.status) == (State.WAITING, 1, None)
    assert [attempt.number for attempt in subject.attempts(one)] == [1]
    assert look(subject) == [(one, 2)]
    subject.commit(settled=[failing(one, 1, attempt=2)])
    assert [attempt.number for attempt in subject.attempts(one)] == [1, 2]
    assert look(subject) == [(one, 3)]


def test_what_was_made_before_it_waits_is_what_is_sent(subject: Subject) -> None:
    [one] = made(subject, None)
    subject.commit(settled=[waiting(one, 1, sent=b"made")])
    while not (taken := subject.take()):
        pass
    assert [(job.body, job.shaped) for job in taken] == [(b"made", True)]
    subject.commit(settled=[msgspec.structs.replace(settled(one), sent=b"made")])
    assert subject.ask(lambda store: store.sent_body(DeliveryId(one))).shaped is None, "nor longer"


def test_what_comes_next_is_listed_in_its_order_and_not_what_is_taken(subject: Subject) -> None:
    late, soon, other = made(subject, None, None, None)
    subject.commit(settled=[waiting(late, 2 * HOUR_MS), failing(soon, HOUR_MS), settled(other)])

    def listed(limit: int) -> list[int]:
        return [row.id for row in subject.ask(lambda store: store.next_due(1, limit))]

    assert listed(9) == [soon, late] and listed(1) == [soon]
    assert subject.ask(lambda store: store.next_due(2, 9)) == []
    subject.commit(settled=[failing(soon, 1, attempt=2)])
    assert look(subject) == [(soon, 3)]
    assert listed(9) == [late], "it is under way"


def test_one_that_waits_goes_before_the_others_of_its_key(subject: Subject) -> None:
    first, second = made(subject, 7, 7)
    subject.commit(settled=[waiting(first, 1, key=7)])
    assert subject.states(first, second) == [State.WAITING, State.HELD]
    assert subject.ask(lambda store: store.goes_first(DeliveryId(second))) == first
    [third] = subject.commit(event("later", new(1, 7))).firsts
    assert subject.states(third) == [State.HELD]
    assert look(subject) == [(first, 1)]
    receipt = subject.commit(settled=[settled(first, key=7)])
    assert [job.delivery for job in receipt.freed] == [second]


def test_it_is_no_attempt_in_any_total(subject: Subject) -> None:
    one, other = made(subject, None, None)
    now_ms = subject.commit(settled=[waiting(one), settled(other)]).now_ms
    span = (now_ms - DAY_MS, now_ms + DAY_MS)
    tally = subject.ask(lambda store: store.tally(1, *span))
    found = {state: count for state, count in tally.by_state.items() if count}
    assert found == {State.WAITING: 1, State.DELIVERED: 1}
    assert (tally.attempts, tally.answers) == (1, {200: 1})
    [counts] = subject.ask(lambda store: store.count_states([1], *span, port.LEFT_STATES))
    assert counts[State.WAITING] == 1 and counts[State.RETRYING] == 0
    past = subject.ask(lambda store: store.past_attempts(0, 60_000, 1000))
    assert len(past) == 1


@pytest.mark.parametrize(("state", "found"), [(State.WAITING, 1), (State.RETRYING, 0)])
def test_the_log_finds_it_by_its_own_state_alone(
    subject: Subject, state: State, found: int
) -> None:
    one, other = made(subject, None, None)
    subject.commit(settled=[waiting(one), settled(other)])
    query = port.DeliveryQuery([1], (state,))
    page = subject.ask(lambda store: store.log_deliveries(query))
    assert [(row.id, row.waits) for row in page.deliveries] == [(one, QUIET)] * found


ENDS: dict[str, tuple[Callable[[Subject, int], object], State]] = {
    "parked": (lambda subject, _: subject.retire(State.PARKED), State.PARKED),
    "cancelled with its webhook": (
        lambda subject, _: subject.retire(State.CANCELLED),
        State.CANCELLED,
    ),
    "cancelled by somebody": (
        lambda subject, one: subject.commit(cancels=[port.CancelSlice([DeliveryId(one)], "me")]),
        State.CANCELLED,
    ),
    "parked behind a breaker": (
        lambda subject, _: subject.ask(lambda store: store.park_expired(1, EVER_MS, 10)),
        State.PARKED,
    ),
}


@pytest.mark.parametrize("end", ENDS)
def test_what_waits_can_be_ended_and_stays_so(subject: Subject, end: str) -> None:
    act, state = ENDS[end]
    first, second = made(subject, 7, 7)
    subject.commit(settled=[waiting(first, key=7)])
    act(subject, first)
    assert subject.states(first) == [state]
    subject.commit(settled=[waiting(first, key=7)])  # a look that was under way
    row = subject.delivery(first)
    assert (row.state, row.attempts, row.due_ms, row.waits) == (state, 0, None, None)
    assert subject.attempts(first) == []
    assert subject.states(second) != [State.HELD], "the next of its key goes on, or has ended too"


def test_what_waits_is_due_at_once_for_whoever_asks(subject: Subject) -> None:
    one, other = made(subject, None, None)
    subject.commit(settled=[waiting(one, waits=NEEDS), waiting(other)])
    asked = subject.ask(lambda store: store.wake(DeliveryId(one)))
    assert asked.outcome == "due" and asked.due_ms is not None
    assert look(subject) == [(one, 1)]
    assert subject.ask(lambda store: store.wake(DeliveryId(one))).outcome == "under_way"
    assert subject.ask(lambda store: store.retry_now(DeliveryId(other))).outcome == "due"
    assert look(subject) == [(other, 1)]


def test_what_an_owner_lets_go_of_is_due_under_the_same_number(subject: Subject) -> None:
    [one] = made(subject, None)
    subject.commit(settled=[waiting(one, 1)])
    assert look(subject) == [(one, 1)]
    subject.ask(lambda store: store.release(1, []))
    row = subject.delivery(one)
    assert (row.state, row.attempts, row.waits) == (State.WAITING, 0, QUIET)
    assert look(subject) == [(one, 1)]


def test_after_a_kill_what_was_looked_at_and_has_not_left_waits_on(subject: Subject) -> None:
    one, other = made(subject, None, None)
    subject.commit(settled=[waiting(one, 1), waiting(other)])
    assert look(subject) == [(one, 1)]
    subject.crash()
    [backlog] = subject.recover(left=[])
    assert backlog.pending == 0 and backlog.next_due_ms is not None
    assert subject.states(one, other) == [State.WAITING, State.WAITING]
    assert subject.attempts(one) == [] and subject.delivery(one).attempts == 0
    assert look(subject) == [(one, 1)]


@pytest.mark.parametrize("noted", [True, False])
def test_after_a_kill_what_may_have_left_was_an_attempt(subject: Subject, noted: bool) -> None:
    """Known from the note of what was in flight, or taken for it where that is gone too."""
    one, other = made(subject, None, None)
    subject.commit(settled=[waiting(one, 1), waiting(other)])
    assert look(subject) == [(one, 1)]
    subject.crash()
    subject.recover(left=[(one, 1)] if noted else None)
    assert subject.states(one, other) == [State.RETRYING, State.WAITING]
    [attempt] = subject.attempts(one)
    assert attempt.evidence is not None and attempt.evidence.kind == "lost"
    assert (attempt.number, subject.delivery(one).attempts) == (1, 1)
    assert look(subject) == [(one, 2)]


def test_who_waits_for_another_is_looked_at_by_a_new_owner(subject: Subject) -> None:
    """Its end may have come while nobody was there to hear of it."""
    one, other = made(subject, None, None)
    subject.commit(settled=[waiting(one, waits=NEEDS), waiting(other)])
    subject.crash()
    subject.recover(left=[])
    assert look(subject) == [(one, 1)]
    assert not subject.take()


def test_what_waits_is_unfinished_for_whoever_ends_what_is_old(subject: Subject) -> None:
    [one] = made(subject, None)
    subject.commit(settled=[waiting(one)])
    found: list[int] = []
    place: tuple[int, int, int, int] | None = (0, 0, 0, 0)
    while place is not None:
        at = place
        page = subject.ask(lambda store, at=at: store.unfinished_before(EVER_MS, at, 10))  # type: ignore[misc]
        found += page.deliveries
        place = page.place
    assert found == [one]
