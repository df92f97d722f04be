"""An engine in virtual time whose actions are done by nobody: what would be done is kept."""

import asyncio
import dataclasses
import json
import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

from tests.ports import BASE, Unhashed, at_once, destinations, ports
from tests.simulation.loop import simulate
from tests.simulation.parts import REST_SLICE_S, SimulatedClock
from tests.store.in_process import MemoryStore
from tidings import catalogue
from tidings.compose import build
from tidings.core.actions.action import Action, ActionLookup, CsvLookup, HttpCall, PathValue
from tidings.core.actions.rendered_act import Made, RunStep, made_in, steps_in
from tidings.core.connections.connection import Connection
from tidings.core.delivery.exchange import AttemptResult, ReceiverAnswer
from tidings.core.delivery.states import State
from tidings.core.delivery.waits import NotYet
from tidings.core.ids import OrgId
from tidings.core.webhooks.webhook import Webhook
from tidings.core.webhooks.webhook_types import ACTION
from tidings.destinations.http.verdicts import judge
from tidings.destinations.port import Channel, Headers, Message, MessagePreview
from tidings.egress.address import parse_target
from tidings.engine.actions.declared import declare
from tidings.engine.engine import EngineLimits
from tidings.engine.events.intake import Draft
from tidings.engine.options import EngineOptions
from tidings.lookups.port import LookupDown

ORG = OrgId(1)
CATALOGUE = catalogue.load()
USUAL = EngineLimits()
CUSTOMER = "event.data.customerId"


def call(**more: Any) -> HttpCall:
    """One that shows what the action has seen."""
    return HttpCall("POST", f"{BASE}/act", {}, json=PathValue("event.data"), **more)


def action(name: str = "mail", **more: Any) -> Action:
    return Action(name, ("groupCreated",), more.pop("acts", {"": call()}), **more)


def contact(**more: Any) -> ActionLookup:
    return ActionLookup("contact", CsvLookup("/contacts.csv", "id", CUSTOMER), **more)


class Done:
    """One thing that was done, and when: seconds since the start."""

    def __init__(self, name: str, made: Made, id: str, at_s: float) -> None:
        self.name, self.made, self.id, self.at_s = name, made, id, at_s


class Doer:
    """`destinations.port.Driver`: answers as it is told, and keeps what it would do."""

    def __init__(self) -> None:
        self.done: list[Done] = []
        self.tried: list[Done] = []
        self.status: dict[str, int] = {}  # by action; 200 where nothing is said
        self.hangs = False  # whether what is begun does not end
        self.not_yet: list[NotYet] = []  # what it says first, one at a time
        self.lies = False  # whether it has done by then what is not to be done yet

    def open(self, webhook: Webhook, connection: Connection | None) -> Channel:
        return Doing(self, webhook)

    def carried(self, webhook: Webhook) -> Headers:
        return []

    def show(
        self, webhook: Webhook, headers: Headers, body: bytes, key: int | None
    ) -> MessagePreview:
        return MessagePreview("DO", headers, body)


class Doing:
    """`destinations.port.Channel`."""

    def __init__(self, doer: Doer, webhook: Webhook) -> None:
        self._doer, self._webhook = doer, webhook

    async def send(self, message: Message) -> AttemptResult | NotYet | None:
        await asyncio.sleep(0.01)
        not_yet = self._doer.not_yet.pop(0) if self._doer.not_yet else None
        if not_yet is not None and not self._doer.lies:
            return not_yet
        if message.headers_if_current([]) is None:
            return None
        made = made_in(message.body)
        assert made is not None
        name = self._webhook.name
        one = Done(name, made, message.id, asyncio.get_running_loop().time())
        status = self._doer.status.get(name, 200)
        self._doer.tried.append(one)
        while self._doer.hangs:
            await asyncio.sleep(1)
        if status < 300:
            self._doer.done.append(one)
        if not_yet is not None:
            return not_yet
        return judge(ReceiverAnswer(status, (), b"", False, 10.0), self._webhook.retry, lambda: 0.0)

    def follow(self, webhook: Webhook) -> bool:
        self._webhook = webhook
        return True

    async def close(self) -> None:
        pass


class Contacts:
    """`lookups.port.Source`: records by id; None: it is down."""

    def __init__(self) -> None:
        self.records: dict[Any, dict[str, Any]] | None = {}
        self.asked = 0
        self.down = LookupDown("The contacts must answer; they do not. Look at them.")

    async def find(self, values: Mapping[str, Any], deadline_s: float) -> dict[str, Any] | None:
        self.asked += 1
        await asyncio.sleep(0.001)
        if self.records is None:
            raise self.down
        return self.records.get(str(values["by"]))

    async def check(self) -> str | None:
        return None

    async def close(self) -> None:
        pass


