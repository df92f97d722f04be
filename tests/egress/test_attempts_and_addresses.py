"""What one attempt may spend on each address and phase, and what it leaves behind."""

import asyncio
import contextlib
from collections.abc import Callable
from time import monotonic
from typing import Any

import pytest

from tidings.core.delivery.exchange import FaultKind, ReceiverAnswer, TransportFault
from tidings.egress import dial, faults, outlet, wire
from tidings.egress.dial import CONNECT_S, Dialler
from tidings.egress.port import ReceiverAddress
from tidings.egress.wire import Wire

from .receivers import EMPTY, Receiver, answering, read_request, reset, until_gone
from .support import BODY, Names, at, outlet_to, post

FOREVER = float("inf")


class Deaf(Dialler):
    """Takes all of the time that it is given for an address and gets no connection; time passes
    only by that."""

    def __init__(self) -> None:
        self.given: list[tuple[str, float]] = []
        self.spends = True
        self.now_s = 100.0

    async def dial(
        self, target: ReceiverAddress, address: str, seconds: float, started: float, *_: Any
    ) -> TransportFault:
        self.given.append((address, seconds))
        if self.spends:
            self.now_s += seconds
        return faults.connect_timeout(started, handshake=False)


async def test_an_address_that_is_silent_leaves_time_for_the_next_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names, deaf = Names(at("127.0.0.2", "127.0.0.3", "127.0.0.4", fresh_until=FOREVER)), Deaf()
    async with outlet_to("http://hook.test/", resolver=names) as out:
        out._dialler = deaf
        monkeypatch.setattr(outlet, "monotonic", lambda: deaf.now_s)
        ending = await post(out, 0.5)
        assert isinstance(ending, TransportFault) and ending.kind is FaultKind.CONNECT_TIMEOUT
        (first, first_s), (second, second_s) = deaf.given
        assert (first, second) == ("127.0.0.2", "127.0.0.3")
        assert [first_s, second_s] == [pytest.approx(0.4), pytest.approx(0.1)], "and no third"
        deaf.given.clear()
        deaf.spends = False
        await post(out, 60.0)
        assert [seconds for _, seconds in deaf.given] == [CONNECT_S] * 3


async def test_tls_has_what_the_connection_has_left(monkeypatch: pytest.MonkeyPatch) -> None:
    spent_s, left = 0.05, list[float]()

    async def slowly(*_: Any) -> None:
        await asyncio.sleep(spent_s + 0.002)  # a timer of the loop may be a millisecond early

    async def opened(
        self: Dialler, sock: Any, wire: Any, target: Any, seconds: float, _: Any
    ) -> Any:
        left.append(seconds)
        return faults.connect_timeout(0.0, handshake=True)

    monkeypatch.setattr(dial, "_connect", slowly)
    monkeypatch.setattr(Dialler, "_open", opened)
    target = ReceiverAddress("https", "hook.test", 443, "/")
    nothing: Callable[[Wire], None] = lambda _: None  # noqa: E731
    got = await Dialler().dial(target, "127.0.0.1", 0.5, monotonic(), nothing, nothing)
    assert isinstance(got, TransportFault)
    assert len(left) == 1 and left[0] <= 0.5 - spent_s


async def test_what_cannot_be_written_leaves_its_connection_to_the_next_attempt() -> None:
    with Receiver(answering(*[EMPTY] * 9)) as receiver:
        async with outlet_to(receiver.url(), connections_max=2) as out:
            for _ in range(4):
                bad = await out.send("POST", lambda: [("x", "a\r\nb")], BODY, 5.0)
                assert isinstance(bad, TransportFault) and not bad.sent
            assert isinstance(await post(out), ReceiverAnswer)
        assert receiver.connections == 1


class Counting(Names):
    """A resolver that takes a moment."""

    async def resolve(self, name: str, deadline_s: float) -> Any:
        found = await super().resolve(name, deadline_s)
        await asyncio.sleep(0.01)
        return found


async def test_attempts_that_begin_together_look_the_name_up_once() -> None:
    names = Counting(at("127.0.0.1", fresh_until=FOREVER))
    with Receiver(answering(*[EMPTY] * 9)) as receiver:
        async with outlet_to(receiver.url(host="hook.test"), resolver=names) as out:
            endings = await asyncio.gather(*(post(out) for _ in range(4)))
            assert (
                all(isinstance(ending, ReceiverAnswer) for ending in endings) and names.asked == 1
            )


