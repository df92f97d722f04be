"""`POST /v1/webHooks/{id}/test` and `/v1/webHooks/test`: one test message, and its answer."""

import math
import os
import uuid
from collections.abc import Sequence
from typing import Any

import msgspec
from fastapi import APIRouter
from pydantic import ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from tidings.api.answers import Refused, answer, refused
from tidings.api.context import Services, read_object
from tidings.api.described import Model
from tidings.api.models import V1_ERRORS, body_of
from tidings.api.v1.webhooks.models import SAVED, UNSAVED, WebhookChange
from tidings.core.delivery.advice import Tried, what_happened, what_to_do
from tidings.core.delivery.exchange import Answer, Fault
from tidings.core.delivery.standing import Standing
from tidings.core.form import Refusal, came
from tidings.core.shaping.sign import read_secret, show_secret
from tidings.core.webhooks.headers import same_url
from tidings.core.webhooks.hearing import is_prefix
from tidings.core.webhooks.masks import masked_by_name, masked_of, scrubbed, scrubbed_headers
from tidings.core.webhooks.webhook import HTTP, Webhook
from tidings.engine.delivery.trial import NotDialled, Tested, TooSoon
from tidings.engine.webhooks.webhooks import UnknownWebhook, WebhookRefused
from tidings.reads.delivery.delivery_view import show_left_out, show_timings
from tidings.reads.messages import show_bytes, show_headers
from tidings.reads.refusals import not_there
from tidings.reads.times import iso

BODY_BYTES_MAX = 256 * 1024
SECRET_BYTES = 32
_OF_TEST = ("eventName", "event")
_OTHER_SECRET = Refusal(
    "test_secret",
    "webHookUrl must be the stored one for the stored secret to sign; got another. This test was "
    "signed by signingSecret of this answer, made for it: verify with that. (test_secret, field "
    "signingSecret)",
    "signingSecret",
)


class TestBody(Model):
    """What to send as a test."""

    model_config = ConfigDict(json_schema_extra={"example": {"eventName": "pointsIssued"}})

    eventName: str | None = Field(
        None, description="Whose example is sent; the first of the webhook's where it is absent."
    )
    event: dict[str, Any] | None = Field(None, description="Sent instead of the example.")


class UnsavedTestBody(WebhookChange, TestBody):
    """The fields of a webhook, and what to send as a test."""

    model_config = ConfigDict(json_schema_extra={"anyOf": [SAVED, UNSAVED]})

    webHookId: str | None = Field(None, description="Start from this webhook, unchanged.")


TEST_BODY = body_of(TestBody, required=False)
UNSAVED_TEST_BODY = body_of(UnsavedTestBody)


def trial_routes(services: Services) -> APIRouter:
    """The routes, over the services."""
    router = APIRouter(prefix="/v1/webHooks", tags=["webhooks"], responses=V1_ERRORS)

    async def tried(
        org: int, webhook: Webhook, body: dict[str, Any], saved: Webhook | None
    ) -> dict[str, Any]:
        event_id, message = test_message(services, org, webhook, body)
        try:
            tested = await sent(services, org, webhook, event_id, message, saved)
            return show_tested(tested, webhook)
        except TooSoon as soon:
            raise refused(
                429,
                "too_many_tests",
                "An org must send at most one test message a second; got more. Wait for the time "
                "in Retry-After. (too_many_tests, -)",
                retry_after=str(max(1, math.ceil(soon.wait_s))),
            ) from None

    @router.post("/test", summary="Test an unsaved webhook", openapi_extra=UNSAVED_TEST_BODY)
    async def unsaved(request: Request) -> Response:
        """The fields of a webhook; with `webHookId`, changes to that one. Nothing is saved.

        What is stored of it as a secret goes to its stored URL alone: to another one the test goes
        without the stored values of headers, signed by a secret that is made for it and shown."""
        org = services.caller(request, "webhooks:write").org
        body = await read_object(request, bytes_max=2 * BODY_BYTES_MAX)
        asked = {field: body.pop(field) for field in _OF_TEST if field in body}
        webhook_id = body.pop("webHookId", None)
        try:
            webhook, warnings = services.webhooks.unsaved(
                org, body, None if webhook_id is None else str(webhook_id), tried=True
            )
        except UnknownWebhook:
            must = "the id of a webhook of this org"
            raise not_there("webHookId", must, str(webhook_id)) from None
        except WebhookRefused as wrong:
            raise Refused(400, wrong.refusals) from None
        webhook, made, more = signed(services, org, webhook, body, webhook_id)
        saved = services.webhooks.by_number(webhook.number)
        told = await tried(org, webhook, asked, None if saved is None else saved.webhook)
        if made is not None:
            told["signingSecret"] = show_secret(made)
        return answer(told | {"warnings": (*warnings, *more)})

    @router.post("/{webhook_id}/test", summary="Test a webhook", openapi_extra=TEST_BODY)
    async def saved(request: Request, webhook_id: str) -> Response:
        """One signed message with the example of an event type, or a given event; not stored."""
        org = services.caller(request, "webhooks:write").org
        body = await read_object(request, {}, bytes_max=2 * BODY_BYTES_MAX)
        try:
            webhook = services.webhooks.get(org, webhook_id).webhook
        except UnknownWebhook:
            raise not_there("webHookId", "the id of a webhook of this org", webhook_id) from None
        if webhook.standing is Standing.DELETED:
            raise not_there("webHookId", "the id of a webhook of this org", webhook_id)
        return answer(await tried(org, webhook, body, webhook))

    return router


