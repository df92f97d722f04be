"""Channels hear of each incident in the shapes that the other sides enforce, over restarts too."""

import msgspec
import pytest

from tests.engine.alerts.alert_world import MINUTE, OUTSIDE, alert_world
from tests.engine.store.store_faults import first, refusing
from tidings.core.ids import OrgId
from tidings.engine.alerts.sender import BROKEN_NOTICE_MS, GIVE_UP_MS
from tidings.store.port import StoreDown

OTHER = OrgId(9)


async def test_an_incident_is_sent_once_when_it_has_stood_and_once_when_it_ends() -> None:
    async with alert_world() as world:
        await world.slack()
        await world.pagerduty()
        world.opens(1)
        await world.round(MINUTE - 1)
        assert world.party.messages() == world.party.events() == []
        await world.round(1)
        await world.round(MINUTE)
        [message] = world.party.messages()
        assert message["text"].startswith(
            "Webhook Shop 1 (shop.example) has been answering 503, since "
        )
        assert world.party.open_alerts() == {"tidings-inc_1": message["text"]}
        world.incidents.now.clear()
        await world.round(MINUTE)
        await world.round(MINUTE)
        assert [text["text"][:6] for text in world.party.messages()] == ["Webhoo", "Ended:"]
        assert world.party.open_alerts() == {}
        assert len(world.party.events()) == 2
        assert await world.s.store.alert_marks() == []


async def test_a_restart_sends_nothing_twice_and_resolves_what_was_triggered_before() -> None:
    async with alert_world() as world:
        await world.pagerduty()
        world.opens(1)
        await world.round(MINUTE)
        world.begin()
        await world.round(MINUTE)
        assert len(world.party.events()) == 1
        world.begin()
        world.incidents.now.clear()
        await world.round(MINUTE)
        assert world.party.open_alerts() == {}


async def test_an_acknowledgement_reaches_pagerduty_once_over_a_restart_and_nobody_else() -> None:
    async with alert_world() as world:
        await world.slack()
        await world.pagerduty()
        opened = world.opens(1)
        await world.round(MINUTE)
        world.incidents.now[:] = [msgspec.structs.replace(opened, acknowledged=True)]
        await world.round(MINUTE)
        world.begin()
        await world.round(MINUTE)
        actions = [event["event_action"] for event in world.party.events()]
        assert actions == ["trigger", "acknowledge"]
        trigger, acknowledged = world.party.events()
        assert acknowledged.keys() == {"routing_key", "event_action", "dedup_key"}
        assert acknowledged["dedup_key"] == trigger["dedup_key"]
        assert len(world.party.messages()) == len(world.party.open_alerts()) == 1


async def test_what_the_store_could_not_keep_is_kept_by_a_later_round() -> None:
    async with alert_world() as world:
        await world.slack()
        world.opens(1)
        refusing(world.s.store, "put_alert_marks", first(2))
        await world.round(MINUTE)
        assert await world.s.store.alert_marks() == []
        await world.round(MINUTE)
        assert len(await world.s.store.alert_marks()) == 1
        refusing(world.s.store, "drop_alert_marks", first(2))
        world.incidents.now.clear()
        await world.round(MINUTE)
        await world.round(MINUTE)
        assert await world.s.store.alert_marks() == []
        assert len(world.party.messages()) == 2


async def test_an_org_hears_of_its_own_incidents_alone() -> None:
    async with alert_world() as world:
        await world.slack()
        await world.pagerduty(OTHER)
        world.opens(1)
        world.opens(2, OTHER)
        await world.round(MINUTE)
        assert ["Shop 1" in text["text"] for text in world.party.messages()] == [True]
        assert ["Shop 2" in text for text in world.party.open_alerts().values()] == [True]


