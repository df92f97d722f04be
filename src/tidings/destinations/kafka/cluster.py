"""A Kafka cluster, for whoever writes to it: its brokers, who leads which partition, and one
connection to each broker that is needed.

The client library has all of it, but hides why a broker is not reached, and lets one that is silent
hold up the way to all others.
"""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from time import monotonic
from typing import Any, NamedTuple

from aiokafka.conn import AIOKafkaConnection, collect_hosts, create_conn
from aiokafka.protocol.metadata import MetadataRequest

from tidings.connections.kafka_client import close_line
from tidings.core.delivery.exchange import TransportFault
from tidings.destinations.kafka.faults import FAILURES, LOGIN_REFUSED, unreached
from tidings.destinations.kafka.verdicts import BROKER_AWAY, NO_LEADER, NO_LOGIN, TAKEN

DIAL_S, ASK_S = 10.0, 5.0
FRESH_S = 120.0  # new partitions are written to so late
IDLE_MS = 300_000  # before brokers close what is idle, so that no record meets that
ANSWER_MS = 3_600_000  # of the library's own bound, which is never the one that counts
NOBODY = -1


class Leaders(NamedTuple):
    """The leader of each partition of a topic, NOBODY where there is none now."""

    nodes: Sequence[int]
    until_s: float


Refusal = TransportFault | int  # no answer, or the code of one


class ProducerCluster:
    """Of one connection."""

    def __init__(self, login: Mapping[str, Any], connection: str) -> None:
        self.connection = connection
        self._login = dict(login)
        self._servers = [
            (host, port) for host, port, _ in collect_hosts(self._login.pop("bootstrap_servers"))
        ]
        self._brokers: dict[int, tuple[str, int]] = {}
        self._lines: dict[int, AIOKafkaConnection] = {}
        self._dialling: dict[int, asyncio.Task[AIOKafkaConnection | Refusal]] = {}
        self._leaders: dict[str, Leaders] = {}
        self._finding: dict[str, asyncio.Task[Leaders | Refusal]] = {}

    def leaders(self, topic: str) -> Leaders | None:
        """Return what is known of the topic; what is old is asked for anew behind it."""
        known = self._leaders.get(topic)
        if known is not None and known.until_s < monotonic():
            self._find(topic)
        return known

    async def find(self, topic: str) -> Leaders | Refusal:
        """Ask for the topic; whoever asks meanwhile waits for the same answer."""
        return await asyncio.shield(self._find(topic))

    def forget(self) -> None:
        """Forget who leads."""
        self._leaders.clear()

    async def line_to(self, node: int) -> AIOKafkaConnection | Refusal:
        """Return a connection to a broker, which all share; dial it where there is none. A refusal
        says why there is none."""
        line = self._lines.get(node)
        if line is not None and line.connected():
            return line
        task = self._dialling.get(node)
        if task is None:
            if (address := self._brokers.get(node)) is None:
                return BROKER_AWAY
            task = self._dialling[node] = asyncio.create_task(self._dial(*address))
            task.add_done_callback(lambda done: self._dialled(node, done))
        return await asyncio.shield(task)

    def drop(self, node: int) -> None:
        """Close the connection: what is on its way there is not waited for."""
        line = self._lines.pop(node, None)
        if line is not None:
            close_line(line)

    async def close(self) -> None:
        """Let go of all. Raises nothing."""
        tasks = [*self._dialling.values(), *self._finding.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        closing = [close_line(line) for line in self._lines.values()]
        self._lines.clear()
        with contextlib.suppress(*FAILURES):
            await asyncio.wait_for(asyncio.gather(*filter(None, closing)), ASK_S)

    # -- inside -----------------------------------------------------------------------------------

    def _dialled(self, node: int, task: asyncio.Task[AIOKafkaConnection | Refusal]) -> None:
        self._dialling.pop(node, None)
        if not task.cancelled() and isinstance(line := task.result(), AIOKafkaConnection):
            self._lines[node] = line

    async def _dial(self, host: str, port: int) -> AIOKafkaConnection | Refusal:
        try:
            async with asyncio.timeout(DIAL_S):
                return await create_conn(
                    host, port, **self._login, request_timeout_ms=ANSWER_MS, max_idle_ms=IDLE_MS
                )
        except LOGIN_REFUSED as error:
            unreached(error, self.connection)
            return NO_LOGIN
        except FAILURES as error:
            return unreached(error, self.connection)

    def _find(self, topic: str) -> asyncio.Task[Leaders | Refusal]:
        task = self._finding.get(topic)
        if task is None:
            task = self._finding[topic] = asyncio.create_task(self._ask(topic))
            task.add_done_callback(lambda _: self._finding.pop(topic, None))
        return task

    async def _ask(self, topic: str) -> Leaders | Refusal:
        """By the brokers that are known, those that are connected first; then by those that the
        operator has named."""
        refusal: Refusal | None = None
        for node in sorted(self._brokers, key=lambda one: one not in self._lines):
            line = await self.line_to(node)
            if isinstance(line, AIOKafkaConnection):
                found = await self._answer_of(line, topic)
                if not isinstance(found, TransportFault):
                    return found
                self.drop(node)
                line = found
            refusal = refusal or line
        for host, port in self._servers:
            line = await self._dial(host, port)
            if isinstance(line, AIOKafkaConnection):
                found = await self._answer_of(line, topic)
                close_line(line)
                if not isinstance(found, TransportFault):
                    return found
                line = found
            refusal = refusal or line
        assert refusal is not None  # there is a server
        return refusal

    async def _answer_of(self, line: AIOKafkaConnection, topic: str) -> Leaders | Refusal:
        try:
            async with asyncio.timeout(ASK_S):
                answer = await line.send(MetadataRequest([topic], False))
        except FAILURES as error:
            return unreached(error, self.connection)
        self._brokers = {node: (host, port) for node, host, port, *_ in answer.brokers}
        for code, name, _internal, partitions in answer.topics:
            if name == topic:
                if code != TAKEN:
                    self._leaders.pop(topic, None)
                    return int(code)
                if not partitions:
                    return NO_LEADER
                nodes = [NOBODY] * len(partitions)
                for _code, partition, leader, *_ in partitions:
                    if leader in self._brokers:
                        nodes[partition] = leader
                found = Leaders(nodes, monotonic() + FRESH_S)
                self._leaders[topic] = found
                return found
        return unreached(ValueError("no topic in the answer"), self.connection)
