"""Test inboxes and what has arrived at them, as it is shown."""

from typing import Any

from tidings.core.declaration import show_resource
from tidings.core.ids import show
from tidings.core.times import iso
from tidings.engine.inboxes import Inboxes, LiveInbox
from tidings.reads.messages import show_bytes, show_headers
from tidings.store.port import Arrival

PREFIX = "arr"


def show_inbox(inboxes: Inboxes, live: LiveInbox) -> dict[str, Any]:
    """Show an inbox with its address and what it answers."""
    stored = live.stored
    return {
        "id": live.id,
        "name": stored.name,
        "url": inboxes.url(live),
        "answer": dict(show_resource(live.answer)),
        "createdAt": iso(stored.created_ms),
        "lastUsedAt": iso(stored.used_ms),
    }


def show_arrival(arrival: Arrival) -> dict[str, Any]:
    """Show an arrival in a list."""
    return {
        "id": show(PREFIX, arrival.number),
        "arrivedAt": iso(arrival.at_ms),
        "method": arrival.method,
        "bytes": arrival.size,
        "verdict": arrival.verdict,
        "reason": arrival.reason,
        "status": arrival.status,
    }


def show_arrival_whole(arrival: Arrival) -> dict[str, Any]:
    """Show an arrival with its headers, stored values masked, and its bytes."""
    body = show_bytes(arrival.body) | {"truncated": arrival.size > len(arrival.body)}
    return show_arrival(arrival) | {"headers": show_headers(arrival.headers), "body": body}
