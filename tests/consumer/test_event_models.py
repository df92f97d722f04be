"""The typed models of events: current, true to the examples, and free of the server."""

import ast
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args, get_type_hints

import msgspec
import pytest

import tidings_consumer.events as models
from tidings.catalogue import load
from tidings.catalogue.loader import HERE, raw_blocks, read_blocks
from tidings.catalogue.models import modules
from tidings.catalogue.thin import thin

FOLDER = Path(models.__file__).parent
# Kept, so that what has not changed since the last run is not checked anew.
CACHE = Path(__file__).parents[2] / ".mypy_cache" / "consumer"
NAMES = load().names()
USE = """
from tidings_consumer.events import AnyEvent


def seen(event: AnyEvent) -> float | str | None:
    if event["eventName"] == "pointsIssued":
        return event["data"]["totalPointsIssued"]
    if event["eventName"] == "cardUpdated":
        return event["data"]["cardNumber"]
    return event.get("refId", "")
"""


def test_the_modules_are_current() -> None:
    made = modules(load(), read_blocks(HERE), raw_blocks(HERE))
    assert sorted(path.name for path in FOLDER.glob("*.*")) == sorted(made)
    for name, text in made.items():
        assert (FOLDER / name).read_text("utf-8") == text, f"{name}: make models"


def test_every_event_type_has_a_model() -> None:
    assert sorted(models.EVENTS) == sorted([*NAMES, *load().aliases])
    assert set(get_args(models.AnyEvent)) == set(models.EVENTS.values())


@pytest.mark.parametrize("name", NAMES)
def test_examples_fit_their_model_and_wrong_types_do_not(name: str) -> None:
    kind = load().get(name)
    assert kind is not None
    model: Any = models.EVENTS[name]
    for example in kind.examples:
        msgspec.convert(example, model)
        msgspec.convert(thin(kind, example), model)
    for alias in kind.aliases:
        assert models.EVENTS[alias] is model
        msgspec.convert({**kind.example, "eventName": alias}, model)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({**kind.example, "data": []}, model)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({**kind.example, "eventName": "other"}, model)


@pytest.mark.parametrize("name", NAMES)
def test_a_model_has_the_fields_of_the_schema(name: str) -> None:
    kind = load().get(name)
    assert kind is not None
    model: Any = models.EVENTS[name]
    assert get_type_hints(model).keys() == kind.schema["properties"].keys()
    data = get_type_hints(model)["data"]
    assert get_type_hints(data).keys() == kind.data["properties"].keys()
    assert data.__required_keys__ == frozenset(kind.data.get("required", ()))


def test_they_import_the_standard_library_alone() -> None:
    for path in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                raise AssertionError(f"{path.name} imports {node.names[0].name}")
            if isinstance(node, ast.ImportFrom):
                module = node.module or ""
                ours = module.startswith(("tidings_consumer.events", "tidings_consumer.newer"))
                assert module == "typing" or ours


def test_a_type_checker_knows_which_event_it_is(tmp_path: Path) -> None:
    """A comparison of eventName narrows the union; a field that is not there is found."""
    (tmp_path / "use.py").write_text(USE)
    (tmp_path / "wrong.py").write_text(USE.replace("totalPointsIssued", "totalPoints"))
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(CACHE)]
    sources = {"MYPYPATH": str(FOLDER.parents[1]), "PATH": "", "HOME": str(tmp_path)}
    done = subprocess.run(
        [*command, "use.py", "wrong.py"],
        env=sources,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    wrong = [line for line in done.stdout.splitlines() if ": error: " in line]
    assert done.returncode == 1 and '"totalPoints"' in done.stdout, done.stdout + done.stderr
    assert {line.split(":")[0] for line in wrong} == {"wrong.py"}
