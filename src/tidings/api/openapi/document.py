"""The OpenAPI 3.1 document: FastAPI's own, completed with what routes do not say.

What each answers and refuses, and its scope, stand in its entry (`route.py`); the accept path and
the outgoing webhooks, which are no routes of the application, are added.
"""

from collections.abc import Iterator, Mapping
from importlib import resources
from typing import Any

import msgspec

from tidings.api import description
from tidings.api.openapi import accept, answer_schemas, generators, outgoing, streams
from tidings.api.openapi.refusals import add_refusals
from tidings.api.openapi.schema_shorthand import Json, schema
from tidings.api.route import METHODS, AnswerForm, RouteEntry
from tidings.api.v1.events.accept import ACCEPT
from tidings.api.v1.webhooks import filter_schema
from tidings.catalogue.event_type import EventType
from tidings.core import picks
from tidings.core.events.attribution import ENTITY_TYPES

FIRST = "pointsIssued"  # the event of the examples
_ABOUT = """Two families: `/v3/…` speaks as the system that Tidings stands in for, `/v1/…` is ours.
Every call carries a credential but those that say so. Every answer carries `X-Cap-Requestid`.
`webhooks` is what your receivers are sent."""
_SECURITY: Json = {
    "basic": {
        "type": "http",
        "scheme": "basic",
        "description": "key:secret; a till sends its code and the MD5 of its password in hex.",
    },
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "A token of POST /v3/oauth/token/generate.",
    },
    "token": {
        "type": "apiKey",
        "in": "header",
        "name": "X-CAP-API-OAUTH-TOKEN",
        "description": "The same token, as the original takes it.",
    },
}
_TAGS = {
    "events": "Sent to Tidings, found again, watched",
    "deliveries": "What became of each event at each webhook",
    "webhooks": "Who is told of what",
    "messages": "Fetched by those who have no public address",
    "logs": "The original's logs and metrics",
    "replays": "Send again what was missed",
    "stops": "Hold sending",
    "event types": "The catalogue, and an org's own",
    "transformations": "Templates that make payloads",
    "reference": "Records that enrich events",
    "actions": "What is done when events come: mails, calls, rows, records",
    "connections": "What the operator has declared for sources and webhooks to name",
    "sources": "Where events come from that nobody sends to /v1/events",
    "alerts": "Where an org hears of incidents: e-mail, Slack, PagerDuty",
    "inboxes": "Receivers inside the service, for tries",
    "orgs": "Tenants",
    "cells": "Processes and stores, and which orgs are in which",
    "credentials": "Who may call",
    "users": "Who may sign in",
    "portals": "A brand's console inside another product",
    "audit": "Who has changed what, from where",
    "health": "Alive, ready, and figures",
    "sent": "What receivers get",
}


def operations(document: Json) -> Iterator[tuple[str, Json]]:
    """Yield each call as "GET /v1/…", with its operation."""
    for path, path_item in document["paths"].items():
        for method in METHODS:
            if method.lower() in path_item:
                yield f"{method} {path}", path_item[method.lower()]


def load_examples() -> dict[str, Json]:
    """Load the committed examples: by call, its `body` and its `answer` with `status`; in `others`
    further good answers, by their status."""
    file = resources.files(__package__).joinpath("examples.json")
    made: dict[str, Json] = msgspec.json.decode(file.read_bytes())
    return made


def complete(
    plain: Json,
    entries: Mapping[str, RouteEntry],
    kinds: Mapping[str, EventType],
    blocks: Json,
    examples: Mapping[str, Json],
) -> Json:
    """Build the whole document over what FastAPI made of the routes.

    `entries` are those of the routes, by their call; `kinds` and `blocks` are the catalogue's;
    `examples` is as `load_examples` gives it.
    """
    document: Json = description.finish(plain)
    document["info"]["description"] = _ABOUT
    document["tags"] = [{"name": name, "description": text} for name, text in _TAGS.items()]
    document["security"] = [{"basic": []}, {"bearer": []}, {"token": []}]
    document["paths"].setdefault(ACCEPT.path, {})["post"] = accept.accept_operation(kinds[FIRST])
    entries = {**entries, ACCEPT.call: ACCEPT}
    named_bodies: Json = {}
    for call, operation in operations(document):
        _complete(entries[call], operation, examples.get(call, {}))
        generators.name_body(operation, named_bodies)
    document["webhooks"] = outgoing.outgoing(kinds.values())
    parts = document.setdefault("components", {})
    parts.setdefault("schemas", {})
    parts["schemas"].pop("HTTPValidationError", None)
    parts["schemas"].pop("ValidationError", None)
    ours = {**answer_schemas.COMPONENTS, **accept.COMPONENTS, **streams.COMPONENTS}
    parts["schemas"] |= description.components()
    parts["schemas"] |= {name: schema(components) for name, components in ours.items()}
    parts["schemas"] |= accept.EVENT_SCHEMAS | {
        filter_schema.NAME: filter_schema.SCHEMA,
        "Pick": picks.SCHEMA,
    }
    parts["schemas"] |= outgoing.event_schemas(kinds.values(), blocks)
    parts["schemas"] = generators.readable(parts["schemas"] | named_bodies)
    document["paths"] = generators.readable(document["paths"])
    parts["parameters"] = _PARAMETERS | outgoing.header_parameters()
    parts["headers"] = _HEADERS
    parts["securitySchemes"] = _SECURITY
    return document


