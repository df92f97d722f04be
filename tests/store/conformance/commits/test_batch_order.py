"""Conformance: a batch settles, cancels, makes what is owed, appends, replays and claims, so."""

from tests.store.conformance.commits.subjects import InProcessSubject
from tests.store.conformance.replay_jobs import Jobs
from tests.store.rows import event, failing, new, settled
from tidings.core.delivery.states import State
from tidings.core.ids import DeliveryId
from tidings.store import port

KEY = 7


def test_what_a_batch_cancels_it_has_settled_before_and_does_not_claim(
    in_process: InProcessSubject,
) -> None:
    subject = in_process
    ends, waits = subject.commit(event("a", new(1)), event("b", new(1))).firsts
    receipt = subject.commit(
        settled=[settled(ends), failing(waits, 0)],
        cancels=[port.CancelSlice([DeliveryId(ends), DeliveryId(waits)], "me")],
        claims=[port.RetryClaim(1, 10)],
    )
    [cancelled] = receipt.cancelled
    assert [delivery for _, delivery in cancelled.deliveries] == [waits]
    assert list(receipt.claimed) == []
    assert subject.states(ends, waits) == [State.DELIVERED, State.CANCELLED]
    assert len(subject.attempts(waits)) == 1, "what came of its attempt is kept"


def test_what_a_batch_cancels_no_longer_holds_an_event_of_it(in_process: InProcessSubject) -> None:
    subject = in_process
    [first] = subject.commit(event("a", new(1, KEY))).firsts
    receipt = subject.commit(
        event("b", new(1, KEY)), cancels=[port.CancelSlice([DeliveryId(first)], "me")]
    )
    assert (list(receipt.held), subject.pending()) == ([], [receipt.firsts[0]])


def test_what_is_owed_is_made_before_the_events_of_the_batch(in_process: InProcessSubject) -> None:
    """A lane hears of it first, and of its key it goes first."""
    subject = in_process
    owing = subject.commit(event("a", new(9), new(1, KEY)), deliveries_max=1)
    receipt = subject.commit(event("b", new(1, KEY)), fan_out=1)
    [made] = [id for fan_out in receipt.fanned_out for id, _, _ in fan_out.deliveries]
    assert (made, receipt.owed) == (owing.firsts[0] + 1, 0)
    assert list(receipt.held) == [receipt.firsts[0]]
    assert subject.states(made, receipt.firsts[0]) == [State.PENDING, State.HELD]


def test_what_a_replay_makes_has_greater_numbers_than_the_events_of_its_batch(
    in_process: InProcessSubject,
) -> None:
    subject = in_process
    jobs = Jobs(subject)
    [old] = jobs.events(1)
    jobs.end(State.FAILED, old)
    job = jobs.put(jobs.spec())
    slice = jobs.slice(job, jobs.find(job))
    receipt = subject.commit(event("new", new(jobs.hook), new(jobs.second)), replays=[slice])
    [replayed] = receipt.replayed
    assert [made.delivery for made in replayed.jobs] == [receipt.firsts[0] + 2]
