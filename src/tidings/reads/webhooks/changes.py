"""What speaks against a change of a webhook, for every face alike."""

from collections.abc import Awaitable
from typing import TypeVar

from tidings.core.ids import WebhookId
from tidings.engine.webhooks.webhooks import UnknownWebhook
from tidings.errors import FieldRefusal, Invalid

Result = TypeVar("Result")


async def changed(webhook_id: WebhookId, change: Awaitable[Result]) -> Result:
    """Await a change. One of a webhook that is not there is Invalid, as it is for the original."""
    try:
        return await change
    except UnknownWebhook:
        raise unknown_webhook(webhook_id) from None


def unknown_webhook(webhook_id: WebhookId) -> Invalid:
    """Return the Invalid for an id that leads to no webhook: the original calls that a wrong
    question."""
    got = webhook_id if len(webhook_id) <= 40 else webhook_id[:40] + "…"
    return Invalid(
        FieldRefusal.build(
            400,  # the original's code
            "webHookId must be the id of a webhook of this org that was not deleted; got "
            f'"{got}". GET /v3/webHooks lists them.',
            field="webHookId",
        )
    )
