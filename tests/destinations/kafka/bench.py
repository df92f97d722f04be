"""The driver with a topic of its own, and a broker behind a proxy, for the suite of all drivers."""

import asyncio
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from tests.destinations.conformance.subject import Bench, Got, Says
from tests.destinations.kafka.proxy import Proxy
from tests.destinations.messages import TestMessage, hook
from tests.destinations.trials.kafka import records_of
from tests.e2e.harness.service import free_port
from tests.sources.kafka.server import KafkaServer
from tests.sources.kafka.subject import KafkaSubject
from tidings.core.connections.connection import Connection, Connections
from tidings.core.delivery.exchange import AttemptResult
from tidings.core.delivery.waits import NotYet
from tidings.core.webhooks.targets.kafka_topic import KafkaTopic
from tidings.core.webhooks.webhook import Webhook
from tidings.core.webhooks.webhook_types import KAFKA
from tidings.destinations.dispatch import DriverDispatch
from tidings.destinations.kafka.driver import KafkaDestination
from tidings.destinations.port import Channel, Headers, Message, MessagePreview

MESSAGE_BYTES, TOO_FEW = "1048588", "20"
SETTLED_S = 0.2  # a broker tells of a change, and acts by it a moment later


async def bound(server: KafkaServer, topic: str, most: str) -> None:
    """Let the topic take records of at most so many bytes, and wait until it is so."""
    configs = {"max.message.bytes": most}
    admin = AIOKafkaAdminClient(bootstrap_servers=server.servers)
    await admin.start()
    try:
        resource = ConfigResource(ConfigResourceType.TOPIC, topic, configs)
        await admin.alter_configs([resource])
        ask = ConfigResource(ConfigResourceType.TOPIC, topic)
        async with asyncio.timeout(60):
            while True:
                [answer] = await admin.describe_configs([ask])
                found = {resource[0]: resource[1] for resource in answer.resources[0][4]}
                if configs.items() <= found.items():
                    break
                await asyncio.sleep(0.02)
        await asyncio.sleep(SETTLED_S)
    finally:
        await admin.close()


class KafkaBench:
    """See `Bench`; it is its own destination, which sees to what the broker says next."""

    def __init__(self, subject: KafkaSubject, proxy: Proxy) -> None:
        self._subject = subject
        self._server = server = subject.server
        self.topic = subject.topic
        self._proxy = proxy
        self._said = [Says.TAKES]
        self._set_to = Says.TAKES
        servers = f"127.0.0.1:{server.proxy_port}"
        nobody = f"127.0.0.1:{free_port()}"
        declared = [
            Connection("main", KAFKA.lower(), {"servers": servers}),
            Connection("nowhere", KAFKA.lower(), {"servers": nobody}),
        ]
        self.inner = DriverDispatch({KAFKA: KafkaDestination(time.time)}, Connections(declared))
        self._threads = ThreadPoolExecutor(1)

    @property
    def destination(self) -> "KafkaBench":
        return self

    @property
    def got(self) -> list[Got]:
        """Read by another loop, for whoever asks awaits nothing."""
        work = self._threads.submit(lambda: asyncio.run(records_of(self._server, self.topic)))
        return [
            Got({name.lower(): value.decode() for name, value in row.headers}, row.value)
            for row in work.result(30)
        ]

    def webhook(self, **fields: Any) -> Webhook:
        place = {"kind": KAFKA, "connection": "main", "kafka": KafkaTopic(self.topic)}
        return hook("", **place | fields)

    def nowhere(self) -> Webhook:
        return self.webhook(connection="nowhere")

    def says(self, *said: Says) -> None:
        """It is busy while it has no such topic."""
        self._said = list(said)

    async def next(self) -> None:
        """See to what is said to the next message."""
        said = self._said.pop(0) if len(self._said) > 1 else self._said[0]
        self._proxy.answers(said is not Says.NOTHING)
        if said in (Says.NOTHING, self._set_to):
            return
        if said is Says.BUSY:
            await self._subject.delete_topic()
        elif self._set_to is Says.BUSY:
            await self._subject.make_topic()
        if Says.REFUSES in (said, self._set_to):
            most = TOO_FEW if said is Says.REFUSES else MESSAGE_BYTES
            await bound(self._server, self.topic, most)
        self._set_to = said

    def open(self, webhook: Webhook) -> Channel:
        return _Channel(self.inner.open(webhook), self)

    def carried(self, webhook: Webhook) -> Headers:
        return self.inner.carried(webhook)

    def show(
        self, webhook: Webhook, headers: Headers, body: bytes, key: int | None
    ) -> MessagePreview:
        return self.inner.show(webhook, headers, body, key)


class _Channel:
    def __init__(self, inner: Channel, bench: KafkaBench) -> None:
        self._inner = inner
        self._bench = bench
        self.follow = inner.follow
        self.close = inner.close

    async def send(self, message: Message) -> AttemptResult | NotYet | None:
        await self._bench.next()
        return await self._inner.send(message)


class KafkaOnTrial:
    """See `Driver` of the suite."""

    says = (Says.TAKES, Says.BUSY, Says.REFUSES, Says.NOTHING)
    secrets = ()
    server: KafkaServer  # before it is run

    @asynccontextmanager
    async def run(self) -> AsyncIterator[Bench]:
        async with KafkaSubject(self.server) as subject, new_bench(subject) as bench:
            await asyncio.sleep(SETTLED_S)
            # Connected, so that silence comes after a message has left and not before.
            warm = bench.inner.open(bench.webhook())
            assert await warm.send(TestMessage(may=lambda: False)) is None
            yield bench
            await warm.close()


@asynccontextmanager
async def new_bench(subject: KafkaSubject) -> AsyncIterator[KafkaBench]:
    """With a topic of its own."""
    server = subject.server
    async with Proxy(server.proxy_port, server.proxied_port) as proxy:
        yield KafkaBench(subject, proxy)
