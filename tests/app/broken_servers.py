"""What may answer, or not, where a database should: each a place on this machine, for a test."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress

SSL_REQUEST = 80877103
ODD = "\x1b[31m\x07\nof\r\nmany\tlines " + "and more " * 500
Talk = Callable[[socket.socket], None]


@contextmanager
def answering(talk: Talk) -> Iterator[int]:
    """Listen until the end of the block, and talk so with whoever connects; the port."""
    lines: list[socket.socket] = []
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        threading.Thread(target=_serve, args=(listener, talk, lines), daemon=True).start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            for line in lines:
                with suppress(OSError):
                    line.shutdown(socket.SHUT_RDWR)
                line.close()


def _serve(listener: socket.socket, talk: Talk, lines: list[socket.socket]) -> None:
    with suppress(OSError):
        while True:
            line, _ = listener.accept()
            lines.append(line)
            threading.Thread(target=_talked, args=(talk, line), daemon=True).start()


def _talked(talk: Talk, line: socket.socket) -> None:
    with suppress(OSError, struct.error):
        talk(line)


def close_at_once(line: socket.socket) -> None:
    line.close()


def say_nothing(line: socket.socket) -> None:
    """The line stays open until the test has ended."""


def speak_http(line: socket.socket) -> None:
    line.recv(1024)
    line.sendall(f"HTTP/1.1 400 Bad Request\r\nServer: {ODD}\r\n\r\n".encode())
    line.close()


def talk_nonsense(line: socket.socket) -> None:
    """It refuses TLS as PostgreSQL does, and then is none."""
    _begun(line)
    line.sendall(ODD.encode())
    line.close()


def speak_no_tls(line: socket.socket) -> None:
    _begun(line)
    line.close()


def refuse_oddly(line: socket.socket) -> None:
    """An error of the server whose text would spoil a terminal."""
    _begun(line)
    fields = f"SFATAL\0VFATAL\0C42501\0M{ODD}\0\0".encode()
    line.sendall(_message(b"E", fields))
    line.close()


def be_too_old(line: socket.socket) -> None:
    """A server of a release that is not supported any more, and that knows no table."""
    _begun(line)
    line.sendall(_message(b"R", struct.pack("!I", 0)))
    for name, value in (("server_version", "12.22"), ("server_encoding", "UTF8")):
        line.sendall(_message(b"S", f"{name}\0{value}\0".encode()))
    line.sendall(_message(b"K", struct.pack("!II", 1, 1)) + _ready())
    while (asked := line.recv(1 << 16)) and asked[:1] != b"X":
        if b"SELECT" in asked:
            # Its number and the path of names, or whether a table is there.
            values = [(23, b"1"), (25, b"")] if b"pg_backend_pid" in asked else [(16, b"f")]
            columns, fields = struct.pack("!h", len(values)), struct.pack("!h", len(values))
            for type_number, answer in values:
                columns += b"column\0" + struct.pack("!IhIhih", 0, 0, type_number, -1, -1, 0)
                fields += struct.pack("!i", len(answer)) + answer
            line.sendall(_message(b"T", columns) + _message(b"D", fields))
            line.sendall(_message(b"C", b"SELECT 1\0") + _ready())
        else:
            line.sendall(_message(b"C", b"SET\0") + _ready())
    line.close()


def end_behind_the_door(line: socket.socket) -> None:
    """It lets in, and ends before it has done anything."""
    _begun(line)
    line.sendall(_message(b"R", struct.pack("!I", 0)) + _ready())
    line.recv(1024)
    line.close()


def _begun(line: socket.socket) -> None:
    """Refuse TLS, and read what a session begins with."""
    while True:
        length, code = struct.unpack("!II", line.recv(8, socket.MSG_WAITALL))
        if code != SSL_REQUEST:
            line.recv(length - 8, socket.MSG_WAITALL)
            return
        line.sendall(b"N")


def _message(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack("!I", len(content) + 4) + content


def _ready() -> bytes:
    return _message(b"Z", b"I")
