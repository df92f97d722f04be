"""Enrichments and transformations for the shaper, and jobs for it."""

from collections.abc import Sequence
from typing import Any

import msgspec

from tidings.core.delivery.job import Job
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.ids import DeliveryId, OrgId, WebhookId
from tidings.core.webhooks.webhook import Webhook
from tidings.transform.port import TextTemplate

BODY = b'{ "eventName":"a","eventId":"e-1","orgId":7, "data":{"n":1.10,"mobile":"91","id":5}}'


def hook(**fields: Any) -> Webhook:
    """A webhook that is not plain."""
    fields.setdefault("plain", False)
    return Webhook(
        number=1, id=WebhookId("1" * 24), consumer_group="", org=OrgId(7), version=1, name="crm",
        status=WebhookStatus.ACTIVE, event_names=frozenset("a"), kind="HTTP",
        url="https://example.com/", method="POST", headers=(), connections_max=1, **fields,
    )  # fmt: skip


def job(body: bytes = BODY) -> Job:
    return Job(DeliveryId(1), 1, OrgId(7), "e-1", 0, 1, None, False, body)


class Adding:
    """An enricher that adds a tier where it is asked to."""

    def __init__(self, needed: bool = True, error: Exception | None = None) -> None:
        self.needed, self.error = needed, error

    def needs(self, webhook: Webhook) -> bool:
        return self.needed

    async def enrich(self, webhook: Webhook, job: Job, event: dict[str, Any]) -> dict[str, Any]:
        if self.error is not None:
            raise self.error
        return event | {"data": event["data"] | {"tier": "gold"}}


class Kept:
    """One transformation of org 7."""

    def template(self, org: int, name: str) -> str | None:
        return "T" if (org, name) == (7, "crm") else None


class Quoting:
    """A renderer that shows what it was given."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    async def render(self, template: str, event: bytes, org: int) -> bytes:
        if self.error is not None:
            raise self.error
        return msgspec.json.encode({"template": template, "event": msgspec.Raw(event)})

    async def render_texts(
        self, templates: Sequence[TextTemplate], event: bytes, org: int
    ) -> Sequence[str]:
        raise AssertionError("no webhook here sends e-mails")

    async def check(self, template: str, org: int) -> str | None:
        return None
