"""Loading: files that break the rules are named, and what is loaded can be relied on."""

import json
import shutil
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

import tidings.catalogue
from tidings.catalogue import CatalogueError, load, read
from tidings.catalogue.loader import read_blocks
from tidings.catalogue.schema import inline, types_of, walk

BUILT_IN = Path(tidings.catalogue.__file__).parent


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A catalogue of one event type and all shared blocks, to be spoilt."""
    shutil.copytree(BUILT_IN / "shared", tmp_path / "shared")
    (tmp_path / "types").mkdir()
    shutil.copy(BUILT_IN / "types" / "groupCreated.json", tmp_path / "types")
    return tmp_path


def change(folder: Path, key: str, value: Any) -> None:
    """Set one member of the one type file."""
    path = folder / "types" / "groupCreated.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), key: value}))


def test_is_read_once() -> None:
    """The built-in catalogue is one object for the whole process."""
    assert load() is load()
    assert load().names() == sorted(load().names(), key=str.lower)


def test_other_folder_gives_a_catalogue_of_its_own(folder: Path) -> None:
    """The same rules read any folder."""
    assert read(folder).names() == ["groupCreated"]


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("name", "other", "name must be groupCreated; got other"),
        ("documentedAs", "rumour", "rumour"),
        ("colour", "red", "colour"),
        ("data", {"$ref": "shared/nothing.json"}, "must name a shared block"),
        ("data", {"$ref": "https://example.test/x.json"}, "must name a shared block"),
        ("data", {"type": "object", "properties": {"a": {"enum": [1]}}}, "enum"),
        ("data", {"type": "object", "properties": {"a": {"pattern": "(a+)+"}}}, "pattern"),
        ("data", {"type": "record"}, "record"),
        ("aliases", ["groupCreated"], "an alias must stand for one type alone"),
        ("aliases", "GROUP_JOB", "array"),
    ],
)
def test_file_that_breaks_a_rule_is_named(folder: Path, key: str, value: Any, said: str) -> None:
    """The error names the file and what must be."""
    change(folder, key, value)
    with pytest.raises(CatalogueError, match=r"groupCreated\.json") as error:
        read(folder)
    assert said in str(error.value)


def test_alias_of_two_types_is_refused(folder: Path) -> None:
    """Also one that is the name of another type."""
    change(folder, "aliases", ["groupUpdated"])
    assert read(folder).alias_of("groupUpdated") == "groupCreated"
    shutil.copy(BUILT_IN / "types" / "groupUpdated.json", folder / "types")
    with pytest.raises(CatalogueError, match=r"one type alone; groupUpdated is taken"):
        read(folder)


def test_blocks_that_form_a_ring_are_refused(folder: Path) -> None:
    """Two blocks that name each other cannot be put inside each other."""
    for text, two in (("a", "b"), ("b", "a")):
        (folder / "shared" / f"{text}.json").write_text(json.dumps({"$ref": f"shared/{two}.json"}))
    with pytest.raises(CatalogueError, match="ring"):
        read_blocks(folder)


def test_words_beside_a_reference_win() -> None:
    """A type says in its own words what a shared block is there for."""
    blocks = {"shared/a.json": {"type": "string", "description": "Of the block."}}
    node = {"$ref": "shared/a.json", "description": "Of the type."}
    assert inline(node, blocks) == {"type": "string", "description": "Of the type."}


@pytest.mark.parametrize("name", load().names())
def test_full_schema_is_valid_and_stands_alone(name: str) -> None:
    """The published schema is JSON Schema 2020-12 with no reference left in it."""
    found = load().get(name)
    assert found is not None
    jsonschema_rs.Draft202012Validator(found.schema)
    assert jsonschema_rs.meta.is_valid(found.schema)
    assert all("$ref" not in node for _, node in walk(found.schema))
    types = {"string", "integer", "number", "boolean", "object", "array", "null"}
    assert all(set(types_of(node)) <= types for _, node in walk(found.schema))
