"""Conformance: an event and its deliveries appear together, once, and stay."""

from collections.abc import Sequence

from tests.store.conformance.subject import Subject
from tests.store.rows import ORG, event, new
from tidings.core.delivery.states import State
from tidings.core.ids import EventNumber
from tidings.store import port


def deliveries_of(subject: Subject, seq: EventNumber) -> Sequence[port.StoredDelivery]:
    """The deliveries of an event."""
    return subject.ask(lambda store: store.deliveries_of(seq))


def test_an_event_and_its_deliveries_appear_together(subject: Subject) -> None:
    receipt = subject.commit(event("a", new(1), new(2)), event("b"), event("c", new(2)))
    assert list(receipt.seqs) == [1, 2, 3]
    assert [receipt.firsts[0], receipt.firsts[2]] == [1, 3]
    for id, seq, webhooks in (("a", 1, [1, 2]), ("b", 2, []), ("c", 3, [2])):
        stored = subject.event(id, ORG)
        assert stored is not None and stored.seq == seq
        assert stored.body == b'{"eventId":"%s"}' % id.encode()
        assert (stored.deliveries, stored.at_ms) == (len(webhooks), receipt.now_ms)
        deliveries = deliveries_of(subject, EventNumber(seq))
        assert [delivery.webhook for delivery in deliveries] == webhooks
        assert all(
            delivery.state == State.PENDING and delivery.attempts == 0 for delivery in deliveries
        )


def test_a_receipt_tells_the_ids_of_what_page_shows(subject: Subject) -> None:
    receipt = subject.commit(event("a", new(1), new(2)), event("b", new(1)))
    told = {receipt.firsts[0], receipt.firsts[1]}
    assert set(subject.pending(1)) == told
    assert subject.pending(2) == [receipt.firsts[0] + 1]


def test_a_job_holds_what_sending_needs(subject: Subject) -> None:
    receipt = subject.commit(event("a", new(7, key=-5), body=b"\x00\xff bytes"))
    [job] = subject.page(7)
    assert (job.delivery, job.webhook, job.org, job.event_id) == (1, 7, ORG, "a")
    assert (job.accepted_ms, job.attempt, job.key, job.retry) == (receipt.now_ms, 1, -5, False)
    assert job.body == b"\x00\xff bytes"


def test_a_repeat_in_the_same_batch_is_a_duplicate_and_makes_no_delivery(subject: Subject) -> None:
    receipt = subject.commit(event("a", new(1)), event("a", new(1)), event("b", new(1)))
    assert receipt.seqs[0] and not receipt.seqs[1] and receipt.seqs[2]
    assert list(receipt.differing) == []
    assert len(subject.pending()) == 2
    assert subject.counts().events == 2


def test_a_repeat_across_batches_is_a_duplicate_whose_first_bytes_stay(subject: Subject) -> None:
    subject.commit(event("a", new(1), body=b"first"))
    same = subject.commit(event("a", new(1), body=b"first"))
    other = subject.commit(event("b", new(1)), event("a", new(1), new(2), body=b"other"))
    assert (list(same.seqs), list(same.differing)) == ([0], [])
    assert other.seqs[0] and not other.seqs[1]
    assert list(other.differing) == [1]
    stored = subject.event("a", ORG)
    assert stored is not None and stored.body == b"first"
    assert subject.counts().by_state == {State.PENDING: 2}


def test_a_repeat_with_other_bytes_in_the_same_batch_is_told_apart(subject: Subject) -> None:
    receipt = subject.commit(event("a", body=b"first"), event("a", body=b"other"))
    assert (bool(receipt.seqs[0]), bool(receipt.seqs[1])) == (True, False)
    assert list(receipt.differing) == [1]


def test_a_duplicate_does_not_shift_the_deliveries_of_its_neighbours(subject: Subject) -> None:
    subject.commit(event("a", new(1)))
    receipt = subject.commit(event("b", new(1)), event("a", new(1), new(2)), event("c", new(2)))
    for index, id, webhook in ((0, "b", 1), (2, "c", 2)):
        stored = subject.delivery(receipt.firsts[index])
        assert (stored.event_id, stored.webhook) == (id, webhook)
    assert subject.pending(2) == [receipt.firsts[2]]


def test_the_same_id_in_two_orgs_is_two_events(subject: Subject) -> None:
    receipt = subject.commit(event("a", org=1, body=b"x"), event("a", org=2, body=b"y"))
    assert all(receipt.seqs)
    for org, body in ((1, b"x"), (2, b"y")):
        stored = subject.event("a", org)
        assert stored is not None and (stored.org, stored.body) == (org, body)
    assert subject.event("a", 3) is None


def test_org_and_id_do_not_run_into_each_other(subject: Subject) -> None:
    receipt = subject.commit(event("1.a", org=1), event("a", org=11), event("1a", org=1))
    assert all(receipt.seqs)


def test_sequence_numbers_and_delivery_ids_rise_across_reopening(subject: Subject) -> None:
    first = subject.commit(event("a", new(1)), event("b", new(1)))
    subject.reopen()
    second = subject.commit(event("c", new(1)))
    assert second.seqs[0] > max(first.seqs)
    assert second.firsts[0] > max(first.firsts)


def test_a_batch_matched_under_an_older_registry_is_refused_whole(subject: Subject) -> None:
    before = subject.load().registry_version
    subject.put_webhook()
    subject.commit(event("b", new(1)))
    refused = subject.commit(event("a", new(1)), version=before)
    assert refused.moved and not refused.seqs
    assert subject.event("a", ORG) is None
    again = subject.commit(event("a", new(1)))
    assert not again.moved and all(again.seqs)


def test_outcomes_without_events_are_taken_whatever_the_registry_version(subject: Subject) -> None:
    assert not subject.commit(version=0).moved


def test_the_registry_version_outlives_its_owner(subject: Subject) -> None:
    subject.put_webhook()
    version = subject.load().registry_version
    subject.reopen()
    assert subject.load().registry_version == version
    assert not subject.commit(event("a"), version=version).moved


def test_a_parked_delivery_is_final_from_the_start(subject: Subject) -> None:
    receipt = subject.commit(event("a", new(1, parked=True), new(1, key=3, parked=True)))
    assert subject.pending() == []
    assert list(receipt.held) == []
    assert subject.states(1, 2) == [State.PARKED, State.PARKED]


def test_a_warning_is_kept_with_its_event(subject: Subject) -> None:
    subject.commit(event("a", warning="unknown field"))
    stored = subject.event("a", ORG)
    assert stored is not None and stored.warning == "unknown field"
