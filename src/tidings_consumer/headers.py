"""The headers of a request, in whatever form a framework has them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Union

from tidings_consumer.errors import MalformedHeader

Text = Union[str, bytes]
Headers = Union[Mapping[str, str], Iterable[tuple[Text, Text]]]

NAME_MAX = 256
VALUE_MAX = 8192  # characters; three signatures have 140


class HeaderView:
    """The headers of a request that are asked for, by name, without regard to case."""

    def __init__(self, headers: Headers, wanted: frozenset[str]) -> None:
        """MalformedHeader where one of `wanted` (lower case) is there twice: one of the two would
        have to be believed."""
        self._values: dict[str, str] = {}
        pairs = headers.items() if isinstance(headers, Mapping) else headers
        try:
            for name, value in pairs:
                if len(name) > NAME_MAX:
                    continue
                lower = (name.decode("latin-1") if isinstance(name, bytes) else name).lower()
                if lower not in wanted or not name.isascii():  # the lower case of the kelvin is k
                    continue
                if lower in self._values:
                    raise MalformedHeader(f"{lower} must be there once; it came twice")
                self._values[lower] = _value(lower, value)
        except (AttributeError, TypeError, ValueError):
            raise MalformedHeader("headers must be pairs of a name and a value, as text") from None

    def get(self, name: str) -> str | None:
        """Return the value of a header without surrounding space; None if it is absent or empty."""
        return self._values.get(name) or None


def _value(name: str, value: object) -> str:
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    if not isinstance(value, str):
        raise MalformedHeader(f"{name} must be text; got {type(value).__name__}")
    if len(value) > VALUE_MAX:
        raise MalformedHeader(f"{name} must have at most {VALUE_MAX} characters; got {len(value)}")
    value = value.strip(" \t")
    if not value.isascii() or not value.isprintable():
        raise MalformedHeader(f"{name} must be printable ASCII on one line")
    return value
