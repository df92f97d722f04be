"""A webhook that notices are of."""

from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.ids import OrgId, WebhookId
from tidings.core.webhooks.webhook import Webhook


def webhook(number: int = 1, url: str = "https://crm.example.test/x?key=hush") -> Webhook:
    return Webhook(
        number,
        WebhookId(f"{number:024x}"),
        "g",
        OrgId(7),
        3,
        f"hook {number}",
        WebhookStatus.ACTIVE,
        frozenset({"pointsIssued"}),
        "HTTP",
        url,
        "POST",
        (),
        1,
    )
