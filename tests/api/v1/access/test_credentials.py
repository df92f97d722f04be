"""`/v1/orgs/{orgId}/credentials` and the ways to sign in with what it makes."""

import asyncio
import hashlib
from typing import Any

import pytest

from tests.api.control_client import START_MS, Reply, Service, basic, service
from tests.api.v1.access.credential_calls import READ, make
from tidings.core.access.credential_rules import KINDS
from tidings.core.access.scopes import RESOURCES
from tidings.core.events.attribution import number_of
from tidings.core.ids import OrgId

HOUR_MS = 3_600_000
ALL = dict.fromkeys(RESOURCES, "write")
WEBHOOKS = "/v3/webHooks"
CODES = {"till": {"code": "t.1"}}


def login(made: dict[str, Any]) -> str:
    """The header that goes with a credential that was just made."""
    secret = made["secret"]
    if made["kind"] == "till":
        secret = hashlib.md5(secret.encode()).hexdigest()
    return basic(made["id"], secret)


async def status(s: Service, auth: str | None, path: str = WEBHOOKS, **headers: str) -> int:
    return (await s.call("GET", path, auth=auth, **headers)).status


async def sign_in(s: Service, made: dict[str, Any]) -> str:
    """The header of a call with a credential of any kind; an OAuth client's is a token's."""
    if made["kind"] == "oauth":
        return "Bearer " + str((await token(s, made)).json["data"]["accessToken"])
    return login(made)


async def token(s: Service, made: dict[str, Any], secret: str | None = None) -> Reply:
    body = {"key": made["id"], "secret": secret or made["secret"]}
    return await s.call("POST", "/v3/oauth/token/generate", body, None)


async def on(
    s: Service, method: str, org: int, rest: str, body: Any = None, auth: str = ""
) -> Reply:
    return await s.call(method, f"/v1/orgs/{org}/credentials{rest}", body, auth)


async def test_a_key_is_made_shown_once_and_signs_in() -> None:
    async with service() as s:
        await s.add_org(7)
        reply = await on(s, "POST", 7, "", {"name": "crm", "scopes": READ})
        made = reply.json
        assert reply.status == 201 and reply.headers["cache-control"] == "no-store"
        assert made["id"].startswith("tdk_") and made["secret"].startswith("tds_")
        assert made | {"id": "", "secret": ""} == {
            "id": "",
            "secret": "",
            "kind": "key",
            "name": "crm",
            "platform": False,
            "scopes": dict.fromkeys(ALL, "none") | READ,
            "limits": {"callsPerMinute": None, "eventsPerSecond": None},
            "createdAt": "2026-02-11T09:15:00.000Z",
            "createdBy": "boss",
            "expiresAt": None,
            "lastUsedAt": None,
            "oldSecretUntil": None,
            "revokedAt": None,
        }
        assert await status(s, login(made)) == 200
        assert (await s.call("POST", WEBHOOKS, {}, login(made))).status == 403
        listed = await on(s, "GET", 7, "")
        seen = await on(s, "GET", 7, f"/{made['id']}")
        assert made["secret"].encode() not in listed.body + seen.body
        assert seen.json["lastUsedAt"] == "2026-02-11T09:15:00.000Z"


async def test_a_till_signs_in_with_the_md5_of_its_password() -> None:
    async with service() as s:
        await s.add_org(7)
        made = await make(s, 7, kind="till", code="acme.01", password="several words of mine")
        assert made["id"] == "acme.01" and made["secret"] == "several words of mine"
        md5 = hashlib.md5(b"several words of mine").hexdigest()
        assert await status(s, basic("acme.01", md5)) == 200
        assert await status(s, basic("acme.01", md5.upper())) == 200
        assert await status(s, basic("acme.01", "several words of mine")) == 401
        given = await make(s, 7, kind="till", code="acme.02")
        assert await status(s, login(given)) == 200
        snapshot = repr(await s.store.load())
        assert md5 not in snapshot and "several words" not in snapshot


