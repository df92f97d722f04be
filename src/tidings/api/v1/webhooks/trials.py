"""`POST /v1/webHooks/{id}/test` and `/v1/webHooks/test`: one test message, and its answer."""

from typing import Any

from pydantic import ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from tidings.api.answers import answer
from tidings.api.context import Services, read_object, refuse_unknown_fields
from tidings.api.description import Model, whole_schema
from tidings.api.models import body_of
from tidings.api.route import ok, usually
from tidings.api.router import EntryRoute, Routes
from tidings.api.v1.webhooks.models import SAVED, unsaved, unsaved_schema
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.core.ids import OrgId, WebhookId
from tidings.core.webhooks.webhook import Webhook
from tidings.engine.webhooks.webhooks import UnknownWebhook
from tidings.reads.webhooks.signing import PUBLIC_KEYS, show_new_secret, show_public_keys
from tidings.reads.webhooks.trials import (
    BODY_BYTES_MAX,
    now_in,
    sent,
    show_tested,
    signed,
    test_message,
)

_OF_TEST = ("eventName", "event", "now")


class TestBody(Model):
    """Settings of a test message."""

    model_config = ConfigDict(json_schema_extra={"example": {"eventName": "pointsIssued"}})

    eventName: str | None = Field(
        None, description="Whose example is sent; the first of the webhook's where it is absent."
    )
    event: dict[str, Any] | None = Field(None, description="Sent instead of the example.")
    now: bool = Field(
        False, description="Whether an action is done in the customer's quiet hours too."
    )


class SavedTestBody(TestBody):
    """Settings of a test message, and nothing else."""

    model_config = ConfigDict(extra="forbid")


def _unsaved() -> dict[str, Any]:
    about = "The fields of a webhook, and what to send as a test."
    named = unsaved("name", "eventNames", "webHookUrl", "maxAllowedConnections")
    return unsaved_schema(about, whole_schema(TestBody)["properties"], [SAVED, named])


TEST_BODY = body_of(SavedTestBody, required=False)
UNSAVED_TEST_BODY = body_of(_unsaved)


def trial_routes(services: Services) -> list[EntryRoute]:
    """Build the routes of test messages over the services."""
    route = Routes(services, tag="webhooks")

    async def tried(
        org: OrgId, webhook: Webhook, body: dict[str, Any], saved: Webhook | None
    ) -> dict[str, Any]:
        event_id, message = test_message(services, org, webhook, body)
        now = now_in(body)
        tested = await sent(services, org, webhook, event_id, message, saved, now=now)
        return show_tested(tested, webhook)

    @route(
        "POST",
        "/v1/webHooks/test",
        id="testUnsavedWebhook",
        scope="webhooks:write",
        summary="Test an unsaved webhook",
        answers=ok("What was sent, and the answer", "#Tested"),
        refuses=usually(404),
        body=UNSAVED_TEST_BODY,
        keyed=True,
    )
    async def unsaved(request: Request, caller: AuthenticatedCaller) -> Response:
        """The fields of a webhook; with `webHookId`, changes to that one. Nothing is saved.

        What is stored of it as a secret goes to its stored URL alone: to another one the test goes
        without the stored values of headers, signed by a secret that is made for it and shown."""
        org = caller.org
        body = await read_object(request, bytes_max=2 * BODY_BYTES_MAX)
        asked = {field: body.pop(field) for field in _OF_TEST if field in body}
        webhook_id = body.pop("webHookId", None)
        webhook, warnings = services.webhooks.unsaved(
            org,
            body,
            None if webhook_id is None else WebhookId(str(webhook_id)),
            tried=True,
            strict=True,
            platform=caller.platform,
        )
        webhook, made, more = signed(services.webhooks, org, webhook, body, webhook_id)
        saved = services.webhooks.by_number(webhook.number)
        trial = await tried(org, webhook, asked, None if saved is None else saved.webhook)
        if made is not None:
            trial |= show_new_secret(made)
        if webhook.key_pairs:
            trial[PUBLIC_KEYS] = show_public_keys(webhook)
        return answer(trial | {"warnings": (*warnings, *more)})

    @route(
        "POST",
        "/v1/webHooks/{webhook_id}/test",
        id="testWebhook",
        scope="webhooks:write",
        summary="Test a webhook",
        asks_further="logs:read",  # of an action, whose test shows what look-ups have of customers
        answers=ok("What was sent, and the answer", "#Tested"),
        body=TEST_BODY,
        keyed=True,
    )
    async def saved(
        request: Request, caller: AuthenticatedCaller, webhook_id: WebhookId
    ) -> Response:
        """One signed message with the example of an event type, or a given event; not stored."""
        org = caller.org
        body = await read_object(request, {}, bytes_max=2 * BODY_BYTES_MAX)
        refuse_unknown_fields(body, _OF_TEST)
        webhook = services.webhooks.get(org, webhook_id).webhook
        if webhook.type.acts:
            services.demand_further(request, caller)
        if webhook.status is WebhookStatus.DELETED:
            raise UnknownWebhook(webhook_id)
        return answer(await tried(org, webhook, body, webhook))

    return route.made
