"""Replays over the running program: what was missed arrives, once, also across restarts."""

import signal
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from tests.e2e.replay_calls import comes_to, dry, replay

from .delivery.bugs import figure
from .harness.api import Api
from .harness.events import event, new_id
from .harness.pump import Pump, all_arrive
from .harness.receiver import Receiver
from .harness.service import ORG, ServiceProcess
from .harness.until import stays, until

NewService = Callable[..., ServiceProcess]
MISSED = 2_000


def batch(ids: list[str], org: int) -> bytes:
    """Events as one array."""
    return b"[" + b",".join(event(text, org) for text in ids) + b"]"


def answers_first(count: int) -> dict[str, Any]:
    """A plan of a receiver that is slow behind so many: the job is on its way for a minute,
    however fast the service is, and what is under way at a stop is answered."""
    return {"first": [{"status": 200}] * count, "delay": 0.5}


def came(receiver: Receiver, path: str, event_id: str) -> bool:
    """Whether an event is there."""
    return event_id in receiver.known_ids(path)


@pytest.mark.systems
def test_a_new_webhook_gets_what_it_has_missed_across_two_restarts_once(
    own_service: NewService, receiver: Receiver
) -> None:
    service = own_service(drain_s=5).start()
    first, second = receiver.path(), receiver.path(**answers_first(300))
    ids = [new_id() for _ in range(MISSED)]
    with service.api() as api:
        api.webhook(receiver.url(first), name="first")
        for at in range(0, MISSED, 500):
            api.accept(batch(ids[at : at + 500], ORG))
        receiver.wait(first, MISSED)
        hook = api.webhook(receiver.url(second), name="second")
        told = dry(api, hook, missedSince=0, ratePerSecond=500)
        assert (told["matched"], told["exact"]) == (MISSED, True)
        assert told["sentence"] == "This sends 2,000 requests to 127.0.0.1, about 4 s."
        assert not receiver.arrivals(second)
        job = replay(api, hook, missedSince=0, ratePerSecond=500)
    receiver.wait(second, 300)
    service.signal(signal.SIGTERM)
    assert service.wait() == 0
    assert len(receiver.arrivals(second)) < MISSED
    receiver.plan(second, **answers_first(600))
    service.start()
    receiver.wait(second, 900)
    service.kill_all()
    before = len(receiver.arrivals(second))
    assert before < MISSED
    receiver.plan(second)
    service.start()
    with service.api() as api:
        ended = comes_to(api, job, "finished")
        assert (ended["matched"], ended["made"], ended["delivered"]) == (MISSED,) * 3
        assert ended["unfinished"] == ended["failed"] == 0 and ended["progress"] == 1
        arrivals = receiver.arrivals(second)
        by_delivery = Counter(arrival.headers["tidings-delivery"] for arrival in arrivals)
        assert len(by_delivery) == MISSED, "nothing twice within the job"
        assert {arrival.event_id for arrival in arrivals} == set(ids), "nothing skipped"
        assert {arrival.message for arrival in arrivals} == set(ids), "under their own ids"
        assert {arrival.headers["tidings-replay"] for arrival in arrivals} == {job["id"]}
        for arrival in arrivals[before:]:
            if by_delivery[arrival.headers["tidings-delivery"]] > 1:  # in flight at the kill
                found = api.delivery(arrival.headers["tidings-delivery"])
                assert any(row["fault"] == "lost" for row in found["attemptList"])
        assert dry(api, hook, missedSince=0)["matched"] == 0, "it misses nothing any more"
        assert len(receiver.arrivals(first)) == MISSED
        assert api.counts()["orphans"] == 0


def test_live_events_arrive_at_once_while_a_replay_runs(
    own_service: NewService, receiver: Receiver
) -> None:
    service = own_service().start()
    path, slow = receiver.path(), receiver.path(delay=0.05)
    with service.api() as api:
        api.webhook(receiver.url(path), name="first")
        ids = [new_id() for _ in range(600)]
        api.accept(batch(ids, ORG))
        receiver.wait(path, 600)
        hook = api.webhook(receiver.url(slow), name="slow", maxAllowedConnections=4)
        job = replay(api, hook, missedSince=0, ratePerSecond=1000)
        receiver.wait(slow, 40)
        before = []
        for _ in range(10):
            one, begun = new_id(), len(receiver.arrivals(slow))
            api.accept(event(one, ORG))
            until(partial(came, receiver, slow, one), "the live event arrives")
            came_so_far = [arrival.event_id for arrival in receiver.arrivals(slow)]
            before.append(came_so_far.index(one) - begun)
        # A few are on their way at its four connections; behind the replay's it would be hundreds.
        assert sorted(before)[8] < 48, before
        assert comes_to(api, job, "finished")["delivered"] == 600


