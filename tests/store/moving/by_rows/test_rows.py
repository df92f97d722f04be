"""Conformance: the rows of a family go from one store into another, and nothing else does."""

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

import pytest

from tests.store.conformance.adapters import IN_PROCESS, OF_POSTGRES_RUN, TRIED
from tests.store.conformance.subject import Subject
from tests.store.moving.by_rows.row_copies import (
    connection_of,
    copy,
    drop,
    fill,
    pages,
    step,
    sums,
    write,
)
from tests.store.moving.families_filled import (
    COLUMNS,
    Rows,
    family_rows,
    put_rows,
    stored_rows,
)
from tidings.core.cells.families import CellId, FamilyId, FamilyMove
from tidings.store import port
from tidings.store.sql.facts.numbers import NUMBERED
from tidings.store.sql.moving import family_pages, family_walks

THEIRS, BESIDE, THERE = FamilyId(10), FamilyId(20), FamilyId(30)
FEW = 7


def theirs(events: int = 12) -> Rows:
    """The family that moves."""
    return family_rows(THEIRS, {11: 10, 5: 11}, 1000, events, people=["usr_both"])


def beside() -> Rows:
    """One that stays."""
    return family_rows(BESIDE, {21: 20}, 5_000_000, people=["usr_both"])


def ways() -> list[tuple[str, str]]:
    """List the ways from a store to another of those that this run tries."""
    names = [name for name in IN_PROCESS if name in TRIED]
    if OF_POSTGRES_RUN.isdisjoint(names):
        return [(name, name) for name in names]
    pairs = [(source, target) for source in IN_PROCESS for target in IN_PROCESS]
    return [pair for pair in pairs if not OF_POSTGRES_RUN.isdisjoint(pair)]


@pytest.fixture(params=ways(), ids=" to ".join)
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Subject, Subject]]:
    """A store with two families, and one with a third, to which the first goes."""
    source, target = (
        Subject(IN_PROCESS[name], tmp_path / place)
        for name, place in zip(request.param, ("from", "into"), strict=True)
    )
    fill(source, (THEIRS, theirs()), (BESIDE, beside()))
    fill(target, (THERE, family_rows(THERE, {31: 30}, 9_000_000, people=["usr_both"])))
    yield source, target
    source.close()
    target.close()


def begin(source: Subject, target: Subject) -> None:
    """Seal the family, and have it arrive."""
    step(source, THEIRS, FamilyMove.BEGIN, FamilyMove.SEAL)
    step(target, THEIRS, FamilyMove.RECEIVE)


