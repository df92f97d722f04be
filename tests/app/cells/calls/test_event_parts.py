"""A call with events of orgs in several cells: the answer, and the ids, of one cell."""

import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock

import pytest

from tests.api.control_client import basic
from tests.app.cells.calls.two_workers import TwoWorkers, Worker, two_workers
from tidings.app.cells.calls.body_gate import BodyGate
from tidings.app.cells.calls.event_call import read_event_call
from tidings.core.cells.cell_map import CellOwner, FamilyPlace
from tidings.core.cells.families import CellId, FamilyId, FamilyRow, FamilyState
from tidings.core.ids import OrgId, derived_event_id

ORGS = [8, 7, 9, 1, 7, 8]  # of both cells in turn
JSON = "application/json"
KEYED = {"Idempotency-Key": "once"}
LENIENT = {"settings": {"validation": "lenient", "unknownTypes": "admitted"}}


@pytest.fixture
async def both(tmp_path: Path) -> AsyncIterator[TwoWorkers]:
    async with two_workers(tmp_path) as made:
        for org in (1, 7, 8, 9):
            status, _, body = await made.workers[0].call("PATCH", f"/v1/orgs/{org}", LENIENT)
            assert status == 200, body
        for worker in made.workers:
            worker.served.clear()
        yield made


def event(org: int, **more: Any) -> dict[str, Any]:
    return {"eventName": "brandThing", "orgId": org, "data": {"n": org}} | more


def cloud(org: int) -> dict[str, Any]:
    return {"specversion": "1.0", "type": "brandThing", "orgid": org, "data": {"n": org}}


def body_of(form: str, orgs: list[int]) -> tuple[str, bytes]:
    """A content type and the body of a call."""
    if form == "ndjson":
        text = "\n\n".join(json.dumps(event(org)) for org in orgs)
        return "application/x-ndjson", text.encode()
    if form == "batch":
        content = [
            cloud(org) | {"id": f"c{place}", "source": "s"} for place, org in enumerate(orgs)
        ]
        return "application/cloudevents-batch+json", json.dumps(content).encode()
    return JSON, json.dumps([event(org) for org in orgs]).encode()


async def sent(
    worker: Worker, body: bytes, kind: str = JSON, headers: Mapping[str, str] = KEYED
) -> tuple[int, Any]:
    status, _, answer = await worker.call(
        "POST", "/v1/events", body, headers={"content-type": kind, **headers}
    )
    return status, json.loads(answer)


@pytest.mark.parametrize("form", ["json", "ndjson", "batch"])
async def test_ids_and_order_are_those_of_the_whole_call(both: TwoWorkers, form: str) -> None:
    first, second = both.workers
    kind, body = body_of(form, ORGS)
    status, answer = await sent(first, body, kind)
    assert status == 202 and answer["accepted"] == len(ORGS), answer
    ids = [row["eventId"] for row in answer["events"]]
    if form != "batch":
        expected = [derived_event_id(OrgId(org), "once", at) for at, org in enumerate(ORGS)]
        assert ids == expected
    status, again = await sent(second, body, kind)  # by the other process, which has the others
    assert status == 202 and again["duplicates"] == len(ORGS)
    assert [row["eventId"] for row in again["events"]] == ids
    assert len(first.served) == len(second.served) == 2


async def test_each_event_is_where_its_org_is(both: TwoWorkers) -> None:
    kind, body = body_of("json", ORGS)
    await sent(both.workers[0], body)
    for org in (1, 7, 8, 9):
        ids = {
            derived_event_id(OrgId(org), "once", at)
            for at, named in enumerate(ORGS)
            if named == org
        }
        for worker in both.workers:
            headers = {"X-Tidings-Org": str(org)}
            _, _, answer = await worker.call("GET", "/v1/events", headers=headers)
            assert {row["eventId"] for row in json.loads(answer)["events"]} == ids


@pytest.mark.parametrize("at", [0, 1])
async def test_what_is_refused_of_some_is_said_in_its_place(both: TwoWorkers, at: int) -> None:
    events: list[Any] = [event(8), event(55), {"eventName": 1, "orgId": 7}, event(9), 5, event(0)]
    status, answer = await sent(both.workers[at], json.dumps(events).encode())
    assert status == 202
    states = [row["status"] for row in answer["events"]]
    assert states == ["accepted", "rejected", "rejected", "accepted", "rejected", "accepted"]
    assert (answer["accepted"], answer["rejected"]) == (3, 3)
    assert answer["events"][5]["eventId"] == derived_event_id(OrgId(1), "once", 5)
    alike = [await sent(worker, b'[{"orgId": 8}, {"orgId": 7}]') for worker in both.workers]
    assert alike[0] == alike[1] and alike[0][0] == 422


@pytest.mark.parametrize("org", [7, 8, 9])
@pytest.mark.parametrize("form", ["json", "ndjson", "batch", "one"])
async def test_a_call_of_one_cell_goes_there_as_it_came(
    both: TwoWorkers, org: int, form: str
) -> None:
    kind, body = (
        body_of(form, [org] * 2) if form != "one" else (JSON, json.dumps(event(org)).encode())
    )
    for worker in both.workers:
        assert (await sent(worker, body, kind))[0] == 202
    owner, other = both.workers if org == 7 else both.workers[::-1]
    assert (len(owner.served), len(other.served)) == (2, 0)


