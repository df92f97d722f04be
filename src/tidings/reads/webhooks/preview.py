"""Which of the last events of its types a webhook would get, and as what bytes. Nothing is sent and
nothing is kept."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any, Protocol

import msgspec

from tidings.core.budget import EVENT_BYTES
from tidings.core.delivery.job import Job
from tidings.core.ids import DeliveryId, OrgId
from tidings.core.shaping.filters.compiler import explain
from tidings.core.times import iso
from tidings.core.webhooks.webhook import Webhook
from tidings.engine.answer_memory import HoldsAnswers
from tidings.engine.services.events import EventServices
from tidings.engine.services.shaping import ShapingServices
from tidings.engine.shaping.faults import ShapeLater, ShapeRefused
from tidings.reads.columns import show_left_out
from tidings.reads.messages import show_bytes
from tidings.store import port
from tidings.store.port import ROWS_MAX, EventQuery, StoredEvent

BYTES_MAX = 4 << 20  # of all payloads in an answer
PAGES_MAX = 50
ANSWER_TIMES = 5  # base64 and text of each byte, as parts of the answer and as a whole: measured
EVENT_TIMES = 40  # an event while it is read and shaped: measured, of many small objects

_encode = msgspec.json.Encoder().encode


class PreviewParts(Protocol):
    """Services that try a webhook."""

    @property
    def store(self) -> port.EventStore:
        """Return the store of events."""

    @property
    def events(self) -> EventServices:
        """Event types, and what events are found by."""

    @property
    def shaping(self) -> ShapingServices:
        """Services that make messages."""

    @property
    def web(self) -> HoldsAnswers:
        """The holder of the memory of answers."""


class EventRefusal(msgspec.Struct, frozen=True):
    """The reason why an event would not be sent. `node`: the one of the filter that refuses it."""

    why: str
    node: str | None = None


def preview_bytes(last: int) -> int:
    """Return how many bytes of memory a preview of so many events takes at most, until its answer
    has left: one event at a time, and the answer."""
    return EVENT_TIMES * EVENT_BYTES + ANSWER_TIMES * min(BYTES_MAX, last * EVENT_BYTES)


async def preview_of(
    parts: PreviewParts, org: OrgId, webhook: Webhook, last: int
) -> dict[str, Any]:
    """Try each of the newest events of a webhook's types: whether it would be sent, and as what
    bytes. Events are read one after the other, and of each only its row is kept."""
    rows: list[msgspec.Raw] = []
    room, received = BYTES_MAX, 0
    async for stored in newest(parts.store, org, sorted(webhook.event_names), last):
        row = await try_event(parts, webhook, stored, room)
        room -= row.pop("size", 0)
        received += row["received"]
        rows.append(msgspec.Raw(_encode(row)))
        await asyncio.sleep(0)  # deliveries go on meanwhile
    return {"looked": len(rows), "received": received, "events": rows}


async def newest(
    store: port.EventStore, org: OrgId, names: Sequence[str], last: int
) -> AsyncIterator[StoredEvent]:
    """Yield the newest events of some types whose bytes are still there, at most `last`; each is
    read when it is asked for."""
    found = 0
    before: int | None = None
    for _ in range(PAGES_MAX):
        page = await store.log_events(
            EventQuery(org, names, before=before, limit=min(last, ROWS_MAX))
        )
        for head in page.events:
            event = await store.event(org, head.id)
            if event is not None and event.body is not None:
                found += 1
                yield event
                if found >= last:
                    return
        before = page.older
        if before is None:
            return


def refusal_of(
    parts: PreviewParts, webhook: Webhook, stored: StoredEvent, event: dict[str, Any]
) -> EventRefusal | None:
    """Return why a webhook would not be sent an event, by its type and its filter; None where it
    would be."""
    if not webhook.has_target:
        return EventRefusal(f"{webhook.kind} makes no call: no event is sent.")
    if not webhook.hears(stored.stored_name):
        return EventRefusal("eventNames does not name its type.")
    kind = parts.events.types.event_type_of(stored.org, event)
    if kind is not None and not webhook.subscribes(stored.stored_name, kind.version):
        wanted = webhook.version_of(stored.name)
        return EventRefusal(f"It is of version {kind.version}; eventVersions asks for {wanted}.")
    if webhook.filter is not None:
        explanation = explain(webhook.filter, event)
        if not explanation.accepted:
            return EventRefusal(explanation.said, explanation.node)
    return None


async def try_event(
    parts: PreviewParts, webhook: Webhook, stored: StoredEvent, room: int
) -> dict[str, Any]:
    """Show whether the webhook would be sent an event, and why not; its bytes, up to `room` of
    them, and what they would lack."""
    row, made = await make_message(parts, webhook, stored)
    if made is None:
        return row
    if len(made) > room:
        return row | {"why": "Its bytes are left out: the answer would be too long. Ask for less."}
    return row | {"body": show_bytes(made), "size": len(made)}


async def make_message(
    parts: PreviewParts, webhook: Webhook, stored: StoredEvent
) -> tuple[dict[str, Any], bytes | None]:
    """Return whether the webhook would be sent an event, and why not, as a row without its bytes;
    and those, None where there are none."""
    body = stored.body or b""
    row: dict[str, Any] = {
        "eventId": stored.id,
        "eventName": stored.name,
        "acceptedAt": iso(stored.at_ms),
        "received": False,
        "why": None,
        "node": None,
        "warning": None,
        "body": None,
    }
    event = msgspec.json.decode(body)
    if (refusal := refusal_of(parts, webhook, stored, event)) is not None:
        return row | {"why": refusal.why, "node": refusal.node}, None
    del event  # what was read of it is many times as large as its bytes
    row["received"] = True
    job = Job(
        delivery=DeliveryId(0),
        webhook=webhook.number,
        org=stored.org,
        event_id=stored.id,
        accepted_ms=stored.at_ms,
        attempt=1,
        key=None,
        retry=False,
        body=body,
    )
    try:
        async with parts.web.answer_memory.holding(webhook.org, preview_bytes(1)):
            made = await parts.shaping.shaper.shape(webhook, job)
    except ShapeRefused as wrong:
        return row | {"received": False, "why": f"The delivery would fail: {wrong.reason}"}, None
    except ShapeLater as later:
        return row | {"why": f"The delivery would wait: {later.reason}"}, None
    row["warning"] = show_left_out(job.left_out)
    return row, made
