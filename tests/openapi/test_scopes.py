"""The walk of all calls with lesser scopes: 403 wherever the entry says so, and nothing changed."""

import hashlib
from itertools import product
from typing import Any

from tests.api.control_client import basic
from tests.openapi.calls import body_of, headers_of
from tests.openapi.entries import SCOPES, enough_for
from tests.openapi.world import Things, World, world
from tidings.api.openapi.document import operations
from tidings.api.route import KNOWN, OPEN, PLATFORM
from tidings.api.v1.events.accept import ACCEPT
from tidings.core.access.scopes import RESOURCES
from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.core.ids import OrgId

ORG = OrgId(2001)


def lesser(call: str) -> list[str]:
    """Sets of scopes that each lack something of every set that is enough."""
    found = [""]
    for lacking in product(*enough_for(call)):
        levels = dict(scope.split(":") for scope in lacking)
        others = [
            f"{resource}:read {resource}:write" for resource in RESOURCES if resource not in levels
        ]
        found.append(" ".join(others))
        if "write" in levels.values():
            found.append(" ".join([*others, *(f"{level}:read" for level in levels)]))
    return found


async def _refused(w: World, things: Things, call: str, auth: str) -> None:
    before = w.stored()
    method, body = call.partition(" ")[0], body_of(call, things)
    reply = await w.call(method, things.path(call), body, auth, headers_of(call))
    assert reply.status == 403, (call, reply.status, reply.body)
    told = reply.json
    code = told["errors"][0]["code"] if "errors" in told else told["error"]["code"]
    assert code == (4000 if "/v3/" in call else "forbidden"), call
    assert w.stored() == before, call


async def test_every_call_of_the_description_has_its_entry() -> None:
    async with world() as w:
        calls = {call for call, _ in operations(await w.document())}
        assert calls == SCOPES.keys()


async def test_lesser_scopes_are_403_everywhere() -> None:
    async with world() as w:
        things = await w.org(2001, "acme")
        logins: dict[str, str] = {}
        for call in SCOPES:
            for scopes in lesser(call) if SCOPES[call] not in (OPEN, KNOWN) else []:
                if scopes not in logins:
                    key = f"lesser{len(logins)}"
                    await w.s.access.put(key, "x", ORG, platform=False, scopes=scopes)
                    logins[scopes] = basic(key, "x")
                await _refused(w, things, call, logins[scopes])


async def _logins(w: World, things: Things, scopes: str, number: int) -> dict[str, str]:
    """A credential of each kind that has these scopes, as `Authorization` carries it."""
    made = f"/v1/orgs/{things.org}/credentials"
    levels = dict(scope.split(":") for scope in scopes.split())
    password = "several words of mine"
    till = {"kind": "till", "code": f"acme.{number}", "password": password, "scopes": levels}
    assert (await w.call("POST", made, till, things.auth)).status == 201
    app = {"kind": "oauth", "name": "app", "scopes": levels}
    key = (await w.call("POST", made, app, things.auth)).json
    asked = {"key": key["id"], "secret": key["secret"]}
    token = (await w.call("POST", "/v3/oauth/token/generate", asked)).json["data"]["accessToken"]
    await w.s.access.put(f"boss{number}", "x", ORG, platform=True, scopes=scopes)
    return {
        "till": basic(f"acme.{number}", hashlib.md5(password.encode()).hexdigest()),
        "oauth": f"Bearer {token}",
        "platform": basic(f"boss{number}", "x"),
    }


async def test_no_kind_of_credential_goes_around_the_scope() -> None:
    async with world() as w:
        things = await w.org(2001, "acme")
        logins: dict[str, dict[str, str]] = {}
        before = w.stored()
        for call in [call for call in SCOPES if enough_for(call)]:
            scopes = lesser(call)[1]
            if scopes not in logins:
                logins[scopes] = await _logins(w, things, scopes, len(logins))
                before = w.stored()
            for kind, auth in logins[scopes].items():
                method, body = call.partition(" ")[0], body_of(call, things)
                reply = await w.call(method, things.path(call), body, auth, headers_of(call))
                assert reply.status == 403, (call, kind, reply.status, reply.body)
            assert w.stored() == before, call


async def test_what_is_the_platforms_is_403_for_an_org_with_every_scope() -> None:
    async with world() as w:
        things = await w.org(2001, "acme")
        calls = [call for call in SCOPES if SCOPES[call].startswith(PLATFORM)]
        assert len(calls) > 4
        for call in calls:
            await _refused(w, things, call, things.auth)


async def test_the_scope_of_the_entry_is_enough() -> None:
    async with world() as w:
        things = await w.org(2001, "acme")
        for number, call in enumerate(SCOPES):
            platform = SCOPES[call].startswith(PLATFORM)
            for which, scopes in enumerate(enough_for(call)):
                key = f"just{number}or{which}"
                await w.s.access.put(key, "x", ORG, platform=platform, scopes=" ".join(scopes))
                method, body = call.partition(" ")[0], body_of(call, things)
                auth = basic(key, "x")
                reply = await w.call(method, things.path(call), body, auth, headers_of(call))
                # A credential gives no more than it has: that refusal comes after the scope's.
                given = reply.status == 403 and b"_exceeded" in reply.body
                assert reply.status not in (401, 403) or given, (call, reply.body)


async def test_every_call_is_counted_once() -> None:
    async with world() as w:
        things = await w.org(2001, "acme")
        limits, counted = w.s.access_services.limits, list[AuthenticatedCaller]()
        count = limits.call

        def noted(caller: AuthenticatedCaller) -> Any:
            counted.append(caller)
            return count(caller)

        limits.call = noted  # type: ignore[method-assign]
        await w.s.access.put("counted", "x", ORG, platform=True, scopes="*")
        for call in [call for call in SCOPES if SCOPES[call] != OPEN and call != ACCEPT.call]:
            method, body = call.partition(" ")[0], body_of(call, things)
            auth = basic("counted", "x") if SCOPES[call].startswith(PLATFORM) else things.auth
            await w.call(method, things.path(call), body, auth, headers_of(call))
            assert len(counted) == 1, call
            counted.clear()


async def test_what_takes_no_scope_is_answered_to_a_credential_without_any() -> None:
    async with world() as w:
        await w.org(2001, "acme")
        await w.s.access.put("bare", "x", ORG, platform=False, scopes="")
        for call in [call for call in SCOPES if SCOPES[call] == KNOWN]:
            method, _, path = call.partition(" ")
            assert (await w.call(method, path, None, basic("bare", "x"))).status == 200, call


async def test_without_a_credential_it_is_401_but_for_the_open_calls() -> None:
    async with world() as w:
        things = await w.org(2001, "acme")
        before = w.stored()
        for call in SCOPES:
            if SCOPES[call] == OPEN:
                continue
            for auth in (None, "Bearer x", basic("nobody", "x")):
                method, body = call.partition(" ")[0], body_of(call, things)
                reply = await w.call(method, things.path(call), body, auth, headers_of(call))
                assert reply.status == 401 and "www-authenticate" in reply.headers, call
        assert w.stored() == before
