"""A body of a webhook, and reading it with changes."""

from typing import Any

from tidings.core.webhooks.body_reader import Known
from tidings.core.webhooks.fields import WebhookSettings
from tidings.core.webhooks.rules import ParsedWebhookBody, read_webhook
from tidings.errors import FieldRefusal

TYPES = frozenset(("pointsIssued", "customerAdded"))

BODY: dict[str, Any] = {
    "name": "crm",
    "active": True,
    "eventNames": ["pointsIssued"],
    "webHookType": "HTTP",
    "webHookUrl": "https://crm.example.com/hook",
    "methodType": "POST",
    "webHookHeaders": {},
    "maxAllowedConnections": 10,
}


def check(url: str) -> str | None:
    return None if url.startswith("https://") else "The URL must begin with https://."


KNOWN = Known(
    event_types=TYPES,
    check_url=check,
    transformations=("b",),
    aliases={"JOB": "customerAdded"},
)


def read(
    old: WebhookSettings | None = None, **fields: Any
) -> ParsedWebhookBody | list[FieldRefusal]:
    body = BODY | fields if old is None else fields
    body = {k: v for k, v in body.items() if v != "absent"}
    return read_webhook(body, KNOWN, old)


def passed(old: WebhookSettings | None = None, **fields: Any) -> ParsedWebhookBody:
    reading = read(old, **fields)
    assert isinstance(reading, ParsedWebhookBody), reading
    return reading
