"""A receiver that limits the rate gets what it admits again after each outage, over real sockets.

An outage is no limit: half a minute after its end the receiver gets 85 % of what it admits
(docs/contract/delivery.md), whether it answered with 503 or dropped its connections meanwhile.
"""

import time
from typing import Any

import pytest

from tests.loops.given_time import GivenTime, given_time

from ..harness.events import event, new_id
from ..harness.fixtures import NewService
from ..harness.receiver import Receiver
from ..harness.service import ORG

pytestmark = [pytest.mark.systems, pytest.mark.waiting, pytest.mark.timeout(300)]

RATE, LEAST = 40, 0.85
LEARN_S, OUTAGE_S, BACK_S, LOOK_S = 15.0, 10.0, 30.0, 15.0
# A stall of the machine brings more than it admits in one second, and so a lower rate for some.
# What was learned of an outage stays: it was seen for a minute.
LOOKS = 2
OUTAGES: list[dict[str, Any]] = [{"status": 503}, {"mode": "reset"}]
BACKLOG = int(RATE * (LEARN_S + len(OUTAGES) * (OUTAGE_S + BACK_S + LOOKS * LOOK_S)) * 1.5)


def taken_since(receiver: Receiver, path: str, from_s: float, given: GivenTime) -> float:
    """Tell how many messages a second the receiver has taken since a moment, of the time that the
    machine gave."""
    until_s = time.monotonic()
    arrivals = receiver.arrivals(path)
    taken = sum(from_s <= arrival.at_s < until_s and arrival.answer == 200 for arrival in arrivals)
    return taken / given.between(from_s, until_s)


def rate_of(receiver: Receiver, path: str, given: GivenTime) -> float:
    """Measure the rate at which it takes messages; once more where it is too low."""
    rates: list[float] = []
    while len(rates) < LOOKS and max(rates, default=0.0) < LEAST * RATE:
        began_s = time.monotonic()
        time.sleep(LOOK_S)
        rates.append(taken_since(receiver, path, began_s, given))
    return max(rates)


def test_a_limited_receiver_gets_what_it_admits_after_each_outage(
    own_service: NewService, receiver: Receiver
) -> None:
    limited = {"limit": {"most": RATE, "windowS": 1}}
    path = receiver.path(**limited)
    service = own_service().start()
    with service.api(ORG) as api, given_time(service.pid) as given:
        api.webhook(receiver.url(path), maxAllowedConnections=20, retryPolicy=None)
        for _ in range(0, BACKLOG, 100):
            api.accept(b"[" + b",".join(event(new_id(), ORG) for _ in range(100)) + b"]")
        time.sleep(LEARN_S)
        rates: list[float] = []
        for outage in OUTAGES:
            receiver.plan(path, **outage)
            time.sleep(OUTAGE_S)
            receiver.plan(path, **limited)
            time.sleep(BACK_S)
            rates.append(rate_of(receiver, path, given))
        assert min(rates) >= LEAST * RATE, f"{rates} of {RATE} a second"
        messages = [arrival.message for arrival in receiver.arrivals(path) if arrival.answer == 200]
        assert len(set(messages)) == len(messages), "none was taken twice"
