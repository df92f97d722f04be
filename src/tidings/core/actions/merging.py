"""What was found, with some of it other: for whoever takes a record as a whole or not at all.

Pure. What is not named stays as it was found, numbers by their digits.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from tidings.core.actions.context import Unmade, find, opened, text_of


def object_at(seen: Mapping[str, Any], path: str) -> Mapping[str, Any]:
    """Return the object at a path, an empty one where there is nothing. Raise Unmade if it is
    something else."""
    found = opened(find(seen, path))
    if found is None:
        return {}
    if isinstance(found, Mapping):
        return found
    raise Unmade(
        f"What stands at {path} must be an object, since fields of it are replaced; it is none for "
        "this event. Correct the path, or say by which field items of a list are known."
    )


def list_at(seen: Mapping[str, Any], path: str) -> Sequence[Any]:
    """Return the list at a path, an empty one where there is nothing. Raise Unmade if it is
    something else."""
    found = opened(find(seen, path))
    if found is None:
        return []
    if isinstance(found, list | tuple):
        return found
    raise Unmade(
        f"What stands at {path} must be a list, since items of it are replaced; it is none for "
        "this event. Correct the path, or leave by out."
    )


def merged(base: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the object with these fields instead of its own, or besides."""
    return {**base, **fields}


def merged_list(base: Sequence[Any], items: Sequence[Any], by: str) -> list[Any]:
    """Return the list with these items, each in the place of the one that has the same in the field
    `by`, or behind the others. Raise Unmade if an item has nothing there."""
    waiting: dict[str, Any] = {}
    for element in items:
        if (key := _key(element, by)) is None:
            raise Unmade(
                f"Each item of a list that is known by {by} must have a text or a number there; "
                "one has none for this event. Correct its path, or filter out events without it."
            )
        waiting[key] = element
    known, made = frozenset(waiting), []
    for element in base:
        key = _key(element, by)
        if key in waiting:
            made.append(waiting.pop(key))
        elif key not in known:
            made.append(element)
    return [*made, *waiting.values()]


def _key(item: Any, by: str) -> str | None:
    """Return what an item is known by: the text of its field `by`; None if it has none."""
    item = opened(item)
    return text_of(item.get(by)) if isinstance(item, Mapping) else None