def _complete(entry: RouteEntry, operation: Json, example: Json) -> None:
    operation["operationId"] = entry.id
    if entry.answers and all(form.status != 200 for form in entry.answers):
        operation["responses"].pop("200", None)  # FastAPI's guess
    for form in entry.answers:
        operation["responses"][str(form.status)] = _answer(form)
    streams.add_stream(entry.stream, operation)
    add_refusals(entry, operation)
    if entry.is_open:
        operation["security"] = []
    else:
        _add_scope(operation, entry)
        operation["parameters"] = operation.get("parameters", []) + [
            {"$ref": f"#/components/parameters/{name}"}
            for name in _PARAMETERS
            if entry.attributed or name == "Org"
        ]
    for response in operation["responses"].values():
        headers = response.setdefault("headers", {})
        headers["X-Cap-Requestid"] = {"$ref": "#/components/headers/RequestId"}
    _add_examples(operation, example)


def _answer(form: AnswerForm) -> Json:
    if form.body is None:
        return {"description": form.description}
    shape = (
        description.reference_to(form.body) if isinstance(form.body, type) else schema(form.body)
    )
    return {"description": form.description, "content": {form.media: {"schema": shape}}}


def _add_scope(operation: Json, entry: RouteEntry) -> None:
    about = operation.get("description", "")
    operation["x-scope"] = entry.scopes
    if not entry.scopes:
        operation["description"] = f"{about}\n\nFor any credential: it takes no scope.".strip()
        return
    whose = "Of the platform's own credential. " if entry.of_platform else ""
    operation["description"] = f"{about}\n\n{whose}Scope: {entry.scopes}.".strip()


def _add_examples(operation: Json, example: Json) -> None:
    """Written where none stands yet: the first content of the body, and of the answer."""
    if "body" in example:
        _put(operation.get("requestBody", {}), example["body"])
    if "answer" in example:
        _put(operation["responses"].get(str(example["status"]), {}), example["answer"])
    for status, answer in example.get("others", {}).items():
        _put(operation["responses"].get(status, {}), answer)


def _put(place: Json, value: Any) -> None:
    for content in place.get("content", {}).values():
        content.setdefault("example", value)


_PARAMETERS: Json = {
    "Org": {
        "name": "X-Tidings-Org",
        "in": "header",
        "description": "The org that the platform's own credential acts for.",
        "schema": {"type": "string", "pattern": "^[0-9]{0,16}$"},
    },
    "EntityCode": {
        "name": "X-CAP-API-ATTRIBUTION-ENTITY-CODE",
        "in": "header",
        "description": "On whose behalf: the code of a till or a store.",
        "schema": {"type": "string", "pattern": "^[ -~\u00a0-\u00ac\u00ae-\u00ff]{0,128}$"},
    },
    "EntityType": {
        "name": "X-CAP-API-ATTRIBUTION-ENTITY-TYPE",
        "in": "header",
        "description": "What that code is of.",
        "schema": {
            "type": "string",
            "enum": ["", *ENTITY_TYPES],
        },
    },
}
_HEADERS: Json = {
    "RequestId": {
        "description": "The id of the call: the caller's own where it sent one.",
        "schema": {"type": "string"},
    },
    "RetryAfter": {
        "description": "Seconds to wait before the call is made again.",
        "schema": {"type": "string", "pattern": "^[0-9]+$"},
    },
}
