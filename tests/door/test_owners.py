"""Owners that end, are late, do not own, or are slow: what callers are told, and how often it is
tried."""

import asyncio
from collections import Counter
from contextlib import AsyncExitStack

import pytest

from tests.server.support import GET, Client, Echo, until
from tidings.core.cells.cell_map import CellOwner
from tidings.core.cells.door import PassOn, RefuseNow
from tidings.core.cells.families import CellId
from tidings.door.head import DoorHead, NotMine, write_head
from tidings.door.hop import DoorRouter
from tidings.door.listening import trust_on_loopback
from tidings.server import Bounds

from .support import (
    CELL,
    HERE,
    KEY,
    FixedRouter,
    Listens,
    get,
    not_mine_of,
    owner_at,
    owner_door,
    pair,
    post,
    public_port,
    refused,
)

TRUST = trust_on_loopback(KEY)
NOWHERE = PassOn(CELL, CellOwner(3, f"{HERE}:1"))  # nothing listens on that port


def waiting(body: bytes, *, streamed: bool) -> list[bytes]:
    """A call to a path that waits, in one piece or in two."""
    whole = post(body, path=b"/wait")
    return [whole[:-2], whole[-2:]] if streamed else [whole]


@pytest.mark.parametrize("streamed", [False, True])
async def test_an_owner_that_ends_before_the_answer_is_503_and_is_not_asked_again(
    streamed: bool,
) -> None:
    async with pair() as found:
        for _ in range(2):  # on a new line and on one that was kept
            client = await Client.to(found.public)
            found.app.calls.clear()
            for piece in waiting(b"abcd", streamed=streamed):
                client.write(piece)
                await asyncio.sleep(0.02)
            await until(lambda: found.app.calls == ["POST /wait"], "the call")
            for place in found.owner.places:
                place.abort()
            refused(await client.answer(), "owner_gone")
            found.app.go_on.set()
            assert (await client.ask())[0] == 200  # the next call, on the same connection
            found.app.go_on.clear()
            await until(lambda: found.lines.held == 0, "the place back")
        assert found.router.asked_again == []
        found.app.go_on.set()


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(
    ("request_bytes", "again"),
    [(get("/wait"), True), (post(b"abcd", path=b"/wait"), False)]
    + [(post(b"abcd", b"Idempotency-Key: k\r\n", b"/wait"), True)],
    ids=["GET", "POST", "POST with a key"],
)
async def test_a_repeat_that_does_nothing_twice_is_made_at_the_new_owner(
    request_bytes: bytes, again: bool, streamed: bool
) -> None:
    async with pair() as found:
        other = Echo()
        other.go_on.set()
        async with owner_door(other, TRUST) as successor:
            found.router.again = owner_at(successor)
            client = await Client.to(found.public)
            if streamed and b"abcd" in request_bytes:
                client.write(request_bytes[:-1])
                await asyncio.sleep(0.02)
                client.write(request_bytes[-1:])
            else:
                client.write(request_bytes)
            await until(lambda: len(found.app.calls) == 1, "the call")
            for place in found.owner.places:
                place.abort()
            answer = await client.answer()
            if again:
                assert answer[2] == b"waited"
                assert found.router.asked_again == [(1, None)]
            else:
                refused(answer, "owner_gone")
                assert not other.calls and found.router.asked_again == []
            if other.bodies and b"abcd" in request_bytes:
                assert other.bodies == [b"abcd"]
        found.app.go_on.set()


@pytest.mark.parametrize("path", ["/breaks", "/stream"])
async def test_an_owner_that_ends_amid_the_answer_cuts_the_connection(path: str) -> None:
    async with pair() as found:
        client = await Client.to(found.public)
        client.write(get(path))
        assert (await client.answer(head_only=True))[0] == 200
        if path == "/stream":
            for place in found.owner.places:
                place.abort()
        rest = await client.ended()
        assert not rest.endswith(b"0\r\n\r\n")
        await until(lambda: found.lines.held == 0, "the place back")
        assert found.router.asked_again == []


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_call_whose_time_is_over_is_503_and_cut(streamed: bool) -> None:
    async with pair(Listens(), answer_s=0.3) as found:
        client = await Client.to(found.public)
        for piece in waiting(b"abcd", streamed=streamed):
            client.write(piece)
            await asyncio.sleep(0.02)
        refused(await client.answer(), "owner_late")
        # None, where the machine was so slow that it did not begin it any more.
        await until(lambda: found.app.gone == found.app.calls, "the end of the call at the owner")
        await until(lambda: found.lines.held == 0, "the place back")
        assert found.router.asked_again == []


