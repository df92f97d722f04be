"""The router: each event to its handler, once, and an answer that means something to the sender."""

import asyncio
import logging
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests.consumer.receiving import NAME, Handled, Receive, in_a_loop, in_a_thread, request
from tests.e2e.harness.until import until
from tidings_consumer import (
    Event,
    Gone,
    MemoryIds,
    Reject,
    RetryLater,
    Router,
    SqliteDeadLetters,
)
from tidings_consumer.events import PointsIssued
from tidings_consumer.ids import Claim
from tidings_consumer.testing import SECRET, forged, late, repeated, signed

RECEIVED = pytest.mark.parametrize("receive", [in_a_thread, in_a_loop])
BOTH = pytest.mark.parametrize("coroutine", [False, True], ids=["function", "coroutine"])


@RECEIVED
@BOTH
def test_an_event_is_handled_once_whatever_kind_of_handler(
    receive: Receive, coroutine: bool
) -> None:
    handled = Handled(coroutine=coroutine)
    first = request()
    for pair in (first, repeated(first), first):
        assert receive(handled.router, pair).status == 204
    assert handled.ids == ["evt_1"]
    assert handled.events[0].payload["eventName"] == NAME


@RECEIVED
def test_what_is_not_believed_reaches_no_handler(receive: Receive) -> None:
    handled = Handled()
    good = request()
    for wrong in (forged(good), late(good), signed(good.body, "whsec_" + "A" * 40)):
        answer = receive(handled.router, wrong)
        assert answer.status == 401 and answer.body
    assert receive(handled.router, signed(b"[]")).status == 422
    assert handled.events == []


@RECEIVED
@pytest.mark.parametrize(
    ("fault", "status", "headers"),
    [
        (RetryLater(90.2, "the till is closed"), 503, {"retry-after": "91"}),
        (RetryLater(-5), 503, {"retry-after": "1"}),
        (RetryLater(float("nan")), 503, {"retry-after": "1"}),
        (RetryLater(float("inf")), 503, {"retry-after": "86400"}),
        (Gone("closed"), 410, {}),
        (ValueError("secret of ours"), 500, {}),
    ],
)
def test_what_was_not_handled_is_handled_when_it_comes_again(
    receive: Receive, fault: Exception, status: int, headers: dict[str, str]
) -> None:
    handled = Handled()
    handled.fault = fault
    answer = receive(handled.router, request())
    assert answer.status == status and headers.items() <= answer.headers.items()
    assert b"secret of ours" not in answer.body
    handled.fault = None
    assert receive(handled.router, repeated(request())).status == 204
    assert handled.ids == ["evt_1", "evt_1"]


@RECEIVED
@BOTH
@pytest.mark.parametrize(
    "fault", [StopIteration("no more"), StopAsyncIteration(), RecursionError()]
)
def test_a_handler_may_raise_whatever_python_has(
    receive: Receive, coroutine: bool, fault: Exception
) -> None:
    """A future takes no StopIteration: whoever waits for it would wait for ever."""
    handled = Handled(coroutine=coroutine)
    handled.fault = fault
    assert receive(handled.router, request()).status == 500
    handled.fault = None
    assert receive(handled.router, request()).status == 204


@RECEIVED
def test_what_was_rejected_and_kept_is_not_handled_again(receive: Receive, tmp_path: Path) -> None:
    letters = SqliteDeadLetters(tmp_path / "dead.db")
    handled = Handled(dead_letters=letters)
    handled.fault = Reject("no such customer")
    assert receive(handled.router, request()).status == 422
    assert receive(handled.router, repeated(request())).status == 204
    [letter] = letters
    assert (letter.event.id, letter.reason) == ("evt_1", "no such customer")
    assert letter.event.payload == handled.events[0].payload and len(handled.events) == 1


@RECEIVED
def test_what_was_rejected_and_kept_nowhere_can_be_replayed(receive: Receive) -> None:
    handled = Handled()
    handled.fault = Reject("no such customer")
    assert receive(handled.router, request()).status == 422
    handled.fault = None
    assert receive(handled.router, request(replay="rpl_1")).status == 204
    assert handled.ids == ["evt_1", "evt_1"]


def test_what_fails_again_and_again_is_kept_and_can_be_handled_later(tmp_path: Path) -> None:
    letters = SqliteDeadLetters(tmp_path / "dead.db")
    handled = Handled(dead_letters=letters, give_up_after=3)
    handled.fault = OSError("no route")
    attempts = [request(attempt=number) for number in (1, 2, 3)]
    assert [handled.router.receive(*attempt).status for attempt in attempts] == [500, 500, 204]
    [letter] = letters
    assert letter.reason == "OSError: no route" and letter.event.attempt == 3
    assert handled.router.redrive(letters) == (0, 1) and len(list(letters)) == 1
    handled.fault = None
    assert handled.router.redrive(letters) == (1, 0) and list(letters) == []
    assert len(handled.events) == 5


