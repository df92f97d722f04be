"""Whether examples fit their schemas, with references into the description resolved."""

from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema_rs


def fault(document: dict[str, Any], schema: dict[str, Any], value: Any) -> str | None:
    """Why a value does not fit, or None."""
    whole = schema | {"components": document["components"]}
    for error in jsonschema_rs.Draft202012Validator(whole).iter_errors(value):
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
            elif said := fault(document, content["schema"], value):
                yield call, part, said


def _answers(example: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    if "answer" in example:
        yield str(example["status"]), example["answer"]
    yield from example.get("others", {}).items()
