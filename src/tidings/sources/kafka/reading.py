"""One source that is read as a member of a consumer group.

A message's place has the topic's id, so that a topic that is made anew, which counts from 0 again,
has other places. The id is asked again after each fetch: where it is still the one of before, the
topic was there all the while, and all that was fetched is of it. It also stands beside each
offset that is committed: that of a topic which had the name before is not gone on from.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition, errors

from tidings.connections.kafka_client import FAILURES, TIMEOUT_MS
from tidings.connections.kafka_faults import down, topic_anew
from tidings.core.sources.message import (
    READ_HEADERS_MAX,
    ForeignMessage,
    bounded_body,
    unreadable,
)
from tidings.errors import Refusal
from tidings.sources.kafka.cluster import NONE, Cluster
from tidings.sources.kafka.lenient_records import BrokenName
from tidings.sources.port import BATCH_BYTES_MAX, BATCH_MAX

JOIN_S = 60.0  # members of the group that are busy hold up who joins
COMMIT_S = 10.0
CLOSE_S = 5.0
POLL_MS = 1000
IDLE_POLLS = 3  # then it is asked whether the cluster is there at all
METADATA_MS = 30_000  # new partitions are found so late
GONE = (errors.CommitFailedError, errors.IllegalStateError)  # no longer ours: another reads it
TURN_HEADERS = 5000  # that are made texts in one turn of the loop
KEY, TOPIC = "kafka-key", "kafka-topic"


class _Turns(ConsumerRebalanceListener):  # type: ignore[misc]
    """Partitions are taken away, and given, to whoever reads."""

    def __init__(self) -> None:
        self.fresh: set[TopicPartition] = set()
        self.handed: dict[TopicPartition, int] = {}  # the offset after what was handed over
        self.held: deque[Any] = deque()  # fetched, and too much for one batch

    def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """What was handed over is another's to read again, who knows it."""
        self.fresh.clear()
        self.handed.clear()
        self.held.clear()

    def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """None of them is read before it is known where."""
        self.fresh = set(assigned)


