"""Every code by which something is refused or warned of, with what it says:
`python -m tests.docs.errors.error_codes docs/contract/errors.md` makes the page of all.

They are gathered from the code: whatever is handed to a parameter named `code`, of a function or of
a class, as a text or number, by a name, or as one of two.
"""

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import NamedTuple

import tidings
from tests.docs.source_texts import SENTENCE, _words, values
from tests.syntax import parsed, walk

SOURCE = Path(tidings.__file__).parent
DOCS = SOURCE.parents[1] / "docs"
APART = (
    "node_modules",
    "demo",
    "simulator",
)  # they have codes of events, not of errors
OF_THE_FILE = SOURCE / "core/actions/file"  # its codes are told with places, and never answered
Code = str | int


def modules() -> list[tuple[Path, ast.Module]]:
    """All of the code that may refuse."""
    return [
        (path, parsed(path))
        for path in sorted(SOURCE.rglob("*.py"))
        if not set(APART) & set(path.relative_to(SOURCE).parts) and OF_THE_FILE not in path.parents
    ]


def takers(trees: list[tuple[Path, ast.Module]]) -> dict[str, set[int]]:
    """Who takes a code: names of functions and classes, with its places among the arguments."""
    found: dict[str, set[int]] = {}
    for _, tree in trees:
        for node in walk(tree):
            if isinstance(node, ast.ClassDef):
                fields = [
                    stmt.target.id
                    for stmt in node.body
                    if isinstance(stmt, ast.AnnAssign) and isinstance(stmt.target, ast.Name)
                ]
                if "code" in fields:
                    found.setdefault(node.name, set()).add(fields.index("code"))
                for stmt in node.body:
                    if isinstance(stmt, ast.FunctionDef) and stmt.name == "__init__":
                        names = [a.arg for a in stmt.args.args][1:]
                        if "code" in names:
                            found.setdefault(node.name, set()).add(names.index("code"))
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                names = [a.arg for a in node.args.args]
                names = names[1:] if names[:1] in (["self"], ["cls"]) else names
                if "code" in names and node.name != "__init__":
                    found.setdefault(node.name, set()).add(names.index("code"))
                elif "code" in [a.arg for a in node.args.kwonlyargs]:
                    found.setdefault(node.name, set())
    return found


OF_RECORDS = frozenset(
    {"ParsedField", "NewCredential", "Person", "Attribution", "Store", "Till", "RecordBody"}
)
# Kinds of declared fields are handed the end of a sentence; it begins so.
BEGINS = {
    "TextType": "… must be text of … …; got …. ",
    "Nested": "… must be an object of …; got …. ",
}
LETTERS_MIN = 12
STATUSES = frozenset(str(httpstatus.value) for httpstatus in HTTPStatus)
CODE = re.compile(r"[a-z]+(?:_[a-z0-9]+)*|[1-9][0-9]{2,}")


def constants(trees: list[tuple[Path, ast.Module]]) -> dict[str, set[Code]]:
    """Texts and numbers that have a name in some module."""
    found: dict[str, set[Code]] = {}
    for _, tree in trees:
        for node in tree.body:
            for name, value in _assigned(node):
                for element in _plain(value):
                    found.setdefault(name, set()).add(element)
    return found


def _assigned(node: ast.stmt) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(node, ast.Assign):
        for target in node.targets:
            if isinstance(target, ast.Name):
                yield target.id, node.value
            elif isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                for name, value in zip(target.elts, node.value.elts, strict=True):
                    if isinstance(name, ast.Name):
                        yield name.id, value
    elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
        yield node.target.id, node.value


def _plain(value: ast.expr) -> Iterator[Code]:
    if isinstance(value, ast.Dict):
        for expr in value.values:
            yield from _plain(expr)
    elif isinstance(value, ast.Constant) and isinstance(value.value, str | int):
        if not isinstance(value.value, bool):
            yield value.value


