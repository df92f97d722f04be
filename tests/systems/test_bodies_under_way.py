"""Large bodies of attempts under way take little memory, however many receivers hang with them."""

import time
from collections.abc import Callable

import pytest

from tests.loops.given_time import GivenTime, given_time
from tests.systems.answering import Answering, accept_many, answering, rss

from ..e2e.harness.service import ServiceProcess
from ..e2e.harness.until import PATIENCE_S, until

WEBHOOKS, AT_ONCE, EVENTS, BYTES_EACH = 25, 60, 80, 240_000
WELL = 20  # events that each of them answers before
MANY, EVENTS_EACH, BOUND_MB = 2_200, 2, 300
MORE_MB = 300  # 158 to 313 were seen; without the budget 839
WATCHED_S, TAKEN_S = 12.0, 5.0


class Deaf(Answering):
    """A receiver that is well until it reads nothing any more."""

    hangs = False

    def data_received(self, data: bytes) -> None:
        if Deaf.hangs:
            assert self._transport is not None
            self._transport.pause_reading()
        else:
            super().data_received(data)


class Well(Answering):
    """A receiver that always answers, and counts its own."""

    taken_here = 0

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        Well.taken_here += 1


def assert_taken_soon(count: int, given: GivenTime) -> None:
    """Another org's receiver has so many messages: soon, of the time that the machine gave."""
    began_s = time.monotonic()
    until(lambda: Well.taken_here >= count, "that another org's receiver has its messages")
    assert given.since(began_s) <= TAKEN_S


@pytest.mark.systems
@pytest.mark.waiting
def test_receivers_that_hang_with_large_bodies_take_little_memory(
    own_service: Callable[..., ServiceProcess],
) -> None:
    service = own_service().start()
    with answering(Deaf) as port, service.api() as platform:
        org = platform.send("POST", "/v1/orgs", {"name": "Hanging"}).must(201)["id"]
        with service.api(org) as api:
            for number in range(WEBHOOKS):
                url = f"http://127.0.0.1:{port}/{number}"
                api.webhook(url, f"hook {number}", maxAllowedConnections=AT_ONCE)
        accept_many(service, org, WELL, "")
        until(lambda: Answering.taken >= WELL * WEBHOOKS, "that all have answered")
        platform.send("POST", f"/v1/orgs/{org}/stop", {"reason": "they wait"}).must(200)
        Deaf.hangs = True
        accept_many(service, org, EVENTS, "x" * BYTES_EACH)
        before = rss(service)
        platform.send("POST", f"/v1/orgs/{org}/start", {}).must(200)
        most, attempts, until_s = before, 0, time.monotonic() + WATCHED_S
        end_s = until_s + PATIENCE_S  # of a machine on which not each has one by then
        while (now_s := time.monotonic()) < until_s or (attempts < WEBHOOKS and now_s < end_s):
            most = max(most, rss(service))
            lines = platform.get("/metrics").body.decode().splitlines()
            attempts = max(
                attempts,
                *(
                    int(float(line.split()[1]))
                    for line in lines
                    if line.startswith("tidings_in_flight ")
                ),
            )
            time.sleep(0.2)
        print(f"{attempts} attempts, {(most - before) / 1e6:.0f} MB more")
        assert attempts >= WEBHOOKS, "each has one"
        assert most - before <= MORE_MB * 1e6


@pytest.mark.systems
@pytest.mark.waiting
@pytest.mark.timeout(400)
def test_thousands_of_webhooks_that_hang_with_large_bodies_are_bounded_and_nobody_starves(
    own_service: Callable[..., ServiceProcess],
) -> None:
    service = own_service().start()
    Deaf.hangs = False
    with answering(Deaf) as port, answering(Well) as well, service.api() as platform:
        org = platform.send("POST", "/v1/orgs", {"name": "Hanging"}).must(201)["id"]
        other = platform.send("POST", "/v1/orgs", {"name": "Well"}).must(201)["id"]
        with service.api(org) as api:
            for number in range(MANY):
                api.webhook(f"http://127.0.0.1:{port}/{number}", f"hook {number}")
        with service.api(other) as api:
            api.webhook(f"http://127.0.0.1:{well}/well", "well")
        platform.send("POST", f"/v1/orgs/{org}/stop", {"reason": "they wait"}).must(200)
        Deaf.hangs = True
        accept_many(service, org, EVENTS_EACH, "x" * BYTES_EACH)
        before = most = rss(service)
        accepted = Well.taken_here
        platform.send("POST", f"/v1/orgs/{org}/start", {}).must(200)
        until_s = time.monotonic() + WATCHED_S
        with given_time(service.pid) as given:
            while time.monotonic() < until_s:
                accept_many(service, other, 1, "x" * 100)
                assert_taken_soon(accepted := accepted + 1, given)
                most = max(most, rss(service))
                time.sleep(0.2)
        print(f"{(most - before) / 1e6:.0f} MB more")
        assert most - before <= BOUND_MB * 1e6
        Deaf.hangs, taken = False, Answering.taken
        sent = MANY * EVENTS_EACH
        until(lambda: Answering.taken - taken >= sent, "that all is delivered", 240.0)