class KafkaReading:
    """`Reading` of a consumer that has joined."""

    def __init__(
        self,
        consumer: Any,
        turns: _Turns,
        cluster: Cluster,
        ids: Mapping[str, str],
        new_only: Collection[str],
        connection: str,
    ) -> None:
        self._consumer = consumer
        self._turns = turns
        self._cluster = cluster
        self._ids = ids
        self._new_only = new_only
        self._connection = connection
        self._unsure = False  # something was handed over that nobody has acknowledged

    async def read(self) -> Sequence[ForeignMessage]:
        """What comes next. Messages without a value, which delete a key, are passed over."""
        idle = 0
        while True:
            try:
                records = await self._fetch()
            except FAILURES as error:
                raise down(error, self._connection) from error
            idle = 0 if records else idle + 1
            if records:
                await self._check(records)
            elif idle % IDLE_POLLS == 0:
                await self._check(())
            turns = self._turns
            turns.handed.update(
                {TopicPartition(one.topic, one.partition): one.offset + 1 for one in records}
            )
            if messages := await self._messages(records):
                self._unsure = True
                return messages
            if records and not self._unsure:
                await self.acknowledge()

    async def acknowledge(self) -> None:
        """Commit what was handed over and is still ours."""
        handed, self._turns.handed = self._turns.handed, {}
        self._unsure = False
        await self._commit(handed)

    async def lag(self) -> int | None:
        """From what is at hand to the end of each partition that is ours."""
        consumer = self._consumer
        at_hand: dict[TopicPartition, int] = {}
        for one in self._turns.held:
            at_hand.setdefault(TopicPartition(one.topic, one.partition), one.offset)
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

    async def close(self) -> None:
        """Leave the group."""
        await _stop(self._consumer)
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
        """Find where each partition is read from. Where the group has no place it is the begin, as
        the consumer is told, or the end, which is then kept as the group's place."""
        consumer = self._consumer
        ends: dict[TopicPartition, int] = {}
        try:
            # The public way tells the offset alone. It tries for ever where nobody answers.
            async with asyncio.timeout(COMMIT_S):
                known = await consumer._coordinator.fetch_committed_offsets(list(fresh))
            for partition in fresh:
                place = known.get(partition)
                if place is None or place.offset < 0:
                    if partition.topic in self._new_only:
                        ends |= await consumer.end_offsets([partition])
                elif self._is_of_another(partition.topic, place.metadata or ""):
                    consumer.seek(partition, 0)  # an offset of the topic before
            for partition, end in ends.items():
                consumer.seek(partition, end)
        except GONE:
            return  # and others are given
        await self._commit(ends)
        self._turns.fresh -= fresh

    def _stamp(self, topic: str) -> str:
        """What stands beside each offset that is committed."""
        return f"{self._cluster.id}/{self._ids[topic]}"

    def _is_of_another(self, topic: str, stamp: str) -> bool:
        """Whether an offset is of a topic that had this name before. Those that an operator has
        set, or has brought from another cluster, are taken as they are."""
        cluster, _, topic_id = stamp.partition("/")
        if cluster != self._cluster.id or NONE in (topic_id, self._ids[topic]):
            return False
        return topic_id != self._ids[topic]

    async def _check(self, records: Sequence[Any]) -> None:
        """That there is a cluster, and that the topics are still those of the begin, by the brokers
        that records came from: each knows of a topic before it serves it, and others later."""
        leader_of = self._consumer._client.cluster.leader_for_partition
        places = {TopicPartition(one.topic, one.partition) for one in records}
        nodes = {node for one in places if (node := leader_of(one)) is not None and node >= 0}
        for node in nodes or {None}:
            found = await self._cluster.topic_ids(tuple(self._ids), node)
            for topic, topic_id in self._ids.items():
                if found.get(topic) != topic_id:
                    raise topic_anew(topic)

    async def _commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        ours = self._consumer.assignment()
        said = {one: (at, self._stamp(one.topic)) for one, at in offsets.items() if one in ours}
        if not said:
            return
        try:
            async with asyncio.timeout(COMMIT_S):
                await self._consumer.commit(said)
        except GONE:
            return  # whoever has it now reads it again, and knows it
        except FAILURES as error:
            raise down(error, self._connection) from error

    async def _messages(self, records: Sequence[Any]) -> list[ForeignMessage]:
        """Those of records that have a value."""
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
        topic, id = record.topic, self._ids.get(record.topic, NONE)
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
    for name, value in record.headers[:READ_HEADERS_MAX]:  # of more it is put aside
        if name.__class__ is BrokenName:
            defect = defect or _BROKEN_NAME
        # CloudEvents names its attributes ce_id here, and ce-id elsewhere.
        shown = f"ce-{name[3:]}" if name.startswith("ce_") else str(name)
        headers.append((shown, _text(value or b"")))
    return ForeignMessage(place, headers, body, defect)


_BROKEN_NAME = Refusal(
    "bad_message_headers",
    "The names of headers must be UTF-8; one is not. Correct the producer; where the header does "
    "not matter, try the message again. (bad_message_headers, message)",
    "",
)


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")


async def _stop(consumer: Any) -> None:
    """Raises nothing. In an outage the library's own close is ended by the end of its tasks, which
    as a task of its own does not look as if we were cancelled; and its connections stay."""
    task = asyncio.create_task(consumer.stop())
    await asyncio.wait([task], timeout=CLOSE_S)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    with contextlib.suppress(*FAILURES):
        await consumer._client.close()


async def open_reading(
    *,
    topics: Sequence[str],
    group: str,
    new_only: Collection[str],
    login: Mapping[str, Any],
    connection: str,
) -> KafkaReading:
    """Join the group. `new_only`: topics that a group without a place begins at the end of.
    ConnectionDown."""
    cluster = Cluster(login, connection)
    consumer: Any = None
    try:
        await cluster.start()
        ids = await cluster.topic_ids(topics)
        turns = _Turns()
        consumer = AIOKafkaConsumer(
            **login,
            group_id=group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            fetch_max_bytes=BATCH_BYTES_MAX,
            # Of one partition too: it is not asked again before what came of it is handed over.
            max_partition_fetch_bytes=BATCH_BYTES_MAX,
            request_timeout_ms=TIMEOUT_MS,
            metadata_max_age_ms=METADATA_MS,
        )
        consumer.subscribe(list(topics), listener=turns)
        async with asyncio.timeout(JOIN_S):
            await consumer.start()
        return KafkaReading(consumer, turns, cluster, ids, new_only, connection)
    except BaseException as error:
        if consumer is not None:
            await _stop(consumer)
        await cluster.close()
        if isinstance(error, FAILURES):
            raise down(error, connection) from error
        raise
