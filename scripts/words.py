"""Check the words of the code: `python scripts/words.py`, as `make check` runs it.

- A class name stands once in each installed package (`twice` lists the exceptions, with reasons).
- Our identifiers hold no retired word (`RETIRED`); `kept` lists names of wire, columns, settings.
- A loop variable is named after the thing, never `one`, `item`, `it` or `x` (`loops`: exceptions).
- A docstring opens with a verb or names a thing, never with What, Who, Whether, How or Those. That
  of a public function in `src` opens with one of `verbs`; a property may name what it is, a route
  what its callers read, and generated code (`made`) says what the catalogue says.
- A `name` in the docstring of a definition stands in its module, in one that this imports, or on
  the wire and in SQL; a retired word in its module alone (`named`: exceptions).
"""

import ast
import re
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LISTS = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
RETIRED = re.compile(r"(^|_)(said|told|came|standing|aside)(_|$)", re.IGNORECASE)
VAGUE = frozenset(("one", "item", "it", "x", "entry"))
OPENINGS = re.compile(r"(What|Who|Whose|Whom|Whether|How|Those)\b")
TICKED = re.compile(r"`([a-z_][a-z0-9_]*)`")
WORD = re.compile(r"\w+")
VERBS = frozenset(LISTS["verbs"].split())
Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def main() -> int:
    """Print what breaks a rule; return 1 if anything does."""
    found = list(faults())
    print(*found, sep="\n", end="\n" if found else "")
    return 1 if found else 0


def faults() -> Iterator[str]:
    """Yield every fault in the sources, as `path:line: sentence`."""
    classes: dict[tuple[str, str], list[str]] = defaultdict(list)
    sources: dict[str, ast.Module] = {}
    for folder in LISTS["folders"]:
        for file in sorted((ROOT / folder).rglob("*.py")):
            path = file.relative_to(ROOT).as_posix()
            if "node_modules" in path:
                continue
            tree = ast.parse(file.read_bytes())
            package = "/".join(path.split("/")[:2])
            for node in ast.walk(tree):
                if isinstance(node, ast.ClassDef):
                    classes[package, node.name].append(f"{path}:{node.lineno}")
            yield from _of_file(path, tree)
            if path.startswith("src/"):
                sources[path] = tree
    yield from _unknown_names(sources)
    for (package, name), places in classes.items():
        if len(places) > 1 and name not in LISTS["twice"] and package.startswith("src/"):
            yield f"{places[1]}: class {name} stands at {places[0]} too. Name it by its role."


def _of_file(path: str, tree: ast.Module) -> Iterator[str]:
    """Yield the faults of one file."""
    kept = LISTS["kept"]
    is_ours, is_made = path.startswith("src/"), path.startswith(tuple(LISTS["made"]))
    for node in ast.walk(tree):
        for line, name in _names(node):
            if is_ours and RETIRED.search(name) and path not in kept.get(name, ()):
                yield f"{path}:{line}: {name} holds a retired word. Use the trade's."
        for line, name in _loop_variables(node):
            if name in VAGUE and path not in LISTS["loops"].get(name, ()):
                yield f"{path}:{line}: the loop variable {name} must name the thing."
        if isinstance(node, Definition) and is_ours and not is_made:
            text = ast.get_docstring(node) or ""
            if opening := OPENINGS.match(text):
                place, rule = f"{path}:{node.lineno}", "must open with a verb, as Return or Compute"
                yield f"{place}: the docstring of {node.name} {rule}; got {opening[1]}."
            elif text and _is_public_function(node):
                opening_word = text.split(maxsplit=1)[0].rstrip(".:,;")
                if opening_word not in VERBS:
                    place, rule = f"{path}:{node.lineno}", "must open with a verb of words.toml"
                    yield f"{place}: the docstring of {node.name} {rule}; got {opening_word}."


def _is_public_function(node: Definition) -> bool:
    """Return whether code calls this: no class, property or route, and nothing private."""
    if isinstance(node, ast.ClassDef) or node.name.startswith("_"):
        return False
    marks = {ast.unparse(mark).partition("(")[0] for mark in node.decorator_list}
    return not marks & {"property", "cached_property", "route"}  # a route's is read by callers


def _unknown_names(sources: dict[str, ast.Module]) -> Iterator[str]:
    """Yield the names in docstrings that are called otherwise by now."""
    known = {path: set(_words(path, tree)) for path, tree in sources.items()}
    wire = {word for path in ROOT.glob("src/**/*.sql") for word in WORD.findall(path.read_text())}
    for tree in sources.values():
        wire.update(word for text in _texts(tree) for word in WORD.findall(text))
    for path, tree in sources.items():
        near = known[path] | wire
        for name in _imported(tree):
            near |= known.get(f"src/{name}.py", set()) | known.get(f"src/{name}/__init__.py", set())
        for node in ast.walk(tree):
            if isinstance(node, Definition):
                for word in TICKED.findall(ast.get_docstring(node) or ""):
                    found = known[path] if RETIRED.search(word) else near
                    if word not in found and path not in LISTS["named"].get(word, ()):
                        place = f"{path}:{node.lineno}: the docstring of {node.name}"
                        yield f"{place} names `{word}`, which is not there."


def _words(path: str, tree: ast.Module) -> Iterator[str]:
    """Yield all words of a module but those of its docstrings."""
    yield from WORD.findall(path)
    for node in ast.walk(tree):
        if isinstance(node, Definition):
            yield node.name
        elif isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.arg | ast.keyword):
            yield node.arg or ""
        elif isinstance(node, ast.alias):
            yield from node.name.split(".")
            yield node.asname or ""
    for text in _texts(tree):
        yield from WORD.findall(text)


def _texts(tree: ast.Module) -> Iterator[str]:
    """Yield the texts of a module that are no sentences."""
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if id(node) not in docstrings and " " not in node.value:
                yield node.value


def _imported(tree: ast.Module) -> Iterator[str]:
    """Yield the modules that a module imports, as paths without an ending."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            for name in (node.module, *(f"{node.module}.{alias.name}" for alias in node.names)):
                yield name.replace(".", "/")


def _names(node: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the names that a node gives: of definitions, parameters, variables and attributes."""
    if isinstance(node, Definition):
        yield node.lineno, node.name
    elif isinstance(node, ast.arg):
        yield node.lineno, node.arg
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.lineno, node.id
    elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
        yield node.lineno, node.attr


def _loop_variables(node: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the variables that a loop or a comprehension binds."""
    if isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
        for name in ast.walk(node.target):
            if isinstance(name, ast.Name):
                yield name.lineno, name.id


if __name__ == "__main__":
    sys.exit(main())
