"""Webhooks that want no personal data: whatever way a message takes, none reaches the receiver."""

import base64
import json
import time
from collections.abc import Callable
from typing import Any

from tests.e2e.personal_data import ASKS, ENRICHED, PERSONAL, fill, issued
from tests.e2e.replay_calls import comes_to, replay

from .harness.api import Api
from .harness.events import new_id
from .harness.fixtures import NewService
from .harness.receiver import Receiver
from .harness.service import ORG, ServiceProcess
from .harness.until import until

AT_ONCE = 4  # requests of a webhook: so many may have left and not been read when it is changed
RETRY = {"retryPolicy": {"delaysInSeconds": [2]}}


def is_clean(body: bytes) -> bool:
    """Whether bytes hold nothing personal, and what they should hold."""
    return not [chunk for chunk in PERSONAL if chunk in body] and b"41200777" in body


def made_of(shown: dict[str, Any]) -> bytes:
    """The bytes that an answer shows."""
    return base64.b64decode(shown["base64"])


def test_first_attempts_previews_test_messages_and_replays_hold_none(
    api: Api, receiver: Receiver
) -> None:
    fill(api)
    everything, nothing = receiver.path(), receiver.path()
    api.webhook(receiver.url(everything), "everything", **ENRICHED)
    hook = api.webhook(receiver.url(nothing), "nothing", **ENRICHED, **ASKS)
    assert hook["withoutPersonalData"] is True
    event_id = new_id()
    accepted = issued(event_id, api.org)
    api.accept(accepted)
    [rich] = receiver.wait(everything, 1)
    assert b"15550100" in rich.body and b"o6_bm_open_id" in rich.body
    [cut] = receiver.wait(nothing, 1)
    assert is_clean(cut.body)
    assert cut.event["data"] == {
        "totalPointsIssued": 66.1,
        "customerIdentifiers": {"customerId": 41200777, "INSTORE": {}},
        "triggeringActivity": {
            "name": "NewBill",
            "enteredBy": {"id": 5031, "till": {"code": "till.01", "name": "Till 1"}},
            "identifiers": [{"key": "billId", "value": "B-1"}],
        },
    }
    assert b'"totalPointsIssued":66.10' in cut.body
    assert not [body for body in PERSONAL if body in json.dumps(dict(cut.headers)).encode()]
    asked = {"webHookId": hook["webHookId"]}
    [row] = api.send("POST", "/v1/webHooks/preview", asked).must(200)["events"]
    assert made_of(row["body"]) == cut.body
    unsaved = {"webHookId": hook["webHookId"], "eventNames": ["pointsIssued"], "fields": None}
    [row] = api.send("POST", "/v1/webHooks/preview", unsaved).must(200)["events"]
    assert made_of(row["body"]) == cut.body
    given = {"eventName": "pointsIssued", "event": json.loads(accepted)}
    api.send("POST", f"/v1/webHooks/{hook['webHookId']}/test", given).must(200)
    assert is_clean(receiver.wait(nothing, 2)[-1].body)
    comes_to(api, replay(api, hook, states=["delivered"], again=True), "finished")
    assert receiver.wait(nothing, 3)[-1].body == cut.body
    # The log is the platform's own: it keeps the event as it came.
    assert api.event(event_id)["body"] == json.loads(accepted)


def test_what_waits_to_be_tried_again_leaves_without_it_once_that_is_asked_for(
    own_service: NewService, receiver: Receiver
) -> None:
    service = own_service().start()
    names = ("plain", "enriched", "selected")
    shapes: list[dict[str, Any]] = [{}, ENRICHED, {"fields": {"keep": ["data"]}}]
    paths = {name: receiver.path(first=[{"status": 503}] * 3) for name in names}
    hooks, event_id = {}, new_id()
    with service.api() as api:
        fill(api)
        for name, shape in zip(names, shapes, strict=True):
            hooks[name] = api.webhook(receiver.url(paths[name]), name, **shape, **RETRY)
        api.accept(issued(event_id, ORG))
        for name, path in paths.items():
            assert not is_clean(receiver.wait(path, 1)[0].body)
            api.settled(event_id, hooks[name], states=("retrying",))
            api.change(hooks[name], **ASKS)
        for path in paths.values():
            receiver.wait(path, 2)
        for hook in hooks.values():
            api.settled(event_id, hook, states=("retrying",))
        api.send("PUT", "/v1/reference/tills/5031", {"code": "t", "name": "T", "storeId": "9"})
    service.kill_all()
    service.start()
    with service.api() as api:
        for name, path in paths.items():
            told = api.settled(event_id, hooks[name])
            assert told["state"] == "delivered"
            first, *later = receiver.arrivals(path)
            assert not is_clean(first.body) and len(later) >= 2
            assert all(is_clean(arrival.body) for arrival in later), name
            assert len({arrival.body for arrival in later}) == 1, (
                "the same at every further attempt"
            )
            assert len({arrival.message for arrival in (first, *later)}) == 1


