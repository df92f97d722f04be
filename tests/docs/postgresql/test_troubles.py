"""Whatever a store in PostgreSQL refuses is in the table of the page, as the source says it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import tidings
from tests.docs.source_texts import _words
from tests.syntax import parsed, walk
from tidings.settings.load import SettingsRefused, load

SOURCE = Path(tidings.__file__).parent
PAGE = (SOURCE.parents[1] / "docs/postgresql.md").read_text("utf-8")
SCOPE = (
    *("store/postgres", "store/hosting", "store/copying", "store/sql/copy_marks.py", "app/keys"),
    *("app/database.py", "app/database_operations.py", "app/store_copying.py"),
    *("app/start_retry.py", "cli/serving/database_commands.py", "settings/conflicts.py"),
)
ALSO = ("engine/vault.py", "settings")  # what a start says of settings and keys, in rows too
KINDS = re.compile(r"\w*(Refused|Down|Unusable|Unreachable|NotOwner|WrongKey|CommandExit)")


def modules(scope: tuple[str, ...]) -> Iterator[tuple[Path, ast.Module]]:
    """The modules of files and folders."""
    for name in scope:
        place = SOURCE / name
        for path in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            yield path.relative_to(SOURCE), parsed(path)


def texts() -> Iterator[tuple[str, str]]:
    """Where something is refused, and in which words."""
    for path, tree in modules(SCOPE):
        for function in walk(tree):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                for line, text in _refused(function):
                    yield f"{path}:{line}", text


def settings_refused() -> Iterator[str]:
    """What is put together of parts: of a URI with a password, and of one that is none."""
    for uri in ("postgresql://me:hush@db/tidings", "mysql://db"):
        with pytest.raises(SettingsRefused) as caught:
            load({}, None, {"database": uri})
        yield from caught.value.problems


def _refused(function: ast.AST) -> Iterator[tuple[int, str]]:
    nodes = walk(function)
    named = {
        target.id: text
        for node in nodes
        if isinstance(node, ast.Assign) and isinstance(target := node.targets[0], ast.Name)
        if (text := _words(node.value)) is not None
    }
    for node in nodes:
        if isinstance(node, ast.Call):
            by = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if KINDS.fullmatch(by) and node.args:
                [first, *_] = node.args
                text = named.get(first.id, "") if isinstance(first, ast.Name) else _words(first)
                if text and re.search(r"[a-z]{3}", text):
                    yield node.lineno, text


def rows() -> dict[str, list[re.Pattern[str]]]:
    """The first cells of the table, each as the texts that it is of."""
    _, _, table = PAGE.partition("## If it did not work")
    cells = re.findall(r"^\| (`.+?) \| .+ \|$", table, re.M)
    return {cell: [_pattern(words) for words in re.findall(r"`(.+?)`", cell)] for cell in cells}


def _pattern(words: str) -> re.Pattern[str]:
    """What stands for more is `…`; a text may have another sign behind a word than a space."""
    pieces = [re.escape(piece.strip()) for piece in words.split("…")]
    return re.compile(".*".join(pieces), re.S)


def test_every_text_of_the_source_has_a_row() -> None:
    patterns = [pattern for row in rows().values() for pattern in row]
    found = [*texts()]
    assert len({text for _, text in found}) > 50
    missing = {
        place: text
        for place, text in found
        if not any(pattern.search(text) for pattern in patterns)
    }
    assert missing == {}


@pytest.mark.parametrize("row", rows())
def test_every_row_is_of_a_text_of_the_source(row: str) -> None:
    said = [*settings_refused()]
    for _, tree in modules(SCOPE + ALSO):
        said += [text for node in walk(tree) if (text := _of(node))]
    for pattern in rows()[row]:
        assert any(pattern.search(text) for text in said), pattern.pattern


def _of(node: ast.AST) -> str | None:
    return _words(node) if isinstance(node, ast.expr) else None


def test_what_is_said_ends_with_what_to_do() -> None:
    """A refusal for good is two sentences; what is down is told by who waits for it."""
    for place, text in texts():
        if text[:1].isupper() or text.startswith("…"):
            assert re.search(r"[.;:…)] \S|: \S", text), f"{place}: {text}"