def test_what_cannot_be_kept_is_not_given_up() -> None:
    class Full:
        def add(self, event: Event[Any], reason: str, at: float) -> None:
            raise OSError("disk full")

    handled = Handled(dead_letters=Full(), give_up_after=1)
    for fault in (Reject("never"), ValueError()):
        handled.fault = fault
        assert handled.router.receive(*request()).status == 500
    handled.fault = None
    assert handled.router.receive(*request()).status == 204


def test_a_replay_is_handled_although_the_event_was() -> None:
    handled = Handled()
    again = request(replay="rpl_1")
    assert handled.router.receive(*request()).status == 204
    body = again.body
    assert handled.router.receive(*signed(body, id="evt_1~rpl_1", replay="rpl_1")).status == 204
    assert handled.ids == ["evt_1", "evt_1~rpl_1"] and handled.events[1].replay == "rpl_1"


def test_types_are_named_or_given_as_classes_and_others_are_taken_and_dropped() -> None:
    router, seen = Router(SECRET), list[str]()

    @router.on(PointsIssued)
    def points(event: Event[PointsIssued]) -> None:
        seen.append(f"points {event.payload['orgId']}")

    @router.on("tierUpgraded", "tierDowngraded")
    def tier(event: Event[Any]) -> None:
        seen.append(event.name)

    names = ("pointsIssued", "tierUpgraded", "tierDowngraded", "customerAdded")
    for number, name in enumerate(names):
        assert router.receive(*request(number, name=name)).status == 204
    assert seen[0].startswith("points ") and seen[1:] == ["tierUpgraded", "tierDowngraded"]


def test_a_second_handler_of_a_type_is_a_mistake() -> None:
    router = Handled().router
    with pytest.raises(ValueError, match="has a handler already"):
        router.on("tierUpgraded", NAME)(print)
    router.on("tierUpgraded")(print)  # nothing half done
    with pytest.raises(ValueError, match="name one event type"):
        router.on()
    with pytest.raises(ValueError, match="no event type"):
        router.on(int)
    router.on_other(print)
    with pytest.raises(ValueError, match="already"):
        router.on_other(print)
    with pytest.raises(ValueError, match="dead_letters"):
        Router(SECRET, give_up_after=3)


def test_the_other_handler_gets_what_has_none() -> None:
    handled = Handled()
    handled.router.on_other(handled.handle)
    assert handled.router.receive(*signed({"eventName": "somethingNew"})).status == 204
    assert [event.name for event in handled.events] == ["somethingNew"]


def test_a_body_beyond_the_bound_is_refused_before_it_is_read() -> None:
    handled = Handled(body_max=100)
    assert handled.router.receive({}, b"x" * 101).status == 413


class Broken(MemoryIds):
    """A store that fails where it is told to."""

    fails = ""

    def claim(self, id: str, holder: str, now_s: float) -> Claim:
        if self.fails == "claim":
            raise OSError("no database")
        return super().claim(id, holder, now_s)

    def done(self, id: str, now_s: float) -> None:
        if self.fails == "done":
            raise OSError("no database")
        super().done(id, now_s)

    def release(self, id: str, holder: str) -> None:
        if self.fails == "release":
            raise OSError("no database")
        super().release(id, holder)


@RECEIVED
def test_a_store_that_is_down_loses_nothing(receive: Receive, caplog: Any) -> None:
    ids = Broken()
    handled = Handled(ids=ids)
    with caplog.at_level(logging.CRITICAL, logger="tidings_consumer"):
        ids.fails = "claim"
        answer = receive(handled.router, request())
        assert answer.status == 503 and handled.events == []
        ids.fails = "done"  # it was handled, so it is not asked for again
        assert receive(handled.router, request()).status == 204
        ids.fails, handled.fault = "release", OSError()
        assert receive(handled.router, request(2)).status == 500


def test_an_event_under_way_elsewhere_is_asked_for_later_and_its_claim_ends() -> None:
    now = [time.time()]
    ids = MemoryIds(lease_s=60)
    handled = Handled(ids=ids, clock=lambda: now[0])
    assert ids.claim("evt_1", "killed", now[0]) is Claim.FRESH  # a process that was killed since
    answer = handled.router.receive(*request())
    assert answer.status == 409 and "retry-after" not in answer.headers
    now[0] += 61
    assert handled.router.receive(*repeated(request(), after_s=61)).status == 204
    assert handled.ids == ["evt_1"]


def waits_in(router: Router) -> int:
    """How many stand in the longest queue for a key, with the first, whose turn it is."""
    return max(map(len, router._turns._queues.values()), default=0)


