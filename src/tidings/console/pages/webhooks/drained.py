"""Drains that pages begin: of one webhook, of those that are marked in a list, and of one that was
saved for it. The page of a webhook and its form use it, and neither knows the other's module."""

from collections.abc import Sequence

from tidings.console.visit import Visit
from tidings.core.ids import WebhookId
from tidings.core.webhooks.webhook import Webhook
from tidings.engine.delivery.trial import TrialResult
from tidings.errors import Conflict, NotFound, RequestRefused

SCOPE = "replay:write"
MARKED_MAX = 100
_NAMED_MAX = 3  # of those that were left


async def begin(visit: Visit, webhook: Webhook) -> str:
    """Begin a drain; return what is said of it, the reason included where it cannot be."""
    try:
        begun = await visit.services.delivery.drains.begin(webhook, visit.caller.credential)
    except RequestRefused as refused:
        return refused.reason.message
    return f"Trying one delivery now; {begun.expected}."


async def begin_marked(visit: Visit, ids: Sequence[str]) -> str:
    """Begin a drain of each webhook that is named; return how many were, and why others were not.
    What is not of the org is as if it were not there."""
    drains, begun, left = visit.services.delivery.drains, 0, list[str]()
    for id in dict.fromkeys(ids[:MARKED_MAX]):
        try:
            webhook = visit.services.webhooks.get(visit.caller.org, WebhookId(id)).webhook
        except NotFound:
            continue
        try:
            await drains.begin(webhook, visit.caller.credential)
            begun += 1
        except Conflict as refused:
            left.append(f"{webhook.name}: {refused.reason.message}")
    if not begun and not left:
        return "Nothing was marked. Mark the webhooks to be drained."
    words = [f"Trying one delivery of {begun} webhook{'' if begun == 1 else 's'} now."]
    words += left[:_NAMED_MAX]
    if len(left) > _NAMED_MAX:
        words.append(f"{len(left) - _NAMED_MAX} more were left as they are.")
    return " ".join(words)


async def offer_after_save(
    visit: Visit, saved: Webhook | None, tested: TrialResult
) -> dict[str, str]:
    """Return how much waits that a receiver would get which has taken a test of what is not saved
    yet; nothing where there is nothing to drain by then."""
    if saved is None or not tested.delivered or not visit.may(SCOPE):
        return {}
    waiting = await visit.services.delivery.drains.expect(saved)
    return {"after_save": waiting.expected} if waiting.total else {}