class ActionWorld:
    """A process with actions; or the one after it, over the same store."""

    def __init__(
        self,
        *actions: Action,
        org: OrgId = ORG,
        before: "ActionWorld | None" = None,
        limits: EngineLimits = USUAL,
    ) -> None:
        """`org`: whose actions they are."""
        self.org = org
        self.clock: SimulatedClock = before.clock if before else SimulatedClock()
        self.store: MemoryStore = before.store if before else MemoryStore(self.clock)
        self.doer: Doer = before.doer if before else Doer()
        self.contacts: Contacts = before.contacts if before else Contacts()
        self.actions = {action.name: action for action in actions}
        given = ports(
            store=self.store,
            clock=self.clock,
            sender=None,
            catalogue=CATALOGUE,
            passwords=Unhashed(),
            actions=self.actions,
            actions_org=org,
            lookups={"contact": self.contacts},
            random_bytes=os.urandom,
        )
        self.parts = build(
            dataclasses.replace(given, destination=self._destination),
            EngineOptions(limits=limits, rest_slice_s=REST_SLICE_S),
        )
        self._count: int = before._count if before else 0

    def _destination(self, receive: Any, own: Any, agreed: Any) -> Any:
        drivers = {**own, ACTION: self.doer}
        return destinations(
            None, lambda url: parse_target(url, allow_http=True), self.clock, **drivers
        )

    async def start(self) -> None:
        await self.parts.load(at_once)
        for org in {ORG, self.org}:
            actions = self.actions if org == self.org else {}
            await declare(self.parts.webhooks, org, actions, "actions.toml")
        await self.parts.delivery.engine.start()
        self.parts.webhooks.resume()

    def told(self) -> list[dict[str, Any]]:
        """The operational events that are stored, in order, once `notices.run` has told them."""
        rows = self._rows(
            "SELECT b.bytes FROM event e JOIN body b ON b.seq = e.seq"
            " WHERE e.name LIKE 'tidings.%' ORDER BY e.seq",
            (),
        )
        return [json.loads(bytes(body)) for (body,) in rows]

    async def stop(self, *, crash: bool = False) -> None:
        if await self.parts.delivery.engine.stop() and not crash:
            self.store.half.recovery.stopped_cleanly()
        await self.parts.webhooks.close()
        await self.parts.actions.close()

    async def restarted(
        self, *actions: Action, org: OrgId = ORG, crash: bool = False
    ) -> "ActionWorld":
        """The process after this one, with the same actions or with others."""
        await self.stop(crash=crash)
        after = ActionWorld(*(actions or self.actions.values()), org=org, before=self)
        await after.start()
        return after

    async def event(self, customer: int = 7, **more: Any) -> str:
        """One more, of a customer; its id."""
        self._count += 1
        data = {"customerId": customer, "at": self._count, **more}
        event = {"eventName": "groupCreated", "data": data}
        body = msgspec.json.encode(event)
        draft = Draft(ORG, "groupCreated", f"e{self._count}", body, event)
        [verdict] = await self.parts.events.acceptor.accept([draft])
        assert verdict.status == "accepted"
        return f"e{self._count}"

    def did(self, name: str = "mail") -> list[Done]:
        """What was done of an action."""
        return [done for done in self.doer.done if done.name == name]

    def states(self, name: str = "mail") -> list[State]:
        """Of its deliveries, in order."""
        rows = self._rows(
            "SELECT d.state FROM delivery d JOIN webhook w ON w.number = d.webhook"
            " WHERE w.name = ? ORDER BY d.id",
            (name,),
        )
        return [State(row[0]) for row in rows]

    def why(self, name: str = "mail") -> list[str]:
        """What its deliveries have waited for at last, and what its attempts say that did nothing,
        in order."""
        rows = self._rows(
            "SELECT detail FROM (SELECT a.detail, a.delivery, a.number FROM attempt a"
            " WHERE a.kind IN ('waits', 'skipped', 'transform', 'ours')"
            " UNION ALL SELECT detail, delivery, 0 FROM waiting) t"
            " JOIN delivery d ON d.id = t.delivery JOIN webhook w ON w.number = d.webhook"
            " WHERE w.name = ? ORDER BY t.delivery, t.number",
            (name,),
        )
        return [row[0] for row in rows]

    def looked_up(self, name: str = "mail") -> list[list[RunStep]]:
        """The look-ups that attempts keep that ended without an act, in order."""
        rows = self._rows(
            "SELECT a.headers FROM attempt a JOIN delivery d ON d.id = a.delivery"
            " JOIN webhook w ON w.number = d.webhook"
            " WHERE w.name = ? AND a.kind IN ('skipped', 'transform') ORDER BY a.delivery",
            (name,),
        )
        return [steps_in(json.loads(row[0])) for row in rows]

    def _rows(self, query: str, given: tuple[Any, ...]) -> Any:
        return self.store.half.connection.execute(query, given).fetchall()


def in_world(
    scenario: Callable[[ActionWorld], Awaitable[ActionWorld | None]],
    *actions: Action,
    seed: int = 1,
    limits: EngineLimits = USUAL,
) -> None:
    """Run a scenario in virtual time; it returns its last world, where that is another one."""

    async def main() -> None:
        world = ActionWorld(*actions, limits=limits)
        await world.start()
        last = await scenario(world)
        await (last or world).stop()

    simulate(seed, main())
