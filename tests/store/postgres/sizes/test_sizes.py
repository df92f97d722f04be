"""The sizes in docs/postgresql.md are those that a small store has, too."""

import re
from pathlib import Path

import pytest

from tests.postgres_server import shared_server
from tests.store.postgres.sizes.figure import ROWS, WITHOUT_FULL_PAGES, measure
from tidings.core.orgs.retention import DEFAULT

PAGE = Path(__file__).parents[4] / "docs/postgresql.md"
# A short log has pages that are half full, and its segments are merged less often; the WAL is that
# of all who write on the server meanwhile.
BOUND, WAL_BOUND = 0.25, 0.6
LITTLE = 40  # bytes an event: of what is so little, a page more makes a great part
DAY_S = 86_400


def documented() -> dict[str, list[int]]:
    """The table of the page, by what its rows are of."""
    page = PAGE.read_text("utf-8")
    names = {text: name for name, text in ROWS.items()}
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in re.findall(r"^\|.+\|$", page, re.M)
    ]
    return {
        names[text]: [int(number.replace(",", "")) for number in numbers]
        for text, *numbers in rows
        if text in names
    }


def test_the_page_has_every_row_and_the_sums() -> None:
    found = documented()
    assert found.keys() == ROWS.keys()
    parts = [found[name] for name in ("tables", "indexes", "toast", "search")]
    for total, *shares in zip(found["on_disk"], *parts, strict=True):
        assert abs(sum(shares) - total) <= 2  # each is rounded


def test_what_the_sizes_mean_is_reckoned_from_them() -> None:
    found = documented()
    page = PAGE.read_text("utf-8")
    assert f"with the {DEFAULT.payload_days} and {DEFAULT.metadata_days} days" in " ".join(
        page.split()
    )
    rows = re.findall(r"^\| (\d+) events?/s \| (.+) \|$", page, re.M)
    assert len(rows) == 3
    for rate, cells in rows:
        a_day = int(rate) * DAY_S / 1e9
        expected = [
            a_day * (body * DEFAULT.payload_days + (disk - body) * DEFAULT.metadata_days)
            for body, disk in zip(found["body"], found["on_disk"], strict=True)
        ] + [a_day * wal for wal in found["wal"]]
        numbers = [float(cell.replace(",", "").removesuffix(" GB")) for cell in cells.split(" | ")]
        for number, exactly in zip(numbers, expected, strict=True):
            assert abs(number - exactly) <= 0.05 * exactly, (rate, number, exactly)


@pytest.mark.systems
@pytest.mark.parametrize(("column", "webhooks", "events"), [(0, 1, 4096), (1, 20, 1024)])
def test_an_event_of_a_small_store_takes_what_the_page_has(
    column: int, webhooks: int, events: int
) -> None:
    server = shared_server()
    server.set(WITHOUT_FULL_PAGES)
    try:
        found = measure(server.lend_database(), events, webhooks)
    finally:
        server.set("full_page_writes = on")
    for name, numbers in documented().items():
        bound = max((WAL_BOUND if name == "wal" else BOUND) * numbers[column], LITTLE)
        assert abs(getattr(found, name) - numbers[column]) <= bound, f"{name}: {found}"
