"""The incidents that are open, as alerts ask for them; made of receivers' health where nothing else
keeps incidents."""

from collections.abc import Iterable, Sequence
from typing import Protocol
from urllib.parse import urlsplit

import msgspec

from tidings.core.alerts.incident import OpenIncident
from tidings.core.delivery.receivers.health import STEPS
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.ids import WebhookId
from tidings.core.webhooks.subscriptions import Registry
from tidings.core.webhooks.webhook import Webhook
from tidings.engine.clock import Clock
from tidings.engine.delivery.health_tracker import HealthTracker
from tidings.store import port

FAILURES_MIN = 3  # in a row, before what only fails is an incident


class IncidentFacts(Protocol):
    """Knows the incidents that are open."""

    def open(self, known: Iterable[OpenIncident]) -> Sequence[OpenIncident]:
        """List the open incidents of all orgs that are here. `known`: those that somebody has
        heard of and not of their end, before a restart too; one that is not listed has ended."""


class HealthIncidents:
    """`IncidentFacts` of receivers' health: one incident of a webhook from its failures on, until
    it is well while it is active. A webhook that is paused or disabled ends none."""

    def __init__(self, healths: HealthTracker, registry: Registry, clock: Clock) -> None:
        self._healths = healths
        self._registry = registry
        self._clock = clock
        self._open: dict[WebhookId, OpenIncident] = {}

    def open(self, known: Iterable[OpenIncident]) -> Sequence[OpenIncident]:
        """See `IncidentFacts.open`."""
        before = {incident.webhook: incident for incident in known} | self._open
        found: dict[WebhookId, OpenIncident] = {}
        for number in self._healths.failing_numbers:
            webhook, health = self._registry.get(number), self._healths.shown(number)
            if webhook is None or health is None or not _is_incident(health):
                continue
            if webhook.status is WebhookStatus.ACTIVE or webhook.id in before:
                found[webhook.id] = self._made(webhook, health, before.get(webhook.id))
        for id, incident in before.items():
            number_of = self._registry.number_of(incident.org, id)
            webhook = None if number_of is None else self._registry.get(number_of)
            if webhook is not None and webhook.status is not WebhookStatus.ACTIVE:
                found.setdefault(id, incident)
        self._open = found
        return [*found.values()]

    def _made(
        self, webhook: Webhook, health: port.StoredHealth, before: OpenIncident | None
    ) -> OpenIncident:
        grew = sum(step <= health.notified for step in STEPS)
        if before is not None:
            return msgspec.structs.replace(
                before,
                name=webhook.name,
                cause=health.cause or before.cause,
                grew=max(grew, before.grew),
            )
        opened_ms = min(health.since_ms(self._clock.now_ms()), self._clock.now_ms())
        return OpenIncident(
            id=f"{webhook.id}.{opened_ms}",
            org=webhook.org,
            webhook=webhook.id,
            name=webhook.name,
            host=urlsplit(webhook.url).hostname or "",
            kind=_kind(health),
            cause=health.cause,
            opened_ms=opened_ms,
            grew=grew,
        )


def _is_incident(health: port.StoredHealth) -> bool:
    """Return whether a health is more than an attempt or two that have failed."""
    return health.failures >= FAILURES_MIN or health.left_alone or health.share is not None


def _kind(health: port.StoredHealth) -> str:
    share = health.share
    partly = share is not None and share.failed < share.attempts
    return "degraded" if partly else "failing"
