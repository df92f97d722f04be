"""Records for a Kafka cluster, those of all webhooks of its connection together.

What waits for a broker goes to it in one request as soon as the one before is confirmed: a record
that is alone waits for nothing, and of many a request takes many. A message is asked whether it
leaves when its request is made, in the turn of the loop in which that is written; so nothing leaves
after the deadline of its attempt, or after the attempt was cancelled. The client library's own
producer keeps records for as long as it likes and sends them again by itself: neither could be
promised with it.

A request is sent once. What it lost is the engine's to try again, which holds back what is
later of the same key; so records of a key are in order by their first arrival, and need no
producer that numbers them.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any

import msgspec
import structlog
from aiokafka.conn import AIOKafkaConnection
from aiokafka.partitioner import murmur2
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from tidings.core.delivery.exchange import AttemptResult, FaultKind, TransportFault, of_fault
from tidings.core.delivery.retry_policy import RetryPolicy
from tidings.destinations.deadline import within_its_time
from tidings.destinations.kafka.cluster import NOBODY, Leaders, ProducerCluster, Refusal
from tidings.destinations.kafka.faults import FAILURES, broken, silent
from tidings.destinations.kafka.verdicts import (
    NO_LEADER,
    NO_LOGIN,
    STALE_LEADERS,
    TAKEN,
    TOO_LARGE,
    is_for_good,
    refused,
    taken,
)
from tidings.destinations.port import Headers, Message

log = structlog.get_logger(__name__)

ALL_REPLICAS = -1
BATCH_BYTES, BATCH_BYTES_MIN = 512 * 1024, 16 * 1024
REQUEST_BYTES = 1024 * 1024
HEADERS_BYTES = 600  # of a record, about
THROTTLE_S_MAX = 10.0
MOVES_MAX = 3  # of a partition within one attempt
MOVE_S = 0.1  # so soon does a cluster know of its new leaders

_Place = tuple[str, int]  # topic and partition


class _Record:
    """A message that waits for its broker, or for its confirmation."""

    __slots__ = (
        "alone", "carried", "code", "done", "key", "message", "place", "request", "until_s",
    )  # fmt: skip

    def __init__(
        self, message: Message, carried: Headers, place: _Place, key: bytes | None, until_s: float
    ) -> None:
        self.message = message
        self.carried = carried
        self.place = place
        self.key = key
        self.until_s = until_s
        self.alone = False
        self.request: _Request | None = None  # the one that it has left with
        self.code = TAKEN
        # None: the message said no. Else its offset (`code` is TAKEN) or NOBODY, or a fault.
        self.done: asyncio.Future[int | TransportFault | None] = (
            asyncio.get_running_loop().create_future()
        )

    def end(self, ending: int | TransportFault | None, code: int = TAKEN) -> None:
        if not self.done.done():
            self.code = code
            self.done.set_result(ending)


class _Request:
    """The records that went to a broker together, until it answers, or nobody waits for that any
    more."""

    __slots__ = ("abandoned", "batches", "waiting")

    def __init__(self) -> None:
        self.batches: dict[_Place, tuple[list[_Record], DefaultRecordBatchBuilder]] = {}
        self.waiting = 0
        self.abandoned: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def abandon(self) -> None:
        """Note that the attempt of one of its records is over; with the last of them the request is
        abandoned."""
        self.waiting -= 1
        if not self.waiting and not self.abandoned.done():
            self.abandoned.set_result(None)


class KafkaProducer:
    """Of one connection; for all its webhooks."""

    def __init__(
        self, login: Mapping[str, Any], connection: str, now_s: Callable[[], float]
    ) -> None:
        self.users = 0  # channels
        self._cluster = ProducerCluster(login, connection)
        self._now_s = now_s
        self._queues: dict[int, deque[_Record]] = {}
        self._sending: dict[int, asyncio.Task[None]] = {}
        self._due_s: dict[int, float] = {}  # by when what is sent to a broker must have ended
        self._batch_bytes: dict[str, int] = {}  # of topics that take less than others
        self._turn = 0

    def overdue_s(self) -> float:
        """Tell for how long a task of ours has been at records whose time is over, in seconds."""
        due_s = min(
            (due_s for node, due_s in self._due_s.items() if not self._sending[node].done()),
            default=None,
        )
        return 0.0 if due_s is None else max(0.0, monotonic() - due_s)

    async def send(
        self,
        topic: str,
        key: bytes | None,
        message: Message,
        carried: Headers,
        policy: RetryPolicy,
    ) -> AttemptResult | None:
        """See `Channel.send`. `key`: the record's."""
        began_s = monotonic()
        left, moves = False, 0
        record: _Record | None = None
        try:
            async with within_its_time(message):
                while True:
                    where = await self._leader(topic, key)
                    if not isinstance(where, tuple):
                        if where == NO_LEADER and moves < MOVES_MAX:
                            moves += 1
                            await asyncio.sleep(MOVE_S)
                            continue
                        return self._judged(where, topic, None, began_s, policy)
                    node, partition = where
                    until_s = began_s + message.deadline_s
                    record = _Record(message, carried, (topic, partition), key, until_s)
                    self._put(node, record)
                    ending = await record.done
                    if ending is None:
                        return None
                    if isinstance(ending, TransportFault):
                        return self._judged(ending, topic, partition, began_s, policy)
                    if record.code == TAKEN:
                        return taken(topic, partition, ending, _since_ms(began_s))
                    if record.code not in STALE_LEADERS or moves == MOVES_MAX:
                        return self._judged(record.code, topic, partition, began_s, policy)
                    left, moves = True, moves + 1
                    await asyncio.sleep(MOVE_S)
        except TimeoutError:
            left = left or _abandoned(record)
            took_ms = _since_ms(began_s)
            known = record is not None
            result = of_fault(silent(left=left, known=known, duration_ms=took_ms))
            return msgspec.structs.replace(result, unusable=not (left or known))
        except asyncio.CancelledError:
            _abandoned(record)
            raise

    async def close(self) -> None:
        """Let go of every connection. Nobody waits for a record any more."""
        tasks = list(self._sending.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._cluster.close()

    # -- inside -----------------------------------------------------------------------------------

    def _judged(
        self,
        refusal: Refusal,
        topic: str,
        partition: int | None,
        began_s: float,
        policy: RetryPolicy,
    ) -> AttemptResult:
        if isinstance(refusal, TransportFault):
            result = of_fault(msgspec.structs.replace(refusal, duration_ms=_since_ms(began_s)))
            unusable = not refusal.sent and refusal.kind is not FaultKind.OURS
        else:
            result = refused(refusal, topic, partition, _since_ms(began_s), policy)
            unusable = refusal == NO_LOGIN
        return msgspec.structs.replace(result, unusable=unusable)

    async def _leader(self, topic: str, key: bytes | None) -> tuple[int, int] | Refusal:
        """The broker and the partition of a record."""
        cluster = self._cluster
        found: Leaders | Refusal = cluster.leaders(topic) or await cluster.find(topic)
        if not isinstance(found, Leaders):
            return found
        nodes = found.nodes
        if key is not None:  # as producers of Kafka itself do
            partition = (murmur2(key) & 0x7FFFFFFF) % len(nodes)
        else:
            led = [n for n, node in enumerate(nodes) if node != NOBODY] or [0]
            partition = led[self._turn % len(led)]
        if nodes[partition] == NOBODY:
            cluster.forget()
            return NO_LEADER
        return nodes[partition], partition

    def _put(self, node: int, record: _Record) -> None:
        queue = self._queues.setdefault(node, deque())
        queue.append(record)
        running = self._sending.get(node)
        if running is None or running.done():
            self._sending[node] = asyncio.create_task(self._run(node, queue))

    async def _run(self, node: int, queue: deque[_Record]) -> None:
        """Send request after request, while something waits for the broker. Whatever is raised ends
        what waits: nobody else would, and the broker is not to blame for it."""
        try:
            while queue:
                self._due_s[node] = queue[-1].until_s
                line = await self._cluster.line_to(node)
                if not isinstance(line, AIOKafkaConnection):
                    self._cluster.forget()
                    self._end_all(queue, line)
                    return
                await self._request(node, line, queue)
        except BaseException as error:
            self._end_all(queue, _failed(error, sent=False))
            if not isinstance(error, Exception):
                raise
            log.error("kafka producer failed", error=type(error).__name__)

    def _end_all(self, queue: deque[_Record], refusal: Refusal) -> None:
        while queue:
            record = queue.popleft()
            if isinstance(refusal, TransportFault):
                record.end(refusal)
            else:
                record.end(NOBODY, refusal)

    async def _request(self, node: int, line: AIOKafkaConnection, queue: deque[_Record]) -> None:
        """One request of what waits, to its answer. From the first message that is asked whether it
        leaves until the request is written, nothing is awaited."""
        request, taken, begun = _Request(), list[_Record](), False
        try:
            self._fill(request, queue, taken)
            if not request.waiting:
                return
            records = [record for batch, _ in request.batches.values() for record in batch]
            begun = True
            await self._exchange(node, line, request, records, queue)
        except BaseException as error:  # nobody else knows of them any more
            if begun and isinstance(error, Exception):
                self._cluster.drop(node)
            for record in taken:
                record.end(_failed(error, sent=begun))
            raise
        left_out = [record for record in records if not record.done.done()]
        waiting = {id(record) for record in queue} if left_out else set()  # those taken apart
        for record in left_out:
            if id(record) not in waiting:
                record.end(_failed(LookupError(), sent=True))

    async def _exchange(
        self,
        node: int,
        line: AIOKafkaConnection,
        request: "_Request",
        records: list[_Record],
        queue: deque[_Record],
    ) -> None:
        self._due_s[node] = max(record.until_s for record in records)
        wait_s = self._due_s[node] - monotonic()
        topics: dict[str, list[tuple[int, bytes]]] = {}
        for (topic, partition), (_, builder) in request.batches.items():
            topics.setdefault(topic, []).append((partition, bytes(builder.build())))
        wait_ms = max(1, int(wait_s * 1000))  # so long the broker waits for replicas
        produce = ProduceRequest(None, ALL_REPLICAS, wait_ms, list(topics.items()))
        try:
            answering = asyncio.ensure_future(line.send(produce))
            try:
                await asyncio.wait(
                    (answering, request.abandoned), return_when=asyncio.FIRST_COMPLETED
                )
            finally:
                if not answering.done():  # what comes of it is nobody's any more
                    answering.cancel()
                    self._cluster.drop(node)
            if answering.cancelled() or not answering.done():
                self._cluster.forget()
                return
            answer = answering.result()
        except FAILURES as error:
            fault = broken(error, self._cluster.connection)
            self._cluster.drop(node)
            self._cluster.forget()
            for record in records:
                record.end(fault)
            return
        self._tell(request, answer, queue)
        if throttle_ms := getattr(answer, "throttle_time_ms", 0):
            await asyncio.sleep(min(throttle_ms / 1000, THROTTLE_S_MAX))

    def _fill(self, request: _Request, queue: deque[_Record], taken: list[_Record]) -> None:
        """Fill the next request with what is taken from the queue for it; `taken` has each record
        before the queue has it no more, whatever is raised."""
        batches, sizes = request.batches, dict[_Place, int]()
        now_s, total = monotonic(), 0
        at_ms = int(self._now_s() * 1000)
        self._turn += 1
        while queue and total < REQUEST_BYTES:
            record = queue[0]
            place, message = record.place, record.message
            if record.done.done() or record.until_s <= now_s:
                queue.popleft()  # its attempt is over
                continue
            size = len(message.body) + HEADERS_BYTES
            if place in batches:
                room = self._batch_bytes.get(place[0], BATCH_BYTES) - sizes[place]
                if size > room or record.alone or batches[place][0][-1].alone:
                    break
            taken.append(record)
            queue.popleft()
            try:
                headers = message.headers_if_current(record.carried)
                if headers is None:
                    record.end(None)
                    continue
                if place not in batches:
                    batches[place], sizes[place] = ([], _builder()), 0
                batch, builder = batches[place]
                builder.append(
                    len(batch),
                    at_ms,
                    record.key,
                    message.body,
                    [(name, value.encode()) for name, value in headers],
                )
            except Exception as error:  # of this record; the others go
                log.error("a record cannot be written", error=type(error).__name__)
                record.end(_failed(error, sent=False))
                if place in batches and not batches[place][0]:
                    del batches[place], sizes[place]
                continue
            batch.append(record)
            record.request = request
            request.waiting += 1
            sizes[place] += size
            total += size

    def _tell(self, request: _Request, answer: Any, queue: deque[_Record]) -> None:
        """Each record of the request what the broker says of it. A batch that is refused for good
        is taken apart, for one record of it may be the reason."""
        for topic, partitions in answer.topics:
            for partition, code, offset, *_ in partitions:
                batch, _ = request.batches[topic, partition]
                if code == TAKEN:
                    for at, record in enumerate(batch):
                        record.end(offset + at)
                    continue
                if code in STALE_LEADERS:
                    self._cluster.forget()
                elif len(batch) > 1 and is_for_good(code):
                    self._take_apart(topic, batch, code, queue)
                    continue
                for record in batch:
                    record.end(NOBODY, code)

    def _take_apart(
        self, topic: str, batch: list[_Record], code: int, queue: deque[_Record]
    ) -> None:
        size = sum(len(record.message.body) + HEADERS_BYTES for record in batch)
        if code in TOO_LARGE and size > BATCH_BYTES_MIN:
            self._batch_bytes[topic] = max(BATCH_BYTES_MIN, size // 2)
        else:
            for record in batch:
                record.alone = True
        queue.extendleft(reversed(batch))


def _abandoned(record: _Record | None) -> bool:
    """Nobody waits for it any more; whether it has left."""
    if record is None or record.request is None:
        return False
    record.request.abandon()
    return True


def _failed(error: BaseException, *, sent: bool) -> TransportFault:
    words = (
        "Tidings failed to write to Kafka, because of an error of its own "
        f"({type(error).__name__}). That is not the receiver's fault. Tidings will retry."
    )
    return TransportFault(FaultKind.OURS, sent, words, duration_ms=0.0)


def _builder() -> DefaultRecordBatchBuilder:
    """Make the builder of a batch; how much goes into it is ours to bound."""
    return DefaultRecordBatchBuilder(
        2,
        0,
        is_transactional=0,
        producer_id=-1,
        producer_epoch=-1,
        base_sequence=-1,
        batch_size=2**30,
    )


def _since_ms(began_s: float) -> float:
    return (monotonic() - began_s) * 1e3
