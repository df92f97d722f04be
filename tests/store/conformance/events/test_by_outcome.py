"""Conformance: events are found by what became of one of their deliveries."""

from typing import Any

from tests.store.conformance.subject import Subject
from tests.store.rows import ORG, event, failing, new, settled, term
from tidings.core.delivery.states import State
from tidings.core.ids import EventNumber
from tidings.store import port


def ids(subject: Subject, **asked: Any) -> list[str]:
    query = port.EventQuery(ORG, **asked)
    return [event.id for event in subject.ask(lambda store: store.log_events(query)).events]


def replayed(subject: Subject, seq: EventNumber, target: int) -> None:
    """A replay of one event to a webhook."""
    spec = port.ReplaySpec(ORG, target, target, [ORG], unmatched=True, after=EventNumber(seq - 1))
    job = port.ReplayJob(0, ORG, "replay", "running", spec, 20.0, False, "me")
    made = subject.ask(lambda store: store.put_replay(job, []))
    version = subject.load().registry_version
    part = port.ReplaySlice(made.number, made.cursor, seq, version, [seq], [None])
    assert subject.commit(version=version, replays=[part]).replayed[0].jobs


def test_events_are_found_by_the_fate_of_any_of_their_deliveries(subject: Subject) -> None:
    one, other = subject.put_webhook("one"), subject.put_webhook("other")
    receipt = subject.commit(
        event("a", new(one), new(other), terms=[term("x")]),
        event("b", new(other), terms=[term("x")]),
        event("c"),
        event("d", new(one)),
    )
    a, b, _, d = receipt.firsts
    subject.commit(
        settled=[
            settled(a, webhook=one),
            failing(a + 1, 60_000, webhook=other),
            settled(b, State.FAILED, webhook=other, status=400),
            settled(d, State.FAILED, webhook=one, status=400),
        ]
    )
    failed = [int(State.FAILED)]
    assert ids(subject, webhooks=[one]) == ["d", "a"]
    assert ids(subject, webhooks=[one, other], states=failed) == ["d", "b"]
    assert ids(subject, webhooks=[other], states=[int(State.RETRYING)]) == ["a"]
    assert ids(subject, webhooks=[other], states=failed, terms=[term("x")]) == ["b"]
    assert ids(subject, webhooks=[one], matched=False) == []
    page = subject.ask(
        lambda store: store.log_events(port.EventQuery(ORG, limit=1, webhooks=[one]))
    )
    assert [shown.id for shown in page.events] == ["d"] and page.older is not None
    assert ids(subject, webhooks=[one], before=page.older) == ["a"]
    assert ids(subject, webhooks=[one], after=receipt.seqs[0]) == ["d"]


def test_an_event_is_found_by_what_a_replay_has_made_of_it(subject: Subject) -> None:
    webhook = subject.put_webhook("one")
    seq, _ = subject.commit(event("old"), event("new", new(webhook))).seqs
    assert ids(subject, webhooks=[webhook]) == ["new"]
    replayed(subject, seq, webhook)
    assert ids(subject, webhooks=[webhook]) == ["new", "old"]
    assert ids(subject, webhooks=[webhook], matched=False) == ["old"]
    assert ids(subject, webhooks=[webhook], states=[int(State.FAILED)]) == []