def signed(
    services: Services, org: int, webhook: Webhook, body: dict[str, Any], webhook_id: object
) -> tuple[Webhook, bytes | None, Sequence[Refusal]]:
    """An unsaved webhook with a secret, that secret where it was made for this, and warnings.

    It is the given one, the saved one's where the message goes to the saved URL, or made: whoever
    sees a message that the stored one has signed could pass it on to the receiver as if it were
    ours.
    """
    saved = None if webhook_id is None else services.webhooks.get(org, str(webhook_id)).webhook
    if isinstance(said := body.get("signingSecret"), str):
        given = read_secret(said)  # it was checked with the rest
        return msgspec.structs.replace(webhook, secrets=(given,)), None, ()
    if saved is not None and same_url(saved.url, webhook.url):
        return msgspec.structs.replace(webhook, secrets=saved.secrets), None, ()
    made = os.urandom(SECRET_BYTES)
    warnings = () if saved is None else (_OTHER_SECRET,)
    return msgspec.structs.replace(webhook, secrets=(made,)), made, warnings


async def sent(
    services: Services,
    org: int,
    webhook: Webhook,
    event_id: str,
    message: bytes,
    saved: Webhook | None,
) -> Tested:
    """Send a test message, unless the `saved` webhook that it was made from is changed before it
    leaves. TooSoon; Refused for a webhook that makes no call."""

    def stands() -> bool:
        now = None if saved is None else services.webhooks.by_number(saved.number)
        return saved is None or (now is not None and now.webhook is saved)

    try:
        return await services.trial.send(org, webhook, event_id, message, stands)
    except NotDialled:
        raise refused(
            409,
            "not_dialled",
            f"webHookType must be {HTTP} for a test message; it is {webhook.kind}, which makes no "
            "call, whatever its URL is. Set it to HTTP with the receiver's URL, and test again. "
            "(not_dialled, field webHookType)",
            "webHookType",
        ) from None


def test_message(
    services: Services, org: int, webhook: Webhook, body: dict[str, Any]
) -> tuple[str, bytes]:
    """The id and the bytes of the event to send: the given one, or the example of a type."""
    names = sorted(webhook.event_names, key=lambda name: (is_prefix(name), name))
    name = body.get("eventName") or (names[0] if names else "")
    given = body.get("event")
    if given is not None and not isinstance(given, dict):
        raise refused(
            400,
            "bad_event",
            f"event must be an object; got {came(given)}. Leave it out for the type's example. "
            "(bad_event, field event)",
            "event",
        )
    if given is None:
        kind = services.event_types.get(org, str(name), webhook.version_of(str(name)))
        given = kind.example if kind is not None and kind.examples else None
        if kind is None and given is None and name in names:  # of a type that nobody knows yet
            name = f"{name[:-1]}example" if is_prefix(name) else name
            given = {"eventName": name, "data": {}}
        elif given is not None:
            name = given["eventName"]  # that of its wire
        if given is None:
            raise refused(
                400,
                "unknown_type",
                f"eventName must be an event type that has an example; got {came(name)}. Send the "
                "event itself in event. (unknown_type, field eventName)",
                "eventName",
            )
    event_id = str(uuid.uuid4())
    now_ms = services.clock.now_ms()
    fresh = {"eventName": name, "eventId": event_id, "orgId": org, "createdAt": now_ms}
    event = given | {key: value for key, value in fresh.items() if key != "eventName" or value}
    message = msgspec.json.encode(event)
    if len(message) > BODY_BYTES_MAX:
        raise refused(
            413,
            "event_too_large",
            f"event must have at most {BODY_BYTES_MAX} bytes; got {len(message)}. Send less. "
            "(event_too_large, field event)",
            "event",
        )
    return event_id, message


def show_tested(tested: Tested, webhook: Webhook) -> dict[str, Any]:
    """What was sent and what came of it, in words too."""
    ending = tested.ending
    fault = ending if isinstance(ending, Fault) else None
    tried = Tried(
        status=ending.status if isinstance(ending, Answer) else None,
        kind=None if fault is None else fault.kind,
        detail="" if fault is None else fault.detail,
        duration_ms=round(ending.duration_ms),
    )
    return {
        "delivered": tried.status is not None and 200 <= tried.status <= 299,
        "startedAt": iso(tested.started_ms),
        "durationInMs": round(ending.duration_ms, 1),
        "timings": show_timings(round(ending.duration_ms), ending.timings),
        "status": tried.status,
        "fault": tried.kind,
        "detail": tried.detail or None,
        "advice": " ".join(filter(None, (what_happened(tried), what_to_do(tried)))),
        "warning": show_left_out(tested.left_out),
        "request": {
            "method": tested.method,
            "url": tested.url,
            "headers": show_headers(masked_of(tested.headers, webhook.headers)),
            "body": show_bytes(tested.body),
        },
        "answer": None
        if not isinstance(ending, Answer)
        else {
            "headers": show_headers(
                masked_by_name(scrubbed_headers(ending.headers, webhook.headers))
            ),
            "body": show_bytes(scrubbed(ending.body, webhook.headers))
            | {"truncated": ending.truncated},
        },
    }
