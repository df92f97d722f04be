"""CONTRIBUTING.md is as the code is: its tree, its words, its ways, its recipes."""

import ast
import re
from pathlib import Path

import pytest

from tests.docs.tree import (
    BEGIN,
    DATA,
    END,
    SOURCE,
    declarations,
    modules,
    packages,
    sentence,
    tree,
    with_tree,
)
from tests.syntax import parsed, walk

ROOT = SOURCE.parents[1]
PAGE = ROOT / "CONTRIBUTING.md"
TEXT = PAGE.read_text("utf-8")
MODULES_MIN, MODULES_MAX = 3, 20
TERMS_MAX = 40
CHANGES = [
    "event type",
    "option of a webhook",
    "filter operator",
    "signature scheme",
    "store adapter",
    "destination",
    "source",
    "retry default",
    "delivery column",
    "filter of a log",
    "operational event",
    "authentication towards receivers",
    "webhook's retry policy",
    "latency histogram",
    "new kind of change, with its entry in the audit log",
    "route of the API",
    "setting",
    "command",
    "page of the console",
    "column or a table of the store",
]
# `folder/`, `folder/module.py`, `folder/file_*.sql`; with a class or function behind a colon
PLACE = re.compile(r"`([\w.*-]+(?:/[\w.*-]*)*(?:/|\.(?:py|md|toml|sql|json|html|txt)))(?::(\w+))?`")


def named(text: str) -> list[tuple[str, str]]:
    """Every file or folder that a text names, with what it names in it."""
    return [(path, name or "") for path, name in PLACE.findall(text)]