def test_what_had_ended_and_what_was_missed_is_sent_again_without_it(
    api: Api, receiver: Receiver
) -> None:
    """Failed with what was sent kept; parked while it was disabled; from before a webhook was."""
    fill(api)
    path, late = receiver.path(status=400), receiver.path()
    hook = api.webhook(receiver.url(path), "first", **ENRICHED)
    failed, parked = new_id(), new_id()
    api.accept(issued(failed, api.org))
    assert api.settled(failed, hook)["state"] == "failed"
    assert not is_clean(receiver.arrivals(path)[0].body)
    api.send("POST", f"/v3/webHooks/{hook['webHookId']}/disable", {}).must(200)
    api.accept(issued(parked, api.org))
    assert api.settled(parked, hook)["state"] == "parked"
    api.change(hook, **ASKS)
    receiver.plan(path)
    api.send("POST", f"/v3/webHooks/{hook['webHookId']}/enable", {}).must(200)
    comes_to(api, replay(api, hook, states=["failed", "parked"]), "finished")
    other = api.webhook(receiver.url(late), "second", **ENRICHED, **ASKS)
    comes_to(api, replay(api, other, missedSince=0), "finished")
    came = [*receiver.wait(path, 3)[1:], *receiver.wait(late, 2)]
    assert {arrival.event_id for arrival in came} == {failed, parked} and len(came) == 4
    assert all(is_clean(arrival.body) for arrival in came)


def test_what_leaves_after_the_answer_holds_none_while_hundreds_are_on_their_way(
    own_service: NewService, receiver: Receiver
) -> None:
    """Receivers that answer nobody behind the first ones until the choice is made, so that lanes
    are full then, however slowly it comes."""
    service = own_service().start()
    shapes: dict[str, dict[str, Any]] = {"plain": {}, "enriched": ENRICHED}
    plan: dict[str, Any] = {"first": [{"status": 200, "delay": 0.05}] * 40, "held": True}
    paths = {name: receiver.path(**plan) for name in shapes}
    events = [new_id() for _ in range(400)]
    answered_s = {}
    with service.api(ORG) as api:
        fill(api)
        hooks = {
            name: api.webhook(
                receiver.url(paths[name]), name, maxAllowedConnections=AT_ONCE, **shape
            )
            for name, shape in shapes.items()
        }
        api.accept(b"\n".join(issued(event, ORG) for event in events), "application/x-ndjson")
        for name, path in paths.items():
            receiver.wait(path, 40)
            api.change(hooks[name], **ASKS)
            answered_s[name] = time.monotonic()
            receiver.plan(path, delay=0.05)
        until(lambda: api.counts()["delivered"] == 2 * len(events), "all of them")
    for name, path in paths.items():
        came = receiver.arrivals(path)
        since = [arrival for arrival in came if arrival.at_s > answered_s[name]]
        on_the_line = [arrival for arrival in since if not is_clean(arrival.body)]
        assert len(since) > 100 and len(on_the_line) <= AT_ONCE, name
        assert not is_clean(came[0].body)


def test_what_each_attempt_has_sent_is_shown_as_it_went(api: Api, receiver: Receiver) -> None:
    fill(api)
    shapes = {"plain": {}, "enriched": ENRICHED}
    for name, shape in shapes.items():
        path = receiver.path(first=[{"status": 503}] * 9)
        hook = api.webhook(receiver.url(path), name, **shape, **RETRY)
        event_id = new_id()
        api.accept(issued(event_id, api.org))
        [first] = receiver.wait(path, 1)
        api.settled(event_id, hook, states=("retrying",))
        api.change(hook, **ASKS)
        receiver.wait(path, 2)
        told = api.settled(event_id, hook, states=("retrying",))
        api.change(hook, withoutPersonalData=False)
        receiver.wait(path, 3)
        told = api.settled(event_id, hook, states=("retrying",))
        attempts = api.delivery(told["id"])["attemptList"]
        before, *since = [attempt["request"]["body"] for attempt in attempts][:3]
        came = [arrival.body for arrival in receiver.arrivals(path)][:3]
        assert is_clean(came[1]) and came[2] == came[1], "what was sent last goes again"
        assert [made_of(row) for row in since] == came[1:]
        if name == "plain":
            assert made_of(before) == first.body
        else:
            assert before is None and "gave way" in attempts[0]["request"]["note"]
        api.delete(hook)


