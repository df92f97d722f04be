"""The network between one service and its database, which can be cut: nothing comes through any
more, in no direction, and no connection is ended. What it has held goes on when it is mended."""

import socket
import threading
from contextlib import suppress

from psycopg.conninfo import conninfo_to_dict

CHUNK_BYTES = 1 << 16
SOCKET_FILE = ".s.PGSQL.{}"


class _Line:
    """A connection of the service, and ours to the server."""

    def __init__(self, caller: socket.socket, server: socket.socket) -> None:
        self.caller = caller
        self.server = server
        self.held = False


class CutNetwork:
    """It forwards from when it is made until `end`. A connection that comes while it is cut is
    taken, as it is by a balancer and by the machine of a frozen server, and gets no answer."""

    def __init__(self, uri: str, cut_after: int | None = None) -> None:
        """`uri`: the database behind it. `cut_after`: bytes of its answers after which it cuts
        itself."""
        self._place = conninfo_to_dict(uri)
        self._cut_after = cut_after
        self.answered = 0  # bytes that the database has sent
        self._is_cut = self._ended = False
        self._gate = threading.Condition()
        self._lines: list[_Line] = []
        self._door = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def uri(self) -> str:
        """The same database, by this network."""
        user, name = self._place.get("user", "postgres"), self._place["dbname"]
        return f"postgresql://{user}@127.0.0.1:{self._door.getsockname()[1]}/{name}"

    def cut(self) -> None:
        """Let nothing through, until `mend`."""
        with self._gate:
            self._is_cut = True

    def hold(self) -> None:
        """Let nothing more through of the connections that there are; new ones work."""
        with self._gate:
            for line in self._lines:
                line.held = True

    def mend(self) -> None:
        """Let everything through, first what was held."""
        with self._gate:
            self._is_cut, self._cut_after = False, None
            for line in self._lines:
                line.held = False
            self._gate.notify_all()

    def end(self) -> None:
        """Close everything."""
        self._ended = True
        self.mend()
        with suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()
        for line in list(self._lines):
            for side in (line.caller, line.server):
                with suppress(OSError):
                    side.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        with suppress(OSError):
            while not self._ended:
                caller, _ = self._door.accept()
                threading.Thread(target=self._connect, args=(caller,), daemon=True).start()

    def _connect(self, caller: socket.socket) -> None:
        with self._gate:
            self._gate.wait_for(lambda: not self._is_cut)
        try:
            line = _Line(caller, self._dial())
        except OSError:
            caller.close()
            return
        self._lines.append(line)
        back = threading.Thread(target=self._pass, args=(line, True), daemon=True)
        back.start()
        self._pass(line, False)
        back.join()
        self._lines.remove(line)
        line.caller.close()
        line.server.close()

    def _dial(self) -> socket.socket:
        host, port = str(self._place["host"]), int(self._place.get("port") or 5432)
        if not host.startswith("/"):
            return socket.create_connection((host, port))
        server = socket.socket(socket.AF_UNIX)
        server.connect(f"{host}/{SOCKET_FILE.format(port)}")
        return server

    def _pass(self, line: _Line, answers: bool) -> None:
        """Pass on what comes from one side, and its end."""
        source, sink = line.caller, line.server
        if answers:
            source, sink = sink, source
        with suppress(OSError):
            while chunk := source.recv(CHUNK_BYTES):
                self._wait(line, len(chunk) if answers else 0)
                sink.sendall(chunk)
        self._wait(line, 0)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def _wait(self, line: _Line, answered: int) -> None:
        """Wait until something may pass; bytes of answers are counted."""
        with self._gate:
            self.answered += answered
            if self._cut_after is not None and self.answered > self._cut_after:
                self._is_cut = True
            self._gate.wait_for(lambda: not (self._is_cut or line.held))
