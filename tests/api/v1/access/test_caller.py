"""`GET /v1/caller`: a credential learns who it is and for which org it acts."""

from tests.api.control_client import basic, service
from tidings.core.access.scopes import RESOURCES

EVERYTHING = dict.fromkeys(RESOURCES, "write")


async def test_a_credential_learns_its_own_org_without_any_scope() -> None:
    async with service() as s:
        await s.add_org(7)
        body = {"name": "reader", "scopes": {"logs": "read"}}
        made = (await s.call("POST", "/v1/orgs/7/credentials", body)).json
        auth = basic(made["id"], made["secret"])
        reply = await s.call("GET", "/v1/caller", auth=auth)
        assert reply.status == 200
        assert reply.json == {
            "credential": made["id"],
            "kind": "key",
            "name": "reader",
            "platform": False,
            "orgId": 7,
            "scopes": dict.fromkeys(EVERYTHING, "none") | {"logs": "read"},
            "expiresAt": None,
        }
        assert made["secret"].encode() not in reply.body
        refused = await s.call("GET", "/v1/caller", auth=auth, x_tidings_org="1")
        assert refused.status == 403


async def test_the_platform_s_is_told_the_org_that_it_acts_for() -> None:
    async with service() as s:
        await s.add_org(7)
        own = (await s.call("GET", "/v1/caller")).json
        assert (own["platform"], own["orgId"], own["scopes"]) == (True, 1, EVERYTHING)
        acting = (await s.call("GET", "/v1/caller", x_tidings_org="7")).json
        assert (acting["credential"], acting["orgId"]) == (own["credential"], 7)


async def test_who_is_not_known_is_401() -> None:
    async with service() as s:
        for auth in (None, basic("boss", "wrong")):
            assert (await s.call("GET", "/v1/caller", auth=auth)).status == 401
