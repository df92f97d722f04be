"""Calls of `POST /v1/events`: one connection that is kept, and one deadline for each call."""

from __future__ import annotations

import base64
import http.client
import io
import socket
import ssl
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from tidings_producer.answers import Answer
from tidings_producer.envelope import HOPS
from tidings_producer.errors import SettingError

PATH = "/v1/events"
ANSWER_BYTES_MAX, ROW_BYTES_MAX = 65_536, 4_096
PIECE = 65_536


class NoAnswer(Exception):
    """The call ended without an answer that can be read."""


class Calls:
    """Makes one call at a time. `end` may be called by another thread."""

    def __init__(
        self,
        url: str,
        key: str,
        secret: str,
        *,
        org: int | None,
        deadline_s: float,
        tls: ssl.SSLContext | None,
    ) -> None:
        parts = urlsplit(url)
        try:
            port = parts.port
            good = parts.scheme in ("http", "https") and parts.hostname and not parts.username
        except ValueError:
            port, good = None, False
        if not good or parts.hostname is None:
            raise SettingError(
                "url must be http:// or https:// with a host and without a name or password; got "
                "another one. Write https://tidings.example, and give key and secret."
            )
        if ":" in key or not key:
            raise SettingError("key must be the key of a credential, as tdk_…; got another one.")
        self.host = parts.netloc
        self._path = parts.path.rstrip("/") + PATH
        self._deadline_s = deadline_s
        self._line = _line(parts.scheme, parts.hostname, port, deadline_s, tls)
        login = base64.b64encode(f"{key}:{secret}".encode()).decode("ascii")
        self._headers = {"Authorization": f"Basic {login}", "Content-Type": "application/json"}
        if org is not None:
            self._headers["X-Tidings-Org"] = str(org)

    def post(self, events: Sequence[bytes], hops: str = "") -> Answer:
        """Send events in one call. `hops`: what is said of the passage of all of them. NoAnswer."""
        more = {HOPS: hops} if hops else {}
        body = b"[" + b",".join(events) + b"]"
        until = time.monotonic() + self._deadline_s
        room = ANSWER_BYTES_MAX + ROW_BYTES_MAX * len(events)
        kept = self._line.sock is not None
        try:
            return self._ask(body, more, until, room)
        except _ENDED as error:
            self.end()
            # The other side may have closed a connection that nobody used. An event that came
            # through all the same is known by its id.
            if not kept or time.monotonic() > until:
                raise NoAnswer(_words(error)) from None
        try:
            return self._ask(body, more, until, room)
        except _ENDED as error:
            self.end()
            raise NoAnswer(_words(error)) from None

    def end(self) -> None:
        """End the connection, and with it a call that waits. The next call opens another one."""
        line = self._line.sock
        if line is not None:
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
        self._line.close()

    def abandon(self) -> None:
        """Let go of the connection in the child after a fork; it stays the parent's."""
        self._line.close()

    def _ask(self, body: bytes, more: dict[str, str], until: float, room: int) -> Answer:
        if self._line.sock is None:
            self._line.connect()
        line: Any = self._line.sock
        line.until = until
        self._line.request("POST", self._path, body, {**self._headers, **more})
        answer = self._line.getresponse()
        received = answer.read(room + 1)
        if len(received) > room:
            raise http.client.HTTPException(f"an answer above {room:,} bytes")
        if answer.will_close:
            self._line.close()
        return Answer(answer.status, received, answer.getheader("retry-after"))


_ENDED = (OSError, http.client.HTTPException, ValueError, AttributeError)
"""AttributeError: the connection was ended by another thread."""


def _words(error: Exception) -> str:
    if isinstance(error, (TimeoutError, socket.timeout)):
        return "no whole answer came within the deadline"
    words = str(error) or type(error).__name__
    return "".join(sign if sign.isprintable() else " " for sign in words[:200])


def _line(
    scheme: str, host: str, port: int | None, timeout: float, tls: ssl.SSLContext | None
) -> http.client.HTTPConnection:
    if scheme == "http":
        return _Plain(host, port, timeout=timeout)
    return _Secure(host, port, timeout=timeout, context=tls or ssl.create_default_context())


class _Plain(http.client.HTTPConnection):
    def connect(self) -> None:
        super().connect()
        self.sock: Any = _Bounded(self.sock)


class _Secure(http.client.HTTPSConnection):
    def connect(self) -> None:
        super().connect()
        self.sock: Any = _Bounded(self.sock)


class _Bounded:
    """A socket, as far as http.client needs one, whose waits all end at one moment.

    A time-out of its own would begin anew with each byte: who drips would hold the call for ever.
    """

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self.until = 0.0

    def wait_s(self) -> float:
        """Return the seconds that are left; raise TimeoutError where none are."""
        left = self.until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def sendall(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            self._line.settimeout(self.wait_s())
            rest = rest[self._line.send(rest[:PIECE]) :]

    def wait(self) -> None:
        """Bound the next read by the time that is left."""
        self._line.settimeout(self.wait_s())

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Reading(self, self._line.makefile("rb", buffering=0)))

    def shutdown(self, how: int) -> None:
        self._line.shutdown(how)

    def close(self) -> None:
        self._line.close()


class _Reading(io.RawIOBase):
    def __init__(self, line: _Bounded, file: io.RawIOBase) -> None:
        self._bounded, self._file = line, file

    def readable(self) -> bool:
        return True

    def readinto(self, room: Any) -> int | None:
        self._bounded.wait()
        made: int | None = self._file.readinto(room)
        return made

    def close(self) -> None:
        self._file.close()
        super().close()
