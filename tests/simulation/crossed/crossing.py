"""A world in which everything meets: what the seed draws of it, and the days between two lives.

Beside replays, cancels, stops and tries by hand: a source (`topics.py`), actions (`acting.py`),
receivers with a limit, and retention that drops what is old while other things are owed. Virtual
hours and days pass between the lives, so that waits, quiet hours, caps and retention have their
time, and a process is killed in the middle of them.

57 what is final and old goes, nothing that is owed does, and the counts are those of the rows
· 58 a receiver that limits is sent to at 85 % of its limit and more, also after an outage
"""

import asyncio
import dataclasses
import math
import random
from collections import Counter
from typing import Any

from msgspec.structs import replace

from tests.ports import destinations
from tests.simulation.acting import ACTIONS, Doer
from tests.simulation.loop import ends_run
from tests.simulation.parts import Request, SimulatedAddresses
from tests.simulation.replaying import ReplayWorld
from tests.simulation.topics import BODY, CONNECTION, TYPE, SimulatedTopic, TopicLedger
from tests.simulation.world import ORG
from tidings.core.connections.connection import Connections
from tidings.core.delivery.job import Job
from tidings.core.delivery.states import State
from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.core.ids import OrgId
from tidings.core.orgs.retention import RetentionDays
from tidings.core.webhooks.webhook import Webhook
from tidings.core.webhooks.webhook_types import ACTION
from tidings.engine.actions.declared import DeclaredActions, declare
from tidings.engine.events.intake import Draft, Overloaded
from tidings.engine.retention import Retention
from tidings.engine.shaping.shaper import Shaping
from tidings.errors import Throttled
from tidings.ports import Declared, Ports
from tidings.store.port import StoreDown

DAY_S, DAY_MS = 86_400.0, 86_400_000
PASS_EVERY_S = 3 * 3600.0
SLICE_US = 1000  # what each slice of retention takes, whatever the machine does
LIMITED_ORG = OrgId(8)
LEAST_SHARE = 0.85
LEARNS_S = 10.0


class CrossedShaper:
    """`Shaping`: what actions do is made as it is served, all else as in the other worlds."""

    def __init__(self, plain: Shaping) -> None:
        self._plain = plain
        self.actions: Any = None  # of the process, once it is built

    async def shape(self, webhook: Webhook, job: Job) -> bytes:
        maker = self.actions.make if webhook.type.acts else self._plain.shape
        body: bytes = await maker(webhook, job)
        return body


