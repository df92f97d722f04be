"""A test that finds nothing wrong has looked at something: where it looked at nothing it fails.

A loop of assertions over no rows, `all(…)` of none and `not any(…)` of none pass whatever the
service does. So to all tests something is added as pytest compiles them: after the outermost loop
that asserts, itself or by a function of its module, that an assertion was reached; of what an
assertion looks through for all or none, that there is something. Where nothing may be there, the
line of the loop or of the assertion says so and why: `# may be empty: …`. What is drawn at random
is let be, and so is what one round of a loop looks through.

This leans on names that pytest does not promise, as `tests/rewriting.py` does: `install` is to run
before a test is imported.
"""

import ast
from collections.abc import Iterable, Set
from itertools import chain
from pathlib import Path
from typing import Any, Never, cast
from zlib import crc32

from _pytest.assertion import rewrite

from tests.syntax import walk

EXEMPT = "# may be empty: "
TESTS = Path(__file__).parents[1]
# Of what is added and to which: pytest keeps what it made of a test until that test changes.
_VERSION = f"looked{crc32(Path(__file__).read_bytes()):x}"
_MODULE = "@pytest_ar"  # as which pytest imports its own module into each test
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.GeneratorExp)
_Function = ast.FunctionDef | ast.AsyncFunctionDef


def install() -> None:
    """Have pytest make tests that fail where they looked at nothing."""
    made = rewrite.rewrite_asserts

    def rewrite_asserts(
        mod: ast.Module, source: bytes, module_path: str | None = None, config: Any = None
    ) -> None:
        if is_looked_after(module_path or ""):
            add_looks(mod, source.decode("utf-8"))
        made(mod, source, module_path, config)

    if _VERSION not in rewrite.PYC_TAIL:
        rewrite.PYC_TAIL = f".{_VERSION}{rewrite.PYC_TAIL}"
        rewrite.rewrite_asserts = rewrite_asserts
        rewrite.traverse_node = walk  # type: ignore[assignment]  # half of what it takes
        rewrite._fail_of_nothing = fail_of_nothing  # type: ignore[attr-defined]
        rewrite._require_some = require_some  # type: ignore[attr-defined]


def is_looked_after(path: str) -> bool:
    """Tell whether the tests of a file must look at something: all of ours, no plugin's."""
    return Path(path).resolve().is_relative_to(TESTS)


def fail_of_nothing(line: int) -> Never:
    """Raise `AssertionError` for a look at nothing in a line of the test."""
    raise AssertionError(
        f"Line {line} has looked at nothing, so it shows nothing. Assert first that what it looks "
        f"through is there, or end the line with `{EXEMPT}` and why that is well."
    )


def require_some(values: Iterable[Any], line: int) -> Iterable[Any]:
    """Return the values as they are to be looked through; raise `AssertionError` without one."""
    iterator = iter(values)
    for first in iterator:
        return chain((first,), iterator)
    fail_of_nothing(line)


def add_looks(module: ast.Module, source: str) -> None:
    """Add to each test of a module what has it fail where it looks at nothing."""
    exempt = {number for number, line in enumerate(source.splitlines(), start=1) if EXEMPT in line}
    helpers = {
        node.name
        for node in module.body
        if isinstance(node, _Function) and not node.name.startswith("test_") and _asserts(node)
    }
    for node in walk(module):
        if isinstance(node, _Function) and node.name.startswith("test_") and not _is_drawn(node):
            _Looks(exempt, _made_once(node), helpers).generic_visit(node)
            ast.fix_missing_locations(node)


def _is_drawn(test: _Function) -> bool:
    """Tell whether a test is given what is drawn at random, which may be empty now and then."""
    return any(ast.unparse(decorator).startswith("given(") for decorator in test.decorator_list)


def _call(name: str, node: ast.expr | ast.stmt, *arguments: ast.expr) -> ast.Call:
    function = ast.Attribute(ast.Name(_MODULE, ast.Load()), name, ast.Load())
    return ast.Call(function, [*arguments, ast.Constant(node.lineno)], [])


def _is_empty(node: ast.expr) -> bool:
    if isinstance(node, ast.List | ast.Set | ast.Tuple):
        return not node.elts
    called = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id
    return called in ("set", "list", "tuple") and not cast(ast.Call, node).args


def _is_call(node: ast.expr, name: str) -> bool:
    called = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id
    return called == name and len(cast(ast.Call, node).args) == 1


