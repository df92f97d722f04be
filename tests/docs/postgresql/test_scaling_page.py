"""The page on scaling: its model follows from the inputs that it names, and those are measured."""

import math
import re
from pathlib import Path

from tidings.store.postgres.inspection.server_findings import (
    OWNER_CONNECTIONS,
    STANDBY_CONNECTIONS,
)

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "scaling.md").read_text("utf-8")
HOURS, DAY_S = 730, 86_400
MEASURED = {
    "measured/the-path.md": ("392", "5,669", "6,187", "4,715", "5,035", "7,254", "8,110"),
    "measured/postgresql.md": ("5,075", "takes\n105 µs", "2,331", "2,352"),
    "measured/sources.md": ("10,956",),
    "measured/actions.md": ("2,937", "977"),
    "measured/scaling.md": ("| 126 (", "| 132 (", "| 30 (", "| 26 (", "| 55 |", "| 59 |"),
    "postgresql.md": ("1,194", "1,771", "costs 0.9 s", "111,111"),
}


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def number(text: str) -> float:
    """Read the first number of a text."""
    return float(re.findall(r"[\d,]+(?:\.\d+)?", text)[0].replace(",", ""))


def table(heading: str) -> list[list[str]]:
    """Read the rows of the table whose head begins so."""
    _, _, behind = PAGE.partition(f"| {heading} |")
    rows, _, _ = behind.partition("\n\n")
    return [cells(line) for line in rows.splitlines()[2:]]


def test_the_table_is_what_the_model_makes_of_its_inputs() -> None:
    inputs = [row[1] for row in table("Input")]
    planned, service, server, retention, wal, _, cores, shared = (number(text) for text in inputs)
    body, rest = (number(text) for text in inputs[5].split(" and "))
    rows = table("events/s")
    assert [row[0] for row in rows][:: len(rows) - 1] == ["1,000", "1,000,000"]
    for row in rows:
        rate = number(row[0])
        services = math.ceil(rate / planned)
        made = [
            f"{services:,}",
            f"{math.ceil(services / shared):,}",
            f"{rate * (service + server + retention) / 1e6:,.1f}",
            f"{services * cores:,.0f}",
            f"{services * cores * HOURS:,.0f}",
            f"{rate * wal / 1e6:,.1f}",
            *(
                f"{rate * DAY_S * (body * payload + rest * metadata) / 1e12:,.1f}"
                for payload, metadata in ((30, 90), (9, 9))
            ),
        ]
        assert row[1:] == made


def test_what_it_takes_from_a_page_stands_there() -> None:
    for name, figures in MEASURED.items():
        text = (DOCS / name).read_text("utf-8")
        assert name in PAGE
        for figure in figures:
            assert figure in text, (name, figure)
            assert re.findall(r"[\d,.]+", figure)[0] in PAGE


def test_where_it_ends_is_what_an_event_takes() -> None:
    for us, ends in (
        (126, "7,900"),
        (132, "7,600"),
        (30, "33,000"),
        (105, "9,500"),
        (55, "18,000"),
    ):
        assert math.isclose(1e6 / us, number(ends), rel_tol=0.02)
        assert f"{us}" in PAGE and ends in PAGE


def test_it_counts_connections_as_the_server_is_looked_at() -> None:
    [counted] = re.findall(r"\[(\d+) connections\]", PAGE)
    assert int(counted) == OWNER_CONNECTIONS + STANDBY_CONNECTIONS + 1


def test_it_calls_the_model_one_and_leads_to_what_cells_do_and_do_not() -> None:
    assert "This is a model and not a measurement" in PAGE
    assert "[Several cells](cells.md)" in PAGE
    assert "## What there is not yet" in (DOCS / "cells.md").read_text("utf-8")
