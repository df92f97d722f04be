"""A Kafka cluster in this process, for what a real one does only by chance: it forgets groups,
makes topics anew, and dies before its replicas have what it took. It speaks the protocol by the
client library's own structures; of each request it knows one form."""

import asyncio
import contextlib
import os
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from typing import Any, Self

from aiokafka.protocol import admin, commit, coordination, fetch, group, metadata, offset, produce
from aiokafka.protocol.api import (
    RequestHeader_v1,
    RequestHeader_v2,
    RequestStruct,
    ResponseHeader_v0,
    ResponseHeader_v1,
)
from aiokafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder

from tidings.sources.kafka.topic_ids import TopicsRequest_v10

NODE = 1
OUT_OF_RANGE, UNKNOWN, REBALANCES, UNKNOWN_MEMBER = 1, 3, 27, 25
ALL_REPLICAS = -1
Message = tuple[str | None, Sequence[tuple[str, bytes]], bytes | None]
FORMS: Sequence[type[RequestStruct]] = (
    admin.ApiVersionRequest_v0,
    admin.DescribeGroupsRequest_v0,
    commit.OffsetCommitRequest_v2,
    commit.OffsetFetchRequest_v1,
    coordination.FindCoordinatorRequest_v0,
    fetch.FetchRequest_v4,
    group.HeartbeatRequest_v0,
    group.JoinGroupRequest_v0,
    group.LeaveGroupRequest_v0,
    group.SyncGroupRequest_v0,
    metadata.MetadataRequest_v5,
    offset.OffsetRequest_v2,
    produce.ProduceRequest_v3,
    TopicsRequest_v10,
)


class Partition:
    """Batches of records, and how many of these the replicas have too."""

    def __init__(self) -> None:
        self.batches: list[tuple[int, bytes]] = []  # the offset after each
        self.replicated = 0
        self.begin = 0

    @property
    def end(self) -> int:
        return self.batches[-1][0] if self.batches else self.begin

    def append(self, batch: bytes) -> int:
        """Add a batch as it was sent; the offset of its first record."""
        first = self.end
        count = int.from_bytes(batch[57:61], "big")
        self.batches.append((first + count, first.to_bytes(8, "big") + batch[8:]))
        return first

    def since(self, at: int, most: int) -> bytes:
        """Batches from the one with the offset on, of so many bytes or one."""
        found = b""
        for after, batch in self.batches:
            if after > at:
                if found and len(found) + len(batch) > most:
                    break
                found += batch
        return found

    def records(self) -> list[bytes | None]:
        """The values of all records."""
        return [
            record.value
            for _, batch in self.batches
            for record in DefaultRecordBatch(bytearray(batch))
        ]


class Topic:
    """In one incarnation."""

    def __init__(self, partitions: int) -> None:
        self.id = os.urandom(16)
        self.partitions = [Partition() for _ in range(partitions)]


class Group:
    """A consumer group with its members, one generation after another."""

    def __init__(self) -> None:
        self.offsets: dict[tuple[str, int], tuple[int, str]] = {}
        self.members: dict[str, bytes] = {}
        self.client_ids: dict[str, str] = {}
        self.strangers: list[str] = []  # client ids of members who never speak
        self.generation = 0
        self.joined: set[str] = set()
        self.assigned: dict[str, bytes] = {}
        self.moved = asyncio.Condition()