def test_failed_ones_go_to_the_mended_receiver_under_their_own_id(
    api: Api, receiver: Receiver
) -> None:
    path = receiver.path(status=400)
    hook = api.webhook(receiver.url(path))
    ids = [new_id() for _ in range(5)]
    api.accept(batch(ids, api.org))
    for text in ids:
        assert api.settled(text)["state"] == "failed"
    receiver.plan(path, status=200)
    job = replay(api, hook)
    ended = comes_to(api, job, "finished")
    assert (ended["matched"], ended["delivered"]) == (5, 5)
    arrivals = receiver.arrivals(path)
    assert [arrival.answer for arrival in arrivals] == [400] * 5 + [200] * 5
    assert {arrival.message for arrival in arrivals[5:]} == set(ids)
    fates = api.event(ids[0])["deliveries"]
    assert [(fate["state"], fate["replayId"]) for fate in fates] == [
        ("failed", None),
        ("delivered", job["id"]),
    ]


def test_delivered_ones_are_sent_again_only_when_asked_for_under_an_id_of_the_replay(
    api: Api, receiver: Receiver
) -> None:
    path = receiver.path()
    hook = api.webhook(receiver.url(path))
    one = new_id()
    api.accept(event(one, api.org))
    api.settled(one)
    refused = api.send(
        "POST", "/v1/replays", {"webHookId": hook["webHookId"], "states": ["delivered"]}
    ).must(400)
    assert refused["error"]["code"] == "again_needed"
    job = replay(api, hook, again=True)
    assert "~" in job["warnings"][0]["message"]
    comes_to(api, job, "finished")
    first, second = receiver.wait(path, 2)
    assert second.message == f"{one}~{job['id']}" and second.body == first.body


def made_ends(api: Api, job: dict[str, Any]) -> dict[str, Any]:
    """The job, once all is final that it has made: other tests have theirs in the same service."""

    def ask() -> dict[str, Any] | None:
        found: dict[str, Any] = api.get(f"/v1/replays/{job['id']}").must(200)
        return found if found["unfinished"] == 0 else None

    found = until(ask, "what it has made is final")
    assert found is not None
    return found


def test_a_paused_job_makes_nothing_and_goes_on_when_resumed(api: Api, receiver: Receiver) -> None:
    path, other = receiver.path(), receiver.path()
    api.webhook(receiver.url(path), name="first")
    ids = [new_id() for _ in range(600)]  # a minute's work: it is not over before it is paused
    api.accept(batch(ids, api.org))
    receiver.wait(path, len(ids))
    hook = api.webhook(receiver.url(other), name="second")
    job = replay(api, hook, missedSince=0, ratePerSecond=10)
    receiver.wait(other, 12)
    assert api.call("POST", f"/v1/replays/{job['id']}/pause").must(200)["state"] == "paused"
    made_ends(api, job)
    begun = len(receiver.arrivals(other))
    stays(lambda: len(receiver.arrivals(other)) <= begun, "nothing is made while it is paused")
    wrong = api.call("POST", f"/v1/replays/{job['id']}/pause").must(409)["error"]
    assert wrong["code"] == "wrong_state" and "paused" in wrong["message"]
    api.call("POST", f"/v1/replays/{job['id']}/resume").must(200)
    receiver.wait(other, begun + 5)
    ended = api.call("POST", f"/v1/replays/{job['id']}/cancel").must(200)
    assert ended["state"] == "cancelled"
    told = made_ends(api, job)
    assert told["made"] == told["delivered"] + told["cancelled"] < len(ids)


def test_a_strict_lane_is_freed_by_cancelling_its_first(api: Api, receiver: Receiver) -> None:
    path = receiver.path(each=[{"status": 500}] * 3)
    api.webhook(receiver.url(path), ordering="strict", retryPolicy={"delaysInSeconds": [60]})
    ids = [new_id() for _ in range(3)]
    api.accept(batch(ids, api.org))
    first = api.settled(ids[0], states=("retrying",))
    assert api.delivery_of(ids[1])["state"] == "held"
    receiver.plan(path, status=200)
    cancelled = api.call("POST", f"/v1/deliveries/{first['id']}/cancel").must(200)
    assert cancelled["state"] == "cancelled" and cancelled["nextAttemptAt"] is None
    assert [api.settled(text)["state"] for text in ids[1:]] == ["delivered"] * 2
    again = api.call("POST", f"/v1/deliveries/{first['id']}/cancel").must(409)["error"]
    assert again["code"] == "not_unfinished"
    assert api.call("POST", "/v1/deliveries/dlv_0000000000zzz/cancel").status == 404


