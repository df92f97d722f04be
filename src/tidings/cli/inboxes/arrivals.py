"""One arrival at a test inbox, as whoever listens sees it: verified here, and sent on."""

import base64
import json
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from tidings.cli.exits import CommandExit, Exit
from tidings.cli.output import duration
from tidings.core.shaping.signatures.schemes import read_verification_keys
from tidings.core.shaping.signatures.standard_webhooks import judge
from tidings.core.webhooks.masks import looks_masked

FORWARD_S = 30.0
ANSWER_MAX = 64 * 1024
# Of one connection, not of the message.
HOP = frozenset(
    "connection content-length host keep-alive proxy-authenticate proxy-authorization te trailer "
    "transfer-encoding upgrade".split()
)


@dataclass(frozen=True)
class ArrivalView:
    """One arrival, and whether its signature is that of these bytes."""

    id: str
    at_ms: int
    method: str
    headers: list[tuple[str, str]]
    body: bytes
    size: int
    answered: int
    verified: bool
    said: str  # of the signature
    event: Any  # the body, read; None where it is no JSON

    @property
    def event_name(self) -> str:
        """The type of the event, if it says so."""
        return str(self.event.get("eventName", "-")) if isinstance(self.event, dict) else "-"

    @property
    def event_id(self) -> str:
        """The id of the event, if it says so."""
        found = self.event.get("eventId") if isinstance(self.event, dict) else None
        return str(found or self.header("webhook-id") or self.id)

    @property
    def attempt(self) -> int:
        """Return the number of the attempt."""
        header = self.header("tidings-attempt")
        return int(header) if header.isascii() and header.isdigit() and len(header) < 6 else 1

    def header(self, name: str) -> str:
        """Return the value of a header; empty where it is not there."""
        return next((value for header, value in self.headers if header.lower() == name), "")

    def shown(self) -> dict[str, Any]:
        """Show the arrival for a program."""
        return {
            "id": self.id,
            "arrivedAt": self.at_ms,
            "method": self.method,
            "headers": dict(self.headers),
            "verified": self.verified,
            "signature": self.said,
            "answered": self.answered,
            "attempt": self.attempt,
            "bytes": self.size,
            "event": self.event,
            "body": None if self.event is not None else base64.b64encode(self.body).decode(),
        }


def read_arrival(row: dict[str, Any], *secrets: str) -> ArrivalView:
    """Read an arrival as the API shows it, judged by the webhook's own secret and public keys."""
    body = base64.b64decode(row["body"]["base64"])
    headers = [(head["name"], head["value"]) for head in row["headers"]]
    at_ms = _ms(row["arrivedAt"])
    keys = [key for secret in secrets for key in read_verification_keys(secret)]
    judged = judge(headers, body, keys, at_ms // 1000)
    if row["body"].get("truncated"):
        # The bytes are not all here; the service has seen them all.
        verified, verdict = row["verdict"] == "valid", f"{row['verdict']}, by the service"
    else:
        verified = judged.verdict == "valid"
        verdict = "valid" if verified else judged.reason
    return ArrivalView(
        id=row["id"],
        at_ms=at_ms,
        method=row["method"],
        headers=headers,
        body=body,
        size=row["bytes"],
        answered=row["status"],
        verified=verified,
        said=verdict,
        event=_event(body),
    )


def _event(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _ms(value: Any) -> int:
    if isinstance(value, int):
        return value
    return round(datetime.fromisoformat(value).timestamp() * 1000)


class Forward:
    """Sends arrivals on to a URL of this machine, or another one, as they came; without headers
    whose values the service masks."""

    def __init__(self, url: str) -> None:
        try:
            parts = urlsplit(url)
            self._port = parts.port
        except ValueError:
            parts = urlsplit("")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise CommandExit(
                f"--forward must be a URL of http or https; got {url[:80]}. Write it in full, as "
                "http://127.0.0.1:3000/hook.",
                Exit.USAGE,
            )
        self._https = parts.scheme == "https"
        self._host = parts.hostname
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")

    def send(self, arrived: ArrivalView) -> str:
        """Say in words what came of an arrival. A receiver that fails is told, and ends nothing."""
        import http.client
        import ssl

        started = time.monotonic()
        line: http.client.HTTPConnection
        if self._https:
            context = ssl.create_default_context()
            line = http.client.HTTPSConnection(
                self._host, self._port, timeout=FORWARD_S, context=context
            )
        else:
            line = http.client.HTTPConnection(self._host, self._port, timeout=FORWARD_S)
        headers = {
            name: value
            for name, value in arrived.headers
            if name.lower() not in HOP and not looks_masked(value)
        }
        try:
            line.request(arrived.method, self._path, arrived.body, headers)
            answer = line.getresponse()
            answer.read(ANSWER_MAX)
            return f"{answer.status} {duration((time.monotonic() - started) * 1000)}"
        except (OSError, http.client.HTTPException, ValueError) as error:
            why = getattr(error, "strerror", None) or str(error) or "the connection was closed"
            return f"no answer: {why}"
        finally:
            line.close()
