"""A spool without a service: filled and taken by hand."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tidings_producer import Spool
from tidings_producer.answers import Verdict
from tidings_producer.envelope import Encoded
from tidings_producer.spool.spool import BYTES_MIN

SMALL = BYTES_MIN  # its segments have an eighth of it
TAKEN, REFUSED = Verdict(), Verdict(code="unknown_type", said="It must be known.")


def numbered(number: int, size: int = 1_000) -> Encoded:
    """An event with a number, of about so many bytes."""
    return Encoded(f"e-{number}", b'{"n":%d,"pad":"%s"}' % (number, b"x" * size))


def take(spool: Spool, most: int = 7, verdict: Verdict = TAKEN) -> list[int]:
    """The first that wait, taken; their numbers."""
    events = spool.peek(most, 100_000, 0.0, 0.0)
    assert all(
        event.body.startswith(b'{"n":' + event.event_id[2:].encode() + b",") for event in events
    )
    spool.put_aside(events, [verdict] * len(events))
    spool.take(events, [verdict] * len(events))
    return [int(event.event_id[2:]) for event in events]


def drain(spool: Spool) -> list[int]:
    """All that wait, taken; their numbers."""
    found: list[int] = []
    while some := take(spool):
        found += some
    assert spool.waiting_bytes == 0
    return found


def held(folder: Path) -> int:
    """Bytes of its events on the disk."""
    return sum(path.stat().st_size for path in folder.glob("*.events"))


@contextmanager
def opened(folder: Path, **how: Any) -> Iterator[Spool]:
    """Closed at the end."""
    spool = Spool(folder, **{"bytes_max": SMALL, **how})
    try:
        yield spool
    finally:
        spool.close()
