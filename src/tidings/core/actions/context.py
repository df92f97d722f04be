"""What an action sees, and what stands at a path of it. Pure.

The event and the records are JSON that was read exactly: a number with a point is `Raw`, the
characters in which it came (`core/exact_json.py`).
"""

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

from tidings.core.exact_json import read_exactly, write_exactly
from tidings.core.picks import steps_of
from tidings.errors import ShapingError

_DIGITS_MAX = 1000
_NUMBER_SIGNS = frozenset(b"-0123456789")


class Unmade(ShapingError):
    """An act cannot be made of what the action sees; made again it could not be either."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason  # one sentence or two; holds no value


def find(seen: Mapping[str, Any], path: str) -> Any:
    """Return the value at a path, as it is; None where there is nothing."""
    here: Any = seen
    for step in steps_of(path):
        if isinstance(here, msgspec.Raw):
            here = _read(here)
        if isinstance(step, str):
            here = here.get(step) if isinstance(here, Mapping) else None
        else:
            is_list = isinstance(here, list | tuple) and step < len(here)
            here = here[step] if is_list else None
        if here is None:
            return None
    return here


def opened(value: Any) -> Any:
    """Return a value, decoded if it was kept as JSON; a number stays as it came."""
    if not isinstance(value, msgspec.Raw):
        return value
    read = _read(value)
    return value if read is None else read


def text_of(value: Any) -> str | None:
    """Return a text, a number or a truth as a text, a number as it came; None for anything else."""
    if isinstance(value, msgspec.Raw):
        written = bytes(value).strip()
        if written[:1] and written[0] in _NUMBER_SIGNS and len(written) <= _DIGITS_MAX:
            return written.decode("ascii", "replace")
        value = _read(value)
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and value.bit_length() <= 3 * _DIGITS_MAX:
        return str(value)
    if (isinstance(value, float) and math.isfinite(value)) or (
        isinstance(value, Decimal) and value.is_finite()
    ):
        return write_exactly(value).decode()
    return None


def _read(raw: msgspec.Raw) -> Any:
    """Decode an object, a list, a text … that was not read until now; None for what cannot be."""
    try:
        value = read_exactly(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return None if isinstance(value, msgspec.Raw) else value
