"""nginx with TLS before the service, configured by the very text that docs/running.md has."""

import base64
import hashlib
import os
import re
import signal
import socket
import ssl
import subprocess
from http.client import HTTPSConnection
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ..e2e.harness.service import ServiceProcess, free_port
from ..e2e.harness.until import until

PAGE = Path(__file__).parents[2] / "docs/running.md"
HOST, PRODUCT = "tidings.example", "app.acme.example"
# What stands around the text in the distribution's own nginx.conf.
AROUND = """
daemon off;
{user}
pid {place}/nginx.pid;
error_log {place}/error.log warn;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {place}/body;
    proxy_temp_path {place}/proxy;
    fastcgi_temp_path {place}/fastcgi;
    uwsgi_temp_path {place}/uwsgi;
    scgi_temp_path {place}/scgi;
    {text}
    server {{
        listen {port} ssl;
        server_name {product};
        ssl_certificate {place}/chain.pem;
        ssl_certificate_key {place}/key.pem;
        location / {{ proxy_pass http://127.0.0.1:{other}; }}
    }}
}}
"""


def written(language: str) -> str:
    """The one block of this language in the page's chapter on proxies."""
    chapter = PAGE.read_text("utf-8").partition("## Behind a proxy\n")[2].partition("\n## ")[0]
    [block] = re.findall(rf"```{language}\n(.*?)```", chapter, re.DOTALL)
    return str(block)


class Nginx:
    """nginx before one service, and a product of another origin beside it."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.port, self.plain_port, self._service_port = free_port(), free_port(), free_port()
        self.url = f"https://{HOST}:{self.port}"
        self._authority = trustme.CA()
        certificate = self._authority.issue_cert(HOST, PRODUCT)
        chain = b"".join(part.bytes() for part in certificate.cert_chain_pems)
        (place / "chain.pem").write_bytes(chain)
        certificate.private_key_pem.write_to_path(place / "key.pem")
        public = x509.load_pem_x509_certificate(chain).public_key()
        key = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        pin = base64.b64encode(hashlib.sha256(key).digest()).decode()
        self.browser_args = (
            f"--host-resolver-rules=MAP {HOST} 127.0.0.1, MAP {PRODUCT} 127.0.0.1",
            f"--ignore-certificate-errors-spki-list={pin}",
        )
        self._process: subprocess.Popen[bytes] | None = None

    def service(self, data: Path) -> ServiceProcess:
        """The service as the page has it set: for production, told of its proxy."""
        told = dict(re.findall(r'^(\w+) = \[?"([^"]+)"', written("toml"), re.MULTILINE))
        assert told.keys() == {"public_url", "trusted_proxies"}, told
        told["public_url"] = told["public_url"].replace(HOST, f"{HOST}:{self.port}")
        return ServiceProcess(data, port=self._service_port, dev=False, **told)

    def start(self, product_port: int) -> None:
        """Start it, and wait until it answers."""
        text = written("nginx")
        for page, here in (
            ("127.0.0.1:8080", f"127.0.0.1:{self._service_port}"),
            ("listen 443 ssl", f"listen {self.port} ssl"),
            ("listen 80;", f"listen {self.plain_port};"),
            ("/etc/ssl/tidings/fullchain.pem", str(self.place / "chain.pem")),
            ("/etc/ssl/tidings/key.pem", str(self.place / "key.pem")),
        ):
            assert text.count(page) == 1, page
            text = text.replace(page, here)
        config = self.place / "nginx.conf"
        config.write_text(
            AROUND.format(
                user="user root;" if os.geteuid() == 0 else "",
                place=self.place,
                text=text,
                port=self.port,
                product=PRODUCT,
                other=product_port,
            )
        )
        self._process = subprocess.Popen(
            ["nginx", "-p", str(self.place), "-c", str(config)], stdin=subprocess.DEVNULL
        )
        until(self._answers, "nginx that answers", 10)

    def _answers(self) -> bool:
        assert self._process is not None and self._process.poll() is None, self.errors()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def errors(self) -> str:
        """What it complains of."""
        log = self.place / "error.log"
        return log.read_text("utf-8", "replace") if log.exists() else ""

    def line(self, address: str = "127.0.0.1") -> HTTPSConnection:
        """A connection to the service, through nginx, from an address of this machine."""
        context = ssl.create_default_context()
        self._authority.configure_trust(context)
        line = _Line(HOST, self.port, timeout=20, context=context)
        line.address = address
        return line

    def stop(self) -> None:
        """End it."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(10)


class _Line(HTTPSConnection):
    """To the name, which is here."""

    address = "127.0.0.1"

    def connect(self) -> None:
        plain = socket.create_connection(("127.0.0.1", self.port), 20, (self.address, 0))
        context: ssl.SSLContext = self._context  # type: ignore[attr-defined]
        self.sock = context.wrap_socket(plain, server_hostname=self.host)
