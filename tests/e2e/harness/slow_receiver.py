"""A receiver whose connections come about when the test says so: over TCP, or the TLS upon it."""

import contextlib
import http.server
import socket
import ssl
import threading
from typing import Any, Self

from .until import until


class SlowReceiver:
    """One port on loopback. Until `opens`, its connections stall: with a TLS `context` after they
    were taken, before the handshake; without one before they are taken."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.arrivals: list[tuple[dict[str, str], bytes]] = []
        self._context = context
        self._open = threading.Event()
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(0 if context is None else 100)
        self.port = self._listener.getsockname()[1]
        self._fill: list[socket.socket] = []
        self._taken = 0
        if context is None:
            self._fill_up()
        threading.Thread(target=self._serve, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.set()
        for sock in (self._listener, *self._fill):
            sock.close()

    @property
    def url(self) -> str:
        """Its URL, as a webhook takes it."""
        return f"http{'s' if self._context else ''}://127.0.0.1:{self.port}/hook"

    def opens(self) -> None:
        """From now on it is as quick as any."""
        for sock in self._fill:
            sock.close()
        self._open.set()

    def stalls_one(self) -> None:
        """Wait until somebody's connection stalls here."""
        if self._context is not None:
            until(lambda: self._taken, "a connection that was taken")
        else:
            until(self._dials, "a connection that is asked for")

    def wait(self, count: int) -> list[tuple[dict[str, str], bytes]]:
        """What has come, once it is so many."""
        until(lambda: len(self.arrivals) >= count, f"{count} requests")
        return self.arrivals

    def _fill_up(self) -> None:
        """Take all places of the queue, so that the system answers nobody else."""
        while len(self._fill) < 10:
            sock = socket.socket()
            sock.settimeout(0.2)
            self._fill.append(sock)
            try:
                sock.connect(("127.0.0.1", self.port))
            except TimeoutError:
                sock.close()
                return
        raise AssertionError("the queue of a listening socket has no end here")

    def _dials(self) -> bool:
        """Whether a connection to this port is on its way (`SYN_SENT` is 02 in Linux's table)."""
        with open("/proc/net/tcp", encoding="ascii") as table:
            rows = [line.split() for line in table][1:]
        end = f":{self.port:04X}"
        return any(row[2].endswith(end) and row[3] == "02" for row in rows)

    def _serve(self) -> None:
        if self._context is None:
            self._open.wait()
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                self._taken += 1
                threading.Thread(target=self._answer, args=(sock,), daemon=True).start()

    def _answer(self, sock: socket.socket) -> None:
        self._open.wait()
        with contextlib.suppress(OSError):
            if self._context is not None:
                sock = self._context.wrap_socket(sock, server_side=True)
            _Handler(sock, ("", 0), self)  # type: ignore[arg-type]


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Any
    request: socket.socket

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.arrivals.append((headers, body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None: ...
