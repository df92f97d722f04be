"""Conformance: a replay makes each delivery once, wherever its owner dies."""

import time

import pytest

from tests.store.conformance.delivery.in_each_state import one_in_each_state
from tests.store.conformance.replay_jobs import FINAL, Jobs
from tests.store.conformance.subject import Subject
from tests.store.rows import HOUR_MS, ORG, event, failing, new, settled, term, waiting, webhook
from tidings.core.delivery.states import UNFINISHED, State
from tidings.core.ids import DeliveryId, EventNumber, OrgId
from tidings.core.orgs.retention import RowKind
from tidings.core.replay import JobState, ReplayKind
from tidings.store import port

OTHER = OrgId(ORG + 1)


@pytest.fixture
def jobs(subject: Subject) -> Jobs:
    return Jobs(subject)


# -- what is made ---------------------------------------------------------------------------------


def test_what_failed_and_was_parked_is_made_again_in_the_order_of_its_accept(jobs: Jobs) -> None:
    ids = jobs.events(6)
    jobs.end(State.DELIVERED, ids[0], ids[3])
    jobs.end(State.FAILED, ids[1], ids[4])
    job = jobs.put(jobs.spec())
    assert jobs.run(job) == ["e1", "e4"]
    assert jobs.subject.states(*ids[:2]) == [State.DELIVERED, State.FAILED], "final ones stay"
    now = jobs.now(job)
    assert (now.made, now.under_way, now.had, now.no_body) == (2, 0, 0, 0)


def test_what_a_job_hands_over_is_of_it_and_as_old_as_the_job(jobs: Jobs) -> None:
    jobs.end(State.FAILED, *jobs.events(1))
    job = jobs.put(jobs.spec())
    found = jobs.find(job)
    [made] = jobs.commit(jobs.slice(job, found)).jobs
    assert (made.replay, made.again, made.attempt, made.body) == (
        job.number,
        False,
        1,
        b'{"eventId":"e0"}',
    )
    [paged] = [job for job in jobs.subject.page(jobs.hook) if job.delivery == made.delivery]
    assert paged == made


def test_its_deliveries_have_greater_ids_than_the_events_of_their_batch(jobs: Jobs) -> None:
    jobs.end(State.FAILED, *jobs.events(1))
    job = jobs.put(jobs.spec())
    slice = jobs.slice(job, jobs.find(job))
    version = jobs.subject.load().registry_version
    receipt = jobs.subject.commit(
        event("live", new(jobs.hook), new(jobs.second)), version=version, replays=[slice]
    )
    assert receipt.replayed[0].jobs[0].delivery == receipt.firsts[0] + 2


def test_what_an_earlier_replay_has_delivered_is_no_longer_missed(jobs: Jobs) -> None:
    jobs.end(State.FAILED, *jobs.events(2))
    first = jobs.put(jobs.spec())
    jobs.run(first)
    jobs.end(State.DELIVERED, jobs.subject.pending(jobs.hook)[0])
    second = jobs.put(jobs.spec())
    assert jobs.count(second.spec) == (0, 0), "one is delivered, one under way"
    jobs.end(State.FAILED, *jobs.subject.pending(jobs.hook))
    assert jobs.run(second) == ["e1"]


def test_delivered_ones_are_made_only_with_again_and_say_so(jobs: Jobs) -> None:
    ids = jobs.events(2)
    jobs.end(State.DELIVERED, ids[0])
    jobs.end(State.FAILED, ids[1])
    both = (*FINAL, State.DELIVERED)
    plain = jobs.put(jobs.spec(states=both))
    assert jobs.count(plain.spec) == (2, 1)
    assert jobs.run(plain) == ["e1"]
    assert jobs.now(plain).had == 1
    jobs.end(State.FAILED, *jobs.subject.pending(jobs.hook))
    again = jobs.put(jobs.spec(states=both, again=True))
    assert jobs.run(again) == ["e0", "e1"]
    assert [job.again for job in jobs.subject.page(jobs.hook)] == [True, False]


