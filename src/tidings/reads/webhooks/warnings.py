"""What the owner of a webhook should know of it as it stands."""

from collections.abc import Collection, Sequence

from tidings.core.shaping.neo_rules import FLOW_UNKNOWN, warn_of_unknown_flow
from tidings.core.webhooks.body_reader import QUEUE_NOT_SERVED, UrlCheck
from tidings.core.webhooks.event_name_rules import UNHEARD, warn_of_unheard
from tidings.core.webhooks.webhook import QUEUE_WARNING, Webhook

UNCONFIRMED, OWN_PATH = "recipients_unconfirmed", "own_path"


def warning_of(
    webhook: Webhook,
    flows: Collection[str],
    unheard: Sequence[str] = (),
    unconfirmed: Sequence[str] = (),
    own_path: UrlCheck = lambda url: None,
) -> dict[str, str] | None:
    """Return code and message of a warning; None where there is nothing to know."""
    if not webhook.has_target:
        return {"code": QUEUE_NOT_SERVED, "message": QUEUE_WARNING}
    if webhook.type.calls_url and (why := own_path(webhook.url)) is not None:
        return {"code": OWN_PATH, "message": why}
    if webhook.flow is not None and webhook.transformation not in flows:
        return {"code": FLOW_UNKNOWN, "message": warn_of_unknown_flow(webhook.flow, flows)}
    if unconfirmed:
        return {"code": UNCONFIRMED, "message": _unconfirmed(unconfirmed)}
    return {"code": UNHEARD, "message": warn_of_unheard(unheard)} if unheard else None


def _unconfirmed(addresses: Sequence[str]) -> str:
    return (
        f"Recipients must confirm by the link that is mailed to them; {', '.join(addresses)} "
        f"{'have' if len(addresses) > 1 else 'has'} not yet. Nothing is sent there before; "
        "what has no other recipient waits."
    )
