"""`/v1/inboxes`: test inboxes, made, listed, changed and deleted."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from tidings.api.answers import answer
from tidings.api.context import Services, read_object
from tidings.api.keyed import KEYED
from tidings.api.models import V1_ERRORS, change_body, new_body
from tidings.api.paging import WHOLE
from tidings.core.inbox_rules import InboxForm
from tidings.engine.inboxes import LiveInbox
from tidings.reads.inboxes import show_inbox

_EXAMPLE = {"name": "shop", "answer": {"status": 503, "delayMs": 2000}}
INBOX_BODY = new_body("What makes a test inbox.", InboxForm, example=_EXAMPLE, required=False)
INBOX_CHANGE = change_body(
    "What changes a test inbox; what is left out stays.", InboxForm, example=_EXAMPLE
)


def inbox_routes(services: Services) -> APIRouter:
    """The routes, over the services."""
    router = APIRouter(prefix="/v1/inboxes", tags=["inboxes"], responses=V1_ERRORS)
    inboxes = services.delivery.inboxes

    @router.post("", summary="Make a test inbox", status_code=201, openapi_extra=INBOX_BODY | KEYED)
    async def create(request: Request) -> Response:
        """Set its `url` as a webhook's URL: what arrives there is listed, and can be watched."""
        org = services.caller(request, "webhooks:write").org
        body = await read_object(request, {})
        live = await inboxes.create(org, body)
        return answer(show_inbox(inboxes, live), 201)

    @router.get("", summary="Test inboxes of the org")
    async def list_all(request: Request) -> Response:
        """The newest first."""
        org = services.caller(request, "logs:read").org
        return answer(
            {"inboxes": [show_inbox(inboxes, live) for live in inboxes.list(org)]} | WHOLE
        )

    @router.get("/{inbox_id}", summary="A test inbox")
    async def get(request: Request, inbox_id: str) -> Response:
        return answer(show_inbox(inboxes, own_inbox(services, request, inbox_id)))

    @router.patch("/{inbox_id}", summary="Change a test inbox", openapi_extra=INBOX_CHANGE)
    async def change(request: Request, inbox_id: str) -> Response:
        """Change an inbox; what the body leaves out stays, and its address always does."""
        org = services.caller(request, "webhooks:write").org
        body = await read_object(request)
        live = await inboxes.change(org, inbox_id, body)
        return answer(show_inbox(inboxes, live))

    @router.delete("/{inbox_id}", summary="Delete a test inbox", status_code=204)
    async def delete(request: Request, inbox_id: str) -> Response:
        """With its arrivals. What is sent there then is answered 404."""
        org = services.caller(request, "webhooks:write").org
        await inboxes.delete(org, inbox_id)
        return Response(status_code=204)

    return router


def own_inbox(services: Services, request: Request, inbox_id: str) -> LiveInbox:
    """An inbox of the caller's org, to be looked at."""
    org = services.caller(request, "logs:read").org
    return services.delivery.inboxes.get(org, inbox_id)