def test_another_webhook_gets_what_the_first_one_has(jobs: Jobs) -> None:
    ids = jobs.events(3)
    jobs.end(State.DELIVERED, *ids[:2])
    spec = jobs.spec(states=(*FINAL, State.DELIVERED), target=jobs.second)
    assert jobs.run(jobs.put(spec)) == ["e0", "e1"]
    found = jobs.subject.page(jobs.second)
    assert [(job.event_id, job.again) for job in found] == [("e0", False), ("e1", False)]
    assert jobs.run(jobs.put(spec)) == [], "they are under way there"


def test_events_that_made_no_delivery_are_made_where_asked_for(jobs: Jobs) -> None:
    ids = jobs.events(2)
    jobs.end(State.DELIVERED, *ids)
    jobs.subject.commit(event("alone"), event("theirs", new(jobs.second)), event("not", org=OTHER))
    spec = jobs.spec(unmatched=True, names=["pointsIssued"])
    assert jobs.count(spec) == (2, 0)
    assert jobs.run(jobs.put(spec)) == ["alone", "theirs"]


def test_only_what_the_filter_asks_for_is_made(jobs: Jobs) -> None:
    ids = jobs.events(4)
    jobs.end(State.FAILED, *ids)
    at_ms = jobs.subject.delivery(ids[0]).accepted_ms
    assert jobs.run(jobs.put(jobs.spec(names=["tierUpgraded"]))) == []
    assert jobs.run(jobs.put(jobs.spec(orgs=[OTHER]))) == []
    assert jobs.run(jobs.put(jobs.spec(to_ms=at_ms))) == []
    assert jobs.run(jobs.put(jobs.spec(from_ms=at_ms + HOUR_MS))) == []
    assert jobs.run(jobs.put(jobs.spec(states=(State.PARKED,)))) == []
    assert len(jobs.run(jobs.put(jobs.spec(from_ms=at_ms, to_ms=at_ms + HOUR_MS)))) == 4


def test_events_that_come_after_a_job_are_not_of_it(jobs: Jobs) -> None:
    jobs.end(State.FAILED, *jobs.events(1))
    job = jobs.put(jobs.spec())
    jobs.end(State.FAILED, *jobs.events(1, prefix="later"))
    assert jobs.run(job) == ["e0"]


def test_a_list_of_deliveries_and_events_is_made_and_nothing_else(jobs: Jobs) -> None:
    ids = jobs.events(5)
    jobs.end(State.FAILED, *ids)
    strange = jobs.subject.commit(event("strange", new(99), org=OTHER)).firsts
    listed = jobs.subject.ask(
        lambda store: store.listed_deliveries(
            ORG, [DeliveryId(ids[3]), DeliveryId(ids[1]), strange[0], DeliveryId(10**9)]
        )
    )
    assert len(listed) == 2
    named = jobs.subject.ask(lambda store: store.listed_events(ORG, ["e4", "strange", "nobody"]))
    assert len(named) == 1
    spec = jobs.spec(listed=True)
    both = [*listed, *named]
    assert jobs.count(spec, both) == (3, 0)
    assert jobs.run(jobs.put(spec, both), limit=1) == ["e1", "e3", "e4"]


def test_a_long_list_is_kept_and_visited_whole_and_gone_when_the_job_is_closed(jobs: Jobs) -> None:
    jobs.end(State.FAILED, *jobs.events(30))
    listed = [port.ReplayEntry(seq) for seq in (*range(1, 31), *range(1000, 4000))]
    job = jobs.put(jobs.spec(listed=True), listed)
    assert len(jobs.run(job, limit=7)) == 30
    jobs.subject.ask(lambda store: store.close_replay(job.number))
    assert jobs.now(job).closed
    assert not jobs.find(job, after=0).found


