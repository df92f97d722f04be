"""What a call may say of a webhook, for the OpenAPI description: the declaration of its fields
(`core/webhooks/fields.py`) as JSON Schema, and which of them go together.

null means "as if left out", but for the fields that a webhook cannot be without.
"""

from typing import Any

from tidings.api.models import body_of
from tidings.core.declaration import Json
from tidings.core.form import LINE
from tidings.core.webhooks.fields import SETTABLE
from tidings.core.webhooks.headers import PATCH_SCHEMA
from tidings.schema.bodies import change_schema, closed, new_schema, patch_schema

_EXAMPLE: dict[str, Any] = {
    "name": "crm",
    "active": True,
    "eventNames": ["pointsIssued"],
    "webHookType": "HTTP",
    "webHookUrl": "https://crm.example.com/hook",
    "methodType": "POST",
    "webHookHeaders": {"Authorization": "Bearer …"},
    "maxAllowedConnections": 10,
    "slaInSeconds": 30,
    "customerIdentifiersToBeEnriched": [],
}


# One that calls nobody may be without a URL.
_CALLED: dict[str, Any] = {
    "required": ["webHookUrl"],
    "properties": {"webHookUrl": {"type": "string"}},
}
_UNCALLED: dict[str, Any] = {
    "required": ["webHookType"],
    "properties": {"webHookType": {"enum": ["QUEUE_INT", "queue"]}},
}


# A call begins from a saved webhook, or names all that one cannot be without.
SAVED: dict[str, Any] = {
    "required": ["webHookId"],
    "properties": {"webHookId": {"type": "string"}},
}
_UNSAVED: Json = {
    "webHookId": {"type": "null"},
    "name": {"type": "string", "pattern": LINE, "maxLength": 255},
    "webHookUrl": {"type": "string"},
}


def unsaved(*required: str) -> Json:
    """Build the schema of a body that begins from nothing, and names at least `required`."""
    return {"required": list(required), "properties": _UNSAVED}


def _new() -> Json:
    schema = new_schema(SETTABLE, "What creates a webhook.")
    return schema | {"example": _EXAMPLE, "anyOf": [_CALLED, _UNCALLED]}


def _change() -> Json:
    schema = change_schema(SETTABLE, "What changes a webhook: fields that are left out stay.")
    return schema | {"example": _EXAMPLE}


def _patch() -> Json:
    about = (
        "The fields to change, each as a whole; null takes a field away. Headers are set name by "
        "name, and null takes one away."
    )
    schema = patch_schema(SETTABLE, about, {"webHookHeaders": PATCH_SCHEMA})
    example = {"slaInSeconds": 60, "webHookHeaders": {"X-Old": None}}
    return closed(schema) | {"example": example}


def unsaved_schema(about: str, more: Json, either: list[Json]) -> Json:
    """Return the schema of a webhook that is not saved, with the fields of `more`; `either`: what
    must be there."""
    schema = change_schema(SETTABLE, about)
    schema["properties"] |= more | {
        "webHookId": {
            "anyOf": [{"type": "string"}, {"type": "null"}],
            "description": "Start from this webhook, unchanged.",
        }
    }
    return closed(schema) | {"example": _EXAMPLE, "anyOf": either}


BODY = body_of(_new)
REPLACING_BODY = body_of(_change)
PATCH_BODY = body_of(_patch, "application/json", "application/merge-patch+json")
