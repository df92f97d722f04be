"""The AsyncAPI 3.0 document: every event type as a message that Tidings accepts and delivers.

Made from the catalogue, as every page is. Schemas are written in the words that AsyncAPI's own
schema object shares with JSON Schema, so no other schema format is declared.
"""

from collections.abc import Iterable
from typing import Any

from tidings.catalogue.event_type import EventType, Json
from tidings.catalogue.schema import event_name, types_of
from tidings.catalogue.thin import thin
from tidings.catalogue.versions import FIRST, VERSION_FIELD, version_field

ACCEPTED, DELIVERED = "accepted", "webhook"
HEADERS: Json = {
    "type": "object",
    "required": ["webhook-id", "webhook-timestamp", "webhook-signature"],
    "properties": {
        "webhook-id": {
            "type": "string",
            "description": "The same at every attempt; receivers drop repeats by it.",
        },
        "webhook-timestamp": {
            "type": "string",
            "description": "When this attempt was signed, seconds since the epoch.",
        },
        "webhook-signature": {
            "type": "string",
            "description": "Signatures with a space between, each its scheme, a comma and base64: "
            "v1, an HMAC-SHA256, where the webhook has chosen no other (Standard Webhooks).",
        },
        "tidings-hops": {
            "type": "string",
            "description": "How often the event has been through Tidings, and by which doors; pass "
            "it on with an event that is made of the message.",
        },
    },
}


def document(types: Iterable[EventType], blocks: dict[str, Json], version: str) -> Json:
    """Build the AsyncAPI document of these event types, sorted by name and version; `blocks` are
    the shared schemas by `$ref`, `version` is that of the document."""
    kinds = sorted(types, key=lambda kind: (kind.name.lower(), kind.version))
    names = [kind.label for kind in kinds]
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Tidings events",
            "version": version,
            "description": "Every event type, as it is accepted and as it is delivered.",
            "tags": [{"name": family} for family in sorted({kind.family for kind in kinds})],
        },
        "defaultContentType": "application/json",
        "channels": {
            ACCEPTED: {
                "address": "/v1/events",
                "title": "Where events are posted",
                "messages": {name: _ref("messages", name) for name in names},
            },
            DELIVERED: {
                "address": None,
                "title": "A receiver's URL",
                "description": "Each webhook has its own; it is called once per event and attempt.",
                "messages": {name: _ref("messages", name) for name in names},
            },
        },
        "operations": {
            "accept": _operation("receive", ACCEPTED, "Accept events of the platform.", names),
            "deliver": _operation("send", DELIVERED, "Tell a subscribed webhook.", names),
        },
        "components": {
            "messages": {kind.label: _message(kind) for kind in kinds},
            "messageTraits": {"delivered": {"headers": HEADERS}},
            "schemas": shared(blocks),
        },
    }


def payload(kind: EventType) -> Json:
    """Return the schema of a whole event of this type: the shared envelope by reference, and the
    type's own name, version (from 2) and data."""
    fields: Json = {
        "eventName": {"type": "string", **event_name(kind.wire_names or (kind.name,))},
        "data": _schema(kind.data),
    }
    own: Json = {"type": "object", "properties": fields}
    if kind.version > FIRST:
        fields[VERSION_FIELD] = version_field(kind.version)
        own["required"] = [VERSION_FIELD]
    return {"allOf": [_ref("schemas", "envelope"), own]}


def shared(blocks: dict[str, Json]) -> Json:
    """Convert the shared schemas, given by `$ref`, to those of the document, by the names that
    references have in `components/schemas`."""
    return {_block_name(ref): _schema(node) for ref, node in sorted(blocks.items())}


def _operation(action: str, channel: str, summary: str, names: list[str]) -> Json:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "summary": summary,
        "bindings": {"http": {"method": "POST", "bindingVersion": "0.3.0"}},
        "messages": [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in names],
    }


def _message(kind: EventType) -> Json:
    message: Json = {
        "name": kind.name,
        "title": kind.label,
        "summary": kind.trigger,
        "contentType": "application/json",
        "tags": [{"name": kind.family}],
        "traits": [{"$ref": "#/components/messageTraits/delivered"}],
        "payload": payload(kind),
        "examples": [{"name": "enriched", "payload": kind.example}],
    }
    if (small := thin(kind, kind.example)) != kind.example:
        message["examples"].append({"name": "thin", "payload": small})
    return message


def _schema(node: Json) -> Json:
    """Convert a schema of the catalogue: its references lead to the document's components."""
    out: Json = {}
    for key, value in node.items():
        if key == "properties":
            out[key] = {name: _schema(inner) for name, inner in value.items()}
        elif key in ("items", "additionalProperties") and isinstance(value, dict):
            out[key] = _schema(value)
        elif key != "$ref":
            out[key] = value
    if "$ref" in node:  # what stands beside a reference would be ignored
        block = _ref("schemas", _block_name(node["$ref"]))
        if "null" in types_of(node):
            del out["type"]
            out = {"anyOf": [block, {"type": "null"}], **out}
        else:
            out = {"allOf": [block], **out}
    elif len(types_of(node)) > 1:
        out["type"] = list(types_of(node))
    return out


def _block_name(ref: str) -> str:
    return ref.removeprefix("shared/").removesuffix(".json")


def _ref(kind: str, name: str) -> Any:
    return {"$ref": f"#/components/{kind}/{name}"}
