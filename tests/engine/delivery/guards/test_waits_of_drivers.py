"""A driver may say that a message is not to be sent yet. What it may say so of has not left: of
everything else its word is no result, and the attempt is one."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from tests.engine.audit.kept_log import UnkeptLog
from tests.engine.shaping.sending_desk import BODY, HOOK, Desk, Line, Shaping, job
from tidings.core.delivery.exchange import (
    AttemptResult,
    DeliveryVerdict,
    FaultKind,
    ReceiverAnswer,
    TransportFault,
)
from tidings.core.delivery.schedule import WINDOW_S
from tidings.core.delivery.states import State
from tidings.core.delivery.waits import NotYet, WaitReason, WaitsFor
from tidings.core.ids import DeliveryId, OrgId
from tidings.core.running.lease import EndlessLease
from tidings.core.webhooks.webhook import Webhook
from tidings.core.webhooks.webhook_types import HTTP, KINDS, QUEUE
from tidings.destinations.port import Message, MessagePreview
from tidings.engine.delivery.guards.guarded_channel import GuardedDestination
from tidings.engine.delivery.guards.unforeseen import UnforeseenErrors
from tidings.engine.delivery.trial import Trial
from tidings.store import port

TAKEN = AttemptResult(DeliveryVerdict.DELIVERED, ReceiverAnswer(200, (), b"", False, 1.0))
LIMIT = WaitsFor(WaitReason.LIMIT, "The org may write to 3 recipients by limit_per_hour, and has.")
WAITS = NotYet(LIMIT, 1800.0)
LIES: dict[str, Any] = {
    "no reason": NotYet(None, 5.0),  # type: ignore[arg-type]
    "a reason in words": NotYet("later", 5.0),  # type: ignore[arg-type]
    "a time that is over": NotYet(LIMIT, -1.0),
    "no time": NotYet(LIMIT, float("nan")),
    "never": NotYet(LIMIT, float("inf")),
    "no number": NotYet(LIMIT, "soon"),  # type: ignore[arg-type]
    "a pause for ever": NotYet(LIMIT, 5.0, lane_pause_s=float("inf")),
    "a pause in words": NotYet(LIMIT, 5.0, lane_pause_s="long"),  # type: ignore[arg-type]
    "a bare reason": LIMIT,
}


class Road:
    """A destination and its channel: says of one attempt what it is given, then takes all."""

    def __init__(self, word: Any, *, leaves: bool) -> None:
        self.word, self.leaves = word, leaves
        self.left: list[tuple[str, bytes]] = []

    def open(self, webhook: Webhook) -> "Road":
        return self

    def carried(self, webhook: Webhook) -> list[tuple[str, str]]:
        return []

    def show(self, webhook: Webhook, headers: Any, body: bytes, key: int | None) -> MessagePreview:
        return MessagePreview("POST", headers, body)

    async def send(self, message: Message) -> Any:
        await asyncio.sleep(0)
        word, self.word = self.word, None
        if word is None or self.leaves:
            headers = message.headers_if_current([])
            if headers is None:
                return None
            self.left.append((dict(headers)["tidings-attempt"], message.body))
        return TAKEN if word is None else word

    def follow(self, webhook: Webhook) -> bool:
        return True

    async def close(self) -> None:
        pass


class Scene:
    """A dispatcher with one webhook over such a road."""

    def __init__(self, road: Road, kind: str = HTTP, shaping: Shaping | None = None) -> None:
        webhook = msgspec.structs.replace(
            HOOK, kind=kind, connections_max=1, connection="kafka" if kind == QUEUE else ""
        )
        self.desk = Desk(Line(), shaping or Shaping(), webhook)
        self.dispatcher = self.desk.dispatcher
        self.dispatcher._channels._destination = road

    async def work(self, *jobs: Any) -> list[port.Settlement]:
        await self.desk.work(*jobs)
        return self.desk.quiet.settled

    @property
    def runner(self) -> Any:
        return self.dispatcher.runners.at_work[1]


def must_be_ours(settlement: port.Settlement, attempt: int, *, left: bool) -> None:
    """An attempt that has ended as our fault, under its number, and is tried again on the
    schedule."""
    assert (settlement.state, settlement.attempt) == (State.RETRYING, attempt)
    assert settlement.waits is None and settlement.status is None
    assert settlement.evidence is not None and settlement.evidence.kind == FaultKind.OURS
    assert ("may have got it" in settlement.evidence.detail) is left
    assert settlement.delay_ms is not None and 1_000 <= settlement.delay_ms < 60_000


@pytest.mark.parametrize("kind", [name for name, kind in KINDS.items() if not kind.fetched])
@pytest.mark.parametrize("attempt", [1, 2])
async def test_what_has_left_is_an_attempt_whatever_its_driver_says(
    attempt: int, kind: str
) -> None:
    lie = NotYet(LIMIT, 1800.0, lane_pause_s=1800.0)
    road = Road(lie, leaves=True)
    scene = Scene(road, kind)
    first, second = await scene.work(job(attempt=attempt), job(delivery=6))
    must_be_ours(first, attempt, left=True)
    assert first.sent == road.left[0][1], "its retries send the same bytes"
    assert (second.delivery, second.state) == (6, State.DELIVERED), "no lane rests for a lie"
    assert [number for number, _ in road.left] == [str(attempt), "2"]
    assert scene.runner.rest is None and scene.dispatcher.attempts_running == 0


async def test_what_has_waited_and_then_left_is_an_attempt_too() -> None:
    road = Road(WAITS, leaves=True)
    scene = Scene(road)
    [settlement] = await scene.work(job(attempt=1, shaped=True))
    must_be_ours(settlement, 1, left=True)
    assert road.left == [("1", BODY)]


@pytest.mark.parametrize("lie", LIES)
@pytest.mark.parametrize("leaves", [False, True])
async def test_a_wait_without_a_reason_or_an_end_is_our_fault(leaves: bool, lie: str) -> None:
    scene = Scene(Road(LIES[lie], leaves=leaves))
    first, second = await scene.work(job(attempt=1), job(delivery=6))
    must_be_ours(first, 1, left=leaves)
    assert (second.delivery, second.state) == (6, State.DELIVERED)
    assert scene.dispatcher.attempts_running == 0


@pytest.mark.parametrize("attempt", [1, 2])
async def test_what_has_not_left_waits_and_keeps_what_was_made_of_it(attempt: int) -> None:
    road = Road(WAITS, leaves=False)
    first, second = await Scene(road).work(job(attempt=attempt), job(delivery=6))
    assert (first.state, first.waits, first.delay_ms) == (State.WAITING, LIMIT, 1_800_000)
    assert (first.evidence, first.status, first.sent) == (None, None, b'{"made":1}')
    assert second.state == State.DELIVERED and len(road.left) == 1


async def test_nothing_waits_beyond_its_window() -> None:
    old = job(attempt=1, accepted_ms=1_000 - int(WINDOW_S * 1000))
    [settlement] = await Scene(Road(WAITS, leaves=False)).work(old)
    assert (settlement.state, settlement.waits) == (State.FAILED, None)
    assert settlement.evidence is not None and settlement.evidence.detail == LIMIT.detail


@pytest.mark.parametrize("how", ["first", "cancelled", "in doubt"])
async def test_what_was_made_before_a_wait_is_kept_with_what_came_of_it(how: str) -> None:
    """Somebody may have cancelled or parked it meanwhile: another try of that sends the same."""
    shaping = Shaping()
    scene = Scene(Road(None, leaves=True), shaping=shaping)
    runner = scene.dispatcher.runners.runner_of(1)
    assert runner is not None
    ended: dict[str, Callable[[], object]] = {
        "first": lambda: None,
        "cancelled": lambda: runner.cancelled.add(DeliveryId(5)),
        "in doubt": lambda: runner.doubted.add(DeliveryId(5)),
    }

    class Ends(Road):
        async def send(self, message: Message) -> Any:
            result = await super().send(message)
            ended[how]()
            return result

    scene.dispatcher._channels._destination = Ends(None, leaves=True)
    [settlement] = await scene.work(job(attempt=1, shaped=True))
    assert (settlement.state, settlement.attempt) == (State.DELIVERED, 1)
    assert settlement.sent == BODY and shaping.asked == 0, "it goes as it was made"


@pytest.mark.parametrize("leaves", [False, True])
async def test_a_test_message_says_so_too(leaves: bool) -> None:
    class Clock:
        def now_ms(self) -> int:
            return 1_000

    errors = UnforeseenErrors()
    trial = Trial(
        destination=GuardedDestination(Road(WAITS, leaves=leaves), errors),
        shaper=Shaping(),
        clock=Clock(),
        lease=EndlessLease(),
        errors=errors,
        audit=UnkeptLog(),
    )
    result = await trial.send(OrgId(7), HOOK, "e", b"{}", lambda: True)
    assert isinstance(result.ending, TransportFault) and not result.delivered
    assert result.ending.sent is leaves
    assert result.ending.kind is (FaultKind.OURS if leaves else FaultKind.WAITS)
