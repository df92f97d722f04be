"""What the calls on one webhook have in common: who changes it, on which version, and how refusals
of a change are answered."""

from collections.abc import Awaitable, Collection, Sequence
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from tidings.api.answers import Refused, answer, envelope, refused
from tidings.api.context import Services
from tidings.api.etags import etag, expected
from tidings.api.webhook_view import show_webhook, with_choices
from tidings.core.form import Refusal
from tidings.engine.access import Caller
from tidings.engine.webhook_records import Author, Record
from tidings.engine.webhooks import UnknownWebhook, WebhookMoved, WebhookRefused, WrongStanding

Result = TypeVar("Result")

_CONFLICTS = ("name_taken", "too_many_secrets")  # not the body is wrong, but the time


class WebhookAnswers:
    """Shows webhooks in the zone of their org."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def shown(self, record: Record) -> dict[str, Any]:
        """As the answers of changes show it."""
        return show_webhook(record, self._services.zone(record.org))

    def to_get(self, record: Record) -> dict[str, Any]:
        """As GET shows it: with what `neoEnrichment` might name."""
        return with_choices(self.shown(record), self._services.neo_choices(record.org))

    def one(self, record: Record, warnings: Sequence[Refusal] = (), **more: Any) -> Response:
        """The answer of a change."""
        return tagged(record, self.shown(record) | more, warnings)


def tagged(record: Record, data: dict[str, Any], warnings: Sequence[Refusal] = ()) -> Response:
    """An answer about one webhook, with its ETag."""
    headers = {"etag": etag(record.webhook.version)}
    return answer(envelope(data, warnings=warnings), headers=headers)


def author(caller: Caller) -> Author:
    """Who is shown as having made or changed it."""
    return caller.attribution if caller.attribution.id else caller.credential


def expect(request: Request) -> Collection[int] | None:
    """The versions that a call may change; None for any."""
    return expected(request.headers.get("if-match"))


async def changed(webhook_id: str, change: Awaitable[Result]) -> Result:
    """Await a change; what speaks against it becomes the answer."""
    try:
        return await change
    except UnknownWebhook:
        raise unknown_webhook(webhook_id) from None
    except WebhookMoved as moved:
        raise refused(
            412,
            "version_moved",
            f"If-Match must be the webhook's ETag, {etag(moved.version)}; got another. Get the "
            "webhook again and repeat the change on what you see. (version_moved, header If-Match)",
            "If-Match",
            etag=etag(moved.version),
        ) from None
    except WebhookRefused as wrong:
        raise not_as_asked(wrong) from None


def not_as_asked(wrong: WebhookRefused) -> Refused:
    """400 where the body is wrong, 409 where it does not go with what is there."""
    conflict = isinstance(wrong, WrongStanding) or wrong.refusals[0].code in _CONFLICTS
    return Refused(409 if conflict else 400, wrong.refusals)


def unknown_webhook(webhook_id: str) -> Refused:
    """The original's answer: 400, in code and status."""
    got = webhook_id if len(webhook_id) <= 40 else webhook_id[:40] + "…"
    return refused(
        400,
        400,
        f'webHookId must be the id of a webhook of this org that was not deleted; got "{got}". '
        "GET /v3/webHooks lists them. (400, field webHookId)",
        "webHookId",
    )
