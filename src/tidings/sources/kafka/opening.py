"""Opening a source of Kafka topics: its group is joined, and what is new of its topics begun."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from tidings.connections.kafka_client import FAILURES, TIMEOUT_MS
from tidings.connections.kafka_faults import TopicsMissing, down
from tidings.core.sources.source import KafkaTopics
from tidings.core.sources.table_owner import client_name
from tidings.core.sources.topic_places import TopicPlaces
from tidings.sources.kafka.cluster import ConsumerCluster, Topic
from tidings.sources.kafka.reading import (
    COMMIT_S,
    KafkaReading,
    PartitionTurns,
    group_places,
    stop_consumer,
)
from tidings.sources.kafka.saved_places import SavedPlaces
from tidings.sources.port import BATCH_BYTES_MAX, TopicPlaceStore

JOIN_S = 60.0  # members of the group that are busy hold up who joins
METADATA_MS = 30_000  # new partitions are found so late
LATEST = "latest"


async def open_reading(
    *,
    kafka: KafkaTopics,
    group: str,
    source: int,
    installation: str,
    store: TopicPlaceStore,
    login: Mapping[str, Any],
    connection: str,
) -> KafkaReading:
    """Join the group. ConnectionDown, StoreDown."""
    cluster = ConsumerCluster(login, connection)
    consumer: Any = None
    kept = await store.topic_places(source)
    try:
        await cluster.start()
        topics, missing = await _topics_of(cluster, kafka.topics)
        ids = {name: topic.id for name, topic in topics.items()}
        places = TopicPlaces(f"{installation}.{source}", cluster.id, ids)
        places.load(kept)
        saved = SavedPlaces(places, store, source)
        if missing is not None:
            for topic in missing.topics:  # what is in it later came after the source's start
                places.meet(topic)
            await saved.save()
            raise missing
        turns = PartitionTurns()
        consumer = AIOKafkaConsumer(
            **login,
            client_id=client_name(installation),
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
        consumer.subscribe(list(kafka.topics), listener=turns)
        async with asyncio.timeout(JOIN_S):
            await consumer.start()
        await _meet_topics(consumer, topics, places, from_end=kafka.start_at == LATEST)
        await saved.save()
        return KafkaReading(consumer, turns, cluster, topics, saved, connection)
    except BaseException as error:
        if consumer is not None:
            await stop_consumer(consumer)
        await cluster.close()
        if isinstance(error, FAILURES):
            raise down(error, connection) from error
        raise


async def _topics_of(
    cluster: ConsumerCluster, names: Sequence[str]
) -> tuple[dict[str, Topic], TopicsMissing | None]:
    try:
        return await cluster.topics(names), None
    except TopicsMissing as missing:
        return {}, missing


async def _meet_topics(
    consumer: Any, topics: Mapping[str, Topic], places: TopicPlaces, *, from_end: bool
) -> None:
    """Take over what the group has of topics that the source has not met. With `from_end` those
    that the group has not met either are begun at their end, whole, whoever reads which partition.
    """
    fresh = {name: topic for name, topic in topics.items() if not places.has_met(name)}
    if not fresh:
        return
    partitions = [
        TopicPartition(name, number) for name, topic in fresh.items() for number in topic.partitions
    ]
    group = await group_places(consumer, partitions)
    met = {partition.topic for partition, place in group.items() if place.offset >= 0}
    new = [partition for partition in partitions if partition.topic not in met]
    ends: dict[TopicPartition, int] = {}
    if from_end and new:
        async with asyncio.timeout(COMMIT_S):
            ends = await consumer.end_offsets(new)
    for partition in partitions:
        place = group.get(partition)
        if partition in ends:
            places.move(partition, ends[partition])
        elif place is not None and places.is_of_topic(partition.topic, place):
            places.move(partition, place.offset)
    for name in fresh:
        places.meet(name)