def test_what_has_lost_its_payload_is_counted_and_not_made(jobs: Jobs) -> None:
    jobs.end(State.FAILED, *jobs.events(2))
    later_ms = jobs.subject.commit().now_ms + HOUR_MS
    one = port.DropSlice(RowKind.PAYLOAD, 30, later_ms, (), True, rows_max=1, first=False)
    while not jobs.subject.ask(lambda store: store.drop(one)).rows:
        pass  # a slice may look at some without an end
    spec = jobs.spec()
    assert jobs.count(spec) == (2, 1)
    job = jobs.put(spec)
    assert jobs.run(job) == ["e1"]
    assert jobs.now(job).no_body == 1


# -- exactly once ---------------------------------------------------------------------------------


def test_a_slice_that_is_written_twice_is_applied_once(jobs: Jobs) -> None:
    jobs.end(State.FAILED, *jobs.events(3))
    job = jobs.put(jobs.spec())
    slice = jobs.slice(job, jobs.find(job))
    assert jobs.commit(slice).applied
    again = jobs.commit(slice)
    assert (again.applied, again.made, list(again.jobs)) == (False, 0, [])
    assert jobs.now(job).made == 3 == len(jobs.subject.pending(jobs.hook))


@pytest.mark.parametrize("limit", [1, 3, 5])  # each alone, a whole slice and a rest, all at once
def test_nothing_is_skipped_and_nothing_made_twice_wherever_its_owner_dies(
    jobs: Jobs, limit: int
) -> None:
    jobs.end(State.FAILED, *jobs.events(4))
    job = jobs.put(jobs.spec())
    made = []
    for _ in range(20):
        jobs.subject.recover()
        [known] = jobs.subject.ask(lambda store: store.open_replays())
        assert known == jobs.now(job)
        found = jobs.find(job, limit=limit)
        slice = jobs.slice(job, found)
        jobs.subject.crash()  # read, and not written
        if not found.found:
            break
        made += [job.event_id for job in jobs.commit(slice).jobs]
        jobs.subject.crash()  # written, and perhaps nobody told
        assert not jobs.commit(slice).applied
    assert made == [f"e{i}" for i in range(4)]


@pytest.mark.parametrize(
    "state", [state for state in JobState if state is JobState.PAUSED or state.final]
)
def test_a_slice_planned_before_a_pause_or_a_cancel_is_not_applied(
    jobs: Jobs, state: JobState
) -> None:
    jobs.end(State.FAILED, *jobs.events(3))
    job = jobs.put(jobs.spec())
    slice = jobs.slice(job, jobs.find(job))
    moved = jobs.subject.ask(
        lambda store: store.move_replay(job.number, [JobState.RUNNING], state, "")
    )
    assert moved is not None and moved.state == state
    assert (moved.ended_ms is not None) == state.final
    assert not jobs.commit(slice).applied
    assert jobs.subject.pending(jobs.hook) == []


def test_a_slice_matched_under_an_older_registry_is_matched_again(jobs: Jobs) -> None:
    jobs.end(State.FAILED, *jobs.events(1))
    job = jobs.put(jobs.spec())
    slice = jobs.slice(job, jobs.find(job))
    version = jobs.subject.load().registry_version
    stored = webhook("one", number=jobs.hook, version=2, status="deleted")
    jobs.subject.ask(lambda store: store.put_webhook(stored))
    receipt = jobs.subject.commit(version=version, replays=[slice])
    assert receipt.moved and not receipt.replayed
    assert jobs.now(job).cursor == 0


def test_a_move_from_another_state_than_the_job_is_in_is_refused(jobs: Jobs) -> None:
    job = jobs.put(jobs.spec())
    assert (
        jobs.subject.ask(
            lambda store: store.move_replay(job.number, ["paused"], JobState.RUNNING, "")
        )
        is None
    )
    assert jobs.now(job) == job


# -- order, counts, cancel ------------------------------------------------------------------------


