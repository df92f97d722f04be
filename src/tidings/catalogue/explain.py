"""Why an event does not fit its event type, in words for its sender.

Runs only for events that the validator has refused. It walks what the schema declares and nothing
else, so unknown fields, however deep, cost nothing and cannot make it fail. Shallow problems come
first: a missing or wrong block says more than what is inside the next one.
"""

from collections import deque
from typing import Any

from tidings.catalogue.event_type import Json, Problem
from tidings.catalogue.schema import types_of

MAX_PROBLEMS = 10
_SHOWN_TEXT = 40  # characters of a refused text that are repeated to the sender
_SHOWN_BITS = 128
_WORDS = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "an object",
    "array": "a list",
    "null": "null",
}


_CLASSES: dict[str, type] = {"string": str, "object": dict, "array": list, "boolean": bool}


def has_type(value: object, name: str) -> bool:
    """Whether a decoded value has that JSON Schema type. 1.0 is an integer; true is not."""
    if name in _CLASSES:
        return isinstance(value, _CLASSES[name])
    if name == "null":
        return value is None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return name == "number" or isinstance(value, int) or value.is_integer()


def came(value: object, pii: bool) -> str:
    """What came, short. Personal data is named by its type alone: refusals end up in logs."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, str):
        return "text" if pii else f'text "{_short(value)}"'
    if pii or (isinstance(value, int) and value.bit_length() > _SHOWN_BITS):
        return "a number"  # str() of a huge one is slow, and refused above 4,300 digits
    return f"number {value}"


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN_TEXT else text[:_SHOWN_TEXT] + "…"


def _expected(node: Json) -> str:
    if "const" in node:
        return f'"{node["const"]}"'
    return " or ".join(_WORDS[name] for name in types_of(node)) or "present"


def _problem(path: str, node: Json, got: str) -> Problem:
    expected = _expected(node)
    return Problem(path, expected, got, f"{path or 'the event'} must be {expected}; got {got}.")


def _fits(value: object, node: Json) -> bool:
    allowed = node.get("type")
    if allowed.__class__ is str:  # one type: nearly every node
        if not has_type(value, allowed):
            return False
    elif allowed and not any(has_type(value, name) for name in allowed):
        return False
    return "const" not in node or bool(value == node["const"])


def explain(event: object, schema: Json) -> list[Problem]:
    """At most ten problems of `event`, shallow ones first; empty when it fits."""
    problems: list[Problem] = []
    todo: deque[tuple[str, Any, Json]] = deque([("", event, schema)])
    while todo and len(problems) < MAX_PROBLEMS:
        path, value, node = todo.popleft()
        if not _fits(value, node):
            problems.append(_problem(path, node, came(value, bool(node.get("x-pii")))))
        elif isinstance(value, dict):
            declared: Json = node.get("properties", {})
            stem = f"{path}." if path else ""
            for name in node.get("required", ()):
                if name not in value:
                    problems.append(_problem(stem + name, declared.get(name, {}), "nothing"))
            todo.extend(
                (stem + name, value[name], inner)
                for name, inner in declared.items()
                if name in value
            )
            if "additionalProperties" in node:
                rest = node["additionalProperties"]
                todo.extend(
                    (stem + _short(name), item, rest)
                    for name, item in value.items()
                    if name not in declared
                )
        elif isinstance(value, list) and "items" in node:
            todo.extend((f"{path}[{i}]", item, node["items"]) for i, item in enumerate(value))
    return problems[:MAX_PROBLEMS]
