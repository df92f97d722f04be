"""nginx by the file of the recipe: before a service, and before a server that keeps every byte."""

import time
from collections.abc import Iterator

import pytest

from tests.core.shaping.signatures.signing import default_signer
from tests.e2e.harness.api import Api, Reply
from tests.e2e.harness.fixtures import own_service
from tests.e2e.harness.nginx import HOST, Nginx
from tests.e2e.harness.service import ORG, ServiceProcess, free_port
from tidings.core.shaping.signatures.secrets import show_secret

from .recorder import Recorder

__all__ = ["own_service"]

SECRET = b"a secret of the tests, 32 bytes."
SOURCE = {"type": "standardWebhooks", "secret": show_secret(SECRET)}


class Brand:
    """A brand's service for production, told of its proxy, and nginx before it."""

    def __init__(self, nginx: Nginx, service: ServiceProcess, api: Api) -> None:
        self.nginx, self.service, self.api = nginx, service, api

    def send(self, id: str, body: bytes, chunked: bool = False, signed: bytes = b"") -> Reply:
        """A message to its source as a sender writes it. `signed`: other bytes than are sent."""
        now = int(time.time())
        headers = {
            "Content-Type": "application/json",
            "webhook-id": id,
            "webhook-timestamp": str(now),
            "webhook-signature": default_signer((SECRET,)).sign(id, now, signed or body),
        }
        return self.nginx.raw(request(f"/in/{ORG}/shop", body, headers, chunked))


def request(
    path: str, body: bytes, headers: dict[str, str], chunked: bool = False, method: str = "POST"
) -> bytes:
    """The bytes of a request, with its body at once or in chunks of odd sizes."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {HOST}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines.append("Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(body)}")
    head = "\r\n".join(lines).encode() + b"\r\n\r\n"
    if not chunked:
        return head + body
    pieces = [body[at : at + 7919] for at in range(0, len(body), 7919)]
    return head + b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


@pytest.fixture(scope="package")
def brand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Brand]:
    """One that all tests share; its source is called shop."""
    port = free_port()
    nginx = Nginx(tmp_path_factory.mktemp("nginx"), port)
    service = ServiceProcess(
        tmp_path_factory.mktemp("behind") / "store",
        port=port,
        dev=False,
        public_url=nginx.url,
        trusted_proxies="127.0.0.1",
    )
    try:
        nginx.start()
        with service.start().api(ORG) as api:
            made = api.send("POST", "/v1/sources", {"name": "shop", "verification": SOURCE})
            assert made.must(201)["url"] == f"{nginx.url}/in/{ORG}/shop"
            yield Brand(nginx, service, api)
    finally:
        nginx.stop()
        service.end()


@pytest.fixture(scope="package")
def recorder() -> Iterator[Recorder]:
    """The server behind `front`."""
    with Recorder() as made:
        yield made


@pytest.fixture(scope="package")
def front(recorder: Recorder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    """nginx before a server that keeps every byte, with the time-outs of the file cut short."""
    quick = {
        "proxy_read_timeout 75s;": "proxy_read_timeout 1s;",
        "client_body_timeout 10s;": "client_body_timeout 1s;",
        "client_header_timeout 10s;": "client_header_timeout 1s;",
    }
    made = Nginx(tmp_path_factory.mktemp("front"), recorder.port, changes=quick)
    try:
        yield made.start()
    finally:
        made.stop()
