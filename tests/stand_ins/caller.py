"""A caller for tests of stand-ins: one call, and what is answered."""

import base64
import http.client
import json
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlencode

TIMEOUT_S = 120.0


class Listening(Protocol):
    """A stand-in, here or in a process of its own."""

    port: int


class Said(NamedTuple):
    """An answer."""

    status: int
    headers: dict[str, str]  # names in small letters
    text: str

    @property
    def json(self) -> Any:
        """Its body, read."""
        return json.loads(self.text)


def basic(user: str, password: str) -> dict[str, str]:
    """The header of HTTP Basic."""
    return {"authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def bearer(token: str) -> dict[str, str]:
    """The header of a token."""
    return {"authorization": f"Bearer {token}"}


def call(
    at: Listening | Any,
    method: str,
    path: str,
    headers: dict[str, str] | None = None,
    *,
    json_: Any = None,
    form: dict[str, str] | None = None,
    body: bytes | None = None,
    timeout_s: float = TIMEOUT_S,
) -> Said:
    """Make a call with a body in JSON, of a form, or of bytes."""
    sent = dict(headers or {})
    if json_ is not None:
        body = json.dumps(json_).encode()
        sent = {"content-type": "application/json"} | sent
    elif form is not None:
        body = urlencode(form).encode()
        sent = {"content-type": "application/x-www-form-urlencoded"} | sent
    line = http.client.HTTPConnection("127.0.0.1", at.port, timeout=timeout_s)
    try:
        line.request(method, path, body, sent)
        answer = line.getresponse()
        named = {name.lower(): value for name, value in answer.getheaders()}
        return Said(answer.status, named, answer.read().decode())
    finally:
        line.close()
