"""How much may be made of one event, counted while it is made: what is refused in the end must not
be there first. An act may have one value many times, for each item of a list for example. Pure.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from tidings.core.actions.context import Unmade
from tidings.core.exact_json import write_exactly

MADE_BYTES_MAX = 256 * 1024  # as much as templates may make of an event

SCALAR_BYTES = 4  # of a number or null, with what stands between it and the next one


class Room:
    """The room left for one thing that is made, called `what`."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._left = MADE_BYTES_MAX

    def take(self, value: Any) -> Any:
        """Return the value and count its bytes. Raise Unmade if there is no room for it."""
        self._left -= size_of(value)
        if self._left < 0:
            raise too_large(self._what)
        return value


def size_of(value: Any) -> int:
    """Count the bytes that a value takes at least when it is written; 0 for one that cannot be."""
    if isinstance(value, str):
        return len(value)
    if not isinstance(value, Mapping | list | tuple | msgspec.Raw):
        return SCALAR_BYTES
    try:
        return len(write_exactly(value))
    except (msgspec.MsgspecError, TypeError, ValueError, RecursionError, OverflowError):
        return 0  # told where it is written


def too_large(what: str) -> Unmade:
    """Build the error that says why more cannot be made."""
    return Unmade(
        f"The {what} must be at most {MADE_BYTES_MAX // 1024} KiB; it became more for this event. "
        "Use less of the event."
    )
