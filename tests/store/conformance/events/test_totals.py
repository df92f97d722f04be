"""Conformance: totals, search by term, and refused events."""

from typing import Any

import msgspec
import pytest

from tests.store.conformance.subject import Subject
from tests.store.rows import HOUR_MS, ORG, event, failing, new, settled, term
from tidings.core.delivery.states import State
from tidings.core.delivery.waits import WaitReason, WaitsFor
from tidings.core.ids import OrgId
from tidings.store import port


def rejection(number: int, org: int = ORG) -> port.NewRejection:
    """A refused event."""
    return port.NewRejection(
        OrgId(org),
        "pointsIssued",
        f"r{number}",
        "bad_type",
        "data must be an object",
        "data",
        b"{%d" % number,
    )


def test_counts_tell_every_state(subject: Subject) -> None:
    a, *_, b, c, d, e = subject.commit(
        event("a", new(1)),
        event("b", new(1, 7)),
        event("c", new(1, 7)),
        event("d", new(1, parked=True)),
        event("e", new(1)),
        event("f", new(1)),
        event("g", new(1)),
        event("h", new(1)),
    ).firsts
    ends = [settled(a), settled(c, State.FAILED, status=400), settled(d, State.CANCELLED)]
    waits = msgspec.structs.replace(
        settled(e, State.WAITING, status=None, delay_ms=HOUR_MS),
        waits=WaitsFor(WaitReason.QUIET, "It is quiet."),
    )
    subject.commit(settled=[*ends, failing(b, HOUR_MS), waits])
    counts = subject.counts()
    assert counts.events == 8
    assert counts.by_state == dict.fromkeys(State, 1)
    assert counts.orphans == 0


def test_there_are_no_orphans_whatever_happens_to_a_chain(subject: Subject) -> None:
    subject.put_webhook()
    subject.commit(*(event(f"e{i}", new(1, 7)) for i in range(6)))
    for step in (
        lambda: subject.commit(settled=[settled(1, key=7)]),
        lambda: subject.commit(settled=[failing(2, 0, key=7)]),
        subject.take,
        subject.crash,
        subject.recover,
        lambda: subject.commit(settled=[settled(2, State.FAILED, key=7, attempt=3, status=400)]),
        lambda: subject.retire(State.PARKED, limit=1),
    ):
        step()
        assert subject.counts().orphans == 0


def test_an_empty_store_counts_nothing(subject: Subject) -> None:
    assert subject.counts() == port.Counts(0, {}, 0, 0)


def test_an_event_is_found_by_its_terms_newest_first(subject: Subject) -> None:
    seqs = [
        subject.commit(event(f"e{i}", terms=[term("all"), term(str(i % 2))])).seqs[0]
        for i in range(6)
    ]
    newest = seqs[::-1]
    assert list(subject.find(term("all"))) == newest
    assert list(subject.find(term("all"), 2)) == newest[:2]
    assert list(subject.find(term("1"))) == newest[::2]
    assert list(subject.find(term("none"))) == []


def test_an_event_that_has_a_term_twice_is_found_once(subject: Subject) -> None:
    subject.commit(event("a", terms=[term("x"), term("y"), term("x")]))
    assert list(subject.find(term("x"))) == [1]


def test_a_duplicate_is_found_under_the_terms_of_the_first(subject: Subject) -> None:
    subject.commit(event("a", terms=[term("first")]))
    subject.commit(event("a", terms=[term("second")]), event("b", terms=[term("second")]))
    assert list(subject.find(term("first"))) == [1]
    assert len(subject.find(term("second"))) == 1


def test_terms_are_found_after_a_crash(subject: Subject) -> None:
    subject.commit(event("a", terms=[term("x")]))
    subject.find(term("x"))
    subject.commit(event("b", terms=[term("x")]), event("c"))
    subject.crash()
    assert list(subject.find(term("x"))) == [2, 1]


def test_the_index_catches_up_although_questions_never_pause(subject: Subject) -> None:
    """`find` of the suite asks for counts without a pause until nothing lags."""
    subject.commit(*(event(f"e{i}", terms=[term("x")]) for i in range(50)))
    assert len(subject.find(term("x"))) == 50
    assert subject.counts().index_lag == 0
    assert subject.ask(lambda store: store.index_lag()) == 0


def test_refused_events_are_kept_and_shown_newest_first(subject: Subject) -> None:
    receipt = subject.commit(rejections=[rejection(0), rejection(1, org=7)])
    subject.commit(rejections=[rejection(2), rejection(3)])
    shown = subject.rejections(10)
    assert [rejection.event_id for rejection in shown] == ["r3", "r2", "r0"]
    oldest = shown[-1]
    assert (oldest.org, oldest.name, oldest.at_ms) == (ORG, "pointsIssued", receipt.now_ms)
    assert (oldest.code, oldest.path, oldest.body) == ("bad_type", "data", b"{0")
    assert oldest.message == "data must be an object"
    assert [rejection.event_id for rejection in subject.rejections(1)] == ["r3"]


def test_a_refused_event_is_no_event(subject: Subject) -> None:
    subject.commit(rejections=[rejection(0)])
    assert subject.event("r0", ORG) is None
    assert all(subject.commit(event("r0")).seqs)


def test_a_refused_event_is_its_orgs_until_it_is_forgotten(subject: Subject) -> None:
    subject.commit(rejections=[rejection(0)])
    [kept] = subject.rejections()
    assert subject.ask(lambda store: store.rejection(ORG, kept.id)) == kept
    assert subject.ask(lambda store: store.rejection(OrgId(7), kept.id)) is None
    subject.ask(lambda store: store.drop_rejection(OrgId(7), kept.id))
    assert subject.rejections() == [kept]
    subject.ask(lambda store: store.drop_rejection(ORG, kept.id))
    assert subject.rejections() == []


@pytest.mark.parametrize("batch", [{}, {"claims": [port.RetryClaim(1, 1)]}], ids=["empty", "claim"])
def test_a_batch_of_nothing_is_a_commit_too(subject: Subject, batch: dict[str, Any]) -> None:
    receipt = subject.commit(**batch)
    assert receipt.now_ms > 0 and not receipt.moved
