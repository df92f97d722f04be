"""Conformance: what is unfinished goes on where its family has gone, by the same numbers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.store.conformance.adapters import IN_PROCESS, TRIED
from tests.store.conformance.delivery.in_each_state import one_in_each_state
from tests.store.conformance.families.steps import FAMILY, OTHER, put_org
from tests.store.conformance.replay_jobs import Jobs
from tests.store.conformance.subject import Subject
from tests.store.moving.by_rows.row_copies import connection_of, copy, drop, step, sums
from tests.store.rows import ORG, event, failing, new, settled, webhook
from tidings.core.cells.families import CellId, FamilyMove
from tidings.core.cells.ranges import range_of
from tidings.core.delivery.states import State
from tidings.core.ids import DeliveryId
from tidings.store import port
from tidings.store.sql.facts.leaps import LATER, note_leaps
from tidings.store.sql.moving import moved_leaps
from tidings.store.sql.states import is_unfinished

LOW, HIGH = 0, 1 << 30


@pytest.fixture(params=[(LOW, HIGH), (HIGH, LOW)], ids=["upwards", "downwards"])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Subject, Subject]]:
    """Two cells, of which either may have the higher numbers."""
    [adapter] = [IN_PROCESS[name] for name in IN_PROCESS if name in TRIED]
    source, target = Subject(adapter, tmp_path / "from"), Subject(adapter, tmp_path / "into")
    for subject, above in zip((source, target), request.param, strict=True):
        subject.begin_range(above)
    put_org(source, ORG)
    put_org(target, OTHER)
    yield source, target
    source.close()
    target.close()


def go_on_above(subject: Subject, number: int) -> None:
    """Have a cell give numbers above one: those that arrive are."""
    index = max(range_of(number), *subject.ranges().granted) + 1
    subject.grant(index, index + 1)
    subject.ask(lambda store: store.begin_range(number))


def move(source: Subject, target: Subject, number: int = 2) -> None:
    """Move the family, and start both again."""
    step(source, FAMILY, FamilyMove.BEGIN, FamilyMove.SEAL, number=number)
    step(target, FAMILY, FamilyMove.RECEIVE, number=number)
    go_on_above(target, source.ask(lambda store: store.highest_numbers_of(FAMILY)))
    copy(source, target, FAMILY, number)
    assert sums(source, FAMILY, number) == sums(target, FAMILY, number)
    leaps = source.ask(lambda store: store.clock_leaps())
    switch = port.FamilyStep(FAMILY, FamilyMove.SWITCH, number, CellId(9), leaps=leaps)
    assert target.ask(lambda store: store.move_family(switch)).changed
    step(source, FAMILY, FamilyMove.SWITCHED, number=number)
    drop(source, FAMILY, number)
    step(source, FAMILY, FamilyMove.EMPTY, number=number)
    for subject in (source, target):
        subject.reopen()
        subject.recover(left=[])


def make_busy(subject: Subject, org: int) -> tuple[int, dict[State, int]]:
    """Make a webhook with a delivery in each state."""
    stored, _ = subject.ask(lambda store: store.put_webhook(webhook("till", org=org)))
    return stored.number, one_in_each_state(subject, stored.number)


def test_deliveries_go_on_in_each_state(stores: tuple[Subject, Subject]) -> None:
    source, target = stores
    number, states = make_busy(source, ORG)
    pending, backlogs = source.pending(number), source.ask(lambda store: store.unfinished())
    hook = source.load().webhooks
    rows = {delivery: source.delivery(delivery) for delivery in states.values()}
    attempts = {delivery: source.attempts(delivery) for delivery in states.values()}
    move(source, target)
    assert target.states(*states.values()) == list(states)
    assert target.pending(number) == pending
    assert [b for b in target.ask(lambda store: store.unfinished()) if b.webhook == number] == list(
        backlogs
    )
    assert list(target.load().webhooks) == list(hook)
    assert {delivery: target.delivery(delivery) for delivery in rows} == rows
    assert {delivery: target.attempts(delivery) for delivery in rows} == attempts
    assert source.ask(lambda store: store.unfinished()) == []
    assert source.load().webhooks == []
    [first, held] = (states[State.HELD] - 1, states[State.HELD])
    freed = target.commit(settled=[settled(first, webhook=number, key=5)]).freed
    assert [job.delivery for job in freed] == [held]


def test_an_event_is_known_again_and_new_ones_are_numbered_above(
    stores: tuple[Subject, Subject],
) -> None:
    source, target = stores
    number, _ = make_busy(source, ORG)
    [seq] = source.commit(event("a", new(number))).seqs
    [beside] = target.commit(event("a", org=OTHER)).seqs
    move(source, target)
    again, fresh = target.commit(event("a", new(number)), event("b", new(number))).seqs
    assert again == 0
    assert fresh > max(seq, beside)
    found = target.event("a", ORG)
    assert found is not None
    assert (found.seq, found.body) == (seq, b'{"eventId":"a"}')
    assert source.event("a", ORG) is None


def test_what_is_due_is_claimed_and_what_is_owed_is_made(stores: tuple[Subject, Subject]) -> None:
    source, target = stores
    number, _ = make_busy(source, ORG)
    [due] = source.commit(event("due", new(number))).firsts
    source.commit(settled=[failing(due, 0, webhook=number)])
    owed = source.commit(event("owed", *(new(number) for _ in range(5))), deliveries_max=2).firsts[
        0
    ]
    move(source, target)
    assert [job.delivery for job in target.take(number)] == [due]
    [made] = target.commit(fan_out=10).fanned_out
    assert (made.org, made.event_id) == (ORG, "owed")
    assert [id for id, *_ in made.deliveries] == [owed + 2, owed + 3, owed + 4]
    assert target.commit(fan_out=10).owed == source.commit(fan_out=10).owed == 0


def test_a_replay_goes_on_behind_its_place(stores: tuple[Subject, Subject]) -> None:
    source, target = stores
    jobs = Jobs(source)
    failed = jobs.events(4)
    jobs.end(State.FAILED, *failed)
    job = jobs.put(jobs.spec())
    before = jobs.commit(jobs.slice(job, jobs.find(job, limit=2)))
    move(source, target)
    jobs.subject = target
    assert target.ask(lambda store: store.open_replays()) == [jobs.now(job)]
    assert (len(before.jobs), jobs.now(job).made) == (2, 2)
    found = jobs.find(job)
    behind = jobs.commit(jobs.slice(job, found))
    ids = [job.event_id for job in (*before.jobs, *behind.jobs)]
    assert ids == ["e0", "e1", "e2", "e3"]
    assert min(job.delivery for job in behind.jobs) > max(job.delivery for job in before.jobs)


def test_a_family_goes_back_where_it_came_from(stores: tuple[Subject, Subject]) -> None:
    source, target = stores
    number, states = make_busy(source, ORG)
    before = source.ask(lambda store: store.unfinished())
    move(source, target)
    step(target, FAMILY, FamilyMove.BEGIN, FamilyMove.SEAL, number=3)
    step(source, FAMILY, FamilyMove.RECEIVE, number=3)
    go_on_above(source, target.ask(lambda store: store.highest_numbers_of(FAMILY)))
    copy(target, source, FAMILY, 3)
    assert sums(target, FAMILY, 3) == sums(source, FAMILY, 3)
    step(source, FAMILY, FamilyMove.SWITCH, number=3)
    source.reopen()
    source.recover(left=[])
    assert source.ask(lambda store: store.unfinished()) == before
    assert source.states(*states.values()) == list(states)
    assert DeliveryId(states[State.PENDING]) in source.pending(number)


def ages(subject: Subject) -> dict[int, int]:
    """By how much later than its date says each delivery that waits was accepted."""
    asked = f"SELECT d.id, {LATER} FROM delivery d WHERE {is_unfinished('d')}"
    return {int(id): int(later) for id, later in connection_of(subject).execute(asked).fetchall()}


def leap(subject: Subject, *leaps: tuple[int, int, int]) -> None:
    """Leaps that a store has followed: up to which delivery, behind which, by how much."""
    connection = connection_of(subject)
    with connection:
        note_leaps(connection, [port.ClockLeap(*noted) for noted in leaps])


HOUR_MS, LAST = 3_600_000, 1 << 60


@pytest.mark.parametrize("theirs", [HOUR_MS, -HOUR_MS, 0])
@pytest.mark.parametrize("own", [HOUR_MS, -8 * 24 * HOUR_MS, 0])
def test_a_delivery_is_as_old_behind_a_move_as_before_it(
    stores: tuple[Subject, Subject], theirs: int, own: int
) -> None:
    source, target = stores
    _, states = make_busy(source, ORG)
    stored, _ = target.ask(lambda store: store.put_webhook(webhook("other", org=OTHER)))
    target.commit(*(event(f"e{at}", new(stored.number), org=OTHER) for at in range(3)))
    middle = sorted(states.values())[len(states) // 2]
    leap(source, (LAST, 0, theirs), (middle, middle - 2, theirs))
    leap(target, (LAST, 0, own))
    there, here = ages(source), ages(target)
    move(source, target)
    assert ages(target) == there | here
    leap(target, (LAST, 0, 7 * HOUR_MS))  # the clock of that cell is set
    there, here = ({id: later + 7 * HOUR_MS for id, later in old.items()} for old in (there, here))
    leap(source, (LAST, 0, 5 * HOUR_MS))  # and of the one that it left
    move(target, source, 3)
    assert ages(source) == there and ages(target) == here


def test_where_a_leap_for_each_is_too_much_nothing_is_older_than_it_is(
    stores: tuple[Subject, Subject], monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = stores
    _, states = make_busy(source, ORG)
    for number, delivery in enumerate(sorted(states.values())):
        leap(source, (delivery, delivery - 1, (number - 3) * HOUR_MS))
    there = ages(source)
    monkeypatch.setattr(moved_leaps, "RUNS_MAX", 2)
    move(source, target)
    found = ages(target)
    assert found.keys() == there.keys()
    assert all(later >= there[id] for id, later in found.items())
