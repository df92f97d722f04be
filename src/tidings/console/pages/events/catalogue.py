"""The catalogue: every event type with its schema, its examples, who subscribes, how many come."""

from collections import Counter

import msgspec
from starlette.responses import Response

from tidings.catalogue import EventType
from tidings.catalogue.facts import (
    CAUTIONS,
    NOTHING_ADDED,
    PRODUCTS,
    UNDOCUMENTED,
    key_meaning,
    missing,
    raised_by,
    reference_meaning,
)
from tidings.catalogue.thin import thin
from tidings.catalogue.uses import uses_of
from tidings.console.changed_by import changed_by
from tidings.console.json_view import body_of
from tidings.console.schema_tree import schema_tree
from tidings.console.visit import Visit
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.events.own_types import FAMILY, RESERVED
from tidings.core.webhooks.name_matching import BULK, STORED_BULK, stored_name_of_type
from tidings.core.webhooks.webhook import Webhook
from tidings.errors import not_found
from tidings.store.port import ROWS_MAX, EventQuery

DAY_MS = 86_400_000
FORMS = ("As the platform sends it", "Enriched")


class Volume(msgspec.Struct, frozen=True):
    """Count of the latest events of a type, as far as one page of the log tells."""

    count: int
    more: bool  # there are more in the day than were looked at
    first_ms: int | None
    last_ms: int | None


async def show_all(visit: Visit) -> Response:
    """List all event types by family; with `q` those that have all its words in theirs."""
    kinds, org = visit.services.events.types, visit.caller.org
    wanted = visit.request.query_params.get("q", "").strip()[:128]
    needles = wanted.lower().split()
    families: dict[str, list[EventType]] = {}
    count = 0
    for name in sorted(kinds.names(org), key=str.lower):
        kind = kinds.get(org, name)
        if kind is None:
            continue
        product = PRODUCTS[kind.product]
        uses = " ".join(use.label for use in uses_of(name))
        words = f"{kind.name} {kind.family} {product} {uses} {kind.plainly} {kind.trigger}".lower()
        if all(needle in words for needle in needles):
            families.setdefault(kind.family, []).append(kind)
            count += 1
    return visit.page(
        "catalogue.html",
        families=dict(sorted(families.items(), key=lambda one: (one[0] != "own", one[0]))),
        wanted=wanted,
        count=count,
        products=PRODUCTS,
        cautions=list(CAUTIONS.values()),
        misread=_misread(families),
        subscribers=_counted(visit),
    )


def _misread(families: dict[str, list[EventType]]) -> list[EventType]:
    """The types among these that are easily misread, by name."""
    listed = [kind for kinds in families.values() for kind in kinds if kind.beware]
    return sorted(listed, key=lambda kind: kind.name.lower())


async def show(visit: Visit) -> Response:
    """Show one event type. Raise NotFound for a type that the org does not have."""
    services, org = visit.services, visit.caller.org
    name = str(visit.request.path_params["name"])
    wanted = visit.request.query_params.get("version", "")
    version = int(wanted) if wanted.isdecimal() and len(wanted) < 4 else None
    kind = services.events.types.get(org, name, version)
    if kind is None:
        raise not_found("eventName", "an event type of this org", name)
    forms = []
    if kind.examples:
        small = thin(kind, kind.example)
        events = (small,) if small == kind.example else (small, kind.example)
        bodies = (body_of(msgspec.json.encode(event)) for event in events)
        forms = list(zip(FORMS, bodies, strict=False))  # one where the two are the same
    return visit.page(
        "catalogue_type.html",
        kind=kind,
        changed=await changed_by(visit, "event_type", name) if kind.family == FAMILY else None,
        tree=schema_tree(kind.schema),
        product=PRODUCTS[kind.product],
        uses=uses_of(name),
        causes=raised_by(kind),
        undocumented=UNDOCUMENTED,
        nothing_added=NOTHING_ADDED,
        lacks=missing(kind),
        key_meaning=key_meaning(kind),
        reference_meaning=reference_meaning(kind),
        forms=forms,
        subscribers=_subscribers(visit, name),
        volume=await _volume(visit, name) if visit.may("logs:read") else None,
        versions=services.events.types.versions(org, name),
        editable=visit.may("webhooks:write") and services.events.types.own(org, name) is not None,
        sendable=visit.may("events:write") and not name.startswith(RESERVED),
    )


def _living(visit: Visit) -> list[Webhook]:
    if not visit.may("webhooks:read"):
        return []
    records = visit.services.webhooks.list(visit.caller.org)
    return [
        record.webhook for record in records if record.webhook.status is not WebhookStatus.DELETED
    ]


def _subscribers(visit: Visit, name: str) -> list[Webhook]:
    """List the webhooks that hear what arrives of a type, for instance its example."""
    return [webhook for webhook in _living(visit) if webhook.hears(stored_name_of_type(name))]


def _counted(visit: Visit) -> Counter[str]:
    """Count the org's webhooks that hear what arrives of each type."""
    living = _living(visit)
    counts = Counter(name for webhook in living for name in webhook.event_names)
    by_prefix = [webhook for webhook in living if webhook.prefixes]
    for name in visit.services.events.types.names(visit.caller.org) if by_prefix else ():
        counts[name] += sum(
            name not in webhook.event_names and name.startswith(webhook.prefixes)
            for webhook in by_prefix
        )
    counts[BULK] = sum(webhook.hears(STORED_BULK) for webhook in living)
    return counts


async def _volume(visit: Visit, name: str) -> Volume:
    services = visit.services
    from_ms = services.clock.now_ms() - DAY_MS
    page = await services.store.log_events(
        EventQuery(visit.caller.org, (name,), from_ms=from_ms, limit=ROWS_MAX)
    )
    times = [event.at_ms for event in page.events]
    return Volume(
        len(times),
        page.older is not None,
        times[-1] if times else None,
        last_ms=times[0] if times else None,
    )
