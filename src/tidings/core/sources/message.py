"""A message of somebody else's, as it came to a source."""

from collections.abc import Sequence

import msgspec

from tidings.core.events.passage import first_of
from tidings.errors import FieldRefusal

HEADERS_MAX = 100  # that are kept with a message
HEADERS_BYTES_MAX = 16_384
READ_HEADERS_MAX = 1000  # that a message may have to be read
READ_HEADERS_BYTES_MAX = 256 << 10
MESSAGE_BYTES_MAX = 8 << 20  # of a body
CUT_BYTES = 64 << 10  # kept of one that is larger
TOO_LARGE = "message_too_large"
UNREADABLE = "not_read"


class ForeignMessage(msgspec.Struct, frozen=True):
    """One message. Its `place` is what it has at its origin, and no other message ever had: the id
    that its sender gave it, or topic, partition and offset; empty where nothing tells it."""

    place: str
    headers: Sequence[tuple[str, str]]
    body: bytes
    defect: FieldRefusal | None = None
    """Why it cannot be read at all: found by whoever brings it, who hands over what there is."""

    def header(self, name: str) -> str | None:
        """Return the first header of a name, in any case; None if there is none."""
        wanted = name.lower()
        return next((value for header, value in self.headers if header.lower() == wanted), None)


def bounded_headers(headers: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return as many headers as are kept with a message, those that tell of its passage first."""
    kept, room = [], HEADERS_BYTES_MAX
    for name, value in first_of(headers)[:HEADERS_MAX]:
        room -= len(name) + len(value)
        if room < 0:
            break
        kept.append((name, value))
    return kept


def bounded_body(body: bytes) -> tuple[bytes, FieldRefusal | None]:
    """Return a body, cut with the reason if it is larger than any that is read: as a whole it would
    fill the place that its source has for messages set aside."""
    if len(body) <= MESSAGE_BYTES_MAX:
        return body, None
    return body[:CUT_BYTES], too_large(len(body))


def too_large(size: int) -> FieldRefusal:
    """Build the reason why a body of so many bytes is refused."""
    return FieldRefusal.build(
        TOO_LARGE,
        f"The body must be at most {MESSAGE_BYTES_MAX} bytes; got {size}, of which the first "
        f"{CUT_BYTES} are kept. Send a reference to large content instead.",
    )


def defect_of(message: ForeignMessage) -> FieldRefusal | None:
    """Say why a message cannot be read, whatever is to be made of it; None where it can."""
    if message.defect is not None:
        return message.defect
    if len(message.body) > MESSAGE_BYTES_MAX:
        return too_large(len(message.body))
    count = len(message.headers)
    size = sum(len(name) + len(value) for name, value in message.headers[:READ_HEADERS_MAX])
    if count <= READ_HEADERS_MAX and size <= READ_HEADERS_BYTES_MAX:
        return None
    return FieldRefusal.build(
        "too_many_headers",
        f"A message must have at most {READ_HEADERS_MAX} headers of {READ_HEADERS_BYTES_MAX} "
        f"characters together; got {count}. Send less in headers, and more in the body.",
    )


def unreadable(place: str, body: bytes, error: Exception) -> ForeignMessage:
    """Build the message for what could not be read, for a reason that nobody has foreseen: the
    others go on."""
    return ForeignMessage(
        place,
        (),
        body,
        defect=FieldRefusal.build(
            UNREADABLE,
            "Tidings must be able to read a message; it failed on this one "
            f"({type(error).__name__}). Retry it once the cause is fixed.",
        ),
    )
