"""What every driver of sources promises, whatever holds the messages."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from itertools import groupby

import pytest

from tests.sources.conformance.drivers import DRIVERS
from tests.sources.conformance.readings import WAIT_S, opened, taken
from tests.sources.conformance.subject import Made, NewSubject, Subject
from tidings.connections.port import ConnectionDown
from tidings.core.sources.message import ForeignMessage
from tidings.sources.kafka import reading as kafka_reading
from tidings.sources.port import BATCH_BYTES_MAX, BATCH_MAX, OpenSource

QUIET_S = 1.5  # nothing comes in this time where nothing is to come
KEYS = 3


@pytest.fixture(params=DRIVERS)
def subject(request: pytest.FixtureRequest) -> Subject:
    new: NewSubject = request.param
    return new(request)


def made(count: int, start: int = 0) -> list[Made]:
    """Messages that say their number, of a few keys in turn."""
    return [
        Made(f"key-{n % KEYS}", f'{{"n": {n}}}'.encode(), {"x-key": f"key-{n % KEYS}"})
        for n in range(start, start + count)
    ]


async def nothing_comes(reading: OpenSource) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(QUIET_S):
            pytest.fail(f"nothing was to come: {await reading.read()}")


def by_key(messages: Sequence[ForeignMessage]) -> dict[str | None, list[bytes]]:
    def key(one: ForeignMessage) -> str:
        return one.header("x-key") or ""

    ordered = sorted(messages, key=key)
    return {name: [message.body for message in ours] for name, ours in groupby(ordered, key)}


async def test_messages_come_as_they_are_in_the_order_of_their_key(subject: Subject) -> None:
    sent = made(BATCH_MAX + 100)
    await subject.produce(*sent)
    async with opened(subject) as reading:
        found = await taken(reading, len(sent))
    assert len(found) == len(sent)
    for n in range(KEYS):
        assert by_key(found)[f"key-{n}"] == [pair.body for pair in sent if pair.key == f"key-{n}"]


async def test_headers_and_bytes_are_kept(subject: Subject) -> None:
    body = '{ "total" : 10.50,\n "größe":1e2 }'.encode()
    await subject.produce(Made("a", body, {"X-Topic": "paid", "x-two": "ä"}))
    async with opened(subject) as reading:
        [message] = await taken(reading, 1)
    assert message.body == body
    assert message.header("x-topic") == "paid" and message.header("X-Two") == "ä"


async def test_what_was_not_acknowledged_comes_again_with_the_same_places(subject: Subject) -> None:
    await subject.produce(*made(20))
    async with opened(subject) as reading:
        first = await taken(reading, 20, acknowledge=False)
    async with opened(subject) as reading:
        again = await taken(reading, 20)
    assert sorted((message.place, message.body) for message in again) == sorted(
        (message.place, message.body) for message in first
    )
    assert len({message.place for message in first}) == 20


async def test_what_was_acknowledged_never_comes_again(subject: Subject) -> None:
    await subject.produce(*made(20))
    async with opened(subject) as reading:
        before = await taken(reading, 20)
        await nothing_comes(reading)
    async with opened(subject) as reading:
        await nothing_comes(reading)
    await subject.produce(*made(5, 20))
    async with opened(subject) as reading:
        after = await taken(reading, 5)
    assert len(after) == 5
    assert not {message.place for message in before} & {message.place for message in after}


async def test_what_was_read_comes_once_in_a_reading_though_nothing_is_acknowledged(
    subject: Subject,
) -> None:
    async with opened(subject) as reading:
        await subject.produce(*made(10))
        found = await taken(reading, 10, acknowledge=False)
        await subject.produce(*made(10, 10))
        found += await taken(reading, 10, acknowledge=False)
        assert len({message.place for message in found}) == len(found) == 20
        await reading.acknowledge()
        await nothing_comes(reading)


async def test_a_batch_is_bounded_in_messages_and_in_bytes(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A scripted broker and its driver take turns in one process: on a busy machine ten megabytes
    # last longer than a commit behind them may.
    monkeypatch.setattr(kafka_reading, "COMMIT_S", WAIT_S)
    big = b'"' + b"x" * (1 << 19) + b'"'
    await subject.produce(*[Made("a", big)] * 20, *made(BATCH_MAX + 10))
    found = 0
    async with opened(subject) as reading, asyncio.timeout(WAIT_S):
        while found < BATCH_MAX + 30:
            batch = await reading.read()
            found += len(batch)
            assert 0 < len(batch) <= BATCH_MAX
            assert sum(len(message.body) for message in batch) <= BATCH_BYTES_MAX
            await reading.acknowledge()


async def test_it_waits_without_work_and_is_woken(subject: Subject) -> None:
    async with opened(subject) as reading:
        reader = asyncio.create_task(taken(reading, 1))
        await asyncio.sleep(0.3)
        before = time.process_time()
        await asyncio.sleep(1.0)
        assert time.process_time() - before < 0.3 and not reader.done()
        await subject.produce(*made(1))
        assert len(await reader) == 1


async def test_lag_is_what_waits_behind_what_was_read(subject: Subject) -> None:
    await subject.produce(*made(30))
    async with opened(subject) as reading:
        read = len(await taken(reading, 1, acknowledge=False))
        assert await reading.lag() in (None, 30 - read)
        await reading.acknowledge()
        assert await reading.lag() in (None, 30 - read)


async def test_a_reading_may_be_closed_twice_and_while_it_waits(subject: Subject) -> None:
    reading = await subject.open()
    reader = asyncio.create_task(reading.read())
    await asyncio.sleep(0.1)
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    await reading.close()
    await reading.close()


async def test_a_server_that_is_gone_is_told_and_reading_goes_on_when_it_is_back(
    subject: Subject,
) -> None:
    await subject.produce(*made(20))
    reading = await subject.open()
    try:
        first = await taken(reading, 1, acknowledge=False)
        await asyncio.to_thread(subject.stop_server)
        with pytest.raises(ConnectionDown):
            async with asyncio.timeout(WAIT_S):
                await reading.acknowledge()
                while True:  # what is on its way may come
                    await reading.read()
        await reading.close()
        with pytest.raises(ConnectionDown):
            await subject.open()
    finally:
        await reading.close()
        await asyncio.to_thread(subject.start_server)
    # What was being acknowledged may come again, or not: a driver may keep the places itself.
    places = {message.place for message in first}
    found: list[str] = []
    async with opened(subject) as reading, asyncio.timeout(WAIT_S):
        while len(places | set(found)) < 20:
            found += [message.place for message in await reading.read()]
            await reading.acknowledge()
        with suppress(TimeoutError):
            while True:
                async with asyncio.timeout(QUIET_S):
                    found += [message.place for message in await reading.read()]
    assert len(found) == len(set(found)) and len(places | set(found)) == 20
