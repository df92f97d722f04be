"""What is written in an option of a command: names, JSON, times and durations."""

import json
import re
from datetime import UTC, datetime, time, timedelta
from typing import Any

from tidings.cli.exits import CommandExit, Exit
from tidings.cli.output import clean

_TIME_OF_DAY = re.compile(r"[0-2][0-9]:[0-5][0-9](:[0-5][0-9])?(Z|[+-][0-9:]{2,8})?")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def names(text: str) -> list[str]:
    """Split names at their commas."""
    return [name.strip() for name in text.split(",") if name.strip()]


def headers(option: str, lines: list[str]) -> dict[str, str]:
    """Read `Name: value` lines. Raise CommandExit for anything else."""
    found = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            raise CommandExit(
                f'{option} must be "Name: value"; got {clean(line[:20])}…. Put it in quotes.',
                Exit.USAGE,
            )
        found[name.strip()] = value.strip()
    return found


def read_json(option: str, text: str) -> Any:
    """Read the JSON of an option; a bare word is a text. Raise CommandExit for JSON that does not
    end."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        if text[:1] in '{["':
            at = f"; it breaks off at character {error.pos + 1}" if error.pos else ""
            raise CommandExit(
                f"{option} must be JSON; got {clean(text[:60])}{at}. Put names and texts in double "
                "quotes, and the whole in single ones.",
                Exit.USAGE,
            ) from None
        return text


def moment_of(
    option: str, text: str | None, now: datetime | None = None, *, ends: bool = False
) -> str | None:
    """Return a time as the API takes it, of one that is written as `2h`, `3d` and so on ago, as ISO
    8601 (without a zone it is in the reader's), or as commands print it, a time of today without a
    date too. Where clocks are set back, that which `ends` a range is the later one. Raise
    CommandExit for anything else."""
    if text is None:
        return None
    now = now or datetime.now(UTC)
    number, unit = text[:-1], text[-1:]
    if number.isascii() and number.isdigit() and unit in _UNITS and len(number) <= 6:
        return _iso(now - timedelta(seconds=int(number) * _UNITS[unit]))
    try:
        return _iso(_read(text, now).replace(fold=int(ends)).astimezone(UTC))
    except (ValueError, OverflowError):
        raise CommandExit(
            f"{option} must be 30m, 2h, 3d ago or an ISO time; got {text[:40]}. Write 2h, or "
            "2026-02-11T09:15:00Z.",
            Exit.USAGE,
        ) from None


def _read(text: str, now: datetime) -> datetime:
    if not _TIME_OF_DAY.fullmatch(text):
        return datetime.fromisoformat(text)
    of_day = time.fromisoformat(text)
    here = datetime.combine(now.astimezone().date(), of_day)
    if here.utcoffset() in (None, here.astimezone().utcoffset()):
        return here
    return datetime.combine(now.astimezone(of_day.tzinfo).date(), of_day)  # of another zone


def _iso(when: datetime) -> str:
    return f"{when:%Y-%m-%dT%H:%M:%S}.{when.microsecond // 1000:03d}Z"


def seconds(option: str, given: str) -> float:
    """Return the seconds of a duration that is written as `2s`, `500ms`, `1m`, or in seconds. Raise
    CommandExit for anything else, and for more than a day."""
    text = given.strip().lower()
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
    raise CommandExit(
        f"{option} must be a duration; got {given[:40]}. Write 2s or 500ms.", Exit.USAGE
    )