async def test_an_answer_that_has_begun_in_time_takes_as_long_as_it_takes() -> None:
    async with pair(answer_s=2.0) as found:
        client = await Client.to(found.public)
        client.write(get("/stream"))
        assert (await client.answer(head_only=True))[0] == 200
        await asyncio.sleep(2.5)
        for _ in range(30):
            assert await client.reader.readline() == b"5\r\n"
            await client.reader.readline()
            await client.reader.readline()


async def test_a_call_that_comes_too_late_is_not_begun() -> None:
    echo = Echo()
    async with owner_door(echo, TRUST) as owner:
        client = await Client.to(owner)
        head = write_head(DoorHead(CELL, 3, HERE, "id", 0), TRUST.seal)
        refused(await client.ask(post(b"ab", b"Tidings-Door: %b\r\n" % head)), "owner_late")
    assert echo.calls == []


# -- not mine, and once more ----------------------------------------------------------------------


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_call_that_is_not_the_owners_is_made_at_another_one_once(
    method: str, streamed: bool
) -> None:
    async with pair() as found:
        found.owner_router.passed_on = not_mine_of(9)
        async with owner_door(Echo(), TRUST) as successor:
            found.router.again = owner_at(successor)
            client = await Client.to(found.public)
            if method == "POST":
                body = b"a" * 50_000 if streamed else b"abcd"
                client.write(post(body))
            else:
                client.write(GET)
            status, headers, _ = await client.answer()
            assert status == 200 and "tidings-door" not in headers
            assert not found.app.calls
            assert found.router.asked_again == [(1, NotMine(0, CellId(9), 0))]  # type: ignore[arg-type]
            await until(lambda: found.lines.held == 0, "the place back")


async def test_two_owners_that_send_a_call_on_to_each_other_end_it() -> None:
    async with pair() as found:
        found.owner_router.passed_on = not_mine_of()
        router = FixedRouter(None, passed_on=not_mine_of())
        async with owner_door(Echo(), TRUST, router=router) as other:
            found.router.again = owner_at(other)
            client = await Client.to(found.public)
            refused(await client.ask(post(b"abcd")), "no_owner")
            assert len(router.calls) == 1 and len(found.router.asked_again) == 1


async def test_a_call_that_has_made_a_hop_is_never_passed_on() -> None:
    """Whatever the router of the process says to which it was passed on."""
    async with pair() as found, owner_door(Echo(), TRUST) as third:
        found.owner_router.passed_on = owner_at(third)
        client = await Client.to(found.public)
        refused(await client.ask(post(b"abcd")), "no_owner")
        client.write(post(b"a" * 100_000))
        refused(await client.answer(), "no_owner")
        assert not len(third.places) and not found.app.calls


async def test_a_large_body_that_has_left_is_not_sent_again() -> None:
    async with pair() as found:
        found.owner_router.passed_on = not_mine_of(9)
        client = await Client.to(found.public)
        client.write(post(b"a" * 1_000_000))
        refused(await client.answer(), "no_owner")
        await until(lambda: found.lines.held == 0, "the place back")


async def test_an_owner_that_is_not_there_is_asked_for_again_and_then_503() -> None:
    router = FixedRouter(NOWHERE, again=NOWHERE._replace(owner=CellOwner(4, f"{HERE}:2")))
    async with public_port(router, TRUST) as (public, lines):
        client = await Client.to(public)
        refused(await client.ask(post(b"abcd")), "no_owner")
        assert [tries for tries, _ in router.asked_again] == [1]
        client.write(post(b"a" * 100_000))
        refused(await client.answer(), "no_owner")
        assert [tries for tries, _ in router.asked_again] == [1, 1]
        await until(lambda: lines.held == 0, "the place back")


