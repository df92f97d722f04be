"""The record of budgets names every bounded table in the code: who fills it, and who gives way."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.syntax import parsed, walk

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "tidings"
RECORD = (ROOT / "docs" / "decisions" / "0018-budgets.md").read_text("utf-8")
PROGRAMS = ("cli", "demo", "simulator")  # each is one person's, and ends
TYPES = frozenset(
    "SharedTable SharedBudget ByteCache CompiledSchemas Semaphore BoundedSemaphore FairQueue "
    "OrderedDict Queue ConnectionTurns PermitQueue Permits PlaceQueue SharedPlaces".split()
)
# A length is compared with a bound, and it is of what one call says.
NO_TABLES = {
    "core/shaping/reference_rows:_open",
    "core/shaping/reference_rows:_rest",
    "destinations/action/calls:_path",
}
# What is dropped there is one entry an org, or costs no more than to make it again; see the record.
DROPS = {"engine/events/loops.py", "console/kept_pages.py"}
_ROW = re.compile(r"^\| `([a-z0-9_/]+:[A-Za-z_]+)` \| (.+) \| (.+) \| (.+) \| (.+) \|$", re.M)


def _name(node: ast.AST) -> str:
    while isinstance(node, ast.Subscript):
        node = node.value
    return getattr(node, "attr", getattr(node, "id", ""))


def _bounds(call: ast.AST | None) -> bool:
    """Whether this makes something that holds so much and no more."""
    if not isinstance(call, ast.Call):
        return False
    name = _name(call.func)
    return name in TYPES or (
        name == "deque" and any(keyword.arg == "maxlen" for keyword in call.keywords)
    )


def _tables(tree: ast.AST) -> Iterator[str]:
    for node in walk(tree):
        if isinstance(node, ast.Assign) and _bounds(node.value):
            yield _name(node.targets[0])
        elif isinstance(node, ast.AnnAssign) and _bounds(node.value):
            yield _name(node.target)
        elif isinstance(node, ast.FunctionDef):
            names = (_name(getattr(made, "func", made)) for made in node.decorator_list)
            if "lru_cache" in names:
                yield node.name
        elif isinstance(node, ast.Compare) and isinstance(node.left, ast.Call):
            long = _name(node.left.func) == "len" and isinstance(node.ops[0], ast.Gt | ast.GtE)
            of = node.left.args[0] if node.left.args else node
            if long and isinstance(of, ast.Attribute) and _name(node.comparators[0]).isupper():
                if _name(of.value) == "self":
                    yield of.attr


def bounded() -> set[str]:
    """Every bounded table of the service, as `module:name`."""
    found = set()
    for path in sorted(SOURCE.rglob("*.py")):
        module = path.relative_to(SOURCE).with_suffix("").as_posix()
        if module.split("/")[0] not in PROGRAMS:
            found |= {f"{module}:{name}" for name in _tables(parsed(path))}
    return found - NO_TABLES


def test_every_bounded_table_says_who_fills_it_and_what_becomes_of_the_others_entries() -> None:
    rows = {row[0] for row in _ROW.findall(RECORD)}
    assert bounded() - rows == set(), "add a row to docs/decisions/0018-budgets.md"
    assert rows - bounded() == set(), "they are not there any more"


def test_every_row_names_a_test_that_is_there() -> None:
    for table, *_, test in _ROW.findall(RECORD):
        path = test.strip("`").split("::")[0]
        assert (ROOT / path).is_file(), f"{table}: {path}"


def test_nothing_is_cleared_as_a_whole_or_dropped_whosever_it_is() -> None:
    """The ways in which shared tables lost others' entries do not come back unseen."""
    lost = re.compile(r"popitem\(last=False\)|del self\._\w+\[next\(iter\(")
    found = {
        path.relative_to(SOURCE).as_posix()
        for path in SOURCE.rglob("*.py")
        if path.relative_to(SOURCE).parts[0] not in PROGRAMS
        and lost.search(path.read_text("utf-8"))
    }
    assert found == DROPS
