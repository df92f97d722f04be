"""Reads an HTTP/1.1 answer from the bytes of a connection (RFC 9112). No IO, no clock.

The head is read strictly, because it decides: a status line, at most 100 headers of a token and a
value, 32 KiB in all, at most 5 interim answers before it. What is no such head raises NotHttp. Once
it is there, nothing of the body changes that; the body is read for two reasons, as evidence (its
first 16 KiB, or as much of a 2xx as is asked for, as they came: nothing is decompressed) and to
find its end.

A connection may be used again only where that end is beyond doubt: one length or one chunked
coding, nothing broken, nothing behind it, and no wish to close.
"""

import re
from enum import Enum, auto
from typing import NamedTuple

from tidings.errors import RemoteError

HEAD_BYTES_MAX = 32 * 1024
HEADERS_MAX = 100
INTERIM_MAX = 5
KEEP_BYTES = 16 * 1024
_LINE_MAX = 1024  # of a chunk's size and extensions
_TRAILER_MAX = 8 * 1024

_HEAD_END = re.compile(rb"\r?\n\r?\n")
_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: [^\r\n]*)?")
_HEADER = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([^\r\n\0]*?)[ \t]*")
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?")
_PREFIX = b"HTTP/1."
_KNOWN_MAX = 1024  # bytes of a head that is remembered


class NotHttp(RemoteError):
    """The bytes that have come are no head of an HTTP/1.1 answer, or beyond its bounds."""


class Head(NamedTuple):
    """The head of a final answer."""

    status: int
    headers: list[tuple[bytes, bytes]]
    length: int | None  # announced, in bytes; 0 where there can be no body
    chunked: bool
    reusable: bool  # as far as the head tells

    @property
    def empty(self) -> bool:
        """Return whether there is no body."""
        return self.length == 0


class _ParsePhase(Enum):
    SIZE = auto()
    DATA = auto()
    END = auto()
    TRAILER = auto()