def test_types_of_an_org_and_names_that_nobody_knows_send_what_is_declared(
    new_org: Callable[..., Api], receiver: Receiver, service: ServiceProcess
) -> None:
    api, platform = new_org(), service.api()
    settings = {"settings": {"validation": "lenient", "unknownTypes": "admitted"}}
    platform.send("PATCH", f"/v1/orgs/{api.org}", settings).must(200)
    platform.close()
    schema = {
        "type": "object",
        "properties": {"sku": {"type": "string"}, "name": {"type": "string", "x-pii": "name"}},
    }
    api.send("PUT", "/v1/eventTypes/packed", {"description": "x", "schema": schema}).must(201)
    path = receiver.path()
    api.webhook(receiver.url(path), eventNames=["packed", "neverSeen"], **ASKS)
    data = {"sku": "A", "name": "sec-1", "more": "sec-2", "customerIdentifiers": {"customerId": 5}}
    for name in ("packed", "neverSeen"):
        api.accept(json.dumps({"eventName": name, "eventId": new_id(), "data": data}).encode())
    bodies = {
        arrival.event["eventName"]: arrival.event["data"] for arrival in receiver.wait(path, 2)
    }
    assert bodies == {
        "packed": {"sku": "A", "customerIdentifiers": {"customerId": 5}},
        "neverSeen": {"customerIdentifiers": {"customerId": 5}},
    }


def test_what_an_org_below_declares_says_nothing_of_the_upper_orgs_events(
    new_org: Callable[..., Api], receiver: Receiver, service: ServiceProcess
) -> None:
    api = new_org()
    child = new_org(parent=api.org)
    with service.api() as platform:
        settings = {"settings": {"validation": "lenient", "unknownTypes": "admitted"}}
        platform.send("PATCH", f"/v1/orgs/{api.org}", settings).must(200)
    path = receiver.path()
    api.webhook(receiver.url(path), eventNames=["visited"], listenToChildEvents=True, **ASKS)
    schema = {"type": "object", "properties": {"phone": {"type": "string"}}}
    child.send("PUT", "/v1/eventTypes/visited", {"description": "x", "schema": schema}).must(201)
    data = {"phone": "15550177", "customerIdentifiers": {"customerId": 5}}
    for element in (api, child):
        element.accept(
            json.dumps({"eventName": "visited", "eventId": new_id(), "data": data}).encode()
        )
    bodies = {arrival.event["orgId"]: arrival.event["data"] for arrival in receiver.wait(path, 2)}
    assert bodies == {child.org: data, api.org: {"customerIdentifiers": {"customerId": 5}}}


def test_why_a_source_put_a_message_aside_is_told_without_what_stood_in_it(
    api: Api, receiver: Receiver
) -> None:
    """The sentence repeats what came in the place of something else."""
    whole, cut = receiver.path(), receiver.path()
    told = {"eventNames": ["tidings.source.aside"]}
    api.webhook(receiver.url(whole), "whole", **told)
    api.webhook(receiver.url(cut), "cut", **told, **ASKS)
    source = {
        "name": "shop",
        "type": "webhook",
        "verification": {"type": "header", "header": "X-Key", "value": "a value that is long"},
        "mapping": {
            "eventName": {"constant": "pointsIssued"},
            "createdAt": {"path": "at", "as": "isoTime"},
        },
    }
    api.send("POST", "/v1/sources", source).must(201)
    body = b'{"at":"ashalata@example.test"}'
    api.call("POST", f"/in/{api.org}/shop", body, {"X-Key": "a value that is long"}).must(202)
    [rich], [bare] = receiver.wait(whole, 1), receiver.wait(cut, 1)
    assert b"ashalata@example.test" in rich.body
    assert not [body for body in PERSONAL if body in bare.body]
    assert bare.event["data"]["code"] == rich.event["data"]["code"] == "not_convertible"


def test_transformations_names_and_messages_that_are_fetched_hold_none(
    api: Api, receiver: Receiver
) -> None:
    template = (
        '{"id": {{ event.eventId }}, "all": {{ event }}, "n": {{ data.customerIdentifiers }}}'
    )
    api.send("POST", "/v1/transformations", {"name": "all", "template": template}).must(201)
    path = receiver.path()
    api.webhook(receiver.url(path), "all", transformation="all", **ASKS)
    reader = api.webhook("", "reader", webHookType="PULL", rename={"data.note": "n"})
    first = new_id()
    api.accept(issued(first, api.org))
    assert is_clean(receiver.wait(path, 1)[0].body)
    api.change(reader, **ASKS)  # while it waits to be fetched
    asked = {"waitInSeconds": 5}
    pull = f"/v1/webHooks/{reader['webHookId']}/pull"
    [message] = api.send("POST", pull, asked).must(200)["messages"]
    assert is_clean(message["body"].encode())
    api.call("DELETE", f"/v3/webHooks/{reader['webHookId']}").must(200)


def test_a_filter_judges_the_whole_event(api: Api, receiver: Receiver) -> None:
    path = receiver.path()
    wanted = {"path": "data.customerIdentifiers.firstName", "eq": "Ashalata"}
    api.webhook(receiver.url(path), filter=wanted, **ASKS)
    event_id = new_id()
    api.accept(issued(event_id, api.org))
    [arrival] = receiver.wait(path, 1)
    assert arrival.event_id == event_id and is_clean(arrival.body)
