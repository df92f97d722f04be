"""Conformance: what completes the rows of a log, and older versions of a webhook."""

import msgspec

from tests.store.conformance.subject import Subject
from tests.store.rows import event, failing, new, settled, webhook
from tidings.core.delivery.states import State
from tidings.core.ids import DeliveryId, EventNumber
from tidings.store import port


def heads(subject: Subject, *events: EventNumber) -> list[tuple[int, str | None, str | None]]:
    found = subject.ask(lambda store: store.event_heads(list(events)))
    return sorted(
        (event_head.seq, event_head.ref_id, event_head.request_id) for event_head in found
    )


def test_an_event_s_reference_and_request_are_read_from_its_bytes(subject: Subject) -> None:
    bodies = [
        b'{"eventName":"a","refId":"1_2","apiRequestId":"r","data":{"refId":"inner"}}',
        b'{"data":{"refId":"inner","apiRequestId":"inner"}}',
        b'{"refId":null,"apiRequestId":7}',
        b'{"big":1e999999,"refId":"kept"}',
    ]
    events = [msgspec.structs.replace(event(f"e{at}"), body=body) for at, body in enumerate(bodies)]
    first, *_ = subject.commit(*events).seqs
    found = heads(
        subject,
        first,
        EventNumber(first + 1),
        EventNumber(first + 2),
        EventNumber(first + 3),
        EventNumber(first + 999),
    )
    assert found[:3] == [(first, "1_2", "r"), (first + 1, None, None), (first + 2, None, None)]
    assert [seq for seq, _, _ in found] == [first, first + 1, first + 2, first + 3]
    assert heads(subject) == []


def test_the_customer_of_an_event_is_read_where_one_is_named_for_all_of_it(
    subject: Subject,
) -> None:
    bodies = {
        b'{"data":{"customerIdentifiers":{"customerId":"4711"}}}': "4711",
        b'{"data":{"customerIdentifiers":{"customerId":4711}}}': "4711",
        b'{"data":{"baseAttributes":{"customerIdentifiers":{"customerId":"4712"}}}}': "4712",
        b'{"data":{"survivorCustomerIdentifiers":{"customerId":"4713"}}}': "4713",
        b'{"data":{"customerIdentifiers":{"customerId":""}}}': None,
        b'{"data":{"customerIdentifiers":null}}': None,
        b'{"data":{"customerIdentifiers":[1]},"refId":"kept"}': None,
        b'{"data":7}': None,
        b"{}": None,
    }
    events = [msgspec.structs.replace(event(f"e{at}"), body=body) for at, body in enumerate(bodies)]
    seqs = list(subject.commit(*events).seqs)
    found = {
        event_head.seq: event_head
        for event_head in subject.ask(lambda store: store.event_heads(seqs))
    }
    assert [found[seq].customer_id for seq in seqs] == list(bodies.values())
    assert found[seqs[6]].ref_id == "kept"


def test_many_are_answered_at_once(subject: Subject) -> None:
    seqs = subject.commit(*(event(f"e{at}") for at in range(port.LOOKUP_MAX + 7))).seqs
    assert [seq for seq, _, _ in heads(subject, *seqs)] == list(seqs)


def test_the_first_start_is_that_of_attempt_one(subject: Subject) -> None:
    receipt = subject.commit(*(event(f"e{at}", new(1)) for at in range(3)))
    tried, once, never = receipt.firsts
    lost = port.Evidence("timeout", "", (), b"", False)
    first = port.Settlement(tried, 1, None, int(State.RETRYING), 1, 1, 5_000, 9, None, 1, lost)
    second = port.Settlement(tried, 1, None, int(State.DELIVERED), 2, 1, 9_000, 9, 200)
    plain = port.Settlement(once, 1, None, int(State.DELIVERED), 1, 1, 7_000, 9, 200)
    subject.commit(settled=[first])
    subject.commit(settled=[second, plain])
    starts = subject.ask(lambda store: store.first_starts([tried, once, never, DeliveryId(999)]))
    assert [(start.delivery, start.started_ms) for start in starts] == [(tried, 5_000)]


def goes_first(subject: Subject, delivery: int) -> int | None:
    return subject.ask(lambda store: store.goes_first(DeliveryId(delivery)))


def test_a_held_delivery_names_the_one_that_goes_first(subject: Subject) -> None:
    a, b, c, other = subject.commit(
        *(event(id, new(1, 7)) for id in "abc"), event("d", new(1, 8))
    ).firsts
    assert (goes_first(subject, b), goes_first(subject, c)) == (a, a)
    assert goes_first(subject, a) is None and goes_first(subject, other) is None
    assert goes_first(subject, 999) is None
    subject.commit(settled=[settled(a, State.FAILED, key=7, status=400)])
    assert (goes_first(subject, b), goes_first(subject, c)) == (None, b)
    subject.ask(lambda store: store.retry_now(a))
    assert goes_first(subject, a) == b, "it was asked for again, and is held behind a later one"
    subject.commit(settled=[failing(b, 60_000, key=7)])
    assert goes_first(subject, c) == b, "what is retried holds the others as well"


def test_the_one_that_goes_first_is_found_behind_any_that_were_asked_for_again(
    subject: Subject,
) -> None:
    many = 70
    firsts = subject.commit(*(event(f"e{n}", new(1, 7)) for n in range(many + 2))).firsts
    for old in firsts[:many]:
        subject.commit(settled=[settled(old, State.FAILED, key=7, status=400)])
    for old in firsts[:many]:
        assert subject.ask(lambda store: store.retry_now(old)).outcome == "next"  # noqa: B023
    under_way, last = firsts[many:]
    assert goes_first(subject, firsts[0]) == goes_first(subject, last) == under_way


def test_every_version_of_a_webhook_stays_readable(subject: Subject) -> None:
    first, _ = subject.ask(lambda store: store.put_webhook(webhook("crm")))
    later = msgspec.structs.replace(first, version=2, config=b"two", status="inactive")
    subject.ask(lambda store: store.put_webhook(later))
    subject.reopen()

    def version(number: int) -> port.StoredWebhook | None:
        return subject.ask(lambda store: store.webhook_version(first.number, number))

    assert version(1) == first
    second = version(2)
    assert second is not None and (second.config, second.status) == (b"two", "inactive")
    assert version(3) is None
