"""Conformance: rows of a family that is not here are in no answer to a start, nor changed by it."""

from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec
import pytest

from tests.store.conformance.adapters import IN_PROCESS, TRIED
from tests.store.conformance.subject import Subject
from tests.store.moving.by_rows.row_copies import (
    connection_of,
    copy,
    fill,
    pages,
    step,
    sums,
    write,
)
from tests.store.moving.families_filled import Rows, family_rows, stored_rows
from tidings.core.cells.families import FamilyId, FamilyMove
from tidings.store import port
from tidings.store.hosting.calls import answering
from tidings.store.sql.configuration.family_guard import FOR_NONE
from tidings.store.sql.facts.absences import LEFT_OUT, OF_ONE
from tidings.store.sql.halves import RowReader
from tidings.store.sql.invariants import INVARIANTS, find_broken
from tidings.store.sql.moving import family_pages

THEIRS, BESIDE = FamilyId(10), FamilyId(20)
LATE = 1 << 50
ASKED: dict[str, Callable[[port.Store], Awaitable[Any]]] = {
    "recover": lambda store: store.recover(100, None),
    "past_attempts": lambda store: store.past_attempts(0, 1000, 1000),
    "incidents": lambda store: store.incidents(port.IncidentQuery()),
    **{
        name: lambda store, name=name: getattr(store, name)()  # type: ignore[misc]
        for name in LEFT_OUT.keys() - {"recover", "past_attempts", "incidents"}
    },
}
OF_THE_STORE = frozenset(
    (
        "commit move_family family_row families close read_family_rows write_family_rows"
        " sum_family_rows drop_family_rows count_family_rows highest_numbers_of facts_of_family"
        " number_ranges end_endless_range grant_ranges begin_range give_up_ranges note_epoch"
        " installation key_check put_key_check kept_keys put_anchor shorten_anchors note_restore"
        " retention_state kept_list list_piece put_list_piece put_kept_list forget_lists"
        " drop_list_pieces file_space give_back clock_leaps"
    ).split()
)


def beside() -> Rows:
    """A family that is here."""
    return family_rows(BESIDE, {21: 20}, 5_000_000)


def theirs() -> Rows:
    """One that comes, or has gone."""
    return family_rows(THEIRS, {11: 10, 5: 11}, 1000)


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Callable[..., Subject]]:
    """Make a store with these families."""
    opened: list[Subject] = []

    def made(*families: tuple[FamilyId, Rows]) -> Subject:
        [adapter] = [IN_PROCESS[name] for name in IN_PROCESS if name in TRIED]
        opened.append(Subject(adapter, tmp_path / str(len(opened))))
        fill(opened[-1], *families)
        return opened[-1]

    yield made
    for subject in opened:
        subject.close()


def answers(subject: Subject) -> dict[str, Any]:
    """What a start is answered."""
    found = {name: subject.ask(ask) for name, ask in ASKED.items()}
    found["load"] = msgspec.structs.replace(found["load"], registry_version=0)
    for name in ("recover", "unfinished"):  # when it is due is of the clock
        found[name] = [(backlog.webhook, backlog.pending) for backlog in found[name]]
    found["owed"] = subject.commit().owed, subject.ask(lambda store: store.owed_before(LATE))
    left: list[int] = []
    place: tuple[int, int, int, int] | None = (0, 0, 0, 0)
    while place is not None:
        at = place
        page = subject.ask(lambda store: store.unfinished_before(LATE, at, 5))  # noqa: B023
        left, place = left + list(page.deliveries), page.place
    return found | {"unfinished_before": left}


def test_each_method_that_reads_for_all_orgs_leaves_out_what_is_not_here() -> None:
    named = [*LEFT_OUT, *OF_ONE, *OF_THE_STORE]
    assert len(named) == len({*named})
    assert {*named} - FOR_NONE == LEFT_OUT.keys() & answering(RowReader).keys()
    assert FOR_NONE <= {*named}


def test_a_family_that_arrives_is_in_no_answer_to_a_start(stores: Callable[..., Subject]) -> None:
    source, target = stores((THEIRS, theirs())), stores((BESIDE, beside()))
    alone = stores((BESIDE, beside()))
    step(source, THEIRS, FamilyMove.BEGIN, FamilyMove.SEAL)
    step(target, THEIRS, FamilyMove.RECEIVE)
    copy(source, target, THEIRS)
    expected = sums(source, THEIRS)
    for subject in (alone, target):
        subject.crash()
    answered = answers(alone)
    assert answers(target) == answered
    assert all(answered[name] for name in LEFT_OUT.keys() - {"past_attempts"}), "each has some"
    assert sums(target, THEIRS) == expected, "a start changes nothing of it"


