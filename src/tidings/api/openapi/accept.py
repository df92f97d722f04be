"""`POST /v1/events` in the description: the accept path is no route of the control API."""

from typing import Any

from tidings.api.field_schemas import EVENT_ID, KEY
from tidings.api.openapi.schema_shorthand import Json, schema
from tidings.api.v1.events.accept import ACCEPT
from tidings.catalogue.event_type import EventType
from tidings.core.events.envelope import NAME_MAX, ORG_MAX
from tidings.core.events.passage import HEADER, TEXT_MAX

_CLOUD_HEADERS: dict[str, Json] = {
    "ce-specversion": {"type": "string", "enum": ["1.0"]},
    "ce-id": {"type": "string", "minLength": 1},
    "ce-source": {"type": "string", "minLength": 1},
    "ce-type": {"type": "string", "minLength": 1},
    # No `format`: generators make a time of it, which none of them can put into a header.
    "ce-time": {"type": "string", "description": "RFC 3339, with its zone."},
}

COMPONENTS: dict[str, Any] = {
    "CallRefused": {"error": {"code": "text", "message": "text", "path?": "text"}},
    "Outcome": {
        "accepted": "whole",
        "duplicates": "whole",
        "rejected": "whole",
        "events": [
            {
                "eventId?": "text|null",
                "status": {"accepted", "duplicate", "rejected"},
                "warning?": "text",
                "error?": {"code": "text", "message": "text", "path?": "text"},
            }
        ],
    },
}


_TEXT: Json = {"type": "string", "minLength": 1}
_NAME = _TEXT | {"maxLength": NAME_MAX}
_DIGITS: Json = {"type": "string", "pattern": "^[0-9]{1,18}$"}
_ORG = {"minimum": 0, "maximum": ORG_MAX}
EVENT_SCHEMAS: Json = {
    # Beyond this an event is checked by the schema of its type, which `webhooks` shows.
    "EventIn": {
        "type": "object",
        "required": ["eventName", "data"],
        "properties": {
            "eventName": _NAME,
            "eventId": {"type": "string", "pattern": EVENT_ID},
            "orgId": {"type": ["integer", "null"]} | _ORG,
            "refId": {"type": ["string", "null"]},
            "apiRequestId": {"type": ["string", "null"]},
            "createdAt": {"type": "integer"},
            "data": {"type": "object"},
        },
    },
    "CloudEvent": {
        "type": "object",
        "required": ["specversion", "id", "source", "type"],
        "properties": {
            "specversion": {"type": "string", "enum": ["1.0"]},
            "id": _TEXT,
            "source": _TEXT,
            "type": _NAME,
            "time": {"type": "string", "format": "date-time"},
            "datacontenttype": {
                "type": "string",
                "pattern": r"^[A-Za-z0-9.!#$&^_-]+/([A-Za-z0-9.!#$&^_-]+\+)?json$",
            },
            "data": {"type": "object"},
            "orgid": {"anyOf": [{"type": "integer"} | _ORG, _DIGITS]},
            "eventlogid": {
                "anyOf": [{"type": "integer", "minimum": -ORG_MAX, "maximum": ORG_MAX}, _DIGITS]
            },
        },
        "additionalProperties": {"type": ["string", "integer", "boolean", "null"]},
        "propertyNames": {"pattern": "^[a-z0-9]{1,64}$"},
    },
}


def _parameters() -> list[Json]:
    """Describe the headers of a call."""
    return [
        {
            "name": "Idempotency-Key",
            "in": "header",
            "description": "Makes the ids of events that come without one: the same call again "
            "accepts nothing twice.",
            "schema": {"type": "string", "pattern": KEY},
        },
        {
            "name": HEADER,
            "in": "header",
            "description": "As the message had it that the events were made of, so that none "
            "goes round for ever. With 8 hops, or by the same door for the third time, they "
            "are kept, sent to nobody, and have a warning.",
            "schema": {"type": "string", "maxLength": TEXT_MAX},
        },
        *(
            {
                "name": name,
                "in": "header",
                "description": "CloudEvents 1.0 in binary mode: all but the time, or none.",
                "schema": shape,
            }
            for name, shape in _CLOUD_HEADERS.items()
        ),
    ]


def accept_operation(kind: EventType) -> Json:
    """Describe the operation that accepts events, with `kind` as the event of its examples."""
    event = {name: value for name, value in kind.example.items() if name != "orgId"}
    cloud = {
        "specversion": "1.0",
        "id": event["eventId"],
        "source": "urn:loyalty",
        "type": kind.name,
        "datacontenttype": "application/json",
        "data": event["data"],
    }
    text: Json = {"type": "string"}
    accepted = {
        "accepted": 1,
        "duplicates": 0,
        "rejected": 0,
        "events": [{"eventId": event["eventId"], "status": "accepted"}],
    }
    refused = {
        "accepted": 0,
        "duplicates": 0,
        "rejected": 1,
        "events": [
            {
                "status": "rejected",
                "error": {
                    "code": "unknown_type",
                    "message": "eventName must be a known event type; got pointIssued. "
                    "Did you mean pointsIssued? (unknown_type, field eventName)",
                    "path": "eventName",
                },
            }
        ],
    }
    one = schema("#EventIn")
    return {
        "tags": [ACCEPT.tag],
        "summary": ACCEPT.summary,
        "description": "One event or many. 202 is sent once they are on the disk; 422 where every "
        "one was refused. Each has a row in the answer, in the order in which they came. The form "
        "of the body is told by its content type, and by ce- headers for CloudEvents in binary "
        "mode, whose body is `data` alone.",
        "parameters": _parameters(),
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"anyOf": [one, _several(one, "Events")]},
                    "example": event,
                },
                "application/x-ndjson": {
                    "schema": text | {"description": "One event a line."},
                    "example": '{"eventName": "' + kind.name + '", "data": {}}\n',
                },
                "application/cloudevents+json": {"schema": schema("#CloudEvent"), "example": cloud},
                "application/cloudevents-batch+json": {
                    "schema": _several(schema("#CloudEvent"), "CloudEvents"),
                    "example": [cloud],
                },
            },
        },
        "responses": {
            "202": _answer("At least one was accepted, or had been", accepted),
            "422": _answer("Every event was refused", refused),
        },
    }


def _several(one: Json, title: str) -> Json:
    """An array of these. Wrapped: where a call takes several media types, clients that
    openapi-python-client makes ask `isinstance(body, list[…])` of a bare one, and fail."""
    return {"title": title, "allOf": [{"type": "array", "items": one, "minItems": 1}]}


def _answer(description: str, example: Json) -> Json:
    content = {"schema": schema("#Outcome"), "example": example}
    return {"description": description, "content": {"application/json": content}}