@pytest.mark.parametrize("org", [7, 8, 9])
async def test_a_call_of_one_cell_takes_no_task_whichever_process_takes_it(
    both: TwoWorkers, org: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = AsyncMock(side_effect=AssertionError("it was taken by tasks"))
    monkeypatch.setattr(BodyGate, "_take_events", taken)
    for worker in both.workers:
        status, answer = await sent(worker, body_of("json", [org] * 3)[1])
        assert status == 202
        ids = [row["eventId"] for row in answer["events"]]
        assert ids == [derived_event_id(OrgId(org), "once", at) for at in range(3)]
    taken.assert_not_called()


async def test_a_call_at_an_owner_whose_family_has_gone_is_handed_back_and_comes_again(
    both: TwoWorkers,
) -> None:
    first, second = both.workers
    gone = FamilyRow(FamilyId(8), FamilyState.GONE, 2, other=CellId(1))
    second.service.parts.base.families._rows[FamilyId(8)] = gone
    status, headers, _ = await first.call("POST", "/v1/events", body_of("json", [8])[1])
    assert status == 503 and int(headers["retry-after"]) >= 1 and second.served == []
    assert first.installation.reader.view.places.place_of(FamilyId(8)) == FamilyPlace(CellId(1), 2)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"[1", b"{", b"5", b"[" + b"1," * 1000 + b"1]", b"\xff"]
)
async def test_what_is_no_call_is_refused_alike(both: TwoWorkers, body: bytes) -> None:
    answers = [await sent(worker, body) for worker in both.workers]
    assert answers[0] == answers[1] and 400 <= answers[0][0] < 500


async def test_who_proves_nothing_is_refused_where_he_calls(both: TwoWorkers) -> None:
    kind, body = body_of("json", ORGS)
    for worker in both.workers:
        answer = await worker.call("POST", "/v1/events", body, basic("boss", "wrong"))
        assert answer[0] == 401 and len(worker.served) == 1


async def test_where_an_owner_does_not_answer_the_whole_call_comes_again(both: TwoWorkers) -> None:
    first, second = both.workers
    places = first.installation.reader.view.places
    good = second.installation.owner
    kind, body = body_of("json", ORGS)
    places.learn_owner(second.cell, CellOwner(9, "127.0.0.1:1"))  # nobody listens there
    status, headers, answer = await first.call("POST", "/v1/events", body, headers=KEYED)
    assert status == 503 and int(headers["retry-after"]) >= 1
    assert json.loads(answer)["error"]["code"] == "no_owner"
    places.learn_owner(second.cell, CellOwner(10, good.address))
    status, whole = await sent(first, body)  # what was committed comes back as a duplicate
    assert status == 202 and (whole["accepted"], whole["duplicates"]) == (3, 3)
    assert [row["eventId"] for row in whole["events"]] == [
        derived_event_id(OrgId(org), "once", at) for at, org in enumerate(ORGS)
    ]


async def test_a_part_at_the_wrong_owner_is_handed_back_whole(both: TwoWorkers) -> None:
    """Org 8 has gone from cell 2, and org 20 has not: nothing of their part is taken there."""
    first, second = both.workers
    await second.service.orgs.create("stays", 20)
    await first.call("PATCH", "/v1/orgs/20", LENIENT)
    gone = FamilyRow(FamilyId(8), FamilyState.GONE, 2, other=CellId(1))
    second.service.parts.base.families._rows[FamilyId(8)] = gone
    _, body = body_of("json", [7, 20, 8])
    second.served.clear()
    status, _ = await sent(first, body)
    assert status == 503 and second.served == []
    places = first.installation.reader.view.places
    assert places.place_of(FamilyId(8)) == FamilyPlace(CellId(1), 2)
    _, body = body_of("json", [7, 20])
    status, answer = await sent(first, body)
    assert status == 202 and (answer["accepted"], answer["duplicates"]) == (1, 1)


# -- pure -----------------------------------------------------------------------------------------


def test_orgs_are_read_however_they_are_written() -> None:
    def orgs(body: bytes, kind: bytes = b"application/json") -> list[int]:
        call = read_event_call({b"content-type": kind}, body)
        assert call is not None
        return list(call.orgs)

    assert orgs(b'[{"orgId": 7}, {"orgId": 7.0}, {}, {"orgId": null}, {"orgId": 0}]') == [
        7,
        7,
        0,
        0,
        0,
    ]
    assert orgs(b'[{"orgId": "7"}, {"orgId": true}, {"orgId": -1}, 5, {"orgId": 1e99}]') == [
        7,
        0,
        0,
        0,
        0,
    ]
    assert orgs(b' {"orgId": 7}') == [7]
    assert orgs(b'{"orgId": 7}\n\n{"orgId": 8}\n', b"application/x-ndjson") == [7, 8]
    assert orgs(b'[{"orgid": 7}, {"orgId": 8}]', b"application/cloudevents-batch+json") == [7, 0]
    assert orgs(b'{"orgid": 9}', b"application/cloudevents+json") == [9]
    binary = read_event_call({b"ce-specversion": b"1.0", b"ce-orgid": b"9"}, b"x")
    assert binary is not None and list(binary.orgs) == [9]


def test_a_part_has_the_bytes_that_came() -> None:
    for kind, body, part in (
        (b"application/json", b'[ {"a" : 1} , {"b":2},\n{"c":3}]', b'[{"a" : 1},{"c":3}]'),
        (b"application/x-ndjson", b'{"a" : 1}\n\n{"b":2}\n{"c":3}\n', b'{"a" : 1}\n{"c":3}'),
    ):
        call = read_event_call({b"content-type": kind}, body)
        assert call is not None and call.part([0, 2]) == part
