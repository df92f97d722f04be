"""What stands behind nginx and keeps what comes, byte for byte: a server of the test's own."""

import contextlib
import itertools
import socket
import threading
from dataclasses import dataclass
from typing import Self

END = b"\r\n\r\n"


@dataclass
class Request:
    """One request as nginx wrote it."""

    connection: int
    line: str
    headers: list[tuple[str, str]]  # names as they came
    body: bytes

    def values(self, name: str) -> list[str]:
        """Of every header of this name, whatever its case."""
        return [value for header, value in self.headers if header.lower() == name]


class Recorder:
    """Answers 200 and keeps its connections open; on the path `/stall` it never answers, on
    `/drop` it reads the whole request and closes."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self._numbers = itertools.count(1)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._open: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for sock in (self._listener, *self._open):
            sock.close()

    def of(self, path: str) -> list[Request]:
        """The requests of a path, in order."""
        return [request for request in list(self.requests) if request.line.split()[1] == path]

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                self._open.append(sock)
                number = next(self._numbers)
                threading.Thread(target=self._talk, args=(sock, number), daemon=True).start()

    def _talk(self, sock: socket.socket, number: int) -> None:
        with sock, contextlib.suppress(OSError):
            came = b""
            while True:
                while END not in came:
                    if not (more := sock.recv(65536)):
                        return
                    came += more
                head, _, came = came.partition(END)
                request = _read(number, head)
                [length] = request.values("content-length") or ["0"]
                while len(came) < int(length):
                    came += sock.recv(65536)
                request.body, came = came[: int(length)], came[int(length) :]
                self.requests.append(request)
                path = request.line.split()[1]
                if path == "/drop":
                    return
                if path != "/stall":
                    sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


def _read(connection: int, head: bytes) -> Request:
    line, *lines = head.decode("latin-1").split("\r\n")
    pairs = [line.partition(":") for line in lines]
    return Request(connection, line, [(name, value.strip()) for name, _, value in pairs], b"")
