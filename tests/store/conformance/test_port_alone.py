"""The suite asks the port alone, so that the author of an adapter has only to name it; and each
case that the port names is there."""

import ast
import re
from pathlib import Path

from tidings.store import port

HERE = Path(__file__).parent
PORT = Path(port.__file__).parent
ASKED = (
    "tidings.core",
    "tidings.store.port",
    "tests.store.conformance",
    "tests.store.rows",
    "tests.loops.own_time",  # how long a case takes, beside what else the machine does
)


def imported(module: Path) -> set[str]:
    """What a module imports of ours; `from tidings.store import port` is `tidings.store.port`."""
    names = set()
    for element in ast.walk(ast.parse(module.read_text())):
        if isinstance(element, ast.ImportFrom):
            names |= {f"{element.module}.{name.name}" for name in element.names}
        elif isinstance(element, ast.Import):
            names |= {name.name for name in element.names}
    return {name for name in names if name.startswith(("tidings", "tests", "apsw"))}


def test_no_case_imports_an_adapter() -> None:
    modules = sorted(HERE.rglob("*.py"))
    assert len(modules) > 20
    strange = {
        (module.name, name)
        for module in modules
        if module.name != "adapters.py"
        for name in imported(module)
        if not name.startswith(ASKED)
    }
    assert strange == set()


def test_each_case_that_a_promise_names_is_there() -> None:
    cases = {
        element.name
        for suite in (HERE, HERE.parent / "cell_map", HERE.parent / "moving")
        for module in suite.rglob("test_*.py")
        for element in ast.walk(ast.parse(module.read_text()))
        if isinstance(element, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    promises = [ast.get_docstring(ast.parse(path.read_text())) for path in PORT.rglob("*.py")]
    named = {name for text in promises for name in re.findall(r"`(test_\w+)`", text or "")}
    assert len(named) > 20
    assert named - cases == set()
