"""`/v3/webHooks/{webHookId}/…`: what the original lacks. A new signing secret with an overlap;
pause, resume, enable and disable."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from tidings.api.context import Services, read_object
from tidings.api.router import EntryRoute, Routes
from tidings.api.v3.models import CHANGE_ERRORS, CONDITIONAL, ONE, ROTATE_BODY
from tidings.api.v3.webhook_answers import WebhookAnswers, changed, expect
from tidings.core.declaration import read_body
from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.core.form import Form
from tidings.core.ids import WebhookId
from tidings.core.webhooks.key_rotation import KeyRotation
from tidings.engine.webhooks.records import Verb, author
from tidings.engine.webhooks.webhooks import UnknownWebhook
from tidings.errors import passed
from tidings.reads.webhooks.changes import unknown_webhook
from tidings.reads.webhooks.health import missed_by
from tidings.reads.webhooks.signing import show_new_secret

_VERBS: dict[Verb, tuple[str, str]] = {
    "pause": ("Pause a webhook", "New deliveries are made; all wait until it is resumed."),
    "resume": ("Resume a paused webhook", "What has waited is sent."),
    "enable": (
        "Enable a webhook",
        "One that is inactive, or was disabled. `replay` of the answer is what to post to "
        "`/v1/replays` for all that it missed meanwhile.",
    ),
    "disable": (
        "Disable a webhook",
        "New and unfinished deliveries are parked: not sent, but kept to be replayed.",
    ),
}


def lifecycle_routes(services: Services) -> list[EntryRoute]:
    """Build the routes of a webhook's life that the original lacks, over the services."""
    route = Routes(services, tag="webhooks", refuses=CHANGE_ERRORS)
    webhooks, show = services.webhooks, WebhookAnswers(services)

    @route(
        "POST",
        "/v3/webHooks/{webHookId}/rotateSecret",
        id="rotateWebhookSecret",
        scope="webhooks:write",
        summary="Give a webhook a new signing secret",
        answers=ONE,
        body=ROTATE_BODY,
        parameters=CONDITIONAL,
    )
    async def rotate(
        request: Request, caller: AuthenticatedCaller, webHookId: WebhookId
    ) -> Response:
        """The new secret is in this answer and in no other one. Until the overlap ends each message
        is signed with the old secret too; `overlapInHours` 0 ends all old ones at once. A webhook
        that signs by a key pair gets a new one likewise; `scheme` rotates the keys of one scheme
        alone."""
        form = Form(await read_object(request, empty={}))
        wanted = passed(read_body(KeyRotation, form))  # misspelt: a secret that has leaked must end
        rotating = webhooks.rotate_secret(
            caller.org,
            webHookId,
            wanted.overlap_ms,
            author(caller),
            expect(request),
            wanted.scheme,
        )
        record, secret = await changed(webHookId, rotating)
        return show.one(record, form.warnings, **show_new_secret(secret))

    def add(verb: Verb, summary: str, about: str) -> None:
        @route(
            "POST",
            f"/v3/webHooks/{{webHookId}}/{verb}",
            id=f"{verb}Webhook",
            scope="webhooks:write",
            summary=summary,
            about=about,
            answers=ONE,
            parameters=CONDITIONAL,
        )
        async def change(
            request: Request, caller: AuthenticatedCaller, webHookId: WebhookId
        ) -> Response:
            more: dict[str, Any] = {}
            if verb == "enable":
                try:
                    record = webhooks.get(caller.org, webHookId)
                    health = services.delivery.judgements.of(record.webhook).health
                    more["replay"] = await missed_by(webhooks, health, record)
                except UnknownWebhook:
                    raise unknown_webhook(webHookId) from None
            changing = webhooks.change_status(
                caller.org, webHookId, verb, author(caller), expect(request)
            )
            return show.one(await changed(webHookId, changing), **more)

    for verb, (summary, about) in _VERBS.items():
        add(verb, summary, about)
    return route.made
