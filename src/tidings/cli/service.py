"""The service as a command sees it: one URL, one credential, one kept-alive connection."""

import base64
import http.client
import json
import ssl
from typing import Any
from urllib.parse import urlsplit


class Unreachable(Exception):
    """No answer came. The text says where it was looked for and what to do."""


def _split(url: str) -> tuple[str, str, int | None, str]:
    try:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https") and parts.hostname:
            return parts.scheme, parts.hostname, parts.port, parts.path
    except ValueError:
        pass  # brackets that do not match, or a port that is no number
    raise ValueError(f"The URL must be like http://127.0.0.1:8080; got {url or 'nothing'}.")


class Service:
    """Calls the HTTP API. Not to be shared between threads."""

    def __init__(self, url: str, key: str = "", seconds_max: float = 30.0) -> None:
        """`key` is `key:secret`. ValueError, with what to write, for a URL that cannot be one."""
        scheme, host, port, path = _split(url)
        self.url = url.rstrip("/")
        self._prefix = path.rstrip("/")
        self._headers = {"content-type": "application/json"}
        if key:
            self._headers["authorization"] = "Basic " + base64.b64encode(key.encode()).decode()
        if scheme == "https":
            self._line: http.client.HTTPConnection = http.client.HTTPSConnection(
                host,
                port,
                timeout=seconds_max,
                context=ssl.create_default_context(),
            )
        else:
            self._line = http.client.HTTPConnection(host, port, timeout=seconds_max)

    def call(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, bytes]:
        """Status and body of one call. Raises Unreachable."""
        try:
            self._line.request(method, self._prefix + path, body, self._headers | (headers or {}))
            answer = self._line.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException) as error:
            self._line.close()
            why = getattr(error, "strerror", None) or str(error) or "the connection was closed"
            raise Unreachable(
                f"{self.url} must be a running Tidings; got: {why}. Start it with `tidings serve`, "
                "or name another by --url or TIDINGS_URL."
            ) from error

    def close(self) -> None:
        """Close the connection; the next call opens another one."""
        self._line.close()


def decoded(body: bytes) -> Any:
    """An answer's JSON; None where it is not JSON (a proxy may have answered)."""
    try:
        return json.loads(body)
    except ValueError:
        return None