async def test_a_connection_to_an_address_that_is_not_answered_any_more_is_closed() -> None:
    names = Names(at("127.0.0.1"), at("127.0.0.2"))
    with Receiver(answering(*[EMPTY] * 9)) as receiver:
        async with outlet_to(receiver.url(host="hook.test"), resolver=names) as out:
            assert isinstance(await post(out), ReceiverAnswer)
            ending = await post(out)  # nobody listens there
            assert isinstance(ending, TransportFault) and ending.kind is FaultKind.REFUSED
            assert not out._wires


@pytest.mark.parametrize("blocked", [("169.254.169.254",), ("127.0.0.1", "169.254.169.254")])
async def test_kept_connections_end_with_an_answer_that_is_blocked(
    blocked: tuple[str, ...],
) -> None:
    names = Names(at("127.0.0.1"), at(*blocked))
    with Receiver(answering(*[EMPTY] * 9)) as receiver:
        async with outlet_to(receiver.url(host="hook.test"), resolver=names) as out:
            assert isinstance(await post(out), ReceiverAnswer) and len(out._idle) == 1
            ending = await post(out)
            assert isinstance(ending, TransportFault) and ending.kind is FaultKind.POLICY
            assert not out._idle and not out._wires


async def test_only_what_has_been_idle_for_long_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    with Receiver(answering(*[EMPTY] * 9)) as receiver:
        async with outlet_to(receiver.url(), connections_max=2) as out:
            await asyncio.gather(post(out), post(out))
            old, fresh = out._idle
            old.idle_since_s -= outlet.IDLE_S
            out._sweep_idle()
            assert out._idle == [fresh] and old.closed and not fresh.closed
            assert out._sweep is not None, "the other one is looked at later"


async def test_who_gives_up_waiting_for_room_leaves_it_to_the_others() -> None:
    """Else a cancelled attempt would take the wake of the one behind it."""
    go_on = asyncio.Event()
    loop = asyncio.get_running_loop()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readuntil(b"\r\n\r\n"):
            await reader.readexactly(len(BODY))
            while not go_on.is_set():
                await asyncio.sleep(0.002)
            writer.write(EMPTY)

    with Receiver(handle) as receiver:
        async with outlet_to(receiver.url(), connections_max=1) as out:
            first = loop.create_task(post(out))
            while not out._wires:
                await asyncio.sleep(0.002)
            given_up, third = loop.create_task(post(out)), loop.create_task(post(out))
            while len(out._waiting) < 2:
                await asyncio.sleep(0.002)
            given_up.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await given_up
            assert len(out._waiting) == 1
            go_on.set()
            assert isinstance(await first, ReceiverAnswer) and isinstance(
                await third, ReceiverAnswer
            )


async def test_after_a_stale_connection_the_others_are_not_tried() -> None:
    """They are as old: else each of them would cost an attempt."""
    with Receiver(answering(*[EMPTY] * 9)) as receiver:
        async with outlet_to(receiver.url(), connections_max=3) as out:
            await asyncio.gather(*(post(out) for _ in range(3)))
            assert len(out._idle) == 3
            first = out._idle[-1]
            exchange = first.exchange

            def stale(*args: Any, **more: Any) -> Any:
                answered = exchange(*args, **more)
                first.close(faults.stale(0.1))
                return answered

            first.exchange = stale  # type: ignore[method-assign]
            ending = await post(out)
            assert isinstance(ending, TransportFault) and ending.kind is FaultKind.STALE
            assert not out._idle and not out._wires
            assert isinstance(await post(out), ReceiverAnswer)


async def test_a_body_that_is_long_ends_by_its_size_and_not_by_its_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(wire, "READ_S", 60.0)

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 500 x\r\ncontent-length: 999999999\r\n\r\n")
        writer.write(b"x" * (2 * wire.READ_BYTES))
        await until_gone(reader)

    with Receiver(handle) as receiver:
        async with outlet_to(receiver.url()) as out:
            ending = await post(out, 60.0)
            assert isinstance(ending, ReceiverAnswer) and ending.truncated
            assert not out._wires, "its connection ends with it"


@pytest.mark.parametrize("broken", [False, True])
async def test_a_body_whose_end_only_the_connection_tells_is_whole_where_that_ends_well(
    broken: bool,
) -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 500 x\r\n\r\nSorry")
        await writer.drain()
        while not seen:
            await asyncio.sleep(0.002)
        if broken:
            reset(writer)

    seen: list[bool] = []  # the receiver has a loop of its own
    with Receiver(handle) as receiver:
        async with outlet_to(receiver.url()) as out:
            sending = asyncio.create_task(post(out))
            while not (out._wires and next(iter(out._wires))._reader.seen):
                await asyncio.sleep(0.002)
            seen.append(True)
            ending = await sending
            assert isinstance(ending, ReceiverAnswer) and ending.body == b"Sorry"
            assert ending.truncated == broken
