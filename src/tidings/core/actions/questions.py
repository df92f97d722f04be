"""What a look-up is asked for: the values at its paths. Pure."""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

import msgspec

from tidings.core.actions.action import CsvLookup, Lookup, Path
from tidings.core.actions.seen import find, text_of

BY = "by"
"""What the one value of a look-up in a file is called."""


def paths_of(lookup: Lookup) -> Mapping[str, Path]:
    """Where its values are found, by their names."""
    where = lookup.where
    return {BY: where.by} if isinstance(where, CsvLookup) else where.values


def question_of(lookup: Lookup, seen: Mapping[str, Any]) -> dict[str, str] | None:
    """Its values in what an action sees, each as text. None where one is missing, empty, or neither
    text, number nor truth: there is nothing to look up by."""
    values: dict[str, str] = {}
    for name, path in paths_of(lookup).items():
        text = text_of(find(seen, path))
        if not text:
            return None
        values[name] = text
    return values


def digest_of(lookup: Lookup, question: Mapping[str, str]) -> bytes:
    """By which the same question is known again. It holds no value."""
    asked = msgspec.json.encode([lookup.name, sorted(question.items())])
    return blake2b(asked, digest_size=16).digest()
