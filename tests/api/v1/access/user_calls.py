"""People as the tests add and activate them over the API."""

from typing import Any

from tests.api.control_client import Reply, Service

PASSWORD = "several words of mine"


async def on(
    s: Service, method: str, org: int, rest: str, body: Any = None, auth: str = ""
) -> Reply:
    return await s.call(method, f"/v1/orgs/{org}/users{rest}", body, auth)


async def add(s: Service, org: int, email: str, role: str = "reader", auth: str = "") -> Any:
    reply = await on(s, "POST", org, "", {"email": email, "name": "A", "role": role}, auth)
    assert reply.status == 201, reply.body
    return reply.json


async def password(s: Service, **body: Any) -> Reply:
    return await s.call("POST", "/v1/passwords", body, None)


async def active(s: Service, org: int, email: str, role: str = "reader") -> Any:
    """A user who has accepted with PASSWORD."""
    user = await add(s, org, email, role)
    reply = await password(s, token=user["invitation"]["token"], password=PASSWORD)
    assert reply.status == 204, reply.body
    return user
