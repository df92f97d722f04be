"""A Kafka cluster beside its consumer: whether it answers, which topics it has, and their ids.

It has connections of its own: over those of the consumer an answer would wait behind a fetch that
waits for messages.
"""

import asyncio
import base64
from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka import errors
from aiokafka.protocol.metadata import MetadataRequest

from tidings.connections.kafka_client import FAILURES, connected, disconnect
from tidings.connections.kafka_faults import down, topic_missing, topic_refused
from tidings.sources.kafka.topic_ids import NO_ID, TopicsRequest

ANSWER_S = 10.0
NONE = "-"  # for an id that a cluster does not tell


class Cluster:
    """Of one connection."""

    def __init__(self, login: Mapping[str, Any], connection: str) -> None:
        self._login = login
        self._connection = connection
        self._client: Any = None  # until it is started
        self.id = ""

    async def start(self) -> None:
        """Find its brokers. ConnectionDown."""
        self._client = await connected(self._login, self._connection)

    async def close(self) -> None:
        """Let go. Raises nothing."""
        if self._client is not None:
            await disconnect(self._client)

    async def topic_ids(self, topics: Sequence[str], node: int | None = None) -> dict[str, str]:
        """The id of each topic, as Kafka's own tools write it; `-` where a cluster has none.

        `node`: the broker that is asked. ConnectionDown: no answer, or a topic that is not there or
        may not be read.
        """
        if node is None:
            node = self._client.get_random_node()
        try:
            async with asyncio.timeout(ANSWER_S):
                answer = await self._client.send(node, TopicsRequest(tuple(topics)))
        except NotImplementedError:
            return await self._without_ids(node, topics)
        except FAILURES as error:
            raise down(error, self._connection) from error
        self.id = answer.cluster_id or NONE
        found = {}
        for code, topic, topic_id, *_ in answer.topics:
            self._check(code, topic)
            text = base64.urlsafe_b64encode(topic_id).rstrip(b"=").decode()
            found[topic] = text if topic_id != NO_ID else NONE
        return found

    async def _without_ids(self, node: object, topics: Sequence[str]) -> dict[str, str]:
        """Of a broker older than ids of topics."""
        try:
            async with asyncio.timeout(ANSWER_S):
                answer = await self._client.send(node, MetadataRequest(list(topics), False))
        except FAILURES as error:
            raise down(error, self._connection) from error
        self.id = getattr(answer, "cluster_id", None) or NONE
        for code, topic, *_ in answer.topics:
            self._check(code, topic)
        return dict.fromkeys(topics, NONE)

    def _check(self, code: int, topic: str) -> None:
        kind = errors.for_code(code)
        if kind in (errors.UnknownTopicOrPartitionError, errors.InvalidTopicError):
            raise topic_missing(self._connection, topic)
        if kind is errors.TopicAuthorizationFailedError:
            raise topic_refused(self._connection, topic)
        if kind not in (errors.NoError, errors.LeaderNotAvailableError):
            raise down(kind(), self._connection)
