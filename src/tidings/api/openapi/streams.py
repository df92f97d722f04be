"""What the streams tell: the fields of each kind of their events, and how a stream goes on.

OpenAPI 3.1 knows a stream as one text. So the text is shown by an example, what it is made of
stands in the words of the call, and the schemas of its events in `x-events`, where programs can
find them.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from tidings.api.http.event_stream import ALIVE, ASKED_AGAIN_S, KEEP_ALIVE_S, OPENING, RETRY_MS
from tidings.api.openapi.schema_shorthand import Json
from tidings.api.route import EVENT_STREAM, StreamKind
from tidings.core.replay import JobState
from tidings.core.shaping.signatures.scheme import SignatureVerdict

COMPONENTS: dict[str, Any] = {
    "EventFact": {
        "eventId": "text",
        "eventName": "text",
        "acceptedAt": "whole",
        "webhooks": "whole",
    },
    "DeliveryFact": {
        "deliveryId": "text",
        "eventId": "text",
        "webHookId": "text",
        "webHookName": "text",
        "attempt": "whole",
        "state": {"delivered", "failed", "retrying"},
        "status": "whole|null",
        "fault": "text|null",
        "durationMs": "number",
        "nextAttemptInMs": "whole|null",
    },
    "ReplayFact": {
        "replayId": "text",
        "kind": {"replay", "cancel"},
        "state": {state.value for state in JobState},
        "reason": "text|null",
        "matched": "whole|null",
        "made": "whole",
        "skipped": "whole",
        "delivered": "whole",
        "failed": "whole",
        "parked": "whole",
        "cancelled": "whole",
    },
    "ArrivalFact": {
        "id": "text",
        "arrivedAt": "whole",
        "method": "text",
        "bytes": "whole",
        "verdict": {verdict.value for verdict in SignatureVerdict},
        "reason": "text|null",
        "status": "whole",
    },
    "DroppedFact": {"facts": "whole"},
}


def add_stream(kinds: Mapping[str, StreamKind], operation: Json) -> None:
    """Describe what a stream tells; nothing for a call that is none."""
    if not kinds:
        return
    listed = " ".join(f"`{name}`: {kind.description}" for name, kind in kinds.items())
    operation["description"] = f"{operation.get('description', '')}\n\n{_HOW}\n\n{listed}".strip()
    content = operation["responses"]["200"]["content"][EVENT_STREAM]
    content["x-events"] = {
        name: {
            "description": kind.description,
            "schema": {"$ref": f"#/components/schemas/{kind.component}"},
        }
        for name, kind in kinds.items()
    }
    content["example"] = OPENING.decode() + ALIVE.decode().join(
        map(_describe_stream, kinds.items())
    )


def _describe_stream(named: tuple[str, StreamKind]) -> str:
    name, kind = named
    return f"event: {name}\ndata: {msgspec.json.encode(kind.example).decode()}\n\n"


_HOW = (
    f"It begins with `retry: {RETRY_MS}` (after a break, ask again in {RETRY_MS // 1000} s) and "
    "the comment `: listening`. Each fact is the lines `event:` with its kind and `data:` with a "
    f"JSON object. Where nothing is told for {KEEP_ALIVE_S:.0f} s comes the comment "
    "`: still here`. Facts have no ids: what happens while nobody listens is found in the lists, "
    "by `newer` of their last page. Whose credential has ended hears nothing "
    f"{ASKED_AGAIN_S + 1:.0f} s later."
)
