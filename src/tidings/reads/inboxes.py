"""What has arrived at a test inbox, as it is shown."""

from typing import Any

from tidings.core.ids import show
from tidings.reads.messages import show_bytes, show_headers
from tidings.reads.times import iso
from tidings.store.port import Arrival

PREFIX = "arr"


def show_arrival(arrival: Arrival) -> dict[str, Any]:
    """In a list."""
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
    """With its headers, stored values masked, and its bytes."""
    body = show_bytes(arrival.body) | {"truncated": arrival.size > len(arrival.body)}
    return show_arrival(arrival) | {"headers": show_headers(arrival.headers), "body": body}
