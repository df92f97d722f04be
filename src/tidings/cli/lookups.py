"""What commands ask the logs for: filters as options, and pages until there are enough rows."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from tidings.cli.calls import Calls
from tidings.cli.exits import Exit, Stop

PAGE_MAX = 200
ROUNDS_MAX = 200  # pages in a row that may hold nothing
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def moment_of(option: str, said: str | None, now: datetime | None = None) -> str | None:
    """A time as the API takes it: `2h`, `3d` and so on ago, or ISO 8601 (the reader's zone)."""
    if said is None:
        return None
    now = now or datetime.now(UTC)
    number, unit = said[:-1], said[-1:]
    if number.isascii() and number.isdigit() and unit in _UNITS and len(number) <= 6:
        return _iso(now - timedelta(seconds=int(number) * _UNITS[unit]))
    try:
        return _iso(datetime.fromisoformat(said).astimezone(UTC))
    except (ValueError, OverflowError):
        raise Stop(
            f"{option} must be 30m, 2h, 3d ago or an ISO time; got {said[:40]}. Write 2h, or "
            "2026-02-11T09:15:00Z.",
            Exit.USAGE,
        ) from None


def _iso(when: datetime) -> str:
    return f"{when:%Y-%m-%dT%H:%M:%S}.{when.microsecond // 1000:03d}Z"


def seconds(option: str, said: str) -> float:
    """A duration as it is written: `2s`, `500ms`, `1m`, or seconds. Stop."""
    text = said.strip().lower()
    factor = 1.0
    for suffix, seconds_of in (("ms", 0.001), ("s", 1.0), ("m", 60.0)):
        if text.endswith(suffix):
            text, factor = text[: -len(suffix)], seconds_of
            break
    try:
        found = float(text) * factor
    except ValueError:
        found = -1.0
    if 0 <= found <= 86_400:
        return found
    raise Stop(f"{option} must be a duration; got {said[:40]}. Write 2s or 500ms.", Exit.USAGE)


def check_limit(limit: int) -> None:
    """Stop where nothing could be listed."""
    if limit < 1:
        raise Stop(f"--limit must be 1 or more; got {limit}. Leave it out.", Exit.USAGE)


def rows(api: Calls, path: str, field: str, limit: int, **query: Any) -> Iterator[dict[str, Any]]:
    """Up to `limit` rows of a log, newest first. Stop."""
    check_limit(limit)
    cursor: str | None = None
    left = limit
    for _ in range(ROUNDS_MAX):
        page = api.get(path, **query, limit=min(left, PAGE_MAX), cursor=cursor)
        yield from page[field][:left]
        left -= len(page[field])
        cursor = page["older"]
        if left <= 0 or cursor is None:
            return
