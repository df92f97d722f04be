"""`/v1/actions`: what is done for customers when events come, as the operator's file says."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from tidings.api.answers import answer
from tidings.api.context import Services
from tidings.api.models import V1_ERRORS
from tidings.api.paging import WHOLE
from tidings.reads.actions.views import (
    READS,
    action_records,
    action_views,
    own_action,
    show_row,
    show_whole,
    warnings_of,
)


def action_routes(services: Services) -> APIRouter:
    """The routes, over the services."""
    router = APIRouter(prefix="/v1/actions", tags=["actions"], responses=V1_ERRORS)

    @router.get("", summary="Actions")
    async def actions_of(request: Request) -> Response:
        """The org's actions, by name: what each does, what ails it, and its last 24 hours. An
        action is a webhook of the type ACTION: pause and resume it there."""
        org = services.caller(request, READS).org
        views = await action_views(services, action_records(services, org))
        body = {
            "actions": [show_row(view) for view in views],
            "warnings": warnings_of(services, org),
        }
        return answer(body | WHOLE)

    @router.get("/{action_name}", summary="An action")
    async def get(request: Request, action_name: str) -> Response:
        """All that its file says of it, with templates as they are written and secrets masked; and
        how its look-ups do."""
        org = services.caller(request, READS).org
        return answer(show_whole(services, await own_action(services, org, action_name)))

    return router
