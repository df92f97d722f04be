"""A method of the store is written in the port and in one part: the calls are made from these."""

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Protocol, cast

import msgspec
import pytest

from tests.store.rows import event, new
from tidings.store import port
from tidings.store.hosting.calls import answerers, answering, methods, types_of
from tidings.store.hosting.child import Child
from tidings.store.hosting.client import forwarding
from tidings.store.hosting.host import HostedHalf, StoreHost, writing_operations
from tidings.store.sql.answers import answers
from tidings.store.sql.emails import EmailRows
from tidings.store.sqlite.database import FILE
from tidings.store.sqlite.halves import ReadingHalf, WritingHalf
from tidings.store.sqlite.store import SqliteStore


class Bell(Protocol):
    """What a tiny port asks."""

    def ring(self, times: int, bells: "Sequence[Bell] | None" = None) -> Awaitable[list[str]]:
        """Ring."""
        ...

    def strike(self, hour: int) -> Awaitable[None]:
        """Strike."""
        ...


class Tower:
    """A part that answers half of it, under names of its own."""

    @answers(Bell.ring)
    def all(self, times: int, bells: Sequence[Bell] | None = None) -> list[str]:
        """See `Bell.ring`."""
        return ["ding"] * times


class Upper:
    tower: Tower


class Lower:
    @answers(Bell.strike)
    def strike(self, hour: int) -> None:
        """See `Bell.strike`."""


class Line:
    """A child that notes what it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, tuple[Any, ...]]] = []

    def call(self, _decoder: object, operation: str, arguments: tuple[Any, ...]) -> None:
        """See `Child.call`."""
        self.asked.append((operation, arguments))


def test_each_method_of_the_store_is_answered_by_exactly_one_half() -> None:
    halves = {"writing": WritingHalf, "reading": ReadingHalf}
    assert answerers(port.Store, halves).keys() == methods(port.Store).keys()
    assert not answering(WritingHalf).keys() & answering(ReadingHalf).keys()
    assert "commit" in answering(WritingHalf) and "log_events" in answering(ReadingHalf)


def test_every_type_of_the_store_crosses_the_line() -> None:
    for method in methods(port.Store).values():
        types, answer = types_of(method)
        assert len(types) == method.__code__.co_argcount - 1, method
        for kind in (*types, answer):
            assert msgspec.json.schema(kind) is not None, method


def test_a_half_answers_by_the_parts_that_it_declares_and_by_itself() -> None:
    assert {asked: place.path for asked, place in answering(Upper).items()} == {"ring": "tower.all"}
    assert answerers(Bell, {"up": Upper, "low": Lower}) == {"ring": "up", "strike": "low"}


def test_a_method_that_nobody_answers_is_an_error_at_the_start() -> None:
    with pytest.raises(TypeError, match=r"`Bell.strike` is answered by no half: mark it with"):
        answerers(Bell, {"up": Upper})


def test_a_method_that_both_halves_answer_is_an_error_at_the_start() -> None:
    with pytest.raises(TypeError, match=r"`Bell.ring` is answered by up and low: mark it with"):
        answerers(Bell, {"up": Upper, "low": Upper})


def test_a_method_that_a_half_answers_twice_is_an_error_at_the_start() -> None:
    twice = type("Twice", (), {"__annotations__": {"one": Tower, "other": Tower}})
    with pytest.raises(TypeError, match=r"Twice answers `ring` twice, at `one.all` and at `other"):
        answering(twice)


def test_arguments_cross_by_position_however_they_are_given() -> None:
    writing, reading = Line(), Line()
    store = cast(Any, SqliteStore)(None, writing, reading)
    store.tally(1, 2, 3, 4)
    store.tally(1, 2, 3)
    store.tally(1, to_ms=3, from_ms=2)
    assert reading.asked == [("tally", (1, 2, 3, 4)), *[("tally", (1, 2, 3, None))] * 2]
    for wrong in ((1,), (1, 2, 3, 4, 5)):
        with pytest.raises(TypeError, match="argument"):
            store.tally(*wrong)
    assert (len(reading.asked), writing.asked) == (3, [])


def test_a_method_that_is_written_by_hand_stays() -> None:
    @forwarding(Bell, up=Upper, low=Lower)
    class Hand:
        def strike(self, hour: int) -> str:
            return f"{hour} by hand"

    assert Hand().strike(3) == "3 by hand"
    assert cast(Any, Hand).ring.__doc__ == "Ring."


async def asked_through_a_line(half: WritingHalf, ask: Callable[[Child], Awaitable[Any]]) -> Any:
    """Serve a half as its process does, on the other end of a socket, and ask it once."""
    ours, theirs = socket.socketpair()
    host = StoreHost(theirs, HostedHalf(writing_operations(half)))
    serving = threading.Thread(target=host.run)
    serving.start()
    try:
        child = Child(cast(Any, None), "write", lambda: None)
        child.ready.cancel()  # nobody waits for it
        transport, _ = await asyncio.get_running_loop().create_unix_connection(
            lambda: child, sock=ours
        )
        try:
            return await ask(child)
        finally:
            transport.close()
    finally:
        await asyncio.to_thread(serving.join)
        theirs.close()


async def test_a_new_method_is_written_in_port_and_part_and_nowhere_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Told(Protocol):
        def told(
            self, events: Sequence[port.NewEvent], times: int = 2
        ) -> Awaitable[Sequence[port.RetryClaim]]: ...

    def tell(
        self: object, events: Sequence[port.NewEvent], times: int = 2
    ) -> list[port.RetryClaim]:
        return [port.RetryClaim(event.deliveries[0].webhook, times) for event in events]

    answering.cache_clear()  # both classes get a method more for this test
    monkeypatch.setattr(port.Store, "told", Told.told, raising=False)
    monkeypatch.setattr(EmailRows, "tell", answers(Told.told)(tell), raising=False)

    @forwarding(port.Store, _writing=WritingHalf, _reading=ReadingHalf)
    class Store:
        def __init__(self, writing: Child) -> None:
            self._writing = writing

    half = WritingHalf(tmp_path / FILE)
    events = [event("a", new(7)), event("b", new(8))]
    answer = await asked_through_a_line(half, lambda child: cast(Any, Store(child)).told(events))
    half.close()
    answering.cache_clear()
    assert answer == [port.RetryClaim(7, 2), port.RetryClaim(8, 2)]