def test_a_family_that_has_moved_is_found_by_a_start_as_it_was(
    stores: Callable[..., Subject],
) -> None:
    source, target = stores((THEIRS, theirs())), stores()
    as_it_was = stores((THEIRS, theirs()))
    step(source, THEIRS, FamilyMove.BEGIN, FamilyMove.SEAL)
    step(target, THEIRS, FamilyMove.RECEIVE)
    copy(source, target, THEIRS)
    step(target, THEIRS, FamilyMove.SWITCH)
    for subject in (as_it_was, target):
        subject.crash()
    answered = answers(as_it_was)
    assert answers(target) == answered
    assert all(answered[name] for name in LEFT_OUT.keys() - {"past_attempts"}), "each has some"
    moved, stayed = (stored_rows(connection_of(subject)) for subject in (target, as_it_was))
    dated = ("delivery", "attempt")  # recovered, at another time
    assert {table: moved[table] for table in moved if table not in dated} == {
        table: stayed[table] for table in stayed if table not in dated
    }


def test_a_family_that_has_gone_is_in_no_answer_to_a_start(stores: Callable[..., Subject]) -> None:
    source, alone = stores((THEIRS, theirs()), (BESIDE, beside())), stores((BESIDE, beside()))
    step(source, THEIRS, FamilyMove.BEGIN, FamilyMove.SEAL, FamilyMove.SWITCHED)
    for subject in (alone, source):
        subject.crash()
    assert answers(source) == answers(alone)


def test_a_start_changes_nothing_of_a_family_that_is_sealed_and_answers_with_it(
    stores: Callable[..., Subject],
) -> None:
    source = stores((THEIRS, theirs()), (BESIDE, beside()))
    step(source, THEIRS, FamilyMove.BEGIN, FamilyMove.SEAL)
    before = sums(source, THEIRS)
    rows = stored_rows(connection_of(source))
    source.crash()
    answered = answers(source)
    assert sums(source, THEIRS) == before
    assert {org.id for org in answered["load"].orgs} == {5, 10, 11, 20, 21}
    assert stored_rows(connection_of(source)) != rows, "what is not sealed was recovered"


def test_a_store_is_not_called_broken_for_what_comes_or_goes(
    stores: Callable[..., Subject],
) -> None:
    source, target = stores((THEIRS, theirs())), stores()

    def broken(subject: Subject) -> list[str]:
        return [*find_broken(connection_of(subject))]

    def is_odd(subject: Subject) -> bool:
        counts = (
            connection_of(subject).execute(rule.counting()).fetchall()[0][0] for rule in INVARIANTS
        )
        return any(counts)

    assert not is_odd(source)
    odd = False
    step(source, THEIRS, FamilyMove.BEGIN, FamilyMove.SEAL)
    step(target, THEIRS, FamilyMove.RECEIVE)
    for page in pages(source, THEIRS):
        write(target, THEIRS, page)
        odd |= is_odd(target)
        assert broken(target) == []
    assert odd
    step(target, THEIRS, FamilyMove.SWITCH)
    odd = False
    assert broken(target) == []
    assert not is_odd(target)
    step(source, THEIRS, FamilyMove.SWITCHED)
    with patch.object(family_pages, "WORK_S", 0.0):
        while source.ask(lambda store: store.drop_family_rows(THEIRS, 2)):
            odd |= is_odd(source)
            assert broken(source) == []
    assert odd
    step(source, THEIRS, FamilyMove.EMPTY)
    assert broken(source) == []


def test_what_clears_away_for_all_leaves_what_is_copied(stores: Callable[..., Subject]) -> None:
    source = stores((THEIRS, theirs()), (BESIDE, beside()))
    step(source, THEIRS, FamilyMove.BEGIN, FamilyMove.SEAL)
    before = sums(source, THEIRS)
    call = port.KeyedCall(b"another", BESIDE, b"body")  # type: ignore[arg-type]
    subject_of = port.CapUse(5_000_000, b"s", 1, 1, 1000)  # type: ignore[arg-type]
    source.ask(lambda store: store.begin_call(call))
    source.ask(lambda store: store.take_caps([subject_of]))
    assert sums(source, THEIRS) == before
    step(source, THEIRS, FamilyMove.UNDONE)
    source.ask(lambda store: store.begin_call(msgspec.structs.replace(call, place=b"third")))
    source.ask(lambda store: store.take_caps([subject_of]))
    step(source, THEIRS, FamilyMove.BEGIN, FamilyMove.SEAL, number=3)
    differing = sums(source, THEIRS, 3)
    assert {table for table in before if before[table] != differing.get(table)} == {
        "keyed_call",
        "cap_use",
    }
