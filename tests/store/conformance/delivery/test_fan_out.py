"""Conformance: an event with more webhooks than one transaction makes deliveries for."""

from typing import Any

import pytest

from tests.store.conformance.retained import body, drop
from tests.store.conformance.subject import Subject
from tests.store.rows import ORG, event, new, settled, webhook
from tidings.core.delivery.states import UNFINISHED, State
from tidings.core.ids import EventNumber
from tidings.core.orgs.retention import RowKind
from tidings.store import port

KEY = 42
PENDING, HELD = State.PENDING, State.HELD


def made(receipt: port.Receipt) -> list[int]:
    """Ids of the deliveries that a slice has made and that may be sent."""
    return [id for fan_out in receipt.fanned_out for id, _, _ in fan_out.deliveries]


def finish(subject: Subject, rows: int = 2) -> list[int]:
    """Make everything that is owed."""
    found: list[int] = []
    while True:
        receipt = subject.commit(fan_out=rows)
        found += made(receipt)
        if not receipt.owed:
            return found


def states(subject: Subject, id: str) -> dict[int, int]:
    """An event's deliveries: the state by the webhook."""
    stored = subject.event(id, ORG)
    assert stored is not None
    rows = subject.ask(lambda store: store.deliveries_of(stored.seq))
    assert len({row.webhook for row in rows}) == len(rows)
    return {row.webhook: row.state for row in rows}


def owing(subject: Subject, *deliveries: port.NewDelivery, at_once: int = 2) -> port.Receipt:
    """Store event `a`; what is beyond `at_once` is owed."""
    found = deliveries or tuple(new(number) for number in range(1, 8))
    return subject.commit(event("a", *found), deliveries_max=at_once)


def test_what_is_beyond_the_bound_is_owed_and_made_in_slices_in_order(subject: Subject) -> None:
    receipt = owing(subject)
    first = receipt.firsts[0]
    assert receipt.owed == 5
    assert [tuple(pair) for pair in receipt.made] == [(0, 2)]
    assert states(subject, "a") == {1: PENDING, 2: PENDING}
    second = subject.commit(fan_out=3)
    assert (made(second), second.owed) == ([first + 2, first + 3, first + 4], 2)
    [told] = second.fanned_out
    assert (told.org, told.event_id, told.body) == (ORG, "a", b'{"eventId":"a"}')
    assert told.accepted_ms == receipt.now_ms
    third = subject.commit(fan_out=3)
    assert (made(third), third.owed) == ([first + 5, first + 6], 0)
    assert states(subject, "a") == dict.fromkeys(range(1, 8), PENDING)
    assert subject.pending(7) == [first + 6]
    assert made(subject.commit(fan_out=3)) == []


def test_the_bound_is_that_of_the_whole_batch(subject: Subject) -> None:
    three = [new(number) for number in (1, 2, 3)]
    receipt = subject.commit(*(event(f"e{i}", *three) for i in range(3)), deliveries_max=4)
    assert [tuple(pair) for pair in receipt.made] == [(1, 1), (2, 0)]
    assert len(finish(subject)) == 5
    for number in range(3):
        assert states(subject, f"e{number}") == {1: PENDING, 2: PENDING, 3: PENDING}


def test_orgs_take_turns_so_that_a_flood_of_one_holds_up_no_other(subject: Subject) -> None:
    many = [new(number) for number in range(1, 8)]
    flood = [event(f"e{i}", *many) for i in range(20)]
    receipt = subject.commit(*flood, event("o", new(9), new(10), org=8), deliveries_max=0)
    others = set(range(receipt.firsts[20], receipt.firsts[20] + 2))
    seen = [subject.commit(fan_out=1) for _ in range(4)]
    assert others < {id for receipt in seen for id in made(receipt)}
    assert seen[-1].owed == 20 * 7 + 2 - 4
    subject.reopen()
    left = finish(subject, 5)
    assert len(left) == 20 * 7 - 2 and left == sorted(left), "each org's own are made in order"


def test_a_repeat_of_an_event_owes_nothing(subject: Subject) -> None:
    owing(subject)
    again = owing(subject)
    assert list(again.seqs) == [0] and list(again.made) == [] and again.owed == 5
    assert len(finish(subject)) == 5


