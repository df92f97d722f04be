"""nginx with TLS before a service, by the very file that the guide has."""

import contextlib
import os
import signal
import socket
import ssl
import subprocess
from collections.abc import Callable, Mapping
from http.client import HTTPResponse, HTTPSConnection
from pathlib import Path

import psutil
import trustme

from .api import Reply
from .service import free_port
from .until import until

FILE = Path(__file__).parents[3] / "examples/gateway/nginx.conf"
HOST = "tidings.example"
_TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


class Nginx:
    """nginx before one port of this machine. `changes`: what else is other than in the file."""

    def __init__(
        self,
        place: Path,
        upstream_port: int,
        *names: str,
        authority: trustme.CA | None = None,
        changes: Mapping[str, str] | None = None,
        beside: Callable[["Nginx"], str] = lambda nginx: "",
    ) -> None:
        self.place = place
        self.port, self.plain_port = free_port(), free_port()
        self.url = f"https://{HOST}:{self.port}"
        authority = authority or trustme.CA()
        certificate = authority.issue_cert(HOST, "127.0.0.1", *names)
        self.chain = b"".join(part.bytes() for part in certificate.cert_chain_pems)
        (place / "chain.pem").write_bytes(self.chain)
        certificate.private_key_pem.write_to_path(place / "key.pem")
        self.bundle = place / "ca.pem"
        authority.cert_pem.write_to_path(self.bundle)
        self.config = place / "nginx.conf"
        self.config.write_text(self._rendered(upstream_port, changes or {}, beside(self)))
        self._process: subprocess.Popen[bytes] | None = None

    def _rendered(self, upstream_port: int, changes: Mapping[str, str], beside: str) -> str:
        """The file of the guide with the marked lines for this place, and nothing else changed."""
        place, text = self.place, FILE.read_text("utf-8")
        temporary = "".join(f"    {text}_temp_path {place}/{text};\n" for text in _TEMPORARY)
        here = {
            "user www-data;": "user root;" if os.geteuid() == 0 else "",
            "pid /run/nginx.pid;": f"pid {place}/nginx.pid;",
            "/var/log/nginx/error.log": f"{place}/error.log",
            "/var/log/nginx/tidings.log": f"{place}/tidings.log",
            "http {\n": f"http {{\n{temporary}",
            "server 127.0.0.1:8080;": f"server 127.0.0.1:{upstream_port};",
            "listen 443 ssl;": f"listen 127.0.0.1:{self.port} ssl;",
            "listen 80;": f"listen 127.0.0.1:{self.plain_port};",
            "/etc/ssl/tidings/fullchain.pem": f"{place}/chain.pem",
            "/etc/ssl/tidings/key.pem": f"{place}/key.pem",
        }
        for written, instead in (here | dict(changes)).items():
            assert text.count(written) == 1, written
            text = text.replace(written, instead)
        return f"{text.rstrip().removesuffix('}')}{beside}}}\n"

    def start(self) -> "Nginx":
        """Start it, and wait until it answers."""
        self._process = subprocess.Popen(
            ["nginx", "-p", str(self.place), "-c", str(self.config), "-g", "daemon off;"],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        until(self._answers, "nginx that answers")
        return self

    def _answers(self) -> bool:
        assert self._process is not None and self._process.poll() is None, self.errors()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def workers(self) -> set[int]:
        """The processes that answer."""
        assert self._process is not None
        return {child.pid for child in psutil.Process(self._process.pid).children()}

    def reload(self) -> None:
        """Read the file again, as `nginx -s reload` does, and wait for the new workers."""
        assert self._process is not None
        before = self.workers()
        self._process.send_signal(signal.SIGHUP)
        until(lambda: self.workers() - before, "workers of the new configuration")

    def kill(self) -> None:
        """SIGKILL, with all its workers."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(120)

    def stop(self) -> None:
        """End it, whatever state it is in."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(120)

    def errors(self) -> str:
        """What it complains of."""
        return self._read("error.log")

    def logged(self, message: str = "") -> list[str]:
        """The lines of its log, one for each request that has ended; of one message, once there is
        one: it is written after the answer."""

        def lines() -> list[str]:
            every = self._read("tidings.log").splitlines()
            return [text for text in every if not message or text.endswith(f" id={message}")]

        return until(lines, f"a line of {message}") if message else lines()

    def _read(self, name: str) -> str:
        log = self.place / name
        return log.read_text("utf-8", "replace") if log.exists() else ""

    def line(self, address: str = "127.0.0.1") -> HTTPSConnection:
        """A connection to the service, through nginx, from an address of this machine."""
        line = _Line(HOST, self.port, timeout=120, context=self.context())
        line.address = address
        return line

    def context(self) -> ssl.SSLContext:
        """A client's, which trusts nginx's authority alone."""
        context = ssl.create_default_context(cafile=str(self.bundle))
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context

    def dial(
        self, address: str = "127.0.0.1", context: ssl.SSLContext | None = None
    ) -> ssl.SSLSocket:
        """The bare TLS connection: what is written to it goes out as it is."""
        plain = socket.create_connection(("127.0.0.1", self.port), 20, (address, 0))
        return (context or self.context()).wrap_socket(plain, server_hostname=HOST)

    def raw(self, request: bytes, address: str = "127.0.0.1") -> Reply:
        """The answer to these bytes, on a connection of their own."""
        with self.dial(address) as sock:
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                # Who is refused before all of its body is read finds the answer all the same.
                sock.sendall(request)
            return answer_on(sock)


def answer_on(sock: ssl.SSLSocket) -> Reply:
    """The next answer on a connection."""
    answer = HTTPResponse(sock)
    answer.begin()
    headers = {name.lower(): value for name, value in answer.getheaders()}
    return Reply(answer.status, headers, answer.read())


class _Line(HTTPSConnection):
    """To the name, which is here."""

    address = "127.0.0.1"

    def connect(self) -> None:
        plain = socket.create_connection(("127.0.0.1", self.port), 20, (self.address, 0))
        context: ssl.SSLContext = self._context  # type: ignore[attr-defined]
        self.sock = context.wrap_socket(plain, server_hostname=self.host)
