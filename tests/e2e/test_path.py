"""The path: an event comes in, every subscribed webhook is told, and it can be shown."""

from collections.abc import Callable

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from tests.openapi.stream_content import OF_ORG, fits
from tidings.core.delivery.receivers.judgement import OF_ALL_ORGS
from tidings.core.webhooks.fields import METHODS

from .harness.api import Api
from .harness.events import bare, event, new_id
from .harness.receiver import Arrival, Receiver
from .harness.service import ServiceProcess


def verified(arrival: Arrival, secret: str) -> bool:
    """By a brand's own library; it raises where a signature does not hold."""
    Webhook(secret).verify(arrival.body, arrival.headers)
    return True


def test_every_subscribed_webhook_gets_the_bytes_as_posted_and_signed(
    api: Api, receiver: Receiver
) -> None:
    paths = [receiver.path() for _ in range(3)]
    hooks = [api.webhook(receiver.url(path), name=path) for path in paths]
    other = receiver.path()
    api.webhook(receiver.url(other), name="other", eventNames=["customerAdded"])
    event_id = new_id()
    body = event(event_id, api.org, note="ünïcode \\ 🙂")
    assert api.accept(body) == [{"eventId": event_id, "status": "accepted"}]
    for path, hook in zip(paths, hooks, strict=True):
        [arrival] = receiver.wait(path, 1)
        assert arrival.body == body
        assert hook["signingSecret"].startswith("whsec_")
        assert verified(arrival, hook["signingSecret"])
        assert arrival.message == event_id and arrival.attempt == 1
        assert arrival.headers["content-type"] == "application/json"
    with pytest.raises(WebhookVerificationError):
        verified(receiver.wait(paths[0], 1)[0], hooks[1]["signingSecret"])
    for hook in hooks:
        assert api.settled(event_id, hook)["state"] == "delivered"
    assert not receiver.arrivals(other)


def test_the_signing_secret_is_shown_once(api: Api, receiver: Receiver) -> None:
    hook = api.webhook(receiver.url(receiver.path()))
    shown = api.get(f"/v3/webHooks/{hook['webHookId']}").must(200)["data"]
    assert "signingSecret" not in shown
    assert hook["signingSecret"].endswith(shown["signingSecretHint"][1:])
    assert hook["signingSecret"].encode() not in api.get("/v3/webHooks").body


def test_absent_fields_are_added_once_and_what_is_delivered_is_what_is_stored(
    api: Api, receiver: Receiver
) -> None:
    path = receiver.path(each=[{"status": 500}])
    api.webhook(receiver.url(path))
    [row] = api.accept(bare())
    first, second = receiver.wait(path, 2)
    assert first.body == second.body
    assert bare()[1:] in first.body or bare()[:-1] in first.body  # nothing else was touched
    assert first.event["eventId"] == row["eventId"] and first.event["orgId"] == api.org
    assert isinstance(first.event["createdAt"], int)
    assert first.body in api.get(f"/v1/events/{row['eventId']}").body


@pytest.mark.parametrize(
    ("content_type", "join"),
    [
        ("application/json", lambda events: b"[" + b",\n".join(events) + b"]"),
        ("application/x-ndjson", lambda events: b"\n".join(events) + b"\n"),
    ],
)
def test_many_events_of_one_call_are_delivered_each_as_it_stood(
    api: Api, receiver: Receiver, content_type: str, join: Callable[[list[bytes]], bytes]
) -> None:
    path = receiver.path()
    api.webhook(receiver.url(path))
    ids = [new_id() for _ in range(25)]
    bodies = [event(text, api.org).replace(b"\n", b" ") for text in ids]
    rows = api.accept(join(bodies), content_type)
    assert [(row["eventId"], row["status"]) for row in rows] == [(text, "accepted") for text in ids]
    assert {arrival.body for arrival in receiver.wait(path, 25)} == set(bodies)


def test_cloudevents_arrive_as_the_flat_envelope(api: Api, receiver: Receiver) -> None:
    path = receiver.path()
    api.webhook(receiver.url(path))
    data = b'{"totalPointsIssued":66.0,"customerIdentifiers":{"customerId":7}}'
    head = b'{"specversion":"1.0","type":"pointsIssued","source":"/till","id":"%b","data":%b}'
    one, two, three = (new_id().encode() for _ in range(3))
    api.accept(head % (one, data), "application/cloudevents+json")
    api.accept(b"[" + head % (two, data) + b"]", "application/cloudevents-batch+json")
    binary = {"specversion": "1.0", "type": "pointsIssued", "source": "/till", "id": three.decode()}
    api.accept(data, "application/json", **{f"ce-{name}": value for name, value in binary.items()})
    arrivals = receiver.wait(path, 3)
    assert {arrival.event_id.encode() for arrival in arrivals} == {one, two, three}
    for arrival in arrivals:
        assert b'"data":' + data in arrival.body
        assert arrival.event["eventName"] == "pointsIssued" and arrival.event["orgId"] == api.org


