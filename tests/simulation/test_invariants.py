"""The table of invariants names places that are there and assert what it says."""

import ast
import re
from pathlib import Path

import tests.simulation

HERE = Path(__file__).parent
ROW = re.compile(r"^\| (\d+) \| .* \| (.*) \|$", re.MULTILINE)
PLACE = re.compile(r"([\w/]+\.py) `(\w+)`")
WANTED = {6, 7, *range(20, 31), 32, 33, 44, 45, *range(52, 60)}


def asserts(file: str, name: str, number: str) -> bool:
    """Whether the function or class asserts it under its number."""
    for node in ast.walk(ast.parse((HERE / file).read_text())):
        named = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        if named and node.name == name:  # type: ignore[attr-defined]  # as `named` says
            return any(
                isinstance(element, ast.Assert)
                and re.search(rf"\b{number}\b", ast.unparse(element))
                for element in ast.walk(node)
            )
    return False


def test_every_invariant_is_asserted_where_the_table_says() -> None:
    rows = ROW.findall(tests.simulation.__doc__ or "")
    assert {int(number) for number, _ in rows} == WANTED
    for number, where in rows:
        places = PLACE.findall(where)
        assert places, number
        for file, name in places:
            assert asserts(file, name, number), (number, file, name)
