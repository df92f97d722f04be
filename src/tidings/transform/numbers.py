"""Numbers that a template only passes on, kept as they were written.

Inside a template a number with a point is a 64-bit float, and so is a whole number of more than 38
digits: 1.10 would be printed as 1.1, and 0.1234567890123456789 would lose its last digits. So such
numbers of an event are remembered with their characters, which are put back where the template
prints the same float. What a template calculates is printed as the float that it is.
"""

import re
from decimal import Decimal
from typing import Any

import msgspec

from tidings.errors import ShapingError

_INT_BITS = 127  # MiniJinja's widest whole number, with its sign
_WIDE = re.compile(rb"\d{39}")
_STRING_OR_FLOAT = re.compile(
    rb'"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+(?:[eE][+-]?\d+)?|[eE][+-]?\d+)', re.DOTALL
)


class TwoInOne(ShapingError):
    """Two different numbers of the event are the same float, and the template prints it."""


class Numbers:
    """The floats of one event, with how they were written."""

    __slots__ = ("_texts",)

    def __init__(self) -> None:
        self._texts: dict[float, str | None] = {}  # None: two different numbers

    def read(self, event: bytes) -> dict[str, Any]:
        """Decode the event and remember how its numbers are written. Raise msgspec.DecodeError if
        it is no JSON."""
        read: dict[str, Any] = msgspec.json.Decoder(float_hook=self._note).decode(event)
        if _WIDE.search(event):
            self._note_wide(read)
        return read

    def write(self, output: bytes) -> bytes:
        """Return the output (JSON) with its floats as the event wrote them. Raise TwoInOne if the
        event wrote two numbers that are one float there."""
        if all(text == repr(number) for number, text in self._texts.items()):
            return output
        return _STRING_OR_FLOAT.sub(self._written, output)

    def _note(self, text: str) -> float:
        number = float(text)
        known = self._texts.setdefault(number, text)
        if known is not None and known != text:  # in two ways: as a float prints it, or none
            same = Decimal(known) == Decimal(text)
            self._texts[number] = repr(number) if same else None
        return number

    def _note_wide(self, value: object) -> None:
        if isinstance(value, dict):
            for inner in value.values():
                self._note_wide(inner)
        elif isinstance(value, list):
            for inner in value:
                self._note_wide(inner)
        elif type(value) is int and value.bit_length() > _INT_BITS:
            self._note(str(value))  # no JSON of ours holds one that is too long for str()

    def _written(self, found: re.Match[bytes]) -> bytes:
        token = found[0]
        if token[:1] == b'"':
            return token
        number = float(token)
        if number not in self._texts:
            return token
        if Decimal(token.decode()).as_tuple() != Decimal(repr(number)).as_tuple():
            return token  # the template's own digits
        text = self._texts[number]
        if text is None:
            raise TwoInOne
        return text.encode()
