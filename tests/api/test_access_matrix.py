"""Every route of orgs, credentials and users, with every lesser scope, and as another org."""

from typing import Any

import pytest

from tests.api.control_client import Service, basic, service
from tidings.core.access.scopes import RESOURCES
from tidings.core.ids import OrgId

# Method, path below /v1/orgs, body, the scope that it takes. `{id}` is a credential or a user.
ROUTES: list[tuple[str, str, Any, str]] = [
    ("GET", "/7", None, "admin:read"),
    ("PATCH", "/7", {"name": "Mine"}, "admin:write"),
    ("GET", "/7/credentials", None, "admin:read"),
    ("POST", "/7/credentials", {"scopes": {}}, "admin:write"),
    ("GET", "/7/credentials/{credential}", None, "admin:read"),
    ("PATCH", "/7/credentials/{credential}", {"name": "Mine"}, "admin:write"),
    ("POST", "/7/credentials/{credential}/rotate", {}, "admin:write"),
    ("DELETE", "/7/credentials/{credential}", None, "admin:write"),
    ("GET", "/7/users", None, "admin:read"),
    ("POST", "/7/users", {"email": "x@y.example"}, "admin:write"),
    ("GET", "/7/users/{user}", None, "admin:read"),
    ("PATCH", "/7/users/{user}", {"name": "Mine"}, "admin:write"),
    ("POST", "/7/users/{user}/link", None, "admin:write"),
    ("DELETE", "/7/users/{user}", None, "admin:write"),
]
PLATFORMS: list[tuple[str, str, Any]] = [("GET", "", None), ("POST", "", {"name": "New"})]


async def things(s: Service) -> dict[str, str]:
    """A credential and a user of org 7."""
    await s.add_org(7)
    made = await s.call("POST", "/v1/orgs/7/credentials", {"scopes": {"logs": "read"}})
    user = await s.call("POST", "/v1/orgs/7/users", {"email": "asha@acme.example"})
    return {"credential": made.json["id"], "user": user.json["id"]}


async def login(s: Service, org: int, scopes: str) -> str:
    await s.access.put("tested", "secret", OrgId(org), platform=False, scopes=scopes)
    return basic("tested", "secret")


async def stored(s: Service) -> str:
    """Everything that a call could change, but for last uses."""
    return repr((await s.store.load(), await s.store.load_people()))


@pytest.mark.parametrize(("method", "path", "body", "scope"), ROUTES)
async def test_a_lesser_scope_is_403_and_changes_nothing(
    method: str, path: str, body: Any, scope: str
) -> None:
    async with service() as s:
        place = "/v1/orgs" + path.format(**await things(s))
        others = " ".join(f"{resource}:write" for resource in RESOURCES if resource != "admin")
        lesser = [others, ""] + ([f"{others} admin:read"] if scope == "admin:write" else [])
        for scopes in lesser:
            auth = await login(s, 7, scopes)
            before = await stored(s)
            told = await s.call(method, place, body, auth)
            assert (told.status, told.json["error"]["code"]) == (403, "forbidden"), scopes
            assert scope in told.json["error"]["message"]
            assert await stored(s) == before
        auth = await login(s, 7, f"{others} {scope}")
        told = await s.call(method, place, body, auth)
        assert 200 <= told.status < 300, told.body


@pytest.mark.parametrize(("method", "path", "body", "scope"), ROUTES)
async def test_another_org_is_404_and_changes_nothing(
    method: str, path: str, body: Any, scope: str
) -> None:
    async with service() as s:
        known = await things(s)
        place = "/v1/orgs" + path.format(**known)
        auth = await s.add_org(8)
        before = await stored(s)
        theirs = await s.call(method, place, body, auth)
        nobodys = await s.call(method, place.replace("/7", "/9", 1), body, auth)
        assert theirs.status == nobodys.status == 404
        assert theirs.body.replace(b'\\"7\\"', b'\\"9\\"') == nobodys.body
        own = place.replace("/7", "/8", 1)
        if "{" in path:
            assert (await s.call(method, own, body, auth)).status == 404
        assert await stored(s) == before
        unnamed = await s.call(method, place, body, auth, X_Tidings_Org="7")
        assert unnamed.status == 403 and await stored(s) == before


@pytest.mark.parametrize(("method", "path", "body", "scope"), ROUTES)
async def test_without_a_credential_it_is_401(
    method: str, path: str, body: Any, scope: str
) -> None:
    async with service() as s:
        place = "/v1/orgs" + path.format(**await things(s))
        before = await stored(s)
        for auth in (None, "Bearer x", basic("tested", "x")):
            told = await s.call(method, place, body, auth)
            assert told.status == 401 and "www-authenticate" in told.headers
        assert await stored(s) == before


@pytest.mark.parametrize(("method", "path", "body"), PLATFORMS)
async def test_all_orgs_are_the_platforms_alone(method: str, path: str, body: Any) -> None:
    async with service() as s:
        await things(s)
        auth = await s.add_org(8)
        before = await stored(s)
        assert (await s.call(method, f"/v1/orgs{path}", body, auth)).status == 403
        assert await stored(s) == before


async def test_the_table_has_every_route_of_these_families() -> None:
    async with service() as s:
        described = (await s.call("GET", "/openapi.json")).json["paths"]
        families = ("/v1/orgs", "/v1/orgs/{org_id}")
        told = {
            (method.upper(), path)
            for path, operations in described.items()
            for method in operations
            if path in families
            or path.startswith(("/v1/orgs/{org_id}/credentials", "/v1/orgs/{org_id}/users"))
        }
        names = {"7": "{org_id}", "{credential}": "{credential_id}", "{user}": "{user_id}"}
        tested = {
            (route[0], "/".join(["/v1/orgs", *(names.get(p, p) for p in route[1].split("/")[1:])]))
            for route in [*ROUTES, *PLATFORMS]
        }
        assert told == tested
        assert {"/v1/passwords", "/v3/oauth/token/generate"} <= described.keys()