def only(rows: dict[str, list[Any]], without: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """What one store has more than another."""
    return {
        table: [row for row in found if row not in without[table]] for table, found in rows.items()
    }


def test_a_family_that_was_copied_has_the_same_sums_in_both_stores(
    stores: tuple[Subject, Subject],
) -> None:
    source, target = stores
    begin(source, target)
    there = stored_rows(connection_of(target))
    copied = copy(source, target, THEIRS)
    expected = {table: len(rows) for table, rows in theirs().items()} | {"person": 4}
    found = sums(source, THEIRS)
    summed = {table: count for table, count in expected.items() if table != "session"}
    assert {table: sum.rows for table, sum in found.items()} == summed
    assert copied == sum(expected.values())
    assert sums(target, THEIRS) == found
    arrived = only(stored_rows(connection_of(target)), there)
    left = only(stored_rows(connection_of(source)), arrived)
    arrived["person"].append(("usr_both",))  # it is there already
    assert {table: len(rows) for table, rows in arrived.items()} == expected
    step(source, THEIRS, FamilyMove.UNDONE)
    fresh = {table: len(rows) for table, rows in beside().items()}
    assert {table: len(rows) for table, rows in left.items()} == fresh | {"person": 3}


def _sessions(subject: Subject) -> set[tuple[str, str]]:
    """Whose sessions a store has, by person and credential."""
    found = connection_of(subject).execute("SELECT person, credential FROM session").fetchall()
    return {(person, credential) for person, credential in found}


def test_a_session_begins_and_ends_in_neither_store_while_it_is_copied(
    stores: tuple[Subject, Subject],
) -> None:
    source, target = stores
    begin(source, target)
    [(digest,)] = connection_of(source).execute(
        "SELECT digest FROM session WHERE person = 'usr_1000-10'"
    )
    person = port.StoredPerson("usr_1000-10", "asha@acme.example", "new", created_ms=5, revision=2)
    begun = port.StoredSession(b"new", person.id, "", b"p", created_ms=1, seen_ms=1)
    for moves in ((), (FamilyMove.RECALL,)):
        step(source, THEIRS, *moves)
        before = stored_rows(connection_of(source))
        for change in (
            lambda store: store.drop_sessions([digest]),
            lambda store: store.put_session(begun),
            lambda store: store.put_people([person]),
        ):
            with pytest.raises(port.FamilyAway):
                source.ask(change)
        assert stored_rows(connection_of(source)) == before
    step(source, THEIRS, FamilyMove.UNDONE)
    source.ask(lambda store: store.drop_sessions([digest]))
    assert ("usr_1000-10", "") not in _sessions(source)


def test_sessions_that_are_out_of_force_in_the_source_end_with_the_switch(
    stores: tuple[Subject, Subject],
) -> None:
    source, target = stores
    begin(source, target)
    copy(source, target, THEIRS)
    ended = connection_of(source).execute("SELECT digest FROM session WHERE person = 'usr_1000-10'")
    switch = port.FamilyStep(
        THEIRS, FamilyMove.SWITCH, 2, other=CellId(9), ended=[digest for (digest,) in ended]
    )
    assert target.ask(lambda store: store.move_family(switch)).changed
    assert ("usr_1000-10", "") in _sessions(source) - _sessions(target)
    assert ("usr_1000-11", "") in _sessions(source) & _sessions(target)


def test_sessions_of_who_is_a_member_elsewhere_stay_where_a_sign_out_ends_them(
    stores: tuple[Subject, Subject],
) -> None:
    source, target = stores
    mine = {"digest": b"both", "person": "usr_both", "credential": ""}
    put_rows(connection_of(source), {"session": [mine]})
    begin(source, target)
    copy(source, target, THEIRS)
    assert ("usr_both", "") in _sessions(source)
    assert ("usr_both", "") not in _sessions(target)
    assert ("usr_1000-10", "") in _sessions(target), "who is a member of nothing else goes along"
    step(target, THEIRS, FamilyMove.SWITCH)
    step(source, THEIRS, FamilyMove.SWITCHED)
    drop(source, THEIRS)
    assert ("usr_both", "") in _sessions(source)
    assert ("usr_1000-10", "") not in _sessions(source)


def test_dropping_leaves_no_row_of_the_family_and_each_of_the_others(
    stores: tuple[Subject, Subject],
) -> None:
    source, target = stores
    begin(source, target)
    there = stored_rows(connection_of(target))
    copy(source, target, THEIRS)
    step(target, THEIRS, FamilyMove.REFUSE)
    with patch.object(family_pages, "DROPPED_ROWS", FEW):
        assert drop(target, THEIRS) > FEW
    assert stored_rows(connection_of(target)) == there
    step(target, THEIRS, FamilyMove.EMPTY)
    step(source, THEIRS, FamilyMove.SWITCHED)
    drop(source, THEIRS)
    left = {table: len(rows) for table, rows in stored_rows(connection_of(source)).items()}
    assert left == {table: len(rows) for table, rows in beside().items()} | {"person": 3}
    assert sum(len(rows) for rows in beside().values()) > len(COLUMNS)


def test_families_that_have_gone_are_dropped_by_turns(stores: tuple[Subject, Subject]) -> None:
    source, _ = stores
    for family in (THEIRS, BESIDE):
        step(source, family, FamilyMove.BEGIN, FamilyMove.SEAL, FamilyMove.SWITCHED)
    left = [THEIRS, BESIDE]
    turns = 0
    with patch.object(family_pages, "WORK_S", 0.0):
        while left:
            family = left[turns % len(left)]
            turns += 1
            if not source.ask(lambda store: store.drop_family_rows(family, 2)):  # noqa: B023
                left.remove(family)
            assert turns < 10 * len(COLUMNS)
    assert not any(stored_rows(connection_of(source)).values())


def test_a_piece_that_was_dropped_before_a_crash_is_not_missed(
    stores: tuple[Subject, Subject],
) -> None:
    source, target = stores
    begin(source, target)
    copy(source, target, THEIRS)
    there = stored_rows(connection_of(source))
    step(source, THEIRS, FamilyMove.SWITCHED)
    with patch.object(family_pages, "WORK_S", 0.0):  # a list at a time
        for pieces in (5, 20, len(COLUMNS)):
            for _ in range(pieces):
                assert source.ask(lambda store: store.drop_family_rows(THEIRS, 2))
            source.crash()
    drop(source, THEIRS)
    rest = stored_rows(connection_of(source))
    assert {table: len(rows) for table, rows in rest.items()} == {
        table: len(rows) for table, rows in beside().items()
    } | {"person": 3}
    assert not only(rest, there)["event"]


@pytest.mark.parametrize("seed", range(3))
def test_pages_may_be_short_and_come_again_in_any_order_of_answers_that_were_lost(
    stores: tuple[Subject, Subject], seed: int
) -> None:
    source, target = stores
    begin(source, target)
    random = Random(seed)
    with (
        patch.object(family_pages, "PAGE_ROWS", random.randint(1, FEW)),
        patch.object(family_pages, "PAGE_BYTES", random.choice((1, 40, 1000))),
        patch.object(family_walks, "STRETCH_MIN", 1),
        patch.object(family_pages, "WORK_S", random.choice((0.0, 1.0))),
    ):
        place: port.RowsPlace | None = None
        while True:
            at = place
            page = source.ask(lambda store: store.read_family_rows(THEIRS, 2, at))  # noqa: B023
            assert page.count <= FEW
            for _ in range(random.choice((1, 1, 2))):
                write(target, THEIRS, page)
            if random.random() < 0.05:
                random.choice((source, target)).crash()
            place = page.next
            if place is None:
                break
        assert sums(source, THEIRS) == sums(target, THEIRS)
    expected = {table: len(rows) for table, rows in theirs().items()} | {"person": 4}
    del expected["session"]
    assert {table: sum.rows for table, sum in sums(target, THEIRS).items()} == expected


def test_a_page_that_was_written_is_written_once(stores: tuple[Subject, Subject]) -> None:
    source, target = stores
    begin(source, target)
    copy(source, target, THEIRS)
    once = stored_rows(connection_of(target))
    copy(source, target, THEIRS)
    assert stored_rows(connection_of(target)) == once


def test_a_page_of_another_family_is_refused_whole(stores: tuple[Subject, Subject]) -> None:
    source, target = stores
    begin(source, target)
    step(source, BESIDE, FamilyMove.BEGIN, FamilyMove.SEAL)
    there = stored_rows(connection_of(target))
    foreign = [page for page in pages(source, BESIDE) if page.count]
    assert {page.table for page in foreign} == {*COLUMNS}
    copy(source, target, THEIRS)
    mine = stored_rows(connection_of(target))
    for page in foreign:
        with pytest.raises(port.StaleChange, match="another one's"):
            write(target, THEIRS, page)
    assert stored_rows(connection_of(target)) == mine != there


@pytest.mark.parametrize("count", [0, 3])
def test_a_page_of_another_release_is_refused(stores: tuple[Subject, Subject], count: int) -> None:
    source, target = stores
    begin(source, target)
    [first, *_] = pages(source, THEIRS)
    for page in (
        port.FamilyRowsPage("nothing", first.rows, first.count, None),
        port.FamilyRowsPage("webhook", first.rows, first.count, None),
        port.FamilyRowsPage(first.table, first.rows, first.count + 1 + count, None),
    ):
        with pytest.raises(port.StaleChange, match="another one"):
            write(target, THEIRS, page)


def test_rows_are_read_where_sealed_written_where_arriving_and_dropped_where_gone(
    stores: tuple[Subject, Subject],
) -> None:
    source, target = stores

    def refused(subject: Subject, number: int = 2) -> set[str]:
        """What is refused."""
        page = port.FamilyRowsPage("org", b"\x90", 0, None)
        asked = {
            "read": lambda store: store.read_family_rows(THEIRS, number, None),
            "sum": lambda store: store.sum_family_rows(THEIRS, number, None, {}),
            "write": lambda store: store.write_family_rows(THEIRS, number, page),
            "drop": lambda store: store.drop_family_rows(THEIRS, number),
        }
        found = set()
        for name, question in asked.items():
            try:
                subject.ask(question)
            except port.StaleChange:
                found.add(name)
        return found

    every = {"read", "sum", "write", "drop"}
    assert refused(source) == refused(source, 1) == refused(target) == every
    step(source, THEIRS, FamilyMove.BEGIN)
    assert refused(source) == every
    step(source, THEIRS, FamilyMove.SEAL)
    step(target, THEIRS, FamilyMove.RECEIVE)
    assert refused(source) == {"write", "drop"}
    assert refused(source, 3) == refused(target, 3) == every
    assert refused(target) == {"read", "drop"}
    step(target, THEIRS, FamilyMove.SWITCH)
    assert refused(target) == every
    step(source, THEIRS, FamilyMove.SWITCHED)
    assert refused(source, 1) == every
    assert refused(source) == {"read", "sum", "write"}


def test_a_row_that_differs_is_seen_by_its_sum(stores: tuple[Subject, Subject]) -> None:
    source, target = stores
    begin(source, target)
    copy(source, target, THEIRS)
    found = sums(source, THEIRS)
    connection_of(target).execute("UPDATE attempt SET detail = 'x' WHERE delivery = 4004")
    differing = sums(target, THEIRS)
    assert {table for table in found if found[table] != differing[table]} == {"attempt"}
    connection_of(target).execute("DELETE FROM body WHERE seq = 1003")
    differing = sums(target, THEIRS)
    assert {table for table in found if found[table] != differing[table]} == {"attempt", "body"}


def test_rows_and_numbers_are_estimated(stores: tuple[Subject, Subject]) -> None:
    source, _ = stores
    estimated = source.ask(lambda store: store.count_family_rows(THEIRS))
    events = theirs()["event"]
    made = sum(event["deliveries"] for event in events)
    assert estimated == 3 + 3 * len(events) + 2 * made
    facts = source.ask(lambda store: store.facts_of_family(THEIRS))
    assert facts.rows == estimated and facts.held_ms is None
    bodies = sum(len(b"{}") for _ in events)
    assert facts.bytes == estimated * family_pages.ROW_BYTES + bodies
    highest = source.ask(lambda store: store.highest_numbers_of(THEIRS))
    numbered = [(table, column) for table, column in NUMBERED.items()]
    assert highest >= max(row[column] for table, column in numbered for row in theirs()[table])
