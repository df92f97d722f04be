"""`/v1/connections`: an org sees what it may name, and nothing of where it leads."""

from tests.api.control_client import Service, basic, service
from tests.declared_connections import SECRET, SERVERS
from tests.openapi.world import SOURCE
from tidings.core.ids import OrgId

BOSS = basic("boss", "s3cret")


async def names(s: Service, auth: str) -> list[str]:
    told = (await s.call("GET", "/v1/connections", auth=auth)).json
    return [row["name"] for row in told["connections"]]


async def login(s: Service, scopes: str) -> str:
    await s.access.put("some", "secret", OrgId(7), platform=False, scopes=scopes)
    return basic("some", "secret")


async def source(s: Service, name: str, org: int) -> None:
    caller = s.access.caller_of("boss")
    kafka = {"topics": ["a"]}
    body: dict[str, object] = {"type": "kafka", "connection": "main", "kafka": kafka}
    await s.parts.sources.sources.create(s.access.acting(caller, str(org)), body | {"name": name})


async def webhook(s: Service, auth: str, name: str) -> str:
    body = {"eventNames": ["pointsIssued"], "maxAllowedConnections": 1, "webHookType": "KAFKA"}
    body |= {"name": name, "connection": "main", "kafka": {"topic": "loyalty"}}
    made = await s.call("POST", "/v3/webHooks", body, auth=auth)
    assert made.status == 200, made.body
    return str(made.json["data"]["webHookId"])


async def test_an_org_sees_those_that_it_may_name_and_the_platform_all() -> None:
    async with service() as s:
        assert await names(s, await s.add_org(7)) == ["broken", "main"]
        assert await names(s, await s.add_org(3001)) == ["bravo-kafka", "broken", "main"]
        assert len(await names(s, BOSS)) == 6
        for name, status in (("main", 200), ("own", 404), ("bravo-kafka", 404), ("x" * 99, 404)):
            auth = await s.add_org(7)
            assert (await s.call("GET", f"/v1/connections/{name}", auth=auth)).status == status
            told = await s.call("POST", f"/v1/connections/{name}/check", auth=auth)
            assert told.status == status
            s.clock.ms += 1000


async def test_a_tenant_is_shown_what_it_is_and_who_of_it_goes_over_it_and_no_more() -> None:
    async with service() as s:
        auth = await s.add_org(7)
        await s.add_org(8)
        await source(s, "loyalty", 7)
        await source(s, "orders", 8)
        await webhook(s, auth, "crm")
        gone = await webhook(s, auth, "gone")
        assert (await s.call("DELETE", f"/v3/webHooks/{gone}", auth=auth)).status == 200
        told = (await s.call("GET", "/v1/connections/main", auth=auth)).json
        assert told == {
            "name": "main",
            "type": "kafka",
            "default": False,
            "openTo": "all",
            "orgs": None,
            "fields": None,
            "sources": ["loyalty"],
            "webhooks": ["crm"],
            "everywhere": None,
            "lastCheck": None,
            "warnings": [],
        }
        told = (await s.call("GET", "/v1/connections/main", auth=BOSS, x_tidings_org="7")).json
        assert told["sources"] == ["loyalty"]
        assert told["everywhere"] == {"orgs": 2, "sources": 2, "webhooks": 1}
        assert told["fields"] == {"servers": SERVERS, "username": "tidings"}
        told = (await s.call("GET", "/v1/connections/bravo-kafka", auth=BOSS)).json
        assert (told["openTo"], told["orgs"]) == ("some", [3001])
        told = (await s.call("GET", "/v1/connections/own", auth=BOSS)).json
        assert (told["openTo"], told["orgs"]) == ("platform", [])


async def test_what_came_of_a_check_is_told_and_kept() -> None:
    async with service() as s:
        auth = await s.add_org(7)
        told = (await s.call("POST", "/v1/connections/main/check", auth=auth)).json
        assert told["works"] is True and told["message"] == "It works."
        soon = await s.call("POST", "/v1/connections/main/check", auth=auth)
        assert soon.status == 429 and soon.json["error"]["code"] == "too_many_checks"
        assert soon.headers["retry-after"] == "1"
        s.clock.ms += 1000
        broken = (await s.call("POST", "/v1/connections/broken/check", auth=auth)).json
        assert broken["works"] is False and "must answer; it does not" in broken["message"]
        listed = (await s.call("GET", "/v1/connections", auth=auth)).json["connections"]
        assert [row["lastCheck"] for row in listed] == [broken, told]


async def test_nothing_secret_is_told_to_anybody() -> None:
    async with service() as s:
        auth = await s.add_org(7)
        for who in (auth, BOSS):
            for path in ("", "/main", "/broken"):
                body = (await s.call("GET", f"/v1/connections{path}", auth=who)).body.decode()
                assert SECRET not in body and "db.internal" not in body
                assert (SERVERS in body) is (who == BOSS and path != "/broken")


async def test_who_sees_sources_or_webhooks_sees_connections_and_what_of_them_it_may() -> None:
    async with service() as s:
        await s.add_org(7)
        await source(s, "loyalty", 7)
        for scopes, sources, webhooks, checks in (
            ("sources:read", ["loyalty"], None, 403),
            ("webhooks:read", None, [], 403),
            ("webhooks:write", None, [], 200),
            ("sources:write", ["loyalty"], None, 200),
        ):
            auth = await login(s, scopes)
            told = (await s.call("GET", "/v1/connections/main", auth=auth)).json
            assert (told["sources"], told["webhooks"]) == (sources, webhooks), scopes
            told_of = await s.call("POST", "/v1/connections/main/check", auth=auth)
            assert told_of.status == checks, scopes
            s.clock.ms += 1000
        refused = await s.call("GET", "/v1/connections", auth=await login(s, "logs:read"))
        assert refused.status == 403 and "sources:read or webhooks:read" in refused.body.decode()


async def test_a_source_over_a_connection_of_another_org_is_refused_as_one_that_is_not_there() -> (
    None
):
    async with service() as s:
        auth = await s.add_org(7)
        body = SOURCE | {"name": "x", "type": "kafka", "kafka": {"topics": ["a"]}}
        body.pop("verification")
        said = set()
        for name in ("bravo-kafka", "nobody-kafka"):
            told = await s.call("POST", "/v1/sources", body | {"connection": name}, auth=auth)
            said.add(told.body.decode().replace(name, "…"))
        assert len(said) == 1 and "unknown_connection" in said.pop()
