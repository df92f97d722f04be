"""Where two events of one id differ: whether a message is a repeat, or another one that bears a
known id. Pure.

They are compared by what was made of their messages, the events, and there by value: 1.10 is 1.1,
and the order of names in an object does not count. When an event was told (`createdAt`,
`apiRequestId`) is no content of it: a sender that tries again says another time.
"""

from decimal import Decimal
from typing import Any

import msgspec

ID_CONFLICT = "id_conflict"
TIME_AND_CALL = frozenset(("createdAt", "apiRequestId"))
SAME_BY_ID = frozenset(("eventId", "orgId"))
FIELD_MAX = 200  # characters of a path that are shown
_read = msgspec.json.Decoder(float_hook=Decimal).decode


def first_difference(stored: bytes, repeated: bytes) -> str | None:
    """Find the first field, by its path, in which two events of one id differ; None where they do
    not. An event that cannot be read differs as a whole, which is an empty path."""
    try:
        before, now = _read(stored), _read(repeated)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None if stored == repeated else ""
    if not (isinstance(before, dict) and isinstance(now, dict)):
        return _differ(before, now, "")
    names = [name for name in (*now, *before) if name not in TIME_AND_CALL | SAME_BY_ID]
    found = _first_of(before, now, dict.fromkeys(names), "")
    return None if found is None else found[:FIELD_MAX]


def _differ(before: Any, now: Any, path: str) -> str | None:
    if isinstance(before, dict) and isinstance(now, dict):
        return _first_of(before, now, dict.fromkeys((*now, *before)), path)
    if isinstance(before, list) and isinstance(now, list):
        if len(before) != len(now):
            return path
        pairs = enumerate(zip(before, now, strict=True))
        return next(
            (
                place
                for index, (pair, other) in pairs
                if (place := _differ(pair, other, f"{path}[{index}]")) is not None
            ),
            None,
        )
    same = before == now and isinstance(before, bool) is isinstance(now, bool)
    return None if same else path


def _first_of(
    before: dict[str, Any], now: dict[str, Any], names: dict[str, None], path: str
) -> str | None:
    for name in names:
        place = f"{path}.{name}" if path else name
        if (name in before) is not (name in now):
            return place
        if (found := _differ(before[name], now[name], place)) is not None:
            return found
    return None
