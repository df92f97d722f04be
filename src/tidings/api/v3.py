"""`/v3/webHooks`: the original's calls, in its shapes and with its statuses, and get by id."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from tidings.api.answers import Refused, answer, envelope, refused
from tidings.api.context import Services, read_object
from tidings.api.models import BODY, ERRORS, ONE, SEVERAL
from tidings.api.webhook_view import show_webhook
from tidings.core.sign import show_secret
from tidings.engine.webhook_records import Record
from tidings.engine.webhooks import UnknownWebhook, WebhookRefused

NAME_TAKEN = "name_taken"


def webhook_routes(services: Services) -> APIRouter:
    """The routes, over the services."""
    router = APIRouter(prefix="/v3/webHooks", tags=["webhooks"], responses=ERRORS)
    webhooks = services.webhooks

    def shown(record: Record) -> dict[str, object]:
        return show_webhook(record, services.zone(record.org))

    @router.post("", summary="Create a webhook", openapi_extra=BODY, responses=ONE)
    async def create(request: Request) -> Response:
        """The signing secret is in this answer and in no other one."""
        caller = services.caller(request, "webhooks:write")
        body = await read_object(request)
        try:
            record, secret, warnings = await webhooks.create(caller.org, body, caller.credential)
        except WebhookRefused as wrong:
            raise _refused(wrong) from None
        data = shown(record) | {"signingSecret": show_secret(secret)}
        return answer(envelope(data, warnings=warnings))

    @router.get("", summary="List the webhooks of the org", responses=SEVERAL)
    async def list_all(request: Request) -> Response:
        """All of them: inactive, queue-type and deleted ones too."""
        caller = services.caller(request, "webhooks:read")
        return answer(envelope([shown(record) for record in webhooks.list(caller.org)]))

    @router.get("/{webhook_id}", summary="Get one webhook", responses=ONE)
    async def get(request: Request, webhook_id: str) -> Response:
        caller = services.caller(request, "webhooks:read")
        try:
            return answer(envelope(shown(webhooks.get(caller.org, webhook_id))))
        except UnknownWebhook:
            raise _unknown(webhook_id) from None

    @router.put("/{webhook_id}", summary="Replace a webhook", openapi_extra=BODY, responses=ONE)
    async def replace(request: Request, webhook_id: str) -> Response:
        """Fields that are left out stay as they were; the name always does."""
        caller = services.caller(request, "webhooks:write")
        body = await read_object(request)
        try:
            record, warnings = await webhooks.replace(
                caller.org, webhook_id, body, caller.credential
            )
        except UnknownWebhook:
            raise _unknown(webhook_id) from None
        except WebhookRefused as wrong:
            raise _refused(wrong) from None
        return answer(envelope(shown(record), warnings=warnings))

    @router.delete("/{webhook_id}", summary="Delete a webhook", responses=ONE)
    async def delete(request: Request, webhook_id: str) -> Response:
        """It stays in the list with `active: false`; what it has not been sent is cancelled."""
        caller = services.caller(request, "webhooks:write")
        try:
            record = await webhooks.delete(caller.org, webhook_id, caller.credential)
        except UnknownWebhook:
            raise _unknown(webhook_id) from None
        return answer(envelope(shown(record)))

    return router


def _refused(wrong: WebhookRefused) -> Refused:
    taken = wrong.refusals[0].code == NAME_TAKEN
    return Refused(409 if taken else 400, wrong.refusals)


def _unknown(webhook_id: str) -> Refused:
    got = webhook_id if len(webhook_id) <= 40 else webhook_id[:40] + "…"
    return refused(
        400,
        400,
        f'webHookId must be the id of a webhook of this org that was not deleted; got "{got}". '
        "GET /v3/webHooks lists them. (400, field webHookId)",
        "webHookId",
    )
