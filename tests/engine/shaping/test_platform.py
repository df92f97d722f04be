"""The pull connector: asks once for all, remembers, and leaves a platform that fails alone."""

import asyncio
import gc
from typing import Any

import pytest

from tests.api.control_client import Clock
from tests.engine.reference_parts import FakeOrigin, known, ok
from tidings.core.delivery.exchange import Ending, FaultKind, ReceiverAnswer, TransportFault
from tidings.core.ids import OrgId
from tidings.core.shaping.circuit import FAILURES_MAX
from tidings.engine.shaping.platform import Platform, PlatformDown, PlatformOptions, counters

ORG = OrgId(1)

PATHS = {"customers": "/{orgId}/customers/{id}", "balances": "/{orgId}/balance/{id}"}
SLOW = TransportFault(kind=FaultKind.TIMEOUT, sent=True, detail="It did not answer.", duration_ms=1)


def platform(*answers: Any, clock: Clock | None = None, **options: Any) -> tuple[Platform, Any]:
    origin = FakeOrigin(*answers)
    made = Platform(origin, PlatformOptions(paths=PATHS, **options), clock or Clock())
    return made, origin


async def test_an_answer_is_asked_for_once_and_remembered() -> None:
    line: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
    made, origin = platform(line, headers=(("authorization", "Basic x"),))
    asked = [asyncio.ensure_future(made.ask("customers", OrgId(7), "a/b", 0)) for _ in range(9)]
    await asyncio.sleep(0.01)
    asked[0].cancel()
    line.set_result(ok(mobile="1"))
    await asyncio.wait(asked)
    assert [element.result() for element in asked[1:]] == [known(mobile="1")] * 8
    assert await made.ask("customers", OrgId(7), "a/b", 0) == known(mobile="1")
    assert origin.asked == [("/7/customers/a%2Fb", [("authorization", "Basic x")])]
    assert made.answers("customers") and not made.answers("tills")


async def test_each_org_is_asked_for_by_itself() -> None:
    made, origin = platform(ok(mobile="1"))
    await made.ask("customers", ORG, "7", 0)
    await made.ask("customers", OrgId(2), "7", 0)
    assert [path for path, _ in origin.asked] == ["/1/customers/7", "/2/customers/7"]


async def test_absence_is_remembered_for_a_shorter_while() -> None:
    made, origin = platform(
        ReceiverAnswer(404, (), b"", False, 1.0), ok(mobile="1"), keep_none_s=0.02, keep_s=60.0
    )
    assert await made.ask("customers", ORG, "7", 0) is None
    assert await made.ask("customers", ORG, "7", 0) is None
    assert len(origin.asked) == 1
    await asyncio.sleep(0.03)
    assert await made.ask("customers", ORG, "7", 0) == known(mobile="1")
    await asyncio.sleep(0.03)
    assert await made.ask("customers", ORG, "7", 0) == known(mobile="1")
    assert len(origin.asked) == 2


async def test_a_balance_of_before_the_event_is_not_the_one_after_it() -> None:
    clock = Clock()
    made, origin = platform(ok(pointsBalance=1), ok(pointsBalance=2), clock=clock)
    before = clock.ms
    assert await made.ask("balances", ORG, "7", before) == known(pointsBalance=1)
    assert await made.ask("balances", ORG, "7", before - 5) == known(pointsBalance=1)
    clock.ms += 10
    assert await made.ask("balances", ORG, "7", clock.ms) == known(pointsBalance=2)
    assert len(origin.asked) == 2


async def test_a_balance_that_is_being_asked_for_since_before_the_event_is_asked_for_again() -> (
    None
):
    clock = Clock()
    line: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
    made, origin = platform(line, ok(pointsBalance=2), clock=clock)
    old = asyncio.ensure_future(made.ask("balances", ORG, "7", clock.ms))
    await asyncio.sleep(0.01)
    clock.ms += 10
    assert await made.ask("balances", ORG, "7", clock.ms) == known(pointsBalance=2)
    line.set_result(ok(pointsBalance=1))
    assert await old == known(pointsBalance=1)
    assert len(origin.asked) == 2


@pytest.mark.parametrize(
    "bad",
    [
        SLOW,
        ReceiverAnswer(500, (), b"{}", False, 1.0),
        ReceiverAnswer(200, (), b"<html>", False, 1.0),
        ReceiverAnswer(200, (), b'{"mobile":"1"}', True, 1.0),
    ],
    ids=["slow", "500", "garbage", "huge"],
)
async def test_failures_in_a_row_end_the_asking_for_a_while(bad: Ending) -> None:
    made, origin = platform(bad)
    for number in range(FAILURES_MAX + 3):
        with pytest.raises(PlatformDown) as down:
            await made.ask("customers", ORG, str(number), 0)
        assert down.value.delay_s > 0 and down.value.reason.endswith(".")
    assert len(origin.asked) == FAILURES_MAX
    assert made.down and counters(made)["platform_failed"]() == FAILURES_MAX


async def test_a_record_that_cannot_be_used_is_no_reason_to_stop_asking() -> None:
    made, origin = platform(ok(mobile=["odd"]))
    for number in range(3 * FAILURES_MAX):
        assert await made.ask("customers", ORG, str(number), 0) is None
    assert await made.ask("customers", ORG, "..", 0) is None
    assert len(origin.asked) == 3 * FAILURES_MAX and not made.down


async def test_waiting_for_a_connection_counts_towards_the_deadline() -> None:
    line: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
    made, _ = platform(line, timeout_s=0.05)
    asked = [asyncio.ensure_future(made.ask("customers", ORG, str(n), 0)) for n in range(40)]
    done: list[asyncio.Future[Any]] = []
    while len(done) < 40 - 16:
        await asyncio.sleep(0.01)
        done = [element for element in asked if element.done()]
    assert len(done) == 40 - 16
    assert all(isinstance(element.exception(), PlatformDown) for element in done)
    assert not made.down, "much to ask is no failure of the platform"
    line.set_result(ok(mobile="1"))
    await asyncio.wait(asked)


async def test_a_stop_gives_up_what_is_under_way() -> None:
    line: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
    made, origin = platform(line)
    asked = asyncio.ensure_future(made.ask("customers", ORG, "7", 0))
    await asyncio.sleep(0.01)
    await made.close()
    assert origin.closed
    with pytest.raises(asyncio.CancelledError):
        await asked


@pytest.mark.parametrize("ends", ["by its failure", "by a stop"])
async def test_a_question_that_nobody_waits_for_any_more_ends_without_a_word(ends: str) -> None:
    loop = asyncio.get_running_loop()
    reported: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: reported.append(context))
    line: asyncio.Future[Ending] = loop.create_future()
    made, origin = platform(line)
    asked = asyncio.ensure_future(made.ask("customers", ORG, "7", 0))
    await origin.is_asked.wait()
    asked.cancel()
    await asyncio.wait([asked])
    if ends == "by a stop":
        await made.close()
    else:
        line.set_result(SLOW)
        while counters(made)["platform_failed"]() == 0:
            await asyncio.sleep(0)
        await asyncio.sleep(0)  # what follows its end
    del line
    gc.collect()
    await asyncio.sleep(0)
    assert asked.cancelled() and origin.asked and reported == []