async def test_a_code_is_taken_once_in_the_whole_service() -> None:
    async with service() as s:
        await s.add_org(7)
        other = await s.add_org(8)
        await make(s, 7, kind="till", code="acme.01")
        for org, auth in ((7, ""), (8, other)):
            body = {"kind": "till", "code": "acme.01", "scopes": READ}
            told = await on(s, "POST", org, "", body, auth)
            assert (told.status, told.json["error"]["code"]) == (409, "code_taken")
        boss = await on(s, "POST", 8, "", {"kind": "till", "code": "boss", "scopes": READ}, other)
        assert boss.status == 409


async def test_an_oauth_client_gets_tokens_and_calls_with_them_both_ways() -> None:
    async with service() as s:
        await s.add_org(7)
        made = await make(s, 7, kind="oauth")
        reply = await token(s, made)
        assert reply.status == 200 and reply.headers["cache-control"] == "no-store"
        assert reply.json.keys() == {"data", "errors"} and reply.json["errors"] is None
        data = reply.json["data"]
        assert data.keys() == {"accessToken", "ttlSeconds"} and data["ttlSeconds"] == 3600
        access = data["accessToken"]
        assert await status(s, f"Bearer {access}") == 200
        assert await status(s, None, x_cap_api_oauth_token=access) == 200
        assert await status(s, "Basic !", x_cap_api_oauth_token=access) == 200
        assert await status(s, None, x_cap_api_oauth_token=access + "x") == 401
        assert await status(s, None, x_cap_api_oauth_token="") == 401
        assert await status(s, f"Basic {access}") == 401
        s.clock.ms += 3_599_000
        assert await status(s, f"Bearer {access}") == 200
        s.clock.ms += 1_000
        assert await status(s, f"Bearer {access}") == 401, "also where it is remembered"


async def test_wrong_answers_of_the_token_call_are_the_contracts() -> None:
    async with service() as s:
        await s.add_org(7)
        oauth, key = await make(s, 7, kind="oauth"), await make(s, 7)
        for reply in (
            await token(s, oauth, "wrong"),
            await token(s, {"id": "nobody", "secret": "x"}),
            await token(s, key),
        ):
            assert reply.status == 401 and reply.json["data"] is None
            assert reply.json["errors"][0]["code"] == 401
        for body in ({}, {"key": "x"}, {"key": 5, "secret": "x"}, {"key": "x" * 999}):
            reply = await s.call("POST", "/v3/oauth/token/generate", body, None)
            assert (reply.status, reply.json["errors"][0]["code"]) == (400, 400)
        told = await s.call("GET", WEBHOOKS, auth=login(oauth))
        assert told.status == 401 and "/v3/oauth/token/generate" in told.body.decode()
        forbidden = await s.call("POST", WEBHOOKS, {}, login(key))
        assert (forbidden.status, forbidden.json["errors"][0]["code"]) == (403, 4000)


async def test_a_rotation_overlaps_and_then_the_old_secret_ends() -> None:
    async with service() as s:
        await s.add_org(7)
        made = await make(s, 7)
        rotated = await on(s, "POST", 7, f"/{made['id']}/rotate")
        assert rotated.status == 200 and rotated.json["secret"] != made["secret"]
        assert rotated.json["oldSecretUntil"] == "2026-02-12T09:15:00.000Z"
        old, new = login(made), login(rotated.json)
        assert (await status(s, old), await status(s, new)) == (200, 200)
        s.clock.ms += 24 * HOUR_MS - 1
        assert await status(s, old) == 200
        s.clock.ms += 1
        assert (await status(s, old), await status(s, new)) == (401, 200)
        again = Service(s.store, s.clock)
        await again.start()
        assert (await status(again, old), await status(again, new)) == (401, 200)


