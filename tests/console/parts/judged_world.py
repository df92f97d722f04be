"""A service with one webhook that is looked at through every face."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.api.log_client import accept
from tests.console.webhook_client import Browser, Pages
from tests.declared_actions import text_message, welcome
from tidings.core.delivery.exchange import FaultKind
from tidings.core.delivery.receivers.breaker import OUTCOMES_MIN, Breaker
from tidings.core.delivery.receivers.judgement import Condition, ConnectionHold
from tidings.core.delivery.states import State
from tidings.core.delivery.waits import WaitReason, WaitsFor
from tidings.core.ids import DeliveryId, OrgId
from tidings.core.webhooks.webhook import Webhook
from tidings.lookups.port import LookupDown
from tidings.store import port

ORG = OrgId(7)

ACTIONS = {action.name: action for action in (welcome(), text_message())}


class World:
    """A service with one webhook that is looked at, and what its receiver did."""

    def __init__(self, p: Pages, webhook: Webhook, auth: str, browser: Browser) -> None:
        self.p, self.number, self.id = p, webhook.number, webhook.id
        self.name, self.acts = webhook.name, webhook.type.acts
        self.auth, self.browser = auth, browser
        self.healths, self.breaker = p.s.parts.delivery.engine.healths, Breaker()
        self.made = self.timed = 0  # deliveries, and those of them that wait until their time

    def good(self, count: int = 1, *, counts: bool = True) -> None:
        for _ in range(count):
            self.healths.good(self.number, counts=counts)

    def bad(self, count: int = 1) -> None:
        for _ in range(count):
            self.healths.bad(self.number, "503")

    def open_breaker(self) -> None:
        self.bad(OUTCOMES_MIN)
        for _ in range(OUTCOMES_MIN):
            self.breaker.started()
            self.breaker.record(0.0, 0.0, False, self.p.s.parts.ports.randomness.rng)
        self.healths.moved(self.number, self.breaker, 0.0)

    async def delivery(self, kind: str | None = "503", said: str = "It waits.") -> None:
        """One that waits, since its last attempt ended so."""
        self.made += 1
        self.timed += kind == FaultKind.WAITS
        [id] = await accept(self.p.s, f"e-{self.p.s.clock.ms}", [self.number], org=ORG)
        self.p.s.clock.ms += 1
        if kind is None:
            return
        status = int(kind) if kind.isdigit() else None
        waits = WaitsFor(WaitReason.QUIET, "It waits.") if kind == FaultKind.WAITS else None
        evidence = port.Evidence(None if status else kind, said, (), b"", False)
        ms = self.p.s.clock.ms
        await self.p.s.store.commit(
            port.Batch(
                self.p.s.registry.version,
                settled=[
                    port.Settlement(
                        DeliveryId(id),
                        self.number,
                        None,
                        int(State.RETRYING if waits is None else State.WAITING),
                        1,
                        1,
                        ms - 5,
                        5,
                        status,
                        60_000,
                        None if waits else evidence,
                        waits=waits,
                    )
                ],
            )
        )

    async def say(self, verb: Any) -> None:
        await self.p.s.webhooks.change_status(ORG, self.id, verb, "tests")


Scenario = Callable[[World], Awaitable[tuple[Condition, int]]]


async def nothing_has_come(world: World) -> tuple[Condition, int]:
    return Condition.WELL, 0


async def all_is_delivered(world: World) -> tuple[Condition, int]:
    world.good(40)
    return Condition.WELL, 0


async def one_failure_among_successes(world: World) -> tuple[Condition, int]:
    world.good(40)
    world.bad()
    await world.delivery()
    return Condition.WELL, 0


async def it_only_fails(world: World) -> tuple[Condition, int]:
    world.bad(9)
    for _ in range(9):
        await world.delivery()
    return Condition.FAILING, 9


async def it_is_left_alone(world: World) -> tuple[Condition, int]:
    world.open_breaker()
    for _ in range(3):
        await world.delivery()
    return Condition.FAILING, 3


async def its_owner_is_told(world: World) -> tuple[Condition, int]:
    world.bad(3)
    world.p.s.clock.ms += 3_600_000
    world.bad(3)
    await world.delivery()
    return Condition.FAILING, 1


async def it_has_recovered(world: World) -> tuple[Condition, int]:
    await its_owner_is_told(world)
    world.good()
    return Condition.WELL, 0


async def one_success_after_it_was_left_alone(world: World) -> tuple[Condition, int]:
    await it_is_left_alone(world)
    world.good()
    world.breaker.succeeded_outside(1.0)
    world.healths.moved(world.number, world.breaker, 1.0)
    return Condition.WELL, 0


async def a_replay_has_delivered(world: World) -> tuple[Condition, int]:
    await it_is_left_alone(world)
    world.good(counts=False)
    return Condition.WELL, 0


async def a_test_was_taken(world: World) -> tuple[Condition, int]:
    await it_is_left_alone(world)
    world.p.s.parts.delivery.engine.dispatcher.succeeded_outside(world.number)
    return Condition.WELL, 0


async def it_fails_in_part(world: World) -> tuple[Condition, int]:
    for _ in range(20):
        world.good(5)
        world.bad()
    await world.delivery()
    return Condition.DEGRADED, 1


async def it_is_paused(world: World) -> tuple[Condition, int]:
    await it_only_fails(world)
    await world.say("pause")
    return Condition.PAUSED, 9


async def it_is_disabled(world: World) -> tuple[Condition, int]:
    await world.delivery(None)
    await world.say("disable")
    return Condition.DISABLED, 0


class OneHold:
    """`Holds` of one webhook."""

    def __init__(self, number: int, hold: ConnectionHold) -> None:
        self._number, self._hold = number, hold

    def of(self, webhook: Webhook) -> ConnectionHold | None:
        return self._hold if webhook.number == self._number else None

    def numbers(self) -> list[int]:
        return [self._number]


async def its_connection_is_held(world: World) -> tuple[Condition, int]:
    hold = ConnectionHold("crm-db", "The connection crm-db cannot be reached. See to it.", 1_000)
    world.p.s.parts.delivery.judgements._holds = OneHold(world.number, hold)
    await world.delivery()
    return Condition.HELD_UP, 1


SCENARIOS: list[Scenario] = [
    nothing_has_come,
    all_is_delivered,
    one_failure_among_successes,
    it_only_fails,
    it_is_left_alone,
    its_owner_is_told,
    it_has_recovered,
    one_success_after_it_was_left_alone,
    a_replay_has_delivered,
    a_test_was_taken,
    it_fails_in_part,
    it_is_paused,
    it_is_disabled,
    its_connection_is_held,
]


async def it_waits_for_quiet_hours(world: World) -> tuple[Condition, int]:
    for _ in range(4):
        await world.delivery(FaultKind.WAITS)
    return Condition.WELL, 0


async def some_wait_for_quiet_hours_and_some_for_a_fault(world: World) -> tuple[Condition, int]:
    await it_waits_for_quiet_hours(world)
    await it_only_fails(world)
    return Condition.FAILING, 9


async def a_look_up_does_not_answer(world: World) -> tuple[Condition, int]:
    action = ACTIONS[world.name]
    for number in range(5):
        seen = {"event": {"data": {"customerIdentifiers": {"customerId": number}}}}
        with pytest.raises(LookupDown):
            await world.p.s.services.actions.lookups.find(action.lookups[0], seen)
    await world.delivery("lookup")
    return Condition.FAILING, 1


SCENARIOS_OF_ACTIONS = [
    *SCENARIOS,
    it_waits_for_quiet_hours,
    some_wait_for_quiet_hours_and_some_for_a_fault,
    a_look_up_does_not_answer,
]
