"""Test inboxes and tries on request, with the service as it runs, on loopback and without --dev."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from .harness.api import Api
from .harness.events import event, new_id
from .harness.receiver import Receiver
from .harness.service import ServiceProcess
from .harness.until import until


def arrivals(api: Api, inbox: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.get(f"/v1/inboxes/{inbox['id']}/arrivals").must(200)[
        "arrivals"
    ]
    return found


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_an_own_inbox_is_delivered_to_without_dev_and_outlives_a_kill(
    own_service: Callable[..., ServiceProcess],
) -> None:
    service = own_service(dev=False).start()
    with service.api() as api:
        answer = {"status": 503, "headers": {"Retry-After": "1"}}
        inbox = api.send("POST", "/v1/inboxes", {"answer": answer}).must(201)
        assert inbox["url"].startswith(f"http://127.0.0.1:{service.port}/inbox/")
        hook = api.webhook(inbox["url"])
        other = inbox["url"].replace("/inbox/", "/elsewhere/")
        body = {"name": "x", "webHookUrl": other, "maxAllowedConnections": 1, "active": True}
        body |= {"eventNames": ["pointsIssued"], "webHookType": "HTTP", "methodType": "POST"}
        assert api.send("POST", "/v3/webHooks", body).status == 400, "loopback stays refused"
        tested = api.send("POST", f"/v1/webHooks/{hook['webHookId']}/test", {}).must(200)
        assert (tested["status"], tested["delivered"]) == (503, False)
        event_id = new_id()
        sent = event(event_id, 0)
        api.accept(sent)
        waiting = api.settled(event_id, states=("retrying",))
        assert waiting["attemptList"][0]["status"] == 503
    service.kill_all()
    service.start()
    with service.api() as api:
        api.send("PATCH", f"/v1/inboxes/{inbox['id']}", {"answer": {"status": 200}}).must(200)
        done = api.settled(event_id)
        assert done["state"] == "delivered"
        last = done["attemptList"][-1]
        assert last["request"]["url"] == inbox["url"]
        newest = until(lambda: arrivals(api, inbox), "arrivals")
        assert newest[0]["verdict"] == "valid"
        one = api.get(f"/v1/inboxes/{inbox['id']}/arrivals/{newest[0]['id']}").must(200)
        headers = {header["name"]: header["value"] for header in one["headers"]}
        assert headers["webhook-id"] == event_id
        shown = {header["name"]: header["value"] for header in last["request"]["headers"]}
        assert headers["webhook-signature"] == shown["webhook-signature"], "derived again, exactly"
        assert one["body"]["text"] == last["request"]["body"]["text"]
    assert service.stop() == 0


def test_inboxes_with_a_host_of_their_own_are_there_alone_and_known_by_both(
    own_service: Callable[..., ServiceProcess],
) -> None:
    before = own_service(dev=False).start()
    with before.api() as api:
        old = api.send("POST", "/v1/inboxes", {}).must(201)
        hook = api.webhook(old["url"], "From before")
    assert before.stop() == 0
    port = before.port
    service = own_service(
        dev=False,
        data=before.data,
        port=port,
        public_url=f"http://127.0.0.1:{port}",
        inbox_url=f"http://localhost:{port}/",
    ).start()
    on_inboxes = {"host": f"localhost:{port}"}
    with service.api() as api, Api(port) as nobody:
        [shown] = api.get("/v1/inboxes").must(200)["inboxes"]
        path = old["url"][old["url"].index("/inbox/") :]
        assert shown["url"] == f"http://localhost:{port}{path}"
        assert nobody.call("POST", path, b"{}", on_inboxes).status == 200
        for other in ({}, {"host": "127.0.0.1"}, {"host": "elsewhere.example"}):
            reply = nobody.call("POST", path, b"{}", other)
            assert (reply.status, reply.json["error"]["code"]) == (404, "other_host")
        for page in ("/console/sign-in", "/v1/inboxes", "/docs", "/livez", "/v1/events"):
            for method in ("GET", "POST"):
                reply = api.call(method, page, None, on_inboxes)
                assert (reply.status, reply.json["error"]["code"]) == (404, "other_host"), page
        api.webhook(shown["url"], "From now on")
        sent = new_id()
        api.accept(event(sent, 0))
        until(
            lambda: [row["state"] for row in api.event(sent)["deliveries"]] == ["delivered"] * 2,
            "both deliveries, by the old address and by the new one",
        )
        until(lambda: len(arrivals(api, old)) == 3, "three arrivals")
        verdicts = [arrival["verdict"] for arrival in arrivals(api, old)]
        assert verdicts == ["valid", "valid", "missing"], "signatures of both are known"
        assert hook["webHookUrl"] == old["url"]


def ended(api: Api, delivery: str) -> list[Any]:
    """The attempts of a delivery that have ended."""
    return [row for row in api.delivery(delivery)["attemptList"] if row["ended"]]


def test_a_failed_delivery_arrives_on_request_and_a_failed_try_takes_nothing_away(
    api: Api, receiver: Receiver
) -> None:
    path = receiver.path(each=[{"status": 400}, {"status": 204}])
    api.webhook(receiver.url(path))
    event_id = new_id()
    api.accept(event(event_id, api.org))
    failed = api.settled(event_id, states=("failed",))
    asked = api.call("POST", f"/v1/deliveries/{failed['id']}/retry").must(202)
    assert asked["outcome"] == "due"
    receiver.wait(path, 2)
    done = api.settled(event_id, states=("delivered",))
    assert [row["status"] for row in done["attemptList"]] == [400, 204]

    path = receiver.path(each=[{"status": 500}, {"status": 400}, {"status": 204}])
    api.webhook(
        receiver.url(path),
        "slow",
        eventNames=["customerAdded"],
        retryPolicy={"delaysInSeconds": [1800], "windowInHours": 1},
    )
    event_id = new_id()
    api.accept(event(event_id, api.org, name="customerAdded"))
    waiting = api.settled(event_id, states=("retrying",))
    api.call("POST", f"/v1/deliveries/{waiting['id']}/retry").must(202)
    receiver.wait(path, 2)
    until(lambda: len(ended(api, waiting["id"])) == 2, "the asked try has ended")
    kept = api.delivery(waiting["id"])
    assert kept["state"] == "retrying", "a 400 to the asked try did not end it"
    moved = moment(kept["nextAttemptAt"]) - moment(waiting["nextAttemptAt"])
    assert abs(moved.total_seconds()) < 1, "the automatic attempt stays when it was due"
    api.call("POST", f"/v1/deliveries/{waiting['id']}/retry").must(202)
    assert api.settled(event_id, states=("delivered",))["attempts"] == 3


def test_the_logs_find_what_was_delivered(api: Api, receiver: Receiver) -> None:
    hook = api.webhook(receiver.url(receiver.path()))
    ids = [new_id() for _ in range(5)]
    for event_id in ids:
        api.accept(event(event_id, api.org))
    for event_id in ids:
        api.settled(event_id)
    query = f"states=delivered&webHookId={hook['webHookId']}&eventName=pointsIssued&limit=3"
    page = api.get(f"/v1/deliveries?{query}").must(200)
    assert [row["eventId"] for row in page["deliveries"]] == ids[:1:-1]
    rest = api.get(f"/v1/deliveries?{query}&cursor={page['older']}").must(200)
    assert [row["eventId"] for row in rest["deliveries"]] == ids[1::-1]
    tally = api.get(f"/v1/webHooks/{hook['webHookId']}/tally").must(200)
    assert (tally["total"], tally["delivered"]) == (5, 5)
