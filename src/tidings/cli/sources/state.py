"""The state of a source in words, for every command that shows it."""

from typing import Any


def fetches(source: dict[str, Any]) -> bool:
    """Return whether a source fetches messages that wait elsewhere."""
    from tidings.core.sources.source_types import FETCHED  # noqa: PLC0415  # help needs it not

    return source["type"] in FETCHED


def state_of(one: dict[str, Any]) -> str:
    """Describe a source's state in a word or two."""
    if one["paused"]:
        return "paused"
    return "trouble" if one["trouble"] else "takes messages"


def waiting_of(source: dict[str, Any]) -> int | str | None:
    """Return how many messages wait to be fetched; None for a source that nothing waits for."""
    if source["lag"] is None and fetches(source):
        return None if source["paused"] else "unknown"
    waiting: int | None = source["lag"]
    return waiting


def count_last_hour(source: dict[str, Any]) -> int:
    """Return how many messages came in the last hour, but for those that were refused."""
    return sum(count for outcome, count in source["lastHour"].items() if outcome != "refused")