class ScriptedBroker:
    """The broker, on a free port of loopback while it is entered. Its topics are made by hand."""

    def __init__(self) -> None:
        self.topics: dict[str, Topic] = {}
        self.groups: dict[str, Group] = {}
        self.cluster_id = "scripted-cluster-000000"
        self.port = 0
        self.replicates = True
        self.asked: list[str] = []  # names of requests
        self.acks: list[int] = []
        self._lines: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._news = asyncio.Condition()
        self._members = 0
        self._forms = {(form.API_KEY, form.API_VERSION): form for form in FORMS}

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.die()

    @property
    def servers(self) -> str:
        return f"127.0.0.1:{self.port}"

    # -- what a test does --------------------------------------------------------------------------

    async def start(self) -> None:
        """Listen, at the port of before if there was one."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def die(self) -> None:
        """End without a word; what the replicas do not have is gone with it."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for line in list(self._lines):
            line.transport.abort()
        for topic in self.topics.values():
            for partition in topic.partitions:
                if not self.replicates:
                    del partition.batches[partition.replicated :]
        for known in self.groups.values():
            known.members.clear()
            known.joined.clear()

    def make_topic(self, name: str, partitions: int = 1) -> Topic:
        """Make a topic, or make it anew; groups forget what they had of it."""
        self.delete_topic(name)
        made = self.topics[name] = Topic(partitions)
        return made

    def delete_topic(self, name: str) -> None:
        """Delete a topic, with what groups have of it, as brokers do."""
        self.topics.pop(name, None)
        for known in self.groups.values():
            for at in [at for at in known.offsets if at[0] == name]:
                del known.offsets[at]

    def forget_groups(self) -> None:
        """As a broker does some days after the last member has left."""
        self.groups.clear()

    async def produce(
        self, topic: str, messages: Sequence[Message], partition: int = 0, batch: int = 500
    ) -> None:
        """Add records to a partition."""
        log = self.topics[topic].partitions[partition]
        for begin in range(0, len(messages), batch):
            made = DefaultRecordBatchBuilder(2, 0, False, -1, -1, -1, 1 << 30)
            for number, (key, headers, value) in enumerate(messages[begin : begin + batch]):
                made.append(number, 0, None if key is None else key.encode(), value, list(headers))
            log.append(bytes(made.build()))
            log.replicated = len(log.batches)
        async with self._news:
            self._news.notify_all()

    # -- the protocol ------------------------------------------------------------------------------

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._lines.add(writer)
        with contextlib.suppress(OSError, EOFError, asyncio.CancelledError):
            while True:
                size = int.from_bytes(await reader.readexactly(4), "big")
                raw = BytesIO(await reader.readexactly(size))
                key, version = (int.from_bytes(raw.read(2), "big") for _ in range(2))
                raw.seek(0)
                form = self._forms[key, version]
                header_form = RequestHeader_v2 if form.FLEXIBLE_VERSION else RequestHeader_v1
                _, _, number, client_id, *_ = [
                    field.decode(raw) for field in header_form.SCHEMA.fields
                ]
                asked = form.decode(raw)
                self.asked.append(form.__name__)
                answer = await self._answer(form, asked, client_id)
                if answer is None:
                    continue
                told = ResponseHeader_v1 if form.FLEXIBLE_VERSION else ResponseHeader_v0
                fields = (number, *([{}] if form.FLEXIBLE_VERSION else []))
                body = told(*fields).encode() + form.RESPONSE_TYPE(*answer).encode()
                writer.write(len(body).to_bytes(4, "big") + body)
                await writer.drain()
        self._lines.discard(writer)
        writer.close()

    async def _answer(self, form: type, asked: Any, client_id: str) -> Sequence[Any] | None:
        answers: Mapping[type, Callable[[Any], Any]] = {
            admin.ApiVersionRequest_v0: self._versions,
            admin.DescribeGroupsRequest_v0: self._described,
            commit.OffsetCommitRequest_v2: self._committed,
            commit.OffsetFetchRequest_v1: self._offsets,
            coordination.FindCoordinatorRequest_v0: self._coordinator,
            fetch.FetchRequest_v4: self._fetched,
            group.HeartbeatRequest_v0: self._beat,
            group.JoinGroupRequest_v0: lambda asked: self._joined(asked, client_id),
            group.LeaveGroupRequest_v0: self._left,
            group.SyncGroupRequest_v0: self._synced,
            metadata.MetadataRequest_v5: self._metadata,
            offset.OffsetRequest_v2: self._ends,
            produce.ProduceRequest_v3: self._produced,
            TopicsRequest_v10: self._topics_with_ids,
        }
        answer = answers[form](asked)
        found: Sequence[Any] | None = await answer if asyncio.iscoroutine(answer) else answer
        return found

    def _versions(self, _: Any) -> Sequence[Any]:
        keys = sorted({key for key, _ in self._forms})
        spans = [[version for known, version in self._forms if known == key] for key in keys]
        return 0, [(key, min(span), max(span)) for key, span in zip(keys, spans, strict=True)]

    def _metadata(self, asked: Any) -> Sequence[Any]:
        names = list(self.topics) if asked.topics is None else asked.topics
        topics: list[Any] = []
        for name in names:
            known = self.topics.get(name)
            parts: list[Partition] = [] if known is None else known.partitions
            topics.append(
                (
                    UNKNOWN if known is None else 0,
                    name,
                    False,
                    [(0, number, NODE, [NODE], [NODE], []) for number in range(len(parts))],
                )
            )
        return 0, [(NODE, "127.0.0.1", self.port, None)], self.cluster_id, NODE, topics

    def _topics_with_ids(self, asked: Any) -> Sequence[Any]:
        topics: list[Any] = []
        for _, name, _ in asked.topics:
            known = self.topics.get(name)
            parts: list[Partition] = [] if known is None else known.partitions
            topics.append(
                (
                    UNKNOWN if known is None else 0,
                    name,
                    bytes(16) if known is None else known.id,
                    False,
                    [(0, number, NODE, 0, [NODE], [NODE], [], {}) for number in range(len(parts))],
                    0,
                    {},
                )
            )
        broker: Any = (NODE, "127.0.0.1", self.port, None, {})
        return 0, [broker], self.cluster_id, NODE, topics, 0, {}

    def _coordinator(self, _: Any) -> Sequence[Any]:
        return 0, NODE, "127.0.0.1", self.port

    def _partition(self, topic: str, number: int) -> Partition | None:
        known = self.topics.get(topic)
        return (
            None if known is None or number >= len(known.partitions) else known.partitions[number]
        )

    def _ends(self, asked: Any) -> Sequence[Any]:
        def of(topic: str, number: int, time: int) -> tuple[int, int, int, int]:
            known = self._partition(topic, number)
            if known is None:
                return number, UNKNOWN, -1, -1
            return number, 0, -1, known.end if time == -1 else known.begin

        return 0, [(name, [of(name, *part) for part in parts]) for name, parts in asked.topics]

    async def _fetched(self, asked: Any) -> Sequence[Any]:
        def found() -> list[Any]:
            topics: list[Any] = []
            for name, parts in asked.topics:
                rows: list[Any] = []
                for number, at, most in parts:
                    known = self._partition(name, number)
                    if known is None:
                        rows.append((number, UNKNOWN, -1, -1, [], b""))
                    elif not known.begin <= at <= known.end:
                        rows.append((number, OUT_OF_RANGE, -1, -1, [], b""))
                    else:
                        rows.append((number, 0, known.end, known.end, [], known.since(at, most)))
                topics.append((name, rows))
            return topics

        async with self._news:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(asked.max_wait_time / 1000):
                    await self._news.wait_for(
                        lambda: any(row[1] or row[5] for _, rows in found() for row in rows)
                    )
        return 0, found()

    async def _produced(self, asked: Any) -> Sequence[Any] | None:
        """A record counts as confirmed by the form of the request: by us alone, or by all."""
        self.acks.append(asked.required_acks)
        topics: list[Any] = []
        for name, parts in asked.topics:
            rows: list[Any] = []
            for number, batch in parts:
                known = self._partition(name, number)
                first = -1 if known is None else known.append(batch)
                rows.append((number, UNKNOWN if known is None else 0, first, -1))
                if known is not None and self.replicates:
                    known.replicated = len(known.batches)
            topics.append((name, rows))
        if not asked.required_acks:
            return None
        if asked.required_acks == ALL_REPLICAS and not self.replicates:
            await asyncio.Event().wait()  # the replicas never come to have it
        return topics, 0

    # -- groups ------------------------------------------------------------------------------------

    def _of(self, name: str) -> Group:
        return self.groups.setdefault(name, Group())

    def _committed(self, asked: Any) -> Sequence[Any]:
        known = self._of(asked.consumer_group)
        for topic, parts in asked.topics:
            for number, at, said in parts:
                known.offsets[topic, number] = at, said
        return ([(topic, [(number, 0) for number, *_ in parts]) for topic, parts in asked.topics],)

    def _offsets(self, asked: Any) -> Sequence[Any]:
        known = self._of(asked.consumer_group).offsets
        return (
            [
                (name, [(number, *known.get((name, number), (-1, "")), 0) for number in numbers])
                for name, numbers in asked.topics
            ],
        )

    def _described(self, asked: Any) -> Sequence[Any]:
        found = []
        for name in asked.groups:
            known = self._of(name)
            ids = [*(known.client_ids[member] for member in known.members), *known.strangers]
            rows = [(f"m{n}", id, "/192.0.2.7", b"", b"") for n, id in enumerate(ids)]
            found.append((0, name, "Stable", "consumer", "range", rows))
        return (found,)

    async def _joined(self, asked: Any, client_id: str) -> Sequence[Any]:
        known = self._of(asked.group)
        name, said = asked.group_protocols[0]
        member = asked.member_id
        if member and member not in known.members:
            return UNKNOWN_MEMBER, -1, "", "", member, []
        if not member:
            self._members += 1
            member = f"member-{self._members}"
            known.client_ids[member] = client_id
        async with known.moved:
            known.members[member] = said
            if not known.joined:
                known.generation += 1
                known.assigned = {}
            known.joined.add(member)
            known.moved.notify_all()
            generation = known.generation
            await known.moved.wait_for(
                lambda: set(known.members) <= known.joined or known.generation != generation
            )
        leader = min(known.members)
        rows = list(known.members.items()) if member == leader else []
        return 0, known.generation, name, leader, member, rows

    async def _synced(self, asked: Any) -> Sequence[Any]:
        known = self._of(asked.group)
        async with known.moved:
            if asked.group_assignment:
                known.assigned = dict(asked.group_assignment)
                known.joined = set()
                known.moved.notify_all()
            await known.moved.wait_for(
                lambda: asked.member_id in known.assigned or known.generation != asked.generation_id
            )
        if known.generation != asked.generation_id:
            return REBALANCES, b""
        return 0, known.assigned[asked.member_id]

    def _beat(self, asked: Any) -> Sequence[Any]:
        known = self._of(asked.group)
        if asked.member_id not in known.members:
            return (UNKNOWN_MEMBER,)
        return (REBALANCES if known.joined or known.generation != asked.generation_id else 0,)

    async def _left(self, asked: Any) -> Sequence[Any]:
        known = self._of(asked.group)
        async with known.moved:
            known.members.pop(asked.member_id, None)
            known.joined.discard(asked.member_id)
            if known.members:
                known.generation += 1
                known.joined = set()
            known.moved.notify_all()
        return (0,)
