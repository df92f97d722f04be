"""Incidents that the tracker keeps, sent over the whole service."""

from collections.abc import AsyncIterator

import pytest

from tests.engine.alerts.alert_world import MINUTE, AlertWorld, alert_world, failing
from tidings.app.addresses import AlertPoster, OwnAddresses
from tidings.core.delivery.exchange import FaultKind, TransportFault
from tidings.core.ids import OrgId
from tidings.egress.policy import Policy
from tidings.egress.sender import HttpSender
from tidings.engine.alerts.incident_facts import TrackedIncidents
from tidings.settings.load import load

HEADERS = {"x_tidings_org": "1"}


class Unread:
    """`OpenIncidents` that has not read its store yet."""

    def all_open(self) -> None:
        return None


@pytest.fixture
async def world() -> AsyncIterator[AlertWorld]:
    async with alert_world() as made:
        tracker = made.s.parts.delivery.incidents
        made.begin(incidents=TrackedIncidents(tracker, made.s.registry))
        yield made


async def passes(world: AlertWorld, passed_ms: int = 0) -> None:
    """Let time pass, review incidents, and send what is due then."""
    world.s.clock.ms += passed_ms
    await world.s.parts.delivery.incidents.review()
    await world.round()


async def test_a_receiver_that_fails_is_sent_and_its_first_success_ends_it(
    world: AlertWorld,
) -> None:
    await world.pagerduty()
    await failing(world)
    await passes(world)
    await passes(world, MINUTE)
    [summary] = world.party.open_alerts().values()
    assert summary.startswith("Webhook crm (crm.example.com) has been answering 503, since ")
    [webhook] = world.s.registry.of_org(OrgId(1))
    tracker = world.s.parts.delivery.incidents
    [known] = tracker.of(webhook.number)
    await tracker.acknowledge(known, "asha", "their deploy")
    await passes(world)
    actions = [event["event_action"] for event in world.party.events()]
    assert actions == ["trigger", "acknowledge"]
    world.s.parts.delivery.engine.healths.good(webhook.number)
    await passes(world, 10 * MINUTE)  # and no attempt of its last minutes fails
    await passes(world, MINUTE)
    assert world.party.open_alerts() == {}


async def test_a_pause_ends_no_incident_and_a_deletion_does(world: AlertWorld) -> None:
    await world.pagerduty()
    id, _ = await failing(world)
    await passes(world)
    await passes(world, MINUTE)
    assert (await world.s.call("POST", f"/v3/webHooks/{id}/pause", **HEADERS)).status == 200
    await passes(world, MINUTE)
    assert len(world.party.open_alerts()) == 1
    assert (await world.s.call("DELETE", f"/v3/webHooks/{id}", **HEADERS)).status < 300
    await passes(world, MINUTE)
    assert world.party.open_alerts() == {}


async def test_nothing_has_ended_while_nobody_knows_yet_what_was_open(world: AlertWorld) -> None:
    await world.pagerduty()
    await failing(world)
    await passes(world)
    await passes(world, MINUTE)
    tracker = world.s.parts.delivery.incidents
    tracker._loaded = False  # as after a restart whose store does not answer yet
    world.s.clock.ms += MINUTE
    await world.round()
    assert len(world.party.open_alerts()) == 1


async def test_nothing_is_over_while_it_is_not_known_what_is_open(world: AlertWorld) -> None:
    await world.pagerduty()
    await failing(world)
    await passes(world)
    await passes(world, MINUTE)
    world.begin(incidents=TrackedIncidents(Unread(), world.s.registry))
    await world.round(MINUTE)
    assert len(world.party.open_alerts()) == 1


async def test_an_address_that_the_policy_forbids_is_never_dialled() -> None:
    settings = load({}, None, {})
    sender = HttpSender(Policy(False))
    poster = AlertPoster(sender, OwnAddresses(settings, sender))
    for url in ("https://127.0.0.1/a", "https://10.0.0.1/a", "http://alerts.example.com/a"):
        ending = await poster.post(url, b"{}", 5.0)
        assert isinstance(ending, TransportFault)
        assert (ending.kind, ending.sent) == (FaultKind.POLICY, False)
    await sender.close()
