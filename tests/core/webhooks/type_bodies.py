"""Bodies of webhooks of each type, and reading them."""

from typing import Any

from tidings.core.connections.connection import Connection
from tidings.core.webhooks.body_reader import Known
from tidings.core.webhooks.fields import WebhookSettings
from tidings.core.webhooks.rules import ParsedWebhookBody, read_webhook

STATE = {
    "columns": ["customer", "tier", "event", "at"],
    "key": ["customer"],
    "id": "event",
    "newer": "at",
}

KNOWN = Known(
    event_types=("pointsIssued",),
    check_url=lambda _: None,
    connections={
        "mail": Connection("mail", "smtp", {"recipients": "any"}),
        "main": Connection("main", "kafka", {}),
        "shop": Connection("shop", "outbox", {}),
        "some": Connection("some", "kafka", {"publishes": ["crm.*"]}),
        "crm": Connection("crm", "sql", {"tables": {"state": STATE}}),
    },
)

COMMON: dict[str, Any] = {
    "name": "crm",
    "eventNames": ["pointsIssued"],
    "methodType": "POST",
    "webHookHeaders": {},
    "maxAllowedConnections": 10,
}


def made(
    body: dict[str, Any], old: WebhookSettings | None = None, known: Known = KNOWN
) -> WebhookSettings:
    reading = read_webhook(body, known, old)
    assert isinstance(reading, ParsedWebhookBody), reading
    return reading.settings