def _of_all_or_none(node: ast.expr) -> list[ast.expr]:
    """Return what a condition looks through for all, or for none: it holds where that is empty.

    A call of `any` or `all`, a comprehension, or a variable that may have been made by one.
    """
    if isinstance(node, ast.BoolOp):
        return [found for value in node.values for found in _of_all_or_none(value)]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return [] if _is_call(node.operand, "all") else [node.operand]
    if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq):
        return [node.left] if _is_empty(node.comparators[0]) else []
    return [node] if _is_call(node, "all") else []


def _require_some_in(look: ast.expr) -> None:
    """Have a comprehension, or what `any` or `all` is called with, raise over nothing."""
    if isinstance(look, ast.Call) and (_is_call(look, "any") or _is_call(look, "all")):
        if not isinstance(look.args[0], _COMPREHENSIONS):
            look.args[0] = _call("_require_some", look.args[0], look.args[0])
        look = look.args[0]
    if isinstance(look, _COMPREHENSIONS) and not look.generators[0].is_async:
        first = look.generators[0]
        first.iter = _call("_require_some", look, first.iter)


def _made_once(test: _Function) -> dict[str, ast.expr]:
    """Return by name what the variables of a test are made of that it sets in one place."""
    made: dict[str, list[ast.expr]] = {}
    for node in walk(test):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            made.setdefault(node.targets[0].id, []).append(node.value)
    return {name: values[0] for name, values in made.items() if len(values) == 1}


class _Looks(ast.NodeTransformer):
    """Adds to one test what has it fail where it looks at nothing."""

    def __init__(self, exempt: set[int], made: dict[str, ast.expr], helpers: set[str]) -> None:
        self.exempt = exempt
        self.made = made
        self.helpers = helpers  # functions of the module that assert
        self.flag = ""  # of the outermost loop around, as the test's variable

    def visit_Assert(self, node: ast.Assert) -> Any:
        if not self.flag and not self.exempt & set(
            range(node.lineno, (node.end_lineno or node.lineno) + 1)
        ):
            for look in _of_all_or_none(node.test):
                name = look.id if isinstance(look, ast.Name) else ""
                _require_some_in(self.made.pop(name, look))
        return [self._reached(node), node] if self.flag else node

    def visit_Expr(self, node: ast.Expr) -> Any:
        return [self._reached(node), node] if self.flag and _calls(node, self.helpers) else node

    def _reached(self, node: ast.stmt) -> ast.stmt:
        flag = ast.Assign([ast.Name(self.flag, ast.Store())], ast.Constant(True))
        return ast.copy_location(flag, node)

    def visit_For(self, node: ast.For | ast.AsyncFor) -> Any:
        if node.lineno in self.exempt:
            return node
        if self.flag or not _asserts(node, self.helpers):
            return self.generic_visit(node)
        self.flag = f"@looked_{node.lineno}_{node.col_offset}"
        self.generic_visit(node)
        begun = ast.Assign([ast.Name(self.flag, ast.Store())], ast.Constant(False))
        nothing = ast.UnaryOp(ast.Not(), ast.Name(self.flag, ast.Load()))
        ended = ast.If(nothing, [ast.Expr(_call("_fail_of_nothing", node))], [])
        self.flag = ""
        return [ast.copy_location(begun, node), node, ast.copy_location(ended, node)]

    visit_AsyncFor = visit_For

    def visit_FunctionDef(self, node: _Function) -> Any:
        flag, self.flag = self.flag, ""  # a variable of the function around
        self.generic_visit(node)
        self.flag = flag
        return node

    visit_AsyncFunctionDef = visit_FunctionDef


def _calls(node: ast.AST, names: Set[str]) -> bool:
    """Tell whether a statement is a call, awaited or not, of one of these functions."""
    call = node.value if isinstance(node, ast.Expr) else None
    call = call.value if isinstance(call, ast.Await) else call
    return isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in names


def _asserts(within: ast.For | ast.AsyncFor | _Function, helpers: Set[str] = frozenset()) -> bool:
    """Tell whether a loop or function asserts, itself or by one of these functions."""
    nodes: list[ast.AST] = [*within.body]
    for node in nodes:
        if isinstance(node, ast.Assert) or _calls(node, helpers):
            return True
        if not isinstance(node, _Function | ast.Lambda | ast.ClassDef):
            nodes += ast.iter_child_nodes(node)
    return False
