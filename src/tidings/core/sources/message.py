"""A message of somebody else's, as it came to a source."""

from collections.abc import Sequence

import msgspec

from tidings.errors import Refusal, Unprocessable

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


class MessageFault(Unprocessable):
    """No event can be made of a message. `field`: what of the mapping, or of the event, it is
    about; empty for the message as a whole."""

    def __init__(self, code: str, said: str, field: str = "") -> None:
        self.message = f"{said} ({code}, {f'field {field}' if field else 'message'})"
        super().__init__(Refusal(code, self.message, field))
        self.code = code
        self.field = field


def bounded_headers(headers: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """As many headers as are kept with a message."""
    kept, room = [], HEADERS_BYTES_MAX
    for name, value in headers[:HEADERS_MAX]:
        room -= len(name) + len(value)
        if room < 0:
            break
        kept.append((name, value))
    return kept
