"""What a look-up is asked for: the values at its paths. Pure.

A value may have several paths, since types of events say the same in different places: the first of
them that finds something counts.
"""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

import msgspec

from tidings.core.actions.action import ActionLookup, CsvLookup, Path
from tidings.core.actions.context import find, text_of

BY = "by"
"""What the one value of a look-up in a file is called."""


def paths_of(lookup: ActionLookup) -> Mapping[str, tuple[Path, ...]]:
    """Map the names of its values to the paths where they are found."""
    where = lookup.where
    first = {BY: where.by} if isinstance(where, CsvLookup) else where.values
    return {name: (path, *lookup.others.get(name, ())) for name, path in first.items()}


def question_of(lookup: ActionLookup, seen: Mapping[str, Any]) -> dict[str, str] | None:
    """Return the values that a look-up is asked by, each as a text, from what an action sees. None
    if one is missing, empty, or neither text, number nor truth: there is nothing to look up by."""
    values: dict[str, str] = {}
    for name, paths in paths_of(lookup).items():
        text = next(filter(None, (text_of(find(seen, path)) for path in paths)), None)
        if text is None:
            return None
        values[name] = text
    return values


def digest_of(lookup: ActionLookup, question: Mapping[str, str]) -> bytes:
    """Compute the digest by which the same question is known again, 16 bytes. It holds no value."""
    asked = msgspec.json.encode([lookup.name, sorted(question.items())])
    return blake2b(asked, digest_size=16).digest()
