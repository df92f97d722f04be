"""Which tests are near a module: those called like it, those that import it, those beside them."""

import re
from functools import cache
from pathlib import Path

_IMPORT = re.compile(r"^(?:from|import) (tidings[\w.]*)(?: import \(?([^)]*)\)?)?", re.MULTILINE)
_FAR = ("e2e", "browser", "systems", "simulation", "mutants", "examples")  # whole programs, or days
_SYSTEMS = re.compile(r"^pytestmark = .*\bsystems\b", re.MULTILINE)


@cache
def imports_of(path: Path) -> frozenset[str]:
    """Return the modules that a file of tests imports by name."""
    found: set[str] = set()
    for module, names in _IMPORT.findall(path.read_text("utf-8")):
        found.add(module)
        found |= {f"{module}.{name.strip()}" for name in names.split(",")}
    return frozenset(found)


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

    def rank(path: Path) -> tuple[int, int, str]:
        called = path.stem.removeprefix("test_").startswith(inside.name)
        imported = name in imports_of(path)
        beside = path.parent == folder
        closeness = (called and (beside or imported), imported, beside)
        return (
            -sum(1 << (2 - i) for i, is_so in enumerate(closeness) if is_so),
            len(imports_of(path)),
            str(path),
        )

    ranked = sorted((rank(path), path) for path in test_files(tests))
    return [path for (closeness, _, _), path in ranked if closeness < 0] or [
        path for path in test_files(tests) if inside.parts[0] in path.relative_to(tests).parts[:1]
    ]
