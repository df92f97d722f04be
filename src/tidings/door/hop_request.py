"""The request as it goes to the owner: as its caller made it, but for what frames it. Pure.

Who judges it is the owner, by the same headers as at the public port, those of proxies among them.
What a caller names in `Connection` goes along too: nobody may take headers off his call that way.
"""

from typing import NamedTuple

from tidings.door.head import DOOR_HEADER

Pairs = list[tuple[bytes, bytes]]
_FRAMES = frozenset(
    b"connection content-length expect keep-alive te transfer-encoding upgrade".split()
) | {DOOR_HEADER}
_KEY = b"idempotency-key"


class HopRequest(NamedTuple):
    """Hold a request, ready to be sent to an owner behind a head."""

    method: str
    line: bytes
    lines: bytes  # of its headers, to the end of its head
    has_key: bool

    def write(self, head: bytes) -> bytes:
        """Write the request's head, with what doors say beside the call."""
        return b"%b%b: %b\r\n%b" % (self.line, DOOR_HEADER, head, self.lines)


def request_of(
    method: str, target: bytes, headers: Pairs, *, length: int | None = None, chunked: bool = False
) -> HopRequest:
    """Make the request. `length`: of a body, None: there is none. ValueError where a header would
    write another line than its own."""
    lines = [b"%b: %b\r\n" % pair for pair in headers if pair[0] not in _FRAMES]
    names = dict(headers)
    if b"host" not in names:  # HTTP/1.0 needs none
        lines.append(b"host: \r\n")
    if chunked:
        lines.append(b"transfer-encoding: chunked\r\n")
    elif length is not None:
        lines.append(b"content-length: %d\r\n" % length)
    lines.append(b"\r\n")
    rest = b"".join(lines)
    line = b"%b %b HTTP/1.1\r\n" % (method.encode(), target)
    count = len(lines)
    if rest.count(b"\n") != count or rest.count(b"\r") != count or line.count(b"\n") != 1:
        raise ValueError("a header of the request holds a line end")
    return HopRequest(method=method, line=line, lines=rest, has_key=_KEY in names)


def target_of(path: bytes, query: bytes) -> bytes:
    """Return the target of a request, by its path as it was sent, and its query."""
    return b"%b?%b" % (path, query) if query else path


def passed_back(headers: Pairs) -> list[tuple[bytes, bytes]]:
    """Return the headers of an owner's answer that its caller gets."""
    return [
        pair
        for pair in headers
        if pair[0] not in (b"connection", b"keep-alive", b"transfer-encoding", DOOR_HEADER)
    ]
