"""What the streams tell: the kinds of their events, the fields of each, and how a stream goes on.

OpenAPI 3.1 knows a stream as one text. So the text is shown by an example, what it is made of
stands in the words of the call, and the schemas of its events in `x-events`, where programs can
find them.
"""

from typing import Any, NamedTuple

import msgspec

from tidings.api.http.event_stream import ALIVE, ASKED_AGAIN_S, KEEP_ALIVE_S, OPENING, RETRY_MS
from tidings.api.openapi.words import Json
from tidings.core.replay import JobState
from tidings.core.shaping.signatures.scheme import SignatureVerdict

MEDIA = "text/event-stream"


class StreamKind(NamedTuple):
    """One kind of event: the component that its data is, when it is told, and an example."""

    component: str
    description: str
    example: Any


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

_AT_MS = 1_770_801_300_000
_DROPPED = StreamKind(
    "DroppedFact",
    "So many facts came faster than they were read, and are not told.",
    {"facts": 12},
)
STREAMS: dict[str, dict[str, StreamKind]] = {
    "GET /v1/stream": {
        "event": StreamKind(
            "EventFact",
            "An event was accepted, at `acceptedAt` (ms since 1970), for so many `webhooks`.",
            {
                "eventId": "acme-event",
                "eventName": "pointsIssued",
                "acceptedAt": _AT_MS,
                "webhooks": 1,
            },
        ),
        "delivery": StreamKind(
            "DeliveryFact",
            "An attempt has ended. `status` is the answer's, `fault` says why there was none; "
            "`nextAttemptInMs` is null where no other attempt comes, or nothing is sent at all.",
            {
                "deliveryId": "dlv_0000000000003",
                "eventId": "acme-event",
                "webHookId": "698c4aa10b7fc92c6c0c0d15",
                "webHookName": "crm",
                "attempt": 1,
                "state": "retrying",
                "status": 503,
                "fault": None,
                "durationMs": 20.4,
                "nextAttemptInMs": 5120,
            },
        ),
        "replay": StreamKind(
            "ReplayFact",
            "A replay or a cancel has ended, with what it has made and what became of it.",
            {
                "replayId": "rpl_0000000000001",
                "kind": "replay",
                "state": "finished",
                "reason": None,
                "matched": 512,
                "made": 510,
                "skipped": 2,
                "delivered": 509,
                "failed": 1,
                "parked": 0,
                "cancelled": 0,
            },
        ),
        "dropped": _DROPPED,
    },
    "GET /v1/inboxes/{inbox_id}/stream": {
        "arrival": StreamKind(
            "ArrivalFact",
            "Something has arrived, at `arrivedAt` (ms since 1970). `verdict` is on its signature, "
            "`status` is what it was answered.",
            {
                "id": "arr_0000000000001",
                "arrivedAt": _AT_MS,
                "method": "POST",
                "bytes": 312,
                "verdict": "valid",
                "reason": "The signature is that of these bytes.",
                "status": 200,
            },
        ),
        "dropped": _DROPPED,
    },
}


def add_stream(call: str, operation: Json) -> None:
    """Describe what a stream tells; nothing for any other call."""
    kinds = STREAMS.get(call)
    if kinds is None:
        return
    listed = " ".join(f"`{name}`: {kind.description}" for name, kind in kinds.items())
    operation["description"] = f"{operation.get('description', '')}\n\n{_HOW}\n\n{listed}".strip()
    content = operation["responses"]["200"]["content"][MEDIA]
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