def section(title: str) -> str:
    """A part of the page, by its heading."""
    found = re.search(rf"^## {title}$(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL)
    assert found is not None, f"CONTRIBUTING.md must have the heading ## {title}"
    return found[1]


def files(path: str) -> list[Path]:
    """The files or folders of a name, as the page writes it: from the root or src/tidings."""
    return [
        element for base in (ROOT, SOURCE, SOURCE.parent) for element in base.glob(path.rstrip("/"))
    ]


def test_the_tree_is_as_it_is_made() -> None:
    assert BEGIN in TEXT and END in TEXT
    assert with_tree(TEXT) == TEXT, "make docs"


@pytest.mark.parametrize(
    "package", packages(), ids=lambda one: one.relative_to(SOURCE.parent).as_posix()
)
def test_a_folder_says_what_it_is_and_has_at_most_twenty_modules(package: Path) -> None:
    assert len(sentence(package).split()) > 2, "its __init__.py must say what belongs here"
    assert len(modules(package)) <= MODULES_MAX


def test_a_subject_of_one_or_two_modules_has_no_folder() -> None:
    found = (package for package in packages() if not list(package.glob("*/__init__.py")))
    assert [path for path in found if len(modules(path)) < MODULES_MIN] == []


def test_a_folder_of_tests_has_at_most_twenty_modules_too() -> None:
    folders = {path.parent for path in (ROOT / "tests").rglob("*.py")}
    assert len(folders) > 40
    assert [folder for folder in folders if len(modules(folder)) > MODULES_MAX] == []


def test_folders_without_code_that_the_tree_names_are_there() -> None:
    assert all((SOURCE / folder).is_dir() for folder in DATA)
    assert all(f"  {folder.split('/')[-1]}/" in tree() for folder in DATA)


def test_a_module_that_declares_fields_says_that_the_rest_follows() -> None:
    declaring = [
        module
        for package in packages()
        for module in modules(package)
        if any(map(_declares_fields, walk(parsed(module))))
    ]
    assert len(declaring) > 15
    assert [module for module in declaring if module not in declarations()] == []


def test_the_tree_shows_each_declaration_below_its_folder() -> None:
    shown = re.findall(r"^ *\+ (\S+) +\S", tree(), re.M)
    assert sorted(shown) == sorted(module.name for module in declarations())
    assert "\n    + fields.py " in tree()


def test_every_file_that_the_page_names_exists() -> None:
    assert len(named(TEXT)) > 100  # the page is read as it is written
    assert [path for path, _ in named(TEXT) if not files(path)] == []


def test_every_class_and_function_that_the_page_names_is_in_its_module() -> None:
    assert [(path, name) for path, name in named(TEXT) if name and not _defines(path, name)] == []


def test_the_glossary_is_short_and_says_where_each_word_lives() -> None:
    rows = re.findall(r"^\| (?!Word)(?!-)(.+?) \| .+ \| (.+?) \|$", section("Words"), re.MULTILINE)
    assert 20 < len(rows) <= TERMS_MAX
    assert len({word for word, _ in rows}) == len(rows)
    assert [word for word, place in rows if not named(place)] == []


def test_the_way_of_an_event_is_twelve_modules_and_fifteen_words() -> None:
    way = section("The way of an event")
    stations = re.findall(r"^(\d+)\. (.+(?:\n   .+)*)", way, re.M)
    assert [int(number) for number, _ in stations] == list(range(1, 13))
    assert [len(named(text)) for _, text in stations] == [1] * 12
    words = re.findall(r"\*\*(\w+)\*\*", way)
    assert 10 < len(set(words) - {"bold"}) <= 15


def test_there_is_a_recipe_for_each_change_with_its_files() -> None:
    recipes = dict(
        re.findall(
            r"^### (?:An?|The) (.+?)\n(.*?)(?=^### |\Z)", section("Twenty changes"), re.M | re.S
        )
    )
    assert list(recipes) == CHANGES
    assert [title for title, text in recipes.items() if len(named(text)) < 3] == []


def test_the_recipe_of_the_store_says_its_true_size() -> None:
    said = re.search(
        r"`store/port/` has some (\d+) methods in (\d+) protocols, .* some ([\d,]+) lines in\n"
        r"(\d+) modules, .* some ([\d,]+) lines",
        TEXT,
    )
    assert said is not None
    store = SOURCE / "store"
    trees = [parsed(path) for path in (store / "port").rglob("*.py")]
    protocols = [
        node
        for tree in trees
        for node in walk(tree)
        if isinstance(node, ast.ClassDef)
        and any(getattr(base, "id", "") == "Protocol" for base in node.bases)
    ]
    methods = [
        node
        for protocol in protocols
        for node in protocol.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    adapter = [
        path
        for part in ("sql", "hosting", "sqlite", "postgres")
        for path in (store / part).rglob("*.py")
    ]
    suite = list((ROOT / "tests/store/conformance").rglob("*.py"))
    true = [
        len(methods),
        len(protocols),
        sum(len(path.read_text().splitlines()) for path in adapter),
        len(adapter),
        sum(len(path.read_text().splitlines()) for path in suite),
    ]
    for word, number in zip(said.groups(), true, strict=True):
        assert abs(int(word.replace(",", "")) - number) <= number / 10, (word, true)


def test_links_lead_to_files_of_the_repository() -> None:
    for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", TEXT):
        assert (ROOT / link).exists(), link


def test_code_that_is_made_says_so_at_its_top() -> None:
    made = list((SOURCE.parent / "tidings_consumer/events").glob("*.py"))
    assert made
    for path in made:
        assert "Made from the catalogue (`make models`)" in path.read_text("utf-8")[:500], path


def _declares_fields(node: ast.AST) -> bool:
    """Return whether a class says of one of its fields what a body may say of it."""
    return isinstance(node, ast.ClassDef) and any(
        isinstance(call, ast.Call) and getattr(call.func, "id", "") == "Field"
        for field in node.body
        if isinstance(field, ast.AnnAssign)
        for call in walk(field.annotation)
    )


def _defines(path: str, name: str) -> bool:
    tops = (node for file in files(path) for node in parsed(file).body if file.suffix == ".py")
    for node in tops:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            if node.name == name:
                return True
        elif isinstance(node, ast.Assign):
            if any(isinstance(target, ast.Name) and target.id == name for target in node.targets):
                return True
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            if node.target.id == name:
                return True
    return False
