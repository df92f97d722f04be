"""What a webhook's form offers: event types by family, with how many have arrived of late, types of
webhooks and their connections."""

from collections import Counter
from collections.abc import Collection

import msgspec

from tidings.console.visit import Visit
from tidings.core.events.own_types import RESERVED
from tidings.core.webhooks.webhook import Webhook
from tidings.core.webhooks.webhook_types import KINDS
from tidings.store.port import ROWS_MAX, EventQuery

OF_ORGS_BELOW = "of orgs below"


class OfferedTypes(msgspec.Struct, frozen=True):
    """The types of an org for its form. `volume` counts the org's latest events by type."""

    names: Collection[str]
    families: dict[str, list[tuple[str, str]]]  # names with what triggers each
    volume: Counter[str]

    @property
    def arrived(self) -> dict[str, int]:
        """Sum the latest events of each family."""
        return {
            family: sum(self.volume[name] for name, _ in types)
            for family, types in self.families.items()
        }


async def offer_types(visit: Visit) -> OfferedTypes:
    """Collect the org's types by family. The volume is empty for who may not read the log."""
    types, org = visit.services.events.types, visit.caller.org
    families: dict[str, list[tuple[str, str]]] = {}
    names = types.names(org)
    for name in sorted(names, key=str.lower):
        event_type = types.get(org, name)
        family = OF_ORGS_BELOW if event_type is None else event_type.family
        trigger = "" if event_type is None else event_type.trigger
        families.setdefault(family, []).append((name, trigger))
    volume: Counter[str] = Counter()
    if visit.may("logs:read"):
        page = await visit.services.store.log_events(EventQuery(org, limit=ROWS_MAX))
        volume.update(event.name for event in page.events)
    return OfferedTypes(names, families, volume)


def first_to_send(visit: Visit, webhook: Webhook) -> str | None:
    """Choose the type of a webhook's first event: one with an example that the visitor may send.
    None where there is none."""
    if not visit.may("events:write"):
        return None
    types, org = visit.services.events.types, visit.caller.org
    for name in sorted(webhook.event_names):
        event_type = types.get(org, name)
        if event_type is not None and event_type.examples and not name.startswith(RESERVED):
            return name
    return None


def connections_for(visit: Visit, kind: str, has: str) -> list[tuple[str, str]]:
    """List the connections that a webhook of the type may name; the one it has stays."""
    named = visit.services.delivery.connections.of(visit.caller)
    names = {connection.name for connection in named if connection.kind == KINDS[kind].connection}
    names |= {has} - {""}
    return [(name, name) for name in sorted(names)]


def webhook_types_for(visit: Visit) -> list[str]:
    """List the types that the visitor can make webhooks of."""
    there = {connection.kind for connection in visit.services.delivery.connections.of(visit.caller)}
    return [
        name
        for name, kind in KINDS.items()
        if not kind.over_default and (kind.connection is None or kind.connection in there)
    ]
