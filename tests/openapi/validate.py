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


def faults(document: dict[str, Any], examples: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Call, part (`body`, `answer`) and reason of each recorded example that does not fit."""
    for call, example in examples.items():
        method, _, path = call.partition(" ")
        operation = document["paths"].get(path, {}).get(method.lower())
        if operation is None:
            continue
        response = operation["responses"].get(str(example["status"]), {})
        for part, place in (("body", operation.get("requestBody", {})), ("answer", response)):
            if part not in example:
                continue
            content = next(iter(place.get("content", {}).values()), None)
            if content is None:
                yield call, part, f"the description has no content for {example['status']}"
            elif said := fault(document, content["schema"], example[part]):
                yield call, part, said
