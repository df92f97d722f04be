"""`/v1/incidents`: listed, shown and acknowledged; an org sees and touches its own alone."""

from typing import Any

import pytest

from tests.api.control_client import Service, service
from tests.api.v1.webhooks.failing_webhooks import HOSTILE, opened
from tidings.core.ids import OrgId, show
from tidings.core.incidents.acknowledgement import NOTE_MAX
from tidings.store.port import StoreDown

ORG = OrgId(7)


async def listed(s: Service, query: str = "", auth: str = "", **headers: str) -> Any:
    reply = await s.call("GET", f"/v1/incidents{query}", None, auth, **headers)
    assert reply.status == 200, reply.body
    return reply.json


def ids(page: Any) -> list[str]:
    return [incident["id"] for incident in page["incidents"]]


async def test_an_incident_is_listed_and_shown_with_what_is_known_of_it() -> None:
    async with service() as s:
        own = await s.add_org(7)
        id = await opened(s, 7)
        [shown] = (await listed(s, "", own))["incidents"]
        assert (shown["id"], shown["kind"], shown["state"]) == (id, "failing", "open")
        assert (shown["orgId"], shown["webHookName"], shown["cause"]) == (7, "CRM", "refused")
        assert shown["sentence"] == (
            "Nothing gets through: its receiver has been refusing connections."
        )
        assert shown["acknowledged"] is None and shown["endedAt"] is None
        reply = await s.call("GET", f"/v1/incidents/{id}", None, own)
        assert reply.json == shown
        hook = (await s.call("GET", f"/v3/webHooks/{shown['webHookId']}", None, own)).json["data"]
        assert hook["incident"] == {
            "id": id,
            "kind": "failing",
            "since": shown["since"],
            "acknowledgedAt": None,
        }


async def test_an_org_sees_and_acknowledges_its_own_alone_and_the_platform_those_of_all() -> None:
    async with service() as s:
        seven, eight = await s.add_org(7), await s.add_org(8, parent=7)
        of_seven, of_eight = await opened(s, 7), await opened(s, 8)
        assert ids(await listed(s, "", seven)) == [of_seven]
        assert ids(await listed(s, "", eight)) == [of_eight]
        assert ids(await listed(s)) == sorted([of_seven, of_eight], reverse=True)
        assert ids(await listed(s, x_tidings_org="8")) == [of_eight]
        for method, body in (("GET", None), ("PATCH", {"note": "ours"})):
            there, nowhere = [
                await s.call(method, f"/v1/incidents/{id}", body, seven)
                for id in (of_eight, show("inc", 5))
            ]
            assert (there.status, nowhere.status) == (404, 404)
            assert there.json["error"]["code"] == nowhere.json["error"]["code"]
        assert (await listed(s, "", eight))["incidents"][0]["acknowledged"] is None
        reply = await s.call("PATCH", f"/v1/incidents/{of_eight}", {"note": "seen"})
        assert reply.status == 200 and reply.json["acknowledged"]["note"] == "seen"


async def test_filters_and_pages_of_incidents() -> None:
    async with service() as s:
        own = await s.add_org(7)
        await s.add_org(8)
        made = [await opened(s, 7, name) for name in ("a", "b", "c")]
        other = (await opened(s, 8), (await listed(s, x_tidings_org="8"))["incidents"][0])
        newest = sorted(made, reverse=True)
        first = await listed(s, "?limit=2", own)
        assert ids(first) == newest[:2]
        second = await listed(s, f"?limit=2&cursor={first['paging']['next']}", own)
        assert ids(second) == newest[2:] and second["paging"]["next"] is None
        hook = first["incidents"][0]["webHookId"]
        assert ids(await listed(s, f"?webHookId={hook}", own)) == newest[:1]
        assert ids(await listed(s, f"?webHookId={hook}")) == newest[:1]
        assert ids(await listed(s, f"?webHookId={other[1]['webHookId']}", own)) == []
        assert ids(await listed(s, "?cursor=", own)) == newest
        assert ids(await listed(s, "?kind=degraded", own)) == []
        assert ids(await listed(s, "?state=ended", own)) == []
        s.parts.delivery.engine.healths.good(s.webhooks.list(OrgId(7))[0].webhook.number)
        await s.parts.delivery.incidents.review()
        [ended] = (await listed(s, "?state=ended", own))["incidents"]
        assert (ended["id"], ended["endReason"]) == (made[0], "recovered")
        assert ids(await listed(s, "?state=open&kind=failing", own)) == newest[:2]


