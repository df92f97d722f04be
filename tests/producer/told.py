"""A service that answers as it is told, and remembers what it took."""

import json
import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from typing import Any, Self

Told = Callable[[socket.socket, list[Any]], bytes | None]
"""Given the connection and the events of a call: what to answer. None: it has ended it itself."""


def answer(status: int, body: bytes, *headers: str) -> bytes:
    """A whole answer."""
    lines = [f"HTTP/1.1 {status} x", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def error(status: int, code: str, *headers: str) -> bytes:
    """A refusal of the whole call, as the service words it."""
    body = {"error": {"code": code, "message": f"It must be so. ({code}, body)", "path": ""}}
    return answer(status, json.dumps(body).encode(), *headers)


def rows(*found: dict[str, Any]) -> bytes:
    """202 with these rows."""
    return answer(202, json.dumps({"events": found}).encode())


class ToldService:
    """It takes whatever comes, once the answers are used up that it was told."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._tls = tls
        port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}" if tls is None else f"https://localhost:{port}"
        self.answers: list[Told | bytes] = []
        self.calls: list[list[Any]] = []
        self.heads: list[str] = []
        self.took: list[Any] = []
        self.known: set[str] = set()
        self._lines: list[socket.socket] = []
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for line in [self._listener, *self._lines]:
            try:
                line.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            line.close()
        self._thread.join(60)

    def tell(self, *answers: Told | bytes) -> None:
        """How the next calls are answered."""
        self.answers.extend(answers)

    def accept(self, events: Sequence[Any]) -> bytes:
        """Take them, as the service does."""
        found = []
        for event in events:
            status = "duplicate" if event["eventId"] in self.known else "accepted"
            if status == "accepted":
                self.took.append(event)
            self.known.add(event["eventId"])
            found.append({"eventId": event["eventId"], "status": status})
        return rows(*found)

    def _listen(self) -> None:
        while True:
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            self._lines.append(line)
            threading.Thread(target=self._serve, args=(line,), daemon=True).start()

    def _serve(self, line: socket.socket) -> None:
        try:
            if self._tls is not None:
                line = self._tls.wrap_socket(line, server_side=True)
                self._lines.append(line)
            with line.makefile("rb") as file:
                while (head := self._head(file)) is not None:
                    length = int(head.lower().partition("content-length: ")[2].partition("\r")[0])
                    events = json.loads(file.read(length))
                    self.heads.append(head)
                    self.calls.append(events)
                    said = self.answers.pop(0) if self.answers else self._accept
                    told = said if isinstance(said, bytes) else said(line, events)
                    if told is None:
                        return
                    line.sendall(told)
        except (OSError, ValueError):
            pass

    def _accept(self, line: socket.socket, events: list[Any]) -> bytes:
        return self.accept(events)

    @staticmethod
    def _head(file: Any) -> str | None:
        lines = []
        while (line := file.readline()) not in (b"\r\n", b""):
            lines.append(line.decode("latin-1"))
        return "".join(lines) if line else None
