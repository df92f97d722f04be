"""The drill of who is on call: from the link of an alert to all that waited being sent, and what
was missed being sent again, by the webhook's page alone."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from ..e2e.harness.api import Api
from ..e2e.harness.events import event, new_id
from ..e2e.harness.receiver import Receiver
from ..e2e.harness.service import ServiceProcess
from ..e2e.harness.until import until
from .axe import violations
from .conftest import NewReader
from .world import WRONG

pytestmark = pytest.mark.systems
MISSED, WAITING = 3, 40
HOURS = {"delaysInSeconds": [7200, 7200, 7200]}


def burst(api: Api, count: int) -> None:
    """So many events in one call."""
    api.accept(b"[" + b",".join(event(new_id(), api.org) for _ in range(count)) + b"]")


def counted(api: Api, webhook: str, *states: str) -> Callable[[], int]:
    """How many deliveries are in these states."""

    def count() -> int:
        path = f"/v1/deliveries?webHookId={webhook}&states={','.join(states)}&limit=200"
        return len(api.get(path).must(200)["deliveries"])

    return count


def test_from_the_alert_to_drained_and_replayed_by_three_clicks(
    reader: NewReader, console: ServiceProcess, receiver: Receiver
) -> None:
    with console.api() as platform:
        made = platform.send("POST", "/v1/orgs", {"name": "A brand on call"}).must(201)
    path = receiver.path(status=400, body=WRONG)
    with console.api(made["id"]) as api:
        hook = api.webhook(receiver.url(path), "Partner feed", retryPolicy=HOURS)
        webhook = hook["webHookId"]
        burst(api, MISSED)
        failed = counted(api, webhook, "failed")
        until(lambda: failed() == MISSED, "they are refused for good")
        receiver.plan(path, status=500, body=WRONG)
        burst(api, WAITING)
        shown = f"/v3/webHooks/{webhook}"
        until(lambda: api.get(shown).must(200)["data"]["health"], "it is seen to fail")
        receiver.plan(path, status=200)

        one = reader(org=api.org, width=360)
        one.open(f"/webhooks/{webhook}")  # the link of the alert: the first click
        one.see("What is wrong, and what to do")
        text = one.text()
        assert WRONG in text and "What waits, by age" in text and "How it went" in text
        assert violations(one.page) == []
        one.page.get_by_role("button", name="Try now and drain").click()  # the second
        told = re.compile(r"^\d+ delivered, 0 failed, 0 left\.$")  # less what a probe has begun
        expect(one.page.get_by_text(told)).to_be_visible()
        arrived = counted(api, webhook, "delivered")
        until(lambda: arrived() == WAITING, "all that waited has arrived")
        assert len({arrival.message for arrival in receiver.arrivals(path)
                    if arrival.answer == 200}) == WAITING  # fmt: skip

        one.open(f"/webhooks/{webhook}")
        button = re.compile(f"^Replay {MISSED} that were missed")
        one.page.get_by_role("button", name=button).click()  # the third
        one.page.wait_for_url("**/replays/rpl_*")
        until(lambda: arrived() == WAITING + MISSED, "all of it has arrived")
        tally = api.get(f"/v1/webHooks/{webhook}/tally").must(200)
        assert (tally["neverArrived"], tally["arrivedPercent"]) == (0, 100.0)
        one.open(f"/webhooks/{webhook}")
        one.see("An attempt succeeded; the breaker closed")
        assert "that were missed" not in one.text()
