"""Events: the feed, one event with its fate at every webhook, and sending one by hand."""

import asyncio
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import msgspec
from starlette.responses import Response

from tidings.api.answers import status_of
from tidings.catalogue import EventType
from tidings.catalogue.thin import thin
from tidings.console.json_view import body_of
from tidings.console.pages.events import log_filters, newer_rows
from tidings.console.saved_list import views_of_list
from tidings.console.visit import Visit
from tidings.core.delivery.states import State
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.events.own_types import RESERVED
from tidings.core.events.passage import was_stopped
from tidings.core.ids import show as show_id
from tidings.core.shaping.filters.compiler import explain
from tidings.core.webhooks.webhook import Webhook
from tidings.errors import FieldRefusal, RequestRefused, not_found
from tidings.reads.delivery.next_attempts import see
from tidings.reads.events.log_pages import heads_of
from tidings.reads.events.logs import event_page
from tidings.reads.events.rejections import taken
from tidings.reads.filters import EVENTS
from tidings.store.port import EventPage, StoredDelivery, StoredEvent

FRESH_MS = 60_000  # in which most events are settled, and somebody looks on
PASSED_MAX = 100  # webhooks of which it is said why they did not get an event
_MADE = ("eventId", "orgId", "createdAt")  # the acceptor adds them


async def show_all(visit: Visit) -> Response:
    """Show a page of the org's events that fit the address."""
    services, org = visit.services, visit.caller.org
    filters = log_filters.read(visit, EVENTS)
    page = EventPage([])
    if filters.question is not None:
        try:
            page = await event_page(services, org, filters.question)
        except RequestRefused as refused:
            filters.refusals["webhook"] = refused.refusals[0].message
    if newer_rows.asks_newer(visit):
        at = log_filters.newer_at(filters, page.newer)
        return newer_rows.count_newer(len(page.events), at)
    heads = await heads_of(services.store, (event.seq for event in page.events))
    return visit.page(
        "events.html",
        400 if filters.refusals else 200,
        filters=filters,
        page=page,
        heads=heads,
        was_stopped=was_stopped,
        spans=log_filters.SPANS,
        sides=log_filters.sides(filters, page.older, page.newer),
        zone=visit.zone,
        **await views_of_list(visit, "events"),
    )


async def show(visit: Visit) -> Response:
    """Show one event: its way to every webhook, and its bytes. Raise NotFound for an event that is
    not the org's."""
    services, org = visit.services, visit.caller.org
    event_id = str(visit.request.path_params["id"])
    event = await services.store.event(org, event_id)
    if event is None or event.org != org:
        raise not_found("eventId", "the id of an event of this org", event_id)
    deliveries, heads = await asyncio.gather(
        services.store.deliveries_of(event.seq), services.store.event_heads([event.seq])
    )
    now = _now(visit, event, deliveries)
    seen = visit.request.query_params.get("seen")
    if seen is not None and visit.partial:
        if seen == now["mark"]:
            return Response(status_code=204)
        return visit.page("parts/event_now.html", **now)
    visit.view_payload("event", event.id)
    return visit.page(
        "event.html",
        **now,
        head=heads[0] if heads else None,
        passed=_passed(visit, event, deliveries),
        body=None if event.body is None else body_of(event.body),
    )


def _now(visit: Visit, event: StoredEvent, deliveries: Sequence[StoredDelivery]) -> dict[str, Any]:
    """Return what has become of an event so far, and how often to look again; or never."""
    services, org = visit.services, visit.caller.org
    rows = []
    for delivery in deliveries:
        record = services.webhooks.by_number(delivery.webhook)
        if record is not None and record.org == org:
            rows.append(see(services, delivery, record))
    newest = {row.row.webhook: row for row in rows}  # with replays
    marks = "/".join(row.mark for row in rows)
    going = any(not State(row.row.state).final for row in rows)
    fresh = services.clock.now_ms() < event.at_ms + FRESH_MS
    return {
        "event": event,
        "stopped": was_stopped(event.warning),
        "rows": rows,
        "newest": list(newest.values()),
        "failed": sum(row.row.state == State.FAILED for row in newest.values()),
        "elsewhere": len(deliveries) - len(rows),
        "mark": blake2b(marks.encode(), digest_size=8).hexdigest(),
        "going": ("1s" if fresh else "5s") if going else "",
        "show": show_id,
    }


