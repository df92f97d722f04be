"""What an org may take of the sender of alerts: others hear in time whatever its channels do."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from tests.engine.alerts.alert_world import MINUTE, OUTSIDE, AlertWorld, alert_world, failing
from tests.server.support import until
from tests.stand_ins.parties.alert_receivers import ROUTING_KEY, SECRET
from tidings.core.delivery.exchange import Ending
from tidings.core.ids import OrgId
from tidings.engine.alerts.sender import BROKEN_NOTICE_MS, CALLS, MARKS_MAX
from tidings.engine.alerts.trials import UNDER_WAY_MAX
from tidings.engine.delivery.trial import TooSoon

HANGS = f"{OUTSIDE}/services/T0/B0/never-answers"
HALF = CALLS // 2
ORGS = [OrgId(org) for org in (1, 2, 3)]


class HangingPoster:
    """`Poster` whose calls to `HANGS` are never answered; counts who has one under way."""

    def __init__(self, world: AlertWorld) -> None:
        self._poster = world.poster
        self.under_way: Counter[str] = Counter()
        self.most = 0

    async def post(self, url: str, body: bytes, deadline_s: float) -> Ending | None:
        if not url.startswith(HANGS):
            return await self._poster.post(url, body, deadline_s)
        self.under_way[url] += 1
        self.most = max(self.most, self.under_way.total())
        await asyncio.Event().wait()
        return None


@pytest.fixture
async def world() -> AsyncIterator[AlertWorld]:
    async with alert_world() as made:
        yield made


async def hang(world: AlertWorld) -> HangingPoster:
    """Have 15 channels of each org hang, of which every one has something to hear."""
    poster = HangingPoster(world)
    world.begin(poster)
    for org in ORGS:
        world.opens(int(org), org)
        for number in range(15):
            await world.slack(org, url=f"{HANGS}/{org}/{number}")
    return poster


async def test_channels_that_never_answer_hold_up_no_other_org(world: AlertWorld) -> None:
    poster = await hang(world)
    await world.slack(OrgId(9))
    world.opens(9, OrgId(9))
    await world.begin_round(MINUTE)
    await until(lambda: len(world.party.messages()) == 1, "the org beside them hears")
    assert "Shop 9" in world.party.messages()[0]["text"]
    for _ in range(3):  # nor do later rounds begin more
        await world.begin_round(MINUTE)
    of_org = Counter(url.removeprefix(f"{HANGS}/").split("/")[0] for url in poster.under_way)
    assert max(of_org.values()) <= HALF
    assert poster.most <= CALLS
    assert set(poster.under_way.values()) == {1}  # at most one call a channel
    await world.sender.stop()


async def test_channels_that_never_answer_hold_up_no_other_of_their_org(world: AlertWorld) -> None:
    poster = HangingPoster(world)
    world.begin(poster)
    await world.slack(url=HANGS)
    await world.pagerduty()
    world.opens(1)
    await world.begin_round(MINUTE)
    await until(lambda: len(world.party.open_alerts()) == 1, "the other channel hears")
    assert poster.under_way[HANGS] == 1
    await world.sender.stop()


async def test_a_stop_waits_shortly_for_channels_and_the_next_start_sends_again(
    world: AlertWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tidings.engine.alerts.sender.STOP_S", 0.05)
    poster = HangingPoster(world)
    world.begin(poster)
    channel = await world.slack(url=HANGS)
    world.opens(1)
    await world.begin_round(MINUTE)
    await until(lambda: poster.most == 1, "its message is under way")
    await world.sender.close()
    assert await world.s.store.alert_marks() == []
    await world.channels.change(OrgId(1), channel, {"url": f"{OUTSIDE}/services/T0/B0/{SECRET}"})
    world.begin()
    await world.round(MINUTE)
    assert len(world.party.messages()) == 1


async def test_an_org_writes_no_more_marks_than_the_bound_and_hears_of_the_rest_later(
    world: AlertWorld,
) -> None:
    await world.slack()
    for number in range(MARKS_MAX + 100):
        world.opens(number)
    for _ in range(MARKS_MAX // 200 + 3):
        await world.round(MINUTE)
    assert len(await world.s.store.alert_marks()) == MARKS_MAX
    del world.incidents.now[:200]
    for _ in range(3):
        await world.round(MINUTE)
    assert len(await world.s.store.alert_marks()) == MARKS_MAX - 100


async def test_test_messages_are_one_a_second_of_an_org_and_leave_places_to_others(
    world: AlertWorld,
) -> None:
    tests, channels = world.s.parts.delivery.alerts.tests, world.channels
    id = await world.slack()
    await tests.send(channels.get(OrgId(1), id))
    with pytest.raises(TooSoon):
        await tests.send(channels.get(OrgId(1), id))
    world.s.clock.ms += 1000
    path = f"/v1/alertChannels/{id}/test"
    answers = [await world.s.call("POST", path, x_tidings_org="1") for _ in range(2)]
    assert [answer.status for answer in answers] == [200, 429]
    poster = HangingPoster(world)
    world.begin(poster)
    held = channels.get(OrgId(1), await world.slack(url=HANGS))
    tests = world.trials()
    under_way = []
    for _ in range(UNDER_WAY_MAX // 2):
        world.s.clock.ms += 1000
        under_way.append(asyncio.ensure_future(tests.send(held)))
        await asyncio.sleep(0)
    world.s.clock.ms += 1000
    with pytest.raises(TooSoon):
        await tests.send(held)
    other = channels.get(OrgId(2), await world.slack(OrgId(2)))
    assert (await tests.send(other)).is_taken
    for task in under_way:
        task.cancel()


async def test_a_broken_channel_is_a_notice_without_secrets_and_the_service_stays_ready(
    world: AlertWorld,
) -> None:
    secret = "0123-not-to-be-seen"
    channel = await world.slack(url=f"{OUTSIDE}/services/T0/B0/{secret}", delaySeconds=0)
    await failing(world)
    beats, sender = world.s.parts.base.heartbeats, world.s.parts.delivery.alerts.sender
    await sender.load()
    with capture_logs() as logged:
        for passed_ms in (0, MINUTE, BROKEN_NOTICE_MS, MINUTE):
            world.s.clock.ms += passed_ms
            await world.s.parts.delivery.incidents.review()
            await sender.look()
            await sender.settle()
    [notice] = [notice for notice in beats.notices() if channel in notice]
    assert notice.startswith(f"Alert channel {channel} of org 1 has taken no message since 20")
    assert beats.problems() == []
    shown = await world.s.call("GET", "/v1/alertChannels", x_tidings_org="1")
    assert shown.json["alertChannels"][0]["lastError"].startswith("The slack channel answered 403")
    exported = await world.s.call("GET", "/v1/audit", x_tidings_org="1")
    assert channel in [line.get("channel") for line in logged]
    seen = json.dumps([logged, beats.notices(), shown.json, exported.json], default=str)
    for hidden in (secret, SECRET, ROUTING_KEY):
        assert hidden not in seen
    await world.channels.delete(OrgId(1), channel)
    await sender.look()
    assert channel not in "\n".join(beats.notices())
