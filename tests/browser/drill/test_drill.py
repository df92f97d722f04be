"""Sixty webhooks of twenty orgs are broken in nine ways. Whoever is on call ends one cause after
the other: from the link of the alert to drained, in three clicks and within a minute."""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Browser, expect

from ...e2e.harness.events import event, new_id
from ...e2e.harness.receiver import Receiver
from ...e2e.harness.service import KEY, SECRET, ServiceProcess
from ...e2e.harness.until import until
from ...loops.given_time import given_time
from ..axe import violations
from ..chrome import Reader
from ..overflow import OVERFLOW

pytestmark = pytest.mark.systems

ORGS, OF_EACH = 20, 3
EVENTS = 10  # of each org
DRAINED_WITHIN_S = 60
HOURS = {"delaysInSeconds": [7200, 7200, 7200]}
REFUSED = "refuses connections"
WAYS: Mapping[str, Mapping[str, Any]] = {
    REFUSED: {},
    "500": {"status": 500, "body": "The CRM is being moved."},
    "503": {"status": 503},
    "401": {"status": 401},
    "404": {"status": 404},
    "redirects": {"status": 302, "headers": {"location": "http://127.0.0.1/elsewhere"}},
    "resets": {"mode": "reset"},
    "garbage": {"mode": "garbage"},
    "502": {"status": 502},
}
# By width, and whether it is dark: what recovers, and what the page says of it.
MENDED: Mapping[tuple[int, bool], tuple[str, str]] = {
    (360, False): ("500", "answering 500"),
    (360, True): ("503", "answering 503"),
    (768, False): ("401", "answering 401"),
    (768, True): ("502", "answering 502"),
    (1280, False): ("garbage", "not answered in HTTP"),
    (1280, True): ("redirects", "answering 302"),
}


class Broken(NamedTuple):
    """A webhook of the drill."""

    org: int
    id: str
    way: str
    path: str


class Drill:
    """The service, what is broken, and the receiver that breaks it."""

    def __init__(self, service: ServiceProcess, receiver: Receiver) -> None:
        self.service, self.receiver = service, receiver
        self.broken: list[Broken] = []
        self.ended: set[str] = set()  # ways of which nothing fails any more
        ways = list(WAYS)
        with service.api() as platform:
            orgs = [
                platform.send("POST", "/v1/orgs", {"name": f"Brand {at + 1}"}).must(201)["id"]
                for at in range(ORGS)
            ]
        for org in orgs:
            with service.api(org) as api:
                for name in ("CRM", "Points feed", "Shop"):
                    way = ways[len(self.broken) % len(ways)]
                    path = receiver.path(**WAYS[way])
                    url = receiver.dead_url() if way == REFUSED else receiver.url(path)
                    made = api.webhook(url, name, retryPolicy=HOURS)
                    self.broken.append(Broken(org, made["webHookId"], way, path))
        for org in orgs:
            with service.api(org) as api:
                events = b",".join(event(new_id(), org) for _ in range(EVENTS))
                api.accept(b"[" + events + b"]")

    def of(self, way: str) -> Sequence[Broken]:
        """List what is broken in a way."""
        return [broken for broken in self.broken if broken.way == way]

    def failing(self) -> set[str]:
        """Ask for the ids of all webhooks that fail, of all orgs."""
        with self.service.api() as platform:
            found = platform.get("/v1/failing").must(200)
        return {webhook["webHookId"] for group in found["groups"] for webhook in group["members"]}

    def arrived(self, one: Broken) -> int:
        """Count the messages that a webhook's receiver has taken."""
        taken = self.receiver.arrivals(one.path)
        return len({arrival.message for arrival in taken if arrival.answer == 200})


@pytest.fixture(scope="module")
def drill(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Drill]:
    """A service of its own, all of it broken."""
    service = ServiceProcess(tmp_path_factory.mktemp("drill") / "store").start()
    receiver = Receiver()
    try:
        drill = Drill(service, receiver)
        broken = {webhook.id for webhook in drill.broken}
        assert len(broken) == ORGS * OF_EACH
        until(lambda: drill.failing() == broken, "all of them are seen to fail")
        yield drill
    finally:
        receiver.stop()
        service.end()


@pytest.mark.parametrize(("width", "dark"), MENDED)
def test_from_the_alert_to_drained_in_three_clicks_and_a_minute(
    browser: Browser, drill: Drill, width: int, dark: bool
) -> None:
    base = f"http://127.0.0.1:{drill.service.port}"
    way, cause = MENDED[width, dark]
    broken = drill.of(way)
    assert len(broken) > 5, way
    with (
        Reader(browser, base, width=width, dark=dark) as one,
        given_time(drill.service.pid, os.getpid()) as given,
    ):
        one.sign_in(KEY, SECRET)
        began_s = time.monotonic()
        one.go("/console/failing")  # the link of the alert: the first click
        heading = one.page.get_by_role("heading", name=cause)
        expect(heading).to_have_count(1)
        expect(heading).to_contain_text(f"{len(broken)} webhooks of {len(broken)} orgs")
        assert violations(one.page) == []
        assert one.page.evaluate(OVERFLOW) is None
        group = one.page.locator("section.panel").filter(has=heading)
        group.get_by_role("button", name="Try now and drain").click()  # the second
        expect(one.page.get_by_role("checkbox", checked=True)).to_have_count(len(broken))
        for mended in broken:
            drill.receiver.plan(mended.path, status=200)
        one.page.get_by_role("button", name="Try now and drain selected").click()
        one.see(f"Tried {len(broken)} webhooks.")  # by the third
        expect(heading).to_have_count(0)
        until(
            lambda: all(drill.arrived(mended) == EVENTS for mended in broken),
            "each has all that waited",
        )
        took_s = given.between(began_s, time.monotonic())
    assert took_s <= DRAINED_WITHIN_S, f"{took_s:.0f} s"
    drill.ended.add(way)
    left = {other.id for other in drill.broken if other.way not in drill.ended}
    assert drill.failing() == left, "nothing else was touched"
