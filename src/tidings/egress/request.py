"""The bytes of a request: what the webhook says, and only what HTTP/1.1 itself needs beside it.

Nothing that is written here can end a line or a head early: a name is a token (RFC 9110, section
5.6.2), a value has no line end and no NUL, and the lengths are ours.
"""

import re

from tidings.egress.port import ReceiverAddress

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_PATH = re.compile(r"/[!\"$-~]*")  # ASCII that can be seen, without a fragment
_OURS = frozenset(("host", "content-length", "transfer-encoding", "connection"))
_DEFAULT_PORTS = {"http": 80, "https": 443}
_SHAPES_MAX = 64  # a webhook's messages have the same header names but for a few


class RequestWriter:
    """Writes the requests to one target."""

    def __init__(self, target: ReceiverAddress, user_agent: str) -> None:
        host = f"[{target.host}]" if ":" in target.host else target.host
        if target.port != _DEFAULT_PORTS[target.scheme]:
            host += f":{target.port}"
        self._host = host
        self._path = target.path
        self._defaults = {
            "accept": "*/*",
            "accept-encoding": "identity",  # what is not asked for packed is not unpacked
            "user-agent": user_agent,
        }
        self._shapes: dict[tuple[str, ...], str] = {}  # the defaults, by the names that are given

    def write(
        self, method: str, headers: list[tuple[str, str]], body: bytes, path: str | None = None
    ) -> bytes:
        """Write a whole request. ValueError for a header, or another `path`, that cannot be
        sent."""
        if path is None:
            path = self._path
        elif not _PATH.fullmatch(path):
            raise ValueError("a path holds what ends it")
        names = tuple([name for name, _ in headers])
        defaults = self._shapes.get(names)
        if defaults is None:
            defaults = self._shape(names)
        given = "".join([f"{name}: {value}\r\n" for name, value in headers])
        count = len(headers)
        if given.count("\r") != count or given.count("\n") != count or "\0" in given:
            raise ValueError("a header's value holds a line end or NUL")
        return (
            f"{method} {path} HTTP/1.1\r\nHost: {self._host}\r\n"
            f"{given}{defaults}content-length: {len(body)}\r\n\r\n"
        ).encode() + body

    def _shape(self, names: tuple[str, ...]) -> str:
        """The default headers that go with headers of these names, which are judged here."""
        lower = {name.lower() for name in names}
        if lower & _OURS or not all(_TOKEN.fullmatch(name) for name in names):
            raise ValueError("a header's name cannot be sent")
        if len(self._shapes) >= _SHAPES_MAX:
            self._shapes.clear()
        missing = [pair for pair in self._defaults.items() if pair[0] not in lower]
        shape = self._shapes[names] = "".join(f"{name}: {value}\r\n" for name, value in missing)
        return shape