async def test_what_is_not_written_yet_is_listed_by_what_it_is_and_not_by_what_it_was() -> None:
    async with service() as s:
        own, other = await s.add_org(7), await s.add_org(8)
        made = [await opened(s, 7, name) for name in ("a", "b", "c")]
        tracker = s.parts.delivery.incidents
        put = tracker._store.put_incidents

        async def down(incidents: object) -> None:
            raise StoreDown("full")

        tracker._store.put_incidents = down  # type: ignore[method-assign]
        hooks = {record.webhook.name: record.webhook.number for record in s.webhooks.list(ORG)}
        s.parts.delivery.engine.healths.good(hooks["c"])
        made.append(await opened(s, 7, "d", load=False))
        newest = sorted(made, reverse=True)
        ended = made[2]
        still = [id for id in newest if id != ended]
        assert ids(await listed(s, "?state=open", own)) == still
        first = await listed(s, "?state=open&limit=2", own)
        assert ids(first) == still[:2]
        second = await listed(s, f"?state=open&limit=2&cursor={first['paging']['next']}", own)
        assert ids(second) == still[2:]
        assert ids(await listed(s, "?state=ended", own)) == [ended]
        assert ids(await listed(s, "", own)) == newest
        assert ids(await listed(s, "?kind=degraded", own)) == ids(await listed(s, "", other)) == []
        for id, auth, status in ((made[3], own, 200), (made[3], other, 404)):
            assert (await s.call("GET", f"/v1/incidents/{id}", None, auth)).status == status
        tracker._store.put_incidents = put  # type: ignore[method-assign]
        await tracker.write()
        assert ids(await listed(s, "?state=open", own)) == still
        assert ids(await listed(s, "?state=ended", own)) == [ended]


@pytest.mark.parametrize("query", ["?state=gone", "?kind=bad", "?limit=0", "?cursor=x", "?a=b"])
async def test_a_question_that_is_not_known_is_refused(query: str) -> None:
    async with service() as s:
        reply = await s.call("GET", f"/v1/incidents{query}")
        assert reply.status == 400 and reply.json["error"]["code"]


async def test_who_acknowledges_is_noted_audited_and_outlives_the_next_review() -> None:
    async with service() as s:
        own = await s.add_org(7)
        id = await opened(s, 7)
        path = f"/v1/incidents/{id}"
        assert (await s.call("PATCH", path, None, own)).json["acknowledged"]["note"] == ""
        reply = await s.call("PATCH", path, {"note": HOSTILE}, own)
        acknowledged = reply.json["acknowledged"]
        assert (acknowledged["by"], acknowledged["note"]) == ("org7", HOSTILE)
        await s.parts.delivery.incidents.review()
        assert (await s.call("GET", path, None, own)).json["acknowledged"] == acknowledged
        entries = (await s.call("GET", "/v1/audit?action=incident.acknowledged", None, own)).json
        assert [written["object"]["id"] for written in entries["entries"]] == [id, id]


async def test_what_cannot_be_acknowledged_changes_nothing() -> None:
    async with service() as s:
        own, reads = await s.add_org(7), "webhooks:read"
        id = await opened(s, 7)
        path = f"/v1/incidents/{id}"
        for body in ({"note": "x" * (NOTE_MAX + 1)}, {"note": 5}, {"text": "x"}, b"[]"):
            assert (await s.call("PATCH", path, body, own)).status == 400, body
        other = await s.add_org(9, "logs:read")
        assert (await s.call("GET", path, None, other)).status == 403
        reader = await s.add_org(7, reads)
        assert (await s.call("PATCH", path, {"note": "x"}, reader)).status == 403

        async def down(incidents: object) -> None:
            raise StoreDown("full")

        s.parts.delivery.incidents._store.put_incidents = down  # type: ignore[method-assign]
        assert (await s.call("PATCH", path, {"note": "x"})).status == 503
        assert (await s.call("GET", path, None, reader)).json["acknowledged"] is None
