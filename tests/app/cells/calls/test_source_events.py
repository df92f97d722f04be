"""A source that brings events of many orgs is fed by one process; each event is accepted once, in
the cell of its org."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.app.cells.calls.two_workers import TwoWorkers, Worker, two_workers
from tidings.core.ids import OrgId
from tidings.core.sources.message import ForeignMessage
from tidings.core.sources.source import NAMED
from tidings.engine.sources.intake_results import IntakeResult
from tidings.engine.sources.live_source import LiveSource
from tidings.store import port
from tidings.store.port.cell_map import MapDown

VALUE = "a value that is long"
DATA = {"totalPointsIssued": 5, "customerIdentifiers": {"customerId": 7}}
PLATFORM: dict[str, Any] = {
    "name": "platform",
    "orgs": NAMED,
    "verification": {"type": "header", "header": "X-Key", "value": VALUE},
    "mapping": {
        "each": "events",
        "eventName": {"path": "name"},
        "orgId": {"path": "org"},
        "data": {"path": "data"},
    },
}
ORGS = (1, 8, 7, 9, 8)  # cell 1 has 1 and 7, cell 2 has 8 and 9 below it


@pytest.fixture
async def both(tmp_path: Path) -> AsyncIterator[TwoWorkers]:
    async with two_workers(tmp_path) as made:
        yield made


async def source(worker: Worker, **changes: Any) -> LiveSource:
    """A source of the platform's org, which the first cell has."""
    status, _, body = await worker.call("POST", "/v1/sources", PLATFORM | changes)
    assert status == 201, body
    return worker.service.parts.sources.sources.get(OrgId(1), "platform")


def message(place: str, orgs: tuple[int, ...], **fields: object) -> ForeignMessage:
    events = [{"name": "pointsIssued", "org": org, "data": DATA} | fields for org in orgs]
    return ForeignMessage(place, [("webhook-id", place)], json.dumps({"events": events}).encode())


async def take(worker: Worker, live: LiveSource, *messages: ForeignMessage) -> list[IntakeResult]:
    return await worker.service.parts.sources.sources.intake.take(live, messages)


async def ids_of(worker: Worker, org: int) -> list[str]:
    """List the events that a cell has of an org, by id."""
    path = "/v1/events?limit=100"
    status, _, body = await worker.call("GET", path, headers={"X-Tidings-Org": str(org)})
    assert status == 200, body
    return sorted(event["eventId"] for event in json.loads(body)["events"])


async def test_each_event_is_accepted_in_the_cell_of_its_org(both: TwoWorkers) -> None:
    first, second = both.workers
    live = await source(first)
    [fate] = await take(first, live, message("m1", ORGS))
    assert (fate.accepted, fate.duplicates, fate.code) == (5, 0, "")
    counts = {org: len(await ids_of(second, org)) for org in (1, 7, 8, 9)}
    assert counts == {1: 1, 7: 1, 8: 2, 9: 1}
    for org, has in ((7, first), (8, second)):
        [event_id, *_] = await ids_of(second, org)
        found = [await worker.memory.event(OrgId(org), event_id) for worker in both.workers]
        assert [event is not None for event in found] == [worker is has for worker in both.workers]


async def test_a_message_that_comes_again_is_known_in_every_cell(both: TwoWorkers) -> None:
    first = both.workers[0]
    live = await source(first)
    await take(first, live, message("m1", ORGS))
    before = {org: await ids_of(first, org) for org in ORGS}
    [fate] = await take(first, live, message("m1", ORGS))
    assert (fate.accepted, fate.duplicates, fate.code) == (0, 5, "")
    assert {org: await ids_of(first, org) for org in ORGS} == before


async def test_nothing_is_acknowledged_while_one_owner_does_not_answer(both: TwoWorkers) -> None:
    first, second = both.workers
    live = await source(first)
    with pytest.MonkeyPatch.context() as patched:

        async def down(*_: object) -> None:
            raise port.StoreDown("the disk is full")

        patched.setattr(second.service.parts.sources.passed, "take", down)
        with pytest.raises(port.StoreDown):
            await take(first, live, message("m1", ORGS))
        headers = {"x-key": VALUE, "webhook-id": "m1"}
        body = message("m1", ORGS).body
        status, _, _ = await second.call("POST", "/in/1/platform", body, None, headers=headers)
        assert status == 503
    [fate] = await take(first, live, message("m1", ORGS))
    assert (fate.accepted, fate.duplicates, fate.code) == (3, 2, "")
    assert {org: len(await ids_of(first, org)) for org in ORGS} == {1: 1, 7: 1, 8: 2, 9: 1}


