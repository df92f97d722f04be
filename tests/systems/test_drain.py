"""500 deliveries wait for their retries behind an open breaker, and somebody has mended the
receiver: what a drain makes of that, in a real service."""

import time
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.e2e.delivery.bursts import burst, left_alone
from tests.e2e.harness.api import Api
from tests.e2e.harness.fixtures import NewService
from tests.e2e.harness.receiver import Receiver
from tests.e2e.harness.service import ORG
from tests.e2e.harness.until import until
from tests.loops.given_time import given_time

pytestmark = pytest.mark.systems
WAITING = 500
HOURS = {"retryPolicy": {"delaysInSeconds": [7200, 7200, 7200]}}


def broken(api: Api, receiver: Receiver, **fields: Any) -> tuple[dict[str, Any], str]:
    """A webhook behind its open breaker, for which 500 deliveries wait, many of them for two
    hours; and the path of its receiver."""
    path = receiver.path(status=500, delay=2.0)
    asked = {"maxAllowedConnections": WAITING, **HOURS, **fields}
    hook = api.webhook(receiver.url(path), **asked)
    burst(api, WAITING)
    shown = f"/v3/webHooks/{hook['webHookId']}"
    until(lambda: left_alone(api, shown), "it is left alone")
    until(lambda: rests(api, shown), "its next probe is some seconds ahead, and none under way")
    receiver.plan(path, status=200)
    return hook, path


def rests(api: Api, shown: str) -> bool:
    health = left_alone(api, shown)
    if health is None or b"tidings_in_flight 0.0\n" not in api.get("/metrics").body:
        return False
    next_try = datetime.fromisoformat(health["nextTryAt"])
    return (next_try - datetime.now(UTC)).total_seconds() >= 4


def look(api: Api, hook: dict[str, Any]) -> dict[str, Any]:
    drain: dict[str, Any] = api.get(f"/v1/webHooks/{hook['webHookId']}/drain").must(200)
    return drain


def begin(api: Api, hook: dict[str, Any]) -> dict[str, Any]:
    path = f"/v1/webHooks/{hook['webHookId']}/drain"
    drain: dict[str, Any] = api.send("POST", path, None).must(202)
    return drain


def over(api: Api, hook: dict[str, Any]) -> dict[str, Any] | None:
    drain = look(api, hook)
    return None if drain["state"] in ("probing", "draining") else drain


def taken(receiver: Receiver, path: str) -> set[str]:
    return {arrival.message for arrival in receiver.arrivals(path) if arrival.answer == 200}


def test_500_that_wait_for_hours_are_drained_within_ten_seconds(
    own_service: NewService, receiver: Receiver
) -> None:
    service = own_service().start()
    with service.api(ORG) as api, given_time(service.pid) as given:
        hook, path = broken(api, receiver)
        retrying = api.get(
            f"/v1/deliveries?webHookId={hook['webHookId']}&states=retrying&limit=200"
        ).must(200)["deliveries"]
        assert len(retrying) >= 100, "they wait for their time, and not for the breaker alone"
        expected = look(api, hook)
        assert expected["state"] == "none" and expected["text"].startswith("500 queued, about ")
        began_s = time.monotonic()
        assert begin(api, hook)["queued"] == WAITING
        drain = until(lambda: over(api, hook), "it is over")
        took_s = given.since(began_s)
        found = {name: drain[name] for name in ("state", "delivered", "failed", "left")}
        assert found == {"state": "done", "delivered": WAITING, "failed": 0, "left": 0}
        assert len(taken(receiver, path)) == WAITING
        assert took_s <= 10, took_s
        [entry] = api.get("/v1/audit?action=webhook.drained").must(200)["entries"]
        assert entry["object"]["id"] == hook["webHookId"]


def test_a_rate_limit_is_kept(own_service: NewService, receiver: Receiver) -> None:
    with own_service().start().api(ORG) as api:
        hook, path = broken(api, receiver, rateLimit=50)
        assert look(api, hook)["aboutSeconds"] >= WAITING / 50
        begin(api, hook)
        drain = until(lambda: over(api, hook), "it is over")
        assert (drain["state"], drain["delivered"]) == ("done", WAITING)
        at = sorted(arrival.at_s for arrival in receiver.arrivals(path) if arrival.answer == 200)
        assert len(at) == WAITING
        assert at[-1] - at[0] >= WAITING / 50 - 1, "50 a second, and the catching up of one"


def test_a_drain_whose_process_is_killed_goes_on_and_sends_the_rest(
    own_service: NewService, receiver: Receiver
) -> None:
    service = own_service().start()
    with service.api(ORG) as api:
        hook, path = broken(api, receiver, rateLimit=100)
        begin(api, hook)
        until(lambda: len(taken(receiver, path)) >= 50, "it is midway")
    service.kill_all()
    service.start()
    with service.api(ORG) as api:
        begin(api, hook)
        drain = until(lambda: over(api, hook), "it is over")
        assert (drain["state"], drain["left"]) == ("done", 0)
        assert len(taken(receiver, path)) == WAITING
