"""Who waits in a test for what must happen has the patience of a busy machine: two minutes.

A program, a server or a browser is given so long to start, to answer and to end, and a test is
ended for hanging no sooner than by the default. What a shorter wait shows is a promise in time: of
a test that runs alone, or a line says what it is (`# shorter: …`).
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.harness.until import PATIENCE_S
from tests.syntax import walk

TESTS = Path(__file__).parents[1]
HANGS_S = 300
"""After which the default ends a test that hangs (pyproject.toml)."""
EXEMPT = "# shorter: "
PROGRAMS = (
    *("run", "communicate", "check_output", "check_call", "urlopen"),
    *("HTTPConnection", "HTTPSConnection", "create_connection"),
)
WAITS = {"wait": 2, "drained": 0, "over": 2}
"""What waits for receivers and deliveries, and at which place its seconds may stand."""


def impatient(source: str) -> Iterator[int]:
    """Find the lines of calls that give up sooner than a busy machine needs."""
    lines, module = source.splitlines(), ast.parse(source)
    if "mark.alone" in source:
        return
    constants = {
        node.targets[0].id: node.value.value
        for node in module.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Constant)
    }

    def gives_up(node: ast.expr, least_s: float) -> bool:
        value = node.value if isinstance(node, ast.Constant) else None
        if isinstance(node, ast.Name):
            value = constants.get(node.id)
        return isinstance(value, int | float) and value < least_s

    for node in walk(module):
        if not isinstance(node, ast.Call):
            continue
        if any(EXEMPT in line for line in lines[node.lineno - 1 : node.end_lineno]):
            continue
        name = ast.unparse(node.func)
        named = {word.arg: word.value for word in node.keywords}
        last = name.rpartition(".")[2]
        waits = [*node.args[2:3], *named.values()] if name == "until" else []
        if last in WAITS:
            waits += [*node.args[WAITS[last] :], *filter(None, [named.get("seconds")])]
        if last in PROGRAMS and "timeout" in named:
            waits.append(named["timeout"])
        if any(gives_up(wait, PATIENCE_S) for wait in waits):
            yield node.lineno
        if name.endswith("mark.timeout") and gives_up(node.args[0], HANGS_S):
            yield node.lineno


@pytest.mark.parametrize(
    "line",
    [
        "until(there, 'it', 30)",
        "until(there, 'it', seconds=30.0)",
        "SOON_S = 5\nuntil(there, 'it', SOON_S)",
        "receiver.wait(path, 3, 20)",
        "mail.wait(3, seconds=60)",
        "api.drained(30)",
        "subprocess.run(command, timeout=20)",
        "forked.run(command, timeout=60, env={})",
        "out, _ = process.communicate(timeout=60)",
        "line = http.client.HTTPConnection('127.0.0.1', port, timeout=5)",
        "pytestmark = pytest.mark.timeout(60)",
    ],
)
def test_who_gives_up_early_is_found(line: str) -> None:
    assert len([*impatient(line)]) == 1


@pytest.mark.parametrize(
    "line",
    [
        "until(there, 'it')",
        "until(there, 'it', 240)",
        "receiver.wait(path, 3)",
        "api.drained()",
        "until(there, 'it', PATIENCE_S)",
        "until(there, 'it', 5)  # shorter: it is promised",
        "pytestmark = pytest.mark.alone\nuntil(there, 'it', 5)",
        "subprocess.run(command, timeout=120)",
        "pytestmark = pytest.mark.timeout(300)",
    ],
)
def test_who_is_patient_is_let_be(line: str) -> None:
    assert not [*impatient(line)]


def test_no_test_gives_up_early() -> None:
    found = [
        f"{path.relative_to(TESTS)}:{line}"
        for path in TESTS.rglob("*.py")
        if path.parent != Path(__file__).parent and "node_modules" not in path.parts
        for line in impatient(path.read_text("utf-8"))
    ]
    assert not found, "a busy machine needs longer: " + str(found)
