"""Incidents of several cells are one list; one is found and acknowledged where its org lives."""

from tests.api.v1.webhooks.failing_webhooks import opened
from tests.app.cells.several_cells import TWO, several_cells
from tests.engine.audit.kept_log import entries_of


async def test_incidents_of_all_cells_are_one_list_and_acknowledged_where_they_are() -> None:
    async with several_cells() as members:
        one, two = (member.service for member in members)
        await one.add_org(7)
        await two.add_org(8)
        made = [await opened(one, 7), await opened(two, 8)]
        page = (await one.call("GET", "/v1/incidents")).json
        found = [incident["id"] for incident in page["incidents"]]
        assert found == sorted(made, reverse=True) and "missingCells" not in page
        first = (await one.call("GET", "/v1/incidents?limit=1")).json
        second = (await one.call("GET", f"/v1/incidents?cursor={first['paging']['next']}")).json
        assert [first["incidents"][0]["id"], second["incidents"][0]["id"]] == found
        path = f"/v1/incidents/{made[1]}"
        acknowledged = await one.call("PATCH", path, {"note": "the cable"})
        assert acknowledged.status == 200, acknowledged.body
        for asked in (one, two):
            assert (await asked.call("GET", path)).json == acknowledged.json
        [entry] = [kept for kept in entries_of(two.store, 8) if kept.object == made[1]]
        assert entry.action == "incident.acknowledged"
        assert entry.actor == acknowledged.json["acknowledged"]["by"]


async def test_while_a_cell_is_away_its_incidents_are_missing_and_not_called_unknown() -> None:
    async with several_cells(answer_s_least=0.2) as members:
        one, two = (member.service for member in members)
        await one.add_org(7)
        await two.add_org(8)
        own, other = await opened(one, 7), await opened(two, 8)
        await members[1].door.stop(0.1)
        page = (await one.call("GET", "/v1/incidents")).json
        assert [incident["id"] for incident in page["incidents"]] == [own]
        assert page["missingCells"] == [TWO]
        for method, body in (("GET", None), ("PATCH", {"note": "x"})):
            reply = await one.call(method, f"/v1/incidents/{other}", body)
            assert (reply.status, reply.json["error"]["code"]) == (503, "cell_away")
            assert reply.headers["retry-after"]
            assert (await one.call(method, f"/v1/incidents/{own}", body)).status == 200
