"""One source that is read as a member of a consumer group.

A message's place has the topic's id, so that a topic that is made anew, which counts from 0 again,
has other places. The id is asked again after each fetch: where it is still the one of before, the
topic was there all the while, and all that was fetched is of it.

Up to where each partition is read is kept by Tidings (`core/sources/topic_places.py`), and is
committed to the group besides. What is kept may be a second behind what was committed: after a
crash what comes again is known.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from aiokafka import ConsumerRebalanceListener, TopicPartition, errors

from tidings.connections.kafka_client import FAILURES, disconnect
from tidings.connections.kafka_faults import down, topic_anew
from tidings.core.sources.message import (
    READ_HEADERS_MAX,
    ForeignMessage,
    bounded_body,
    unreadable,
)
from tidings.core.sources.topic_places import NO_ID, GroupPlace
from tidings.errors import FieldRefusal
from tidings.sources.kafka.cluster import ConsumerCluster, Topic
from tidings.sources.kafka.lenient_records import BrokenName
from tidings.sources.kafka.saved_places import SavedPlaces
from tidings.sources.port import BATCH_BYTES_MAX, BATCH_MAX

COMMIT_S = 10.0
CLOSE_S = 5.0
POLL_MS = 1000
IDLE_POLLS = 3  # then it is asked whether the cluster is there at all
GONE = (errors.CommitFailedError, errors.IllegalStateError)  # no longer ours: another reads it
TURN_HEADERS = 5000  # that are made texts in one turn of the loop
KEY, TOPIC = "kafka-key", "kafka-topic"


class PartitionTurns(ConsumerRebalanceListener):  # type: ignore[misc]
    """Partitions are taken away, and given, to whoever reads."""

    def __init__(self) -> None:
        self.fresh: set[TopicPartition] = set()
        self.handed: dict[TopicPartition, int] = {}  # the offset after what was handed over
        self.held: deque[Any] = deque()  # fetched, and too much for one batch

    def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Give up what was handed over: it is another's to read again, who knows it."""
        self.fresh.clear()
        self.handed.clear()
        self.held.clear()

    def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Mark the partitions as fresh: none of them is read before it is known from where."""
        self.fresh = set(assigned)


class KafkaReading:
    """`Reading` of a consumer that has joined."""

    def __init__(
        self,
        consumer: Any,
        turns: PartitionTurns,
        cluster: ConsumerCluster,
        topics: Mapping[str, Topic],
        places: SavedPlaces,
        connection: str,
    ) -> None:
        self._consumer = consumer
        self._turns = turns
        self._cluster = cluster
        self._topics = topics
        self._places = places
        self._connection = connection
        self._unsure = False  # something was handed over that nobody has acknowledged

    async def read(self) -> Sequence[ForeignMessage]:
        """Read what comes next. Messages without a value, which delete a key, are passed over."""
        idle = 0
        while True:
            try:
                records = await self._fetch()
            except FAILURES as error:
                raise down(error, self._connection) from error
            idle = 0 if records else idle + 1
            if records:
                await self._check(records)
            else:
                await self._places.save_in_time()
                if idle % IDLE_POLLS == 0:
                    await self._check(())
            turns = self._turns
            turns.handed.update(
                {
                    TopicPartition(record.topic, record.partition): record.offset + 1
                    for record in records
                }
            )
            if messages := await self._messages(records):
                self._unsure = True
                return messages
            if records and not self._unsure:
                await self.acknowledge()

    async def acknowledge(self) -> None:
        """Keep and commit up to where was handed over what is still ours. StoreDown."""
        handed, self._turns.handed = self._turns.handed, {}
        self._unsure = False
        ours = self._consumer.assignment()
        for partition, offset in handed.items():
            if partition in ours:
                self._places.of_source.move(partition, offset)
        await self._places.save_in_time()
        await self._commit(handed)

    async def lag(self) -> int | None:
        """Count the messages from what is at hand to the end of each partition that is ours. None
        while partitions change hands. Raise ConnectionDown where the broker does not answer."""
        consumer = self._consumer
        at_hand: dict[TopicPartition, int] = {}
        for held in self._turns.held:
            at_hand.setdefault(TopicPartition(held.topic, held.partition), held.offset)
        waiting = 0
        try:
            async with asyncio.timeout(COMMIT_S):
                ours = consumer.assignment()
                ends = await consumer.end_offsets(ours) if ours else {}
                for partition, end in ends.items():
                    at = at_hand.get(partition)
                    waiting += end - (await consumer.position(partition) if at is None else at)
        except GONE:
            return None  # partitions go from one to another at this moment
        except FAILURES as error:
            raise down(error, self._connection) from error
        return waiting

    async def others(self) -> Sequence[str]:
        """List the client ids of members of the group that are not of this installation, each once,
        sorted."""
        coordinator = self._consumer._coordinator
        if coordinator.coordinator_id is None:
            return ()
        ours = self._consumer._client._client_id
        found = await self._cluster.members(coordinator.group_id, coordinator.coordinator_id)
        return sorted(found - {ours})

    async def let_go(self, *, all_acknowledged: bool) -> None:
        """Say nothing: the group shares the messages among whoever is in it."""

    async def close(self) -> None:
        """Leave the group, and keep up to where was read."""
        with contextlib.suppress(Exception):  # what was read since is known when it comes again
            async with asyncio.timeout(CLOSE_S):
                await self._places.save()
        await stop_consumer(self._consumer)
        await self._cluster.close()

    # -- inside -----------------------------------------------------------------------------------

    async def _fetch(self) -> list[Any]:
        """At most one batch, which may be empty; of each partition in its order."""
        turns = self._turns
        if turns.fresh:
            await self._begin(frozenset(turns.fresh))
        if not turns.held:
            found = await self._consumer.getmany(timeout_ms=POLL_MS, max_records=BATCH_MAX)
            for partition, records in found.items():
                if partition in turns.fresh:  # given to us at this very moment
                    with contextlib.suppress(*GONE):
                        self._consumer.seek(partition, records[0].offset)
                else:
                    turns.held.extend(records)
        batch: list[Any] = []
        room = BATCH_BYTES_MAX
        while turns.held:
            room -= len(turns.held[0].value or b"")
            if room < 0 and batch:
                break
            batch.append(turns.held.popleft())
        return batch

    async def _begin(self, fresh: frozenset[TopicPartition]) -> None:
        """Begin each partition where it is to be read from."""
        try:
            group = await group_places(self._consumer, fresh)
            begins = {
                partition: self._places.of_source.begin(partition, group.get(partition))
                for partition in fresh
            }
            for partition, offset in begins.items():
                self._consumer.seek(partition, offset)
        except GONE:
            return  # and others are given
        for partition, offset in begins.items():
            self._places.of_source.move(partition, offset)
        await self._places.save()
        await self._commit({partition: offset for partition, offset in begins.items() if offset})
        self._turns.fresh -= fresh

    async def _check(self, records: Sequence[Any]) -> None:
        """Check that there is a cluster, and that the topics are still those of the begin, by the
        brokers that records came from: each knows of a topic before it serves it, and others
        later."""
        leader_of = self._consumer._client.cluster.leader_for_partition
        places = {TopicPartition(record.topic, record.partition) for record in records}
        nodes = {node for place in places if (node := leader_of(place)) is not None and node >= 0}
        for node in nodes or {None}:
            found = await self._cluster.topics(tuple(self._topics), node)
            for name, topic in self._topics.items():
                if name not in found or found[name].id != topic.id:
                    raise topic_anew(name)

    async def _commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        ours = self._consumer.assignment()
        stamp = self._places.of_source.stamp
        commits = {
            offset: (at, stamp(offset.topic)) for offset, at in offsets.items() if offset in ours
        }
        if not commits:
            return
        try:
            async with asyncio.timeout(COMMIT_S):
                await self._consumer.commit(commits)
        except GONE:
            return  # whoever has it now reads it again, and knows it
        except FAILURES as error:
            raise down(error, self._connection) from error

    async def _messages(self, records: Sequence[Any]) -> list[ForeignMessage]:
        """List the messages of records that have a value."""
        messages, headers = [], 0
        for record in records:
            if record.value is not None:
                messages.append(self._message(record))
                headers += len(record.headers)
                if headers > TURN_HEADERS:
                    headers = 0
                    await asyncio.sleep(0)  # others have their turn
        return messages

    def _message(self, record: Any) -> ForeignMessage:
        topic, known = record.topic, self._topics.get(record.topic)
        id = NO_ID if known is None else known.id
        place = f"{self._cluster.id}/{topic}/{id}/{record.partition}/{record.offset}"
        try:
            return _message(place, record)
        except Exception as error:  # one record, whatever it is, stops no other
            return unreadable(place, bounded_body(record.value)[0], error)


def _message(place: str, record: Any) -> ForeignMessage:
    headers = [(TOPIC, record.topic)]
    if record.key is not None:
        headers.append((KEY, _text(record.key)))
    body, defect = bounded_body(record.value)
    for name, value in record.headers[:READ_HEADERS_MAX]:  # of more it is set aside
        if name.__class__ is BrokenName:
            defect = defect or _BROKEN_NAME
        # CloudEvents names its attributes ce_id here, and ce-id elsewhere.
        shown = f"ce-{name[3:]}" if name.startswith("ce_") else str(name)
        headers.append((shown, _text(value or b"")))
    return ForeignMessage(place, headers, body, defect=defect)


_BROKEN_NAME = FieldRefusal.build(
    "bad_message_headers",
    "The names of headers must be UTF-8; one is not. Correct the producer; where the header does "
    "not matter, try the message again.",
    place="message",
)


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")


async def group_places(
    consumer: Any, partitions: Collection[TopicPartition]
) -> dict[TopicPartition, GroupPlace]:
    """Ask what the group has for partitions. Raises KafkaError and TimeoutError."""
    # The public way tells the offset alone. It tries for ever where nobody answers.
    async with asyncio.timeout(COMMIT_S):
        found = await consumer._coordinator.fetch_committed_offsets(list(partitions))
    return {
        partition: GroupPlace(place.offset, place.metadata or "")
        for partition, place in found.items()
    }


async def stop_consumer(consumer: Any) -> None:
    """Stop a consumer and disconnect it. Raise nothing.

    In an outage the library's own close is ended by the end of its tasks, which as a task of its
    own does not look as if we were cancelled; and its connections stay.
    """
    task = asyncio.create_task(consumer.stop())
    await asyncio.wait([task], timeout=CLOSE_S)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await disconnect(consumer._client)
