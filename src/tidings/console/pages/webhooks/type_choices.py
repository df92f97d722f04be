"""What a webhook's form offers: event types by family and by use, with how many of each arrived in
the last day, types of webhooks and their connections."""

from collections import Counter
from collections.abc import Collection, Sequence

import msgspec

from tidings.catalogue.uses import USES
from tidings.console.visit import Visit
from tidings.core.events.own_types import RESERVED
from tidings.core.webhooks.name_matching import stored_name_of_type
from tidings.core.webhooks.webhook import Webhook
from tidings.core.webhooks.webhook_types import KINDS
from tidings.store.port import ROWS_MAX, EventQuery

OF_ORGS_BELOW = "of orgs below"
DAY_MS = 86_400_000
VOLUME_PAGES = 5  # of the log, which a form reads at most: however many events came


class TypeVolume(msgspec.Struct, frozen=True):
    """Counts of an org's accepted events of the last day by type. Only the newest of them were
    counted where they are not `whole`."""

    counts: Counter[str]
    known: Collection[str]  # types of which events would have been seen
    whole: bool

    @property
    def counted(self) -> int:
        """Return how many events were counted."""
        return self.counts.total()

    def of(self, name: str) -> str:
        """Write the number of a type: `12`; `12+` where there may be more, `–` where it is not
        known."""
        count = self.counts[name]
        if not self.whole:
            return f"{count:,}+" if count else "–"
        return f"{count:,}" if name in self.known else "–"


class OfferedUse(msgspec.Struct, frozen=True, kw_only=True):
    """A use of events with those of its types that the org has."""

    key: str
    label: str
    purpose: str
    types: Sequence[str]


class OfferedTypes(msgspec.Struct, frozen=True, kw_only=True):
    """The types of an org for its form."""

    names: Collection[str]
    families: dict[str, list[tuple[str, str]]]  # names with what triggers each
    uses: list[OfferedUse]
    volume: TypeVolume

    @property
    def arrived(self) -> dict[str, int]:
        """Sum the counted events of each family."""
        return {
            family: sum(self.volume.counts[name] for name, _ in types)
            for family, types in self.families.items()
        }


async def offer_types(visit: Visit) -> OfferedTypes:
    """Collect the org's types by family and by use, with how many of each arrived in the last
    day."""
    types, org = visit.services.events.types, visit.caller.org
    families: dict[str, list[tuple[str, str]]] = {}
    names = types.names(org)
    for name in sorted(names, key=str.lower):
        event_type = types.get(org, name)
        family = OF_ORGS_BELOW if event_type is None else event_type.family
        trigger = "" if event_type is None else event_type.trigger
        families.setdefault(family, []).append((name, trigger))
    uses = [
        OfferedUse(
            key=use.key,
            label=use.label,
            purpose=use.purpose,
            types=[name for name in use.types if name in names],
        )
        for use in USES
    ]
    below = [name for name, _ in families.get(OF_ORGS_BELOW, ())]
    volume = await _volume(visit, names.keys() - below)
    return OfferedTypes(names=names, families=families, uses=uses, volume=volume)


async def _volume(visit: Visit, known: Collection[str]) -> TypeVolume:
    """Count the org's events of the last day by type; none for who may not read the log."""
    counts: Counter[str] = Counter()
    if not visit.may("logs:read"):
        return TypeVolume(counts, (), whole=True)
    services, before = visit.services, None
    from_ms = services.clock.now_ms() - DAY_MS
    for _ in range(VOLUME_PAGES):
        page = await services.store.log_events(
            EventQuery(visit.caller.org, from_ms=from_ms, before=before, limit=ROWS_MAX)
        )
        aliases = services.events.types.catalogue.aliases
        counts.update(aliases.get(event.name, event.name) for event in page.events)
        before = page.older
        if before is None:
            return TypeVolume(counts, known, whole=True)
    return TypeVolume(counts, known, whole=False)


class SampleType(msgspec.Struct, frozen=True):
    """A type of which a sample can be sent, and how many other webhooks would get it too."""

    name: str
    others: int


def offer_samples(visit: Visit, webhook: Webhook) -> list[SampleType]:
    """List the types whose examples a webhook would get, those first that no other webhook would
    get too. None for who may not send events."""
    if not visit.may("events:write") or not webhook.matches:
        return []
    types, org = visit.services.events.types, visit.caller.org
    others = [
        record.webhook
        for record in visit.services.webhooks.list(org)
        if record.webhook.number != webhook.number and record.webhook.matches
    ]
    offered = []
    for name in types.names(org):
        stored_name = stored_name_of_type(name)
        if name.startswith(RESERVED) or not webhook.hears(stored_name):
            continue
        event_type = types.get(org, name, webhook.version_of(name))
        if event_type is None or not event_type.examples:
            continue
        if webhook.filter is None or webhook.filter.accepts(event_type.example):
            listening = sum(other.hears(stored_name) for other in others)
            offered.append(SampleType(name, listening))
    return sorted(offered, key=lambda sample: (sample.others, sample.name.lower()))


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
