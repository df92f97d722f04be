"""The driver against a real Kafka: in order, never lost, and not again once acknowledged."""

import asyncio
from collections import defaultdict

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.admin import CreateAclsRequest

from tests.sources.kafka.logins import login
from tests.sources.kafka.server import ALICE, CAROL, CLUSTER, MALLORY, SCRAM, KafkaServer
from tests.sources.kafka.subject import INSTALLATION, KafkaSubject, read_all
from tidings.connections.port import ConnectionDown
from tidings.core.sources.message import ForeignMessage
from tidings.sources.kafka.driver import KafkaDriver
from tidings.sources.port import BATCH_BYTES_MAX, BATCH_MAX, OpenSource

pytestmark = pytest.mark.systems
KEYS = 5
TOPIC, GROUP, LITERAL, READ, DESCRIBE, ALLOW = 2, 3, 3, 3, 8, 3  # as the protocol has them


async def fill(subject: KafkaSubject, count: int, begin: int = 0) -> None:
    await subject.produce_all(
        [(f"k{n % KEYS}", (), str(n).encode()) for n in range(begin, begin + count)]
    )


def numbers(messages: list[ForeignMessage]) -> list[int]:
    return [int(message.body) for message in messages]


async def test_each_key_is_read_in_its_order_in_batches_and_each_place_is_its_own(
    subject: KafkaSubject,
) -> None:
    count = BATCH_MAX * 3
    await fill(subject, count)
    reading = await subject.open()
    found: list[ForeignMessage] = []
    while len(found) < count:
        batch = await reading.read()
        assert 0 < len(batch) <= BATCH_MAX
        found += batch
        await reading.acknowledge()
    assert await reading.lag() == 0
    await reading.close()
    await reading.close()
    by_key = defaultdict(list)
    for message in found:
        by_key[message.header("kafka-key")].append(int(message.body))
    assert by_key == {f"k{n}": list(range(n, count, KEYS)) for n in range(KEYS)}
    assert len({message.place for message in found}) == count
    cluster, topic, topic_id, partition, offset = found[0].place.split("/")
    assert (cluster, topic) == (CLUSTER, subject.topic) and len(topic_id) == 22
    assert int(partition) in range(3) and int(offset) >= 0


async def test_what_was_not_acknowledged_comes_again_with_its_place_and_nothing_else_does(
    subject: KafkaSubject,
) -> None:
    await fill(subject, 10)
    reading = await subject.open()
    first = await read_all(reading, 10)
    await reading.close()
    reading = await subject.open()
    again = await read_all(reading, 10)
    assert sorted(message.place for message in again) == sorted(message.place for message in first)
    await reading.acknowledge()
    await fill(subject, 5, begin=10)
    await read_all(reading, 5)
    await reading.close()
    reading = await subject.open()
    assert sorted(numbers(await read_all(reading, 5))) == list(range(10, 15))
    await reading.close()


async def test_messages_come_with_key_and_headers_as_text_and_deletions_are_passed_over(
    subject: KafkaSubject,
) -> None:
    await subject.produce("gone", (), None)
    reading = await subject.open()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reading.read(), 2)
    assert await reading.lag() == 0
    await subject.produce("shop-1", [("X-Topic", "paid"), ("ce_id", "7")], b"{}")
    (one,) = await reading.read()
    assert one.headers == [
        ("kafka-topic", subject.topic),
        ("kafka-key", "shop-1"),
        ("X-Topic", "paid"),
        ("ce-id", "7"),
    ]
    await reading.acknowledge()
    await reading.close()


@pytest.mark.parametrize("compression", ["gzip", "lz4", "snappy", "zstd"])
async def test_every_compression_of_producers_is_read(
    subject: KafkaSubject, compression: str
) -> None:
    await subject.produce_all([("k", (), b"1" * 2000)], compression_type=compression)
    reading = await subject.open()
    assert [message.body for message in await read_all(reading, 1)] == [b"1" * 2000]
    await reading.close()


async def test_a_batch_is_bounded_by_its_bytes_too(subject: KafkaSubject) -> None:
    size = 900_000
    await subject.produce_all([("k", (), bytes([n]) * size) for n in range(25)])
    reading = await subject.open()
    found: list[ForeignMessage] = []
    async with asyncio.timeout(60):
        while len(found) < 25:
            batch = await reading.read()
            assert sum(len(message.body) for message in batch) <= BATCH_BYTES_MAX
            found += batch
            assert await reading.lag() == 25 - len(found)
    assert [message.body[0] for message in found] == list(range(25))
    await reading.close()


async def test_from_latest_on_a_group_begins_at_the_end_once(subject: KafkaSubject) -> None:
    await fill(subject, 10)
    reading = await subject.open(start_at="latest")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reading.read(), 2)
    await reading.close()
    await fill(subject, 5, begin=10)
    reading = await subject.open(
        driver=KafkaDriver(subject.places, INSTALLATION), start_at="latest"
    )
    assert sorted(numbers(await read_all(reading, 5))) == list(range(10, 15))
    await reading.close()


