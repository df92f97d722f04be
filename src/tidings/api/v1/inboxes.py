"""`/v1/inboxes`: test inboxes, made, listed, changed and deleted."""

from starlette.requests import Request
from starlette.responses import Response

from tidings.api.answers import answer
from tidings.api.context import Services, read_object
from tidings.api.models import change_body, new_body
from tidings.api.paging import PAGE, WHOLE
from tidings.api.route import GONE, ok, usually
from tidings.api.router import EntryRoute, Routes
from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.core.inbox_rules import InboxForm
from tidings.reads.inboxes import show_inbox

_EXAMPLE = {"name": "shop", "answer": {"status": 503, "delayMs": 2000}}
INBOX_BODY = new_body("What makes a test inbox.", InboxForm, example=_EXAMPLE, required=False)
INBOX_CHANGE = change_body(
    "What changes a test inbox; what is left out stays.", InboxForm, example=_EXAMPLE
)


def inbox_routes(services: Services) -> list[EntryRoute]:
    """Build the routes of test inboxes over the services."""
    route = Routes(services, tag="inboxes")
    inboxes = services.delivery.inboxes

    @route(
        "POST",
        "/v1/inboxes",
        id="createInbox",
        scope="webhooks:write",
        summary="Make a test inbox",
        answers=ok("The inbox", "#Inbox", 201),
        refuses=usually(409),
        body=INBOX_BODY,
        keyed=True,
    )
    async def create(request: Request, caller: AuthenticatedCaller) -> Response:
        """Set its `url` as a webhook's URL: what arrives there is listed, and can be watched."""
        org = caller.org
        body = await read_object(request, {})
        live = await inboxes.create(org, body)
        return answer(show_inbox(inboxes, live), 201)

    @route(
        "GET",
        "/v1/inboxes",
        id="listInboxes",
        scope="logs:read",
        summary="Test inboxes of the org",
        answers=ok("The newest first", {"inboxes": ["#Inbox"]} | PAGE),
    )
    async def list_all(caller: AuthenticatedCaller) -> Response:
        """The newest first."""
        org = caller.org
        return answer(
            {"inboxes": [show_inbox(inboxes, live) for live in inboxes.list(org)]} | WHOLE
        )

    @route(
        "GET",
        "/v1/inboxes/{inbox_id}",
        id="getInbox",
        scope="logs:read",
        summary="A test inbox",
        answers=ok("The inbox", "#Inbox"),
    )
    async def get(caller: AuthenticatedCaller, inbox_id: str) -> Response:
        return answer(show_inbox(inboxes, inboxes.get(caller.org, inbox_id)))

    @route(
        "PATCH",
        "/v1/inboxes/{inbox_id}",
        id="updateInbox",
        scope="webhooks:write",
        summary="Change a test inbox",
        answers=ok("The inbox", "#Inbox"),
        body=INBOX_CHANGE,
    )
    async def change(request: Request, caller: AuthenticatedCaller, inbox_id: str) -> Response:
        """Change an inbox; what the body leaves out stays, and its address always does."""
        org = caller.org
        body = await read_object(request)
        live = await inboxes.change(org, inbox_id, body)
        return answer(show_inbox(inboxes, live))

    @route(
        "DELETE",
        "/v1/inboxes/{inbox_id}",
        id="deleteInbox",
        scope="webhooks:write",
        summary="Delete a test inbox",
        answers=GONE,
    )
    async def delete(caller: AuthenticatedCaller, inbox_id: str) -> Response:
        """With its arrivals. What is sent there then is answered 404."""
        org = caller.org
        await inboxes.delete(org, inbox_id)
        return Response(status_code=204)

    return route.made
