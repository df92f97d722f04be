"""What each call of the description is sent, so that it does its work in an org of `world.py`."""

from dataclasses import replace
from typing import Any

from tests.api.control_client import BASIC
from tests.openapi.world import PROOF, SOURCE, TEMPLATE, TYPE, Things
from tidings import catalogue

DRY = {"dryRun": True}
MESSAGE: dict[str, Any] = {"headers": PROOF, "body": {"topic": "orders/paid", "order": {}}}
NDJSON = b'{"id":41200777,"mobile":"15550100"}\n'


def body_of(call: str, things: Things) -> Any:
    """The body for a call that takes one, else None. It names ids of `things` alone."""
    hook, mark = things.ids["webHookId"], things.mark
    parcel = {"eventName": "pointsIssued"}
    points = catalogue.load().get("pointsIssued")
    assert points is not None
    event = {key: value for key, value in points.example.items() if key != "orgId"}
    bodies: dict[str, Any] = {
        "POST /v1/events": event | {"eventId": f"{mark}-new"},
        "POST /v1/replays": {"webHookId": hook, "states": ["failed"], "start": False},
        "POST /v1/takeAsDelivered": {"acceptedBefore": "2026-02-11T09:15:00Z"},
        "POST /v1/deliveries/cancel": {"webHookId": hook, "states": ["retrying"]},
        "POST /v3/webHooks": BASIC | {"name": "shop"},
        "PUT /v3/webHooks/{webHookId}": BASIC | {"slaInSeconds": 60},
        "PATCH /v3/webHooks/{webHookId}": {"slaInSeconds": 60, "webHookHeaders": {"X-Old": None}},
        "POST /v3/webHooks/{webHookId}/rotateSecret": {"overlapInHours": 24},
        "POST /v1/webHooks/preview": {"webHookId": hook, "last": 2},
        "POST /v1/webHooks/test": {"webHookId": hook, **parcel},
        "POST /v1/webHooks/{webhook_id}/test": parcel,
        "POST /v1/webHooks/{pulled_id}/pull": {"max": 10, "waitInSeconds": 0},
        "POST /v1/webHooks/{pulled_id}/acknowledge": {"ackIds": ["0" * 32], "outcome": "delivered"},
        "PATCH /v1/incidents/{incident_id}": {"note": "The owner of the receiver knows of it."},
        "POST /v1/transformations": {"name": "slip", "template": TEMPLATE},
        "PUT /v1/transformations/{name}": {"template": '{"event": {{ eventId | tojson }}}'},
        "PUT /v1/eventTypes/{name}": TYPE | {"description": "A parcel was handed to its owner."},
        "POST /v1/orgs": {"name": "Acme", "timeZone": "Asia/Kolkata"},
        "PATCH /v1/orgs/{org_id}": {"settings": {"validation": "lenient"}},
        "POST /v1/orgs/{org_id}/move": {"to": 2},
        "POST /v1/orgs/{org_id}/credentials": {
            "kind": "key",
            "name": "loyalty engine",
            "scopes": {"events": "write", "logs": "read"},
        },
        "PATCH /v1/orgs/{org_id}/credentials/{credential_id}": {"limits": {"eventsPerSecond": 50}},
        "POST /v1/orgs/{org_id}/credentials/{credential_id}/rotate": {"overlapInHours": 24},
        "POST /v1/orgs/{org_id}/users": {"email": "asha@acme.example", "role": "operator"},
        "PATCH /v1/orgs/{org_id}/users/{user_id}": {"role": "operator"},
        "POST /v1/orgs/{org_id}/portal-links": {"name": "Acme Loyalty", "role": "operator"},
        "POST /v1/reference/{kind}:load": NDJSON,
        "PUT /v1/reference/{kind}/{id}": {"mobile": "15550101"},
        "POST /v1/alertChannels": {
            "name": "On call",
            "type": "pagerduty",
            "routingKey": "0123456789abcdef0123456789abcdef",
        },
        "PATCH /v1/alertChannels/{channel_id}": {"name": "Night shift"},
        "POST /v1/inboxes": {"name": "shop", "answer": {"status": 503, "delayMs": 0}},
        "PATCH /v1/inboxes/{inbox_id}": {"name": "shop"},
        "POST /v1/sources": SOURCE | {"name": "orders"},
        "PATCH /v1/sources/{source_id}": {"messageId": {"path": "id"}},
        "POST /v1/sources/preview": {"message": MESSAGE, "source": SOURCE | {"name": "orders"}},
        "POST /v1/sources/{source_id}/preview": {"message": MESSAGE},
        "POST /in/{source_org}/{source_name}": MESSAGE["body"],
    }
    return bodies.get(call)


def second_of(call: str, things: Things) -> tuple[Things, Any] | None:
    """How a call with two good answers is made for its second one: of what, and with which body.
    None for a call that has one alone."""
    body = body_of(call, things)
    if call in ("POST /v1/replays", "POST /v1/deliveries/cancel"):
        return things, {key: value for key, value in body.items() if key != "start"} | DRY
    if call == "PUT /v1/eventTypes/{name}":
        return replace(things, mark=f"{things.mark}New"), body
    if call == "PUT /v1/reference/{kind}/{id}":
        return replace(things, ids=things.ids | {"id": f"{things.mark}-2"}), body
    return None


def headers_of(call: str) -> dict[str, str]:
    """The headers beside the credential."""
    if call == "POST /v1/reference/{kind}:load":
        return {"content-type": "application/x-ndjson"}
    if call == "POST /in/{source_org}/{source_name}":
        return PROOF
    return {}