async def test_a_topic_that_is_made_anew_is_read_from_its_begin_with_other_places(
    subject: KafkaSubject,
) -> None:
    await fill(subject, 10)
    reading = await subject.open()
    first = await read_all(reading, 10)
    await reading.acknowledge()
    await subject.make_topic()
    await fill(subject, 30)
    with pytest.raises(ConnectionDown, match="made anew") as down:
        async with asyncio.timeout(60):
            await reading.read()
    assert subject.topic in str(down.value)
    await reading.acknowledge()  # of a topic that is no more
    await reading.close()
    reading = await subject.open()
    second = await read_all(reading, 30)
    assert sorted(numbers(second)) == list(range(30))
    assert not {message.place for message in first} & {message.place for message in second}
    await reading.close()


@pytest.mark.parametrize(
    ("stamp", "begin"),
    [
        pytest.param(f"{CLUSTER}/{'A' * 22}", 0, id="of a topic that had the name before"),
        pytest.param(f"{'B' * 22}/{'A' * 22}", 4, id="brought from another cluster"),
        pytest.param("", 4, id="set by an operator"),
    ],
)
async def test_an_offset_of_the_topic_before_is_not_gone_on_from(
    server: KafkaServer, stamp: str, begin: int
) -> None:
    """The broker takes it by the topic's name alone, as that of an acknowledgement on the way."""
    subject = KafkaSubject(server, partitions=1)
    await subject.make_topic()
    await fill(subject, 10)
    partition = TopicPartition(subject.topic, 0)
    other = AIOKafkaConsumer(
        bootstrap_servers=subject.server.servers, group_id="g-" + subject.topic
    )
    other.assign([partition])
    await other.start()
    try:
        await other.commit({partition: (4, stamp)})
    finally:
        await other.stop()
    reading = await subject.open(group="g-" + subject.topic)
    assert numbers(await read_all(reading, 10 - begin)) == list(range(begin, 10))
    await reading.close()


async def test_a_group_of_two_reads_everything_while_one_comes_and_goes(
    subject: KafkaSubject,
) -> None:
    await fill(subject, 200)
    found: set[int] = set()

    async def take(reading: OpenSource) -> None:
        while True:
            messages = await reading.read()
            await asyncio.sleep(0.01)
            await reading.acknowledge()
            found.update(int(message.body) for message in messages)

    first, second = await asyncio.gather(subject.open(), subject.open())
    tasks = [asyncio.create_task(take(open_source)) for open_source in (first, second)]
    await fill(subject, 200, begin=200)
    await asyncio.sleep(0.5)
    tasks[1].cancel()
    await asyncio.wait(tasks[1:])
    await second.close()
    await fill(subject, 200, begin=400)
    async with asyncio.timeout(60):
        while len(found) < 600:
            assert not tasks[0].done(), tasks[0]
            await asyncio.sleep(0.05)
    tasks[0].cancel()
    await asyncio.wait(tasks[:1])
    await first.close()
    reading = await subject.open()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reading.read(), 2)
    assert await reading.lag() == 0
    await reading.close()


async def test_a_broker_that_goes_is_told_and_nothing_is_lost_when_it_is_back(
    subject: KafkaSubject,
) -> None:
    await fill(subject, 20)
    reading = await subject.open()
    await read_all(reading, 20)
    await reading.acknowledge()
    await fill(subject, 20, begin=20)
    await read_all(reading, 20)
    subject.server.kill()
    try:
        with pytest.raises(ConnectionDown, match="must answer"):
            async with asyncio.timeout(60):
                await reading.acknowledge()
        with pytest.raises(ConnectionDown, match="must answer"):
            async with asyncio.timeout(60):
                await reading.read()
        await reading.close()
        with pytest.raises(ConnectionDown, match="must answer"):
            await subject.open()
    finally:
        subject.server.start()
    reading = await subject.reopened()
    # What was being acknowledged may come again, or not: its place is kept here too.
    await fill(subject, 20, begin=40)
    found: set[int] = set()
    async with asyncio.timeout(60):
        while not found >= set(range(40, 60)):
            found |= set(numbers(list(await reading.read())))
    assert found <= set(range(20, 60))
    await reading.acknowledge()
    await reading.close()


@pytest.mark.parametrize("mechanism", [SCRAM, "PLAIN"])
async def test_who_logs_in_reads(subject: KafkaSubject, mechanism: str) -> None:
    await fill(subject, 3)
    reading = await subject.open(login(subject.server, ALICE, mechanism=mechanism))
    assert len(await read_all(reading, 3)) == 3
    await reading.close()


