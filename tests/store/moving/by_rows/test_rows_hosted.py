"""Conformance: rows of families by the processes of a store, as it runs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.store.conformance.adapters import HOSTED, IN_PROCESS, TRIED
from tests.store.conformance.subject import Subject
from tests.store.moving.by_rows.row_copies import copy, drop, fill, step, sums
from tests.store.moving.families_filled import family_rows
from tidings.core.cells.families import FamilyId, FamilyMove
from tidings.store import port

THEIRS = FamilyId(10)


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[tuple[Subject, Subject]]:
    """A store with a family, and one that is new, in processes of their own."""
    [filling] = [name for name in IN_PROCESS if name in TRIED]
    [hosting] = [name for name in HOSTED if name in TRIED]
    filled = Subject(IN_PROCESS[filling], tmp_path / "from")
    fill(filled, (THEIRS, family_rows(THEIRS, {11: 10}, 1000)))
    filled.close()
    source, target = (Subject(HOSTED[hosting], tmp_path / place) for place in ("from", "into"))
    yield source, target
    source.close()
    target.close()


def test_rows_go_from_process_to_process(stores: tuple[Subject, Subject]) -> None:
    source, target = stores
    with pytest.raises(port.StaleChange):
        source.ask(lambda store: store.read_family_rows(THEIRS, 2, None))
    step(source, THEIRS, FamilyMove.BEGIN, FamilyMove.SEAL)
    step(target, THEIRS, FamilyMove.RECEIVE)
    assert copy(source, target, THEIRS) > source.ask(lambda store: store.count_family_rows(THEIRS))
    target.crash()
    assert sums(source, THEIRS) == sums(target, THEIRS)
    highest = source.ask(lambda store: store.highest_numbers_of(THEIRS))
    assert highest == target.ask(lambda store: store.highest_numbers_of(THEIRS))
    step(target, THEIRS, FamilyMove.SWITCH)
    target.reopen()
    assert {org.id for org in target.load().orgs} == {10, 11}
    step(source, THEIRS, FamilyMove.SWITCHED)
    drop(source, THEIRS)
    source.crash()
    assert not source.load().orgs
