"""Attempts: when the next one is made, when none is made any more, and what stops them."""

import time
from datetime import datetime

import pytest

from ..harness.api import Api
from ..harness.events import event, new_id
from ..harness.receiver import Receiver
from ..harness.until import stays, until


def numbered(told: dict[str, object]) -> list[tuple[object, object]]:
    """Number and status of every attempt of a delivery."""
    attempts = told["attemptList"]
    assert isinstance(attempts, list)
    return [(attempt["number"], attempt["status"]) for attempt in attempts]


def test_failures_are_tried_again_until_delivered_and_numbered_without_a_gap(
    api: Api, receiver: Receiver
) -> None:
    path = receiver.path(first=[{"status": 500}, {"status": 503}, {"mode": "reset"}])
    api.webhook(receiver.url(path), retryPolicy={"delaysInSeconds": [1, 1, 1]})
    event_id = new_id()
    api.accept(event(event_id, api.org))
    told = api.settled(event_id)
    assert told["state"] == "delivered" and told["attempts"] == 4
    assert numbered(told) == [(1, 500), (2, 503), (3, None), (4, 200)]
    arrivals = receiver.arrivals(path)
    assert [arrival.attempt for arrival in arrivals] == [1, 2, 3, 4]
    assert {arrival.message for arrival in arrivals} == {event_id}
    assert len({arrival.body for arrival in arrivals}) == 1
    gaps = [b.at_s - a.at_s for a, b in zip(arrivals, arrivals[1:], strict=False)]
    assert all(gap >= 0.75 for gap in gaps[:2]), gaps
    # By the usual schedule the second is made after 24 s. At once, where the connection that was
    # reset had been kept, is the fourth.
    assert max(gaps[1:]) < 20, gaps


@pytest.mark.parametrize("status", [400, 405, 406, 411, 413, 414, 415, 422, 431, 501, 505])
def test_a_refusal_fails_at_once(api: Api, receiver: Receiver, status: int) -> None:
    path = receiver.path(status=status, body="no such field")
    api.webhook(receiver.url(path))
    event_id = new_id()
    api.accept(event(event_id, api.org))
    told = api.settled(event_id)
    assert (told["state"], told["nextAttemptAt"]) == ("failed", None)
    assert numbered(told) == [(1, status)]
    assert told["attemptList"][0]["answer"]["body"]["text"] == "no such field"


@pytest.mark.parametrize("status", [301, 401, 403, 404, 409, 425, 429, 500, 502, 504, 599])
def test_anything_else_is_tried_again(api: Api, receiver: Receiver, status: int) -> None:
    path = receiver.path(first=[{"status": status, "headers": {"location": "/elsewhere"}}])
    api.webhook(receiver.url(path))
    event_id = new_id()
    api.accept(event(event_id, api.org))
    told = api.settled(event_id)
    assert told["state"] == "delivered"
    assert numbered(told) == [(1, status), (2, 200)]
    assert not receiver.arrivals("/elsewhere")


def test_a_webhook_may_judge_otherwise(api: Api, receiver: Receiver) -> None:
    path = receiver.path(first=[{"status": 422}, {"status": 404}])
    policy = {"delaysInSeconds": [1], "retryStatuses": [422], "failStatuses": [404]}
    api.webhook(receiver.url(path), retryPolicy=policy)
    event_id = new_id()
    api.accept(event(event_id, api.org))
    told = api.settled(event_id)
    assert told["state"] == "failed" and numbered(told) == [(1, 422), (2, 404)]


def test_410_fails_the_delivery_disables_the_webhook_and_parks_what_comes(
    api: Api, receiver: Receiver
) -> None:
    path = receiver.path(status=410)
    hook = api.webhook(receiver.url(path))
    first, later = new_id(), new_id()
    api.accept(event(first, api.org))
    assert api.settled(first)["state"] == "failed"

    def shown() -> dict[str, object]:
        found = api.get(f"/v3/webHooks/{hook['webHookId']}").must(200)["data"]
        return found if found["standing"] == "disabled" else {}

    disabled = until(shown, "the webhook is disabled")
    assert disabled["active"] is False and "410" in str(disabled["disabledReason"])
    api.accept(event(later, api.org))
    assert api.settled(later)["state"] == "parked"
    stays(lambda: len(receiver.arrivals(path)) == 1, "a gone address is left alone")
    receiver.plan(path, status=200)
    api.change(hook, active=True)
    again = new_id()
    api.accept(event(again, api.org))
    assert api.settled(again)["state"] == "delivered"


def test_retry_after_moves_the_next_attempt_later(api: Api, receiver: Receiver) -> None:
    path = receiver.path(first=[{"status": 503, "headers": {"Retry-After": "2"}}])
    api.webhook(receiver.url(path))
    event_id = new_id()
    api.accept(event(event_id, api.org))
    first, second = receiver.wait(path, 2)
    assert second.at_s - first.at_s >= 2.0


def test_retry_after_is_when_the_next_attempt_is_due(api: Api, receiver: Receiver) -> None:
    path = receiver.path(status=503, headers={"Retry-After": "600"})
    api.webhook(receiver.url(path))
    event_id, began_s = new_id(), time.time()
    api.accept(event(event_id, api.org))
    told = api.settled(event_id, states=("retrying",))
    due_s = datetime.fromisoformat(told["nextAttemptAt"]).timestamp()
    assert began_s + 599 <= due_s <= time.time() + 601


