"""Waits, needs, quiet hours, caps, opt-outs and order together, in weeks in which much goes wrong.

What is judged is what was done and when, with each rule stated once more, on its own.
"""

import asyncio
import random
from collections import defaultdict
from contextlib import suppress
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from tests.depth import depth
from tests.engine.actions.action_world import (
    CUSTOMER,
    ActionWorld,
    Done,
    action,
    contact,
    in_world,
)
from tests.simulation.parts import EPOCH_MS
from tidings.core.actions.action import Cap, Quiet, Unless
from tidings.core.delivery.states import State
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.shaping.filters.compiler import compile_filter
from tidings.core.webhooks.webhook import Ordering
from tidings.store.port import StoreDown

HOUR, DAY = 3600.0, 86_400.0
SLACK_S = 5.0  # from when it is judged until it is done
OUT = Unless(compile_filter({"path": "contact.out", "eq": "yes"}), "The customer has opted out.")
NIGHT = Quiet(21 * 60, 8 * 60, "contact.zone", "UTC")
ZONES = ("UTC", "Asia/Kolkata", "America/New_York", "Pacific/Auckland")
ASKED: dict[str, Any] = {"lookups": (contact(),), "unless": (OUT,), "quiet": NIGHT}
MAIL_CAP, SURVEY_CAP = Cap(2, DAY, CUSTOMER), Cap(1, 3 * DAY, CUSTOMER)
AFTER_S = 2 * HOUR
ACTIONS = (
    action(cap=MAIL_CAP, ordering=Ordering.KEY, **ASKED),
    action("survey", needs="mail", after_s=AFTER_S, cap=SURVEY_CAP, **ASKED),
)


class Weeks:
    """A world in which much goes wrong, and what is known of its customers."""

    def __init__(self, world: ActionWorld, rng: random.Random) -> None:
        self.world, self.rng = world, rng
        self.contacts = {
            str(number): {"zone": rng.choice(ZONES), "out": "no"} for number in range(6)
        }
        self.out_s: dict[int, float] = {}  # since when
        self.customers: dict[int, int] = {}  # by the number of the event
        self.ended: set[int] = set()  # events whose survey was parked with it

    async def go_by(self, hours: int) -> None:
        for _ in range(hours):
            self._something_happens()
            if self.rng.random() < 0.04:
                self.world.store.down = False
                self.world = await self.world.restarted(crash=self.rng.random() < 0.5)
            for _ in range(self.rng.choice((0, 0, 1, 2))):
                customer = self.rng.randrange(len(self.contacts))
                with suppress(StoreDown):
                    id = await self.world.event(customer, groupId=str(customer))
                    self.customers[int(id[1:])] = customer
            await asyncio.sleep(self.rng.uniform(0, 60))
            self.world.store.down = False
            if self.rng.random() < 0.03:
                await self._survey_is(WebhookStatus.DISABLED)
                states = self.world.states("survey")
                self.ended |= {
                    number
                    for number, state in zip(self.customers, states, strict=True)
                    if state is State.PARKED
                }
            elif self.rng.random() < 0.3:
                await self._survey_is(WebhookStatus.ACTIVE)
            await asyncio.sleep(self.rng.uniform(0.2, 1.8) * HOUR)

    async def end(self) -> None:
        world = self.world
        world.contacts.records = dict(self.contacts)
        world.doer.status.clear()
        await asyncio.sleep(60)
        await self._survey_is(WebhookStatus.ACTIVE)
        await asyncio.sleep(9 * DAY)

    async def _survey_is(self, standing: WebhookStatus) -> None:
        await asyncio.sleep(60)  # the store may just take writes again
        webhooks = self.world.parts.webhooks
        [survey] = [
            state.webhook for state in webhooks.everywhere() if state.webhook.name == "survey"
        ]
        await webhooks.set_status(survey.number, standing, "brand", "brand")
        await asyncio.sleep(1)

    def _something_happens(self) -> None:
        rng, world = self.rng, self.world
        world.contacts.records = None if rng.random() < 0.15 else dict(self.contacts)
        world.store.down = rng.random() < 0.3
        for name in ("mail", "survey"):
            if rng.random() < 0.3:
                world.doer.status[name] = rng.choice((200, 200, 503, 503, 429, 400))
        if rng.random() < 0.02:
            customer = rng.randrange(len(self.contacts))
            self.contacts[str(customer)]["out"] = "yes"
            self.out_s.setdefault(customer, asyncio.get_running_loop().time())


def number_of(done: Done) -> int:
    """Of the event that it was done for."""
    return int(msgspec.json.decode(done.made.act.body)["at"])  # type: ignore[union-attr]


def judge(weeks: Weeks) -> None:
    world = weeks.world
    for name in ("mail", "survey"):
        states = world.states(name)
        assert len(states) == len(weeks.customers)
        assert all(state.final for state in states), states
        assert all(
            (state is State.DELIVERED) == any(number_of(done) == number for done in world.did(name))
            for number, state in zip(weeks.customers, states, strict=True)
        )
    assert not weeks.ended & {number_of(element) for element in world.did("survey")}, "it was ended"
    for element in world.doer.tried:
        customer = weeks.customers[number_of(element)]
        zone = ZoneInfo(weeks.contacts[str(customer)]["zone"])
        there = datetime.fromtimestamp(EPOCH_MS / 1000 + element.at_s - SLACK_S, UTC).astimezone(
            zone
        )
        assert 8 <= (there.hour + (there.minute * 60 + there.second + SLACK_S) / 3600) < 21, there
        assert element.at_s < weeks.out_s.get(customer, element.at_s) + SLACK_S, "opted out"
    for name, cap in (("mail", MAIL_CAP), ("survey", SURVEY_CAP)):
        for done in by_customer(weeks, world.did(name)).values():
            for element in done:
                since = [
                    other for other in done if 0 <= element.at_s - other.at_s < cap.within_s - 5
                ]
                assert len({other.id for other in since}) <= cap.most
    mailed: dict[int, float] = {}
    for element in world.did():
        mailed.setdefault(number_of(element), element.at_s)
    for element in world.did("survey"):
        assert element.at_s >= mailed[number_of(element)] + AFTER_S - SLACK_S
    for done in by_customer(weeks, world.did()).values():
        firsts = list(dict.fromkeys(map(number_of, done)))
        assert all(number < other for number, other in pairwise(firsts)), "in the customer's order"


def by_customer(weeks: Weeks, done: list[Done]) -> dict[int, list[Done]]:
    found = defaultdict(list)
    for element in done:
        found[weeks.customers[number_of(element)]].append(element)
    return found


@pytest.mark.parametrize("seed", range(depth(1, 4)))
def test_every_rule_holds_whatever_happens_and_everything_comes_to_an_end(seed: int) -> None:
    async def scenario(world: ActionWorld) -> ActionWorld:
        weeks = Weeks(world, random.Random(seed))
        await weeks.go_by(24 * 14)
        await weeks.end()
        judge(weeks)
        assert len(weeks.world.did()) > 5 and weeks.world.did("survey")
        return weeks.world

    in_world(scenario, *ACTIONS, seed=seed)
