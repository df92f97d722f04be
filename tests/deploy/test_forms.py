"""The files of `deploy/` have the form that Kubernetes and Compose ask for, by their own schemas:
a name that is misspelt, or stands in the wrong place, is found without either of them."""

import copy
import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from tests.deploy.deployed import COMPOSE, MIGRATION, PARTS

SCHEMAS = Path(__file__).with_name("schemas")
CASES = [
    *(pytest.param("kubernetes", part, id=" ".join(name)) for name, part in PARTS.items()),
    pytest.param("kubernetes", MIGRATION, id="Job"),
    pytest.param("compose", COMPOSE, id="compose"),
]


@cache
def validator(schema: str) -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for(json.loads((SCHEMAS / f"{schema}.json").read_text("utf-8")))


def objects(value: Any) -> list[dict[str, Any]]:
    """Collect the objects inside a value, itself among them, in which names are those of the form
    and not free."""
    if isinstance(value, list):
        return [found for element in value for found in objects(element)]
    if not isinstance(value, dict):
        return []
    inside = [found for child in value.values() for found in objects(child)]
    return [value, *inside]


@pytest.mark.parametrize(("schema", "part"), CASES)
def test_it_has_the_form(schema: str, part: dict[str, Any]) -> None:
    assert validator(schema).is_valid(part), [*validator(schema).iter_errors(part)]


@pytest.mark.parametrize(("schema", "part"), CASES)
def test_a_name_that_is_not_of_the_form_is_found(schema: str, part: dict[str, Any]) -> None:
    worse = copy.deepcopy(part)
    found = 0
    places = objects(worse)
    for place in places:
        place["misspelt"] = {"not": ["of", "the", "form"]}
        found += not validator(schema).is_valid(worse)
        del place["misspelt"]
    assert found >= len(places) * 0.6, "others have free names: labels, variables, selectors"
    assert validator(schema).is_valid(worse)
