"""Credentials as the tests make them over the API."""

from typing import Any

from tests.api.control_client import Service

READ = {"webhooks": "read"}


async def make(s: Service, org: int, auth: str = "", **body: Any) -> dict[str, Any]:
    reply = await s.call(
        "POST", f"/v1/orgs/{org}/credentials", {"name": "crm", "scopes": READ} | body, auth
    )
    assert reply.status == 201, reply.body
    made: dict[str, Any] = reply.json
    return made
