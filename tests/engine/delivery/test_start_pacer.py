"""In which order lanes begin what a commit has brought."""

import asyncio
from typing import Any, cast

from tidings.core.delivery.body_memory import WindowBudget
from tidings.core.delivery.lane import Lane
from tidings.core.shaping.signatures.schemes import DEFAULT
from tidings.core.webhooks.webhook_types import HTTP, KINDS
from tidings.engine.delivery.guards.guarded_channel import GuardedChannel
from tidings.engine.delivery.guards.unforeseen import UnforeseenErrors
from tidings.engine.delivery.lanes.start_pacer import TURN_MIN, TURN_SHARE, StartPacer
from tidings.engine.delivery.runner import WebhookRunner

Nothing = cast(Any, None)


class Signed:
    """As much of a webhook as its messages are made of."""

    def __getattr__(self, name: str) -> Any:
        known = {"headers": (), "secrets": (), "extra": {}, "type": KINDS[HTTP]}
        known |= {"signatures": DEFAULT, "key_pairs": ()}
        return known.get(name, "x")


def runner(*, well: bool = False) -> WebhookRunner:
    made = WebhookRunner(
        cast(Any, Signed()),
        Lane(1, None, WindowBudget(1)),
        GuardedChannel(Nothing, cast(Any, Signed()), UnforeseenErrors()),
    )
    made.well = well
    return made


class Lanes:
    """Keeps whose lanes may start; nothing that it does fails."""

    def __init__(self) -> None:
        self.begun: list[WebhookRunner] = []

    def pump(self, runner: WebhookRunner) -> None:
        self.begun.append(runner)

    def note(self, webhook: int, error: BaseException) -> None:
        raise error


async def turn() -> None:
    """One turn of the loop."""
    await asyncio.sleep(0)


async def test_who_is_well_begins_at_once_and_the_others_a_few_in_each_turn() -> None:
    lanes = Lanes()
    begun, pacer = lanes.begun, StartPacer(lanes, lanes)
    others = [runner() for _ in range(2 * TURN_MIN + 1)]
    well = [runner(well=True) for _ in range(TURN_MIN + 3)]
    pacer.wake([*others, *well])
    assert begun == well
    for count in (TURN_MIN, 2 * TURN_MIN, 2 * TURN_MIN + 1, 2 * TURN_MIN + 1):
        await turn()
        assert begun == [*well, *others[:count]]


async def test_who_is_well_overtakes_those_that_an_earlier_commit_has_woken() -> None:
    lanes = Lanes()
    begun, pacer = lanes.begun, StartPacer(lanes, lanes)
    others, well = [runner() for _ in range(TURN_MIN + 1)], runner(well=True)
    pacer.wake(others)
    await turn()
    pacer.wake([well])
    await turn()
    assert begun == [*others[:TURN_MIN], well, others[TURN_MIN]]


async def test_many_that_wait_are_through_in_few_turns_and_each_is_woken_once() -> None:
    lanes = Lanes()
    begun, pacer = lanes.begun, StartPacer(lanes, lanes)
    others = [runner() for _ in range(1000)]
    pacer.wake(others)
    pacer.wake(others)
    for _ in range(6 * TURN_SHARE):
        await turn()
    assert begun == others
