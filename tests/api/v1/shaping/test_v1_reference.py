"""`/v1/reference`: records kept, listed and loaded, each org by itself."""

import asyncio
import json
from typing import Any

import pytest

from tests.api.control_client import BASIC, Reply, Service, basic, scope_of, service
from tidings.core.shaping.reference_rules import KINDS

RECORD = {"mobile": "15550100", "email": "asha@example.test", "cardNumbers": ["6000"]}
NDJSON = "application/x-ndjson"


async def load(s: Service, kind: str, body: bytes, type: str = NDJSON, **more: Any) -> Reply:
    return await s.call("POST", f"/v1/reference/{kind}:load", body, content_type=type, **more)


async def told(reply: Reply, status: int) -> dict[str, Any]:
    assert reply.status == status, reply.body
    error: dict[str, Any] = reply.json["error"]
    assert f"({error['code']}, " in error["message"] and " must " in error["message"]
    return error


async def test_a_record_is_kept_replaced_whole_and_deleted() -> None:
    async with service() as s:
        path = "/v1/reference/customers/41200777"
        made = await s.call("PUT", path, RECORD | {"shoe": 43})
        assert (made.status, made.json) == (201, {"id": "41200777", "ignoredFields": ["shoe"]})
        assert (await s.call("GET", path)).json == {"id": "41200777"} | RECORD
        assert (await s.call("PUT", path, {"id": 41200777, "email": "b"})).status == 200
        assert (await s.call("GET", path)).json == {"id": "41200777", "email": "b"}
        assert (await s.call("DELETE", path)).status == 204
        assert (await told(await s.call("GET", path), 404))["code"] == "not_found"
        await told(await s.call("DELETE", path), 404)


@pytest.mark.parametrize("id", ["a%2Fb", "a/b", "x%20y", "%C3%BC", "load:me"])
async def test_an_id_may_hold_what_a_path_may_not(id: str) -> None:
    async with service() as s:
        from urllib.parse import unquote  # noqa: PLC0415

        path = f"/v1/reference/stores/{unquote(id)}"
        assert (await s.call("PUT", path, {"name": "n"})).status == 201
        assert (await s.call("GET", path)).json["id"] == unquote(id)


async def test_what_cannot_be_kept_is_refused_in_words() -> None:
    async with service() as s:
        path = "/v1/reference/customers/7"
        assert (await told(await s.call("PUT", path, {}), 400))["code"] == "empty_record"
        error = await told(await s.call("PUT", path, {"mobile": 15550100}), 400)
        assert error["path"] == "mobile" and "15550100" not in error["message"]
        wrong = await told(await s.call("PUT", path, RECORD | {"id": 8}), 400)
        assert wrong["code"] == "other_id"
        await told(await s.call("PUT", path, b"[]"), 400)
        await told(await s.call("PUT", f"/v1/reference/customers/{'x' * 129}", RECORD), 400)
        for method in ("GET", "PUT", "DELETE"):
            body = RECORD if method == "PUT" else None
            refusal = await told(await s.call(method, "/v1/reference/shoes/7", body), 400)
            assert refusal["code"] == "unknown_kind"


async def test_a_page_follows_the_last_one_and_counts_all() -> None:
    async with service() as s:
        body = b"".join(b'{"id":%d,"name":"n%d"}\n' % (n, n) for n in range(25))
        assert (await load(s, "stores", body)).json["loaded"] == 25
        seen: list[str] = []
        after = ""
        while after is not None:
            page = (await s.call("GET", f"/v1/reference/stores?limit=10&after={after}")).json
            assert page["count"] == 25
            seen += [row["id"] for row in page["records"]]
            after = page["next"]
        assert seen == sorted(map(str, range(25)))
        assert page["records"][-1] == {"id": "9", "record": {"name": "n9"}}
        empty = (await s.call("GET", "/v1/reference/tills")).json
        paging = {"limit": 100, "next": None, "previous": None}
        assert empty == {"count": 0, "records": [], "next": None, "paging": paging}
        await told(await s.call("GET", "/v1/reference/stores?limit=0"), 400)


@pytest.mark.parametrize("kind", KINDS)
async def test_an_org_sees_and_changes_nothing_of_another(kind: str) -> None:
    async with service() as s:
        other = await s.add_org(2)
        field = "mobile" if kind == "customers" else "name"
        path = f"/v1/reference/{kind}/7"
        assert (await s.call("PUT", path, {field: "ours"})).status == 201
        assert (await s.call("GET", path, auth=other)).status == 404
        assert (await s.call("DELETE", path, auth=other)).status == 404
        listed = await s.call("GET", f"/v1/reference/{kind}", auth=other)
        assert listed.json["count"] == 0 and listed.json["records"] == []
        theirs = await load(s, kind, b'{"id":7,"%s":"theirs"}' % field.encode(), auth=other)
        assert theirs.json["loaded"] == 1
        assert (await s.call("GET", path)).json[field] == "ours"


