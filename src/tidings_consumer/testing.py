"""For tests of your handlers: requests as the sender makes them, signed, from the catalogue's
examples.

    request = signed(example("pointsIssued"), secret)
    assert router.receive(*request).ok
    assert router.receive(*repeated(request, secret)).ok    # the next attempt: handled once
"""

from __future__ import annotations

import base64
import copy
import hashlib
import hmac
import json
import time
import uuid
from importlib import resources
from typing import Any, NamedTuple

from tidings_consumer.errors import ConsumerError

SECRET = "whsec_" + base64.b64encode(b"a secret for tests alone, not more").decode()


class UnknownExample(ConsumerError, LookupError):
    """The catalogue has no event type of this name."""


class Request(NamedTuple):
    """A request: `router.receive(*request)`."""

    headers: dict[str, str]
    body: bytes


def example(name: str) -> dict[str, Any]:
    """Return the catalogue's example of an event type, for a test to change. Raise
    UnknownExample."""
    found = _examples().get(name)
    if found is None:
        raise UnknownExample(f"there is no event type {name}")
    return copy.deepcopy(found)


def signed(
    payload: dict[str, Any] | bytes,
    secret: str = SECRET,
    *,
    id: str | None = None,
    sent_at: int | None = None,
    attempt: int = 1,
    replay: str | None = None,
) -> Request:
    """Build a request as the sender signs it. `id` is its `webhook-id`, by default the event's own
    if that is a UUID, else a new one; `sent_at` is in seconds since the epoch, by default now."""
    body = payload if isinstance(payload, bytes) else _written(payload)
    message = id or _id_of(payload)
    at = int(time.time()) if sent_at is None else sent_at
    headers = {
        "content-type": "application/json",
        "webhook-id": message,
        "webhook-timestamp": str(at),
        "tidings-attempt": str(attempt),
        "webhook-signature": _signature(secret, message, at, body),
    }
    if replay is not None:
        headers["tidings-replay"] = replay
    return Request(headers, body)


def repeated(request: Request, secret: str = SECRET, *, after_s: int = 5) -> Request:
    """Build the next attempt of the same delivery: the same id and bytes, signed `after_s`
    later."""
    sent_at = int(request.headers["webhook-timestamp"]) + after_s
    return signed(
        request.body,
        secret,
        id=request.headers["webhook-id"],
        sent_at=sent_at,
        attempt=int(request.headers["tidings-attempt"]) + 1,
    )


def late(request: Request, secret: str = SECRET, *, by_s: int = 3600) -> Request:
    """Build the same request, signed `by_s` seconds ago: beyond the tolerance, it is refused."""
    return repeated(request, secret, after_s=-by_s)


def forged(request: Request) -> Request:
    """Build the same request with another body under the old signature: it is refused."""
    return Request(dict(request.headers), request.body + b" ")


def _examples() -> dict[str, Any]:
    text = resources.files(__package__).joinpath("events/examples.json").read_text("utf-8")
    return json.loads(text)  # type: ignore[no-any-return]


def _written(payload: dict[str, Any]) -> bytes:
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()


def _id_of(payload: dict[str, Any] | bytes) -> str:
    own = payload.get("eventId") if isinstance(payload, dict) else None
    try:
        return str(uuid.UUID(own))
    except (AttributeError, TypeError, ValueError):
        return "evt_" + uuid.uuid4().hex


def _signature(secret: str, id: str, sent_at: int, body: bytes) -> str:
    key = base64.b64decode(secret[len("whsec_") :])
    digest = hmac.new(key, f"{id}.{sent_at}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()