async def test_a_call_that_nobody_owns_is_503_with_its_own_time() -> None:
    router = FixedRouter(RefuseNow("the family moves", 5))
    async with public_port(router, TRUST) as (public, _):
        client = await Client.to(public)
        answer = await client.ask(post(b"abcd"))
        refused(answer, "no_owner")
        assert answer[1]["retry-after"] == "5"
        assert "the family moves" in answer[2].decode()
        refused(await client.ask(post(b"abcd")), "no_owner")  # the connection is kept


# -- shares ---------------------------------------------------------------------------------------


async def test_a_slow_owner_holds_its_own_share_alone() -> None:
    """200 calls wait at one owner, and beside them all calls to another are answered."""
    places = 60
    async with AsyncExitStack() as stack:
        slow, fast = Echo(), Echo()
        slow_owner = await stack.enter_async_context(owner_door(slow, TRUST))
        fast_owner = await stack.enter_async_context(owner_door(fast, TRUST))
        router = FixedRouter(owner_at(fast_owner))
        router.by_path["/wait"] = owner_at(slow_owner)
        public, lines = await stack.enter_async_context(public_port(router, TRUST, places=places))
        clients = [await Client.to(public) for _ in range(200)]
        statuses: Counter[int] = Counter()

        async def ask(client: Client) -> None:
            answer = await client.ask(get("/wait"))
            statuses[answer[0]] += 1
            if answer[0] == 503:
                refused(answer, "owner_busy")

        quick = await Client.to(public)
        assert (await quick.ask())[0] == 200
        asking = [asyncio.create_task(ask(client)) for client in clients]
        await until(lambda: statuses[503] + len(slow.calls) == 200, "each call to be judged")
        assert lines.held <= places // 2 and len(slow.calls) == lines.held
        assert statuses == {503: 200 - lines.held}
        for _ in range(50):
            assert (await quick.ask())[0] == 200
        slow.go_on.set()
        await asyncio.gather(*asking)
        assert lines.held == 0 and sum(statuses.values()) == 200
        assert len(fast.calls) == 51
        for client in clients:
            client.close()


async def test_an_owner_that_was_alone_leaves_places_too() -> None:
    """Also where no other one was called for long: nobody could wait for what a slow one holds."""
    slow = Echo()
    async with owner_door(slow, TRUST) as slow_owner, owner_door(Echo(), TRUST) as fast_owner:
        router = FixedRouter(owner_at(slow_owner))
        router.by_path["/x"] = owner_at(fast_owner)
        async with public_port(router, TRUST, places=8) as (public, lines):
            clients = [await Client.to(public) for _ in range(12)]
            for client in clients:
                client.write(get("/wait"))
            await until(lambda: len(slow.calls) == 4, "the share of the slow one")
            quick = await Client.to(public)
            assert (await quick.ask(get("/x")))[0] == 200
            assert lines.held == 4
            slow.go_on.set()
            statuses = Counter([(await client.answer())[0] for client in clients])
            assert statuses == {200: 4, 503: 8}


async def test_a_door_that_closes_ends_what_is_under_way() -> None:
    async with pair() as found:
        client = await Client.to(found.public)
        client.write(get("/wait"))
        await until(lambda: found.app.calls == ["GET /wait"], "the call")
        found.lines.close()
        refused(await client.answer(), "owner_gone")
        refused(await client.ask(), "no_owner")
        found.app.go_on.set()


async def test_an_owner_that_stops_is_not_sent_to_on_a_line_that_it_has_closed() -> None:
    async with pair(owner_bounds=Bounds(mute_s=0)) as found:
        client = await Client.to(found.public)
        assert (await client.ask())[0] == 200
        await found.owner.stop(0.2)
        refused(await client.ask(post(b"abcd")), "no_owner")


def test_the_router_of_the_tests_is_one() -> None:
    router: DoorRouter = FixedRouter(None)
    assert router