def test_events_of_one_key_are_handled_one_after_the_other_in_threads() -> None:
    router, begun, go = Router(SECRET), threading.Semaphore(0), threading.Event()
    log: list[tuple[str, int]] = []

    @router.on(NAME)
    def handle(event: Event[Any]) -> None:
        number = int(event.id[4:])
        log.append(("begin", number))
        begun.release()
        if number == 1:
            go.wait(60)
        log.append(("end", number))

    threads = []
    for number, customer in ((1, 7), (2, 7), (3, 7), (4, 8)):
        arguments = request(number, customer)
        threads.append(threading.Thread(target=router.receive, args=arguments))
        threads[-1].start()
        if number in (1, 4):
            assert begun.acquire(timeout=60)
        else:  # so that they stand in the queue in this order
            until(lambda n=number: waits_in(router) == n, "its place in the queue")  # type: ignore[misc]
    assert log[:2] == [("begin", 1), ("begin", 4)]
    go.set()
    for thread in threads:
        thread.join(60)
    of_key = [pair for pair in log if pair[1] != 4]
    assert of_key == [(what, number) for number in (1, 2, 3) for what in ("begin", "end")]


async def test_events_of_one_key_are_handled_one_after_the_other_in_a_loop() -> None:
    router, log = Router(SECRET), list[tuple[str, int]]()

    @router.on(NAME)
    async def handle(event: Event[Any]) -> None:
        number = int(event.id[4:])
        log.append(("begin", number))
        await asyncio.sleep(0.01)
        log.append(("end", number))

    customers = {1: 7, 2: 8, 3: 7, 4: 8, 5: 7}
    answers = await asyncio.gather(
        *(router.receive_async(*request(number, key)) for number, key in customers.items())
    )
    assert {answer.status for answer in answers} == {204}
    for key in (7, 8):
        numbers = [number for number in customers if customers[number] == key]
        of_key = [pair for pair in log if customers[pair[1]] == key]
        assert of_key == [(what, number) for number in numbers for what in ("begin", "end")]
    assert log[1][0] == "begin"  # two keys at once
    assert router._turns._queues == {}


async def test_a_request_that_is_given_up_leaves_its_turn_and_its_claim() -> None:
    handled = Handled()
    router, begun = Router(SECRET), asyncio.Event()

    @router.on(NAME)
    async def handle(event: Event[Any]) -> None:
        if not begun.is_set():
            begun.set()
            await asyncio.Event().wait()
        handled.handle(event)

    first = asyncio.create_task(router.receive_async(*request()))
    await begun.wait()
    second = asyncio.create_task(router.receive_async(*request(2)))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert (await second).status == 204
    assert (await router.receive_async(*repeated(request()))).status == 204
    assert handled.ids == ["evt_2", "evt_1"]


async def test_a_request_that_is_given_up_while_a_thread_handles_it_waits_for_the_thread() -> None:
    """A thread cannot be ended: its claim, its turn and its note are kept up until it is done."""
    router, begun, go = Router(SECRET), threading.Event(), threading.Event()
    log: list[str] = []

    @router.on(NAME)
    def handle(event: Event[Any]) -> None:
        begun.set()
        go.wait(60)
        log.append(event.id)

    first = asyncio.create_task(router.receive_async(*request()))
    assert await asyncio.to_thread(begun.wait, 10)
    second = asyncio.create_task(router.receive_async(*request(2)))
    for _ in range(2):  # whoever insists
        first.cancel()
        await asyncio.sleep(0.05)
    assert not first.done() and not second.done()
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert (await second).status == 204
    assert (await router.receive_async(*repeated(request()))).status == 204
    assert log == ["evt_1", "evt_2"]


async def test_a_request_that_is_given_up_while_its_id_is_claimed_leaves_no_claim() -> None:
    begun, go = threading.Event(), threading.Event()

    class Slow(MemoryIds):
        blocks = True

        def claim(self, id: str, holder: str, now_s: float) -> Claim:
            begun.set()
            go.wait(60)
            return super().claim(id, holder, now_s)

    handled = Handled(ids=Slow())
    first = asyncio.create_task(handled.router.receive_async(*request()))
    assert await asyncio.to_thread(begun.wait, 10)
    first.cancel()
    await asyncio.sleep(0.05)
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert handled.events == []
    assert (await handled.router.receive_async(*repeated(request()))).status == 204


def test_an_order_that_fails_is_no_order() -> None:
    def order(event: Event[Any]) -> str:
        raise KeyError("no such field")

    handled = Handled(order_by=order)
    assert handled.router.receive(*request()).status == 204
    assert handled.ids == ["evt_1"]
