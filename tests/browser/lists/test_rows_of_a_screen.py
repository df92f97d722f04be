"""How much of a list is seen without scrolling, and that no screen is too narrow for it."""

from functools import partial
from pathlib import Path

import pytest

from ..overflow import OVERFLOW
from .conftest import LookedThrough
from .crowd import MANY, Crowd

pytestmark = pytest.mark.systems

ROWS_MIN = 15
CARD_MAX = 320  # pixels of a row
HEIGHTS = """() => [...document.querySelectorAll("main tbody tr")]
  .map((row) => row.getBoundingClientRect().height)"""
SEEN = """() => {
  const top = document.querySelector(".bar").getBoundingClientRect().bottom;
  const rows = [...document.querySelectorAll("main tbody tr")]
    .map((row) => row.getBoundingClientRect());
  return [rows.length, rows.filter((box) => box.top >= top && box.bottom <= innerHeight).length];
}"""
TALL = """() => [...document.querySelectorAll("main tbody tr")]
  .filter((row) => row.getBoundingClientRect().height > 34).map((row) => row.innerText)"""
CUT = """() => [...document.querySelectorAll("main table")]
  .filter((table) => table.scrollWidth > table.parentElement.clientWidth + 1)
  .map((table) => [table.scrollWidth, table.parentElement.clientWidth])"""
UNTOLD = """() => [...document.querySelectorAll("main td.cut")]
  .filter((cell) => cell.scrollWidth > cell.clientWidth)
  .filter((cell) => !cell.title && !cell.querySelector("[title]"))
  .map((cell) => cell.innerText)"""


def test_a_list_shows_fifteen_rows_of_one_line_on_a_screen(
    look: LookedThrough, crowd: Crowd, screenshots: Path | None
) -> None:
    reader, short = look(1280), {}
    for name, path in crowd.lists():
        reader.go(path)
        reader.shot(screenshots, f"crowd-{name}-wide")
        there, seen = reader.page.evaluate(SEEN)
        assert there >= MANY, f"{name} has too few rows to be looked at: {there}"
        tall = reader.page.evaluate(TALL)
        if seen < ROWS_MIN or tall:
            short[name] = (seen, tall)
    assert not short


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_no_list_is_wider_than_its_screen(
    width: int, look: LookedThrough, crowd: Crowd, screenshots: Path | None
) -> None:
    reader, wide = look(width), {}
    for name, path in crowd.lists():
        reader.go(path)
        reader.shot(screenshots, f"crowd-{name}-{width}")
        found = [reader.page.evaluate(script) for script in (OVERFLOW, CUT)]
        if any(found):
            wide[name] = found
    assert not wide


def test_a_card_of_a_narrow_screen_has_no_column_of_letters(
    look: LookedThrough, crowd: Crowd
) -> None:
    reader, tall = look(360), {}
    for name, path in crowd.lists():
        reader.go(path)
        heights = reader.page.evaluate(HEIGHTS)
        if max(heights) > CARD_MAX:
            tall[name] = max(heights)
    assert not tall


def test_what_a_row_cuts_off_stands_in_its_title(look: LookedThrough, crowd: Crowd) -> None:
    reader, untold = look(1280), {}
    for name, path in crowd.lists():
        reader.go(path)
        if found := reader.page.evaluate(UNTOLD):
            untold[name] = found[:3]
    assert not untold


def test_a_folded_change_of_the_audit_log_opens_by_the_keyboard(
    look: LookedThrough, crowd: Crowd
) -> None:
    reader = look(1280)
    reader.go(f"/console/o/{crowd.org}/audit")
    fold = reader.page.locator("tbody details").first
    see = partial(fold.locator(".changes").is_visible)
    assert not see()
    fold.locator("summary").focus()
    reader.page.keyboard.press("Enter")
    assert see()
