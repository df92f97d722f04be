"""No message holds the event loop on its whole way: by a broker, out of a database, tried again
after it was set aside, or typed into the console's form.

As `test_loop_share.py`, with the drivers of the service instead of a list of messages.
"""

import asyncio
import json
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from unittest.mock import patch
from urllib.parse import urlencode

import msgspec
import pytest

from tests import forked
from tests.api.control_client import Service, call
from tests.console.sources.source_forms import AT, ORG
from tests.console.webhook_client import pages
from tests.core.sources.bombs import BOMBS
from tests.engine.sources.event_fields import fields_of, held_s, longest, real
from tests.engine.sources.topic import sources_of, until
from tests.postgres_server import shared_server
from tests.sources.kafka.scripted_subject import TOPIC, ScriptedSubject, scripted_subject
from tests.sources.kafka.subject import INSTALLATION, MemoryPlaces
from tests.sources.outbox.subject import INSERT, MemoryOwners, Outbox
from tidings.console.place import form_token
from tidings.core.budget import MAPPING_LOOP_S
from tidings.core.connections.connection import Connection
from tidings.core.sources.message import ForeignMessage
from tidings.core.sources.message_plan import MessagePlan
from tidings.core.sources.source import Source
from tidings.core.sources.source_types import KAFKA, OUTBOX
from tidings.sources.kafka.driver import KafkaDriver
from tidings.sources.outbox.driver import OutboxDriver
from tidings.sources.port import OpenSource, SourceDriver
from tidings.transform.renderer import ProcessRenderer

COPIES = 3
Measured = Callable[[], AbstractContextManager[None]]
SMALL = {"mapping": '{"eventName": {"constant": "a.b"}}', "sampleBody": "{}"}
UNFIT = {"mapping": {"eventName": {"path": "nowhere.at.all"}}}


class CountedDriver:
    """A driver of the service, and how many messages of it were read and acknowledged."""

    def __init__(self, driver: SourceDriver) -> None:
        self._driver = driver
        self.read = 0
        self.acknowledged = 0

    async def open(self, source: Source, connection: Connection, number: int) -> OpenSource:
        return CountedReading(self, await self._driver.open(source, connection, number))


class CountedReading:
    """See `OpenSource`."""

    def __init__(self, counts: CountedDriver, reading: OpenSource) -> None:
        self._counts = counts
        self._reading = reading
        self.lag, self.others = reading.lag, reading.others
        self.let_go, self.close = reading.let_go, reading.close

    async def read(self) -> Sequence[ForeignMessage]:
        messages = await self._reading.read()
        self._counts.read += len(messages)
        return messages

    async def acknowledge(self) -> None:
        await self._reading.acknowledge()
        self._counts.acknowledged = self._counts.read


async def make_source(
    s: Service, kind: str, driver: SourceDriver, fields: dict[str, Any], of_kind: dict[str, Any]
) -> CountedDriver:
    """Have the service fetch from a source of the type by a driver of its own."""
    counted = CountedDriver(driver)
    sources, pumps = sources_of(s)
    sources.connections = pumps._connections = {"main": Connection("main", kind, of_kind)}
    pumps._drivers = {kind: counted}
    body = {"name": "t", "type": kind, "connection": "main"} | fields
    reply = await s.call("POST", "/v1/sources", body)
    assert reply.status == 201, reply.body
    return counted


async def fetch_records(
    s: Service, broker: ScriptedSubject, message: ForeignMessage, fields: dict[str, Any]
) -> None:
    """Read copies of a message from a topic, until all of them are kept or set aside."""
    headers = [(name, value.encode()) for name, value in message.headers]
    for _ in range(COPIES):
        broker.run(broker.broker.produce(TOPIC, [("k", headers, message.body)], 0, 1))
    driver = KafkaDriver(MemoryPlaces(), INSTALLATION)
    fields = {"kafka": {"topics": [TOPIC]}} | fields
    counted = await make_source(s, KAFKA, driver, fields, {"servers": broker.broker.servers})
    await until(lambda: counted.acknowledged == COPIES, 60)
    await s.parts.sources.pumps.stop()


