"""`/v1/webHooks/{id}/pull` and `…/acknowledge`: messages of webhooks of type PULL are fetched."""

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from tidings.api.answers import answer
from tidings.api.context import Services, read_object
from tidings.api.models import new_body
from tidings.api.paging import WARNED
from tidings.api.route import ok, usually
from tidings.api.router import EntryRoute, Routes
from tidings.core.declaration import read_body
from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.core.ids import WebhookId
from tidings.core.pull_rules import Asked, PullBody, warn_of_cursor, warn_of_tokens
from tidings.core.times import iso
from tidings.engine.pull.lease import Offer
from tidings.errors import FieldRefusal, passed

PULL_BODY = new_body(
    "What a reader asks for.", Asked, example={"max": 100, "waitInSeconds": 20}, required=False
)
ACKNOWLEDGE_BODY = new_body(
    "What became of messages.",
    PullBody,
    example={"ackIds": ["5f1c0c2e8f6b4f1e9d1f6a1b2c3d4e5f"], "outcome": "delivered"},
)


def pull_routes(services: Services) -> list[EntryRoute]:
    """Build the routes that fetch and acknowledge messages, over the services."""
    route = Routes(services, tag="messages")
    webhooks, pulls = services.webhooks, services.delivery.pulls

    @route(
        "POST",
        "/v1/webHooks/{pulled_id}/pull",
        id="pullMessages",
        scope="messages:write",
        summary="Fetch messages",
        answers=ok(
            "Messages, or none when the wait is over",
            {
                "messages": ["#Message"],
                "cursor": "text|null",
                "leasedUntil": "time|null",
                "acknowledged?": {"taken": "whole", "passedOver": "whole"},
            }
            | WARNED,
        ),
        refuses=usually(409),
        body=PULL_BODY,
    )
    async def pull(request: Request, caller: AuthenticatedCaller, pulled_id: WebhookId) -> Response:
        """Of a webhook of the type PULL: as soon as there is one, or none when the wait is over.
        They are the caller's for the time of the lease; with the answer's `cursor` in the next
        call all of them are acknowledged, or one by one with `acknowledge`. `acknowledged` says
        what a cursor has done; `warnings` says so where that is less than all."""
        webhook = webhooks.living(caller.org, pulled_id).webhook
        asked = passed(read_body(Asked, await read_object(request, {})))
        give_back = services.web.streams.take(caller)
        try:
            fetched = await pulls.fetch(webhook, asked)
        finally:
            give_back()
        until_ms = services.clock.now_ms() + round(asked.lease_s * 1000)
        body: dict[str, Any] = {
            "messages": [_shown(offer) for offer in fetched.offers],
            "cursor": fetched.cursor or None,
            "leasedUntil": iso(until_ms) if fetched.offers else None,
        }
        if (done := fetched.acknowledged) is not None:
            body["acknowledged"] = {"taken": done.taken, "passedOver": done.passed_over}
            body |= _warned(warn_of_cursor(done.known, done.passed_over))
        return answer(body)

    @route(
        "POST",
        "/v1/webHooks/{pulled_id}/acknowledge",
        id="acknowledgeMessages",
        scope="messages:write",
        summary="Say what became of messages",
        answers=ok(
            "How many of them were still the caller's",
            {"taken": "whole", "passedOver": "whole"} | WARNED,
        ),
        refuses=usually(409),
        body=ACKNOWLEDGE_BODY,
    )
    async def acknowledge(
        request: Request, caller: AuthenticatedCaller, pulled_id: WebhookId
    ) -> Response:
        """`taken` counts those that the caller still had: the others can be fetched again, or were
        spoken of before, and `warnings` says so."""
        webhook = webhooks.living(caller.org, pulled_id).webhook
        body = passed(read_body(PullBody, await read_object(request)))
        taken = pulls.settle(webhook, body)
        named = len(set(body.tokens))
        settled = {"taken": taken, "passedOver": named - taken}
        return answer(settled | _warned(warn_of_tokens(named, named - taken)))

    return route.made


def _warned(warnings: Sequence[FieldRefusal]) -> dict[str, Any]:
    if not warnings:
        return {}
    return {
        "warnings": [
            {"code": warning.code, "message": warning.message, "path": warning.field}
            for warning in warnings
        ]
    }


def _shown(offer: Offer) -> dict[str, Any]:
    """A message. Its body is text, so that its bytes are those that were signed."""
    return {
        "ackId": offer.token,
        "id": offer.message.id,
        "attempt": offer.message.attempt,
        "headers": dict(offer.headers) | {"content-type": offer.message.content_type},
        "body": offer.message.body.decode("utf-8", "replace"),
    }
