"""Which tests are near a module: those called like it, those that import it, those beside them."""

import ast
import re
from functools import cache
from pathlib import Path

_FAR = ("e2e", "browser", "systems", "simulation", "mutants", "examples")  # whole programs, or days
_SYSTEMS = re.compile(r"^pytestmark = .*\bsystems\b", re.MULTILINE)
_WORD_LEAST = 4  # a shorter stem is in the names of many that are not about it


@cache
def _imports(path: Path) -> frozenset[str]:
    """Return the modules that a file imports, and the names from them."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{name.name}" for name in node.names)}
    return frozenset(found)


@cache
def imports_of(path: Path) -> frozenset[str]:
    """Return the modules of ours that a file of tests imports, and the names from them."""
    return frozenset(name for name in _imports(path) if name.startswith("tidings"))


@cache
def _through_helpers(path: Path, tests: Path) -> frozenset[str]:
    """Return the modules of ours that a file of tests imports through modules beside tests."""
    found, seen, to_read = set[str](), {path}, [path]
    while to_read:
        current = to_read.pop()
        found |= imports_of(current)
        for name in _imports(current):
            helper = tests.parent.joinpath(*name.split(".")).with_suffix(".py")
            if name.startswith("tests.") and helper not in seen and helper.is_file():
                seen.add(helper)
                to_read.append(helper)
    return frozenset(found)


@cache
def _importers(source: Path) -> dict[str, frozenset[str]]:
    """Return for each module of ours the modules that import it."""
    found: dict[str, set[str]] = {}
    for path in source.rglob("*.py"):
        importer = ".".join(("tidings", *path.relative_to(source).with_suffix("").parts))
        for name in imports_of(path):
            found.setdefault(name, set()).add(importer.removesuffix(".__init__"))
    return {name: frozenset(importers) for name, importers in found.items()}


@cache
def test_files(tests: Path) -> tuple[Path, ...]:
    """Return the files of tests that need no program of the system."""
    return tuple(
        path
        for path in sorted(tests.rglob("test_*.py"))
        if path.relative_to(tests).parts[0] not in _FAR
        and not _SYSTEMS.search(path.read_text("utf-8"))
    )


def near(module: Path, source: Path, tests: Path) -> list[Path]:
    """Return the files of tests near a module below `source` (`src/tidings`), the nearest first."""
    inside = module.relative_to(source).with_suffix("")
    name = ".".join(("tidings", *inside.parts))
    folder = tests / inside.parent
    word = inside.name.removesuffix("s")
    subject = inside.parts[-2] if len(inside.parts) > 1 else ""

    users = _importers(source).get(name, frozenset())

    def closeness(path: Path) -> int:
        stem, parts = path.stem.removeprefix("test_"), path.relative_to(tests).parts
        imported = name in imports_of(path)
        called = len(word) >= _WORD_LEAST and word in stem
        beside = path.parent == folder
        if called and (beside or imported):
            return 5
        if imported:
            return 4
        if called and (parts[0] == inside.parts[0] or subject in parts[:-1]):
            return 3
        helped = name in _through_helpers(path, tests)
        # The adapters of the store are tried by what its port promises.
        alike = inside.parts[0] == "store" and "conformance" in parts and subject in parts[:-1]
        used = bool(users & imports_of(path))
        about = bool(subject) and subject.removesuffix("s") in stem
        if ((beside or about) and (used or helped)) or alike:
            return 2
        return 1 if beside or called or used or helped else 0

    def distance(path: Path) -> int:
        same_floor = path.relative_to(tests).parts[0] == inside.parts[0]
        return 0 if path.parent == folder else 1 if same_floor else 2

    ranked = sorted(
        (-closeness(path), distance(path), len(imports_of(path)), path)
        for path in test_files(tests)
    )
    return [path for negative, *_, path in ranked if negative < 0] or [
        path for path in test_files(tests) if inside.parts[0] in path.relative_to(tests).parts[:1]
    ]