@pytest.mark.parametrize("method", METHODS)
def test_every_method_carries_the_body_and_the_configured_headers(
    api: Api, receiver: Receiver, method: str
) -> None:
    path = receiver.path(status=204)
    headers = {"Authorization": "Bearer 0123456789", "X-Brand": "a, b", "User-Agent": "brand/1"}
    hook = api.webhook(receiver.url(path), methodType=method, webHookHeaders=headers)
    event_id = new_id()
    body = event(event_id, api.org)
    api.accept(body)
    [arrival] = receiver.wait(path, 1)
    assert arrival.method == method and arrival.body == body
    assert verified(arrival, hook["signingSecret"])
    for name, value in headers.items():
        assert arrival.headers[name.lower()] == value


def test_an_event_and_its_delivery_tell_every_attempt(api: Api, receiver: Receiver) -> None:
    path = receiver.path(first=[{"status": 503, "body": "busy", "headers": {"x-why": "deploy"}}])
    hook = api.webhook(receiver.url(path))
    event_id = new_id()
    api.accept(event(event_id, api.org))
    told = api.settled(event_id)
    assert (told["state"], told["attempts"], told["status"]) == ("delivered", 2, 200)
    first, second = told["attemptList"]
    assert (first["number"], first["status"], first["ended"]) == (1, 503, True)
    assert first["answer"]["body"]["text"] == "busy"
    assert {"name": "x-why", "value": "deploy"} in first["answer"]["headers"]
    assert (second["number"], second["status"], second["ended"]) == (2, 200, True)
    assert "200" in told["advice"] and told["nextAttemptAt"] is None
    [fate] = api.event(event_id)["deliveries"]
    assert (fate["webHookId"], fate["state"]) == (hook["webHookId"], "delivered")
    assert [arrival.attempt for arrival in receiver.arrivals(path)] == [1, 2]


def test_between_attempts_the_next_due_time_is_told(api: Api, receiver: Receiver) -> None:
    path = receiver.path(status=500)
    api.webhook(receiver.url(path), retryPolicy={"delaysInSeconds": [600]})
    event_id = new_id()
    api.accept(event(event_id, api.org))
    told = api.settled(event_id, states=("retrying",))
    assert told["nextAttemptAt"] is not None and "Next try" in told["advice"]
    assert [attempt["status"] for attempt in told["attemptList"]] == [500]


def test_an_event_that_matches_nobody_is_stored(api: Api) -> None:
    event_id = new_id()
    body = event(event_id, api.org)
    api.accept(body)
    found = api.get(f"/v1/events/{event_id}")
    assert body in found.body and found.json["deliveries"] == []
    assert api.accept(body)[0]["status"] == "duplicate"


def test_the_stream_shows_the_event_and_its_delivery(
    api: Api, new_org: Callable[..., Api], receiver: Receiver
) -> None:
    stranger = new_org()
    path = receiver.path(first=[{"status": 500}])
    api.webhook(receiver.url(path))
    stranger_id, event_id = new_id(), new_id()
    with api.stream() as stream:
        assert stream.status == 200 and stream.content_type.startswith("text/event-stream")
        facts = stream.facts()
        lines = stream.lines()
        assert next(lines).startswith("retry:") and next(lines) == ": listening"
        stranger.accept(event(stranger_id, stranger.org))
        api.accept(event(event_id, api.org))
        seen = [next(facts) for _ in range(3)]
    kinds = [kind for kind, _ in seen]
    assert kinds == ["event", "delivery", "delivery"]
    assert {fact["eventId"] for _, fact in seen} == {event_id}
    states = [fact["state"] for kind, fact in seen if kind == "delivery"]
    assert states == ["retrying", "delivered"]
    document = api.get("/openapi.json").must(200)
    for kind, fact in seen:
        fits(document, OF_ORG, kind, fact)
    assert seen[1][1]["nextAttemptInMs"] > 0 and seen[2][1]["nextAttemptInMs"] is None


def test_it_is_alive_ready_and_counts(service: ServiceProcess, receiver: Receiver) -> None:
    with Api(service.port) as nobody, service.api() as api:
        assert nobody.get("/livez").must(200) == {"live": True}
        ready = nobody.get("/readyz").must(200)
        assert (ready["ready"], ready["problems"]) == (True, [])
        # Webhooks of other tests fail, where those ran before: the one thing that it may notice.
        for notice in ready["notices"]:  # may be empty: the others may come after this one
            assert notice.startswith(OF_ALL_ORGS)
        before = figures(nobody)
        api.webhook(receiver.url(receiver.path()), name="counted", eventNames=["customerUpdated"])
        event_id = new_id()
        data = {"customerIdentifiers": {"customerId": 7}}
        api.accept(bare("customerUpdated", eventId=event_id, data=data))
        api.settled(event_id)
        after = figures(nobody)
    accepted, answered = 'tidings_events_total{verdict="accepted"}', "tidings_attempts_total"
    assert after[accepted] - before.get(accepted, 0) == 1
    ok = answered + '{ending="2xx"}'
    assert after[ok] - before.get(ok, 0) == 1
    assert after["tidings_store_halted"] == 0


def figures(api: Api) -> dict[str, float]:
    """What /metrics says, by name and labels."""
    reply = api.get("/metrics")
    assert reply.status == 200
    lines = [line.rpartition(" ") for line in reply.body.decode().splitlines() if line[:1] != "#"]
    return {name: float(value) for name, _, value in lines}
