"""`/v1/webHooks/{id}/trouble`: what helps to end the trouble of a webhook, as its page shows it."""

from starlette.responses import Response

from tidings.api.answers import answer
from tidings.api.context import Services
from tidings.api.route import ok
from tidings.api.router import EntryRoute, Routes
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.core.ids import WebhookId
from tidings.engine.webhooks.webhooks import UnknownWebhook
from tidings.reads.trouble import AUDIT_SCOPE, find_trouble, show_trouble


def trouble_routes(services: Services) -> list[EntryRoute]:
    """Build the route of a webhook's trouble over the services."""
    route = Routes(services, tag="webhooks")

    @route(
        "GET",
        "/v1/webHooks/{webhook_id}/trouble",
        id="getWebhookTrouble",
        scope="logs:read",
        summary="Why it fails, what waits, what it has missed",
        answers=ok("The trouble", "#Trouble"),
    )
    async def look(caller: AuthenticatedCaller, webhook_id: WebhookId) -> Response:
        """Of any webhook, also where nothing is wrong. `lastFailure` is the last attempt that
        failed, with the first of its answer. `waiting` counts what is unfinished by its age.
        `missed` counts what has failed or was parked since a day before the first failure
        (`neverArrived`, as the tally counts it) and, of a webhook that is or was within a day
        disabled or inactive, the events that it was `notAsked` about: at least so many where it is
        not `exact`. `replay` is the body to post to `/v1/replays` for all of it. `timeline` has how
        the failure began and went on, who has acknowledged its incident and, for a credential with
        the scope `admin:read`, who has changed what, the oldest first."""
        record = services.webhooks.get(caller.org, webhook_id)
        if record.webhook.status is WebhookStatus.DELETED:
            raise UnknownWebhook(webhook_id)
        trouble = await find_trouble(services, record, with_changes=caller.may(AUDIT_SCOPE))
        return answer(show_trouble(record, trouble))

    return route.made
