"""The tree in CONTRIBUTING.md: `python -m tests.docs.tree CONTRIBUTING.md` writes it anew.

A folder's line is the first sentence of its `__init__`: say there what belongs into the folder. Of
modules it has the declarations alone: those that say "Add a … here; the rest follows".
"""

import ast
import re
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import tidings

SOURCE = Path(tidings.__file__).parent
LIBRARIES = [SOURCE.parent / name for name in ("tidings_consumer", "tidings_producer")]
BEGIN = "<!-- made by `make docs` from the packages: the tree -->"
END = "<!-- the end of the tree -->"
DATA = {  # folders without code: they have no docstring to say it
    "catalogue/shared": "Blocks that several event types share, one JSON file each.",
    "catalogue/types": "The event types, one JSON file each.",
    "console/browser": "The console's browser libraries by version, and the tools that fetch them.",
    "console/static": "Styles, scripts and pictures of the console.",
    "console/templates": "The HTML of the console's pages.",
    "store/postgres/schema": "The migrations of the schema in PostgreSQL, numbered without a gap.",
    "store/sqlite/schema": "The migrations of the database file, numbered without a gap.",
}
DECLARES = re.compile(r"\bAdd an? \w+ here; the rest follows\b")
_SENTENCE = re.compile(r"(?<=[.!?])\s")


@cache
def packages() -> Sequence[Path]:
    """All folders of code, each before those in it, by name."""
    inits = (path for root in (SOURCE, *LIBRARIES) for path in root.rglob("__init__.py"))
    found = (init.parent for init in inits if "node_modules" not in init.parts)
    return sorted(path for path in found if path != SOURCE)


def modules(package: Path) -> list[Path]:
    """The modules of a folder, without its `__init__`."""
    return [path for path in package.glob("*.py") if path.stem != "__init__"]


@cache
def docstring(module: Path) -> str:
    """The docstring of a module; empty where it has none."""
    return ast.get_docstring(ast.parse(module.read_text("utf-8"))) or ""


def sentence(package: Path) -> str:
    """The first sentence of a package's docstring; empty where it has none."""
    return first_sentence(package / "__init__.py")


def first_sentence(module: Path) -> str:
    """The first sentence of a module's docstring; empty where it has none."""
    return _SENTENCE.split(" ".join(docstring(module).split("\n\n")[0].split()))[0]


@cache
def declarations() -> Sequence[Path]:
    """All modules in which something is declared: what else there is of it follows from that."""
    return sorted(
        module
        for package in (SOURCE, *packages())
        for module in modules(package)
        if DECLARES.search(" ".join(docstring(module).split()))
    )


def tree() -> str:
    """The block between the two marks."""
    rows = sorted(_rows(), key=lambda row: (row[0], row[1]))
    width = max(2 * (len(parts) - 1) + len(parts[-1]) for _, parts, _ in rows if parts) + 3
    lines: list[str] = []
    for root, parts, said in rows:
        if not lines or not parts:
            lines.append(f"src/{root}/" if parts else f"src/{root}/  {said}")
        if parts:
            lines.append(f"{'  ' * (len(parts) - 1) + parts[-1]:<{width}}{said}".rstrip())
    return "\n".join([BEGIN, "```", *lines, "```", END])


def _rows() -> Iterator[tuple[str, tuple[str, ...], str]]:
    """The root of each folder and declaration, its parts below it, and what it is."""
    for package in packages():
        root, *parts = package.relative_to(SOURCE.parent).parts
        yield root, _of_folder(parts), sentence(package)
    for folder, said in DATA.items():
        yield SOURCE.name, _of_folder(folder.split("/")), said
    for module in declarations():
        root, *folders, name = module.relative_to(SOURCE.parent).parts
        yield root, (*_of_folder(folders), f"+ {name}"), first_sentence(module)


def _of_folder(parts: Sequence[str]) -> tuple[str, ...]:
    """The parts of a folder's path as the tree writes them."""
    return tuple(f"{part}/" for part in parts)


def with_tree(page: str) -> str:
    """The page with the tree as it is now."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + tree() + after


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(with_tree(path.read_text("utf-8")), "utf-8")
