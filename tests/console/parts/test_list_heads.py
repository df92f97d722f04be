"""Lists of the console have their heads from their declaration, and name each cell by it."""

import re
from pathlib import Path

import pytest

from tidings import list_columns
from tidings.console import frame
from tidings.console.words import head_cells
from tidings.list_columns import ListColumn, ResourceList, Shown

TEMPLATES = Path(frame.__file__).parent / "templates"
TABLE = re.compile(r"head_cells\(lists\.(\w+)\.page.*?</table>", re.DOTALL)
CELL = re.compile(r'<td data-label="([^"]*)"( class="n")?|\{\{ customer\(')
USES = [
    pytest.param(found[1], found[0], id=f"{path.name}-{found[1]}")
    for path in sorted(TEMPLATES.rglob("*.html"))
    for found in TABLE.finditer(path.read_text("utf-8"))
]


@pytest.mark.parametrize(("name", "table"), USES)
def test_each_cell_says_the_head_that_it_stands_below(name: str, table: str) -> None:
    page = getattr(list_columns, name).page
    cells = [match for match in CELL.finditer(table) if match[1] != "Choose"]
    assert len(cells) == len(page)
    for column, cell in zip(page, cells, strict=True):
        if column.shown is Shown.DONE_HERE:
            assert cell[1] in ("", column.head)  # a button says what it does
        elif cell[1] is not None:
            assert cell[1] == (column.label or column.head)
            assert bool(cell[2]) == (column.shown is Shown.NUMBER)
        else:
            assert column is list_columns.CUSTOMER


def test_each_list_of_pages_is_shown() -> None:
    declared = {
        name
        for name, value in vars(list_columns).items()
        if isinstance(value, ResourceList) and value.page
    }
    assert {use.values[0] for use in USES} == declared


def test_heads_say_what_is_counted_and_hide_what_only_a_button_needs() -> None:
    columns = (
        ListColumn("A & B"),
        ListColumn("Done", shown=Shown.NUMBER, title='all "done"'),
        ListColumn("Check", shown=Shown.DONE_HERE),
    )
    seen = (
        '<th scope="col">A &amp; B</th>'
        '<th scope="col" class="n" title="all &#34;done&#34;">Done</th>'
    )
    assert head_cells(columns, acts=False) == seen
    assert head_cells(columns) == f'{seen}<th scope="col"><span class="quiet">Check</span></th>'
