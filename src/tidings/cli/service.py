"""The service as a command sees it: one URL, one credential, one kept-alive connection."""

import base64
import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tidings import __version__

if TYPE_CHECKING:  # loaded when a call is made: help makes none
    import http.client

STREAM_LINE_MAX = 1 << 20


class ServiceUnreachable(Exception):
    """No answer came. The text says where it was looked for and what to do."""


def _split(url: str) -> tuple[str, str, int | None, str]:
    try:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https") and parts.hostname:
            return parts.scheme, parts.hostname, parts.port, parts.path
    except ValueError:
        pass  # brackets that do not match, or a port that is no number
    raise ValueError(
        f"The URL must be like http://127.0.0.1:8080; got {url or 'nothing'}. Check --url, "
        "TIDINGS_URL or the profile."
    )


class ServiceClient:
    """Calls the HTTP API. Not to be shared between threads."""

    def __init__(
        self, url: str, key: str = "", seconds_max: float = 30.0, org: int | None = None
    ) -> None:
        """`key` is `key:secret`; `org` the one to act for, where it is not the credential's own.

        ValueError, with what to write, for a URL that cannot be one.
        """
        import http.client
        import ssl

        from tidings.core.audit.actor import COMMAND_LINE

        scheme, host, port, path = _split(url)
        self.url = url.rstrip("/")
        self._prefix = path.rstrip("/")
        self._headers = {
            "content-type": "application/json",
            "user-agent": f"{COMMAND_LINE}/{__version__}",
        }
        self.retry_after_s: float | None = None  # what the last answer asks to wait
        self.etag: str | None = None  # of the last answer
        self.date: str | None = None  # of the last answer
        if key:
            self._headers["authorization"] = "Basic " + base64.b64encode(key.encode()).decode()
        if org is not None:
            self._headers["x-tidings-org"] = str(org)
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
        body: bytes | Iterable[bytes] | None = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, bytes]:
        """Send one call. Return its status and body. Raise Unreachable.

        A body in pieces takes its content-length among the headers. A GET that finds its kept
        connection closed, as after a restart of the service, is made once more on a new one.
        """
        import http.client

        whole = self._headers | (headers or {})
        try:
            kept = self._line.sock is not None
            try:
                self._line.request(method, self._prefix + path, body, whole)
                answer = self._line.getresponse()
            except ConnectionError:
                if not kept or method != "GET":
                    raise
                self._line.close()
                self._line.request(method, self._prefix + path, body, whole)
                answer = self._line.getresponse()
            self.retry_after_s = _seconds(answer.getheader("retry-after"))
            self.etag, self.date = answer.getheader("etag"), answer.getheader("date")
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise self._unreachable(error) from error

    def stream(self, path: str) -> tuple[int, Iterator[bytes]]:
        """Return the status, and the lines of an answer that goes on for as long as it is read.

        Unreachable is raised by the call, and by the lines where the connection breaks. An answer
        that simply ends ends the lines.
        """
        import http.client

        try:
            self._line.request("GET", self._prefix + path, None, self._headers)
            answer = self._line.getresponse()
        except (OSError, http.client.HTTPException) as error:
            raise self._unreachable(error) from error
        return answer.status, self._lines(answer)

    def _lines(self, answer: "http.client.HTTPResponse") -> Iterator[bytes]:
        import http.client

        try:
            while line := answer.readline(STREAM_LINE_MAX):
                yield line.rstrip(b"\r\n")
        except (OSError, http.client.HTTPException) as error:
            raise self._unreachable(error) from error
        finally:
            self._line.close()

    def _unreachable(self, error: Exception) -> ServiceUnreachable:
        self._line.close()
        import ssl

        why = getattr(error, "strerror", None) or str(error) or "the connection was closed"
        advice = "Start it with `tidings serve`, or name another by --url or TIDINGS_URL."
        if isinstance(error, ssl.SSLCertVerificationError):
            why = f"a certificate that is not trusted ({error.verify_message})"
            advice = "Let this machine trust it (SSL_CERT_FILE), or check the URL's name."
        elif isinstance(error, ssl.SSLError):
            why, advice = "an answer that is no TLS", "Write http:// where it is served without."
        return ServiceUnreachable(f"{self.url} must be a running Tidings; got: {why}. {advice}")

    def close(self) -> None:
        """Close the connection; the next call opens another one."""
        self._line.close()


def _seconds(header: str | None) -> float | None:
    """A Retry-After in whole seconds, as the service sends it; None for anything else."""
    return float(header) if header is not None and header.isdigit() and len(header) < 7 else None


def decoded(body: bytes) -> Any:
    """Decode an answer's JSON; None where it is not JSON (a proxy may have answered)."""
    try:
        return json.loads(body)
    except ValueError:
        return None
