"""Whether examples fit their schemas, with references into the description resolved."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema_rs

_DESCRIPTION = "urn:description"
_REFERENCE = '"$ref": "#/'  # as JSON is written


class Schemas:
    """The schemas of a description, which is read once for all of them."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._registry = jsonschema_rs.Registry([(_DESCRIPTION, document)])

    def validator(self, schema: dict[str, Any]) -> jsonschema_rs.Draft202012Validator:
        """Return what judges values by a schema that stands in the description; ValueError where
        it is none."""
        away = json.dumps(schema).replace(_REFERENCE, _REFERENCE.replace("#/", f"{_DESCRIPTION}#/"))
        return jsonschema_rs.Draft202012Validator(json.loads(away), registry=self._registry)

    def fault(self, schema: dict[str, Any], value: Any) -> str | None:
        """Return why a value does not fit, or None."""
        for error in self.validator(schema).iter_errors(value):
            return f"{'/'.join(map(str, error.instance_path))}: {error.message[:300]}"
        return None


def lacking(operation: Mapping[str, Any]) -> list[str]:
    """The good answers of an operation that have a body and no example of it."""
    return [
        f"{status} {media}"
        for status, answer in operation["responses"].items()
        for media, content in answer.get("content", {}).items()
        if status.startswith("2") and "example" not in content
    ]


def faults(document: dict[str, Any], examples: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Call, part (`body`, `answer 200`) and reason of each recorded example that does not fit."""
    schemas = Schemas(document)
    for call, example in examples.items():
        method, _, path = call.partition(" ")
        operation = document["paths"].get(path, {}).get(method.lower())
        if operation is None:
            continue
        responses = operation["responses"]
        shown = [(f"answer {status}", status, answer) for status, answer in _answers(example)]
        places = [(part, responses.get(status, {}), value) for part, status, value in shown]
        if "body" in example:
            places.append(("body", operation.get("requestBody", {}), example["body"]))
        for part, place, value in places:
            content = next(iter(place.get("content", {}).values()), None)
            if content is None:
                yield call, part, "the description has no content for it"
            elif said := schemas.fault(content["schema"], value):
                yield call, part, said


def _answers(example: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    if "answer" in example:
        yield str(example["status"]), example["answer"]
    yield from example.get("others", {}).items()
