"""What speaks against a change of a webhook, for every face alike."""

from collections.abc import Awaitable
from typing import TypeVar

from tidings.engine.webhooks.webhooks import UnknownWebhook, WebhookRefused, WrongStanding
from tidings.errors import Conflict, Invalid, Refusal

Result = TypeVar("Result")

_UNKNOWN = 400  # the original's code
_CONFLICTS = ("name_taken", "too_many_secrets")  # not the body is wrong, but the time


async def changed(webhook_id: str, change: Awaitable[Result]) -> Result:
    """Await a change; what speaks against it is refused. WebhookMoved where it is expected to be
    of a version."""
    try:
        return await change
    except UnknownWebhook:
        raise unknown_webhook(webhook_id) from None
    except WebhookRefused as wrong:
        raise not_as_asked(wrong) from None


def not_as_asked(wrong: WebhookRefused) -> Invalid | Conflict:
    """Wrong in itself, or in conflict with what is there."""
    conflict = isinstance(wrong, WrongStanding) or wrong.refusals[0].code in _CONFLICTS
    return (Conflict if conflict else Invalid)(*wrong.refusals)


def unknown_webhook(webhook_id: str) -> Invalid:
    """For an id that leads to no webhook: the original calls that a wrong question."""
    got = webhook_id if len(webhook_id) <= 40 else webhook_id[:40] + "…"
    return Invalid(
        Refusal(
            _UNKNOWN,
            "webHookId must be the id of a webhook of this org that was not deleted; got "
            f'"{got}". GET /v3/webHooks lists them. (400, field webHookId)',
            "webHookId",
        )
    )
