"""What a template that is not kept would make of events for a webhook, and what it is given."""

from typing import Any

import msgspec

from tidings.core.webhooks.webhook import Webhook
from tidings.reads.webhooks.preview import PreviewParts, make_message, preview_bytes
from tidings.store.port import StoredEvent
from tidings.transform.port import RenderLater, RenderRefused


class TriedTemplate(msgspec.Struct, frozen=True):
    """One event, and what came of it."""

    row: dict[str, Any]  # as a preview of the webhook has it
    given: bytes | None  # what the template sees; None: the webhook would not be sent the event
    made: bytes | None
    refused: str = ""


async def try_template(
    parts: PreviewParts, webhook: Webhook, template: str, stored: StoredEvent
) -> TriedTemplate:
    """Make the message of an event as the shape step does, with this template in the place of the
    webhook's own. Throttled where there is no memory for it."""
    untransformed = msgspec.structs.replace(
        webhook, transformation=None, must_transform=False, flow=None, email=None
    )
    async with parts.web.answer_memory.holding(webhook.org, preview_bytes(1)):
        row, given = await make_message(parts, untransformed, stored)
        if given is None:
            return TriedTemplate(row, None, None)
        try:
            made = await parts.shaping.transformations.attempt(webhook.org, template, given)
        except RenderRefused as wrong:
            return TriedTemplate(
                row, given, None, refused=f"The delivery would fail: {wrong.reason}"
            )
        except RenderLater as later:
            return TriedTemplate(
                row, given, None, refused=f"The delivery would wait: {later.reason}"
            )
    return TriedTemplate(row, given, made)