def test_replays_of_a_key_go_one_after_the_other(jobs: Jobs) -> None:
    ids = jobs.events(3, key=5)
    for number in ids:
        jobs.end(State.FAILED, number, key=5)
    job = jobs.put(jobs.spec())
    assert jobs.run(job, key=5) == ["e0"], "the others are held"
    assert jobs.now(job).made == 3
    [first] = jobs.subject.pending(jobs.hook)
    receipt = jobs.subject.commit(
        settled=[settled(first, webhook=jobs.hook, key=5)],
    )
    assert [(job.event_id, job.replay) for job in receipt.freed] == [("e1", job.number)]


def test_a_job_counts_what_becomes_of_its_deliveries_once(jobs: Jobs) -> None:
    jobs.end(State.FAILED, *jobs.events(4))
    job = jobs.put(jobs.spec())
    jobs.run(job)
    made = jobs.subject.pending(jobs.hook)
    jobs.end(State.DELIVERED, made[0], made[2])
    jobs.end(State.FAILED, made[1])

    def tally(after: int = 0, limit: int = 2) -> port.ReplayTally:
        return jobs.subject.ask(lambda store: store.tally_replay(job.number, after, limit))

    first = tally()
    assert (first.final, first.open) == (2, True) and first.after == made[1]
    assert (tally(first.after).final, tally().open) == (1, True)
    jobs.end(State.DELIVERED, made[3])
    last = tally()
    assert (last.final, last.after, last.open) == (1, 0, False)
    now = jobs.now(job)
    assert (now.delivered, now.failed, now.parked, now.cancelled) == (3, 1, 0, 0)


def test_the_unfinished_ones_of_a_job_are_told_to_be_cancelled(jobs: Jobs) -> None:
    jobs.end(State.FAILED, *jobs.events(6))
    job = jobs.put(jobs.spec())
    jobs.run(job)
    made = jobs.subject.pending(jobs.hook)
    jobs.end(State.DELIVERED, made[0])
    jobs.end(State.FAILED, made[1])
    later = failing(made[2], HOUR_MS, webhook=jobs.hook), waiting(made[3], webhook=jobs.hook)
    jobs.subject.commit(settled=later)
    left = jobs.subject.ask(lambda store: store.unfinished_of(job.number, 10))
    assert list(left) == made[2:]


def cancel(subject: Subject, *deliveries: int) -> port.Receipt:
    """Cancel single ones."""
    return subject.commit(
        version=0, cancels=[port.CancelSlice([*map(DeliveryId, deliveries)], "me")]
    )


def test_cancelling_ends_what_is_unfinished_and_nothing_else(jobs: Jobs) -> None:
    in_state = one_in_each_state(jobs.subject, jobs.hook)
    [untouched] = jobs.events(1, prefix="untouched")
    receipt = cancel(jobs.subject, *in_state.values(), 10**9)
    ended = sorted(in_state[state] for state in UNFINISHED)
    assert sorted(receipt.cancelled[0].deliveries) == [(jobs.hook, id) for id in ended]
    for state, delivery in in_state.items():
        [now] = jobs.subject.states(delivery)
        assert now is (State.CANCELLED if state in UNFINISHED else state)
        assert jobs.subject.delivery(delivery).due_ms is None
    assert jobs.subject.states(untouched) == [State.PENDING]
    jobs.end(State.DELIVERED, in_state[State.PENDING])  # its attempt was under way
    assert jobs.subject.states(in_state[State.PENDING]) == [State.CANCELLED]


def test_cancelling_the_first_of_a_key_frees_the_next(jobs: Jobs) -> None:
    ids = jobs.events(3, key=5)
    receipt = cancel(jobs.subject, ids[0])
    assert [job.delivery for job in receipt.freed] == [ids[1]]
    assert jobs.subject.states(*ids) == [State.CANCELLED, State.PENDING, State.HELD]
    assert list(cancel(jobs.subject, ids[2]).freed) == []
    assert jobs.subject.counts().orphans == 0


def test_cancelling_a_chain_at_once_frees_only_what_is_left_of_it(jobs: Jobs) -> None:
    ids = jobs.events(4, key=5)
    receipt = cancel(jobs.subject, ids[0], ids[1], ids[2])
    assert [job.delivery for job in receipt.freed] == [ids[3]]
    assert jobs.subject.pending(jobs.hook) == [ids[3]]