def _codes(value: ast.expr, named: dict[str, set[Code]]) -> Iterator[Code]:
    """What an argument may be, as far as it stands in the code."""
    if isinstance(value, ast.IfExp):
        yield from _codes(value.body, named)
        yield from _codes(value.orelse, named)
    elif isinstance(value, ast.BoolOp):
        for expr in value.values:
            yield from _codes(expr, named)
    elif isinstance(value, ast.Subscript):  # one of a table
        yield from _codes(value.value, named)
    elif isinstance(value, ast.Call) and getattr(value.func, "attr", "") == "get":
        yield from _codes(value.func.value, named)  # type: ignore[attr-defined]
    elif isinstance(value, ast.Name):
        yield from named.get(value.id, ())
    elif isinstance(value, ast.Attribute):
        yield from named.get(value.attr, ())
    else:
        yield from _plain(value)


class Given(NamedTuple):
    """A code at one place of the code."""

    file: str
    line: int
    said: str  # the longest text that goes with it there; "" where it is put together elsewhere


@cache
def codes() -> dict[str, list[Given]]:
    """All of them, each with the places where it is given; gathered once."""
    trees = modules()
    who, named = takers(trees), constants(trees)
    found: dict[str, set[Given]] = {}
    for path, tree in trees:
        file, whole = path.relative_to(SOURCE).as_posix(), walk(tree)
        for line, said, given in values(whole):
            for element in _codes(given, named):
                found.setdefault(str(element), set()).add(Given(file, line, said))
        for scope in whole:
            if isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef | ast.Module):
                nodes = whole if scope is tree else walk(scope)
                for code, line, said in _of_scope(scope, nodes, who, named):
                    found.setdefault(code, set()).add(Given(file, line, said))
    return {code: sorted(found[code]) for code in sorted(found)}


def _of_scope(
    scope: ast.FunctionDef | ast.AsyncFunctionDef | ast.Module,
    nodes: list[ast.AST],
    who: dict[str, set[int]],
    named: dict[str, set[Code]],
) -> Iterator[tuple[str, int, str]]:
    local, texts = dict(named), {}
    for node in scope.body if isinstance(scope, ast.Module) else nodes:
        if isinstance(node, ast.stmt):
            for name, value in _assigned(node):
                local[name] = set(_codes(value, named))
                if said := _words(value):
                    texts[name] = said
    for node in nodes:
        if not isinstance(node, ast.Call):
            continue
        by = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if by in OF_RECORDS or by not in who:
            continue
        given = [keyword.value for keyword in node.keywords if keyword.arg == "code"]
        given += [node.args[at] for at in sorted(who[by]) if at < len(node.args)]
        for value in given:  # functions of one name may differ: the first that may be a code is it
            found = {str(code) for code in _codes(value, local)}
            found = {code for code in found if CODE.fullmatch(code) and code not in STATUSES}
            for code in found:
                yield code, node.lineno, BEGINS.get(by, "") + _said(node, texts)
            if found:
                break


def _said(node: ast.Call, texts: dict[str, str]) -> str:
    """The longest sentence among the arguments, without the place at its end."""
    found = [""]
    for arg in [*node.args, *(keyword.value for keyword in node.keywords)]:
        said = texts.get(arg.id) if isinstance(arg, ast.Name) else _words(arg)
        if said and " " in said and SENTENCE.fullmatch(said):
            found.append(re.sub(r" \([^()]*, [^()]*\)$", "", said))
    return max(found, key=len)


HEAD = """# Errors: every code

Made from the code by `make docs`. Each answer that refuses says in one text what must be, what
came, what to do, and where: `(code, field)`. Warnings have codes of the same list. `…` stands for
what is filled in. Where a code has several texts, the fullest is shown. How answers look:
[api.md](api.md).

Numbers are of the original. Where the original has none, `/v3` gives the status in its place:
`(400, …)`, `(403, …)`, `(404, …)`.

| Code | One of its texts |
|---|---|
"""
TAIL = """
## If it did not work

- The text says what to do; the code is for programs. One that is not here is a fault of this page:
  tell us.
"""


def _letters(said: str) -> int:
    return sum(text.isalpha() for text in said)


def page() -> str:
    """The whole of it."""
    rows = []
    for code, given in codes().items():
        said = max((pair.said for pair in given), key=_letters)
        if _letters(said) < LETTERS_MIN:  # nearly all of it is filled in
            said = "The text is put together where it is said: it names what may stand there."
        rows.append(f"| `{code}` | {said.replace('|', chr(92) + '|').replace(chr(10), ' ')} |")
    return HEAD + "\n".join(rows) + "\n" + TAIL


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), "utf-8")
