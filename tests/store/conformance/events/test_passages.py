"""Conformance: how an event came is kept with it, and with whatever is sent of it."""

from tests.store.conformance.replay_jobs import Jobs
from tests.store.conformance.subject import Subject
from tests.store.rows import ORG, event, failing, new
from tidings.core.delivery.states import State
from tidings.store import port

PASSAGE = "3; via=0c4e19d2a7b3.5f0a77c1e2d4; of=9b1de4420c6f"


def test_each_job_of_an_event_says_how_it_came(subject: Subject) -> None:
    """A page, a retry, what an ordering key frees, and all of it after a crash."""
    said = event("a", new(1), new(2, 5), passage=PASSAGE)
    receipt = subject.commit(said, event("b", new(1), new(2, 5)))
    assert [job.passage for job in subject.page(1)] == [PASSAGE, None]
    subject.crash()
    assert [job.passage for job in subject.page(1)] == [PASSAGE, None]
    subject.commit(settled=[failing(receipt.firsts[0], 0, webhook=1)])
    assert [job.passage for job in subject.take(1)] == [PASSAGE]
    sent = subject.ask(lambda store: store.sent_body(receipt.firsts[0]))
    assert (sent.passage, sent.hops_since_ms) == (PASSAGE, 0)


def test_what_is_owed_and_what_is_replayed_say_it_too(subject: Subject) -> None:
    jobs = Jobs(subject)
    said = event("a", new(jobs.hook), new(jobs.second), passage=PASSAGE)
    receipt = subject.commit(said, deliveries_max=1)
    [owed] = subject.commit(fan_out=9).fanned_out
    assert owed.passage == PASSAGE
    jobs.end(State.FAILED, receipt.firsts[0])
    job = jobs.put(jobs.spec())
    replayed = jobs.commit(jobs.slice(job, jobs.find(job)))
    assert [made.passage for made in replayed.jobs] == [PASSAGE]


def test_a_refused_event_says_it_when_it_is_tried_again(subject: Subject) -> None:
    kept = port.NewRejection(ORG, "a", "e", "bad", "It is bad.", "", b"{}", PASSAGE)
    subject.commit(rejections=[kept])
    page = subject.ask(lambda store: store.log_rejections(ORG, None, None, 9))
    assert [rejection.passage for rejection in page.rejections] == [PASSAGE]
