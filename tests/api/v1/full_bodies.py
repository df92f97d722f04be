"""Bodies of calls with every object that they can hold."""

from typing import Any

from tests.openapi.world import SOURCE

PICK = {"path": "a"}

PICKED = ("eventName", "eventId", "orgId", "createdAt", "data")

MAPPING: dict[str, Any] = {name: dict(PICK) for name in PICKED}

SOURCES: dict[str, Any] = {
    "mapping": MAPPING,
    "messageId": PICK,
    "kafka": {"topics": ["a"]},
    "outbox": {"table": "a"},
}

SETTINGS = {"retention": {"payloadDays": 30}, "limits": {"eventsPerSecond": 5}}

MORE: dict[str, dict[str, Any]] = {  # bodies with every object that they can hold
    "POST /v1/orgs/{org_id}/credentials": {"limits": {"eventsPerSecond": 5}},
    "PATCH /v1/orgs/{org_id}/credentials/{credential_id}": {"scopes": {"logs": "read"}},
    "POST /v1/orgs": {"settings": SETTINGS},
    "PATCH /v1/orgs/{org_id}": {"settings": SETTINGS},
    "PATCH /v1/inboxes/{inbox_id}": {"answer": {"status": 503}},
    "POST /v1/alertChannels": {"quiet": {"from": "22:00", "to": "06:00"}},
    "PATCH /v1/alertChannels/{channel_id}": {"quiet": {"from": "22:00", "to": "06:00"}},
    "POST /v1/sources": SOURCES,
    "PATCH /v1/sources/{source_id}": SOURCE | SOURCES,
    "POST /v1/passwords": {"token": "lnk_x", "password": "several words of mine"},
}
