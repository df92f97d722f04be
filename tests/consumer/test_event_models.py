"""The typed models of events: current, true to the examples, and free of the server."""

import ast
from pathlib import Path
from typing import Any, get_args, get_type_hints

import msgspec
import pytest

import tidings_consumer.events as models
from tidings.catalogue import load
from tidings.catalogue.loader import HERE, raw_blocks, read_blocks
from tidings.catalogue.thin import thin
from tools.event_models import modules

FOLDER = Path(models.__file__).parent
NAMES = load().names()


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
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({**kind.example, "data": []}, model)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({**kind.example, "eventName": "other"}, model)


@pytest.mark.parametrize(("alias", "name"), load().aliases.items())
def test_another_name_of_a_type_is_of_its_model(alias: str, name: str) -> None:
    kind = load().get(name)
    assert kind is not None
    model: Any = models.EVENTS[name]
    assert models.EVENTS[alias] is model
    msgspec.convert({**kind.example, "eventName": alias}, model)


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
