"""Draws small bugs from the source: each is one edit that somebody might make by a slip.

A condition is turned, a bound is off by one, a call or an `await` statement is dropped, two
arguments of one type are swapped. Found in the syntax tree and applied to the text, so that what
is shown is the line as its author would see it. A seed ranks the bugs by a hash of what each is and
where it is made (file, function, words of the edit, but no line numbers), and draws the first: a
change of one module changes what is drawn of that module alone.
"""

import ast
import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

FLOORS = ("core", "engine", "store", "sources")
NUMBER_MAX = 10_000  # a larger one is rather a bound in bytes: one more or less is no bug
_COMPARED: dict[type[ast.cmpop], str] = {
    ast.Lt: "<=",
    ast.LtE: "<",
    ast.Gt: ">=",
    ast.GtE: ">",
    ast.Eq: "!=",
    ast.NotEq: "==",
    ast.Is: "is not",
    ast.IsNot: "is",
    ast.In: "not in",
    ast.NotIn: "in",
}
_SIGN = re.compile(r"is\s+not|not\s+in|is|in|[<>!=]=?")
_QUIET = frozenset({"log", "_log", "logger"})  # what is written to the log is no behaviour of ours


@dataclass(frozen=True)
class Mutant:
    """One edit of one file: the text between two offsets is replaced."""

    path: Path
    line: int
    start: int
    end: int
    new: str
    kind: str
    function: str = ""

    def apply(self, source: str) -> str:
        """Return the source with the edit made."""
        return source[: self.start] + self.new + source[self.end :]

    def describe(self, source: str) -> str:
        """Return what is changed, in one line: `core/x.py:12 turned: if a: -> if not (a):`."""
        old, new = source.splitlines(), self.apply(source).splitlines()
        at = next(i for i, (was, now) in enumerate(zip(old, new, strict=False)) if was != now)
        return f"{self.path}:{at + 1} {self.kind}: {old[at].strip()} -> {new[at].strip()}"


class _Text:
    """A source with the offsets of its nodes; ast counts bytes of UTF-8 in a line."""

    def __init__(self, path: Path, source: str) -> None:
        self.path = path
        self.source = source
        self._lines = source.splitlines(keepends=True)
        self._starts = [0]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line))

    def offset(self, line: int, column: int) -> int:
        """Return the offset in characters of a place that ast names."""
        text = self._lines[line - 1].encode()[:column].decode()
        return self._starts[line - 1] + len(text)

    def span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        """Return where a node begins and ends."""
        assert node.end_lineno is not None and node.end_col_offset is not None
        return (
            self.offset(node.lineno, node.col_offset),
            self.offset(node.end_lineno, node.end_col_offset),
        )

    def of(self, node: ast.expr | ast.stmt) -> str:
        """Return a node as it is written."""
        start, end = self.span(node)
        return self.source[start:end]

    def replaced(self, node: ast.expr | ast.stmt, new: str, kind: str) -> Mutant:
        """Return the edit that writes something else for a node."""
        return Mutant(self.path, node.lineno, *self.span(node), new, kind)


def mutants_of(path: Path, source: str) -> Iterator[Mutant]:
    """Yield every bug that can be made in a file, in the order of the text."""
    text, tree = _Text(path, source), ast.parse(source)
    same_types = _same_types(tree)
    for function, node in _behaviour(tree):
        for find in _FINDERS:
            for mutant in find(text, node):
                yield replace(mutant, function=function)
        if isinstance(node, ast.Call):
            for mutant in _swapped(text, node, same_types):
                yield replace(mutant, function=function)


def draw(root: Path, seed: int, count: int) -> list[Mutant]:
    """Draw so many bugs from the floors below `root`, at most one of a file and a kind."""
    first: dict[tuple[str, str], tuple[int, Mutant]] = {}
    for floor in FLOORS:
        for path in sorted((root / floor).rglob("*.py")):
            source, place = path.read_text("utf-8"), str(path.relative_to(root))
            equals: Counter[str] = Counter()
            for mutant in mutants_of(path, source):
                words = (mutant.function, source[mutant.start : mutant.end], mutant.new)
                identity = "\n".join((place, mutant.kind, *words))
                rank = _rank(seed, identity, str(equals[identity]))
                equals[identity] += 1
                key = (place, mutant.kind)
                if key not in first or rank < first[key][0]:
                    first[key] = (rank, mutant)
    drawn = sorted(first, key=lambda key: _rank(seed, *key))[:count]
    return [first[key][1] for key in drawn]


