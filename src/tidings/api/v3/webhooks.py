"""`/v3/webHooks`: create, list, replace and delete as the original does; get by id, and patch.

Answers of one webhook carry its `ETag`; a change with `If-Match` holds only for that version. With
`dryRun=true` a call is checked and answered, and nothing is written.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from tidings.api.answers import answer, envelope
from tidings.api.context import Services, read_object
from tidings.api.keyed import read_key
from tidings.api.v1.webhooks.models import BODY, PATCH_BODY, REPLACING_BODY
from tidings.api.v3.models import CHANGE_ERRORS, CHANGING, CREATING, ONE, REPLACING, SEVERAL
from tidings.api.v3.webhook_answers import (
    WebhookAnswers,
    changed,
    expect,
    is_dry_run,
    is_if_changed,
    tagged,
)
from tidings.core.ids import WebhookId
from tidings.core.shaping.signatures.standard_webhooks import show_secret
from tidings.core.webhooks.settings import FIELD_OF
from tidings.engine.webhooks.records import WebhookState, author
from tidings.engine.webhooks.webhooks import UnknownWebhook
from tidings.reads.webhooks.changes import unknown_webhook
from tidings.schema.patches import patched_body

Part = Annotated[
    str,
    Query(description="Those whose name holds this; case does not matter."),
]


def webhook_routes(services: Services) -> APIRouter:
    """The routes, over the services."""
    router = APIRouter(prefix="/v3/webHooks", tags=["webhooks"], responses=CHANGE_ERRORS)
    webhooks, show = services.webhooks, WebhookAnswers(services)

    @router.post("", summary="Create a webhook", openapi_extra=BODY | CREATING, responses=ONE)
    async def create(request: Request) -> Response:
        """The signing secret is in this answer and in no other one. With an `Idempotency-Key` the
        same call within 24 hours is answered the same, and nothing is made again."""
        caller = services.caller(request, "webhooks:write")
        dry_run = is_dry_run(request)
        key = read_key(request)
        body = await read_object(request)
        record, secret, warnings = await webhooks.create(
            caller.org, body, author(caller), key, dry_run=dry_run, platform=caller.platform
        )
        return show.one(record, warnings, dry_run=dry_run, signingSecret=show_secret(secret))

    @router.get("", summary="List the webhooks of the org", responses=SEVERAL)
    async def list_all(request: Request, name: Part = "") -> Response:
        """All of them: inactive, queue-type and deleted ones too; or those of a part of a name."""
        caller = services.caller(request, "webhooks:read")
        return answer(
            envelope([show.to_get(record) for record in webhooks.named(caller.org, name)])
        )

    @router.get("/{webHookId}", summary="Get one webhook", responses=ONE)
    async def get(request: Request, webHookId: WebhookId) -> Response:
        """Also a deleted one."""
        caller = services.caller(request, "webhooks:read")
        try:
            record = webhooks.get(caller.org, webHookId)
        except UnknownWebhook:
            raise unknown_webhook(webHookId) from None
        return tagged(record, show.to_get(record))

    _add_changes(router, services, show)
    return router


def _add_changes(router: APIRouter, services: Services, show: WebhookAnswers) -> None:
    """Add the routes that change one webhook."""
    webhooks = services.webhooks

    @router.put(
        "/{webHookId}",
        summary="Replace a webhook",
        openapi_extra=REPLACING_BODY | REPLACING,
        responses=ONE,
    )
    async def replace(request: Request, webHookId: WebhookId) -> Response:
        """Fields that are left out stay as they were; the name always does. A value of a header as
        GET shows it means the stored one."""
        caller = services.caller(request, "webhooks:write")
        dry_run, if_changed = is_dry_run(request), is_if_changed(request)
        body = await read_object(request)
        replacing = webhooks.replace(
            caller.org,
            webHookId,
            body,
            author(caller),
            expect(request),
            if_changed=if_changed,
            dry_run=dry_run,
            platform=caller.platform,
        )
        return show.one(*await changed(webHookId, replacing), dry_run=dry_run)

    @router.patch(
        "/{webHookId}",
        summary="Change some fields of a webhook",
        openapi_extra=PATCH_BODY | CHANGING,
        responses=ONE,
    )
    async def patch(request: Request, webHookId: WebhookId) -> Response:
        """Each field that the body names is set as a whole; null takes it away. Headers are set
        name by name, and null takes one away. Misspelt fields are refused."""
        caller = services.caller(request, "webhooks:write")
        dry_run = is_dry_run(request)
        body = await read_object(request)

        def body_for(record: WebhookState) -> dict[str, Any]:
            headers = FIELD_OF["webHookHeaders"].show(record.config.settings)
            return patched_body(body, FIELD_OF, {"webHookHeaders": headers})

        patching = webhooks.patch(
            caller.org,
            webHookId,
            body_for,
            author(caller),
            expect(request),
            dry_run=dry_run,
            strict=True,
            platform=caller.platform,
        )
        return show.one(*await changed(webHookId, patching), dry_run=dry_run)

    @router.delete(
        "/{webHookId}", summary="Delete a webhook", openapi_extra=CHANGING, responses=ONE
    )
    async def delete(request: Request, webHookId: WebhookId) -> Response:
        """It stays in the list with `active: false`; what it has not been sent is cancelled."""
        caller = services.caller(request, "webhooks:write")
        dry_run = is_dry_run(request)
        deleting = webhooks.delete(
            caller.org, webHookId, author(caller), expect(request), dry_run=dry_run
        )
        return show.one(await changed(webHookId, deleting), dry_run=dry_run)
