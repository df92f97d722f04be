"""Conformance: what a shaped attempt has sent is what every later one sends, and what that lacks is
said of the delivery."""

from typing import Any

import msgspec
import pytest

from tests.store.conformance.subject import Subject
from tests.store.rows import EVIDENCE, event, new, settled
from tidings.core.delivery.job import Job
from tidings.core.delivery.states import State
from tidings.core.ids import DeliveryId
from tidings.core.shaping.left_out import LeftOut
from tidings.store import port

BODY = b'{"eventId":"a"}'
SHAPED = b'{"made":1}'


def failed(
    delivery: int, sent: bytes | None, attempt: int = 1, kind: str | None = None, **more: Any
) -> port.Settlement:
    """An attempt that is tried again at once: answered 503, or without an answer for `kind`."""
    evidence = EVIDENCE if kind is None else port.Evidence(kind, "", (), b"", False)
    more.setdefault("state", State.RETRYING)
    return port.Settlement(
        DeliveryId(delivery), 1, None, more["state"], attempt, 1, 1_000, 12,
        503 if kind is None else None, 0 if more["state"] is State.RETRYING else None,
        evidence, sent,
    )  # fmt: skip


def committed(subject: Subject) -> int:
    return subject.commit(event("a", new(1))).firsts[0]


def taken(subject: Subject) -> Job:
    [job] = subject.take()
    return job


def test_a_retry_gets_the_bytes_of_the_first_recorded_attempt(subject: Subject) -> None:
    one = committed(subject)
    assert [(job.body, job.shaped) for job in subject.page()] == [(BODY, False)]
    subject.commit(settled=[failed(one, SHAPED)])
    job = taken(subject)
    assert (job.body, job.shaped, job.attempt) == (SHAPED, True, 2)
    subject.commit(settled=[failed(one, b'{"made":2}', attempt=2)])
    assert taken(subject).body == SHAPED  # the first stay


def test_what_is_kept_to_be_shown_is_what_was_sent_last(subject: Subject) -> None:
    one = committed(subject)
    for attempt, made in enumerate((SHAPED, b'{"made":2}', None), start=1):
        outcome = msgspec.structs.replace(failed(one, made, attempt), keeps_sent=True)
        subject.commit(settled=[outcome])
        assert taken(subject).body == (made or b'{"made":2}')


def test_an_attempt_without_shaping_binds_the_retries_too(subject: Subject) -> None:
    one = committed(subject)
    subject.commit(settled=[failed(one, None)])
    job = taken(subject)
    assert (job.body, job.shaped) == (BODY, True)


def test_where_nothing_was_sent_a_retry_is_shaped(subject: Subject) -> None:
    one = committed(subject)
    for attempt, kind in enumerate(("transform", "ours", "lost"), start=1):
        subject.commit(settled=[failed(one, None, attempt, kind)])
        job = taken(subject)
        assert (job.body, job.shaped, job.attempt) == (BODY, False, attempt + 1)


def test_a_lost_attempt_whose_bytes_are_known_binds_the_retries(subject: Subject) -> None:
    one = committed(subject)
    subject.commit(settled=[failed(one, SHAPED, kind="lost")])
    assert taken(subject).body == SHAPED


def test_a_crash_before_the_first_outcome_leaves_it_to_be_shaped(subject: Subject) -> None:
    subject.put_webhook()
    subject.recover()
    committed(subject)
    subject.crash()
    subject.recover()
    [job] = subject.page()
    assert (job.body, job.shaped, job.attempt) == (BODY, False, 2)


def test_a_crash_keeps_what_was_sent(subject: Subject) -> None:
    one = committed(subject)
    subject.commit(settled=[failed(one, SHAPED)])
    taken(subject)
    subject.crash()
    subject.recover()
    job = taken(subject)
    assert (job.body, job.shaped, job.attempt) == (SHAPED, True, 3)


@pytest.mark.parametrize("ended", [State.PARKED, State.CANCELLED])
@pytest.mark.parametrize("attempt", [1, 2])
def test_what_was_taken_after_its_delivery_had_ended_is_sent_the_same_if_tried_again(
    subject: Subject, attempt: int, ended: State
) -> None:
    one = committed(subject)
    if attempt == 2:
        subject.commit(settled=[failed(one, SHAPED)])
        taken(subject)
    subject.retire(ended)
    outcome = settled(one, State.DELIVERED, attempt=attempt)
    subject.commit(settled=[msgspec.structs.replace(outcome, sent=SHAPED)])
    assert subject.states(one) == [ended]
    subject.ask(lambda store: store.retry_now(DeliveryId(one)))
    job = taken(subject)
    assert (job.body, job.shaped, job.attempt) == (SHAPED, True, attempt + 1)


def test_what_was_delivered_is_let_go(subject: Subject) -> None:
    one = committed(subject)
    subject.commit(settled=[failed(one, SHAPED)])
    taken(subject)
    subject.commit(settled=[settled(one, State.DELIVERED, attempt=2)])
    # No operation shows it; a try by hand would send what is kept.
    subject.ask(lambda store: store.retry_now(DeliveryId(one)))
    assert [job.body for job in subject.take()] in ([], [BODY])


def test_what_a_person_knows_to_be_delivered_is_let_go_too(subject: Subject) -> None:
    one, other = subject.commit(event("a", new(1)), event("b", new(1))).firsts
    subject.commit(settled=[failed(one, SHAPED), failed(other, SHAPED)])
    assert kept(subject, one).shaped == SHAPED
    subject.commit(cancels=[port.CancelSlice([one], "boss", delivered=True)])
    assert subject.states(one) == [State.DELIVERED]
    assert [kept(subject, delivery).shaped for delivery in (one, other)] == [None, SHAPED]