def test_what_waits_in_a_lane_is_not_sent_once_its_cancel_is_answered(
    api: Api, receiver: Receiver
) -> None:
    path = receiver.path(held=True)
    api.webhook(receiver.url(path), maxAllowedConnections=1)
    ids = [new_id() for _ in range(30)]
    api.accept(batch(ids, api.org))
    receiver.wait(path, 1)
    taken_back = ids[20:]
    for text in taken_back:
        waiting = api.delivery_of(text)
        assert waiting["state"] == "pending"
        told = api.call("POST", f"/v1/deliveries/{waiting['id']}/cancel").must(200)
        assert told["state"] == "cancelled"
    receiver.plan(path)
    assert [api.settled(text)["state"] for text in ids[:20]] == ["delivered"] * 20
    stays(lambda: len(receiver.arrivals(path)) == 20, "the others are not sent")
    assert receiver.known_ids(path) == set(ids[:20])


def test_wrong_events_are_cancelled_by_filter_after_a_count(api: Api, receiver: Receiver) -> None:
    path = receiver.path(status=503)
    api.webhook(
        receiver.url(path),
        eventNames=["pointsIssued", "customerUpdated"],
        retryPolicy={"delaysInSeconds": [600]},
    )
    wrong, right = [new_id() for _ in range(40)], new_id()
    api.accept(batch(wrong, api.org))
    api.accept(event(right, api.org, name="customerUpdated"))
    api.settled(wrong[0], states=("retrying",))  # the others too, or behind the open breaker
    body = {"eventNames": ["pointsIssued"]}
    told = api.send("POST", "/v1/deliveries/cancel", body | {"dryRun": True}).must(200)
    assert told["sentence"] == "This cancels 40 deliveries, for good."
    job = api.send("POST", "/v1/deliveries/cancel", body).must(201)
    ended = comes_to(api, job, "finished")
    assert (ended["kind"], ended["made"]) == ("cancel", 40)
    assert {api.delivery_of(text)["state"] for text in wrong} == {"cancelled"}
    assert api.delivery_of(right)["state"] in ("retrying", "pending")


def test_a_stop_holds_everything_loses_nothing_and_outlives_a_restart(
    own_service: NewService, receiver: Receiver
) -> None:
    service = own_service(drain_s=5).start()
    path = receiver.path(delay=0.05)
    with service.api() as api:
        api.webhook(receiver.url(path), maxAllowedConnections=2)
    pump = Pump(service.api, ORG, connections=2)
    pump.wait(100)
    with service.api() as api:
        assert api.call("POST", "/v1/stop").must(200)["stopped"] is True
        until(lambda: figure(api, "tidings_in_flight") == 0, "what was under way ends")
        begun = len(receiver.arrivals(path))
        pump.wait(len(pump.acknowledged) + 50)  # events are accepted as ever
        stays(lambda: len(receiver.arrivals(path)) == begun, "nothing is sent")
        ready = api.get("/readyz").must(200)
        assert ready["ready"] and "stopped for all orgs" in ready["notices"][0]
        assert b"tidings_sending_stopped 1.0" in api.get("/metrics").body
    acknowledged = pump.stop()
    assert service.stop() == 0
    service.start()
    stays(lambda: len(receiver.arrivals(path)) == begun, "nothing is sent after a restart")
    with service.api() as api:
        assert api.call("POST", "/v1/start").must(200)["stopped"] is False
        receiver.plan(path, status=200)
        all_arrive(receiver, path, acknowledged)
        assert api.drained()["orphans"] == 0
    counts = Counter(arrival.event_id for arrival in receiver.arrivals(path))
    assert set(counts.values()) == {1}


def test_a_stopped_org_holds_while_others_go_on(
    new_org: Callable[..., Api], receiver: Receiver
) -> None:
    stopped, other = new_org(), new_org()
    paths = receiver.path(), receiver.path()
    for api, path in zip((stopped, other), paths, strict=True):
        api.webhook(receiver.url(path))
    told = stopped.call("POST", f"/v1/orgs/{stopped.org}/stop").must(200)
    assert told["stopped"] and not told["everythingStopped"]
    mine, theirs = new_id(), new_id()
    stopped.accept(event(mine, stopped.org))
    other.accept(event(theirs, other.org))
    assert other.settled(theirs)["state"] == "delivered"
    stays(lambda: not receiver.arrivals(paths[0]), "the stopped org sends nothing")
    assert stopped.delivery_of(mine)["state"] == "pending"
    stopped.call("POST", f"/v1/orgs/{stopped.org}/start").must(200)
    assert stopped.settled(mine)["state"] == "delivered"