async def test_a_rotation_without_overlap_ends_the_old_secret_and_its_tokens_at_once() -> None:
    async with service() as s:
        await s.add_org(7)
        oauth = await make(s, 7, kind="oauth")
        access = (await token(s, oauth)).json["data"]["accessToken"]
        assert await status(s, f"Bearer {access}") == 200
        rotated = await on(s, "POST", 7, f"/{oauth['id']}/rotate", {"overlapInHours": 1})
        assert await status(s, f"Bearer {access}") == 200
        fresh = (await token(s, rotated.json)).json["data"]["accessToken"]
        rotated = await on(s, "POST", 7, f"/{oauth['id']}/rotate", {"overlapInHours": 0})
        assert rotated.json["oldSecretUntil"] is None
        assert await status(s, f"Bearer {access}") == 401
        assert await status(s, f"Bearer {fresh}") == 401
        assert (await token(s, oauth)).status == 401
        assert (await token(s, rotated.json)).status == 200


async def test_a_token_does_not_outlive_the_secret_or_the_credential() -> None:
    async with service() as s:
        await s.add_org(7)
        oauth = await make(s, 7, kind="oauth", expiresAt="2026-02-11T09:20:00Z")
        assert (await token(s, oauth)).json["data"]["ttlSeconds"] == 300
        await on(s, "POST", 7, f"/{oauth['id']}/rotate", {"overlapInHours": 1 / 60})
        assert (await token(s, oauth)).json["data"]["ttlSeconds"] == 60


@pytest.mark.parametrize("kind", KINDS)
async def test_a_revocation_is_in_force_at_once_and_for_good(kind: str) -> None:
    async with service() as s:
        await s.add_org(7)
        made = await make(s, 7, kind=kind, **CODES.get(kind, {}))
        auth = await sign_in(s, made)
        assert await status(s, auth) == 200
        gone = await on(s, "DELETE", 7, f"/{made['id']}")
        assert gone.status == 200
        assert gone.json["revokedAt"] == "2026-02-11T09:15:00.000Z"
        assert await status(s, auth) == 401
        s.clock.ms += 5
        assert (await on(s, "DELETE", 7, f"/{made['id']}")).json == gone.json
        for method, rest, body in (
            ("PATCH", "", {"name": "x"}),
            ("POST", "/rotate", {}),
        ):
            told = await on(s, method, 7, f"/{made['id']}{rest}", body)
            assert (told.status, told.json["error"]["code"]) == (409, "revoked")
        again = Service(s.store, s.clock)
        await again.start()
        assert await status(again, auth) == 401


@pytest.mark.parametrize("kind", KINDS)
async def test_an_expiry_holds_although_the_header_is_remembered(kind: str) -> None:
    async with service() as s:
        await s.add_org(7)
        expires = {"expiresAt": "2026-02-11T09:16:00Z"}
        made = await make(s, 7, kind=kind, **expires, **CODES.get(kind, {}))
        auth = await sign_in(s, made)
        s.clock.ms = START_MS + 59_999
        assert await status(s, auth) == 200
        s.clock.ms += 1
        assert await status(s, auth) == 401
        await on(s, "PATCH", 7, f"/{made['id']}", {"expiresAt": None})
        assert await status(s, await sign_in(s, made)) == 200


@pytest.mark.parametrize("kind", KINDS)
async def test_scopes_change_at_once_for_secrets_and_tokens(kind: str) -> None:
    async with service() as s:
        await s.add_org(7)
        made = await make(s, 7, kind=kind, **CODES.get(kind, {}))
        auth = await sign_in(s, made)
        assert await status(s, auth) == 200
        await on(s, "PATCH", 7, f"/{made['id']}", {"scopes": {"logs": "read"}})
        assert await status(s, auth) == 403
        assert await status(s, auth, "/v1/rejections") == 200


