"""An open incident, as alerts know it. Pure."""

import msgspec

from tidings.core.delivery.receivers.health import has_done
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
    since_ms: int = 0  # its first failure; 0: it opened with that
    grew: int = 0  # how often
    waiting: int | None = None  # deliveries; None where nobody has counted
    acknowledged: bool = False


_KINDS = {
    "test": "has no trouble: this is a test message, sent by hand",
    "degraded": "has now and then {done}",
    "unread": "has messages waiting that nobody fetches",
    "backlog": "has deliveries that have been due for long",
}


def describe_incident(incident: OpenIncident) -> str:
    """Describe an incident that is open, in one sentence for people."""
    done = has_done(incident.cause)
    what = _KINDS.get(incident.kind, "has {done}").format(done=done)
    since = exact(incident.since_ms or incident.opened_ms)
    waiting = f"; {incident.waiting:,} queued" if incident.waiting else ""
    return f"{_named(incident)} {what}, since {since}{waiting}."


def describe_end(incident: OpenIncident, ended_ms: int) -> str:
    """Describe the end of an incident, in one sentence for people: that its webhook works again, or
    is gone."""
    return (
        f"{_named(incident)} has no incident any more: it lasted from {exact(incident.opened_ms)} "
        f"to {exact(ended_ms)}."
    )


def _named(incident: OpenIncident) -> str:
    return f"Webhook {incident.name}{f' ({incident.host})' if incident.host else ''}"