async def test_a_channel_that_takes_nothing_shows_why_and_holds_up_no_other() -> None:
    async with alert_world() as world:
        broken = await world.slack(url=f"{OUTSIDE}/services/T0/B0/wrong")
        await world.pagerduty()
        world.opens(1)
        await world.round(MINUTE)
        assert len(world.party.open_alerts()) == 1
        assert world.sender.state(broken).error == "The slack channel answered 403: invalid_token"
        await world.round(9_000)  # within its pause
        assert len(world.party.calls("/services", status=403)) == 1
        await world.round(BROKEN_NOTICE_MS)
        assert world.reports[-1].startswith(
            f"Alert channel {broken} of org 1 has taken no message since"
        )
        assert "invalid_token" not in world.reports[-1]
        await world.channels.delete(OrgId(1), broken)
        await world.slack()
        await world.round(1_000)
        assert len(world.party.messages()) == 1
        assert world.reports[-1] == ""


async def test_a_wait_that_the_other_side_asks_for_is_kept() -> None:
    async with alert_world() as world:
        await world.slack()
        world.party.fails(status=429, path="/services", headers={"retry-after": "120"})
        world.opens(1)
        await world.round(MINUTE)
        await world.round(119_000)
        assert world.party.messages() == []
        await world.round(2_000)
        assert len(world.party.messages()) == 1


async def test_of_an_end_a_channel_hears_for_a_day_and_of_what_is_open_for_longer() -> None:
    async with alert_world() as world:
        await world.slack()
        world.opens(1)
        await world.round(MINUTE)
        world.opens(2)
        del world.incidents.now[0]
        world.party.fails(4, status=500, path="/services")
        for wait_ms in (MINUTE, MINUTE, MINUTE, GIVE_UP_MS + MINUTE):
            await world.round(wait_ms)
        await world.round(2 * 900_000)
        heard = [text["text"][:14] for text in world.party.messages()]
        assert heard == ["Webhook Shop 1", "Webhook Shop 2"]
        assert world.sender.counts["slack", "given_up"] == 1


async def test_many_at_once_are_one_message_whose_alert_ends_with_the_last_of_them() -> None:
    async with alert_world() as world:
        await world.pagerduty()
        for number in range(14):
            world.opens(number)
        await world.round(MINUTE)
        [summary] = world.party.open_alerts().values()
        assert summary == "14 webhooks are failing."
        del world.incidents.now[0]
        await world.round(MINUTE)
        assert len(world.party.open_alerts()) == 1
        world.incidents.now.clear()
        await world.round(MINUTE)
        assert world.party.open_alerts() == {}


async def test_a_channel_that_is_deleted_hears_nothing_more_and_leaves_no_row() -> None:
    async with alert_world() as world:
        channel = await world.slack()
        world.opens(1)
        await world.round(MINUTE)
        await world.channels.delete(OrgId(1), channel)
        await world.round(MINUTE)
        world.incidents.now.clear()
        await world.round(MINUTE)
        assert len(world.party.messages()) == 1
        assert await world.s.store.alert_marks() == []
        assert await world.s.store.load_alert_channels() == []


async def test_what_channels_had_heard_is_asked_again_before_anything_is_sent() -> None:
    async with alert_world() as world:
        await world.slack()
        world.opens(1)
        await world.round(MINUTE)
        world.begin()
        refusing(world.s.store, "alert_marks", first(1))
        for is_down in (True, False):
            if is_down:
                with pytest.raises(StoreDown):
                    await world.round(MINUTE)
            else:
                await world.round(MINUTE)
        assert len(world.party.messages()) == 1


@pytest.mark.parametrize("method", ["put_alert_channel", "drop_alert_channel"])
async def test_a_change_that_the_store_refuses_leaves_the_channels_as_they_are(method: str) -> None:
    async with alert_world() as world:
        channel = await world.slack()
        refusing(world.s.store, method, first(1))
        with pytest.raises(StoreDown):
            if method == "put_alert_channel":
                await world.channels.change(OrgId(1), channel, {"name": "Night"})
            else:
                await world.channels.delete(OrgId(1), channel)
        assert world.channels.get(OrgId(1), channel).settings.name == "Slack"
