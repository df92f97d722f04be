"""Filters that templates have beside MiniJinja's own: a time on somebody's clock, and a number as
people write it.

    {{ event.data.billDate|time("%d.%m.%Y %H:%M", contact.zone) }}    11.02.2026 00:00
    {{ event.data.amount|number(2, ",", ".") }}                       1.234,50

What an event lacks becomes an empty text. Everything that decides how long the text is, or how much
work it makes, is bounded: a format knows few signs, and a number few digits.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from tidings.core.actions.timing import zone_of
from tidings.errors import ShapingError

FORMAT_MAX = 100  # characters
DECIMALS_MAX = 10
DIGITS_MAX = 38
PART_MAX = 3  # characters between digits
ISO = "%Y-%m-%d"
_KNOWN = re.compile(r"%(:z|[YymdHIMSpz%])")
_WHOLE = re.compile(r"-?\d{1,16}")
_NO_TIME = (
    "time must be given milliseconds since 1970 of the years 1 to 9999, or a time as "
    "2026-02-11T09:30:00Z; it is given something else for this event."
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Unfit(ShapingError):
    """A filter is given what it cannot take. The text is a sentence or two, without the value."""


def time(value: Any, form: Any = ISO, zone: Any = "") -> str:
    """Write a time by a format: milliseconds since 1970, a day, or a time as ISO 8601 has it;
    nothing for an empty value. `zone` is a name as Asia/Kolkata, and UTC if there is no such one. A
    day, and a time without an offset, are of every zone. Raise Unfit for what is no time or
    format."""
    if value is None or value == "":
        return ""
    if not isinstance(form, str) or len(form) > FORMAT_MAX:
        raise Unfit(f"time must have a format of at most {FORMAT_MAX} characters, as {ISO}.")
    if "%" in _KNOWN.sub("", form):
        raise Unfit(
            "time must have a format of %Y %y %m %d %H %I %M %S %p %z %:z and %% alone; it has "
            "another %. Names of months are others in each language: write the number."
        )
    at = _moment(value)
    try:
        at = at if at.tzinfo is None else at.astimezone(zone_of(zone) or UTC)
    except OverflowError:
        raise Unfit(_NO_TIME) from None
    return _KNOWN.sub(lambda found: _part(at, found[1]), form)


def number(value: Any, decimals: Any = 0, point: Any = ".", group: Any = "") -> str:
    """Write a number with so many decimals, rounded half up, and `group` between each three digits
    before the point; nothing for an empty value. Raise Unfit for what is no number, or out of
    bounds."""
    if value is None or value == "":
        return ""
    if type(decimals) is not int or not 0 <= decimals <= DECIMALS_MAX:
        raise Unfit(f"number must be told decimals from 0 to {DECIMALS_MAX}.")
    if not all(isinstance(text, str) and len(text) <= PART_MAX for text in (point, group)):
        raise Unfit(f"number must be told a point and a group of at most {PART_MAX} characters.")
    number_text = str(value) if type(value) in (int, float, str) else ""
    try:
        exact = Decimal(number_text) if len(number_text) <= 2 * DIGITS_MAX else None
    except InvalidOperation:
        exact = None
    if exact is None or not exact.is_finite() or abs(exact.adjusted()) >= DIGITS_MAX:
        raise Unfit(
            f"number must be given a number of at most {DIGITS_MAX} digits; it is given something "
            "else for this event."
        )
    scaled = int(exact.scaleb(decimals).to_integral_value(ROUND_HALF_UP))
    whole, part = divmod(abs(scaled), 10**decimals)
    text = f"{whole:,}".replace(",", group)
    if decimals:
        text += f"{point}{part:0{decimals}d}"
    return f"-{text}" if scaled < 0 else text


FILTERS: dict[str, Callable[..., str]] = {"time": time, "number": number}


def _moment(value: Any) -> datetime:
    try:
        if type(value) in (int, str) and _WHOLE.fullmatch(str(value)):
            return _EPOCH + timedelta(milliseconds=int(value))
        if type(value) is float:
            return _EPOCH + timedelta(milliseconds=value)
        if type(value) is str and len(value) <= FORMAT_MAX:
            return datetime.fromisoformat(value)
    except (ValueError, OverflowError):
        pass
    raise Unfit(_NO_TIME)


def _part(at: datetime, sign: str) -> str:
    if sign == "%":
        return "%"
    if sign in ("z", ":z"):
        if at.tzinfo is None:
            return ""
        offset = at.strftime("%z")
        return f"{offset[:3]}:{offset[3:5]}" if sign == ":z" else offset[:5]
    if sign == "Y":
        return f"{at.year:04d}"
    return at.strftime(f"%{sign}")
