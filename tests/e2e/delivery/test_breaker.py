"""A receiver that only fails is left alone, found again when back, and costs others nothing."""

from functools import partial
from pathlib import Path

import pytest

from ..harness.api import Api
from ..harness.receiver import Receiver
from ..harness.service import ORG, ServiceProcess
from ..harness.store.books import ask
from ..harness.until import until
from .bursts import burst, left_alone

OPEN = "SELECT webhook FROM webhook_health WHERE opens > 0 AND until_ms > 0"


def settled(api: Api, event_id: str) -> list[str]:
    """The states of an event's deliveries, once all of them are final."""
    states = [row["state"] for row in api.event(event_id)["deliveries"]]
    return states if not {"pending", "retrying"} & set(states) else []


def waits_for_the_probe(api: Api, shown: str) -> bool:
    """Whether what a webhook has left says the time of its next probe, or a later one of its own;
    not where another probe has begun meanwhile."""
    id = shown.rpartition("/")[2]
    before = api.get(shown).must(200)["data"]["health"]
    path = f"/v1/deliveries?webHookId={id}&states=pending,retrying&limit=200"
    rows = api.get(path).must(200)["deliveries"]
    one = api.get(f"/v1/deliveries/{rows[0]['id']}").must(200)
    if before != api.get(shown).must(200)["data"]["health"] or one["nextAttemptAt"] is None:
        return False
    probe = before["nextTryAt"]
    late = [row for row in rows if row["state"] == "retrying" and row["nextAttemptAt"] > probe]
    waiting = [row for row in rows if row not in late]
    assert len(waiting) > 100 and {row["nextAttemptAt"] for row in waiting} == {probe}
    return "at the earliest" in one["advice"] or one["nextAttemptAt"] > probe


def test_a_dead_receiver_is_asked_seldom_and_gets_everything_when_it_is_back(
    api: Api, receiver: Receiver
) -> None:
    dead, well = receiver.path(status=500), receiver.path()
    shown = f"/v3/webHooks/{api.webhook(receiver.url(dead))['webHookId']}"
    assert api.get(shown).must(200)["data"]["health"] is None
    api.webhook(receiver.url(well), name="well")
    ids = burst(api, 300)
    receiver.wait(well, 300)
    health = until(lambda: left_alone(api, shown), "it is left alone")
    assert health["cause"] == "500"
    asked = len(receiver.arrivals(dead))
    assert 10 <= asked <= 40, asked  # what was under way when it opened, and a probe at most
    until(lambda: waits_for_the_probe(api, shown), "its deliveries wait for the probe")
    metrics = api.get("/metrics").body.decode()
    assert 'tidings_open_breakers_by_cause{cause="500"} 1.0\n' in metrics
    receiver.plan(dead, status=200)
    asked = len([arrival for arrival in receiver.arrivals(dead) if arrival.answer != 200])
    delivered = until(
        lambda: (
            len({arrival.message for arrival in receiver.arrivals(dead) if arrival.answer == 200})
            == 300
        ),
        "everything has arrived",
    )
    assert delivered
    refused = [arrival for arrival in receiver.arrivals(dead) if arrival.answer != 200]
    assert len(refused) <= asked + 1, "a probe that was under way"
    for text in ids[:3]:
        fates = until(partial(settled, api, text), "both are settled")
        assert fates == ["delivered", "delivered"]


def test_good_traffic_does_not_make_it_blind(api: Api, receiver: Receiver) -> None:
    path = receiver.path()
    hook = api.webhook(receiver.url(path), maxAllowedConnections=64)
    burst(api, 1000)
    receiver.wait(path, 1000)
    receiver.plan(path, status=500, delay=0.01)
    burst(api, 1000)
    until(lambda: left_alone(api, f"/v3/webHooks/{hook['webHookId']}"), "it is left alone")
    failed = len(receiver.arrivals(path)) - 1000
    assert 30 <= failed <= 100, failed


def test_a_broken_deploy_that_refuses_everything_does_not_fail_the_whole_backlog(
    api: Api, receiver: Receiver
) -> None:
    path = receiver.path(status=400)
    hook = api.webhook(receiver.url(path))
    ids = burst(api, 200)
    until(lambda: left_alone(api, f"/v3/webHooks/{hook['webHookId']}"), "it is left alone")
    receiver.plan(path, status=200)
    states = [api.settled(text)["state"] for text in ids]
    assert states.count("failed") <= 40 and states.count("delivered") >= 160


@pytest.mark.systems
def test_an_open_breaker_is_open_after_a_restart(tmp_path: Path, receiver: Receiver) -> None:
    service = ServiceProcess(tmp_path / "data")
    try:
        service.start()
        path = receiver.path(status=500)
        with service.api(ORG) as api:
            hook = api.webhook(receiver.url(path))
            burst(api, 100)
            shown = f"/v3/webHooks/{hook['webHookId']}"
            until(lambda: left_alone(api, shown), "it is left alone")
            until(lambda: ask(service.data, OPEN), "its position is written")
        service.kill_all()
        before = len(receiver.arrivals(path))
        service.start()
        with service.api(ORG) as api:
            until(lambda: left_alone(api, shown), "it is left alone still")
            assert len(receiver.arrivals(path)) <= before + 1
        receiver.plan(path, status=200)
        until(
            lambda: (
                len(
                    {
                        arrival.message
                        for arrival in receiver.arrivals(path)
                        if arrival.answer == 200
                    }
                )
                == 100
            ),
            "everything has arrived",
        )
    finally:
        service.end()


def test_retry_after_of_an_overloaded_receiver_holds_its_whole_lane(
    api: Api, receiver: Receiver
) -> None:
    path = receiver.path(first=[{"status": 429, "headers": {"Retry-After": "3"}}])
    api.webhook(receiver.url(path), maxAllowedConnections=1)
    burst(api, 20)
    arrivals = receiver.wait(path, 21)
    assert arrivals[1].at_s - arrivals[0].at_s >= 2.9
