"""Rows of families between stores in memory: of whatever families there are, and at what cost."""

from collections.abc import Sequence
from math import inf
from typing import Any, cast

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.store.moving.families_filled import (
    family_rows,
    stored_rows,
)
from tests.store.moving.stores_in_memory import (
    APART,
    BASE,
    BESIDE,
    THEIRS,
    copy,
    step,
    stored,
    sums,
)
from tidings.core.cells.families import FamilyMove
from tidings.store.sql.facts.numbers import NUMBERED
from tidings.store.sql.moving.family_pages import FamilyPages
from tidings.store.sqlite.halves import WritingHalf


@st.composite
def shapes(draw: st.DrawFn) -> dict[int, int]:
    """Children of a family by their parents, in whatever order of their ids."""
    ids = draw(st.permutations(range(2, 12)))[: draw(st.integers(0, 6))]
    above: list[int] = [THEIRS]
    children = {}
    for child in ids:
        children[child] = draw(st.sampled_from(above))
        above.append(child)
    return children


@settings(max_examples=12, deadline=None)
@given(shapes(), st.integers(0, 30), st.integers(0, 30), st.integers(0, 1))
def test_whatever_a_family_is_it_goes_whole_and_alone(
    children: dict[int, int], events: int, others: int, first: int
) -> None:
    """Its numbers stand between those of another family."""
    theirs = family_rows(THEIRS, children, BASE + first, events, stride=APART)
    beside = family_rows(BESIDE, {1001: 1000}, BASE + 1 - first, others, stride=APART)
    source, target = stored((THEIRS, theirs), (BESIDE, beside)), stored()
    alone, apart = stored((THEIRS, theirs)), stored((BESIDE, beside))
    step(source, FamilyMove.BEGIN, FamilyMove.SEAL)
    step(target, FamilyMove.RECEIVE)
    copy(source.family_pages, target.family_pages)
    assert sums(source.family_pages) == sums(target.family_pages)
    step(target, FamilyMove.SWITCH)
    step(source, FamilyMove.SWITCHED)
    while source.family_pages.drop(THEIRS, 2):
        pass
    assert stored_rows(target.connection) == stored_rows(alone.connection)
    assert stored_rows(source.connection) == stored_rows(apart.connection)
    assert not source.families.are_all_here
    step(source, FamilyMove.EMPTY)
    assert source.families.are_all_here, "no write looks anything up any more"
    assert not source.families.is_here(THEIRS) and source.families.is_here(BESIDE)
    for half in (source, target, alone, apart):
        half.close()


def test_numbers_that_arrive_are_named_before_and_with_their_rows() -> None:
    theirs = family_rows(THEIRS, {2: 1}, BASE)
    source, target = stored((THEIRS, theirs)), stored()
    step(source, FamilyMove.BEGIN, FamilyMove.SEAL)
    step(target, FamilyMove.RECEIVE)
    admitted, noted = NamedNumbers(target), NamedNumbers(target)
    pages = FamilyPages(target.connection, target.families, admitted, noted)
    copy(source.family_pages, pages)
    expected = {
        table: sorted(row[column] for row in theirs[table]) for table, column in NUMBERED.items()
    }
    assert admitted.found == noted.found == expected
    assert (admitted.in_transaction, noted.in_transaction) == ({False}, {True})
    step(target, FamilyMove.REFUSE)
    admitted.found, noted.found = {}, {}
    while pages.drop(THEIRS, 2):
        pass
    assert (admitted.found, noted.found) == ({}, expected)


def test_what_was_taken_back_is_dropped_again() -> None:
    theirs = family_rows(THEIRS, {2: 1}, BASE)
    half = stored((THEIRS, theirs))
    step(half, FamilyMove.BEGIN, FamilyMove.SEAL, FamilyMove.SWITCHED)
    refused = {"delivery", "event", "webhook"}

    def note(table: str, _: Sequence[int]) -> None:
        if table in refused:
            refused.remove(table)
            raise apsw.FullError("the disk is full")

    pages = FamilyPages(half.connection, half.families, note=note)
    is_left, faults = True, 0
    while is_left:
        try:
            is_left = pages.drop(THEIRS, 2)
        except apsw.FullError:
            faults += 1
    assert faults == 3
    assert not any(stored_rows(half.connection).values())


class NamedNumbers:
    """Keeps what it is called with, and whether a transaction was open."""

    def __init__(self, half: WritingHalf) -> None:
        self._half = half
        self.found: dict[str, list[int]] = {}
        self.in_transaction: set[bool] = set()

    def __call__(self, table: str, numbers: Sequence[int]) -> None:
        self.in_transaction.add(not cast(Any, self._half.connection).get_autocommit())
        self.found[table] = sorted([*self.found.get(table, []), *numbers])


@pytest.mark.parametrize("others", [0, 2200])
def test_a_page_is_full_where_there_are_rows_for_one(others: int) -> None:
    """A trip between cells costs more than a page."""
    theirs = family_rows(THEIRS, {}, BASE, 2200, body=bytes(100), stride=2)
    beside = family_rows(BESIDE, {}, BASE + 1, others, stride=2)
    source, target = stored((THEIRS, theirs), (BESIDE, beside)), stored()
    step(source, FamilyMove.BEGIN, FamilyMove.SEAL)
    step(target, FamilyMove.RECEIVE)
    unhurried = FamilyPages(source.connection, source.families, now_s=lambda: inf)
    rows = sum(len(made) for made in theirs.values())
    assert copy(unhurried, target.family_pages) < 2 * rows / 2048 + 60
