"""`/v3/webHooks`: create, list, replace and delete as the original does; get by id, and patch.

Answers of one webhook carry its `ETag`; a change with `If-Match` holds only for that version. With
`dryRun=true` a call is checked and answered, and nothing is written.
"""

from typing import Annotated, Any

from fastapi import Query
from starlette.requests import Request
from starlette.responses import Response

from tidings.api.answers import answer, envelope
from tidings.api.context import Services, read_object
from tidings.api.keyed import read_key
from tidings.api.router import EntryRoute, Routes
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
from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.core.ids import WebhookId
from tidings.core.shaping.signatures.secrets import show_secret
from tidings.core.webhooks.fields import FIELD_OF
from tidings.engine.webhooks.records import WebhookState, author
from tidings.engine.webhooks.webhooks import UnknownWebhook
from tidings.reads.webhooks.changes import unknown_webhook
from tidings.schema.patches import patched_body

Part = Annotated[
    str,
    Query(description="Those whose name holds this; case does not matter."),
]


def webhook_routes(services: Services) -> list[EntryRoute]:
    """Build the routes that create, list, get, change and delete webhooks, over the services."""
    route = Routes(services, tag="webhooks", refuses=CHANGE_ERRORS)
    webhooks, show = services.webhooks, WebhookAnswers(services)

    @route(
        "POST",
        "/v3/webHooks",
        id="createWebhook",
        scope="webhooks:write",
        summary="Create a webhook",
        answers=ONE,
        body=BODY,
        parameters=CREATING,
    )
    async def create(request: Request, caller: AuthenticatedCaller) -> Response:
        """The signing secret is in this answer and in no other one. With an `Idempotency-Key` the
        same call within 24 hours is answered the same, and nothing is made again."""
        dry_run = is_dry_run(request)
        key = read_key(request)
        body = await read_object(request)
        record, secret, warnings = await webhooks.create(
            caller.org, body, author(caller), key, dry_run=dry_run, platform=caller.platform
        )
        return show.one(record, warnings, dry_run=dry_run, signingSecret=show_secret(secret))

    @route(
        "GET",
        "/v3/webHooks",
        id="listWebhooks",
        scope="webhooks:read",
        summary="List the webhooks of the org",
        answers=SEVERAL,
    )
    async def list_all(caller: AuthenticatedCaller, name: Part = "") -> Response:
        """All of them: inactive, queue-type and deleted ones too; or those of a part of a name."""
        return answer(
            envelope([show.to_get(record) for record in webhooks.named(caller.org, name)])
        )

    @route(
        "GET",
        "/v3/webHooks/{webHookId}",
        id="getWebhook",
        scope="webhooks:read",
        summary="Get one webhook",
        answers=ONE,
    )
    async def get(caller: AuthenticatedCaller, webHookId: WebhookId) -> Response:
        """Also a deleted one."""
        try:
            record = webhooks.get(caller.org, webHookId)
        except UnknownWebhook:
            raise unknown_webhook(webHookId) from None
        return tagged(record, show.to_get(record))

    _add_changes(route, services, show)
    return route.made


def _add_changes(route: Routes, services: Services, show: WebhookAnswers) -> None:
    """Add the routes that change one webhook."""
    webhooks = services.webhooks

    @route(
        "PUT",
        "/v3/webHooks/{webHookId}",
        id="replaceWebhook",
        scope="webhooks:write",
        summary="Replace a webhook",
        answers=ONE,
        body=REPLACING_BODY,
        parameters=REPLACING,
    )
    async def replace(
        request: Request, caller: AuthenticatedCaller, webHookId: WebhookId
    ) -> Response:
        """Fields that are left out stay as they were; the name always does. A value of a header as
        GET shows it means the stored one."""
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

    @route(
        "PATCH",
        "/v3/webHooks/{webHookId}",
        id="updateWebhook",
        scope="webhooks:write",
        summary="Change some fields of a webhook",
        answers=ONE,
        body=PATCH_BODY,
        parameters=CHANGING,
    )
    async def patch(
        request: Request, caller: AuthenticatedCaller, webHookId: WebhookId
    ) -> Response:
        """Each field that the body names is set as a whole; null takes it away. Headers are set
        name by name, and null takes one away. Misspelt fields are refused."""
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

    _add_deletion(route, services, show)


def _add_deletion(route: Routes, services: Services, show: WebhookAnswers) -> None:
    """Add the route that deletes one webhook."""
    webhooks = services.webhooks

    @route(
        "DELETE",
        "/v3/webHooks/{webHookId}",
        id="deleteWebhook",
        scope="webhooks:write",
        summary="Delete a webhook",
        answers=ONE,
        parameters=CHANGING,
    )
    async def delete(
        request: Request, caller: AuthenticatedCaller, webHookId: WebhookId
    ) -> Response:
        """It stays in the list with `active: false`; what it has not been sent is cancelled."""
        dry_run = is_dry_run(request)
        deleting = webhooks.delete(
            caller.org, webHookId, author(caller), expect(request), dry_run=dry_run
        )
        return show.one(await changed(webHookId, deleting), dry_run=dry_run)