async def test_while_the_map_is_away_an_org_that_is_not_known_waits(both: TwoWorkers) -> None:
    first = both.workers[0]
    live = await source(first)

    async def away(*_: object) -> None:
        raise MapDown("the map is away")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(first.map, "find_openers", away)
        with pytest.raises(port.StoreDown):
            await take(first, live, message("m1", (404,)))
        [fate] = await take(first, live, message("m2", (8,)))  # that is known
        assert fate.accepted == 1


async def test_a_message_that_is_tried_shows_events_of_all_cells_and_nothing_is_accepted(
    both: TwoWorkers,
) -> None:
    first, second = both.workers
    await source(first)
    orgs = (7, 8, 404)
    body = {"message": {"body": json.loads(message("", orgs).body)}}
    for worker in both.workers:
        path = "/v1/sources/platform/preview"
        status, _, found = await worker.call("POST", path, body, headers={"X-Tidings-Org": "1"})
        assert status == 200, found
        events = json.loads(found)["events"]
        shown = [event["event"] and event["event"]["orgId"] for event in events]
        assert shown == [7, 8, None]
        assert [event["error"] and event["error"]["code"] for event in events] == [
            None,
            None,
            "unknown_org",
        ]
    refused = {"message": {"body": json.loads(message("", (8,), name="noSuchEvent").body)}}
    status, _, found = await first.call("POST", "/v1/sources/platform/preview", refused)
    [event] = json.loads(found)["events"]
    assert event["event"] is None and event["error"]["code"] == "unknown_type"
    assert not [event for org in (7, 8) for event in await ids_of(first, org)]
    with pytest.MonkeyPatch.context() as patched:

        async def down(*_: object) -> None:
            raise port.StoreDown("the disk is full")

        patched.setattr(second.service.parts.sources.passed, "try_out", down)
        status, _, found = await first.call("POST", "/v1/sources/platform/preview", body)
        assert status == 503, found


async def test_an_org_that_is_in_no_cell_is_set_aside(both: TwoWorkers) -> None:
    first = both.workers[0]
    live = await source(first)
    [fate] = await take(first, live, message("m1", (8, 404, 1)))
    assert (fate.accepted, fate.code) == (2, "unknown_org")
    assert live.dead_letters == 1


async def test_an_org_whose_making_was_broken_off_is_set_aside(both: TwoWorkers) -> None:
    first = both.workers[0]
    live = await source(first)
    with pytest.MonkeyPatch.context() as patched:

        async def broken(*_: object) -> int:
            raise port.StoreDown("the process ends here")

        patched.setattr(first.memory, "put_org", broken)
        with pytest.raises(port.StoreDown):
            await first.service.parts.orgs.ensure(OrgId(55))
    [fate] = await take(first, live, message("m1", (55,)))
    assert fate.code == "unknown_org"


async def test_what_another_cell_refuses_is_set_aside_with_its_reason(both: TwoWorkers) -> None:
    first = both.workers[0]
    mapping = PLATFORM["mapping"] | {"eventId": {"path": "id"}}
    live = await source(first, mapping=mapping)
    bad = message("m1", (8,), id="order-0", name="noSuchEvent")
    [fate] = await take(first, live, bad)
    assert fate.code == "unknown_type" and "noSuchEvent" in fate.reason
    await take(first, live, message("m2", (8,), id="order-1"))
    other = message("m3", (8,), id="order-1", data=DATA | {"totalPointsIssued": 6})
    [fate] = await take(first, live, other)
    assert (fate.code, fate.alone) == ("id_conflict", "order-1")


async def test_of_two_sources_of_one_name_in_two_cells_each_is_its_own(both: TwoWorkers) -> None:
    live = []
    for worker, org in zip(both.workers, (1, 8), strict=True):
        own = {"X-Tidings-Org": str(org)}
        status, _, body = await both.workers[0].call(
            "POST", "/v1/sources", PLATFORM | {"orgs": "own"}, headers=own
        )
        assert status == 201, body
        live.append(worker.service.parts.sources.sources.get(OrgId(org), "platform"))
    for worker, made in zip(both.workers, live, strict=True):
        [fate] = await take(worker, made, message("m1", (1,)))
        assert fate.accepted == 1
    assert [len(await ids_of(both.workers[0], org)) for org in (1, 8)] == [1, 1]
