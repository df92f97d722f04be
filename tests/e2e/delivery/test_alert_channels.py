"""Alert channels over kills: each hears of an incident and of its end, whatever was lost."""

from typing import Any

import pytest

from tests.e2e.delivery.bursts import burst
from tests.e2e.harness.api import Api
from tests.e2e.harness.fixtures import NewService
from tests.e2e.harness.receiver import Receiver
from tests.e2e.harness.service import ORG
from tests.e2e.harness.until import until
from tests.stand_ins.parties.alert_receivers import ROUTING_KEY, SECRET, AlertReceivers

pytestmark = pytest.mark.systems
PATH = "/v1/alertChannels"
HOURS: dict[str, Any] = {"retryPolicy": {"delaysInSeconds": [7200, 7200, 7200]}}


def channels_at(api: Api, party: AlertReceivers) -> None:
    """Create a channel of each type that is posted to, which hear at once."""
    slack = {"type": "slack", "url": party.url(f"/services/T0/B0/{SECRET}")}
    pager = {"type": "pagerduty", "routingKey": ROUTING_KEY, "url": party.url("/v2/enqueue")}
    for body in (slack, pager):
        api.send("POST", PATH, {"name": "On call", "delaySeconds": 0} | body).must(201)


def have_heard(api: Api) -> bool:
    shown: list[dict[str, Any]] = api.get(PATH).must(200)["alertChannels"]
    return all(channel["lastSentAt"] for channel in shown)


def test_what_was_not_marked_at_a_kill_is_sent_again_and_what_was_is_not(
    own_service: NewService, receiver: Receiver
) -> None:
    with AlertReceivers() as party:
        party.keeps_silent(1, path="/services")  # it never arrives
        party.keeps_silent(1, path="/v2", done=True)  # it is taken, and the answer is lost
        service = own_service().start()
        with service.api(ORG) as api:
            channels_at(api, party)
            hook = api.webhook(receiver.url(receiver.path(status=500)), **HOURS)
            burst(api, 5)
            until(lambda: len(party.calls(status=0)) == 2, "both messages are under way")
        service.kill_all()
        assert (len(party.messages()), len(party.open_alerts())) == (0, 1)

        service.start()
        with service.api(ORG) as api:
            until(lambda: have_heard(api), "both have heard")
        service.kill_all()
        assert len(party.messages()) == len(party.open_alerts()) == 1

        service.start()
        with service.api(ORG) as api:
            api.delete(hook)
            until(lambda: not party.open_alerts(), "the alert is resolved")
            until(lambda: len(party.messages()) == 2, "the end is sent")
        assert service.stop() == 0
        actions = [event["event_action"] for event in party.events()]
        assert actions == ["trigger", "trigger", "resolve"]
        assert len({event["dedup_key"] for event in party.events()}) == 1
