"""Webhooks side by side: caps, rates and order are kept, and a bad receiver delays nobody else."""

import time
from collections import defaultdict
from collections.abc import Callable
from itertools import groupby, pairwise
from typing import Any

import pytest

from tests.loops.given_time import GivenTime, given_time
from tidings.core.delivery.rate_limit import CATCH_UP_S

from ..harness.api import Api
from ..harness.events import event, new_id
from ..harness.receiver import Arrival, Receiver
from ..harness.service import ServiceProcess
from ..harness.until import until

BATCH = "application/x-ndjson"


def post_many(api: Api, count: int, customers: int = 1) -> list[str]:
    """Ids of events, posted in one call, of customers in turn."""
    ids = [new_id() for _ in range(count)]
    org = api.org
    bodies = [
        event(text, org, customer=n % customers).replace(b"\n", b"") for n, text in enumerate(ids)
    ]
    api.accept(b"\n".join(bodies), BATCH)
    return ids


@pytest.mark.parametrize("cap", [1, 3])
def test_parallel_requests_never_exceed_the_cap_and_reach_it(
    api: Api, receiver: Receiver, cap: int
) -> None:
    path = receiver.path(held=True)  # so that it is reached, however slowly they come
    api.webhook(receiver.url(path), maxAllowedConnections=cap)
    for _ in range(4):
        post_many(api, 15)
    receiver.wait(path, cap)
    receiver.plan(path, delay=0.02)
    assert max(arrival.parallel for arrival in receiver.wait(path, 60)) == cap


def test_a_change_lets_what_is_under_way_end_as_it_began(api: Api, receiver: Receiver) -> None:
    old, new = receiver.path(delay=0.5), receiver.path()
    hook = api.webhook(receiver.url(old), maxAllowedConnections=4)
    ids = post_many(api, 4)
    receiver.wait(old, 4)
    api.change(hook, webHookUrl=receiver.url(new), maxAllowedConnections=2)
    later = post_many(api, 4)
    for text in ids:
        told = api.settled(text)
        assert (told["state"], told["attempts"], told["status"]) == ("delivered", 1, 200)
    assert [api.settled(text)["state"] for text in later] == ["delivered"] * 4
    assert {arrival.event_id for arrival in receiver.arrivals(new)} == set(later)


def test_the_cap_holds_through_retries_and_changes(api: Api, receiver: Receiver) -> None:
    answers = [{"status": 500, "delay": 0.03}, {"status": 200, "delay": 0.03}]
    path = receiver.path(delay=0.03, first=answers * 20)  # half of them: no case for the breaker
    hook = api.webhook(receiver.url(path), maxAllowedConnections=4)
    ids = post_many(api, 40)
    receiver.wait(path, 8)
    api.change(hook, maxAllowedConnections=2)
    begun = len(receiver.arrivals(path)) + 4  # what was on its way at the change
    assert {api.settled(text)["state"] for text in ids} == {"delivered"}
    arrivals = receiver.arrivals(path)
    assert len(arrivals) == 60 and max(arrival.parallel for arrival in arrivals) <= 4
    assert max(arrival.parallel for arrival in arrivals[begun:]) <= 2


@pytest.mark.systems
@pytest.mark.waiting
def test_the_rate_is_kept(api: Api, service: ServiceProcess, receiver: Receiver) -> None:
    """That no second at all holds more is a matter of simulated time
    (tests/engine/delivery/guards/test_lane_rates.py): a receiver that stood still sees at once
    what came meanwhile."""
    rate, count = 10, 35
    path = receiver.path()
    api.webhook(receiver.url(path), rateLimit=rate)
    with given_time(service.pid) as given:
        began_s = time.monotonic()
        post_many(api, count)
        times = [arrival.at_s for arrival in receiver.wait(path, count)]
    for earlier, at_s in enumerate(times):  # no stall of anybody brings one forward
        assert at_s - began_s >= earlier / rate - CATCH_UP_S
    assert given.between(times[0], times[-1]) <= (count - rate) / rate + 3.0


