"""How the service is put together can be followed: few fields, short functions, few callables."""

import ast
import dataclasses
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

from tidings.api.context import Services
from tidings.compose import App
from tidings.ports import Ports

SOURCE = Path(__file__).parents[2] / "src"
ENGINE = SOURCE / "tidings/engine"
FIELDS_MAX = 12
LINES_MAX = 80
CALLABLES_MAX = 60  # in the engine; `engine/callables.py` names those that several parts take
OF_THE_LOOP = frozenset(
    "call_soon call_later call_at add_done_callback to_thread partial start add on_look".split()
)

SMALL_LINES = 40
# Why a module under that stands alone although only one other imports it.
SMALL = {
    "tidings/api/http/*": "a module for each step that every call passes",
    "tidings/api/v3/routes.py": "the routes of one version, as the others have theirs",
    "tidings/app/files.py": "looked through before a first start, without the service",
    "tidings/cli/*": "a command is imported when it is called, by its name",
    "tidings/destinations/http/authentication/*": "a module for each scheme",
    "tidings/engine/readiness.py": "a layer above all subjects that it asks",
    "tidings/lookups/sql_statement.py": "pure, beside the driver that needs its library",
    "tidings/reads/*": "what one face asks today, and every other may",
    "tidings/schema/*": "a module for each thing that follows from a declaration",
    "tidings/simulator/people.py": "data",
    "tidings/sources/*/driver.py": "what the composition names of a driver",
    "tidings/store/port/*": "a module for each subject of the port, which hands them out as one",
    "tidings/store/sqlite/*": "a module for each subject of the port, and each duty of a process",
    "tidings_consumer/adapters/*": "imported by an application, and imports its framework",
    "tidings_consumer/events/*": "made from the catalogue",
    "tidings_consumer/schemes/*": "a module for each scheme, and the list of them",
}


def trees(folder: Path) -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted(folder.rglob("*.py")):
        if "node_modules" not in path.parts:
            yield path, ast.parse(path.read_text())


@pytest.mark.parametrize("whole", [App, Services, Ports])
def test_a_whole_has_few_fields_and_each_is_a_subject(whole: type) -> None:
    assert len(dataclasses.fields(whole)) <= FIELDS_MAX


def test_no_function_is_longer_than_a_page() -> None:
    long = [
        f"{path.relative_to(SOURCE)}:{node.name}"
        for path, tree in trees(SOURCE)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno >= LINES_MAX
    ]
    assert long == []


def test_nothing_is_set_on_a_part_after_it_is_made() -> None:
    composed = [SOURCE / "tidings/compose.py", *(ENGINE / "services").glob("*.py")]
    later = [
        f"{path.relative_to(SOURCE)}:{node.lineno}"
        for path in composed
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and isinstance(node.ctx, ast.Store)
        and not (isinstance(node.value, ast.Name) and node.value.id == "self")
    ]
    assert later == []


def test_a_small_module_of_one_importer_has_a_reason() -> None:
    importers: dict[str, set[str]] = {}
    for path, tree in trees(SOURCE):
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                for name in (node.module, *(f"{node.module}.{alias.name}" for alias in node.names)):
                    importers.setdefault(name, set()).add(str(path))
    small = [
        path.relative_to(SOURCE)
        for path, _ in trees(SOURCE)
        if path.stem not in ("__init__", "__main__")
        and len(path.read_text().splitlines()) < SMALL_LINES
        and len(importers.get(".".join(path.relative_to(SOURCE).with_suffix("").parts), ())) <= 1
    ]
    reasons = {path: [why for why in SMALL if fnmatch(str(path), why)] for path in small}
    assert [path for path, why in reasons.items() if not why] == []
    assert [why for why in SMALL if not any(why in found for found in reasons.values())] == []


def test_no_private_method_is_handed_to_another_part() -> None:
    """A part that is told something is given the whole of who hears it, by a protocol with a name.
    A method of one's own may be handed to the loop, to a supervisor, and to signals."""
    handed = [
        f"{path.relative_to(ENGINE)}:{call.lineno} {argument.attr}"
        for path, tree in trees(ENGINE)
        for declared in ast.walk(tree)
        if isinstance(declared, ast.ClassDef)
        for call in ast.walk(declared)
        if isinstance(call, ast.Call)
        and getattr(call.func, "attr", getattr(call.func, "id", "")) not in OF_THE_LOOP
        for argument in [*call.args, *(keyword.value for keyword in call.keywords)]
        if isinstance(argument, ast.Attribute)
        and getattr(argument.value, "id", "") == "self"
        and argument.attr.startswith("_")
        and argument.attr in methods_of(declared)
    ]
    assert handed == []


def test_the_engine_is_handed_few_callables() -> None:
    found = sum(path.read_text().count("Callable[") for path in ENGINE.rglob("*.py"))
    alone = [
        node.name
        for _, tree in trees(ENGINE)
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and methods_of(node) == ["__call__"]
    ]
    assert found + len(alone) <= CALLABLES_MAX


def methods_of(declared: ast.ClassDef) -> list[str]:
    return [
        method.name
        for method in declared.body
        if isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef)
        and not any(getattr(mark, "id", "") == "property" for mark in method.decorator_list)
    ]
