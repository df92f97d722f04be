"""A service with a stand-in that takes alerts, and incidents that a test opens and ends."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, tzinfo
from typing import Any

from tests.api.control_client import BASIC, Clock, Service
from tests.stand_ins.parties.alert_receivers import ROUTING_KEY, SECRET, AlertReceivers
from tests.store.in_process import MemoryStore
from tidings.core.alerts.channel import AlertChannel
from tidings.core.alerts.incident import OpenIncident
from tidings.core.delivery.exchange import Ending
from tidings.core.ids import OrgId, WebhookId
from tidings.core.incidents.rules import FAILURES_MIN
from tidings.egress.address import parse_target
from tidings.egress.policy import Policy
from tidings.egress.port import Poster
from tidings.egress.sender import HttpSender
from tidings.engine.alerts.carrier import AlertCarrier
from tidings.engine.alerts.incident_facts import IncidentFacts
from tidings.engine.alerts.sender import AlertSender
from tidings.engine.alerts.trials import AlertTests

MINUTE = 60_000
ORG = OrgId(1)
OUTSIDE = "https://alerts.example.com"  # which leads to the stand-in


class Incidents:
    """`IncidentFacts` that a test decides on."""

    def __init__(self) -> None:
        self.now: list[OpenIncident] = []

    def open(self) -> Sequence[OpenIncident]:
        return [*self.now]


class DirectPoster:
    """`Poster` over the real way out."""

    def __init__(self, party: AlertReceivers) -> None:
        self.sender = HttpSender(Policy(True))
        self._party = party

    async def post(self, url: str, body: bytes, deadline_s: float) -> Ending | None:
        outlet = self.sender.open(
            parse_target(url.replace(OUTSIDE, self._party.url()), allow_http=True),
            1,
            keep_answers=True,
        )
        try:
            return await outlet.send(
                "POST", lambda: [("content-type", "application/json")], body, deadline_s
            )
        finally:
            await outlet.close()


class AlertWorld:
    """The parts, and a clock that a test moves."""

    def __init__(self, s: Service, party: AlertReceivers, poster: DirectPoster) -> None:
        self.s, self.party, self.poster = s, party, poster
        self.incidents = Incidents()
        self.channels = s.parts.notices.channels
        self.reports: list[str] = []
        self.begin()

    def begin(self, poster: Poster | None = None, incidents: IncidentFacts | None = None) -> None:
        """Begin to send, as a process that has just started. `poster`: another way out;
        `incidents`: others than those of the test."""
        s = self.s
        self.carrier = AlertCarrier(
            poster=poster or self.poster,
            mailer=None,
            surroundings=self,
            clock=s.clock,
            base="https://tidings.example",
        )
        self.sender = AlertSender(
            store=s.store,
            channels=self.channels,
            incidents=incidents or self.incidents,
            carrier=self.carrier,
            clock=s.clock,
            lease=s.parts.base.lease,
            surroundings=self,
        )

    def trials(self) -> AlertTests:
        """Make what sends test messages the same way."""
        return AlertTests(self.carrier, self.sender, self.s.parts.base.audit, self.s.clock)

    def zone(self, org: OrgId) -> tzinfo:
        return UTC

    def has_agreed(self, org: OrgId, address: str) -> bool:
        return True

    def report(self, sentence: str) -> None:
        self.reports.append(sentence)

    async def slack(self, org: OrgId = ORG, **more: Any) -> str:
        """Create a Slack-shaped channel; return its id."""
        url = f"{OUTSIDE}/services/T0/B0/{SECRET}"
        body = {"name": "Slack", "type": "slack", "url": url, "delaySeconds": 60} | more
        return (await self.channels.create(org, body)).id

    async def pagerduty(self, org: OrgId = ORG, **more: Any) -> str:
        """Create a PagerDuty-shaped channel; return its id."""
        body = {
            "name": "Pager",
            "type": "pagerduty",
            "routingKey": ROUTING_KEY,
            "url": f"{OUTSIDE}/v2/enqueue",
        }
        return (await self.channels.create(org, body | more)).id

    async def round(self, passed_ms: int = 0) -> None:
        """Let time pass, and send what is due then."""
        await self.begin_round(passed_ms)
        await self.sender.settle()

    async def begin_round(self, passed_ms: int = 0) -> None:
        """Let time pass, and begin to send what is due then."""
        self.s.clock.ms += passed_ms
        await self.sender.load()
        await self.sender.look()

    def opens(self, number: int, org: OrgId = ORG, **more: Any) -> OpenIncident:
        """Open an incident now."""
        incident = OpenIncident(
            id=f"inc_{number}",
            org=org,
            webhook=WebhookId(f"{number:024x}"),
            name=f"Shop {number}",
            host="shop.example",
            cause="503",
            opened_ms=self.s.clock.ms,
            **more,
        )
        self.incidents.now.append(incident)
        return incident


@asynccontextmanager
async def alert_world(
    operators: Mapping[str, AlertChannel] | None = None,
) -> AsyncIterator[AlertWorld]:
    """A started service, whose lanes send nothing. `operators`: channels that hear of all orgs."""
    with AlertReceivers() as party:
        clock, poster = Clock(), DirectPoster(party)
        service = Service(MemoryStore(clock), clock, poster=poster, alerts=operators or {})
        await service.start()
        yield AlertWorld(service, party, poster)
        await poster.sender.close()
        await service.webhooks.close()
        await service.store.close()


async def failing(world: AlertWorld) -> tuple[str, int]:
    """Create a webhook whose receiver has failed often enough; return its id and number."""
    await world.s.parts.delivery.incidents.load()
    made = await world.s.call("POST", "/v3/webHooks", BASIC, x_tidings_org="1")
    assert made.status in (200, 201)
    [webhook] = world.s.registry.of_org(OrgId(1))
    for _ in range(FAILURES_MIN):
        world.s.parts.delivery.engine.healths.bad(webhook.number, "503")
    return webhook.id, webhook.number