def test_what_is_cancelled_in_a_batch_is_not_taken_by_it(jobs: Jobs) -> None:
    [one] = jobs.events(1)
    jobs.subject.commit(settled=[failing(one, 0, webhook=jobs.hook)])
    receipt = jobs.subject.commit(
        claims=[port.RetryClaim(jobs.hook, 10)], cancels=[port.CancelSlice([DeliveryId(one)], "me")]
    )
    assert list(receipt.claimed) == [] and receipt.cancelled[0].deliveries


def test_a_cancel_by_filter_finds_every_unfinished_delivery_of_the_org(jobs: Jobs) -> None:
    in_state = one_in_each_state(jobs.subject, jobs.hook)
    more = jobs.subject.commit(event("both", new(jobs.second), new(jobs.hook))).firsts[0]
    foreign = jobs.subject.put_webhook("theirs", org=OTHER)
    jobs.subject.commit(event("foreign", new(foreign)))
    spec = jobs.spec(source=None, target=None, states=sorted(UNFINISHED))
    count = len(UNFINISHED) + 3  # that one of a key is held behind, and those of one event
    assert jobs.count(spec) == (count, 0)
    job = jobs.put(spec, kind=ReplayKind.CANCEL)
    while (found := jobs.find(job)).found:
        wanted = [delivery for candidate in found.found for delivery in candidate.deliveries]
        cut = port.CancelSlice(wanted, "me", job.number, jobs.now(job).cursor, found.cursor)
        first = jobs.subject.commit(cancels=[cut]).cancelled[0]
        second = jobs.subject.commit(cancels=[cut]).cancelled[0]
        assert first.applied and not second.applied
    assert jobs.now(job).made == count
    for state, delivery in in_state.items():
        [now] = jobs.subject.states(delivery)
        assert now is (State.CANCELLED if state in UNFINISHED else state)
    assert jobs.subject.states(more, more + 1) == [State.CANCELLED] * 2
    assert jobs.subject.pending(foreign) != []


# -- reading --------------------------------------------------------------------------------------


def test_a_job_is_its_orgs_alone(jobs: Jobs) -> None:
    job = jobs.put(jobs.spec())
    ask = jobs.subject.ask
    assert ask(lambda store: store.replay(ORG, job.number)) is not None
    assert ask(lambda store: store.replay(OTHER, job.number)) is None
    listed = ask(lambda store: store.replays(ORG, 1 << 62, 10))
    assert [replay.number for replay in listed] == [job.number]
    assert list(ask(lambda store: store.replays(OTHER, 1 << 62, 10))) == []


def test_jobs_are_listed_newest_first_in_pages(jobs: Jobs) -> None:
    made = [jobs.put(jobs.spec()).number for _ in range(3)]
    page = jobs.subject.ask(lambda store: store.replays(ORG, 1 << 62, 2))
    assert [replay_job.number for replay_job in page] == made[:0:-1]
    rest = jobs.subject.ask(lambda store: store.replays(ORG, page[-1].number, 2))
    assert [replay_job.number for replay_job in rest] == made[:1]


def test_counting_is_remembered_until_it_is_whole(jobs: Jobs) -> None:
    job = jobs.put(jobs.spec(), state=JobState.COUNTING)
    ask = jobs.subject.ask
    part = ask(lambda store: store.note_counted(job.number, EventNumber(5), 3, False))
    assert part is not None and (part.counted, part.counted_to, part.total) == (3, 5, None)
    whole = ask(lambda store: store.note_counted(job.number, EventNumber(9), 4, True))
    assert whole is not None and (whole.counted, whole.total) == (7, 7)
    ask(lambda store: store.move_replay(job.number, ["counting"], "ready", ""))
    assert ask(lambda store: store.note_counted(job.number, EventNumber(9), 4, True)) is None


