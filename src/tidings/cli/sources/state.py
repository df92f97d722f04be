"""The state of a source in words, for every command that shows it."""

from typing import Any


def state_of(one: dict[str, Any]) -> str:
    """In a word or two."""
    if one["paused"]:
        return "paused"
    return "trouble" if one["trouble"] else "takes messages"
