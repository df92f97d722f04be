"""Webhooks of one event type, with a filter or without."""

from typing import Any

from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.ids import OrgId, WebhookId
from tidings.core.shaping.filters.compiler import compile_filter
from tidings.core.webhooks.webhook import Webhook


def hook(number: int, org: int = 7, filter: dict[str, Any] | None = None, **more: Any) -> Webhook:
    return Webhook(
        number=number, id=WebhookId(f"{number:024}"), consumer_group="", org=OrgId(org), version=1,
        name=f"hook {number}", status=more.pop("status", WebhookStatus.ACTIVE),
        event_names=frozenset("a"), kind="HTTP", url="https://example.com/", method="POST",
        headers=(), connections_max=1,
        filter=None if filter is None else compile_filter(filter), **more,
    )  # fmt: skip
