"""Reads requests from the bytes of a connection (RFC 9112). No IO, no clock.

llhttp reads; what it leaves open is decided here, so that nobody in front of us can read the same
bytes otherwise: one `Host`, one way to tell a body's length, no folded lines, no other version.
Bytes are taken in slices that end where a head may end, and none are taken beyond a request that
waits for its turn: who sends many requests at once (pipelining) makes us keep bytes, which cost far
less than requests that were read, and no more of them than one read brings.
"""

import re
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import unquote

import httptools

from tidings.server import refusals
from tidings.server.bounds import Bounds
from tidings.server.refusals import RejectedRequest

_SLICE: Final = 4096
_HEAD_END: Final = b"\r\n\r\n"
_HEAD_MIN: Final = 16  # bytes of a request, without the end of its head: none is shorter
_CHUNKS_SLICE: Final = 512  # of a body in chunks: what follows its end may be read with it
_KNOWN_MAX: Final = 1024  # bytes of a target and its host that are remembered
_OVERHEAD_MAX: Final = 16 * 1024  # of chunked coding, between two bytes of a body
_HOST = re.compile(rb"[A-Za-z0-9._~!$&'()*+,;=%\-]*(?::[0-9]{0,5})?|\[[0-9A-Fa-f:.]+\](?::[0-9]*)?")
_ABSOLUTE = re.compile(rb"[Hh][Tt][Tt][Pp][Ss]?://([^/?#]*)([/?][^#]*)?")

Pairs = list[tuple[bytes, bytes]]


class HttpRequest:
    """One request: its head, and as much of its body as has come and was not taken."""

    __slots__ = (
        "chunked",
        "complete",
        "expects",
        "facts",
        "headers",
        "keep",
        "length",
        "method",
        "parts",
        "path",
        "peer",
        "query",
        "raw_path",
        "received",
        "version",
        "waiting",
    )

    def __init__(self) -> None:
        self.method = self.path = ""
        self.version = "1.1"
        self.raw_path = self.query = b""
        self.headers: Pairs = []  # names in lower case
        self.peer: tuple[str, int] | None = None  # whom it is from, if not the connection's peer
        self.facts: Mapping[str, Any] | None = None  # known of it by who has admitted it
        self.keep = True  # whether the peer wants the connection kept
        self.expects = False  # whether it waits for "100 Continue" before it sends the body
        self.length = 0  # announced
        self.chunked = False
        self.complete = False
        self.parts: deque[bytes] = deque()
        self.waiting = 0  # bytes in `parts`
        self.received = 0

    def look(self) -> bytes:
        """Return what has come of the body, which stays to be taken."""
        parts = self.parts
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def take(self) -> bytes:
        """Take what has come of the body."""
        parts = self.parts
        body = parts.popleft() if len(parts) == 1 else b"".join(parts)
        parts.clear()
        self.waiting = 0
        return body


Admit = Callable[[HttpRequest], None]
"""Looks at each request whose head is whole, and may change it; raises `RejectedRequest`."""