@pytest.mark.systems
@pytest.mark.waiting
@pytest.mark.parametrize("cap", [10, 64])
def test_a_receiver_with_a_limit_gets_what_it_takes(api: Api, receiver: Receiver, cap: int) -> None:
    """How soon is a matter of simulated time (tests/core/delivery/test_learned_rate_seeds.py): a
    machine that stands still for seconds delays it here."""
    rate, seconds = 30, 8
    limit = {"most": rate, "windowS": 1}
    path = receiver.path(limit=limit, headers={"Retry-After": "2"})
    api.webhook(receiver.url(path), maxAllowedConnections=cap)
    for _ in range(4):  # enough for as long as is waited
        post_many(api, 950)

    def is_used(arrivals: list[Arrival]) -> bool:
        """Whether in the last eight seconds the receiver got what it takes, and refused little."""
        end_s = arrivals[-1].at_s
        later = [arrival for arrival in arrivals if arrival.at_s > end_s - seconds]
        taken = sum(arrival.answer == 200 for arrival in later)
        return taken >= 0.85 * rate * seconds and len(later) - taken <= 0.05 * len(later)

    receiver.wait(path, 1)
    until(lambda: is_used(receiver.arrivals(path)), "it gets what it takes")
    refused_s: dict[str, float] = {}
    for arrival in receiver.arrivals(path):  # and none came again sooner than was asked
        assert arrival.at_s - refused_s.get(arrival.message, -10.0) >= 1.9
        if arrival.answer == 429:
            refused_s[arrival.message] = arrival.at_s


def in_order(arrivals: list[Arrival], ids: list[str]) -> bool:
    """Whether these events were tried one after the other: none before the one before it was in."""
    first_delivered = [arrival.event_id for arrival in arrivals if arrival.answer == 200]
    tried = [event_id for event_id, _ in groupby(arrivals, lambda arrival: arrival.event_id)]
    return first_delivered == tried == ids


def test_a_key_goes_in_order_through_failures_and_others_overtake(
    api: Api, receiver: Receiver
) -> None:
    customers = 3
    # The very first request fails: its customer waits, the others do not.
    path = receiver.path(delay=0.005, first=[{"status": 500}])
    api.webhook(receiver.url(path), ordering="key")
    ids = post_many(api, 30, customers)
    for text in ids:
        assert api.settled(text)["state"] == "delivered"
    by_customer: defaultdict[int, list[Arrival]] = defaultdict(list)
    for arrival in receiver.arrivals(path):
        by_customer[arrival.event["data"]["customerIdentifiers"]["customerId"]].append(arrival)
    for customer in range(customers):
        assert in_order(by_customer[customer], ids[customer::customers])
    failed = next(arrival for arrival in receiver.arrivals(path) if arrival.answer == 500)
    late = failed.event["data"]["customerIdentifiers"]["customerId"]
    ends = {customer: by_customer[customer][-1].at_s for customer in range(customers)}
    assert all(ends[other] < ends[late] for other in range(customers) if other != late)
    assert ends[late] - failed.at_s >= 0.75


def test_strict_order_holds_through_failures(api: Api, receiver: Receiver) -> None:
    path = receiver.path(first=[{"status": 200}, {"status": 500}, {"status": 500}])
    api.webhook(receiver.url(path), ordering="strict")
    ids = post_many(api, 8, customers=8) + post_many(api, 4, customers=4)
    for text in ids:
        assert api.settled(text)["state"] == "delivered"
    assert in_order(receiver.arrivals(path), ids)
    assert max(arrival.parallel for arrival in receiver.arrivals(path)) == 1


def test_order_goes_on_behind_a_delivery_that_failed_for_good(api: Api, receiver: Receiver) -> None:
    path = receiver.path(first=[{"status": 400}])
    api.webhook(receiver.url(path), ordering="strict")
    first, *rest = post_many(api, 6)
    assert api.settled(first)["state"] == "failed"
    assert [api.settled(text)["state"] for text in rest] == ["delivered"] * 5
    assert [arrival.event_id for arrival in receiver.arrivals(path)] == [first, *rest]


