"""Records as they stand in a file: a mark, the length, a checksum, the bytes of one event.

The mark holds a byte that UTF-8 does not have. So it stands in no event, and behind bytes that are
damaged the next record is found by it.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

MARK = b"\xffTD\x01"
_HEAD = struct.Struct(">4sII")
HEAD_BYTES = _HEAD.size


class Piece(NamedTuple):
    """A stretch of a file: a record where it has a body, else bytes that are none."""

    start: int
    end: int
    body: bytes | None


def pack(body: bytes) -> bytes:
    """Return a body as a record, with its length and checksum."""
    return _HEAD.pack(MARK, len(body), _sum(body)) + body


def scan(data: bytes, at: int = 0) -> Iterator[Piece]:
    """Yield every stretch from `at` to the end, in order; of two neighbours at least one is a
    record."""
    while at < len(data):
        piece = _record(data, at)
        if piece is None:
            piece = Piece(at, _next(data, at + 1), None)
        yield piece
        at = piece.end


def torn(data: bytes) -> bool:
    """Return whether bytes that are no record can be the begin of one whose writer was killed."""
    if len(data) < HEAD_BYTES:
        return data[: len(MARK)] == MARK[: len(data)]
    mark, length, _ = _HEAD.unpack_from(data)
    return bool(mark == MARK and HEAD_BYTES + length > len(data))


def _record(data: bytes, at: int) -> Piece | None:
    if len(data) - at < HEAD_BYTES:
        return None
    mark, length, checksum = _HEAD.unpack_from(data, at)
    end = at + HEAD_BYTES + length
    if mark != MARK or not length or end > len(data):
        return None
    body = data[at + HEAD_BYTES : end]
    return Piece(at, end, body) if _sum(body) == checksum else None


def _next(data: bytes, at: int) -> int:
    """Find where the next record begins; the end where there is none."""
    while (at := data.find(MARK, at)) >= 0:
        if _record(data, at) is not None:
            return at
        at += 1
    return len(data)


def _sum(body: bytes) -> int:
    """Over the length too: a record of another length does not pass."""
    return zlib.crc32(body, zlib.crc32(len(body).to_bytes(4, "big")))
