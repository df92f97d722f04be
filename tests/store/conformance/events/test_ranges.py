"""Conformance: numbers begin anywhere and have gaps of any length; nothing walks a gap.

Gaps shorter than a range are there in a store that is the only one; longer ones where it is one of
several.
"""

from typing import Any

import pytest

from tests.store.conformance.subject import Subject
from tests.store.rows import ORG, event, new, settled, term
from tidings.core.cells.ranges import RANGE_BITS
from tidings.core.delivery.states import State
from tidings.core.ids import EventNumber
from tidings.store import port

GAPS = [1 << 13, 1 << 33, 1 << 40, 1 << 52]
FIRST, SECOND = ("a", "b", "c"), ("d", "e")


def filled(subject: Subject, gap: int) -> tuple[list[int], list[int]]:
    """Events on both sides of a gap, each with a delivery; the numbers of both."""
    seqs: list[int] = []
    firsts: list[int] = []
    for ids, beyond in ((FIRST, 0), (SECOND, gap)):
        if beyond >> RANGE_BITS:
            subject.begin_range(max(seqs[-1], firsts[-1]) + beyond)
        elif beyond:
            subject.raise_floors(seqs[-1] + beyond, firsts[-1] + beyond)
        for id in ids:
            receipt = subject.commit(event(id, new(1), terms=[term(id), term("all")]))
            seqs += receipt.seqs
            firsts += receipt.firsts
    return seqs, firsts


def events_page(subject: Subject, query: port.EventQuery) -> port.EventPage:
    """A page of the log."""
    return subject.ask(lambda store: store.log_events(query))


def deliveries_page(subject: Subject, query: port.DeliveryQuery) -> port.DeliveryPage:
    """A page of the log of deliveries."""
    return subject.ask(lambda store: store.log_deliveries(query))


def events(subject: Subject, **asked: Any) -> list[str]:
    """The ids of all events that fit, newest first, page by page."""
    found: list[str] = []
    before: int | None = None
    while True:
        page = events_page(subject, port.EventQuery(org=ORG, limit=2, before=before, **asked))
        found += [event.id for event in page.events]
        before = page.older
        if before is None:
            return found


def deliveries(subject: Subject, **asked: Any) -> list[int]:
    """The ids of all deliveries that fit, newest first, page by page."""
    found: list[int] = []
    before: int | None = None
    while True:
        asking = port.DeliveryQuery(webhooks=[1], limit=2, before=before, **asked)
        page = deliveries_page(subject, asking)
        found += [delivery.id for delivery in page.deliveries]
        before = page.older
        if before is None:
            return found


def visit(subject: Subject, spec: port.ReplaySpec, after: EventNumber) -> port.ReplayCandidates:
    """What a cancel of everything finds behind an event."""
    return subject.ask(lambda store: store.candidates(1, spec, after, 10, False))


@pytest.mark.parametrize("gap", GAPS)
def test_a_new_range_begins_above_and_keeps_the_order(subject: Subject, gap: int) -> None:
    seqs, firsts = filled(subject, gap)
    assert seqs == sorted(seqs) and firsts == sorted(firsts)
    assert seqs[len(FIRST)] - seqs[len(FIRST) - 1] > gap - 1
    assert [job.delivery for job in subject.page()] == firsts
    subject.reopen()
    [seq] = subject.commit(event("f", new(1))).seqs
    assert seq > seqs[-1], "a number is given once"


def test_a_range_that_would_begin_below_begins_above(subject: Subject) -> None:
    """A lane takes what is below its cursor for a repeat: so nothing ever is."""
    seqs, firsts = filled(subject, GAPS[0])
    for below in (0, 1, seqs[-1] - 1):
        subject.raise_floors(below, below)
        receipt = subject.commit(event(f"below {below}", new(1)))
        assert receipt.seqs[0] > max(seqs) and receipt.firsts[0] > max(firsts)
        seqs += receipt.seqs
        firsts += receipt.firsts
    assert [job.delivery for job in subject.page()] == firsts


def test_a_fresh_range_begins_above_where_it_is_told_to_begin_below(subject: Subject) -> None:
    seqs, firsts = filled(subject, GAPS[1])
    for below in (0, 1, seqs[-1] - 1):
        subject.begin_range(below)
        receipt = subject.commit(event(f"below {below}", new(1)))
        assert receipt.seqs[0] > max(seqs) and receipt.firsts[0] > max(firsts)
        seqs += receipt.seqs
        firsts += receipt.firsts
    assert [job.delivery for job in subject.page()] == firsts


@pytest.mark.parametrize("gap", GAPS)
def test_every_question_of_the_log_is_answered_over_a_gap(subject: Subject, gap: int) -> None:
    _, firsts = filled(subject, gap)
    subject.commit(settled=[settled(firsts[0]), settled(firsts[-1])])
    everything = [*reversed((*FIRST, *SECOND))]
    assert events(subject) == everything
    assert events(subject, terms=[term("all")]) == everything
    assert events(subject, terms=[term("b")]) == ["b"]
    assert events(subject, webhooks=[1]) == everything
    assert deliveries(subject) == firsts[::-1]
    assert deliveries(subject, states=[State.PENDING]) == firsts[-2:0:-1]
    assert deliveries(subject, states=[State.DELIVERED]) == [firsts[-1], firsts[0]]
    assert list(subject.find(term("all"))) == sorted(subject.find(term("all")), reverse=True)
    assert len(subject.find(term("all"))) == len(everything)
    [counts] = subject.ask(lambda store: store.count_states([1], 0, 1 << 60))
    assert (counts[State.PENDING], counts[State.DELIVERED]) == (3, 2)


@pytest.mark.parametrize("gap", GAPS)
def test_a_replay_visits_both_sides_in_a_few_steps(subject: Subject, gap: int) -> None:
    assert subject.put_webhook() == 1
    seqs, _ = filled(subject, gap)
    spec = port.ReplaySpec(ORG, None, None, [ORG], states=[State.PENDING])
    found: list[int] = []
    after, steps, ended = EventNumber(0), 0, False
    while not ended:
        answer = visit(subject, spec, after)
        found += [candidate.event for candidate in answer.found]
        after, ended, steps = answer.cursor, answer.ended, steps + 1
        assert steps < 10, "it walks the gap"
    assert found == seqs