class CrossedWorld(ReplayWorld):
    """A world with a source, actions, retention and receivers that limit."""

    def __init__(self, seed: int, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(seed, loop)
        rng = random.Random(seed + 2)
        ask = self.disk.ask
        drop = self.disk.operations["drop"]
        self.disk.operations["drop"] = lambda wanted: replace(drop(wanted), took_us=SLICE_US)
        self.topic = SimulatedTopic(rng, loop.time)
        self.ledger = TopicLedger(self.topic, ask)
        self.doer = Doer(self.faults, rng, ask, self.network.said_2xx)
        self.doer.before_send = ends_run(self.check_act)
        self.doer.check_order = self.check_order
        self.doer.is_overruled = self.disk.revivals.__contains__
        self.keeps = RetentionDays(1, 1, 90)
        self.retention: Retention
        self.acting: set[int] = set()  # numbers of the webhooks of actions
        self.declared_s = math.inf
        self.drafted_s: dict[str, float] = {}
        self.noted_events: set[int] = set()  # messages whose events are known as accepted

    # -- lives of the engine ----------------------------------------------------------------------

    def given(self, ports: Ports) -> Ports:
        """With what the other worlds have none of."""
        assert ports.shaping is not None
        self.shaper = CrossedShaper(ports.shaping)

        def destination(receive: Any, own: Any, agreed: Any) -> Any:
            drivers = {**own, ACTION: self.doer}
            target_of = SimulatedAddresses().target
            return destinations(self.network, target_of, self.clock, Connections(), **drivers)

        return dataclasses.replace(
            ports,
            shaping=self.shaper,
            destination=destination,
            declared=Declared(
                connections=Connections([CONNECTION]),
                source_drivers={TYPE: self.topic},
                actions=DeclaredActions(ACTIONS, ORG),
                lookups={"contact": self.doer.contacts},
            ),
        )

    async def loaded(self) -> None:
        """The actions are declared as a start does it, and there is the source."""
        parts = self.parts
        self.shaper.actions = parts.actions.preparation
        self.witness.settled = self.doer.check_settled
        await self.surely(lambda: parts.orgs.ensure(ORG))
        await self.set_org({"validation": "off"})
        await self.surely(lambda: declare(self.webhooks, ORG, ACTIONS, "actions.toml"))
        self.acting = {
            state.webhook.number for state in self.webhooks.list(ORG) if state.webhook.type.acts
        }
        self.declared_s = min(self.declared_s, self.loop.time())
        if not parts.sources.sources.of(ORG):
            caller = AuthenticatedCaller(ORG, platform=True)
            await self.surely(lambda: parts.sources.sources.create(caller, BODY))

    async def start(self) -> None:
        await super().start()
        self.parts.sources.pumps.start()
        self.retention = Retention(
            store=self.parts.base.store,
            clock=self.clock,
            retentions=lambda: {org: self.keeps for org in (ORG, LIMITED_ORG)},
            every_s=PASS_EVERY_S,
        )
        self._keeping = self.loop.create_task(self.retention.run())

    async def surely(self, change: Any) -> None:
        """As a start does that is tried again until the disk takes it."""
        while True:
            try:
                await change()
                return
            except StoreDown:
                await asyncio.sleep(0.1)

    async def stop(self) -> None:
        self._keeping.cancel()
        await asyncio.gather(self._keeping, return_exceptions=True)
        await self.parts.sources.pumps.stop()
        await super().stop()
        await self.parts.actions.close()

    # -- what happens -----------------------------------------------------------------------------

    def draft(self) -> Draft:
        draft = super().draft()
        self.drafted_s.setdefault(draft.event_id, self.loop.time())
        return draft

    def repeatable(self) -> list[str]:
        """Those of the last hour: an id may be given again once its event is gone."""
        since_s = self.loop.time() - 3600
        return [event_id for event_id, at_s in self.drafted_s.items() if at_s >= since_s]

    async def meddle(self, rng: random.Random) -> None:
        deeds = (self.send_messages, self.redrive, self.opt_out)
        if rng.random() < 0.4:
            await rng.choice(deeds)(rng)
        else:
            await super().meddle(rng)

    async def send_messages(self, rng: random.Random) -> None:
        self.topic.send(rng.randrange(1, 8))

    async def opt_out(self, rng: random.Random) -> None:
        if rng.random() < 0.5:
            self.doer.contacts.opt_out(f"k{rng.randrange(4)}")

    async def redrive(self, rng: random.Random) -> None:
        """Messages that were set aside once more; now and then their type is admitted."""
        if rng.random() < 0.2:
            await self.admit_later()
        try:
            [live] = self.parts.sources.sources.of(ORG)
            await self.parts.sources.sources.redrive(live)
        except (StoreDown, Overloaded, Throttled):
            pass

    async def admit_later(self) -> None:
        """Whatever the type of an event, it is taken from now on."""
        await self.set_org({"unknownTypes": "admitted"})

    async def set_org(self, settings: dict[str, str]) -> None:
        """Change what the org is set to."""
        body: dict[str, Any] = {"settings": settings}
        await self.surely(lambda: self.parts.orgs.change(ORG, body, platform=True))

    def may_be_tried(self, number: int) -> bool:
        """Acts, too, are tried again by hand."""
        return number in self.acting or super().may_be_tried(number)

    # -- invariants while it runs -----------------------------------------------------------------

    def check_act(self, request: Request) -> None:
        """What holds of requests holds of acts."""
        assert not self.engine.commits.halted, "14 a refusing store does nothing"
        assert self.loop.time() <= self.stopped_s, "36 nothing starts after an answered stop"
        [(state, attempts)] = self.disk.ask(
            "SELECT state, attempts FROM delivery WHERE id = ?", request.delivery
        )
        if state in (State.PENDING, State.WAITING):
            assert request.attempt == attempts + 1, "8 attempt numbers"
        elif state == State.RETRYING:
            assert request.attempt == attempts, "9 intent first: the retry is written down"
        else:
            assert self.disk.ask(
                "SELECT 1 FROM delivery_cancel WHERE delivery = ?", request.delivery
            ), ("12 none after a final state", State(state))
            until_s = self.taken_back.get(request.delivery, math.inf)
            assert self.loop.time() <= until_s, "36 nothing starts after an answered cancel"

    def check_events(self) -> None:
        """1, 2, 3, 57: what is gone is old, and everything else is as it was accepted."""
        now_ms = self.clock.now_ms()
        for event_id in list(self.accepted):
            rows = self.disk.ask(
                "SELECT e.at_ms, b.bytes FROM event e LEFT JOIN body b ON b.seq = e.seq"
                " WHERE e.id = ?",
                event_id,
            )
            body, _, answered_s = self.accepted[event_id]
            if not rows:
                age_s = self.loop.time() - answered_s
                assert age_s >= self.keeps.metadata_days * DAY_S - 5, ("57 young", event_id)
                del self.accepted[event_id]
                continue
            [(at_ms, stored)] = rows
            if stored is None:
                is_old = at_ms <= now_ms - self.keeps.payload_days * DAY_MS
                assert is_old, ("57 a payload that is young is kept", event_id)
            else:
                assert stored == body, "1, 3 accepted is readable, bytes as accepted"
        from_topic = set(self.ledger.events.values())
        for event_id, body in self.disk.ask(
            "SELECT e.id, b.bytes FROM event e JOIN body b ON b.seq = e.seq"
        ):
            known = self.submitted.get(event_id, set())
            assert event_id in from_topic or body in known, "2 no phantom, 3 bytes as accepted"

    def check_sources(self) -> None:
        """53 as far as it has come; 5, 6 its events go where others go."""
        self.ledger.note_events()
        for number, event_id in self.ledger.events.items():
            if event_id in self.accepted or number not in self.topic.kept_s:
                continue
            rows = self.stored(event_id)
            if rows and rows[0][0] is not None and number not in self.noted_events:
                self.noted_events.add(number)
                when = self.topic.read_s[number], self.topic.kept_s[number]
                if self.topic.sent[number].kind == "event":
                    self.accepted[event_id] = (rows[0][0], *when)

    def check_counts(self) -> None:
        """57: what is told of all is what is there."""
        counts = self.disk.operations["counts"]()
        rows = self.disk.ask("SELECT state, count(*) FROM delivery GROUP BY 1")
        assert counts.by_state == dict(rows), ("57 deliveries by state", counts.by_state, rows)
        [(events,)] = self.disk.ask("SELECT count(*) FROM event")
        assert counts.events == events, ("57 events", counts.events, events)
        assert counts.orphans == 0, "27 nobody is left without an owner"

    def unfinished(self) -> set[int]:
        """Of webhooks that people have made: acts may be cancelled for a reason of their own."""
        return {row[0] for row in self.charged() if not State(row[2]).final}

    # -- invariants at the end --------------------------------------------------------------------

    def check_matching(self) -> None:
        super().check_matching()
        for event_id, (_, asked_s, _) in self.accepted.items():
            if asked_s <= self.declared_s:
                continue
            found = {
                number
                for (number,) in self.disk.ask(
                    "SELECT d.webhook FROM delivery d JOIN event e ON e.seq = d.event"
                    " WHERE e.id = ? AND d.id NOT IN (SELECT delivery FROM delivery_replay)",
                    event_id,
                )
            }
            assert self.acting <= found, ("54 each event has its acts", event_id)

    def check_acts(self) -> None:
        """13, 54: of all acts."""
        lost: Counter[int] = Counter()
        for delivery, count in self.disk.ask(
            "SELECT delivery, count(*) FROM attempt WHERE kind IN ('lost', 'reset') GROUP BY 1"
        ):
            lost[delivery] = count
        self.doer.check_end(lost, self.arrived_before)

    def sent(self) -> list[Request]:
        """By whatever way."""
        return [*super().sent(), *self.doer.requests]

    def charged(self) -> list[tuple[Any, ...]]:
        """Deliveries of webhooks that people have made: acts have rules of their own."""
        return [row for row in super().charged() if row[1] not in self.acting]

    def check_gone_by(self, days: int) -> None:
        """57: events that are older than so many days are there for what is owed alone."""
        before_ms = self.clock.now_ms() - days * DAY_MS - round(2 * PASS_EVERY_S * 1000)
        left = self.disk.ask(
            "SELECT e.id FROM event e WHERE e.at_ms < ? AND NOT EXISTS"
            " (SELECT 1 FROM delivery d WHERE d.event = e.seq AND d.state NOT IN (3, 4, 5, 6))",
            before_ms,
        )
        assert not left, ("57 what is final and old goes", left)

    def check_kept_whole(self, owed: dict[int, tuple[int, ...]]) -> None:
        """57: of what is owed everything is kept, that of it which has ended too. `owed`: the
        deliveries of events, by the number of the event."""
        for event, deliveries in owed.items():
            rows = self.disk.ask("SELECT id FROM delivery WHERE event = ?", event)
            assert {id for (id,) in rows} >= set(deliveries), ("57 owed and dropped", event)
            assert self.disk.ask("SELECT 1 FROM body WHERE seq = ?", event), "57 its payload"

    def owed(self) -> dict[int, tuple[int, ...]]:
        """The deliveries of each event that has unfinished ones."""
        found: dict[int, tuple[int, ...]] = {}
        for event, delivery in self.disk.ask(
            "SELECT event, id FROM delivery WHERE event IN"
            " (SELECT event FROM delivery WHERE state NOT IN (3, 4, 5, 6))"
        ):
            found[event] = (*found.get(event, ()), delivery)
        return found
