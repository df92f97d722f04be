"""`POST /v1/webHooks/preview`: which of the last events of its types a webhook would get, and as
what bytes.

The webhook is not saved: it comes in the body as for `POST /v3/webHooks`, or is an existing one
(`webHookId`) with what the body changes of it. Nothing is sent and nothing is kept.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
from fastapi import APIRouter
from pydantic import ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from tidings.api.answers import Refused, answer, refused
from tidings.api.context import Services, read_object
from tidings.api.models import V1_ERRORS, body_of
from tidings.api.v1.webhooks.models import SAVED, WebhookChange
from tidings.core.delivery.job import Job
from tidings.core.form import came, whole_of
from tidings.core.shaping.filter import explain
from tidings.core.webhooks.webhook import Webhook
from tidings.engine.shaping.faults import ShapeLater, ShapeRefused
from tidings.engine.webhooks.webhooks import UnknownWebhook, WebhookRefused
from tidings.reads.delivery.delivery_view import show_left_out
from tidings.reads.messages import show_bytes
from tidings.reads.times import iso
from tidings.store.port import EventQuery, StoredEvent

LAST_MAX, LAST = 200, 20
BYTES_MAX = 4 << 20  # of all payloads in an answer
PAGES_MAX = 50

# What a preview does not ask about and a webhook must have.
_FILLED = {
    "name": "preview",
    "webHookUrl": "https://example.com/",
    "maxAllowedConnections": 1,
}


class PreviewBody(WebhookChange):
    """The fields of a webhook, and which events to try it on."""

    model_config = ConfigDict(json_schema_extra={"anyOf": [SAVED, {"required": ["eventNames"]}]})

    last: int = Field(
        LAST, ge=1, le=LAST_MAX, description="How many of the newest events of its types."
    )
    webHookId: str | None = Field(None, description="Start from this webhook, unchanged.")


PREVIEW_BODY = body_of(PreviewBody)


def preview_routes(services: Services) -> APIRouter:
    """The route, over the services."""
    router = APIRouter(prefix="/v1/webHooks", tags=["webhooks"], responses=V1_ERRORS)

    @router.post("/preview", summary="Try a webhook on stored events", openapi_extra=PREVIEW_BODY)
    async def preview(request: Request) -> Response:
        """For each of the newest events of its types: whether it would be sent, and its bytes."""
        services.caller(request, "webhooks:read")
        org = services.caller(request, "logs:read").org  # it shows events
        body = await read_object(request)
        last = _last(body.pop("last", LAST))
        webhook, warnings = _webhook(services, org, body)
        events = await _newest(services, org, sorted(webhook.event_names), last)
        rows = []
        room = BYTES_MAX
        for stored in events:
            row = await try_event(services, webhook, stored, room)
            room -= row.pop("size", 0)
            rows.append(row)
            await asyncio.sleep(0)  # deliveries go on meanwhile
        told = {
            "looked": len(rows),
            "received": sum(1 for row in rows if row["received"]),
            "events": rows,
            "warnings": warnings,
        }
        return answer(told)

    return router


async def _newest(
    services: Services, org: int, names: Sequence[str], last: int
) -> list[StoredEvent]:
    """The newest events of some types whose bytes are still there."""
    found: list[StoredEvent] = []
    before: int | None = None
    for _ in range(PAGES_MAX):
        page = await services.store.log_events(EventQuery(org, names, before=before, limit=last))
        for head in page.events[: last - len(found)]:
            event = await services.store.event(org, head.id)
            if event is not None and event.body is not None:
                found.append(event)
        before = page.older
        if before is None or len(found) >= last:
            break
    return found


async def try_event(
    services: Services, webhook: Webhook, stored: StoredEvent, room: int
) -> dict[str, Any]:
    """Whether the webhook would be sent an event, and why not; its bytes, up to `room` of them, and
    what they would lack."""
    body = stored.body or b""
    row: dict[str, Any] = {
        "eventId": stored.id,
        "eventName": stored.name,
        "acceptedAt": iso(stored.at_ms),
        "received": False,
        "why": None,
        "node": None,
        "warning": None,
        "body": None,
    }
    if not webhook.dials:
        return row | {"why": f"{webhook.kind} makes no call: no event is sent."}
    if not webhook.hears(stored.kept_name):
        return row | {"why": "eventNames does not name its type."}
    event = msgspec.json.decode(body)
    kind = services.event_types.kind_of(stored.org, event)
    if kind is not None and not webhook.subscribes(stored.kept_name, kind.version):
        wanted = webhook.version_of(stored.name)
        return row | {"why": f"It is of version {kind.version}; eventVersions asks for {wanted}."}
    if webhook.filter is not None:
        told = explain(webhook.filter, event)
        if not told.accepted:
            return row | {"why": told.said, "node": told.node}
    row["received"] = True
    job = Job(0, webhook.number, stored.org, stored.id, stored.at_ms, 1, None, False, body)
    try:
        made = await services.shaper.shape(webhook, job)
    except ShapeRefused as wrong:
        return row | {"received": False, "why": f"The delivery would fail: {wrong.reason}"}
    except ShapeLater as later:
        return row | {"why": f"The delivery would wait: {later.reason}"}
    if len(made) > room:
        return row | {"why": "Its bytes are left out: the answer would be too long. Ask for less."}
    row["warning"] = show_left_out(job.left_out)
    return row | {"body": show_bytes(made), "size": len(made)}


def _webhook(
    services: Services, org: int, body: dict[str, Any]
) -> tuple[Webhook, list[dict[str, Any]]]:
    webhook_id = body.pop("webHookId", None)
    filled = body if webhook_id is not None else _FILLED | body
    try:
        webhook, warnings = services.webhooks.unsaved(
            org, filled, None if webhook_id is None else str(webhook_id), tried=True
        )
    except UnknownWebhook:
        raise refused(
            404,
            "not_found",
            f"webHookId must be the id of a webhook of this org; got {came(webhook_id)}. GET "
            "/v3/webHooks lists them. (not_found, field webHookId)",
            "webHookId",
        ) from None
    except WebhookRefused as wrong:
        raise Refused(400, wrong.refusals) from None
    return webhook, [msgspec.to_builtins(one) for one in warnings]


def _last(value: object) -> int:
    number = whole_of(value)
    if number is not None and 1 <= number <= LAST_MAX:
        return number
    raise refused(
        400,
        "bad_last",
        f"last must be a whole number from 1 to {LAST_MAX}; got {came(value)}. Leave it out for "
        f"{LAST}. (bad_last, field last)",
        "last",
    )
