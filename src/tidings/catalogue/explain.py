"""Why an event does not fit its event type, in words for its sender.

Runs only for events that the validator has refused. It walks what the schema declares and nothing
else, so unknown fields, however deep, cost nothing and cannot make it fail. Shallow problems come
first: a missing or wrong block says more than what is inside the next one. It takes a bounded
number of steps, however large the event is.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from tidings.catalogue.event_type import Json, SchemaViolation
from tidings.catalogue.schema import is_empty_list, marked, types_of
from tidings.values import IN_DATA, PERSONAL, describe_value, shorten

MAX_PROBLEMS = 10
STEPS_MAX = 5_000
LONG_LIST = 64  # a longer one is not walked item by item
LONG_LIST_PROBLEMS = MAX_PROBLEMS  # that are looked for in it
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
    """Return whether a decoded value has that JSON Schema type. 1.0 is an integer; true is not."""
    if name in _CLASSES:
        return isinstance(value, _CLASSES[name])
    if name == "null":
        return value is None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return name == "number" or isinstance(value, int) or value.is_integer()


UNFOUND = SchemaViolation(
    "",
    "as its schema says",
    "something else",
    message="The event must be as its schema says; got something else, behind thousands of other "
    "fields. Check its parts one by one.",
)


def _expected(node: Json) -> str:
    if "const" in node:
        return f'"{node["const"]}"'
    if "enum" in node:
        return " or ".join(f'"{word}"' for word in node["enum"])
    return " or ".join(_WORDS[name] for name in types_of(node)) or "present"


def _problem(path: str, node: Json, got: str) -> SchemaViolation:
    expected = _expected(node)
    return SchemaViolation(
        path, expected, got, message=f"{path or 'the event'} must be {expected}; got {got}."
    )


def _personal(node: Json) -> bool:
    """Return whether what stands there may be personal data: also a text where a block of it must
    be."""
    return bool(marked(node, "x-pii"))


def _fits(value: object, node: Json) -> bool:
    allowed = node.get("type")
    if is_empty_list(value, types_of(node)):
        return True
    if allowed.__class__ is str:  # one type: nearly every node
        if not has_type(value, allowed):
            return False
    elif allowed and not any(has_type(value, name) for name in allowed):
        return False
    if "enum" in node:
        return value in node["enum"]
    return "const" not in node or bool(value == node["const"])


def suspects(items: list[Any], all_fit: Callable[[list[Any]], bool]) -> Iterable[int]:
    """Choose the indexes of a list at which to look for items that do not fit: all, or the first
    few of them.

    In a long list they are searched for by halves with the fast validator, so that what is wrong
    behind 10,000 good items is found in the time that checking the list takes twice.
    """
    if len(items) <= LONG_LIST:
        return range(len(items))
    found: list[int] = []
    start = 0
    while len(found) < LONG_LIST_PROBLEMS and start < len(items):
        at = _first_wrong(items, start, all_fit)
        if at is None:
            break
        found.append(at)
        start = at + 1
    return found


def _first_wrong(items: list[Any], start: int, all_fit: Callable[[list[Any]], bool]) -> int | None:
    low, high = start, len(items)
    if all_fit(items[low:high]):
        return None
    while high - low > 1:  # it is in items[low:high]
        middle = (low + high) // 2
        if all_fit(items[low:middle]):
            low = middle
        else:
            high = middle
    return low


Inside = Iterator[tuple[str, Any, Json]]
FitsOf = Callable[[Json], Callable[[Any], bool]]  # the fast validator of a schema


def explain(event: object, schema: Json, fits_of: FitsOf | None = None) -> list[SchemaViolation]:
    """Find at most ten problems of `event`, shallow ones first; return an empty list when it fits.

    With `fits_of` it never takes more than `STEPS_MAX` steps. If they run out before a problem is
    found, the list holds one that says only that the event does not fit: the validator has found
    so.
    """
    problems: list[SchemaViolation] = []
    left = STEPS_MAX
    todo: deque[Inside] = deque([iter([("", event, schema)])])
    while todo and len(problems) < MAX_PROBLEMS and (left > 0 or fits_of is None):
        step = next(todo[0], None)
        left -= 1
        if step is None:
            todo.popleft()
            continue
        path, value, node = step
        if not _fits(value, node):
            problems.append(
                _problem(
                    path, node, describe_value(value, PERSONAL if _personal(node) else IN_DATA)
                )
            )
        elif isinstance(value, dict):
            declared: Json = node.get("properties", {})
            stem = f"{path}." if path else ""
            for name in node.get("required", ()):
                if name not in value:
                    problems.append(_problem(stem + name, declared.get(name, {}), "nothing"))
            todo.append(_fields(stem, value, node))
        elif isinstance(value, list) and "items" in node:
            todo.append(_items(path, value, node, fits_of))
    if left <= 0 and not problems:
        problems.append(UNFOUND)
    return problems[:MAX_PROBLEMS]


def _fields(stem: str, value: Json, node: Json) -> Inside:
    declared: Json = node.get("properties", {})
    for name, inner in declared.items():
        if name in value:
            yield stem + name, value[name], inner
    if "additionalProperties" in node:
        rest = node["additionalProperties"]
        for name, element in value.items():
            if name not in declared:
                yield stem + shorten(name), element, rest


def _items(path: str, value: list[Any], node: Json, fits_of: FitsOf | None) -> Inside:
    inner = node["items"]
    looked: Iterable[int] = range(len(value))
    if fits_of is not None and len(value) > LONG_LIST:  # the validator is compiled for this list
        looked = suspects(value, fits_of({"items": inner}))
    for index in looked:
        yield f"{path}[{index}]", value[index], inner
