"""A message of somebody else's, as it came to a source."""

from collections.abc import Sequence

import msgspec

HEADERS_MAX = 100
HEADERS_BYTES_MAX = 16_384


class ForeignMessage(msgspec.Struct, frozen=True):
    """One message. Its `place` is what it has at its origin, and no other message ever had: the id
    that its sender gave it, or topic, partition and offset; empty where nothing tells it."""

    place: str
    headers: Sequence[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        """The first of a name, in any case."""
        wanted = name.lower()
        return next((value for one, value in self.headers if one.lower() == wanted), None)


def bounded_headers(headers: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """As many headers as are kept with a message."""
    kept, room = [], HEADERS_BYTES_MAX
    for name, value in headers[:HEADERS_MAX]:
        room -= len(name) + len(value)
        if room < 0:
            break
        kept.append((name, value))
    return kept