def test_a_failed_delivery_that_is_tried_again_sends_the_same(subject: Subject) -> None:
    one = committed(subject)
    subject.commit(settled=[failed(one, SHAPED, state=State.FAILED)])
    subject.ask(lambda store: store.retry_now(DeliveryId(one)))
    job = taken(subject)
    assert (job.body, job.shaped) == (SHAPED, True)


def test_a_delivery_that_could_not_be_shaped_is_shaped_when_tried_again(subject: Subject) -> None:
    one = committed(subject)
    subject.commit(settled=[failed(one, None, kind="transform", state=State.FAILED)])
    subject.ask(lambda store: store.retry_now(DeliveryId(one)))
    job = taken(subject)
    assert (job.body, job.shaped) == (BODY, False)


def test_a_parked_delivery_that_was_never_tried_is_shaped(subject: Subject) -> None:
    [one] = subject.commit(event("a", new(1, parked=True))).firsts
    subject.ask(lambda store: store.retry_now(one))
    job = taken(subject)
    assert (job.body, job.shaped) == (BODY, False)


CUT = b'{"cut":1}'


def cut(outcome: port.Settlement) -> port.Settlement:
    """It was made without personal data."""
    return msgspec.structs.replace(outcome, cut=True)


def kept(subject: Subject, delivery: int) -> port.SentBody:
    return subject.ask(lambda store: store.sent_body(DeliveryId(delivery)))


def test_what_was_made_without_personal_data_is_known_by_it(subject: Subject) -> None:
    one, other = subject.commit(event("a", new(1)), event("b", new(1))).firsts
    subject.commit(settled=[cut(failed(one, CUT)), failed(other, SHAPED)])
    jobs = {job.delivery: job for job in subject.take(limit=2)}
    assert [(jobs[id].body, jobs[id].shaped, jobs[id].cut) for id in (one, other)] == [
        (CUT, True, True),
        (SHAPED, True, False),
    ]
    assert [kept(subject, id).cut for id in (one, other)] == [True, False]


def test_what_is_made_without_personal_data_takes_the_place_of_what_was_not(
    subject: Subject,
) -> None:
    for name, sent in (("a", SHAPED), ("b", None)):
        one = subject.commit(event(name, new(1))).firsts[0]
        subject.commit(settled=[failed(one, sent)])
        assert not taken(subject).cut
        subject.commit(settled=[cut(failed(one, CUT, attempt=2))])
        job = taken(subject)
        assert (job.body, job.shaped, job.cut) == (CUT, True, True)
        for late in (cut(failed(one, b"late", attempt=3)), failed(one, SHAPED, attempt=3)):
            subject.commit(settled=[late])
            assert (kept(subject, one).shaped, kept(subject, one).cut) == (CUT, True)
        subject.commit(settled=[settled(one, State.DELIVERED, attempt=4)])
        assert (kept(subject, one).shaped, kept(subject, one).cut) == (None, False)


THIN = LeftOut(("customerIdentifiersToBeEnriched",), "The platform's API does not answer.")


def lacking(outcome: port.Settlement, left_out: LeftOut = THIN) -> port.Settlement:
    return msgspec.structs.replace(outcome, left_out=left_out)


def left_out(subject: Subject, delivery: int) -> LeftOut | None:
    """As every way of asking for the delivery says it."""
    found = subject.ask(lambda store: store.delivery(DeliveryId(delivery)))
    assert found is not None
    of_event = subject.ask(lambda store: store.deliveries_of(found.event))
    asked = port.DeliveryQuery(webhooks=[1], limit=10)
    listed = subject.ask(lambda store: store.log_deliveries(asked)).deliveries
    searched = port.DeliveryQuery(webhooks=[1], limit=10, events=[found.event])
    listed_of_event = subject.ask(lambda store: store.log_deliveries(searched)).deliveries
    for rows in (of_event, listed, listed_of_event):
        [same] = [row for row in rows if row.id == delivery]
        assert same.left_out == found.left_out
    return found.left_out


def test_what_a_message_lacks_that_arrived_at_once_is_kept(subject: Subject) -> None:
    firsts = subject.commit(event("a", new(1)), event("b", new(1))).firsts
    subject.commit(settled=[lacking(settled(firsts[0])), settled(firsts[1])])
    assert [left_out(subject, first) for first in firsts] == [THIN, None]
    assert subject.ask(lambda store: store.attempts_of(firsts[0])) == [], (
        "it costs no attempt's row"
    )


def test_what_a_message_lacks_is_true_of_its_retries_and_after_a_crash(subject: Subject) -> None:
    one = committed(subject)
    subject.commit(settled=[lacking(failed(one, SHAPED))])
    subject.crash()
    subject.recover()
    assert taken(subject).body == SHAPED
    subject.commit(settled=[settled(one, State.DELIVERED, attempt=2)])
    assert left_out(subject, one) == THIN


def test_the_first_bytes_say_what_is_lacking_and_a_second_settle_changes_nothing(
    subject: Subject,
) -> None:
    one = committed(subject)
    subject.commit(settled=[lacking(failed(one, SHAPED))])
    subject.commit(settled=[lacking(failed(one, SHAPED), LeftOut((), "Another.", True))])
    assert left_out(subject, one) == THIN


def test_what_waited_and_then_went_out_thin_says_so(subject: Subject) -> None:
    one = committed(subject)
    subject.commit(settled=[failed(one, None, kind="ours")])
    assert left_out(subject, one) is None
    taken(subject)
    subject.commit(settled=[lacking(settled(one, State.DELIVERED, attempt=2))])
    assert left_out(subject, one) == THIN
