"""What a slice of a replay is, by the registry as it is at the close of its batch."""

from collections.abc import Callable
from typing import Any

import msgspec

from tidings.core.registry import Registry
from tidings.core.webhook import Ordering, Webhook
from tidings.engine.acceptor import lane_key
from tidings.engine.orders import Plan
from tidings.store import port

OrderingKey = Callable[[int, str, dict[str, Any]], int | None]


class Planner:
    """Makes slices from what a reader has found."""

    def __init__(self, registry: Registry, ordering_key: OrderingKey) -> None:
        self._registry = registry
        self._ordering_key = ordering_key

    def needs_bodies(self, webhook: Webhook, spec: port.ReplaySpec) -> bool:
        """Whether the events themselves must be looked at."""
        filtered = spec.unmatched and webhook.filter is not None
        return filtered or webhook.ordering is Ordering.KEY

    def plan(self, job: port.ReplayJob, webhook: Webhook, found: port.Candidates) -> Plan:
        """The slice behind the job's cursor; asked again where the registry has moved on."""
        keys: dict[int, int | None] = {}
        with_bodies = self.needs_bodies(webhook, job.spec)
        for one in found.found:
            event = _decoded(one.body) if with_bodies else None
            if event is not None and one.unmatched and webhook.filter is not None:
                if not webhook.filter.accepts(event):
                    continue
            key = None if event is None else self._ordering_key(one.org, one.name, event)
            keys[one.event] = key

        def plan() -> port.ReplaySlice | None:
            now = self._registry.get(webhook.number)
            if now is None or not now.sends:
                return None
            if now.filter != webhook.filter or now.ordering is not webhook.ordering:
                return None  # what was looked at is not what it asks for now
            return port.ReplaySlice(
                job.number,
                job.cursor,
                found.cursor,
                now.version,
                list(keys),
                [lane_key(now, key) for key in keys.values()],
            )

        return plan


def _decoded(body: bytes | None) -> dict[str, Any] | None:
    if body is None:
        return None
    try:
        event = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return None
    return event if isinstance(event, dict) else None
