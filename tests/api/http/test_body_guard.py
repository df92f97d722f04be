"""Every body is judged before it is read, and counted while it is held."""

import asyncio
from typing import Any

import pytest

from tests.api.control_client import service
from tests.api.http.unread_bodies import unread
from tests.core.access.callers import caller_of
from tidings.api.http import body_guard
from tidings.api.http.body_guard import CALLER, BodyGuard, GuardedBody, release_body, streamed
from tidings.core.access.body_budget import BodyBudget
from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.errors import Busy, Throttled, TooLarge

MB = 1 << 20


class Sender:
    """Sends the parts of a body when it is told to."""

    def __init__(
        self,
        guard: BodyGuard,
        *,
        address: str = "192.0.2.1",
        caller: AuthenticatedCaller | None = None,
        length: int | None = None,
    ) -> None:
        self.parts: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.asked = 0
        headers = [] if length is None else [(b"content-length", str(length).encode())]
        self.scope: dict[str, Any] = {"client": (address, 0), "headers": headers}
        if caller is not None:
            self.scope[CALLER] = caller
        self.body: GuardedBody = guard.around(self.scope, self.receive)

    async def receive(self) -> dict[str, Any]:
        self.asked += 1
        return await self.parts.get()

    def send(self, size: int, more: bool = True) -> None:
        self.parts.put_nowait({"type": "http.request", "body": b"x" * size, "more_body": more})

    async def read(self) -> int:
        size, more = 0, True
        while more:
            message = await self.body.receive()
            size += len(message["body"])
            more = message["more_body"]
        return size


def held(guard: BodyGuard) -> dict[str, int]:
    return guard.budget._held


async def test_a_known_callers_announced_body_is_reserved_before_it_is_asked_for() -> None:
    guard = BodyGuard()
    shop = caller_of(7, "shop")
    first = [Sender(guard, caller=shop, length=8 * MB) for _ in range(2)]
    for sender in first:
        sender.send(1)
        await sender.body.receive()
    assert held(guard)["credential shop"] == 16 * MB
    third = Sender(guard, caller=shop, length=8 * MB)
    reading = asyncio.ensure_future(third.read())
    await asyncio.sleep(0.01)
    assert third.asked == 0
    first[0].body.release()
    third.send(8 * MB, more=False)
    assert await reading == 8 * MB
    for sender in (*first, third):
        sender.body.release()
    assert held(guard) == {}


async def test_who_waits_too_long_is_told_when_to_come_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(body_guard, "WAIT_S", 0.02)
    guard = BodyGuard()
    shop = caller_of(7, "shop")
    first = Sender(guard, caller=shop, length=16 * MB)
    first.send(1)
    await first.body.receive()
    second = Sender(guard, caller=shop, length=MB)
    with pytest.raises(Throttled, match="a credential") as refused:
        await second.read()
    assert refused.value.wait_s == 1.0
    assert second.asked == 0
    other = Sender(guard, caller=caller_of(8, "till"), length=MB)
    other.send(MB, more=False)
    assert await other.read() == MB


async def test_the_slowest_stranger_gives_way_to_a_newcomer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(body_guard, "YOUNG_S", 600.0)
    guard = BodyGuard()
    slow = [Sender(guard, address=f"192.0.2.{number % 4}") for number in range(32)]
    reading = [asyncio.ensure_future(sender.read()) for sender in slow]
    for sender in slow:
        sender.send(MB)
    await asyncio.sleep(0.01)
    assert held(guard)["strangers"] == 32 * MB
    early = Sender(guard, address="192.0.2.9")
    early.send(MB)
    with pytest.raises(Busy):  # they have only just begun
        await early.read()
    monkeypatch.setattr(body_guard, "YOUNG_S", 0.0)
    late = Sender(guard, address="192.0.2.9")
    late.send(MB)
    late.send(MB, more=False)
    assert await late.read() == 2 * MB
    await asyncio.sleep(0.01)
    gone = [task for task in reading if task.done()]
    assert len(gone) == 2
    for task in gone:
        assert isinstance(task.exception(), Busy)
    for task in reading:
        task.cancel()
    await asyncio.gather(*reading, return_exceptions=True)
    for sender in (*slow, early, late):
        sender.body.release()
    assert held(guard) == {} and not guard._strangers


async def test_small_bodies_are_never_held_up_and_streams_count_one_part() -> None:
    guard = BodyGuard(BodyBudget())
    full = guard.budget.stranger("192.0.2.1")
    assert guard.budget.take(full, 16 * MB) is None
    small = Sender(guard)
    small.send(9_000, more=False)
    assert await small.read() == 9_000
    load = Sender(guard, caller=caller_of(7, "loader"), length=1 << 32)
    streamed(load.scope)
    for _ in range(100):
        load.send(MB)
    load.send(1, more=False)
    assert await load.read() == 100 * MB + 1
    assert held(guard)["credential loader"] <= MB
    release_body(load.scope)
    assert "credential loader" not in held(guard)


async def test_no_body_is_longer_than_any_route_takes() -> None:
    guard = BodyGuard()
    endless = Sender(guard, caller=caller_of(7, "shop"))
    for _ in range(20):
        endless.send(MB)
    with pytest.raises(TooLarge):
        await endless.read()
    endless.body.release()
    assert held(guard) == {}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/replays", 403),  # its scope is looked at first
        ("/v1/deliveries/cancel", 403),
        ("/v1/inboxes", 403),
        ("/v1/orgs/7/credentials", 403),
    ],
)
@pytest.mark.parametrize("key", [None, "k-1"])
async def test_who_may_not_is_refused_before_the_body(
    path: str, status: int, key: str | None
) -> None:
    async with service() as s:
        auth = await s.add_org(7, scopes="reference:read")
        assert await unread(s, path, auth, length=7 * MB, key=key) == (status, 0)


@pytest.mark.parametrize("key", [None, "k-1"])
async def test_the_bound_of_the_route_is_looked_at_before_the_body(key: str | None) -> None:
    async with service() as s:
        auth = await s.add_org(7)
        for path in ("/v1/inboxes", "/v1/orgs/7/credentials", "/v1/transformations"):
            assert await unread(s, path, auth, length=300_000, key=key) == (413, 0)