async def test_an_orgs_own_credential_manages_its_own_and_gives_no_more_than_it_has() -> None:
    async with service() as s:
        strong = await s.add_org(7)
        lesser = await make(s, 7, strong, scopes={"admin": "write", "logs": "read"})
        auth = login(lesser)
        assert lesser["createdBy"] == "org7"
        same = await make(s, 7, auth, scopes={"logs": "read"})
        beyond: list[dict[str, str]] = [
            {"logs": "write"},
            {"events": "read"},
            {"admin": "write", "webhooks": "read"},
        ]
        for scopes in beyond:
            told = await on(s, "POST", 7, "", {"scopes": scopes}, auth)
            assert (told.status, told.json["error"]["code"]) == (403, "scope_exceeded")
            told = await on(s, "PATCH", 7, f"/{same['id']}", {"scopes": scopes}, auth)
            assert (told.status, told.json["error"]["code"]) == (403, "scope_exceeded")
        stronger = await make(s, 7, strong, scopes={"events": "write"})
        for method, rest, body in (
            ("POST", "/rotate", {}),
            ("PATCH", "", {"expiresAt": None}),
            ("PATCH", "", {"scopes": {}}),
        ):
            told = await on(s, method, 7, f"/{stronger['id']}{rest}", body, auth)
            assert (told.status, told.json["error"]["code"]) == (403, "scope_exceeded")
        assert await status(s, login(stronger), "/v1/rejections") == 403
        assert (await on(s, "DELETE", 7, f"/{stronger['id']}", None, auth)).status == 200


async def test_the_platforms_own_are_hidden_from_the_org_that_they_stand_in() -> None:
    async with service() as s:
        auth = await s.add_org(1)
        listed = (await on(s, "GET", 1, "", None, auth)).json["credentials"]
        assert [row["id"] for row in listed] == ["org1"]
        for method, rest, body in (
            ("GET", "", None),
            ("PATCH", "", {"name": "x"}),
            ("POST", "/rotate", {}),
            ("DELETE", "", None),
        ):
            theirs = await on(s, method, 1, f"/boss{rest}", body, auth)
            nobodys = await on(s, method, 1, f"/bozo{rest}", body, auth)
            assert theirs.status == nobodys.status == 404
            assert theirs.body == nobodys.body.replace(b"bozo", b"boss")
        assert await status(s, "") == 200


async def test_the_last_of_the_platforms_own_stays_whole() -> None:
    async with service() as s:
        told = await on(s, "DELETE", 1, "/boss")
        assert (told.status, told.json["error"]["code"]) == (409, "last_of_platform")
        for body in ({"scopes": READ}, {"expiresAt": "2027-01-01T00:00:00Z"}):
            told = await on(s, "PATCH", 1, "/boss", body)
            assert (told.status, told.json["error"]["code"]) == (409, "platforms_own")
        await s.access.put("spare", "s3cret2", OrgId(1), platform=True, scopes="*")
        assert (await on(s, "DELETE", 1, "/boss")).status == 200
        assert await status(s, "") == 401


async def test_another_orgs_credentials_answer_like_ones_that_are_not_there() -> None:
    async with service() as s:
        auth = await s.add_org(7)
        await s.add_org(8)
        theirs = await make(s, 8)
        for org in (7, 8):
            for method, rest, body in (
                ("GET", "", None),
                ("PATCH", "", {"name": "mine"}),
                ("POST", "/rotate", {}),
                ("DELETE", "", None),
            ):
                told = await on(s, method, org, f"/{theirs['id']}{rest}", body, auth)
                assert told.status == 404
        assert (await on(s, "GET", 8, "", None, auth)).status == 404
        assert (await on(s, "POST", 8, "", {"scopes": READ}, auth)).status == 404
        [_, kept] = (await on(s, "GET", 8, "")).json["credentials"]
        assert kept["name"] == "crm" and kept["revokedAt"] is None
        assert await status(s, login(theirs)) == 200


