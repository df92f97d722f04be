"""What the owner of a webhook should know of it as it stands."""

from collections.abc import Collection, Sequence

from tidings.core.shaping.neo_rules import FLOW_UNKNOWN, unknown_flow_said
from tidings.core.webhooks.event_name_rules import UNHEARD, unheard_said
from tidings.core.webhooks.webhook import QUEUE_SAID, Webhook
from tidings.core.webhooks.webhook_form import QUEUE_NOT_SERVED

UNCONFIRMED = "recipients_unconfirmed"


def warning_of(
    webhook: Webhook,
    flows: Collection[str],
    unheard: Sequence[str] = (),
    unconfirmed: Sequence[str] = (),
) -> dict[str, str] | None:
    """Code and message; None where there is nothing to know."""
    if not webhook.dials:
        return {"code": QUEUE_NOT_SERVED, "message": QUEUE_SAID}
    if webhook.flow is not None and webhook.transformation not in flows:
        return {"code": FLOW_UNKNOWN, "message": unknown_flow_said(webhook.flow, flows)}
    if unconfirmed:
        return {"code": UNCONFIRMED, "message": _unconfirmed(unconfirmed)}
    return {"code": UNHEARD, "message": unheard_said(unheard)} if unheard else None


def _unconfirmed(addresses: Sequence[str]) -> str:
    return (
        f"Recipients must confirm by the link that is mailed to them; {', '.join(addresses)} "
        f"{'have' if len(addresses) > 1 else 'has'} not yet. Nothing is sent there before; "
        "what has no other recipient waits."
    )
