"""Conformance: a write whose answer was lost is done, or not, and once where it is asked again."""

from tests.store.conformance.commits.subjects import HostedSubject, InProcessSubject
from tests.store.rows import ORG, event, failing, new, settled, webhook
from tidings.core.delivery.states import State
from tidings.store import port

KEY = 7


def test_a_commit_whose_answer_was_lost_is_done_once_when_it_is_asked_again(
    in_process: InProcessSubject,
) -> None:
    subject = in_process
    first, second, third = subject.commit(
        event("a", new(1, KEY)), event("b", new(1, KEY)), event("c", new(1))
    ).firsts
    version = subject.load().registry_version
    batch = port.Batch(
        version,
        [event("d", new(1))],
        settled=[settled(first, key=KEY), failing(third, 0)],
        claims=[port.RetryClaim(1, 10)],
    )
    subject.lose(lambda store: store.commit(batch))
    receipt = subject.ask(lambda store: store.commit(batch))
    assert (list(receipt.seqs), list(receipt.differing)) == ([0], [])
    assert list(receipt.freed) == [], "it is told by pages alone now"
    assert [(job.delivery, job.attempt) for job in receipt.claimed] == [(third, 2)], "the same one"
    assert subject.states(first, third) == [State.DELIVERED, State.RETRYING]
    assert len(subject.attempts(third)) == 2, "what came of the first, and one that is taken"
    assert [job.event_id for job in subject.page()] == ["b", "d"]
    [fourth] = subject.commit(event("e", new(1))).firsts
    assert fourth == third + 2, "numbers go on behind those of the one without an answer"


def test_a_change_whose_answer_was_lost_is_seen_when_it_is_read_again(
    in_process: InProcessSubject,
) -> None:
    subject = in_process
    before = subject.load().registry_version
    subject.lose(lambda store: store.put_webhook(webhook("till")))
    snapshot = subject.load()
    assert [stored.name for stored in snapshot.webhooks] == ["till"]
    assert snapshot.registry_version == before + 1
    assert subject.commit(event("a", new(1)), version=before).moved, "matched before the change"
    assert not subject.commit(event("a", new(1))).moved


def test_a_leap_whose_answer_was_lost_is_followed_once(in_process: InProcessSubject) -> None:
    subject = in_process
    subject.date()
    [delivery] = subject.commit(event("a", new(1))).firsts
    subject.commit(settled=[failing(delivery, 3_600_000)])
    subject.leap(8 * 86_400_000)
    subject.pass_s(600)
    subject.lose(lambda store: store.commit(port.Batch(0)))
    now_ms = subject.commit().now_ms
    assert now_ms == subject.clock.wall_ms()
    assert subject.delivery(delivery).due_ms == now_ms + 3_000_000


def test_a_leap_whose_answer_was_lost_and_that_is_taken_back_moves_nothing(
    in_process: InProcessSubject,
) -> None:
    subject = in_process
    subject.date()
    [delivery] = subject.commit(event("a", new(1))).firsts
    subject.commit(settled=[failing(delivery, 3_600_000)])
    due_ms = subject.delivery(delivery).due_ms
    assert due_ms is not None
    subject.leap(8 * 86_400_000)
    subject.pass_s(600)
    subject.lose(lambda store: store.commit(port.Batch(0)))
    subject.leap(-8 * 86_400_000)
    subject.commit()
    subject.pass_s(600)
    subject.commit()
    assert subject.delivery(delivery).due_ms == due_ms
    subject.leap(2 * 86_400_000)  # another one, which stays
    subject.pass_s(600)
    subject.commit()
    assert subject.delivery(delivery).due_ms == due_ms + 2 * 86_400_000


def test_the_next_owner_does_a_batch_once_whose_answer_died_with_the_former(
    hosted: HostedSubject,
) -> None:
    before = hosted.commit(event("before", new(1)))
    batch = port.Batch(hosted.load().registry_version, [event("a", new(1), new(2))])
    hosted.commit_unheard(batch, until_seen="a")
    receipt = hosted.ask(lambda store: store.commit(batch))
    assert (list(receipt.seqs), list(receipt.differing)) == ([0], [])
    stored = hosted.event("a", ORG)
    assert stored is not None and stored.seq == before.seqs[0] + 1
    assert [job.event_id for job in hosted.page()] == ["before", "a"]
    assert [job.event_id for job in hosted.page(2)] == ["a"]
