"""What is asked of all cells at once: whole, or with those named that have not answered."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.api.control_client import Service, event, service
from tests.app.cells.several_cells import (
    NOBODY,
    ONE,
    THREE,
    TWO,
    FixedMap,
    Member,
    door_of,
    several_cells,
)
from tests.console.webhook_client import Pages, text
from tests.door.support import HERE
from tests.server.support import reply
from tidings.core.ids import OrgId
from tidings.engine.delivery.stops import EVERYTHING
from tidings.store import port


async def add_orgs(member: Member, *orgs: int) -> None:
    for org in orgs:
        await member.service.orgs.create(f"Org {org}", org)


async def pages(member: Member | Service, limit: int) -> list[list[int]]:
    """The ids of all orgs, page by page."""
    found, cursor = [], ""
    while True:
        query = f"?limit={limit}" + (f"&cursor={cursor}" if cursor else "")
        answer = (await member.call("GET", f"/v1/orgs{query}")).json
        found.append([org["id"] for org in answer["orgs"]])
        cursor = answer["paging"]["next"]
        if cursor is None:
            return found


async def test_orgs_of_all_cells_come_in_one_order_at_each_process() -> None:
    async with several_cells((ONE, TWO, THREE)) as members:
        one, two, three = members
        await add_orgs(one, 10, 40)
        await add_orgs(two, 20, 50)
        await add_orgs(three, 30, 60)
        every = [10, 20, 30, 40, 50, 60]
        for member in members:
            whole = (await member.call("GET", "/v1/orgs")).json
            assert [org["id"] for org in whole["orgs"]][1:] == every  # beside org 1 of each
            assert whole["paging"]["next"] is None and "missingCells" not in whole
            assert await pages(member, 3) == [[1, 10, 20], [30, 40, 50], [60]]
        shown = (await one.call("GET", "/v1/orgs?limit=1&cursor=49")).json["orgs"]
        assert shown == [(await two.call("GET", "/v1/orgs/50")).json]


async def test_one_cell_lists_all_and_asks_nobody() -> None:
    async with service() as one:
        for org in range(2, 30):
            await one.orgs.create(f"Org {org}", org)
        whole = (await one.call("GET", "/v1/orgs")).json
        assert len(whole["orgs"]) == 29
        assert whole["paging"] == {"limit": None, "next": None, "previous": None}
        assert [len(page) for page in await pages(one, 10)] == [10, 10, 9]
        bad = await one.call("GET", "/v1/orgs?cursor=abc")
        assert bad.status == 400 and bad.json["error"]["code"] == "bad_cursor"


async def silent(scope: Any, receive: Any, send: Any) -> None:
    await asyncio.Event().wait()


async def cut(scope: Any, receive: Any, send: Any) -> None:
    raise RuntimeError("in the middle")


def answering(status: int, body: bytes) -> Callable[..., Any]:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await reply(send, status, body)

    return app


NONSENSE = {
    "silent": silent,
    "broken": cut,
    "not JSON": answering(200, b"<html>"),
    "another form": answering(200, b'{"orgs":[["a",1]],"has_more":true}'),
    "of another release": answering(404, b""),
    "store down": answering(503, b""),
    "too long": answering(200, b'{"orgs":[],"has_more":"' + b"a" * (5 << 20) + b'"}'),
}


@pytest.mark.parametrize("how", NONSENSE)
async def test_an_owner_without_an_answer_is_named_and_the_others_are_there(how: str) -> None:
    fixed = FixedMap()
    least_s = 0.0 if how == "silent" else 60.0
    async with several_cells((ONE, TWO), fixed, answer_s_least=least_s) as (one, two):
        await add_orgs(two, 20)
        async with door_of(THREE, NONSENSE[how]) as door:
            fixed.own(THREE, f"{HERE}:{door.port}")
            await one.installation.reader.look()
            answer = (await one.call("GET", "/v1/orgs")).json
        if how != "silent":  # as long as its time is short, the other one may be late as well
            assert [org["id"] for org in answer["orgs"]] == [1, 20]
            assert answer["missingCells"] == [3]
        assert 3 in answer["missingCells"]
        assert one.installation.lines.held == 0


async def test_an_owner_that_is_gone_is_named_and_its_orgs_come_when_it_is_back() -> None:
    fixed = FixedMap()
    async with several_cells((ONE, TWO), fixed) as (one, two):
        await add_orgs(one, 10, 30)
        await add_orgs(two, 20, 40)
        here = fixed.owners[TWO].address
        fixed.own(TWO, NOBODY, epoch=2)
        await one.installation.reader.look()
        first = (await one.call("GET", "/v1/orgs?limit=2")).json
        assert [org["id"] for org in first["orgs"]] == [1, 10]
        assert first["missingCells"] == [2]
        fixed.own(TWO, here, epoch=3)  # heard of in the middle of the next call
        cursor = first["paging"]["next"]
        second = (await one.call("GET", f"/v1/orgs?limit=3&cursor={cursor}")).json
        assert [org["id"] for org in second["orgs"]] == [1, 20, 30]  # 1: each has one of its own
        assert "missingCells" not in second
        fixed.own(TWO, "", epoch=4)  # let go: nobody is asked
        await one.installation.reader.look()
        assert (await one.call("GET", "/v1/orgs")).json["missingCells"] == [2]


async def test_answers_that_are_too_long_together_are_left_out_by_name() -> None:
    async with several_cells((ONE, TWO, THREE), bytes_max=700) as (one, two, three):
        await add_orgs(two, 20)
        await add_orgs(three, 30)
        answer = (await one.call("GET", "/v1/orgs")).json
        assert answer["missingCells"] in ([2], [3], [2, 3])
        assert len(answer["orgs"]) >= 1


async def test_questions_are_answered_to_doors_alone() -> None:
    async with several_cells() as (one, _):
        asked = {"cursor": "0", "limit": 1}
        assert (await one.call("POST", "/door/orgs", asked)).status == 404


async def test_a_credential_of_an_org_asks_nobody() -> None:
    async with several_cells() as (one, two):
        auth = await one.service.add_org(10)
        refused = await one.call("GET", "/v1/orgs", auth=auth)
        assert refused.status == 403
        assert not two.door.places


async def accept(member: Member, org: int, count: int) -> None:
    await add_orgs(member, org)
    events = [event("pointsIssued", f"e{org}-{number}", [], org) for number in range(count)]
    await member.service.store.commit(port.Batch(member.service.registry.version, events))


async def test_counts_are_those_of_all_cells() -> None:
    fixed = FixedMap()
    async with several_cells((ONE, TWO), fixed) as (one, two):
        await accept(one, 10, 3)
        await accept(two, 20, 4)
        for member in (one, two):
            counts = (await member.call("GET", "/v1/deliveries/count")).json
            assert counts["events"] == 7 and "missingCells" not in counts
        fixed.own(TWO, NOBODY, epoch=2)
        await one.installation.reader.look()
        counts = (await one.call("GET", "/v1/deliveries/count")).json
        assert (counts["events"], counts["missingCells"]) == (3, [2])


async def test_what_is_taken_as_delivered_is_taken_in_all_cells() -> None:
    fixed = FixedMap()
    body = {"acceptedBefore": "2026-02-11T09:00:00Z"}
    async with several_cells((ONE, TWO), fixed) as (one, two):
        dry = (await one.call("POST", "/v1/takeAsDelivered", body | {"dryRun": True})).json
        assert dry["ended"] and dry["dryRun"]
        await one.service.stops.stop_here(EVERYTHING, "boss")
        assert (await one.call("POST", "/v1/takeAsDelivered", body)).status == 409  # of the other
        await two.service.stops.stop_here(EVERYTHING, "boss")
        done = (await one.call("POST", "/v1/takeAsDelivered", body)).json
        assert done["ended"] and "missingCells" not in done
        fixed.own(TWO, NOBODY, epoch=2)
        await one.installation.reader.look()
        done = (await one.call("POST", "/v1/takeAsDelivered", body)).json
        assert not done["ended"] and done["missingCells"] == [2]


async def test_a_process_is_ready_by_itself_and_notes_what_is_wrong_beside_it() -> None:
    fixed = FixedMap()
    async with several_cells((ONE, TWO), fixed) as (one, two):
        assert (await one.call("GET", "/readyz")).json["notices"] == []
        two.service.health.sentences = ["The store is away."]
        seen = await one.call("GET", "/readyz")
        assert seen.status == 200 and seen.json["notices"] == ["Cell 2: The store is away."]
        assert (await two.call("GET", "/readyz")).status == 503
        fixed.own(TWO, NOBODY, epoch=2)
        fixed.own(THREE, "192.0.2.1:1", epoch=2)  # of another machine, which is asked there
        await one.installation.reader.look()
        seen = await one.call("GET", "/readyz")
        [notice] = seen.json["notices"]
        assert seen.status == 200 and notice.startswith("Cell 2 has not answered. `tidings cells")


async def test_figures_are_those_of_the_cells_of_the_machine_with_their_cells() -> None:
    fixed = FixedMap()
    async with several_cells((ONE, TWO), fixed) as (one, _):
        fixed.own(THREE, NOBODY, epoch=2)
        await one.installation.reader.look()
        answer = await one.call("GET", "/metrics")
        lines = answer.body.decode().splitlines()
        for cell in (1, 2):
            ready = f'tidings_ready{{cell="{cell}"}} '
            assert sum(line.startswith(ready) for line in lines) == 1
        assert 'tidings_cell_up{cell="3"} 0' in lines
        assert sum(line.startswith("# TYPE tidings_ready ") for line in lines) == 1
        families = [*text_string_to_metric_families(answer.body.decode())]
        assert {family.name for family in families} >= {"tidings_ready", "tidings_cell_up"}
        samples = [sample for family in families for sample in family.samples]
        assert all("cell" in sample.labels for sample in samples)


async def test_the_console_lists_and_finds_what_is_in_other_cells() -> None:
    fixed = FixedMap()
    async with several_cells((ONE, TWO), fixed) as (one, two):
        here, there = Pages(one.service), Pages(two.service)
        await add_orgs(one, 10)
        await add_orgs(two, 20)
        await two.service.stops.stop(OrgId(20), "boss")
        webhook, _ = await there.webhook(20)
        await accept(two, 30, 1)
        event_id = "0b0f1a52-58a4-4f5c-9f0c-3a3b8f0a7a11"
        kept = [event("pointsIssued", event_id, [], 30)]
        await two.service.store.commit(port.Batch(two.service.registry.version, kept))
        browser = await here.platform()
        page = text(await browser.get("/console/orgs"))
        assert "Org 10" in page and "Org 20" in page and "have not answered" not in page
        assert page.count("stopped</span>") == 1
        assert "Org 10" not in text(await browser.get("/console/orgs?q=org+20"))
        for wanted, path in (
            (webhook, f"/console/o/20/webhooks/{webhook}"),
            (event_id, f"/console/o/30/events/{event_id}"),
        ):
            reply = await browser.get(f"/console/o/10/find?q={wanted}")
            assert (reply.status, reply.headers["location"]) == (303, path)
        fixed.own(TWO, NOBODY, epoch=2)
        await one.installation.reader.look()
        page = text(await browser.get(f"/console/o/10/find?q={webhook}"))
        assert "not in cell 2, which has not answered" in page
        page = text(await browser.get("/console/orgs"))
        assert "cell 2 are not listed" in page and "Org 10" in page
