"""Conformance: a store has one owner, and what a former one asked late changes nothing."""

from tests.store.conformance.commits.subjects import HostedSubject
from tests.store.rows import ORG, event, new
from tidings.store import port


def test_a_second_owner_is_refused_and_disturbs_nobody(hosted: HostedSubject) -> None:
    before = hosted.commit(event("before", new(1)))
    refusal = hosted.refuse_second()
    assert "process" in str(refusal), "it says that another one owns it"
    after = hosted.commit(event("after", new(1)))
    assert list(after.seqs) == [before.seqs[0] + 1]
    assert [job.event_id for job in hosted.page()] == ["before", "after"]


def test_a_delayed_commit_of_a_former_owner_changes_nothing(hosted: HostedSubject) -> None:
    """It was asked while its process stood still, and goes on when the next one owns the store."""
    hosted.commit(event("before", new(1)))
    version = hosted.load().registry_version
    former, delayed = hosted.take_over_from_frozen(port.Batch(version, [event("late", new(1))]))
    first = hosted.commit(event("next", new(1)))
    assert isinstance(hosted.answer_of(delayed), port.StoreDown)
    again = former.commit(port.Batch(version, [event("later", new(1))]))
    assert isinstance(hosted.answer_of(again), port.StoreDown)
    assert list(first.seqs) == [2], "nothing has taken a number"
    assert [job.event_id for job in hosted.page()] == ["before", "next"]
    assert hosted.event("late", ORG) is hosted.event("later", ORG) is None
    hosted.close_former(former)