@pytest.mark.parametrize("how", ["reopen", "crash"])
def test_a_new_owner_makes_what_is_left_each_once(subject: Subject, how: str) -> None:
    first = owing(subject).firsts[0]
    subject.commit(fan_out=1)
    getattr(subject, how)()
    subject.recover()
    later = subject.commit(event("b", new(1))).firsts[0]
    assert later == first + 7  # the ids were given, made or not
    assert finish(subject) == [first + 3, first + 4, first + 5, first + 6]
    assert states(subject, "a") == dict.fromkeys(range(1, 8), PENDING)


def test_what_is_owed_counts_before_later_ones_of_its_key(subject: Subject) -> None:
    first = owing(subject, new(9), new(1, KEY), new(2, KEY), at_once=1).firsts[0]
    later = subject.commit(event("b", new(1, KEY), new(2)))
    assert list(later.held) == [later.firsts[0]]
    assert subject.counts().orphans == 0
    assert finish(subject) == [first + 1, first + 2]
    assert subject.states(first + 1, later.firsts[0]) == [PENDING, HELD]
    [freed] = subject.commit(settled=[settled(first + 1, key=KEY)]).freed
    assert freed.delivery == later.firsts[0]


def test_what_is_owed_waits_for_earlier_ones_of_its_key_and_is_not_overtaken(
    subject: Subject,
) -> None:
    before = subject.commit(event("before", new(1, KEY))).firsts[0]
    first = owing(subject, new(9), new(1, KEY), at_once=1).firsts[0]
    after = subject.commit(event("after", new(1, KEY))).firsts[0]
    ended = subject.commit(settled=[settled(before, key=KEY)])
    assert list(ended.freed) == []  # the owed one goes first
    assert finish(subject) == [first + 1]
    assert subject.states(first + 1, after) == [PENDING, HELD]
    second = subject.commit(event("second", new(1, KEY)), deliveries_max=0).firsts[0]
    assert finish(subject) == []
    assert subject.states(second) == [HELD]


@pytest.mark.parametrize(
    ("standing", "state"), [("deleted", State.CANCELLED), ("disabled", State.PARKED)]
)
def test_one_for_a_webhook_that_was_ended_meanwhile_is_made_final_and_frees_the_next(
    subject: Subject, standing: str, state: State
) -> None:
    numbers = [subject.put_webhook(name) for name in ("one", "two")]
    one, two = (new(number, KEY) for number in numbers)
    first = owing(subject, one, two, at_once=0).firsts[0]
    ended = webhook("one", number=numbers[0], version=2, status=standing)
    subject.ask(lambda store: store.put_webhook(ended))
    later = subject.commit(event("b", one)).firsts[0]
    receipt = subject.commit(fan_out=10)
    assert made(receipt) == [first + 1]
    assert subject.states(first, first + 1) == [state, PENDING]
    assert subject.delivery(first).done_ms is not None
    assert [job.delivery for job in receipt.freed] == [later]


def test_jobs_wait_for_an_event_that_is_owed_deliveries(subject: Subject) -> None:
    """A cancel must not leave out what is made a moment later, nor a replay make it twice."""
    subject.put_webhook()
    subject.commit(event("before", new(1)))
    subject.commit(event("a", new(1)), deliveries_max=0)
    spec = port.ReplaySpec(ORG, None, None, [ORG], states=sorted(UNFINISHED))

    def candidates() -> Any:
        found = subject.ask(lambda store: store.candidates(1, spec, EventNumber(0), 10, False))
        return [candidate.event for candidate in found.found], found.ended

    assert candidates() == ([1], False)
    finish(subject)
    assert candidates() == ([1, 2], True)


def test_an_event_that_is_owed_deliveries_is_kept(subject: Subject) -> None:
    """By every kind of a pass, and the next pass, which looks again at what was kept back."""
    owing(subject, at_once=0)
    subject.commit(event("not owed any"))
    for kind in (*RowKind, *RowKind):
        drop(subject, kind)
        assert subject.event("not owed any", ORG) is None or kind is not RowKind.METADATA
        assert body(subject, "a") is not None
        assert subject.ask(lambda store: store.retention_state()).kept_back == 1
    assert len(finish(subject)) == 7


def test_the_bound_of_one_event_leaves_room_for_the_next(subject: Subject) -> None:
    three = [new(number) for number in (1, 2, 3)]
    more = {"deliveries_max": 5, "per_event_max": 2}
    receipt = subject.commit(*(event(f"e{i}", *three) for i in range(3)), **more)
    assert [tuple(pair) for pair in receipt.made] == [(0, 2), (1, 2), (2, 1)]
    first = receipt.firsts[0]
    assert finish(subject) == [first + 2, first + 5, first + 7, first + 8]