class RequestReader:
    """Whatever way its bytes are cut, the same requests come out of a connection."""

    def __init__(self, bounds: Bounds, admit: Admit | None = None) -> None:
        self._bounds = bounds
        self._admit = admit
        self._parser = httptools.HttpRequestParser(self)
        self.kept = b""  # bytes, from `_kept_at` on, beyond a request that waits
        self._kept_at = 0
        self._refused: RejectedRequest | None = None
        self._over = False  # a request was read that is the last one
        self._again = False  # the parser reads a head that was read before
        self._headless = 0  # bytes of a head that is not complete
        self._overhead = 0
        self._head: HttpRequest | None = None
        self._head_bytes = 0
        self._target = b""
        self._hosts: list[bytes] = []
        # The target and host that were judged last, and its parts: most requests have the same.
        self._known_target, self._known_hosts = b"", [b""]
        self._known_parts = b"", b"", ""
        self._body: HttpRequest | None = None
        self.requests: deque[HttpRequest] = (
            deque()
        )  # whose heads are complete; the first is current

    @property
    def began(self) -> bool:
        """Return whether a head has begun and is not complete."""
        return self._head is not None

    def feed(self, data: bytes) -> None:
        """Take what has come. Refused where it is no request; nothing more is read then."""
        if self._refused is not None or self._over:
            return
        at = 0
        if self.kept:
            if data:
                data = self.kept[self._kept_at :] + data
            else:  # not copied for each of the requests in it
                data, at = self.kept, self._kept_at
            self.kept = b""
        size = len(data)
        whole = size <= _SLICE and data.count(_HEAD_END, at) <= 1 and len(self.requests) <= 1
        while at < size:
            if len(self.requests) > 1:
                self._keep(data, at)
                return
            step = size - at if whole else self._step(data, at)
            piece = data if at == 0 and size <= step else data[at : at + step]
            at += self._feed(piece)
            if self._over:
                return

    def close(self) -> None:
        """Read nothing more, and let go of the parser, which knows its reader."""
        self._over = True
        self.kept = b""
        del self._parser

    def _keep(self, data: bytes, at: int) -> None:
        """Keep what is beyond `at`; what is before it goes where it is most of the data."""
        if at * 2 > len(data):
            data, at = data[at:], 0
        self.kept, self._kept_at = data, at

    def _step(self, data: bytes, at: int) -> int:
        """Return how many bytes are read before it is looked whether there is enough to do."""
        body = self._body
        if body is None:
            end = data.find(_HEAD_END, at + _HEAD_MIN, at + _SLICE)
            return _SLICE if end < 0 else end + len(_HEAD_END) - at
        return _CHUNKS_SLICE if body.chunked else max(1, body.length - body.received)

    def _feed(self, piece: bytes) -> int:
        """Read a slice; how many bytes of it were read."""
        body = self._body
        seen = 0 if body is None else body.received
        read = len(piece)
        try:
            self._parser.feed_data(piece)
        except httptools.HttpParserUpgrade as upgrade:
            read = upgrade.args[0]
            self._not_upgraded()
        except httptools.HttpParserError as error:
            if not self._over:
                self._refused = self._refused or refusals.not_http(_reason(error))
                raise self._refused from None
        if self._head is not None:
            self._headless += read
            if self._headless > self._bounds.head_bytes + _SLICE:
                raise self._refuse(self._too_large())
        elif self._body is not None:
            moved = self._body is not body or self._body.received != seen
            self._overhead = 0 if moved else self._overhead + read
            if self._overhead > _OVERHEAD_MAX:
                raise self._refuse(refusals.not_http("chunks without data"))
        return read

    def _not_upgraded(self) -> None:
        """Read on as if no other protocol had been wished for: clients wish, and send a body.

        llhttp takes what follows for the other protocol, so another parser is told of the body.
        """
        self._parser = httptools.HttpRequestParser(self)
        body = self._body
        if body is not None:
            frame = b"Transfer-Encoding: chunked" if body.chunked else b"Content-Length: %d"
            self._again = True
            self._parser.feed_data(
                b"POST / HTTP/1.1\r\n%b\r\n\r\n" % (frame if body.chunked else frame % body.length)
            )
            self._again = False

    def _refuse(self, refused: RejectedRequest) -> RejectedRequest:
        self._refused = refused
        return refused

    def _too_large(self) -> RejectedRequest:
        bounds = self._bounds
        if len(self._target) > bounds.target_bytes or self._head_bytes == len(self._target):
            return refusals.target_too_long(bounds.target_bytes)
        return refusals.head_too_large(bounds.head_bytes, bounds.headers)

    # -- called by the parser; what is raised here comes out of `feed` ----------------------------

    def on_message_begin(self) -> None:
        """Begin a message, at the first byte of a request line."""
        if self._again:
            return
        self._head = HttpRequest()
        self._head_bytes = 0
        self._target = b""
        self._hosts = []

    def on_url(self, url: bytes) -> None:
        """Take a part of the target."""
        if self._again:
            return
        self._target += url
        self._head_bytes += len(url)
        if len(self._target) > self._bounds.target_bytes:
            raise self._refuse(refusals.target_too_long(self._bounds.target_bytes))

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; after a chunked body a trailer, which nobody reads."""
        if self._again:
            return
        head = self._head
        self._head_bytes += len(name) + len(value) + 4
        if head is None:
            if self._head_bytes > self._bounds.head_bytes:
                raise self._refuse(self._too_large())
            return
        name = name.lower()
        head.headers.append((name, value))
        if len(head.headers) > self._bounds.headers or self._head_bytes > self._bounds.head_bytes:
            raise self._refuse(
                refusals.head_too_large(self._bounds.head_bytes, self._bounds.headers)
            )
        if name == b"host":
            self._hosts.append(value)
        elif name == b"content-length":
            head.length = int(value)
        elif name == b"transfer-encoding":
            if head.chunked or value.lower() != b"chunked":
                raise self._refuse(refusals.coding())
            head.chunked = True
        elif name == b"expect":
            if value.lower() != b"100-continue":
                raise self._refuse(refusals.expectation())
            head.expects = True

    def on_headers_complete(self) -> None:
        """Judge the head, which is whole."""
        if self._again:
            return
        head = self._head
        assert head is not None
        parser = self._parser
        head.version = parser.get_http_version()
        if head.version not in ("1.1", "1.0"):
            raise self._refuse(refusals.not_http(f"version {head.version}"))
        head.method = parser.get_method().decode("ascii")
        head.keep = parser.should_keep_alive()
        if head.chunked and head.version != "1.1":
            raise self._refuse(refusals.coding())
        self._judge_target(head)
        if self._admit is not None:
            try:
                self._admit(head)
            except RejectedRequest as refused:
                raise self._refuse(refused) from None
        self._head = None
        self._headless = self._overhead = self._head_bytes = 0
        self._body = head
        head.expects = head.expects and head.version == "1.1" and (head.chunked or head.length > 0)
        self.requests.append(head)

    def on_body(self, data: bytes) -> None:
        """Take a part of the body."""
        body = self._body
        assert body is not None
        body.parts.append(data)
        body.waiting += len(data)
        body.received += len(data)
        self._overhead = 0

    def on_message_complete(self) -> None:
        """End the body."""
        body = self._body
        assert body is not None
        if self._parser.should_upgrade() and (body.chunked or body.length):
            return  # not yet: see `_not_upgraded`
        body.complete = True
        self._body = None
        self._over = self._over or not body.keep
        self._head_bytes = 0

    def _judge_target(self, head: HttpRequest) -> None:
        """Path, query, and the one host that is meant."""
        target, hosts = self._target, self._hosts
        if target == self._known_target and hosts == self._known_hosts:
            head.raw_path, head.query, head.path = self._known_parts
            return
        if len(hosts) > 1 or (not hosts and head.version == "1.1"):
            must = f"must appear once; got it {len(hosts)} times"
            raise self._refuse(refusals.bad_header("Host", must))
        if hosts and _HOST.fullmatch(hosts[0]) is None:
            raise self._refuse(
                refusals.bad_header("Host", "must be a host and a port; got another")
            )
        if target[:1] != b"/" and target != b"*":
            absolute = _ABSOLUTE.fullmatch(target)
            if absolute is None or absolute[1].lower() != b"".join(hosts).lower():
                raise self._refuse(refusals.not_http("a target that is no path of this host"))
            target = absolute[2] or b"/"
            target = b"/" + target if target[:1] == b"?" else target
        if b"#" in target or (target == b"*" and head.method != "OPTIONS"):
            raise self._refuse(refusals.not_http("a target that is no path"))
        path, _, query = target.partition(b"?")
        text = path.decode("latin-1")
        parts = path, query, unquote(text) if b"%" in path else text
        head.raw_path, head.query, head.path = parts
        if hosts and len(self._target) + len(hosts[0]) <= _KNOWN_MAX and target != b"*":
            self._known_target, self._known_hosts, self._known_parts = self._target, hosts, parts


def _reason(error: Exception) -> str:
    reason = str(error).strip(".") or "broken"
    return reason[:80].replace("`", "")
