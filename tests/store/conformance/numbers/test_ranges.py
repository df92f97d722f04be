"""Conformance: numbers of all kinds are from ranges, unique over all stores that have some."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.store.conformance.adapters import TRIED
from tests.store.conformance.numbers.each_kind import MAKE, make_each, refused
from tests.store.conformance.replay_jobs import Jobs
from tests.store.conformance.retained import drop
from tests.store.conformance.subject import Subject
from tests.store.rows import ORG, event, new, settled, webhook
from tidings.core.cells.families import CellId
from tidings.core.cells.ranges import RANGE_BITS, RangeGrants, only_cell, range_of
from tidings.core.delivery.states import State
from tidings.core.ids import DeliveryId, EventNumber
from tidings.core.orgs.retention import RowKind
from tidings.store import port

ENDS = 1 << RANGE_BITS  # of the range 0


@pytest.fixture(params=list(TRIED.values()), ids=list(TRIED))
def two(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Subject, Subject]]:
    """Two new, empty stores of an adapter."""
    both = Subject(request.param, tmp_path / "one"), Subject(request.param, tmp_path / "two")
    yield both
    for subject in both:
        subject.close()


def ranges_of(numbers: dict[str, int]) -> set[int]:
    """The ranges that numbers are of."""
    return {range_of(number) for number in numbers.values()}


def near_the_end(subject: Subject, left: int) -> None:
    """Have a store be one of several, whose first range has few numbers left; its next are 5."""
    subject.raise_floors(ENDS - 1 - left, ENDS - 1 - left)
    assert subject.end_endless() == 1
    assert subject.grant(5).spares == (5,)


def test_the_only_store_counts_each_kind_from_1_and_gives_nothing_again(subject: Subject) -> None:
    assert subject.ranges() == only_cell()
    first = make_each(subject, "first")
    assert first == dict.fromkeys(MAKE, 1)
    second = make_each(subject, "second")
    for source in subject.ask(lambda store: store.load_sources()):
        subject.ask(lambda store, number=source.number: store.drop_source(number))  # type: ignore[misc]
    for inbox in subject.ask(lambda store: store.load_inboxes()):
        subject.ask(lambda store, number=inbox.number: store.drop_inbox(number))  # type: ignore[misc]
    subject.ask(lambda store: store.drop_rejection(ORG, second["rejection"]))
    subject.commit(settled=[settled(first["delivery"]), settled(second["delivery"])])
    for kind in (RowKind.METADATA, RowKind.REJECTION):
        drop(subject, kind)
    assert subject.counts().events == 0 and subject.rejections() == []
    subject.reopen()
    third = make_each(subject, "third")
    assert {kind for kind in MAKE if third[kind] <= second[kind]} == set()


def test_a_new_owner_begins_a_fresh_range_with_its_first_number(subject: Subject) -> None:
    subject.grant(3, 4, 9, 10)
    assert ranges_of(make_each(subject, "a")) == {3}
    for _ in range(3):
        subject.crash()
        assert subject.ranges().begun == 3, "an owner that gives nothing begins nothing"
    assert ranges_of(make_each(subject, "b")) == {4}
    subject.reopen()
    assert subject.commit(event("c", new(1))).seqs == [9 << RANGE_BITS]
    assert subject.ranges().spares == (10,)


def test_a_range_that_ends_within_a_batch_goes_on_in_the_next_one(subject: Subject) -> None:
    near_the_end(subject, left=5)
    events = [event(f"e{number}", new(1), new(2)) for number in range(4)]
    before = subject.commit(*events[:2])
    assert [*before.seqs, *before.firsts] == [ENDS - 5, ENDS - 4, ENDS - 5, ENDS - 3]
    beyond = 5 * ENDS
    behind = subject.commit(*events[2:])
    assert list(behind.seqs) == [ENDS - 3, ENDS - 2], "what still fits is given"
    assert list(behind.firsts) == [beyond, beyond + 2], "those of an event are neighbours"
    assert subject.ranges().spares == ()
    last = subject.commit(event("last", new(1)), event("very last", new(1)))
    assert list(last.seqs) == [beyond, beyond + 1] and list(last.firsts) == [beyond + 4, beyond + 5]
    ids = [*range(ENDS - 5, ENDS - 1), *range(beyond, beyond + 6)]
    assert sorted(subject.pending() + subject.pending(2)) == ids


def test_what_is_rolled_back_has_begun_no_range_and_gives_nothing_twice(subject: Subject) -> None:
    near_the_end(subject, left=0)
    before = subject.ranges()
    with pytest.raises(Exception, match=r".") as refusal:  # of the driver, or of the store
        subject.commit(event("a", new(1)), claims=[port.RetryClaim(1 << 70, 1)])
    assert not isinstance(refusal.value, port.NoNumbers)
    assert subject.ranges() == before
    numbers = make_each(subject, "made")
    for again in (
        lambda store: store.put_source(port.StoredSource(0, ORG, "made source", b"sealed")),
        lambda store: store.put_inbox(port.Inbox(0, ORG, "made inbox", "x", b"{}")),
    ):
        with pytest.raises(port.StaleChange):
            subject.ask(again)
    with pytest.raises(port.NameTaken):
        subject.ask(lambda store: store.put_webhook(webhook("made webhook")))
    more = make_each(subject, "more")
    assert {kind: more[kind] - numbers[kind] for kind in ("source", "inbox", "webhook")} == {
        "source": 1,
        "inbox": 1,
        "webhook": 1,
    }
    assert {kind for kind in MAKE if more[kind] <= numbers[kind]} == set()


def test_without_a_range_what_needs_a_number_is_refused_and_all_else_is_written(
    subject: Subject,
) -> None:
    jobs = Jobs(subject)
    [delivery, other] = jobs.events(2)
    spec = jobs.spec(states=(State.PARKED,))
    job = jobs.put(spec)
    owed = subject.commit(event("many", new(1), new(2), new(2)), per_event_max=1)
    subject.end_endless()
    subject.reopen()
    for kind, make in MAKE.items():
        if kind not in ("rejection", "aside", "arrival"):  # these are of others, or nobody waits
            with pytest.raises(port.NoNumbers):
                make(subject, "no")
    with pytest.raises(port.NoNumbers):
        subject.ask(lambda store: store.begin_range(0))
    with pytest.raises(port.NoNumbers):
        subject.commit(event("x"), settled=[settled(delivery)])
    assert subject.states(delivery) == [State.PENDING], "nothing half done"
    receipt = subject.commit(
        settled=[settled(delivery), settled(other, State.PARKED)],
        rejections=[refused("x")],
        fan_out=10,
    )
    assert subject.states(delivery) == [State.DELIVERED] and receipt.owed == 0 < owed.owed
    assert subject.rejections() == [], "refused events are not noted meanwhile"
    assert list(subject.commit(event("e0")).seqs) == [0], "a repeat needs none"
    slice = port.ReplaySlice(
        job.number, EventNumber(0), EventNumber(9), 1, [EventNumber(2)], [None]
    )
    with pytest.raises(port.NoNumbers):
        subject.commit(replays=[slice], version=subject.load().registry_version)
    subject.grant(7)
    assert list(subject.commit(event("x")).seqs) == [7 * ENDS]
    [replayed] = subject.commit(replays=[slice], version=subject.load().registry_version).replayed
    assert [job.delivery for job in replayed.jobs] == [DeliveryId(7 * ENDS)]


def test_the_end_of_the_endless_range_is_done_once(subject: Subject) -> None:
    make_each(subject, "a")
    subject.raise_floors(3 * ENDS, 1)
    assert [subject.end_endless() for _ in range(2)] == [4, 4]
    ended = subject.ranges()
    subject.crash()
    assert subject.end_endless() == 4 and subject.ranges() == ended
    assert (ended.granted, ended.begun, ended.is_endless) == ((0, 3), 3, False)
    assert subject.grant(4, 9) == subject.grant(4, 9), "what it has it has"
    with pytest.raises(port.StaleChange):
        subject.grant(8)


def test_a_store_that_gave_numbers_without_an_end_is_granted_none(subject: Subject) -> None:
    subject.put_webhook()
    with pytest.raises(port.StaleChange):
        subject.grant(4)
    assert subject.ranges() == only_cell()
    subject.reopen()
    assert subject.put_webhook("next") == 2


def test_numbers_of_all_kinds_are_unique_over_two_stores(two: tuple[Subject, Subject]) -> None:
    first, second = two
    given = {kind: [number] for kind, number in make_each(first, "alone").items()}
    grants = RangeGrants(first.end_endless(), base=CellId(1))
    for turn in range(3):
        for number, subject in enumerate(two, 1):
            subject.grant(*grants.grant(CellId(number), 1))
        for number, subject in enumerate(two, 1):
            for kind, made in make_each(subject, f"turn {turn}").items():
                given[kind].append(made)
                assert grants.cell_of(made) == number, kind
        for subject in two:
            subject.crash()
    for kind, numbers in given.items():
        assert len({*numbers}) == len(numbers), kind


def test_numbers_rise_when_the_endless_range_ends_and_when_a_fresh_one_begins(
    subject: Subject,
) -> None:
    seen = [make_each(subject, "endless")]
    subject.end_endless()
    seen.append(make_each(subject, "behind its end"))
    assert ranges_of(seen[-1]) == {0}, "its owner goes on in it"
    subject.grant(2, 3, 6, 8)
    subject.ask(lambda store: store.begin_range(0))
    seen.append(make_each(subject, "fresh"))
    subject.ask(lambda store: store.begin_range(5 * ENDS))
    seen.append(make_each(subject, "above what arrives"))
    subject.reopen()
    seen.append(make_each(subject, "of the next owner"))
    assert [ranges_of(numbers) for numbers in seen] == [{0}, {0}, {2}, {6}, {8}]
    for kind in MAKE:
        numbers = [numbers[kind] for numbers in seen]
        assert numbers == sorted({*numbers}), kind


def test_a_restored_store_gives_nothing_of_what_it_had(subject: Subject) -> None:
    assert subject.ask(lambda store: store.give_up_ranges()) == only_cell()
    subject.grant(3, 4, 5)
    make_each(subject, "a")
    assert subject.ask(lambda store: store.give_up_ranges()).spares == ()
    for _ in range(2):
        with pytest.raises(port.NoNumbers):
            subject.put_webhook("late")
        subject.crash()
    subject.grant(9)
    assert range_of(subject.put_webhook("late")) == 9


def test_a_store_that_later_owners_have_noted_nothing_in_gives_nothing_of_what_it_had(
    subject: Subject,
) -> None:
    subject.grant(3, 4, 5)

    def is_former(epoch: int, *, is_own: bool = False) -> bool:
        return subject.ask(lambda store: store.note_epoch(epoch, is_own))

    assert not is_former(1, is_own=True)
    make_each(subject, "a")
    subject.reopen()
    assert not is_former(1), "the owner before has noted itself"
    assert not is_former(2, is_own=True)
    assert ranges_of(make_each(subject, "b")) == {4}
    subject.crash()
    assert not is_former(0) and not is_former(2), "what is not above the noted one is known"
    assert is_former(3) and not is_former(3)
    with pytest.raises(port.NoNumbers):
        subject.put_webhook("late")
    subject.grant(9)
    assert range_of(subject.put_webhook("late")) == 9