@pytest.mark.parametrize("deed", ["retry", "cancel"])
def test_what_is_behind_a_refused_delivery_waits_where_its_owner_wants_it(
    api: Api, receiver: Receiver, deed: str
) -> None:
    path = receiver.path(first=[{"status": 400}])
    api.webhook(receiver.url(path), ordering="strict", holdOnFailure=True)
    first, *rest = post_many(api, 4)

    def refused() -> dict[str, Any] | None:
        [fate] = api.event(first)["deliveries"]
        return fate if fate["state"] == "retrying" else None

    held = until(refused, "a refusal")
    states = {text: api.event(text)["deliveries"][0]["state"] for text in rest}
    assert not {"delivered", "failed"} & set(states.values()), states
    assert [arrival.event_id for arrival in receiver.arrivals(path)] == [first]
    done = api.call("POST", f"/v1/deliveries/{held['id']}/{deed}")
    assert done.status in (200, 202), done
    assert [api.settled(text)["state"] for text in rest] == ["delivered"] * 3
    again = [first] if deed == "retry" else []
    assert [arrival.event_id for arrival in receiver.arrivals(path)] == [first, *again, *rest]


def delays(api: Api, receiver: Receiver, path: str, count: int, given: GivenTime) -> list[float]:
    """Seconds from the call to the arrival, of events posted one by one."""
    started: dict[str, float] = {}
    for _ in range(count):
        event_id = new_id()
        body = event(event_id, api.org)
        started[event_id] = time.monotonic()
        api.accept(body)
    until(lambda: started.keys() <= receiver.known_ids(path), "all events at the healthy one")
    found = [arrival for arrival in receiver.arrivals(path) if arrival.event_id in started]
    assert len(found) == count
    return sorted(given.between(started[arrival.event_id], arrival.at_s) for arrival in found)


@pytest.mark.systems
@pytest.mark.alone
def test_dead_silent_and_hostile_receivers_delay_nobody_else(
    own_service: Callable[..., ServiceProcess], receiver: Receiver
) -> None:
    service = own_service().start()
    healthy = receiver.path()
    bad = {
        mode: receiver.path(mode=mode)
        for mode in ("silent", "reset", "drip", "flood", "endless", "garbage")
    }
    with service.api(2001) as api, given_time(service.pid) as given:
        api.webhook(receiver.url(healthy), name="healthy")
        delays(api, receiver, healthy, 50, given)  # warm
        alone = delays(api, receiver, healthy, 200, given)
        api.webhook(receiver.dead_url(), name="dead")
        for mode, path in bad.items():
            api.webhook(receiver.url(path), name=mode, deadlineInSeconds=2)
        beside = delays(api, receiver, healthy, 200, given)
        until(lambda: all(map(receiver.arrivals, bad.values())), "that each was tried")
        assert api.get("/readyz").status == 200
    assert beside[100] <= alone[100] * 3 + 0.050, (alone[100], beside[100])
    assert beside[190] <= alone[190] * 3 + 0.250, (alone[190], beside[190])
    assert beside[-1] <= alone[-1] * 3 + 2.0, (alone[-1], beside[-1])
    assert service.stop() == 0


@pytest.mark.systems
@pytest.mark.waiting
def test_a_slow_receiver_gets_what_it_can_take_in_time(
    api: Api, service: ServiceProcess, receiver: Receiver
) -> None:
    slow, fast = receiver.path(held=True), receiver.path()
    api.webhook(receiver.url(slow), name="slow", maxAllowedConnections=2)
    api.webhook(receiver.url(fast), name="fast")
    ids = post_many(api, 40)
    receiver.wait(fast, 40)
    assert len(receiver.arrivals(slow)) < 20, "the fast one has all by then"
    with given_time(service.pid) as given:
        receiver.plan(slow, delay=0.4)
        assert {arrival.event_id for arrival in receiver.wait(slow, 40)} == set(ids)
    gaps = [given.between(a.at_s, b.at_s) for a, b in pairwise(receiver.arrivals(slow)[2:])]
    assert max(gaps) < 1.5
