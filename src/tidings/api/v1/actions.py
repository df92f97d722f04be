"""`/v1/actions`: what is done for customers when events come, as the operator's file says."""

from starlette.responses import Response

from tidings.api.answers import answer
from tidings.api.context import Services
from tidings.api.paging import PAGE, WHOLE
from tidings.api.route import ok
from tidings.api.router import EntryRoute, Routes
from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.reads.actions.views import (
    READS,
    action_records,
    action_views,
    own_action,
    show_row,
    show_whole,
    warnings_of,
)


def action_routes(services: Services) -> list[EntryRoute]:
    """Build the routes of actions over the services."""
    route = Routes(services, tag="actions")

    @route(
        "GET",
        "/v1/actions",
        id="listActions",
        scope=READS,
        summary="Actions",
        answers=ok("By name", {"actions": ["#ActionRow"], "warnings": ["#ActionWarning"]} | PAGE),
    )
    async def actions_of(caller: AuthenticatedCaller) -> Response:
        """The org's actions, by name: what each does, what ails it, and its last 24 hours. An
        action is a webhook of the type ACTION: pause and resume it there."""
        org = caller.org
        views = await action_views(services, action_records(services, org))
        body = {
            "actions": [show_row(view) for view in views],
            "warnings": warnings_of(services, org),
        }
        return answer(body | WHOLE)

    @route(
        "GET",
        "/v1/actions/{action_name}",
        id="getAction",
        scope=READS,
        summary="An action",
        answers=ok("The action", "#Action"),
    )
    async def get(caller: AuthenticatedCaller, action_name: str) -> Response:
        """All that its file says of it, with templates as they are written and secrets masked; and
        how its look-ups do."""
        org = caller.org
        return answer(show_whole(services, await own_action(services, org, action_name)))

    return route.made
