"""Event types of an org's own, from their declaration to the receiver, over a restart too."""

import json
from itertools import islice
from typing import Any

from tidings.simulator import simulate

from ..harness.api import Api
from ..harness.events import new_id
from ..harness.receiver import Receiver

TYPE: dict[str, Any] = {
    "description": "An order is packed.",
    "schema": {
        "type": "object",
        "required": ["orderId"],
        "properties": {"orderId": {"type": "string", "x-search": True}},
    },
    "key": "data.orderId",
}
SECOND = TYPE | {
    "schema": {"properties": {"orderId": {"type": "integer"}}, "required": ["orderId"]},
    "newVersion": True,
}


def packed(event_id: str, order: object, **more: Any) -> bytes:
    event = {"eventName": "orderPacked", "eventId": event_id, "data": {"orderId": order}}
    return json.dumps(event | more).encode()


def test_an_own_type_is_in_force_at_once_and_versions_reach_who_chose_them(
    api: Api, receiver: Receiver
) -> None:
    refused = api.post(packed(new_id(), "O-1")).must(422)["events"][0]
    assert refused["error"]["code"] == "unknown_type"
    api.send("PUT", "/v1/eventTypes/orderPacked", TYPE).must(201)
    early, late = receiver.path(), receiver.path()
    api.webhook(receiver.url(early), name="early", eventNames=["orderPacked"])
    first = new_id()
    api.accept(packed(first, "O-1"))
    assert receiver.wait(early, 1)[0].message == first
    misfit = api.post(packed(new_id(), 7)).must(422)["events"][0]["error"]
    assert (misfit["code"], misfit["path"]) == ("schema", "data.orderId")
    api.send("PUT", "/v1/eventTypes/orderPacked", SECOND).must(201)
    api.webhook(
        receiver.url(late),
        name="late",
        eventNames=["orderPacked"],
        eventVersions={"orderPacked": 2},
    )
    old, new = new_id(), new_id()
    api.accept(packed(old, "O-2"))
    api.accept(packed(new, 3, eventVersion=2))
    assert [arrival.message for arrival in receiver.wait(early, 2)] == [first, old]
    assert [arrival.message for arrival in receiver.wait(late, 1)] == [new]


def alternatives(levels: int) -> dict[str, Any]:
    return {"type": "integer"} if levels == 0 else {"anyOf": [alternatives(levels - 1)] * 2}


def test_an_event_that_is_dear_to_check_is_checked_apart_and_the_others_go_on(
    api: Api, receiver: Receiver
) -> None:
    costly = {"type": "object", "properties": {"v": {"items": alternatives(8)}}}
    api.send("PUT", "/v1/eventTypes/orderWeighed", {"description": "x", "schema": costly}).must(201)
    path = receiver.path()
    api.webhook(receiver.url(path), name="weighed", eventNames=["orderWeighed"])

    def weighed(*values: Any) -> bytes:
        data = {"v": values}
        event = {"eventName": "orderWeighed", "eventId": new_id(), "data": data}
        return json.dumps(event).encode()

    api.accept(weighed(*[1] * 2_000))
    assert len(receiver.wait(path, 1)) == 1
    misfit = api.post(weighed(*[1] * 2_000, "x")).must(422)["events"][0]["error"]
    assert misfit["code"] == "schema" and misfit["path"].startswith("data.v[2000]")
    api.accept(weighed(1))  # small enough to be checked at once
    both = b"[" + weighed(*[1] * 3_000) + b"," + weighed("x") + b"]"
    rows = api.post(both).must(202)["events"]
    assert [row["status"] for row in rows] == ["accepted", "rejected"]
    assert len(receiver.wait(path, 3)) == 3


def test_the_simulators_story_is_accepted_whole(api: Api) -> None:
    body = b"\n".join(happening.body() for happening in islice(simulate(api.org, 11), 900))
    answer = api.post(body, "application/x-ndjson").must(202)
    refused = [row for row in answer["events"] if row["status"] == "rejected"]
    assert (answer["accepted"], refused) == (900, [])