def test_a_place_before_every_event_of_a_time_is_found(jobs: Jobs) -> None:
    ids = jobs.events(50)
    at_ms = jobs.subject.delivery(ids[0]).accepted_ms
    first = jobs.subject.ask(lambda store: store.first_since(at_ms))
    assert first == 0
    assert jobs.subject.ask(lambda store: store.first_since(at_ms + 2 * HOUR_MS)) == 50


def test_search_terms_find_events_of_replays_too(jobs: Jobs) -> None:
    wanted = term("42")
    jobs.subject.commit(
        event("found", new(jobs.hook), terms=[wanted]), event("not", new(jobs.hook))
    )
    seqs = jobs.subject.find(wanted)
    jobs.end(State.FAILED, *jobs.subject.pending(jobs.hook))
    job = jobs.put(jobs.spec(listed=True), [port.ReplayEntry(EventNumber(seq)) for seq in seqs])
    assert jobs.run(job) == ["found"]


def test_an_events_deliveries_include_those_of_replays(jobs: Jobs) -> None:
    jobs.end(State.FAILED, *jobs.events(1))
    job = jobs.put(jobs.spec())
    jobs.run(job)
    found = jobs.subject.event("e0", ORG)
    assert found is not None
    deliveries = jobs.subject.ask(lambda store: store.deliveries_of(found.seq))
    assert [State(delivery.state) for delivery in deliveries] == [State.FAILED, State.PENDING]
    assert [delivery.replay for delivery in deliveries] == [None, job.number]


def test_stops_outlive_their_owner(jobs: Jobs) -> None:
    ask = jobs.subject.ask
    ask(lambda store: store.put_stop(port.SendingStop(ORG, "me", 5)))
    ask(lambda store: store.put_stop(port.SendingStop(ORG, "you", 9)))
    jobs.subject.crash()
    assert list(ask(lambda store: store.stops())) == [port.SendingStop(ORG, "me", 5)]
    ask(lambda store: store.drop_stop(ORG))
    ask(lambda store: store.drop_stop(ORG))
    assert list(ask(lambda store: store.stops())) == []


def every(subject: Subject, before_ms: int, limit: int) -> list[int]:
    """What is unfinished and was accepted before a time, found in parts."""
    found: list[int] = []
    place: tuple[int, int, int, int] | None = (0, 0, 0, 0)

    def part_after(place: tuple[int, int, int, int]) -> port.UnfinishedPage:
        return subject.ask(lambda store: store.unfinished_before(before_ms, place, limit))

    while place is not None:
        part = part_after(place)
        found, place = [*found, *part.deliveries], part.place
    return found


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_what_is_unfinished_and_older_than_a_time_is_found_once(jobs: Jobs, limit: int) -> None:
    subject = jobs.subject
    in_state = one_in_each_state(subject, jobs.hook)
    plain, keyed = jobs.events(2), jobs.events(4, key=7, prefix="k")
    time.sleep(0.005)
    before_ms = subject.delivery(jobs.events(3, prefix="newer")[0]).accepted_ms
    found = every(subject, before_ms, limit)
    first_of_its_key = in_state[State.HELD] - 1
    unfinished = [in_state[state] for state in UNFINISHED]
    assert sorted(found) == sorted([*unfinished, first_of_its_key, *plain, *keyed])


def test_what_is_taken_as_delivered_is_so_and_frees_the_next_of_its_key(jobs: Jobs) -> None:
    subject = jobs.subject
    first, second = jobs.events(2, key=7)
    receipt = subject.commit(
        cancels=[port.CancelSlice([DeliveryId(first), DeliveryId(first)], "boss", delivered=True)]
    )
    assert [list(cancel_receipt.deliveries) for cancel_receipt in receipt.cancelled] == [
        [(jobs.hook, first)]
    ]
    assert [job.delivery for job in receipt.freed] == [second]
    taken = subject.delivery(first)
    assert taken.state == State.DELIVERED
    assert taken.ended_by == "boss" and taken.done_ms == taken.accepted_ms
    # An outcome that comes late changes nothing.
    jobs.end(State.FAILED, first, key=7)
    late = subject.delivery(first)
    assert (late.state, late.ended_by) == (State.DELIVERED, "boss")


