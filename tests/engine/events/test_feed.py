"""The feed: cheap when nobody listens, never waiting, and honest about what it dropped."""

import asyncio
from typing import Any

from tidings.engine.events.feed import DROPPED, Feed, FeedItem


def test_nothing_is_encoded_while_nobody_listens() -> None:
    class Unreadable(dict[str, Any]):
        def items(self) -> Any:
            raise AssertionError("nobody asked")

    feed = Feed()
    assert not feed.listening
    feed.tell(1, "event", Unreadable(a=1))
    listener = feed.subscribe(2)
    assert feed.listening
    feed.tell(1, "event", Unreadable(a=object()))
    feed.unsubscribe(listener)
    feed.unsubscribe(listener)
    assert not feed.listening


async def test_each_listener_of_the_org_gets_each_fact_in_order() -> None:
    feed = Feed()
    first, second, other = feed.subscribe(1), feed.subscribe(1), feed.subscribe(2)
    for n in range(3):
        feed.tell(1, "event", {"n": n})
    expected = [FeedItem("event", b'{"n":%d}' % n) for n in range(3)]
    assert await first.read(1) == await second.read(1) == expected
    assert await other.read(0) == []


async def test_a_slow_listener_loses_facts_and_is_told_how_many() -> None:
    feed = Feed(queue_max=2)
    listener = feed.subscribe(1)
    for n in range(5):
        feed.tell(1, "delivery", {"n": n})
    kinds = [(told.kind, told.fact) for told in await listener.read(1)]
    assert kinds == [
        ("delivery", b'{"n":0}'),
        ("delivery", b'{"n":1}'),
        (DROPPED, b'{"facts":3}'),
    ]
    feed.tell(1, "delivery", {"n": 5})
    assert [told.fact for told in await listener.read(1)] == [b'{"n":5}']


async def test_a_reader_waits_for_the_next_fact() -> None:
    feed = Feed()
    listener = feed.subscribe(1)
    asyncio.get_running_loop().call_soon(feed.tell, 1, "event", {})
    assert await listener.read(5) == [FeedItem("event", b"{}")]


async def test_close_ends_readers_now_and_later() -> None:
    feed = Feed()
    listener = feed.subscribe(1)
    feed.tell(1, "event", {})
    feed.close()
    assert len(await listener.read(5)) == 1 and listener.closed
    assert await listener.read(5) == []
    assert feed.subscribe(1).closed


async def test_who_has_read_waits_for_what_comes_next() -> None:
    feed = Feed()
    listener = feed.subscribe(1)
    feed.tell(1, "event", {"n": 1})
    assert [told.fact for told in await listener.read(10)] == [b'{"n":1}']
    waiting = asyncio.create_task(listener.read(10))
    for _ in range(3):
        await asyncio.sleep(0)
    assert not waiting.done()
    feed.tell(1, "event", {"n": 2})
    assert [told.fact for told in await waiting] == [b'{"n":2}']
