"""Writes answers: the messages of an ASGI application to the bytes of HTTP/1.1. No IO, no clock."""

from collections.abc import Iterable

from tidings.server.reader import HttpRequest
from tidings.server.refusals import REASONS

_LAST_CHUNK = b"0\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class AnswerWriter:
    """The answer to one request."""

    __slots__ = ("_chunked", "_left", "_silent", "keep")

    def __init__(self) -> None:
        self._chunked = False
        self._left: int | None = None  # of the length that was announced
        self._silent = False  # a head alone
        self.keep = True  # whether the connection can be used again

    def head(
        self,
        request: HttpRequest,
        status: int,
        headers: Iterable[tuple[bytes, bytes]],
        date: bytes,
        keep: bool,
    ) -> bytes:
        """Write the head. ValueError where a header would write another line than its own."""
        lines = [b"HTTP/1.1 %d %b\r\ndate: %b\r\n" % (status, REASONS.get(status, b"Status"), date)]
        count = 2
        for name, value in headers:
            lower = name.lower()
            if lower == b"content-length":
                self._left = int(value)
                if status == 204:
                    continue
            elif lower == b"connection":
                keep = keep and b"close" not in value.lower()
                continue
            elif lower in (b"transfer-encoding", b"date"):
                continue
            lines.append(b"%b: %b\r\n" % (name, value))
            count += 1
        bodiless = status in (204, 304)
        self._silent = bodiless or request.method == "HEAD"
        if self._left is None and not bodiless:
            if request.version == "1.1":
                self._chunked = not self._silent
                lines.append(b"transfer-encoding: chunked\r\n")
                count += 1
            else:
                keep = keep and self._silent
        if bodiless:
            self._left = None
        if not keep:
            lines.append(b"connection: close\r\n")
            count += 1
        elif request.version == "1.0":
            lines.append(b"connection: keep-alive\r\n")
            count += 1
        self.keep = keep
        lines.append(b"\r\n")
        head = b"".join(lines)
        if head.count(b"\n") != count + 1 or head.count(b"\r") != count + 1:
            raise ValueError("a header of the answer holds a line end")
        return head

    def body(self, data: bytes, more: bool) -> bytes:
        """Write a part of the body. ValueError where it is longer than announced, or ends
        before."""
        if self._silent:
            return b""
        if self._chunked:
            part = b"%x\r\n%b\r\n" % (len(data), data) if data else b""
            return part if more else part + _LAST_CHUNK
        if self._left is not None:
            self._left -= len(data)
            if self._left < 0 or (self._left and not more):
                raise ValueError("the answer is not as long as it announced")
        return data
