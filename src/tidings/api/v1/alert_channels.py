"""`/v1/alertChannels`: where an org hears of incidents outside of Tidings."""

from starlette.requests import Request
from starlette.responses import Response

from tidings.api.answers import answer
from tidings.api.context import Services, read_object
from tidings.api.models import change_body, new_body
from tidings.api.paging import PAGE, WHOLE
from tidings.api.route import GONE, ok, usually
from tidings.api.router import EntryRoute, Routes
from tidings.core.alerts.channel import AlertChannel
from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.reads.alerts import show_alert_channel, show_alert_test

_EXAMPLE = {
    "name": "On call",
    "type": "slack",
    "url": "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX",
    "quiet": {"from": "22:00", "to": "07:00"},
}
CHANNEL_BODY = new_body("What makes an alert channel.", AlertChannel, example=_EXAMPLE)
CHANNEL_CHANGE = change_body(
    "What changes an alert channel; what is left out stays.",
    AlertChannel,
    example={"name": "Night shift", "delaySeconds": 300},
)


def alert_channel_routes(services: Services) -> list[EntryRoute]:
    """Build the routes of alert channels over the services."""
    return [*_changing_routes(services), *_reading_routes(services)]


def _changing_routes(services: Services) -> list[EntryRoute]:
    route = Routes(services, tag="alerts")
    channels, sender = services.notices.channels, services.delivery.alerts.sender

    @route(
        "POST",
        "/v1/alertChannels",
        id="createAlertChannel",
        scope="webhooks:write",
        summary="Make an alert channel",
        answers=ok("The channel", "#AlertChannel", 201),
        refuses=usually(409),
        body=CHANNEL_BODY,
        keyed=True,
    )
    async def create(request: Request, caller: AuthenticatedCaller) -> Response:
        """It hears of each incident of the org once when it has stood for `delaySeconds`, when it
        grows, and when it ends."""
        channel = await channels.create(caller.org, await read_object(request))
        return answer(show_alert_channel(sender, channel), 201)

    @route(
        "PATCH",
        "/v1/alertChannels/{channel_id}",
        id="updateAlertChannel",
        scope="webhooks:write",
        summary="Change an alert channel",
        answers=ok("The channel", "#AlertChannel"),
        body=CHANNEL_CHANGE,
    )
    async def change(request: Request, caller: AuthenticatedCaller, channel_id: str) -> Response:
        """Change a channel; what the body leaves out stays, and its type always does."""
        channel = await channels.change(caller.org, channel_id, await read_object(request))
        return answer(show_alert_channel(sender, channel))

    @route(
        "DELETE",
        "/v1/alertChannels/{channel_id}",
        id="deleteAlertChannel",
        scope="webhooks:write",
        summary="Delete an alert channel",
        answers=GONE,
    )
    async def delete(caller: AuthenticatedCaller, channel_id: str) -> Response:
        """Leave open what it has triggered elsewhere and not resolved."""
        await channels.delete(caller.org, channel_id)
        return Response(status_code=204)

    return route.made


def _reading_routes(services: Services) -> list[EntryRoute]:
    route = Routes(services, tag="alerts")
    channels, alerts = services.notices.channels, services.delivery.alerts
    sender, tests = alerts.sender, alerts.tests

    @route(
        "GET",
        "/v1/alertChannels",
        id="listAlertChannels",
        scope="webhooks:read",
        summary="Alert channels of the org",
        answers=ok("The oldest first", {"alertChannels": ["#AlertChannel"]} | PAGE),
    )
    async def list_all(caller: AuthenticatedCaller) -> Response:
        """The oldest first, each with its last error where it takes nothing. For the platform's
        credential the operator's behind them, which hear of all orgs and are set in their file."""
        found = channels.of(caller.org) + (channels.operators() if caller.platform else [])
        shown = [show_alert_channel(sender, channel) for channel in found]
        return answer({"alertChannels": shown} | WHOLE)

    @route(
        "GET",
        "/v1/alertChannels/{channel_id}",
        id="getAlertChannel",
        scope="webhooks:read",
        summary="An alert channel",
        answers=ok("The channel", "#AlertChannel"),
    )
    async def get(caller: AuthenticatedCaller, channel_id: str) -> Response:
        channel = channels.see(caller.org, channel_id, platform=caller.platform)
        return answer(show_alert_channel(sender, channel))

    @route(
        "POST",
        "/v1/alertChannels/{channel_id}/test",
        id="testAlertChannel",
        scope="webhooks:write",
        summary="Test an alert channel",
        answers=ok("What the other side has answered", "#AlertTest"),
        refuses=usually(429),
    )
    async def test(caller: AuthenticatedCaller, channel_id: str) -> Response:
        """One test message now, whatever the quiet rules; of type pagerduty it is resolved at
        once."""
        channel = channels.see(caller.org, channel_id, platform=caller.platform)
        return answer(show_alert_test(await tests.send(channel)))

    return route.made
