"""A patch as a body that changes a resource.

A patch sets each field that it names, as a whole; null takes a field away, so that its default
holds again. Fields that are sets of names and values, as headers are, it sets name by name.
"""

from collections.abc import Mapping
from typing import Any

from tidings.core.declaration import DeclaredField


def patched_body(
    patch: Mapping[str, Any],
    fields: Mapping[str, DeclaredField],
    by_name: Mapping[str, Mapping[str, str]],
) -> dict[str, Any]:
    """Convert a patch to the body of a change. The fields `by_name` are set name by name; it has
    them as answers show them."""
    body: dict[str, Any] = {}
    for field, value in patch.items():
        declared = fields.get(field)
        if value is None and declared is not None:
            body[field] = None if declared.required else declared.usual()
        elif field in by_name and isinstance(value, dict):
            body[field] = _merged(by_name[field], value)
        else:
            body[field] = value
    return body


def _merged(old: Mapping[str, str], patch: Mapping[str, Any]) -> dict[str, Any]:
    """Merge names and values: a name is the same in any case, the patch's way of writing it wins,
    and null removes it."""
    named = {name.lower() for name in patch}
    kept = {name: value for name, value in old.items() if name.lower() not in named}
    return kept | {name: value for name, value in patch.items() if value is not None}
