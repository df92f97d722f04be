"""A second version of a catalogue type: loaded, told apart, documented, and never made unseen."""

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import msgspec
import pytest

from tests.catalogue import versioned
from tidings.catalogue import Catalogue, CatalogueError, EventType, read
from tidings.catalogue.asyncapi import document
from tidings.catalogue.compat import shape
from tidings.catalogue.event_type import SchemaViolation
from tidings.catalogue.loader import HERE, raw_blocks, read_blocks
from tidings.catalogue.versions import pick, version_of
from tools import event_shapes as module
from tools.event_models import modules
from tools.event_pages import pages
from tools.event_shapes import Shapes, broken, main, read_shapes, shapes

NAME, LABEL = versioned.NAME, versioned.LABEL
STANDARD = json.loads((Path(__file__).parent / "asyncapi-3.0.0.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    return read(versioned.both(tmp_path_factory.mktemp("versions")))


def of(catalogue: Catalogue, version: int) -> EventType:
    found = catalogue.get(NAME, version)
    assert found is not None
    return found


def test_both_versions_are_there_and_the_newest_is_shown(catalogue: Catalogue) -> None:
    assert catalogue.names() == [NAME, "pointsIssued"]
    assert [kind.label for kind in catalogue.kinds()] == [NAME, LABEL, "pointsIssued"]
    assert catalogue.get(NAME) is of(catalogue, 2)
    assert catalogue.get(NAME, 3) is None
    assert sorted(catalogue.versions(NAME) or ()) == [1, 2]


def test_an_event_is_checked_ordered_and_found_as_the_version_that_it_says(
    catalogue: Catalogue,
) -> None:
    old, new = of(catalogue, 1).example, of(catalogue, 2).example
    assert catalogue.check(NAME, old) == [] == catalogue.check(NAME, new)
    assert (catalogue.key_of(NAME, old), catalogue.key_of(NAME, new)) == ("512", versioned.GROUP)
    assert "512" in catalogue.search_values(NAME, old)
    assert versioned.GROUP in catalogue.search_values(NAME, new)
    unsaid = {key: value for key, value in new.items() if key != "eventVersion"}
    assert [violation.path for violation in catalogue.check(NAME, unsaid)] == ["data.groupId"]
    false = {**old, "eventVersion": 2}
    assert [violation.path for violation in catalogue.check(NAME, false)] == ["data.group"]


@pytest.mark.parametrize("said", [True, 1.0, "1", None, [], {}, 0, 3, -1])
def test_a_version_that_is_none_is_a_problem_of_its_field(
    catalogue: Catalogue, said: object
) -> None:
    told = version_of({"eventVersion": said}, catalogue.versions(NAME) or {})
    assert isinstance(told, SchemaViolation) and told.path == "eventVersion"
    assert "a version of the event type (1, 2)" in told.message


def test_what_was_accepted_in_a_version_that_is_gone_is_read_as_the_newest() -> None:
    versions = {1: "old", 2: "new"}
    said: list[dict[str, int]] = [{}, {"eventVersion": 1}, {"eventVersion": 2}, {"eventVersion": 7}]
    assert [pick(versions, event) for event in said] == ["old", "old", "new", "new"]


def test_another_key_alone_makes_a_version(tmp_path: Path) -> None:
    file: dict[str, Any] = versioned.first()
    other = next(name for name in file["data"]["properties"] if f"data.{name}" != file["key"])
    again = file | {"version": 2, "key": f"data.{other}"}
    versioned.write(tmp_path, groupCreated=file, groupCreated__v2=again)
    kind = read(tmp_path).get(NAME)
    assert kind is not None and (kind.version, kind.key) == (2, f"data.{other}")


def test_the_published_schema_of_a_version_takes_no_event_of_another(catalogue: Catalogue) -> None:
    for mine, other in ((1, 2), (2, 1)):
        validator = jsonschema_rs.Draft202012Validator(of(catalogue, mine).schema)
        assert validator.is_valid(of(catalogue, mine).example)
        assert not validator.is_valid(of(catalogue, other).example)
    unsaid = {**of(catalogue, 2).example}
    del unsaid["eventVersion"]
    assert not jsonschema_rs.Draft202012Validator(of(catalogue, 2).schema).is_valid(unsaid)


def only_adds() -> dict[str, Any]:
    file: dict[str, Any] = versioned.first() | {"version": 2}
    file["data"]["properties"]["fresh"] = {"type": "string", "description": "New."}
    return file


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"groupCreated__v2": only_adds()}, "it only adds. Add the fields to groupCreated.json"),
        ({"groupCreated__v3": versioned.second() | {"version": 3}}, "version 2 must be there"),
        ({"groupCreated__v3": versioned.second()}, "must be groupCreated.v3; got groupCreated.v2"),
        ({"groupCreated__v0": versioned.second() | {"version": 0}}, "a version is 1 or more"),
        ({"other__v2": versioned.first() | {"name": "other.v2"}}, "must not end like a version"),
    ],
)
def test_a_file_that_is_no_version_is_named(
    tmp_path: Path, files: dict[str, Any], said: str
) -> None:
    versioned.write(tmp_path, groupCreated=versioned.first(), **files)
    with pytest.raises(CatalogueError) as error:
        read(tmp_path)
    assert said in str(error.value)


