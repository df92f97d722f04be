"""The operator's channel hears of all orgs, and no org sees it."""

from collections.abc import AsyncIterator

import pytest

from tests.engine.alerts.alert_world import MINUTE, OUTSIDE, AlertWorld, alert_world
from tests.stand_ins.parties.alert_receivers import ROUTING_KEY, SECRET
from tidings.core.alerts.channel import AlertChannel, ChannelType
from tidings.core.ids import OrgId

PATH = "/v1/alertChannels"
PAGER, SLACK = "operator-on-call", "operator-chat"
CHANNELS = {
    "on-call": AlertChannel(
        "on-call",
        ChannelType.PAGERDUTY,
        url=f"{OUTSIDE}/v2/enqueue",
        routing_key=ROUTING_KEY,
    ),
    "chat": AlertChannel(
        "chat", ChannelType.SLACK, url=f"{OUTSIDE}/services/T0/B0/{SECRET}", enabled=False
    ),
}


@pytest.fixture
async def world() -> AsyncIterator[AlertWorld]:
    async with alert_world(CHANNELS) as made:
        yield made


async def test_it_hears_of_every_org_with_its_number_and_once_over_restarts(
    world: AlertWorld,
) -> None:
    await world.pagerduty(OrgId(2), delaySeconds=86_400)
    world.opens(1, OrgId(1))
    world.opens(2, OrgId(2))
    for _ in range(2):
        await world.round(MINUTE)
        world.begin()
    summaries = sorted(world.party.open_alerts().values())
    assert [text.partition(" (")[0] for text in summaries] == [
        "Webhook Shop 1 of org 1",
        "Webhook Shop 2 of org 2",
    ]
    assert len(world.party.events()) == 2
    marks = await world.s.store.alert_marks()
    assert {(mark.channel, mark.org) for mark in marks} == {(PAGER, 1), (PAGER, 2)}
    world.incidents.now.clear()
    await world.round(MINUTE)
    assert world.party.open_alerts() == {}


async def test_many_orgs_are_one_message_with_the_page_of_all_orgs(world: AlertWorld) -> None:
    for number in range(14):
        world.opens(number, OrgId(number % 9 + 1))
    await world.round(MINUTE)
    [event] = world.party.events()
    assert event["payload"]["summary"] == "14 webhooks of 9 orgs are failing."
    assert event["client_url"] == "https://tidings.example/console/failing"


async def test_the_platform_sees_and_tests_it_and_no_org_does(world: AlertWorld) -> None:
    auth = await world.s.add_org(7)
    mine = await world.s.call("GET", PATH, auth=auth)
    assert mine.json["alertChannels"] == []
    for what in ("GET", "PATCH", "DELETE"):
        assert (await world.s.call(what, f"{PATH}/{PAGER}", {}, auth=auth)).status == 404
    assert (await world.s.call("POST", f"{PATH}/{PAGER}/test", auth=auth)).status == 404
    shown = await world.s.call("GET", PATH, x_tidings_org="7")
    assert [row["id"] for row in shown.json["alertChannels"]] == [PAGER, SLACK]
    assert ROUTING_KEY not in str(shown.json)
    tested = await world.s.call("POST", f"{PATH}/{PAGER}/test", x_tidings_org="7")
    assert tested.json["taken"] is True
    assert len(world.party.events()) == 2
    for what in ("PATCH", "DELETE"):  # they are the file's
        refused = await world.s.call(what, f"{PATH}/{PAGER}", {"name": "x"}, x_tidings_org="7")
        assert refused.status == 404
