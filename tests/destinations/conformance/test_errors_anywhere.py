"""Whatever is raised on any line of a driver while it sends: the attempt ends, its slot is free,
and the next message is delivered.

The real driver of each type sends to its real receiver; each line of it that runs on the way of a
message raises once, one message after the other. A type that is added is tried by being there.
"""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.destinations.conformance.drivers import DRIVERS, MARKS, on_trial, served
from tests.destinations.conformance.odd_errors import ERRORS, Lines
from tests.destinations.conformance.sending import Sending
from tests.destinations.conformance.subject import Bench, Driver
from tidings.core.delivery.states import State

pytestmark = [pytest.mark.timeout(300), pytest.mark.systems]
SLOW_STEP = 5  # where each channel reaches a broker anew, one line of so many is tried


"""None that a library raises of what a server has said, and drivers judge as that."""
"""Lines that raise nothing, or nothing that is not raised on the lines within them."""


@pytest.fixture(params=map(on_trial, DRIVERS))
def driver(request: Any) -> Driver:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
async def bench(driver: Driver, request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    async with served(driver, request).run() as bench:
        yield bench


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with capture_logs():
        yield


WAYS = ("live", "replay", "probe", "test")


async def test_whatever_a_line_of_a_driver_raises_costs_one_attempt(
    bench: Bench, request: pytest.FixtureRequest
) -> None:
    is_slow = any(name in request.node.callspec.id.split("-") for name in MARKS)
    with Lines() as lines:
        sending = Sending(bench)
        assert (await sending.attempt()).state == State.DELIVERED
    places = [*lines.seen]
    if is_slow:
        places = places[::SLOW_STEP]
    wrong: list[tuple[str, int, str, BaseException, str]] = []
    for number, place in enumerate(places):
        lines.breaks, lines.raised = place, False
        lines.error, way = ERRORS[number % len(ERRORS)], WAYS[number % len(WAYS)]
        sending = Sending(bench)  # with a channel that opens first
        try:
            with lines:
                if way == "test":
                    fault = await sending.test()
                else:
                    fault = sending.fault(await sending.attempt(way))
        except TimeoutError:
            fault = "it does not end"
        if not lines.raised:
            continue  # it runs once in a process
        lines.breaks = None
        if fault:
            wrong.append((*place, way, lines.error, fault))
            continue
        after = await sending.attempt()
        if after.state != State.DELIVERED:
            wrong.append((*place, way, lines.error, f"the next one is not delivered: {after}"))
        await sending.dispatcher.stop(1.0)
    assert not wrong, "\n".join(map(str, wrong))
    assert len(places) > 10