async def test_changes_at_the_same_time_lose_nothing() -> None:
    async with service() as s:
        await s.add_org(7)
        made = await make(s, 7)
        await asyncio.gather(
            on(s, "PATCH", 7, f"/{made['id']}", {"name": "new"}),
            on(s, "DELETE", 7, f"/{made['id']}"),
            on(s, "PATCH", 7, f"/{made['id']}", {"scopes": ALL}),
        )
        assert await status(s, login(made)) == 401
        seen = (await on(s, "GET", 7, f"/{made['id']}")).json
        assert seen["revokedAt"] and seen["name"] == "new"


async def test_a_store_that_refuses_changes_nothing() -> None:
    async with service() as s:
        await s.add_org(7)
        made = await make(s, 7)
        s.store.down = True
        for method, rest in (("DELETE", ""), ("POST", "/rotate")):
            told = await on(s, method, 7, f"/{made['id']}{rest}", {})
            assert (told.status, told.json["error"]["code"]) == (503, "store_down")
        assert await status(s, login(made)) == 200


async def test_last_uses_are_written_behind_the_calls() -> None:
    async with service() as s:
        await s.add_org(7)
        made = await make(s, 7)
        s.clock.ms += 5_000
        await status(s, login(made))

        async def stored() -> int | None:
            found: dict[str, int | None] = {
                credential.id: credential.used_ms
                for credential in (await s.store.load()).credentials
            }
            return found[made["id"]]

        assert await stored() is None
        s.store.down = True
        with pytest.raises(Exception, match="disk is full"):
            await s.access_services.upkeep.write()
        s.store.down = False
        await s.access_services.upkeep.write()
        assert await stored() == START_MS + 5_000
        assert s.access.uses() == []
        seen = await on(s, "GET", 7, f"/{made['id']}")
        assert seen.json["lastUsedAt"] == "2026-02-11T09:15:05.000Z"


async def test_guessing_a_tills_password_is_slowed_down_and_the_till_works_on() -> None:
    async with service() as s:
        await s.add_org(7)
        made = await make(s, 7, kind="till", code="acme.01")
        assert await status(s, login(made)) == 200
        tried = [await status(s, basic("acme.01", f"{n:032x}")) for n in range(80)]
        assert tried[:60] == [401] * 60 and set(tried[60:]) == {429}
        assert await status(s, login(made)) == 200, "who is known is remembered"
        s.clock.ms += 1_000
        assert await status(s, basic("acme.01", "0" * 32)) == 401


async def test_the_callers_attribution_is_that_of_the_headers_or_its_own() -> None:
    async with service() as s:
        auth = await s.add_org(7)
        body = {
            "name": "a",
            "eventNames": ["pointsIssued"],
            "webHookUrl": "https://a.example/",
            "maxAllowedConnections": 1,
        }
        made = await s.call(
            "POST", WEBHOOKS, body, auth, X_CAP_API_ATTRIBUTION_ENTITY_CODE="till.9"
        )
        by = made.json["data"]["attribution"]["createdBy"]
        assert by == {
            "id": number_of("till.9"),
            "code": "till.9",
            "description": "",
            "name": "till.9",
            "type": "TILL",
        }
        plain = await s.call("POST", WEBHOOKS, body | {"name": "b"}, auth)
        by = plain.json["data"]["attribution"]["createdBy"]
        assert (by["code"], by["type"]) == ("org7", "ADMIN_USER")
        odd = await s.call("POST", WEBHOOKS, body, auth, X_CAP_API_ATTRIBUTION_ENTITY_TYPE="SHOP")
        assert odd.status == 400


async def test_nothing_secret_is_shown_by_what_holds_it() -> None:
    async with service() as s:
        await s.add_org(7)
        made = await make(s, 7)
        proof = s.access.prove(made["id"], made["secret"])
        assert proof is not None
        shown = repr(proof) + repr(vars(s.access)["_remembered"])
        assert made["secret"] not in shown
        digest = hashlib.sha256(made["secret"].encode()).digest()
        assert repr(digest) not in repr(proof)