@pytest.mark.parametrize("kind", KINDS)
async def test_scopes_are_asked_for(kind: str) -> None:
    async with service() as s:
        reader = await s.add_org(3, "reference:read")
        none = await s.add_org(4, "webhooks:write")
        path = f"/v1/reference/{kind}/7"
        assert (await s.call("GET", path, auth=reader)).status == 404
        for method, body in (("PUT", {"name": "t"}), ("DELETE", None)):
            assert (await s.call(method, path, body, auth=reader)).status == 403
        assert (await load(s, kind, b"", auth=reader)).status == 403
        assert (await s.call("GET", path, auth=none)).status == 403
        assert (await s.call("GET", path, auth=None)).status == 401
        assert (await s.call("GET", path, auth=basic("no", "body"))).status == 401


async def test_a_load_tells_what_became_of_each_row() -> None:
    async with service() as s:
        body = b"id,code,name,colour\n1,t1,Till 1,red\n2,t2\n,t3,Till 3,\n1,t1b,Till 1,\n"
        reply = await load(s, "tills", body, "text/csv")
        assert reply.status == 200
        done = reply.json
        assert (done["loaded"], done["new"], done["refused"]) == (2, 1, 2)
        assert [(e["line"], e["code"]) for e in done["errors"]] == [
            (3, "bad_csv"),
            (4, "bad_id"),
        ]
        assert done["ignoredFields"] == ["colour"]
        assert (await s.call("GET", "/v1/reference/tills/1")).json["code"] == "t1b"


async def test_a_load_that_cannot_go_on_says_how_far_it_came() -> None:
    async with service() as s:
        await told(await load(s, "tills", b"{}", "application/json"), 415)
        await told(await load(s, "shoes", b"{}"), 400)
        bad = await told(await load(s, "tills", b"code,name\n", "text/csv"), 400)
        assert "0 rows were stored and stay" in bad["message"]
        s.store.down = True
        down = await load(s, "tills", b'{"id":1,"code":"t"}')
        await told(down, 503)
        assert down.headers["retry-after"] == "5"


async def test_a_caller_that_goes_in_the_middle_leaves_whole_rows() -> None:
    async with service() as s:
        rows = b"".join(b'{"id":%d,"name":"n"}\n' % n for n in range(1000))
        parts = [rows[at : at + 5000] for at in range(0, 15_000, 5000)]
        sent: list[Any] = []

        async def receive() -> Any:
            await asyncio.sleep(0)
            if parts:
                return {"type": "http.request", "body": parts.pop(0), "more_body": True}
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)

        headers = {"authorization": basic("boss", "s3cret"), "content-type": NDJSON}
        await s.app(scope_of("POST", "/v1/reference/stores:load", headers), receive, send)
        assert sent == []
        page = (await s.call("GET", "/v1/reference/stores?limit=1000")).json
        assert 0 < page["count"] < 1000
        assert all(row["record"] == {"name": "n"} for row in page["records"])
        assert len(page["records"]) == page["count"]


async def test_a_webhook_says_what_to_do_when_the_platform_is_down() -> None:
    async with service() as s:
        body = BASIC | {
            "enrichmentWhenDown": "wait",
            "customerIdentifiersToBeEnriched": ["Instore", "Nowhere"],
            "tillDetailsEnrichmentEnabled": True,
        }
        reply = await s.call("POST", "/v3/webHooks", body)
        assert reply.status == 200, reply.body
        assert [w["code"] for w in reply.json["warnings"]] == ["unknown_source"]
        data = reply.json["data"]
        assert data["enrichmentWhenDown"] == "wait"
        webhook = s.changed[-1].enrichment
        assert webhook.wait and webhook.till and webhook.sources == ("instore",)
        path = f"/v3/webHooks/{data['webHookId']}"
        off = await s.call("PUT", path, {"enrichmentWhenDown": None})
        assert off.json["data"]["enrichmentWhenDown"] == "thin"
        assert not s.changed[-1].enrichment.wait and s.changed[-1].enrichment.till
        bad = await s.call("PUT", path, {"enrichmentWhenDown": "later"})
        assert bad.status == 400
        assert "must be thin or wait" in json.dumps(bad.json)
