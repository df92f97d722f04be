"""A topic in memory that a pump reads, and what it fetched and was told."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from tests.api.control_client import Service
from tidings.connections.port import ConnectionDown
from tidings.core.connections.connection import Connection
from tidings.core.sources.message import ForeignMessage
from tidings.core.sources.source import Source
from tidings.engine.sources import live_source
from tidings.engine.sources.pumps import Pumps
from tidings.engine.sources.sources import Sources

MAIN = Connection("main", "kafka", {})

BODY = b'{"eventName":"a.b","data":{"n":%d}}'


class Topic:
    """A driver over a list: what is not acknowledged is handed over again."""

    def __init__(self, count: int = 0, batch: int = 3) -> None:
        self.messages = [ForeignMessage(f"t/0/{n}", [], BODY % n) for n in range(count)]
        self.batch = batch
        self.taken = 0  # acknowledged
        self.opened = 0
        self.open_now = 0
        self.fault: ConnectionDown | None = None
        self.more = asyncio.Event()
        self.others: Sequence[str] = ()
        self.let_go: list[bool] = []  # whether all was acknowledged, of each time

    async def open(self, source: Source, connection: Connection, number: int) -> "Reader":
        if self.fault is not None:
            raise self.fault
        self.opened += 1
        self.open_now += 1
        return Reader(self)

    def append(self, body: bytes) -> None:
        self.messages.append(ForeignMessage(f"t/0/{len(self.messages)}", [], body))
        self.more.set()


class Reader:
    def __init__(self, topic: Topic) -> None:
        self._topic, self._at, self._closed = topic, topic.taken, False

    async def read(self) -> Sequence[ForeignMessage]:
        topic = self._topic
        while self._at >= len(topic.messages):
            topic.more.clear()
            await topic.more.wait()
        if topic.fault is not None:
            raise topic.fault
        found = topic.messages[self._at : self._at + topic.batch]
        self._at += len(found)
        return found

    async def acknowledge(self) -> None:
        if self._topic.fault is not None:
            raise self._topic.fault
        self._topic.taken = self._at

    async def lag(self) -> int | None:
        return len(self._topic.messages) - self._at

    async def others(self) -> Sequence[str]:
        return self._topic.others

    async def let_go(self, *, all_acknowledged: bool) -> None:
        self._topic.let_go.append(all_acknowledged)

    async def close(self) -> None:
        self._topic.open_now -= not self._closed
        self._closed = True


async def until(holds: Callable[[], Any], seconds: float = 60.0) -> None:
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.001)


def sources_of(s: Service) -> tuple[Sources, Pumps]:
    return s.parts.sources.sources, s.parts.sources.pumps


async def fetched(s: Service, topic: Topic, **fields: Any) -> live_source.LiveSource:
    """A source that is fetched from the topic."""
    reply = await s.call("PATCH", "/v1/orgs/1", {"settings": {"unknownTypes": "admitted"}})
    assert reply.status == 200
    sources, pumps = sources_of(s)
    sources.connections = {"main": MAIN}
    pumps._connections, pumps._drivers = {"main": MAIN}, {"kafka": topic}
    body = {"name": "t", "type": "kafka", "connection": "main", "kafka": {"topics": ["t"]}}
    reply = await s.call("POST", "/v1/sources", body | fields)
    assert reply.status == 201, reply.body
    return sources.of(s.parts.orgs.all()[0].id)[0]


async def numbers(s: Service) -> list[int]:
    rows = (await s.call("GET", "/v1/events?limit=100")).json["events"]
    found = [(await s.call("GET", f"/v1/events/{row['eventId']}")).json for row in rows]
    return [event["body"]["data"]["n"] for event in found][::-1]


async def told(s: Service, kind: str) -> list[Any]:
    """The operational events of a kind, the oldest first."""
    rows = (await s.call("GET", f"/v1/events?eventName={kind}")).json["events"]
    return [(await s.call("GET", f"/v1/events/{row['eventId']}")).json["body"] for row in rows][
        ::-1
    ]