class AnswerReader:
    """One answer after the other; `begin` starts the next.

    A receiver's small answers are alike but for their date, which changes once a second. So the
    last head is remembered by its bytes, and one that begins with the same bytes is not read again.
    """

    def __init__(self) -> None:
        self._known: tuple[bytes, Head] | None = None
        self._buffer = bytearray()
        self.kept = bytearray()
        self.begin(False)

    def begin(self, keep: bool, most: int = KEEP_BYTES) -> None:
        """Begin to read, as a request goes out. The body is kept if `keep`, and of whatever is not
        2xx; at most so many bytes of a 2xx."""
        self._keep = keep
        self.most = most
        self._buffer.clear()
        self._interim = 0
        self._part = _ParsePhase.SIZE
        self._left = 0
        self._trailer = 0
        self.head: Head | None = None
        self.collects = False
        self.kept.clear()
        self.seen = 0  # bytes of the body
        self.has_bytes = False  # whether anything did
        self.complete = False
        self.broken = False
        self._excess = False

    @property
    def reusable(self) -> bool:
        """Return whether the answer is over, and the connection fit for another one."""
        head = self.head
        return bool(self.complete and head and head.reusable) and not self._excess

    def feed(self, data: bytes) -> None:
        """Take what has come. NotHttp where it is no head; never raises once there is one."""
        self.has_bytes = True
        if self.head is not None:
            self._body(data)
            return
        buffer, known = self._buffer, self._known
        if known is not None and not buffer and data.startswith(known[0]):
            self._begin_body(known[1], data[len(known[0]) :])
            return
        while True:
            searched = max(0, len(buffer) - 3)
            buffer += data
            if buffer[: len(_PREFIX)] != _PREFIX[: len(buffer)]:
                raise NotHttp
            end = _HEAD_END.search(buffer, searched)
            if end is None or end.start() > HEAD_BYTES_MAX:
                if len(buffer) > HEAD_BYTES_MAX:
                    raise NotHttp
                return
            head = _read_head(bytes(buffer[: end.start()]))
            block, data = bytes(buffer[: end.end()]), bytes(buffer[end.end() :])
            buffer.clear()
            if head is not None:
                self._known = (block, head) if len(block) <= _KNOWN_MAX else None
                self._begin_body(head, data)
                return
            self._interim += 1
            if self._interim > INTERIM_MAX:
                raise NotHttp
            if not data:
                return

    def ended(self) -> bool:
        """Note that the connection has ended. Return whether the body is whole, as where nothing
        tells its end."""
        head = self.head
        unframed = head is not None and head.length is None and not head.chunked
        return self.complete or unframed

    def _begin_body(self, head: Head, data: bytes) -> None:
        """Go on behind a final head with what has come of its body."""
        self.head = head
        if not 200 <= head.status < 300:
            self.collects, self.most = True, KEEP_BYTES
        else:
            self.collects = self._keep
        self._body(data)

    # -- the body ---------------------------------------------------------------------------------

    def _body(self, data: bytes) -> None:
        head = self.head
        assert head is not None
        if self.complete:
            self._excess = self._excess or bool(data)
        elif head.chunked:
            self._chunks(data)
        elif head.length is None:
            self._take(data)
        else:
            left = head.length - self.seen
            self._take(data[:left])
            self.complete = self.seen == head.length
            self._excess = len(data) > left

    def _take(self, data: bytes) -> None:
        self.seen += len(data)
        if self.collects and len(self.kept) < self.most:
            self.kept += data[: self.most - len(self.kept)]

    def _chunks(self, data: bytes) -> None:
        """Chunked coding, RFC 9112 section 7.1."""
        if self.broken:
            return
        if self._buffer:
            data = bytes(self._buffer) + data
            self._buffer.clear()
        at = 0
        while not (self.complete or self.broken):
            if self._part is _ParsePhase.DATA:
                piece = data[at : at + self._left]
                self._take(piece)
                at += len(piece)
                self._left -= len(piece)
                if self._left:
                    return
                self._part = _ParsePhase.END
            end = data.find(b"\r\n", at)
            if end < 0:
                self.broken = len(data) - at > _LINE_MAX or (
                    self._part is _ParsePhase.END and data[at:] not in (b"", b"\r")
                )
                self._buffer += data[at:]
                return
            self._line(data[at:end])
            at = end + 2
        self._excess = at < len(data)

    def _line(self, line: bytes) -> None:
        if self._part is _ParsePhase.SIZE:
            size = _SIZE.fullmatch(line)
            if size is None:
                self.broken = True
                return
            self._left = int(size[1], 16)
            self._part = _ParsePhase.DATA if self._left else _ParsePhase.TRAILER
        elif self._part is _ParsePhase.END:
            self.broken = line != b""
            self._part = _ParsePhase.SIZE
        else:
            self._trailer += len(line)
            self.complete = line == b""
            self.broken = self._trailer > _TRAILER_MAX


def _read_head(block: bytes) -> Head | None:
    """A final head; None for an interim one (1xx, but for 101, which is the end of HTTP)."""
    first, *lines = block.replace(b"\r\n", b"\n").split(b"\n")
    start = _STATUS_LINE.fullmatch(first)
    if start is None or len(lines) > HEADERS_MAX:
        raise NotHttp
    headers: list[tuple[bytes, bytes]] = []
    lengths: list[bytes] = []
    codings: list[bytes] = []
    reusable = start[1] == b"1"
    for line in lines:
        header = _HEADER.fullmatch(line)
        if header is None:
            raise NotHttp
        name, value = header[1].lower(), header[2]
        headers.append((name, value))
        if name == b"content-length":
            lengths.append(value)
        elif name == b"transfer-encoding":
            codings.append(value.lower())
        elif name == b"connection" and b"close" in value.lower():
            reusable = False
    status = int(start[2])
    if 100 <= status < 200 and status != 101:
        return None
    if status in (101, 204, 304):
        return Head(status, headers, 0, chunked=False, reusable=reusable and status != 101)
    if codings:  # a length beside it is not believed, and neither is the end
        plain = codings == [b"chunked"] and not lengths
        chunked = codings[-1].rpartition(b",")[2].strip() == b"chunked"
        return Head(status, headers, None, chunked=chunked, reusable=reusable and plain)
    if not lengths:
        return Head(status, headers, None, chunked=False, reusable=False)
    if any(length != lengths[0] for length in lengths) or not lengths[0].isdigit():
        raise NotHttp
    return Head(
        status,
        headers,
        int(lengths[0][:18]),
        chunked=False,
        reusable=reusable and len(lengths) == 1,
    )
