"""Pages over all cells: each row once, in one order while all answer, whoever is away meanwhile."""

import random

import pytest

from tidings.core.cells.families import CellId
from tidings.core.cells.merged_pages import (
    CellRows,
    CellsCursor,
    merge_pages,
    read_cells_cursor,
)

ONE, TWO = CellId(1), CellId(2)


def rows_of(numbers: list[int], after: int, limit: int) -> CellRows[int]:
    following = [number for number in numbers if number > after]
    return CellRows([(number, number) for number in following[:limit]], len(following) > limit)


@pytest.mark.parametrize("seed", range(50))
def test_each_row_comes_once_whoever_is_away_in_between(seed: int) -> None:
    chance = random.Random(seed)
    numbers = chance.sample(range(1, 500), 60)
    cells = {CellId(cell): sorted(numbers[cell::4]) for cell in range(4)}
    is_steady = seed % 2 == 0
    limit, cursor, got = chance.randrange(1, 12), CellsCursor(), list[int]()
    for round_number in range(1000):
        away = set() if is_steady or round_number > 100 else {
            cell for cell in cells if chance.random() < 0.3
        }  # fmt: skip
        found = {
            cell: rows_of(own, cursor.of(cell), chance.randrange(1, limit + 1))
            for cell, own in cells.items()
            if cell not in away
        }
        page = merge_pages(cursor, found, away, limit)
        assert len(page.rows) <= limit
        if page.following is None and away:
            continue  # the end of what is there: who is called says so, and is called again
        got.extend(page.rows)
        if page.following is None:
            break
        read = read_cells_cursor(page.following.write())
        assert read == page.following
        cursor = page.following
    if is_steady:
        assert got == sorted(numbers)
    assert sorted(got) == sorted(numbers)


def test_a_family_on_its_way_comes_once() -> None:
    found = {ONE: CellRows([(1, "a"), (2, "b")], False), TWO: CellRows([(2, "b")], False)}
    assert merge_pages(CellsCursor(), found, (), 10).rows == ["a", "b"]


def test_nonsense_of_a_cell_is_no_page_without_end() -> None:
    found = {ONE: CellRows([(9, "z"), (3, "c"), (1, "a")], False), TWO: CellRows[str]([], True)}
    page = merge_pages(CellsCursor(2), found, (), 10)
    assert page.rows == ["c", "z"] and page.following is None


@pytest.mark.parametrize("text", ["", "a", "1~", "1~2", "-1", "1~2.x", "١", "9" * 17])
def test_what_is_no_cursor_is_none(text: str) -> None:
    assert read_cells_cursor(text) is None
