"""`/v1/alertChannels`: made, listed without secrets, changed, tested against the stand-in."""

import json
from collections.abc import AsyncIterator

import pytest

from tests.engine.alerts.alert_world import MINUTE, OUTSIDE, AlertWorld, alert_world
from tests.engine.store.store_faults import refusing
from tests.stand_ins.parties.alert_receivers import ROUTING_KEY, SECRET
from tidings.core.alerts.channel import CHANNELS_MAX
from tidings.store import port

PATH = "/v1/alertChannels"
SLACK = {"name": "On call", "type": "slack", "url": f"{OUTSIDE}/services/T0/B0/{SECRET}"}
PAGER = {
    "name": "Pager",
    "type": "pagerduty",
    "routingKey": ROUTING_KEY,
    "url": f"{OUTSIDE}/v2/enqueue",
}
ORG = {"x_tidings_org": "1"}


@pytest.fixture
async def world() -> AsyncIterator[AlertWorld]:
    async with alert_world() as made:
        yield made


async def test_a_channel_is_made_shown_without_its_secrets_changed_and_deleted(
    world: AlertWorld,
) -> None:
    made = await world.s.call("POST", PATH, SLACK, **ORG)
    assert made.status == 201
    channel = made.json
    assert channel["url"].startswith(f"{OUTSIDE}/")
    changed = await world.s.call("PATCH", f"{PATH}/{channel['id']}", {"name": "Night"}, **ORG)
    assert changed.json["name"] == "Night"
    listed = await world.s.call("GET", PATH, **ORG)
    assert [row["id"] for row in listed.json["alertChannels"]] == [channel["id"]]
    audit = await world.s.call("GET", "/v1/audit", **ORG)
    assert "alert_channel.changed" in json.dumps(audit.json)
    for reply in (made, changed, listed, audit):
        assert SECRET not in json.dumps(reply.json)
    stored = await world.s.store.load_alert_channels()
    assert SECRET.encode() not in stored[0].sealed
    assert (await world.s.call("DELETE", f"{PATH}/{channel['id']}", **ORG)).status == 204
    assert (await world.s.call("GET", f"{PATH}/{channel['id']}", **ORG)).status == 404


async def test_a_test_message_goes_at_once_and_shows_what_the_other_side_answered(
    world: AlertWorld,
) -> None:
    for body in (SLACK, PAGER):
        id = (await world.s.call("POST", PATH, body, **ORG)).json["id"]
        world.s.clock.ms += 1000  # which an org has to wait between two of them
        tried = await world.s.call("POST", f"{PATH}/{id}/test", **ORG)
        assert (tried.status, tried.json["taken"]) == (200, True)
    assert world.party.messages()[0]["text"].startswith("Webhook Test of the alert channel")
    actions = [event["event_action"] for event in world.party.events()]
    assert actions == ["trigger", "resolve"]
    assert world.party.open_alerts() == {}


async def test_a_broken_channel_shows_its_last_error(world: AlertWorld) -> None:
    wrong = SLACK | {"url": f"{OUTSIDE}/services/T0/B0/wrong"}
    id = (await world.s.call("POST", PATH, wrong, **ORG)).json["id"]
    tried = (await world.s.call("POST", f"{PATH}/{id}/test", **ORG)).json
    assert tried == {
        "taken": False,
        "status": 403,
        "answer": "invalid_token",
        "error": "The slack channel answered 403: invalid_token",
    }
    shown = (await world.s.call("GET", f"{PATH}/{id}", **ORG)).json
    assert shown["lastError"] == tried["error"]
    assert shown["lastErrorAt"] is not None


async def test_what_may_not_be_dialled_and_what_is_too_many_is_refused(world: AlertWorld) -> None:
    refused = await world.s.call("POST", PATH, SLACK | {"url": "http://alerts.example.com/"}, **ORG)
    assert (refused.status, "url_refused" in json.dumps(refused.json)) == (400, True)
    for _ in range(CHANNELS_MAX):
        assert (await world.s.call("POST", PATH, SLACK, **ORG)).status == 201
    assert (await world.s.call("POST", PATH, SLACK, **ORG)).status == 409


async def test_channels_outlive_a_restart_and_go_on_as_they_were_set(world: AlertWorld) -> None:
    await world.s.call("POST", PATH, PAGER, **ORG)
    await world.channels.load()
    world.opens(1)
    world.begin()
    await world.round(MINUTE)
    assert len(world.party.open_alerts()) == 1


async def test_on_a_schema_of_the_release_before_it_is_said_what_to_run(world: AlertWorld) -> None:
    refusing(world.s.store, "put_alert_channel", fault=port.NotKept("no table"))
    refused = await world.s.call("POST", PATH, SLACK, **ORG)
    assert (refused.status, "tidings migrate" in json.dumps(refused.json)) == (409, True)
    assert (await world.s.call("GET", PATH, **ORG)).json["alertChannels"] == []