def _passed(
    visit: Visit, event: StoredEvent, deliveries: Sequence[StoredDelivery]
) -> list[tuple[Webhook, str]]:
    """The org's webhooks that did not get it, and why, as they are now."""
    got = {delivery.webhook for delivery in deliveries}
    lines = []
    for record in visit.services.webhooks.list(visit.caller.org):
        webhook = record.webhook
        if webhook.number in got or webhook.status is WebhookStatus.DELETED:
            continue
        lines.append((webhook, why_passed_over(visit, webhook, record.created_ms, event)))
        if len(lines) == PASSED_MAX:
            break
    return lines


def why_passed_over(visit: Visit, webhook: Webhook, created_ms: int, event: StoredEvent) -> str:
    """Explain why a webhook did not get an event, as it is now."""
    if was_stopped(event.warning):
        return "The event had looped too often and is not sent to anyone."
    if created_ms > event.at_ms:
        return "It was created after this event."
    if not webhook.hears(event.stored_name):
        return f"It does not subscribe to {event.name}."
    if not webhook.matches:
        return f"It is {webhook.status.value}."
    decoded = {} if event.body is None else msgspec.json.decode(event.body)
    kind = visit.services.events.types.event_type_of(event.org, decoded)
    if kind is not None and not webhook.subscribes(event.stored_name, kind.version):
        wanted = webhook.version_of(event.name)
        return f"The event is of version {kind.version} of its type; it chose {wanted}."
    if webhook.filter is not None and event.body is not None:
        explanation = explain(webhook.filter, decoded)
        if not explanation.accepted:
            return f"Its filter does not accept it: {explanation.said}"
    return (
        "Its settings were different when the event arrived; with the current ones it would get it."
    )


# -- by hand --------------------------------------------------------------------------------------


async def show_new(visit: Visit) -> Response:
    """Show a form with the example of an event type."""
    name = visit.request.query_params.get("type", "")[:128]
    kind = visit.services.events.types.get(visit.caller.org, name) if name else None
    return _form(visit, name, example_of(kind))


async def send(visit: Visit) -> Response:
    """Accept it as the API would; what is wrong with it is told in place."""
    text = visit.form.get("event", "")
    name = visit.form.get("type", "")[:128]
    if not is_within_rate(visit):
        late = too_many_events()
        return _form(visit, name, text, late.message, late.field, 429)
    try:
        event_id, verdict = await taken(
            visit.services.events.readmission.take(visit.caller.org, text.encode())
        )
    except RequestRefused as refused:
        first = refused.refusals[0]
        return _form(visit, name, text, first.message, first.field, status_of(refused))
    if not visit.may("logs:read"):
        return visit.go("/events/new", f"Accepted under the id {event_id}.")
    message = (
        "Accepted." if verdict.status == "accepted" else "An event with this id already exists"
    )
    message += "" if verdict.status == "accepted" else "; nothing was sent again."
    message += f" {verdict.warning}" if verdict.warning else ""
    return visit.go(f"/events/{event_id}", message)


def is_within_rate(visit: Visit) -> bool:
    """Count an event by hand as one by the API, also of a person. Return False where it must
    wait."""
    allowance = visit.services.access.limits.events(visit.caller)
    return allowance is None or not allowance.wait_s


def too_many_events() -> FieldRefusal:
    """Refuse an event that must wait."""
    message = (
        "Events must stay within eventsPerSecond of the credential and of its org; got more. Wait "
        "a moment, then send it again."
    )
    return FieldRefusal("too_many_events", message, "")


def _form(
    visit: Visit, name: str, text: str, trouble: str = "", path: str = "", status: int = 200
) -> Response:
    kinds = visit.services.events.types
    names = [name for name in kinds.names(visit.caller.org) if not name.startswith(RESERVED)]
    kind = kinds.get(visit.caller.org, name) if name else None
    wrong = body_of(text.encode(), path) if trouble and path else None
    return visit.page(
        "event_new.html",
        status,
        name=name,
        names=sorted(names, key=str.lower),
        kind=kind,
        text=text,
        trouble=trouble,
        where=path,
        wrong=wrong,
    )


def example_of(kind: EventType | None) -> str:
    """Return the thin example without what the acceptor adds, laid out."""
    if kind is None or not kind.examples:
        name = "" if kind is None else kind.name
        event: dict[str, Any] = {"eventName": name, "data": {}}
    else:
        event = thin(kind, kind.example)
    event = {field: value for field, value in event.items() if field not in _MADE}
    return msgspec.json.format(msgspec.json.encode(event), indent=2).decode()
