"""What Tidings sends: one webhook of the description for each event type of the catalogue."""

from collections.abc import Iterable

from tidings.api.openapi.schema_shorthand import Json
from tidings.catalogue import asyncapi
from tidings.catalogue.event_type import EventType

_HEADERS = "WebhookId", "WebhookTimestamp", "WebhookSignature"


def header_parameters() -> Json:
    """Return the headers of every message, for `components/parameters`."""
    fields = asyncapi.HEADERS["properties"]
    return {
        key: {
            "name": name,
            "in": "header",
            "required": True,
            "description": fields[name]["description"],
            "schema": {"type": "string"},
        }
        for key, name in zip(_HEADERS, asyncapi.HEADERS["required"], strict=True)
    }


def outgoing(kinds: Iterable[EventType]) -> Json:
    """Return `webhooks` of the document: what a receiver is sent and how it answers, by the event
    type's label."""
    return {kind.label: {"post": _message(kind)} for kind in kinds}


def event_schemas(kinds: Iterable[EventType], blocks: Json) -> Json:
    """Return the schemas of all events and of what they share, for `components/schemas`."""
    made = {f"event.{kind.label}": asyncapi.payload(kind) for kind in kinds}
    return asyncapi.shared(blocks) | made


def _message(kind: EventType) -> Json:
    parts = kind.label.split(".")
    return {
        "tags": ["sent"],
        "summary": f"{kind.label}: {kind.trigger}",
        "operationId": "receive" + "".join(part[0].upper() + part[1:] for part in parts),
        "security": [],
        "parameters": [{"$ref": f"#/components/parameters/{key}"} for key in _HEADERS],
        "requestBody": {
            "required": True,
            "description": "As it was accepted, with what the webhook's enrichment adds.",
            "content": {
                "application/json": {
                    "schema": {"$ref": f"#/components/schemas/event.{kind.label}"},
                    "example": kind.example,
                }
            },
        },
        "responses": {
            "2XX": {"description": "It has arrived. It is not sent again."},
            "3XX": {"description": "Not followed; it is tried again."},
            "410": {"description": "The receiver is gone: the webhook is disabled."},
            "4XX": {
                "description": "400, 405, 406, 411, 413, 414, 415, 422 and 431 end the delivery; "
                "all else is tried again. retryPolicy can say otherwise."
            },
            "5XX": {"description": "It is tried again, as retryPolicy says. So without an answer."},
        },
    }