# -- its figures, whatever else touches its deliveries --------------------------------------------


def tally(jobs: Jobs, job: port.ReplayJob, limit: int = 100) -> port.ReplayTally:
    """Look at its deliveries from the beginning."""
    return jobs.subject.ask(lambda store: store.tally_replay(job.number, 0, limit))


def ends(job: port.ReplayJob) -> tuple[int, int, int, int]:
    """What became of its deliveries, as it says."""
    return job.delivered, job.failed, job.parked, job.cancelled


@pytest.mark.parametrize("rows_max", [2, 1000])
def test_what_retention_drops_before_its_job_has_looked_is_counted(
    jobs: Jobs, rows_max: int
) -> None:
    jobs.end(State.FAILED, *jobs.events(5))
    job = jobs.put(jobs.spec())
    jobs.run(job)
    made = jobs.subject.pending(jobs.hook)
    jobs.end(State.DELIVERED, made[0], made[1])
    jobs.end(State.FAILED, made[3])
    assert tally(jobs, job, limit=1).final == 1
    first = more = True
    while more:
        wish = port.DropSlice(RowKind.METADATA, 90, 1 << 50, (), True, rows_max, first)
        first, more = False, jobs.subject.ask(lambda store: store.drop(wish)).more  # noqa: B023
    assert jobs.subject.counts().events == 2, "of what is unfinished nothing has gone"
    assert ends(jobs.now(job)) == (2, 1, 0, 0)
    jobs.end(State.DELIVERED, made[2], made[4])
    tally(jobs, job)
    assert ends(jobs.now(job)) == (4, 1, 0, 0)


def test_what_is_tried_again_while_its_job_goes_on_is_counted_by_how_it_ends(jobs: Jobs) -> None:
    jobs.end(State.FAILED, *jobs.events(3))
    job = jobs.put(jobs.spec())
    jobs.run(job)
    made = jobs.subject.pending(jobs.hook)
    jobs.end(State.FAILED, made[0])
    jobs.end(State.DELIVERED, made[1])
    jobs.subject.commit(version=0, cancels=[port.CancelSlice([DeliveryId(made[2])], "me")])
    assert not tally(jobs, job).open
    assert ends(jobs.now(job)) == (1, 1, 0, 1)
    for number in (made[0], made[2]):
        assert jobs.subject.ask(lambda store: store.retry_now(DeliveryId(number))).outcome == "due"  # noqa: B023
    assert ends(jobs.now(job)) == (1, 0, 0, 0)
    assert tally(jobs, job).open
    taken = jobs.subject.take(jobs.hook)
    assert [job.delivery for job in taken] == [made[0], made[2]]
    jobs.subject.commit(
        settled=[settled(job.delivery, webhook=jobs.hook, attempt=job.attempt) for job in taken]
    )
    assert not tally(jobs, job).open
    assert ends(jobs.now(job)) == (3, 0, 0, 0)


@pytest.mark.parametrize("end", [state for state in JobState if state.final])
def test_a_job_that_has_ended_keeps_what_it_has_told(jobs: Jobs, end: JobState) -> None:
    jobs.end(State.FAILED, *jobs.events(1))
    job = jobs.put(jobs.spec())
    jobs.run(job)
    [made] = jobs.subject.pending(jobs.hook)
    jobs.end(State.FAILED, made)
    tally(jobs, job)
    jobs.subject.ask(lambda store: store.move_replay(job.number, [JobState.RUNNING], end, ""))
    assert jobs.subject.ask(lambda store: store.retry_now(DeliveryId(made))).outcome == "due"
    assert ends(jobs.now(job)) == (0, 1, 0, 0) and not tally(jobs, job).open
    assert not jobs.subject.ask(lambda store: store.unfinished_of(job.number, 10))
