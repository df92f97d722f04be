"""An arrival as whoever listens sees it: judged by the webhook's own secret."""

import base64
from typing import Any

import pytest

from tests.core.shaping.signatures.signing import default_signer
from tidings.cli.inboxes.arrivals import read_arrival
from tidings.core.shaping.signatures.secrets import show_secret

SECRET, OTHER = b"s" * 32, b"o" * 32
BODY = b'{"eventName": "pointsIssued", "eventId": "e-1"}'
AT_S = 1_795_553_909


def told(body: bytes = BODY, secret: bytes = SECRET, **fields: Any) -> dict[str, Any]:
    """An arrival as the API tells it."""
    signature = default_signer((secret,)).sign("m-1", AT_S, BODY)
    headers = {
        "webhook-id": "m-1",
        "webhook-timestamp": str(AT_S),
        "webhook-signature": signature,
        "tidings-attempt": "3",
    }
    return {
        "id": "arr_1",
        "arrivedAt": "2026-11-24T20:58:29.000Z",
        "method": "POST",
        "bytes": len(body),
        "verdict": "valid",
        "reason": "",
        "status": 200,
        "headers": [{"name": name, "value": value} for name, value in headers.items()],
        "body": {"base64": base64.b64encode(body).decode(), "text": "", "truncated": False},
    } | fields


def test_a_signature_of_these_bytes_is_verified() -> None:
    found = read_arrival(told(), show_secret(SECRET))
    assert (found.verified, found.said) == (True, "valid")
    assert (found.event_name, found.event_id, found.attempt) == ("pointsIssued", "e-1", 3)


@pytest.mark.parametrize(
    "arrival",
    [told(secret=OTHER), told(BODY + b" "), told(headers=[]), told(b"\xff\x00")],
    ids=["another secret", "another byte", "no headers", "no text"],
)
def test_anything_else_is_not_whatever_the_service_says(arrival: dict[str, Any]) -> None:
    found = read_arrival(arrival, show_secret(SECRET))
    assert not found.verified and found.said.endswith(".")


def test_a_body_that_is_no_event_is_shown_all_the_same() -> None:
    found = read_arrival(told(b"[1"), show_secret(SECRET))
    assert (found.event_name, found.event_id) == ("-", "m-1")
    assert base64.b64decode(found.shown()["body"]) == b"[1"
