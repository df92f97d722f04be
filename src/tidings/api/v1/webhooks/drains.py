"""`/v1/webHooks/{id}/drain`: a receiver is back, and what waits for it is sent now."""

from starlette.responses import Response

from tidings.api.answers import answer
from tidings.api.context import Services
from tidings.api.route import ok, usually
from tidings.api.router import EntryRoute, Routes
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.core.ids import WebhookId
from tidings.core.webhooks.webhook import Webhook
from tidings.engine.webhooks.webhooks import UnknownWebhook
from tidings.reads.webhooks.drains import look_at_drain, show_drain


def drain_routes(services: Services) -> list[EntryRoute]:
    """Build the routes of drains over the services."""
    route = Routes(services, tag="webhooks")
    drains = services.delivery.drains

    def own(caller: AuthenticatedCaller, webhook_id: WebhookId) -> Webhook:
        webhook = services.webhooks.get(caller.org, webhook_id).webhook
        if webhook.status is WebhookStatus.DELETED:
            raise UnknownWebhook(webhook_id)
        return webhook

    @route(
        "GET",
        "/v1/webHooks/{webhook_id}/drain",
        id="getWebhookDrain",
        scope="logs:read",
        summary="How a drain goes",
        answers=ok("The drain", "#Drain"),
    )
    async def look(caller: AuthenticatedCaller, webhook_id: WebhookId) -> Response:
        """Of the drain under way, or of the last one since the service was started. Where there is
        none, `state` is `none`, and `expected` says what one would send and about how long that
        takes."""
        return answer(await look_at_drain(drains, own(caller, webhook_id)))

    @route(
        "POST",
        "/v1/webHooks/{webhook_id}/drain",
        id="drainWebhook",
        scope="replay:write",
        summary="Try a webhook now and drain it",
        answers=ok("It has begun", "#Drain", 202),
        refuses=usually(409),
    )
    async def drain(caller: AuthenticatedCaller, webhook_id: WebhookId) -> Response:
        """For a receiver that works again. One delivery is tried at once, whatever its breaker;
        if it is taken, all retries that wait are due now, under the webhook's connections, rates
        and order. If it is not, nothing changes, and `probe` has the answer. A drain that is under
        way goes on, and is answered."""
        webhook = own(caller, webhook_id)
        begun = await drains.begin(webhook, caller.credential)
        return answer(show_drain(webhook, begun), 202)

    return route.made