def test_a_new_version_is_promised_and_an_old_one_stays_promised(catalogue: Catalogue) -> None:
    now = shapes(catalogue, read_blocks(HERE))
    before = Shapes(now.blocks, {name: now.types[name] for name in (NAME, "pointsIssued")})
    assert list(now.types) == [NAME, LABEL, "pointsIssued"]
    assert broken(before, now) == [], "beside the old one it takes nothing away"
    assert broken(now, before) == [f"{LABEL} was an event type, is gone."]
    silent = Shapes(now.blocks, {**before.types, NAME: shape(versioned.second()["data"])})
    assert f"{NAME}: groupId was declared, is gone." in broken(before, silent)


def test_a_break_made_silently_is_not_written_and_a_version_is(
    tmp_path: Path,
    catalogue: Catalogue,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    promised = tmp_path / "shapes.json"

    def make(folder: str, **files: dict[str, Any]) -> int:
        made = read(versioned.write(tmp_path / folder, **files))
        monkeypatch.setattr(module, "load", lambda: made)
        return main(str(promised))

    assert make("old", groupCreated=versioned.first()) == 0
    silent = {**versioned.second(), "version": 1}
    del silent["examples"][0]["eventVersion"]
    assert make("silent", groupCreated=silent) == 1
    assert "types/NAME.v2.json: webhooks then opt into it." in capsys.readouterr().err
    assert list(read_shapes(promised).types) == [NAME]
    both = {"groupCreated": versioned.first(), "groupCreated__v2": versioned.second()}
    assert make("both", **both) == 0
    assert list(read_shapes(promised).types) == [NAME, LABEL]


def test_the_asyncapi_document_holds_a_message_of_each_version(catalogue: Catalogue) -> None:
    made = document(catalogue.kinds(), read_blocks(HERE), "1.2.3")
    assert jsonschema_rs.Draft7Validator(STANDARD).is_valid(made)
    messages = made["components"]["messages"]
    assert list(messages) == [NAME, LABEL, "pointsIssued"]
    assert messages[LABEL]["name"] == NAME
    for mine, other in ((NAME, LABEL), (LABEL, NAME)):
        schema = messages[mine]["payload"] | {"components": made["components"]}
        validator = jsonschema_rs.Draft7Validator(schema)
        assert all(validator.is_valid(message["payload"]) for message in messages[mine]["examples"])
        assert not any(
            validator.is_valid(message["payload"]) for message in messages[other]["examples"]
        )


def test_each_version_has_a_model_of_its_own(catalogue: Catalogue, tmp_path: Path) -> None:
    made = modules(catalogue, read_blocks(HERE), raw_blocks(HERE))
    assert '    "groupCreated.v2": GroupCreatedV2,\n' in made["__init__.py"]
    space: dict[str, Any] = {}
    exec(made["common.py"], space)
    _, _, own = made["customer.py"].partition("from tidings_consumer.events.common import ")
    exec("from typing import *\n" + own[own.index("class ") :], space)
    old, new = of(catalogue, 1).example, of(catalogue, 2).example
    msgspec.convert(old, space["GroupCreated"])
    msgspec.convert(new, space["GroupCreatedV2"])
    for wrong in ({**new, "eventVersion": 1}, {**new, "data": old["data"]}, old):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(wrong, space["GroupCreatedV2"])


def test_each_version_has_a_page_that_leads_to_the_other(catalogue: Catalogue) -> None:
    made = pages(catalogue)
    assert made[f"{LABEL}.md"].startswith(f"# {LABEL}\n")
    assert '`"eventVersion": 2` in the envelope, for a webhook that chose it' in made[f"{LABEL}.md"]
    assert f"[2]({LABEL}.md)" in made[f"{NAME}.md"] and f"[1]({NAME}.md)" in made[f"{LABEL}.md"]
    assert f"| [{LABEL}]({LABEL}.md) |" in made["README.md"]
    assert "Version" not in made["pointsIssued.md"]
