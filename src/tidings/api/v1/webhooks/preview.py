"""`POST /v1/webHooks/preview`: which of the last events of its types a webhook would get, and as
what bytes.

The webhook is not saved: it comes in the body as for `POST /v3/webHooks`, or is an existing one
(`webHookId`) with what the body changes of it. Nothing is sent and nothing is kept.
"""

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from tidings.api.answers import answer, refused
from tidings.api.context import Services, read_object
from tidings.api.http.held_answer import answer_within
from tidings.api.models import body_of
from tidings.api.route import ok, usually
from tidings.api.router import EntryRoute, Routes
from tidings.api.v1.webhooks.models import SAVED, unsaved, unsaved_schema
from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.core.form import whole_of
from tidings.core.ids import WebhookId
from tidings.core.webhooks.webhook import Webhook
from tidings.reads.webhooks.preview import preview_bytes, preview_of
from tidings.values import describe_value

LAST_MAX, LAST = 200, 20

# What a preview does not ask about and a webhook must have.
_FILLED = {
    "name": "preview",
    "webHookUrl": "https://example.com/",
    "maxAllowedConnections": 1,
}


_LAST = {
    "type": "integer",
    "minimum": 1,
    "maximum": LAST_MAX,
    "default": LAST,
    "description": "How many of the newest events of its types.",
}
PREVIEW_BODY = body_of(
    lambda: unsaved_schema(
        "The fields of a webhook, and which events to try it on.",
        {"last": _LAST},
        [SAVED, unsaved("eventNames")],
    )
)


def preview_routes(services: Services) -> list[EntryRoute]:
    """Build the route of webhook previews over the services."""
    route = Routes(services, tag="webhooks")

    @route(
        "POST",
        "/v1/webHooks/preview",
        id="previewWebhook",
        scope="webhooks:read logs:read",
        summary="Try a webhook on stored events",
        answers=ok("Each event that was tried", "#Previewed"),
        refuses=usually(404),
        body=PREVIEW_BODY,
    )
    async def preview(request: Request, caller: AuthenticatedCaller) -> Response:
        """For each of the newest events of its types: whether it would be sent, and its bytes."""
        body = await read_object(request)
        last = _last(body.pop("last", LAST))
        webhook, warnings = _webhook(services, caller, body)

        async def make() -> Response:
            seen = await preview_of(services, caller.org, webhook, last)
            return answer(seen | {"warnings": warnings})

        return await answer_within(
            services.web.answer_memory, caller.org, preview_bytes(last), make
        )

    return route.made


def _webhook(
    services: Services, caller: AuthenticatedCaller, body: dict[str, Any]
) -> tuple[Webhook, list[dict[str, Any]]]:
    webhook_id = body.pop("webHookId", None)
    filled = body if webhook_id is not None else _FILLED | body
    webhook, warnings = services.webhooks.unsaved(
        caller.org,
        filled,
        None if webhook_id is None else WebhookId(str(webhook_id)),
        tried=True,
        strict=True,
        platform=caller.platform,
    )
    return webhook, [msgspec.to_builtins(warning) for warning in warnings]


def _last(value: object) -> int:
    number = whole_of(value)
    if number is not None and 1 <= number <= LAST_MAX:
        return number
    raise refused(
        400,
        "bad_last",
        f"last must be a whole number from 1 to {LAST_MAX}; got {describe_value(value)}. Leave it "
        "out for "
        f"{LAST}.",
        field="last",
    )
