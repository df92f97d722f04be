"""The incidents that are open, as alerts ask for them: those that the tracker keeps."""

from collections.abc import Iterable, Sequence
from typing import Protocol
from urllib.parse import urlsplit

from tidings.core.alerts.incident import OpenIncident
from tidings.core.ids import show
from tidings.core.incidents.incident import Incident
from tidings.core.webhooks.subscriptions import Registry
from tidings.core.webhooks.webhook import Webhook


class IncidentFacts(Protocol):
    """Knows the incidents that are open."""

    def open(self) -> Iterable[OpenIncident] | None:
        """List the open incidents of all orgs that are here; one that is not listed has ended.
        None where it is not known yet which there are."""


class OpenIncidents(Protocol):
    """The tracker of incidents (engine/incidents/tracker.py)."""

    def all_open(self) -> Sequence[Incident] | None:
        """List the open incidents of all webhooks; None where that is not known yet."""


class TrackedIncidents:
    """`IncidentFacts` of what the tracker keeps, over pauses, edits and restarts."""

    def __init__(self, tracker: OpenIncidents, registry: Registry) -> None:
        self._tracker = tracker
        self._registry = registry

    def open(self) -> list[OpenIncident] | None:
        """See `IncidentFacts.open`."""
        if (incidents := self._tracker.all_open()) is None:
            return None
        return [
            _shown(incident, webhook)
            for incident in incidents
            if (webhook := self._registry.get(incident.webhook)) is not None
        ]


def _shown(incident: Incident, webhook: Webhook) -> OpenIncident:
    return OpenIncident(
        id=show("inc", incident.number),
        org=incident.org,
        webhook=webhook.id,
        name=webhook.name,
        host=_host(webhook.url),
        kind=incident.kind,
        cause=incident.cause,
        opened_ms=incident.opened_ms,
        since_ms=incident.since_ms,
        grew=incident.grew,
        waiting=incident.waiting or None,
        acknowledged=incident.acknowledged_ms is not None,
    )


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