async def fetch_rows(
    s: Service, outbox: Outbox, message: ForeignMessage, fields: dict[str, Any]
) -> None:
    """Read copies of a message from an outbox, until all of them are kept or set aside."""
    headers = msgspec.json.encode(dict(message.headers)).decode()
    for _ in range(COPIES):
        outbox.sql(INSERT, headers, message.body.decode())
    driver = OutboxDriver(MemoryOwners(), INSTALLATION)
    counted = await make_source(s, OUTBOX, driver, fields, {"dsn": outbox.uri})
    await until(lambda: counted.acknowledged == COPIES, 60)
    await s.parts.sources.pumps.stop()


async def by_kafka(
    scripted: ScriptedSubject, plan: MessagePlan, message: ForeignMessage, measured: Measured
) -> None:
    async with real() as s:
        with measured():
            await fetch_records(s, scripted, message, fields_of(plan))


async def by_outbox(
    _: ScriptedSubject, plan: MessagePlan, message: ForeignMessage, measured: Measured
) -> None:
    async with real() as s:
        outbox = Outbox(shared_server())
        with measured():
            await fetch_rows(s, outbox, message, fields_of(plan))


async def redrive(s: Service, plan: MessagePlan) -> None:
    """Try again all that a source has set aside, by another mapping."""
    change = {"mapping": None, "messageId": None} | fields_of(plan)
    assert (await s.call("PATCH", "/v1/sources/t", change)).status == 200
    assert (await s.call("POST", "/v1/sources/t/redrive")).status == 200


async def by_redriven_records(
    scripted: ScriptedSubject, plan: MessagePlan, message: ForeignMessage, measured: Measured
) -> None:
    async with real() as s:
        with measured():
            await fetch_records(s, scripted, message, UNFIT)
            await redrive(s, plan)


async def by_redriven_rows(
    _: ScriptedSubject, plan: MessagePlan, message: ForeignMessage, measured: Measured
) -> None:
    async with real() as s:
        outbox = Outbox(shared_server())
        with measured():
            await fetch_rows(s, outbox, message, UNFIT)
            await redrive(s, plan)


@patch.object(subprocess, "Popen", forked.Popen)
async def by_form(
    _: ScriptedSubject, plan: MessagePlan, message: ForeignMessage, measured: Measured
) -> None:
    """Try the message in the form of a new source, as large as a form may be."""
    renderer = ProcessRenderer()
    async with pages() as p:
        p.s.parts.sources.sources.intake._messages._mapper = renderer
        browser = await p.browser()
        await p.s.orgs.change(ORG, {"settings": {"unknownTypes": "admitted"}}, platform=True)
        form = {
            "name": "shop",
            "type": "webhook",
            "verification": "header",
            "verification.header.header": "X-Key",
            "verification.header.value": "a value that is long",
        }
        first = await browser.post(f"{AT}/try", form | SMALL, hx_request="true")  # makes the app
        assert first.status == 200
        said = {name: json.dumps(value) for name, value in fields_of(plan).items()}
        headers = "\r\n".join(f"{name}: {value}" for name, value in message.headers)
        sample = {"sampleHeaders": headers, "sampleBody": message.body[:200_000].decode()}
        fields = {"csrf": form_token(browser.token, f"{AT}/try")} | form | said | sample
        body = urlencode(fields).encode()
        head = {
            "cookie": browser.cookie,
            "hx-request": "true",
            "content-type": "application/x-www-form-urlencoded",
            "content-length": str(len(body)),
        }
        with measured():
            for _copy in range(COPIES):
                await asyncio.sleep(0)
                tried = await call(p.app, "POST", f"{AT}/try", body, head)
                assert tried.status in (200, 413), tried.body
    await renderer.close()


WAYS = {
    "kafka": by_kafka,
    "outbox": by_outbox,
    "redriven records": by_redriven_records,
    "redriven rows": by_redriven_rows,
    "form": by_form,
}


@pytest.mark.parametrize("bomb", BOMBS)
@pytest.mark.parametrize("way", WAYS)
async def test_no_bomb_holds_the_loop_on_its_whole_way(
    way: str, bomb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, message = BOMBS[bomb]

    async def send() -> list[float]:
        worst: list[list[float]] = []

        @contextmanager
        def measured() -> Iterator[None]:
            with longest(monkeypatch) as found:
                worst.append(found)
                yield

        with scripted_subject() as scripted:
            await WAYS[way](scripted, plan, message, measured)
        [found] = worst
        return found

    worst_s = await held_s(send)
    assert worst_s <= MAPPING_LOOP_S, f"{worst_s * 1e3:.1f} ms"
