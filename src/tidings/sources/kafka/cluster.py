"""A Kafka cluster beside its consumer: whether it answers, which topics it has, and their ids.

It has connections of its own: over those of the consumer an answer would wait behind a fetch that
waits for messages.
"""

import asyncio
import base64
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from aiokafka import errors
from aiokafka.protocol.admin import DescribeGroupsRequest
from aiokafka.protocol.metadata import MetadataRequest

from tidings.connections.kafka_client import FAILURES, connected, disconnect
from tidings.connections.kafka_faults import TopicsMissing, down, topic_refused
from tidings.core.sources.topic_places import NO_ID
from tidings.sources.kafka.topic_ids import UNKNOWN, TopicsRequest

ANSWER_S = 10.0
_MISSING = (errors.UnknownTopicOrPartitionError, errors.InvalidTopicError)


class Topic(NamedTuple):
    """A topic. `id`: as Kafka's own tools write it; `NO_ID` where a cluster has none."""

    id: str
    partitions: Sequence[int]


class ConsumerCluster:
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

    async def topics(self, names: Sequence[str], node: int | None = None) -> dict[str, Topic]:
        """Return each topic as it is now.

        `node`: the broker that is asked. TopicsMissing, ConnectionDown: no answer, or a topic that
        may not be read.
        """
        if node is None:
            node = self._client.get_random_node()
        try:
            async with asyncio.timeout(ANSWER_S):
                answer = await self._client.send(node, TopicsRequest(tuple(names)))
        except NotImplementedError:
            return await self._without_ids(node, names)
        except FAILURES as error:
            raise down(error, self._connection) from error
        self.id = answer.cluster_id or NO_ID
        return self._found(
            {
                topic: (code, _text(topic_id), [partition[1] for partition in partitions])
                for code, topic, topic_id, _, partitions, *_ in answer.topics
            }
        )

    async def members(self, group: str, node: int) -> set[str]:
        """Return the client ids of the members of a group, by its coordinator; none where it does
        not tell. Raises nothing."""
        try:
            async with asyncio.timeout(ANSWER_S):
                answer = await self._client.send(node, DescribeGroupsRequest([group]))
        except (*FAILURES, NotImplementedError):
            return set()
        # Each group: error, name, state, type of protocol, protocol, members.
        return {member[1] for found in answer.groups if not found[0] for member in found[5]}

    async def _without_ids(self, node: object, names: Sequence[str]) -> dict[str, Topic]:
        """Ask a broker that is older than ids of topics."""
        try:
            async with asyncio.timeout(ANSWER_S):
                answer = await self._client.send(node, MetadataRequest(list(names), False))
        except FAILURES as error:
            raise down(error, self._connection) from error
        self.id = getattr(answer, "cluster_id", None) or NO_ID
        return self._found(
            {
                topic: (code, NO_ID, [partition[1] for partition in partitions])
                for code, topic, *_, partitions in answer.topics
            }
        )

    def _found(self, topics: Mapping[str, tuple[int, str, Sequence[int]]]) -> dict[str, Topic]:
        missing = [
            topic for topic, (code, *_) in topics.items() if errors.for_code(code) in _MISSING
        ]
        if missing:
            raise TopicsMissing(self._connection, missing)
        for topic, (code, *_) in topics.items():
            self._check(code, topic)
        return {topic: Topic(id, partitions) for topic, (_, id, partitions) in topics.items()}

    def _check(self, code: int, topic: str) -> None:
        kind = errors.for_code(code)
        if kind is errors.TopicAuthorizationFailedError:
            raise topic_refused(self._connection, topic)
        if kind not in (errors.NoError, errors.LeaderNotAvailableError):
            raise down(kind(), self._connection)


def _text(topic_id: bytes) -> str:
    return (
        NO_ID if topic_id == UNKNOWN else base64.urlsafe_b64encode(topic_id).rstrip(b"=").decode()
    )
