"""A message as a record: its key and its headers. What is shown of it is made of the same."""

from tidings.destinations.port import Headers

CONTENT_TYPE = "content-type"
EVENT = "tidings-event"
OF_RECORD = (CONTENT_TYPE, EVENT)


def key_of(hashed: int | None) -> bytes | None:
    """Build the record's key, by which Kafka keeps an order: 16 hexadecimal digits of a hash of the
    ordering key; None without one."""
    return None if hashed is None else b"%016x" % (hashed & 0xFFFF_FFFF_FFFF_FFFF)


def carried(content_type: str, event_name: str) -> Headers:
    """List the headers that a record has beside those of every message."""
    headers = [(CONTENT_TYPE, content_type)]
    if event_name:
        headers.append((EVENT, event_name))
    return headers
