"""An open incident, as alerts know it. Pure."""

import msgspec

from tidings.core.delivery.receivers.health import does
from tidings.core.ids import OrgId, WebhookId
from tidings.core.times import exact


class OpenIncident(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An incident of a webhook that has not ended. Times are milliseconds since the epoch."""

    id: str
    org: OrgId
    webhook: WebhookId
    name: str  # of the webhook; without line breaks
    host: str = ""  # of its URL; empty where it has none of its own
    kind: str = "failing"
    cause: str = ""  # a status or the kind of a fault; empty where nothing is known of it
    opened_ms: int
    grew: int = 0  # how often
    waiting: int | None = None  # deliveries; None where nobody has counted


_KINDS = {
    "test": "has no trouble: this is a test message, sent by hand",
    "degraded": "fails in part: it now and then {does}",
    "unread": "has messages waiting that nobody fetches",
    "backlog": "has deliveries that have been due for long",
}


def describe_incident(incident: OpenIncident) -> str:
    """Describe an incident that is open, in one sentence for people."""
    at = f" ({incident.host})" if incident.host else ""
    what = _KINDS.get(incident.kind, "{does}").format(does=does(incident.cause))
    waiting = f"; {incident.waiting:,} queued" if incident.waiting else ""
    return f"Webhook {incident.name}{at} {what}, since {exact(incident.opened_ms)}{waiting}."


def describe_end(incident: OpenIncident, ended_ms: int) -> str:
    """Describe the end of an incident, in one sentence for people."""
    at = f" ({incident.host})" if incident.host else ""
    return (
        f"Webhook {incident.name}{at} works again since {exact(ended_ms)}; the incident began at "
        f"{exact(incident.opened_ms)}."
    )
