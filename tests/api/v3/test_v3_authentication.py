"""`authentication` of a webhook over the API: taken whole, shown by its end, changed as a whole."""

from typing import Any

from tests.api.control_client import BASIC, Service, service

SECRET = "s3cret-0123456789"
KEY = {"type": "apiKey", "header": "X-Api-Key", "value": SECRET}
OAUTH = {
    "type": "oauth2ClientCredentials",
    "tokenUrl": "https://id.example/token",
    "clientId": "tidings",
    "clientSecret": SECRET,
}


async def make(s: Service, **fields: Any) -> Any:
    reply = await s.call("POST", "/v3/webHooks", BASIC | {"webHookHeaders": {}} | fields)
    assert reply.status == 200, reply.body
    return reply.json["data"]


async def test_it_is_shown_by_its_end_and_kept_whole() -> None:
    async with service() as s:
        made = await make(s, authentication=OAUTH)
        optional = {"scope": None, "audience": None}
        said = {"clientSecret": "…6789", "clientAuthentication": "client_secret_basic"}
        assert made["authentication"] == OAUTH | said | optional
        path = f"/v3/webHooks/{made['webHookId']}"
        shown = (await s.call("GET", path)).json["data"]
        assert shown["authentication"] == made["authentication"]
        again = await s.call("PUT", path, shown)
        assert again.status == 200, again.body
        assert s.changed[-1].authentication == s.changed[0].authentication
        assert SECRET not in again.body.decode() and SECRET not in repr(s.changed)


async def test_a_patch_sets_it_as_a_whole_and_null_takes_it_away() -> None:
    async with service() as s:
        made = await make(s, authentication=OAUTH)
        path = f"/v3/webHooks/{made['webHookId']}"
        part = await s.call("PATCH", path, {"authentication": {"scope": "events"}})
        assert part.status == 400
        assert part.json["errors"][0]["code"] == "bad_authentication"
        other = await s.call("PATCH", path, {"authentication": KEY})
        assert other.json["data"]["authentication"] == KEY | {"value": "…6789"}
        none = await s.call("PATCH", path, {"authentication": None})
        assert none.json["data"]["authentication"] is None


async def test_a_stored_secret_does_not_go_elsewhere() -> None:
    async with service() as s:
        made = await make(s, authentication=OAUTH)
        path = f"/v3/webHooks/{made['webHookId']}"
        evil = made["authentication"] | {"tokenUrl": "https://evil.example/token"}
        for patch in ({"webHookUrl": "https://evil.example/"}, {"authentication": evil}):
            reply = await s.call("PATCH", path, patch)
            assert reply.status == 400
            assert [row["code"] for row in reply.json["errors"]] == ["credentials_stay"]
