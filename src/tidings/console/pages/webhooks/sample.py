"""A sample event for a webhook: sent from its page, and watched there until it has arrived.

It is an event like any other: accepted, kept, and sent to every webhook that subscribes to its
type. What the page shows is the delivery to the one webhook.
"""

from typing import Any

import msgspec
from starlette.responses import Response

from tidings.console.pages.events.events import (
    FRESH_MS,
    example_of,
    is_within_rate,
    too_many_events,
    why_passed_over,
)
from tidings.console.pages.webhooks.edit import living
from tidings.console.pages.webhooks.type_choices import offer_samples
from tidings.console.visit import Visit
from tidings.core.delivery.states import State
from tidings.core.ids import WebhookId
from tidings.core.ids import show as show_id
from tidings.engine.inboxes import LiveInbox
from tidings.engine.webhooks.records import WebhookState
from tidings.errors import Busy, FieldRefusal, Invalid, RequestRefused, not_found
from tidings.reads.delivery.deliveries import show_whole
from tidings.reads.delivery.next_attempts import see
from tidings.reads.events.rejections import taken
from tidings.values import describe_value

ANSWER_MAX = 4096  # characters of an answer's body


async def show(visit: Visit) -> Response:
    """Show the form that sends a sample, and with `event` what has become of that one. Asked with
    `seen` for a part, answer only whether anything has changed since."""
    record = living(visit, _id(visit))
    query = visit.request.query_params
    event_id, seen = query.get("event", ""), query.get("seen")
    watched = await _watch(visit, record, event_id) if event_id else None
    if visit.partial and watched is not None:
        if seen == watched["mark"]:
            return Response(status_code=204)
        return visit.page("parts/sample_now.html", record=record, watched=watched)
    return _page(visit, record, watched=watched)


async def send(visit: Visit) -> Response:
    """Accept a sample as the API would accept an event, and show what becomes of it."""
    record = living(visit, _id(visit))
    name = visit.form.get("type", "")[:255]
    try:
        event_id = await _accept(visit, record, name)
    except RequestRefused as refused:
        refusal = refused.refusals[0].message
        if visit.partial:
            return visit.page("parts/sample_now.html", record=record, refusal=refusal)
        return _page(visit, record, refusal=refusal, chosen=name)
    if not visit.may("logs:read"):
        if visit.partial:
            return visit.page("parts/sample_now.html", record=record, accepted=event_id)
        return visit.go("/events/new", f"Accepted under the id {event_id}.")
    if visit.partial:
        watched = await _watch(visit, record, event_id)
        return visit.page("parts/sample_now.html", record=record, watched=watched)
    return visit.go(f"/webhooks/{record.webhook.id}/sample?event={event_id}")


def _page(visit: Visit, record: WebhookState, **values: Any) -> Response:
    return visit.page(
        "webhook_sample.html",
        400 if "refusal" in values else 200,
        record=record,
        samples=offer_samples(visit, record.webhook),
        **values,
    )


async def _accept(visit: Visit, record: WebhookState, name: str) -> str:
    """Accept the example of a type; return its id. Invalid, Busy, or why an event is refused."""
    webhook, services = record.webhook, visit.services
    names = [sample.name for sample in offer_samples(visit, webhook)]
    if name not in names:
        message = (
            "type must be an event type that the webhook gets and that has an example; got "
            f"{describe_value(name)}. Choose one of the list."
        )
        raise Invalid(FieldRefusal.build("no_sample", message, field="type"))
    if not is_within_rate(visit):
        raise Busy(too_many_events())
    event_type = services.events.types.get(visit.caller.org, name, webhook.version_of(name))
    text = example_of(event_type)
    event_id, _ = await taken(services.events.readmission.take(visit.caller.org, text.encode()))
    return event_id


async def _watch(visit: Visit, record: WebhookState, event_id: str) -> dict[str, Any]:
    """Say what has become of an event at one webhook, and how often to look again; or never. Raise
    NotFound for an event that is not the org's."""
    services, org = visit.services, visit.caller.org
    event = await services.store.event(org, event_id)
    if event is None or event.org != org:
        raise not_found("eventId", "the id of an event of this org", event_id)
    deliveries = await services.store.deliveries_of(event.seq)
    own = [delivery for delivery in deliveries if delivery.webhook == record.webhook.number]
    others = len({delivery.webhook for delivery in deliveries} - {record.webhook.number})
    watched: dict[str, Any] = {"event": event, "others": others, "mark": "none", "going": ""}
    if not own:
        why = why_passed_over(visit, record.webhook, record.created_ms, event)
        return watched | {"delivery": None, "why": why}
    newest = max(own, key=lambda delivery: delivery.id)
    seen = see(services, newest, record)
    whole = await show_whole(services, org, newest, record)
    last = whole["attemptList"][-1] if whole["attemptList"] else None
    answer = None if last is None else _answer(last["answer"])
    if answer is not None:
        visit.view_payload("delivery", whole["id"])
    fresh = services.clock.now_ms() < event.at_ms + FRESH_MS
    return watched | {
        "delivery": show_id("dlv", newest.id),
        "state": seen.row.state,
        "took_ms": None if newest.done_ms is None else newest.done_ms - newest.accepted_ms,
        "whole": whole,
        "last": last,
        "answer": answer,
        "mark": seen.mark,
        "going": "" if State(seen.row.state).final else "1s" if fresh else "5s",
        "inbox": _inbox(visit, record),
    }


def _answer(answer: dict[str, Any] | None) -> str | None:
    """Lay out what a receiver has answered; None where nothing of it is stored."""
    if answer is None or answer["body"] is None:
        return None
    text = answer["body"]["text"]
    if text is None:
        return f"{answer['body']['bytes']} bytes"
    try:
        text = msgspec.json.format(text.encode(), indent=2).decode()
    except (msgspec.DecodeError, RecursionError):
        pass
    return str(text[:ANSWER_MAX])


def _inbox(visit: Visit, record: WebhookState) -> LiveInbox | None:
    """Find the test inbox that the webhook leads to, by the token that nobody guesses."""
    for live in visit.services.delivery.inboxes.list(visit.caller.org):
        if record.webhook.url.endswith(f"/inbox/{live.stored.token}"):
            return live
    return None


def _id(visit: Visit) -> WebhookId:
    return WebhookId(str(visit.request.path_params["id"]))