@pytest.mark.parametrize("mode", ["silent", "drip", "flood"])
def test_an_attempt_ends_at_its_deadline_whatever_the_receiver_does(
    api: Api, receiver: Receiver, mode: str
) -> None:
    path = receiver.path(first=[{"mode": mode}])
    api.webhook(receiver.url(path), deadlineInSeconds=3)
    event_id = new_id()
    api.accept(event(event_id, api.org))
    told = api.settled(event_id)
    assert told["state"] == "delivered" and numbered(told) == [(1, None), (2, 200)]
    late = told["attemptList"][0]
    assert late["fault"] in ("timeout", "protocol") and late["durationInMs"] < 30_000
    if mode == "silent":
        assert late["fault"] == "timeout" and late["durationInMs"] >= 3000


@pytest.mark.parametrize("mode", ["garbage", "reset", "endless"])
def test_a_broken_answer_is_tried_again(api: Api, receiver: Receiver, mode: str) -> None:
    path = receiver.path(first=[{"mode": mode}])
    api.webhook(receiver.url(path), deadlineInSeconds=3)
    event_id = new_id()
    api.accept(event(event_id, api.org))
    told = api.settled(event_id)
    assert told["state"] == "delivered" and told["attempts"] == 2


def test_who_refuses_the_connection_is_tried_again(api: Api, receiver: Receiver) -> None:
    hook = api.webhook(receiver.dead_url())
    event_id = new_id()
    api.accept(event(event_id, api.org))
    told = api.settled(event_id, states=("retrying",))
    assert told["attemptList"][0]["fault"] == "refused"
    path = receiver.path()
    api.change(hook, webHookUrl=receiver.url(path))
    assert api.settled(event_id)["state"] == "delivered"
    assert receiver.arrivals(path)[-1].attempt == told["attempts"] + 1 >= 2


def test_a_window_that_is_over_ends_the_attempts(api: Api, receiver: Receiver) -> None:
    path = receiver.path(status=500)
    policy = {"delaysInSeconds": [1], "windowInHours": 4 / 3600}
    api.webhook(receiver.url(path), retryPolicy=policy)
    event_id, began_s = new_id(), time.monotonic()
    api.accept(event(event_id, api.org))
    told = api.settled(event_id)
    assert told["state"] == "failed" and told["nextAttemptAt"] is None
    arrivals = receiver.arrivals(path)
    assert len(arrivals) == told["attempts"] >= 3
    assert arrivals[-1].at_s - began_s >= 3.9


def test_deleting_a_webhook_cancels_what_it_has_not_been_sent(api: Api, receiver: Receiver) -> None:
    path = receiver.path(delay=0.3)
    hook = api.webhook(receiver.url(path), maxAllowedConnections=1)
    ids = [new_id() for _ in range(30)]
    api.accept(b"[" + b",".join(event(text, api.org) for text in ids) + b"]")
    receiver.wait(path, 1)
    api.delete(hook)
    begun = len(receiver.arrivals(path))
    stays(lambda: len(receiver.arrivals(path)) <= begun, "nothing more is sent", 1.0)
    fates = [api.settled(text, states=("delivered", "cancelled"))["state"] for text in ids]
    # The one under way at the delete ended as it began; whatever it came to, its attempt counts.
    assert fates.count("cancelled") >= len(ids) - begun
    later = new_id()
    api.accept(event(later, api.org))
    assert api.event(later)["deliveries"] == []


def test_a_retry_that_waits_is_cancelled_with_its_webhook(api: Api, receiver: Receiver) -> None:
    path = receiver.path(status=500)
    hook = api.webhook(receiver.url(path))
    event_id = new_id()
    api.accept(event(event_id, api.org))
    api.settled(event_id, states=("retrying",))
    api.delete(hook)
    told = api.settled(event_id)
    assert told["state"] == "cancelled" and told["nextAttemptAt"] is None
    begun = len(receiver.arrivals(path))
    stays(lambda: len(receiver.arrivals(path)) <= begun, "its due time passes", 1.5)


def test_inactive_stops_at_once_and_active_goes_on(api: Api, receiver: Receiver) -> None:
    path = receiver.path(delay=0.2)
    hook = api.webhook(receiver.url(path), maxAllowedConnections=1)
    ids = [new_id() for _ in range(40)]
    api.accept(b"[" + b",".join(event(text, api.org) for text in ids) + b"]")
    receiver.wait(path, 1)
    changed = api.change(hook, active=False)
    begun = len(receiver.arrivals(path))
    assert changed["active"] is False and begun < len(ids)
    stays(lambda: len(receiver.arrivals(path)) <= begun, "nothing is sent while inactive", 1.0)
    missed = new_id()
    api.accept(event(missed, api.org))
    assert api.event(missed)["deliveries"] == []
    receiver.plan(path)
    api.change(hook, active=True)
    assert [api.settled(text)["state"] for text in ids] == ["delivered"] * len(ids)
    assert len(receiver.arrivals(path)) == len(ids)
