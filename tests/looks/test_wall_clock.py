"""No test gives a bound in time by the clock on the wall but one that runs alone: others may use
the machine. The time of a loop is virtual, for the most."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.syntax import walk

TESTS = Path(__file__).parents[1]
CLOCKS = ("monotonic", "perf_counter", "time.monotonic", "time.perf_counter", "time.time")
BY_CLOCK = "# by the clock: "
"""Where it is a bound of the other side, a line says why."""


def _is_alone(node: ast.AST) -> bool:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return any("mark.alone" in ast.unparse(mark) for mark in node.decorator_list)
    return (
        isinstance(node, ast.Assign)
        and ast.unparse(node.targets[0]) == "pytestmark"
        and "mark.alone" in ast.unparse(node.value)
    )


def _since(node: ast.AST, names: set[str]) -> bool:
    """Tell whether an expression is how long something lasted."""
    for part in walk(node):
        if isinstance(part, ast.Name) and part.id in names:
            return True
        if isinstance(part, ast.BinOp) and isinstance(part.op, ast.Sub):
            for call in walk(part.left):
                if isinstance(call, ast.Call) and ast.unparse(call.func) in CLOCKS:
                    return True
    return False


def bounds(source: str) -> Iterator[int]:
    """Find the lines that assert that something lasted no longer by the clock on the wall."""
    if not any(clock in source for clock in CLOCKS):
        return  # most files: none of them has to be parsed
    lines, module = source.splitlines(), ast.parse(source)
    if any(map(_is_alone, module.body)):
        return
    for function in walk(module):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if _is_alone(function):
            continue
        names = {
            node.targets[0].id
            for node in walk(function)
            if isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and isinstance(node.value, ast.BinOp)
            and _since(node.value, set())
        }
        for node in walk(function):
            if isinstance(node, ast.Assert) and BY_CLOCK not in lines[node.lineno - 1]:
                for compare in walk(node.test):
                    if isinstance(compare, ast.Compare):
                        terms = [compare.left, *compare.comparators]
                        for left, sign, right in zip(terms, compare.ops, terms[1:], strict=False):
                            less = isinstance(sign, ast.Lt | ast.LtE)
                            more = isinstance(sign, ast.Gt | ast.GtE)
                            if (less and _since(left, names)) or (more and _since(right, names)):
                                yield node.lineno


@pytest.mark.parametrize(
    "line",
    [
        "assert time.monotonic() - began < 3",
        "assert 0.2 <= monotonic() - began < 3",
        "assert 3 > time.time() - began",
        "assert ok and monotonic() - began <= 3.0",
        "took = time.perf_counter() - began\n    assert took < 3",
    ],
)
def test_a_bound_by_the_clock_on_the_wall_is_found(line: str) -> None:
    assert len([*bounds(f"def test_it():\n    {line}")]) == 1
    assert [*bounds(f"@pytest.mark.systems\ndef test_it():\n    {line}")]
    assert not [*bounds(f"@pytest.mark.alone\ndef test_it():\n    {line}")]


@pytest.mark.parametrize(
    "line",
    [
        "assert monotonic() - began > 0.2",
        "assert 0.2 < time.monotonic() - began",
        "assert time.process_time() - began < 3",
        "assert took_s() < 3",
        "assert loop.time() - began < 3",
        "assert time.monotonic() < until_s",
        "assert time.time() - began < 3  # by the clock: it is frozen",
    ],
)
def test_what_is_none_is_let_be(line: str) -> None:
    assert not [*bounds(f"def test_it():\n    {line}")]


def test_no_test_has_a_bound_by_the_clock_on_the_wall() -> None:
    found = [
        f"{path.relative_to(TESTS)}:{line}"
        for folder in TESTS.iterdir()
        for path in (folder.rglob("*.py") if folder.is_dir() else [folder])
        if path.suffix == ".py"
        for line in bounds(path.read_text("utf-8"))
    ]
    assert not found, "tests/loops/own_time.py counts what a process was given: " + str(found)
