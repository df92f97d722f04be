"""The page that sets Tidings beside the original: every row has a verdict, every test exists."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/contract/original.md"
HEAD = "| The original | Source | Here | Test |"
SOURCES = ("documented", "observed", "inferred", "not documented", "the platform itself")
VERDICT = re.compile(r"holds\b|\*\*differs\*\*: \S|\*\*not there\*\*: \S")
NAMED = re.compile(r"`(tests/[\w/]+\.py)::([\w:]+)`")
SECTIONS = (
    "The webhooks call",
    "Fields of a webhook",
    "Errors and access",
    "Event metadata",
    "The configuration screen",
    "Event feed",
    "Logs",
    "Metrics",
    "Delivery",
    "Enrichment",
    "Events",
    "Time zones",
)


def rows() -> list[list[str]]:
    """The cells of every row."""
    lines = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| ")]
    return [
        [cell.strip() for cell in line.strip("|").split(" | ")] for line in lines if line != HEAD
    ]


@cache
def names_in(path: Path) -> frozenset[str]:
    """The tests of a file, those of classes as `Class::test`."""
    found = set()
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.ClassDef):
            found |= {f"{node.name}::{stmt.name}" for stmt in node.body if hasattr(stmt, "name")}
    return frozenset(name for name in found if name.split("::")[-1].startswith("test_"))


def lacks(row: list[str]) -> str:
    """What is wrong with a row; empty for nothing."""
    if len(row) != 4 or not all(row):
        return "it has no four cells"
    _, source, verdict, shown = row
    if not source.startswith(SOURCES):
        return f"its source is no kind that is known: {source}"
    if not VERDICT.match(verdict):
        return f"its verdict is none, or says no reason: {verdict}"
    named = NAMED.findall(shown)
    if shown != "–" and "<br>".join(f"`{path}::{name}`" for path, name in named) != shown:
        return f"its tests are not written as paths and names: {shown}"
    for path, name in named:
        if not (ROOT / path).exists() or name not in names_in(ROOT / path):
            return f"there is no test {path}::{name}"
    if not named and not verdict.startswith("**not there**") and "as it comes" not in verdict:
        return "it says that something is so, and names no test"
    return ""


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0][:60])
def test_every_row_has_a_source_a_verdict_and_tests_that_exist(row: list[str]) -> None:
    assert lacks(row) == ""


def test_a_row_that_lacks_something_is_seen() -> None:
    real = "`tests/docs/test_original.py::test_a_row_that_lacks_something_is_seen`"
    assert lacks(["It does", "documented: Page", "holds", real]) == ""
    for row in (
        ["It does", "documented: Page", "holds", ""],
        ["It does", "heard of", "holds", real],
        ["It does", "documented: Page", "perhaps", real],
        ["It does", "documented: Page", "**differs**", real],
        ["It does", "documented: Page", "holds", real.replace("_seen", "_unseen")],
        ["It does", "documented: Page", "holds", real.replace("docs", "nowhere")],
        ["It does", "documented: Page", "holds", "somewhere"],
        ["It does", "documented: Page", "holds", "–"],
    ):
        assert lacks(row) != "", row


def test_every_part_of_the_original_has_its_table() -> None:
    text = PAGE.read_text("utf-8")
    assert tuple(re.findall(r"^## (.+)\n\n\| The original", text, re.MULTILINE)) == SECTIONS