async def test_over_tls_a_server_is_known_by_the_ca_and_no_other_is_read(
    subject: KafkaSubject,
) -> None:
    await fill(subject, 3)
    fields = {"servers": f"127.0.0.1:{subject.server.tls_port}", "security": "ssl"}
    reading = await subject.open(fields | {"ca": str(subject.server.ca)})
    assert len(await read_all(reading, 3)) == 3
    await reading.close()
    with pytest.raises(ConnectionDown, match="certificates that fit"):
        await subject.open(fields)


async def test_who_logs_in_over_tls_reads(subject: KafkaSubject) -> None:
    await fill(subject, 3)
    over_tls = {
        "servers": f"127.0.0.1:{subject.server.sasl_tls_port}",
        "security": "sasl_ssl",
        "ca": str(subject.server.ca),
    }
    reading = await subject.open(login(subject.server, ALICE, **over_tls))
    assert len(await read_all(reading, 3)) == 3
    await reading.close()
    with pytest.raises(ConnectionDown, match="it refused them"):
        await subject.open(login(subject.server, (ALICE[0], "a-wrong-5ecret"), **over_tls))


async def test_where_both_sides_show_certificates_ours_is_asked_for(subject: KafkaSubject) -> None:
    await fill(subject, 3)
    server = subject.server
    fields = {
        "servers": f"127.0.0.1:{server.mutual_port}",
        "security": "ssl",
        "ca": str(server.ca),
    }
    reading = await subject.open(fields | {"certificate": str(server.client)})
    assert len(await read_all(reading, 3)) == 3
    await reading.close()
    with pytest.raises(ConnectionDown, match="certificates that fit"):
        await subject.open(fields)


async def allow(server: KafkaServer, resource: int, name: str, operation: int) -> None:
    """CAROL may do this."""
    admin = AIOKafkaAdminClient(bootstrap_servers=server.servers)
    await admin.start()
    try:
        user = f"User:{CAROL[0]}"
        answer = await admin._send_request(
            CreateAclsRequest(resource, name, LITERAL, user, "*", operation, ALLOW)
        )
        assert [code for code, _ in answer.creation_responses] == [0]
    finally:
        await admin.close()


async def refusal(subject: KafkaSubject, what: str) -> str:
    """What CAROL is told, once the broker goes by what she may do."""
    fields = login(subject.server, CAROL)
    async with asyncio.timeout(60):
        while True:
            with pytest.raises(ConnectionDown) as down:
                reading = await subject.open(fields, group="carols")
                try:
                    await reading.read()
                finally:
                    await reading.close()
            if what in str(down.value):
                return str(down.value)


async def test_who_may_read_the_topic_and_not_its_group_is_told_so(subject: KafkaSubject) -> None:
    await fill(subject, 3)
    await allow(subject.server, TOPIC, subject.topic, READ)
    assert await refusal(subject, "group") == (
        "The Kafka cluster of the connection main must allow the source to READ its consumer "
        "group; it does not. Ask the operator."
    )


async def test_who_may_see_a_topic_and_not_read_it_is_told_so(subject: KafkaSubject) -> None:
    await fill(subject, 3)
    await allow(subject.server, GROUP, "carols", READ)
    await allow(subject.server, TOPIC, subject.topic, DESCRIBE)
    told = await refusal(subject, "READ the source's topics")
    assert "main must allow" in told and "Ask the operator" in told
    await allow(subject.server, TOPIC, subject.topic, READ)
    async with asyncio.timeout(60):
        while True:
            try:
                reading = await subject.open(login(subject.server, CAROL), group="carols")
                assert await read_all(reading, 3)
                break
            except ConnectionDown:
                await reading.close()
    await reading.close()


async def test_what_is_wrong_is_said_without_a_secret_or_an_address(subject: KafkaSubject) -> None:
    server = subject.server
    with pytest.raises(ConnectionDown, match="it refused them") as refused:
        await subject.open(login(server, (ALICE[0], "a-wrong-5ecret")))
    with pytest.raises(ConnectionDown, match=f"READ {subject.topic}") as topic:
        await subject.open(login(server, MALLORY))
    with pytest.raises(ConnectionDown, match="none of that name") as missing:
        await subject.open(topics=("no-such-topic",))
    for exception_info in (refused, topic, missing):
        for secret in ("5ecret", "127.0.0.1", ALICE[0], MALLORY[0]):
            assert secret not in str(exception_info.value)


async def test_strangers_who_read_with_the_group_are_named(subject: KafkaSubject) -> None:
    reading = await subject.open()
    group = f"tidings-events-{subject.number}"
    other = AIOKafkaConsumer(
        subject.topic,
        bootstrap_servers=subject.server.servers,
        group_id=group,
        client_id="orders-app",
    )
    reader = asyncio.create_task(reading.read())  # who reads joins again
    try:
        await other.start()
        async with asyncio.timeout(60):
            while await reading.others() != ["orders-app"]:
                await asyncio.sleep(0.1)
    finally:
        reader.cancel()
        await other.stop()
        await reading.close()
