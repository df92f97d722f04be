"""Quiet rules of a channel: what it does not want to hear, and when. Pure.

Hours and days are of the org's time zone. `from` after `to` is a night: it belongs to the day on
which it begins. A time that is left out is midnight, and days alone are whole days. What opened in
quiet hours and still stands is sent at their end; the end of what was sent goes at any hour, for it
wakes nobody.

Add a field here; the rest follows.
"""

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Annotated

import msgspec

from tidings.core.declaration import Field
from tidings.core.field_types import ParsedField
from tidings.core.form import whole_of
from tidings.core.times import END_MS

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
KINDS = ("failing", "degraded", "unread", "backlog")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _some_of(words: tuple[str, ...]) -> ParsedField:
    def take(value: object) -> tuple[str, ...] | None:
        if not isinstance(value, list) or not all(word in words for word in value):
            return None
        return tuple(word for word in words if word in value)

    return ParsedField(
        take,
        f"a list of {', '.join(words[:-1])} and {words[-1]}",
        "bad_quiet",
        advice="Write [] for none.",
        schema={"type": "array", "items": {"type": "string", "enum": list(words)}},
    )


_CLOCK = re.compile("(?:(?:[01][0-9]|2[0-3]):[0-5][0-9])?")
_TIME = ParsedField(
    lambda text: text if isinstance(text, str) and _CLOCK.fullmatch(text) else None,
    "a time such as 22:00",
    "bad_quiet",
    advice="Correct it.",
    clears=True,
    schema={"type": "string", "pattern": f"^{_CLOCK.pattern}$"},
)


def _until(value: object) -> int | None:
    number = whole_of(value)
    return number if number is not None and 0 <= number < END_MS else None


class QuietRules(msgspec.Struct, frozen=True, omit_defaults=True):
    """Hours, days and kinds of which a channel does not hear."""

    begins: Annotated[
        str,
        Field(
            "from",
            _TIME,
            "When quiet hours begin, in the org's time zone: 22:00.",
            label="Quiet hours from",
            hint="Such as 22:00, in the org's time zone. What opens then is sent at their end.",
        ),
    ] = ""
    ends: Annotated[
        str,
        Field("to", _TIME, "When they end. Before `from`: a night.", label="Quiet hours to"),
    ] = ""
    days: Annotated[
        tuple[str, ...],
        Field(
            "days",
            _some_of(DAYS),
            "The days on which they begin; empty: every day.",
            label="Quiet days",
            hint="Such as sat, sun. Empty: every day.",
        ),
    ] = ()
    kinds: Annotated[
        tuple[str, ...],
        Field(
            "kinds",
            _some_of(KINDS),
            "Kinds of incidents that are never sent.",
            label="Never sent",
            hint="Any of failing, degraded, unread and backlog.",
        ),
    ] = ()
    until_ms: Annotated[
        int,
        Field(
            "untilMs",
            ParsedField(
                _until,
                "milliseconds since 1970",
                "bad_quiet",
                advice="Write 0 for none.",
                schema={"type": "integer", "minimum": 0, "maximum": END_MS - 1},
            ),
            "Nothing is sent before this time, in milliseconds since 1970.",
        ),
    ] = 0


NO_QUIET = QuietRules()


def mutes(rules: QuietRules, kind: str) -> bool:
    """Return whether incidents of a kind are never sent."""
    return kind in rules.kinds


def is_quiet(rules: QuietRules, zone: tzinfo, now_ms: int) -> bool:
    """Return whether nothing that opens is sent now."""
    if now_ms < rules.until_ms:
        return True
    if not rules.begins and not rules.ends and not rules.days:
        return False
    begins, ends = rules.begins or "00:00", rules.ends or "00:00"
    local = (_EPOCH + timedelta(milliseconds=now_ms)).astimezone(zone)
    clock, days = f"{local:%H:%M}", rules.days or DAYS
    today, before = DAYS[local.weekday()], DAYS[local.weekday() - 1]
    if begins < ends:
        return today in days and begins <= clock < ends
    return (clock >= begins and today in days) or (clock < ends and before in days)
