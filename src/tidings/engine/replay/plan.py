"""What a slice of a replay is, by the registry as it is at the close of its batch."""

from typing import Any, Protocol

import msgspec

from tidings.core.ids import EventNumber, OrgId
from tidings.core.webhooks.subscriptions import Registry
from tidings.core.webhooks.webhook import Ordering, Webhook
from tidings.engine.events.acceptor import lane_key
from tidings.engine.events.commit_commands import Plan
from tidings.engine.events.event_types import EventTypeSource
from tidings.store import port


class OrderingKeys(Protocol):
    """Knows by which key events are kept in order."""

    def ordering_key(self, org: OrgId, name: str, event: dict[str, Any]) -> int | None:
        """Return the key of an org's event of this name, decoded; None where it has none."""


class Planner:
    """Makes slices from what a reader has found."""

    def __init__(
        self, registry: Registry, ordering_keys: OrderingKeys, types: EventTypeSource
    ) -> None:
        self._registry = registry
        self._ordering_keys = ordering_keys
        self._types = types

    def needs_bodies(self, webhook: Webhook, spec: port.ReplaySpec) -> bool:
        """Return whether the events themselves must be looked at."""
        return spec.unmatched or webhook.ordering is Ordering.KEY

    def plan(self, job: port.ReplayJob, webhook: Webhook, found: port.ReplayCandidates) -> Plan:
        """Plan the slice behind the job's cursor, and return what makes it. That is asked again
        where the registry has moved on, and returns None where the webhook no longer asks for what
        was looked at."""
        keys: dict[EventNumber, int | None] = {}
        with_bodies = self.needs_bodies(webhook, job.spec)
        for candidate in found.found:
            event = _decoded(candidate.body) if with_bodies else None
            if (
                event is not None
                and candidate.unmatched
                and not self._wants(webhook, candidate.org, event)
            ):
                continue
            key = (
                None
                if event is None
                else self._ordering_keys.ordering_key(candidate.org, candidate.name, event)
            )
            keys[candidate.event] = key

        def plan() -> port.ReplaySlice | None:
            now = self._registry.get(webhook.number)
            if now is None or not now.sends:
                return None
            if now.filter != webhook.filter or now.ordering is not webhook.ordering:
                return None  # what was looked at is not what it asks for now
            if now.event_versions != webhook.event_versions:
                return None
            return port.ReplaySlice(
                replay=job.number,
                after=job.cursor,
                to=found.cursor,
                version=now.version,
                events=list(keys),
                keys=[lane_key(now, key) for key in keys.values()],
            )

        return plan

    def _wants(self, webhook: Webhook, org: OrgId, event: dict[str, Any]) -> bool:
        """Return whether it would get the event if it came now; that its type is wanted is
        known."""
        kind = self._types.event_type_of(org, event)
        if kind is not None and kind.version != webhook.version_of(kind.name):
            return False
        return webhook.filter is None or webhook.filter.accepts(event)


def _decoded(body: bytes | None) -> dict[str, Any] | None:
    if body is None:
        return None
    try:
        event = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return None
    return event if isinstance(event, dict) else None
