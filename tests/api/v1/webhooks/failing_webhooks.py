"""Webhooks whose receivers fail, and what `GET /v1/failing` says of them."""

from typing import Any

from tests.api.control_client import Service
from tidings.core.ids import OrgId, show

HOSTILE = "<script>alert(1)</script>"


async def webhook(s: Service, org: int, url: str, **more: Any) -> int:
    """Make a webhook; its number."""
    body = {"name": "CRM", "eventNames": ["pointsIssued"], "webHookUrl": url} | more
    body |= {"maxAllowedConnections": 10}
    record, _, _ = await s.webhooks.create(OrgId(org), body, "tests")
    return record.webhook.number


def fail(s: Service, number: int, cause: str = "refused") -> None:
    for _ in range(10):
        s.parts.delivery.engine.healths.bad(number, cause)


async def asked(s: Service, auth: str = "", **headers: str) -> Any:
    reply = await s.call("GET", "/v1/failing", None, auth, **headers)
    assert reply.status == 200, reply.body
    return reply.json


async def opened(s: Service, org: int, name: str = "CRM", *, load: bool = True) -> str:
    """Have a webhook of an org fail; the id of its incident. `load`: what the store has."""
    number = await webhook(s, org, f"https://api.acme.example/{name}", name=name)
    fail(s, number)
    tracker = s.parts.delivery.incidents
    if load:
        await tracker.load()
    await tracker.review()
    [incident] = tracker.of(number)
    return show("inc", incident.number)
