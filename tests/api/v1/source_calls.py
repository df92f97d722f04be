"""Sources as the tests declare them, and events sent to them, over the API."""

from typing import Any

from tests.api.control_client import Reply, Service
from tidings.core.shaping.signatures.secrets import show_secret

SECRET = b"s" * 32

SIGNED = {"type": "standardWebhooks", "secret": show_secret(SECRET)}

STATIC = {"type": "header", "header": "X-Key", "value": "a value that is long"}

KEY = {"X_Key": "a value that is long"}


async def make(s: Service, auth: str = "", **fields: Any) -> Any:
    body = {"name": "shop", "verification": STATIC} | fields
    reply = await s.call("POST", "/v1/sources", body, auth=auth)
    assert reply.status == 201, reply.body
    return reply.json


async def admit(s: Service) -> None:
    """Names that the catalogue does not have are events too."""
    reply = await s.call("PATCH", "/v1/orgs/1", {"settings": {"unknownTypes": "admitted"}})
    assert reply.status == 200, reply.body


async def send(s: Service, body: Any, path: str = "/in/1/shop", **headers: str) -> Reply:
    return await s.call("POST", path, body, auth=None, **(KEY | headers))


async def accepted(s: Service) -> list[Any]:
    """The bodies of all events, the oldest first."""
    rows = (await s.call("GET", "/v1/events?limit=100")).json["events"]
    found = [(await s.call("GET", f"/v1/events/{row['eventId']}")).json["body"] for row in rows]
    return found[::-1]