def _rank(seed: int, *words: str) -> int:
    """Compute where something comes in the order of a seed, from the words that name it."""
    digest = hashlib.sha256("\0".join((str(seed), *words)).encode()).digest()
    return int.from_bytes(digest[:8], "big")


def _behaviour(tree: ast.AST, inside: str = "") -> Iterator[tuple[str, ast.AST]]:
    """Yield the nodes inside of functions, each behind the qualified name of its function.

    What stands outside of functions is declared, not done.
    """
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            if node.name not in ("__repr__", "__str__"):
                for statement in node.body:
                    for part in ast.walk(statement):
                        yield f"{inside}{node.name}", part
        else:
            name = f"{inside}{node.name}." if isinstance(node, ast.ClassDef) else inside
            yield from _behaviour(node, name)


def _turned(text: _Text, node: ast.AST) -> Iterator[Mutant]:
    if isinstance(node, ast.If | ast.While | ast.IfExp) and not isinstance(node.test, ast.Constant):
        yield text.replaced(node.test, f"not ({text.of(node.test)})", "turned")
    if isinstance(node, ast.BoolOp):
        words = (" or ", " and ") if isinstance(node.op, ast.And) else (" and ", " or ")
        parts = [f"({text.of(value)})" for value in node.values]
        yield text.replaced(node, f"({words[0].join(parts)})", "turned")


def _compared(text: _Text, node: ast.AST) -> Iterator[Mutant]:
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        start, end = text.span(node.left)[1], text.span(node.comparators[0])[0]
        new = _SIGN.sub(_COMPARED[type(node.ops[0])], text.source[start:end], count=1)
        bound = isinstance(node.ops[0], ast.Lt | ast.LtE | ast.Gt | ast.GtE)
        yield Mutant(text.path, node.lineno, start, end, new, "off by one" if bound else "turned")


def _counted(text: _Text, node: ast.AST) -> Iterator[Mutant]:
    whole = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub)
    if whole and isinstance(node.right, ast.Constant):  # type: ignore[attr-defined]
        number = node.right  # type: ignore[attr-defined]
        if type(number.value) is int and 0 < number.value < NUMBER_MAX:
            yield text.replaced(number, str(number.value - 1), "off by one")


def _dropped(text: _Text, node: ast.AST) -> Iterator[Mutant]:
    if not isinstance(node, ast.Expr):
        return
    call = node.value.value if isinstance(node.value, ast.Await) else node.value
    if isinstance(call, ast.Call) and not _is_logging(call):
        yield text.replaced(node, "pass", "dropped")


def _is_logging(call: ast.Call) -> bool:
    owner = call.func.value if isinstance(call.func, ast.Attribute) else None
    name = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
    return name in _QUIET


def _same_types(tree: ast.Module) -> dict[str, list[int]]:
    """Return for each function of the file where two neighbouring parameters have one type."""
    found: dict[str, list[int]] = {}
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        names = [arg for arg in node.args.args if arg.arg not in ("self", "cls")]
        types = [ast.unparse(name.annotation) if name.annotation else "" for name in names]
        at = [i for i in range(len(types) - 1) if types[i] and types[i] == types[i + 1]]
        if at:
            found[node.name] = at
    return found


def _swapped(text: _Text, call: ast.Call, same_types: dict[str, list[int]]) -> Iterator[Mutant]:
    function = call.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    for at in same_types.get(name, ()):
        if len(call.args) > at + 1:
            first, second = call.args[at], call.args[at + 1]
            if text.of(first) != text.of(second):
                (start, _), (_, end) = text.span(first), text.span(second)
                between = text.source[text.span(first)[1] : text.span(second)[0]]
                new = f"{text.of(second)}{between}{text.of(first)}"
                yield Mutant(text.path, call.lineno, start, end, new, "swapped")


_FINDERS: Sequence[Callable[[_Text, ast.AST], Iterator[Mutant]]] = (
    _turned,
    _compared,
    _counted,
    _dropped,
)
