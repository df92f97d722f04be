"""The AsyncAPI document is one by the standard's own schema, and says what the catalogue says."""

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from tidings.catalogue import load
from tidings.catalogue.asyncapi import document
from tidings.catalogue.loader import HERE, read_blocks

STANDARD = json.loads((Path(__file__).parent / "asyncapi-3.0.0.json").read_text("utf-8"))
NAMES = load().names()
KINDS = [kind for name in NAMES if (kind := load().get(name))]
DOCUMENT = document(KINDS, read_blocks(HERE), "1.2.3")


def find(ref: str) -> Any:
    """What a reference inside the document leads to."""
    node: Any = DOCUMENT
    for step in ref.removeprefix("#/").split("/"):
        node = node[step]
    return node


def refs(node: Any) -> set[str]:
    """Every reference below a node."""
    if isinstance(node, dict):
        own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
        return own.union(*(refs(inner) for inner in node.values()))
    return set().union(*(refs(inner) for inner in node)) if isinstance(node, list) else set()


def test_it_keeps_the_standards_schema() -> None:
    validator = jsonschema_rs.Draft7Validator(STANDARD)
    errors = [error.message[:200] for error in validator.iter_errors(DOCUMENT)]
    assert errors == []  # may be empty: the validator has looked
    spoilt = DOCUMENT | {"operations": {"accept": {"action": "publish"}}}
    assert not validator.is_valid(spoilt), "the standard's schema refuses what is not one"


def test_every_reference_leads_somewhere() -> None:
    found = refs(DOCUMENT)
    assert len(found) > len(NAMES)
    for ref in found:
        assert find(ref) is not None


def test_every_event_type_is_a_message_of_both_channels() -> None:
    assert list(DOCUMENT["components"]["messages"]) == NAMES
    for channel in DOCUMENT["channels"].values():
        assert list(channel["messages"]) == NAMES
    actions = {name: row["action"] for name, row in DOCUMENT["operations"].items()}
    assert actions == {"accept": "receive", "deliver": "send"}


@pytest.mark.parametrize("name", NAMES)
def test_the_payload_schema_gives_the_catalogues_verdict(name: str) -> None:
    """Examples fit, and a wrong field that the catalogue refuses is refused here too."""
    message = DOCUMENT["components"]["messages"][name]
    schema = message["payload"] | {"components": DOCUMENT["components"]}
    validator = jsonschema_rs.Draft7Validator(schema)
    for example in message["examples"]:
        assert validator.is_valid(example["payload"])
    assert not validator.is_valid({**message["examples"][0]["payload"], "data": []})
    assert not validator.is_valid({**message["examples"][0]["payload"], "eventName": "other"})
