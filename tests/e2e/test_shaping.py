"""What a webhook gets of an event, and which events: filter, selection, transformation."""

import base64
import json

from .harness.api import Api
from .harness.events import event, new_id
from .harness.fixtures import NewService
from .harness.receiver import Receiver
from .harness.service import ORG
from .harness.until import stays

BOMB = (
    "{% set ns=namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}"
    "{{ ns.x }}"
)


def transformation(api: Api, template: str, name: str = "crm") -> None:
    api.send("POST", "/v1/transformations", {"name": name, "template": template}).must(201)


def test_a_filter_keeps_events_from_its_webhook_and_from_no_other_one(
    api: Api, receiver: Receiver
) -> None:
    all_of_them, some = receiver.path(), receiver.path()
    everything = api.webhook(receiver.url(all_of_them), "all")
    rich = {"path": "data.totalPointsIssued", "gte": 100}
    picky = api.webhook(receiver.url(some), "some", filter=rich)
    poor_id, rich_id = new_id(), new_id()
    api.accept(event(poor_id, api.org, points="66.0"))
    api.accept(event(rich_id, api.org, points="1.0e2"))
    assert api.settled(rich_id, picky)["state"] == "delivered"
    assert [arrival.event_id for arrival in receiver.wait(all_of_them, 2)] == [poor_id, rich_id]
    assert [arrival.event_id for arrival in receiver.arrivals(some)] == [rich_id]
    assert [row["webHookId"] for row in api.event(poor_id)["deliveries"]] == [
        everything["webHookId"]
    ]
    api.change(picky, filter=None)
    last = new_id()
    api.accept(event(last, api.org, points="1"))
    assert api.settled(last, picky)["state"] == "delivered"


def test_selection_keeps_numbers_as_they_came(api: Api, receiver: Receiver) -> None:
    path = receiver.path()
    fields = {"drop": ["data.customerIdentifiers", "data.note", "createdAt", "refId"]}
    api.webhook(receiver.url(path), fields=fields, rename={"data.totalPointsIssued": "points"})
    event_id = new_id()
    api.accept(event(event_id, api.org, points="66.10"))
    [arrival] = receiver.wait(path, 1)
    assert (
        arrival.body
        == (
            f'{{"eventName":"pointsIssued","eventId":"{event_id}","orgId":{api.org},'
            '"data":{"points":66.10,"programLifetimePoints":9.80e2}}'
        ).encode()
    )


def test_a_retry_sends_what_the_first_attempt_sent_although_the_template_has_changed(
    api: Api, receiver: Receiver
) -> None:
    transformation(api, '{"v": 1, "id": {{ event.eventId }}}')
    path = receiver.path(first=[{"status": 503}, {"status": 503}])
    hook = api.webhook(receiver.url(path), transformation="crm")
    first, second = new_id(), new_id()
    api.accept(event(first, api.org))
    receiver.wait(path, 1)
    api.send("PUT", "/v1/transformations/crm", {"template": '{"v": 2}'}).must(200)
    api.accept(event(second, api.org))
    assert api.settled(first)["state"] == api.settled(second)["state"] == "delivered"
    bodies = [(arrival.message, arrival.body) for arrival in receiver.arrivals(path)]
    assert {body for id, body in bodies if id == first} == {b'{"v":1,"id":"%b"}' % first.encode()}
    assert {body for id, body in bodies if id == second} == {b'{"v":2}'}
    in_use = api.call("DELETE", "/v1/transformations/crm")
    assert in_use.status == 409
    api.delete(hook)
    api.call("DELETE", "/v1/transformations/crm").must(200)


def test_a_transformation_that_goes_too_far_fails_its_own_delivery_and_nothing_else(
    api: Api, receiver: Receiver
) -> None:
    transformation(api, BOMB, "bomb")
    transformation(api, '{"id": {{ event.eventId }}}', "good")
    transformation(api, "{% for i in range(90000) %}{{ i }}{% endfor %}", "long")
    good, bad = receiver.path(), receiver.path()
    others = api.webhook(receiver.url(good), "good", transformation="good")
    bomb = api.webhook(receiver.url(bad), "bomb", transformation="bomb")
    long = api.webhook(receiver.url(bad), "long", transformation="long")
    event_id = new_id()
    api.accept(event(event_id, api.org))
    assert api.settled(event_id, others)["state"] == "delivered"
    told = api.settled(event_id, bomb)
    assert told["state"] == "failed" and "100 ms or 50 MB" in told["advice"]
    assert "nothing was sent" in told["advice"]
    told = api.settled(event_id, long)
    assert told["state"] == "failed" and "more than 50000 steps" in told["advice"]
    stays(lambda: not receiver.arrivals(bad), "nothing is sent", 0.3)
    assert json.loads(receiver.arrivals(good)[0].body) == {"id": event_id}


def test_a_restart_keeps_filters_transformations_and_what_was_sent(
    own_service: NewService, receiver: Receiver
) -> None:
    service = own_service().start()
    with service.api() as api:
        transformation(api, '{"v": 1}')
        path = receiver.path(first=[{"status": 503}])
        retry = {"delaysInSeconds": [3]}
        api.webhook(receiver.url(path), transformation="crm", retryPolicy=retry)
        event_id = new_id()
        api.accept(event(event_id, ORG))
        receiver.wait(path, 1)
        api.send("PUT", "/v1/transformations/crm", {"template": '{"v": 2}'}).must(200)
        api.settled(event_id, states=("retrying",))
    service.kill_all()
    service.start()
    with service.api() as api:
        assert api.settled(event_id)["state"] == "delivered"
        assert {arrival.body for arrival in receiver.arrivals(path)} == {b'{"v":1}'}
        shown = api.get("/v1/transformations/crm").must(200)
        assert shown["version"] == 2


def test_a_preview_a_replay_and_a_retry_after_a_restart_carry_what_the_live_delivery_did(
    own_service: NewService, receiver: Receiver
) -> None:
    service = own_service().start()
    failing = receiver.path(first=[{"status": 503}])
    well = receiver.path()
    fields = {"drop": ["data.customerIdentifiers", "createdAt"]}
    shaping = {"fields": fields, "rename": {"data.totalPointsIssued": "points"}}
    event_id = new_id()
    with service.api() as api:
        retry = {"delaysInSeconds": [2]}
        hook = api.webhook(receiver.url(well), "well", **shaping)
        late = api.webhook(receiver.url(failing), "late", retryPolicy=retry, **shaping)
        asked = {"webHookId": hook["webHookId"], "last": 1}
        api.accept(event(event_id, ORG, points="66.10"))
        live = receiver.wait(well, 1)[0].body
        assert b'"points":66.10' in live
        assert b"customerIdentifiers" not in live and b"createdAt" not in live
        [row] = api.send("POST", "/v1/webHooks/preview", asked).must(200)["events"]
        assert base64.b64decode(row["body"]["base64"]) == live, "the preview"
        api.settled(event_id, late, states=("retrying",))
    service.kill_all()
    service.start()
    with service.api() as api:
        assert api.settled(event_id, late)["state"] == "delivered"
        body = {"states": ["delivered"], "again": True}
        for element in (hook, late):
            asked = {"webHookId": element["webHookId"]} | body
            api.send("POST", "/v1/replays", asked).must(201)
        first = receiver.wait(well, 2)
        second = receiver.wait(failing, 3)
    assert {arrival.body for arrival in (*first, *second)} == {live}
