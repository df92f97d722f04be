"""Where a source begins the partitions of its topics: nothing that was sent after its first start
is passed over, and nothing that was read is read again. Over a scripted broker."""

import asyncio
from base64 import urlsafe_b64encode
from collections.abc import Callable

import pytest

from tests.sources.kafka.scripted import Group
from tests.sources.kafka.scripted_subject import TOPIC, ScriptedSubject
from tests.sources.kafka.subject import INSTALLATION
from tidings.connections.port import ConnectionDown
from tidings.sources.kafka import saved_places
from tidings.store.port import StoreDown

GROUP = "tidings-events-7"
OTHER = "2e" * 8


def numbers(count: int, begin: int = 0) -> list[bytes]:
    return [b"%06d" % number for number in range(begin, begin + count)]


async def nothing_comes(subject: ScriptedSubject, **kafka: str) -> None:
    reading = await subject.open(**kafka)
    try:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.2):
                pytest.fail(f"nothing was to come: {await reading.read()}")
    finally:
        await reading.close()


def grow(subject: ScriptedSubject) -> None:
    """A partition is added."""
    topic = subject.broker.topics[TOPIC]
    topic.partitions.append(type(topic.partitions[0])())
    subject.fill(numbers(5, 100), partition=len(topic.partitions) - 1)


def anew(subject: ScriptedSubject) -> None:
    """The topic is made anew."""
    subject.broker.make_topic(TOPIC, 2)
    subject.fill(numbers(5, 100), partition=1)


def forget(subject: ScriptedSubject) -> None:
    """The broker has forgotten the group."""
    subject.broker.forget_groups()
    subject.fill(numbers(5, 100))


def forget_and_grow(subject: ScriptedSubject) -> None:
    subject.broker.forget_groups()
    grow(subject)


def forget_and_anew(subject: ScriptedSubject) -> None:
    subject.broker.forget_groups()
    anew(subject)


CHANGES = [grow, anew, forget, forget_and_grow, forget_and_anew]


@pytest.mark.parametrize("start_at", ["latest", "earliest"])
@pytest.mark.parametrize("change", CHANGES)
async def test_what_comes_while_the_service_is_down_is_read_once_whatever_changed(
    scripted: ScriptedSubject, change: Callable[[ScriptedSubject], None], start_at: str
) -> None:
    scripted.fill(numbers(10))
    if start_at == "latest":
        await nothing_comes(scripted, start_at=start_at)
        scripted.fill(numbers(3, 50))
        assert await scripted.read(3, start_at=start_at) == numbers(3, 50)
    else:
        assert await scripted.read(10) == numbers(10)
    change(scripted)
    assert await scripted.read(5, start_at=start_at) == numbers(5, 100)
    await nothing_comes(scripted, start_at=start_at)


async def test_what_comes_right_after_the_first_start_is_read_though_nothing_was_read_before(
    scripted: ScriptedSubject,
) -> None:
    """Every partition has its place then: nobody need have been given it."""
    scripted.fill(numbers(10))
    await (await scripted.open(start_at="latest")).close()
    scripted.fill(numbers(5, 100), partition=2)
    assert await scripted.read(5, start_at="latest") == numbers(5, 100)


async def test_a_topic_that_was_not_there_at_the_first_start_is_read_from_its_beginning(
    scripted: ScriptedSubject,
) -> None:
    scripted.broker.delete_topic(TOPIC)
    with pytest.raises(ConnectionDown, match="none of that name"):
        await scripted.open(start_at="latest")
    scripted.broker.make_topic(TOPIC)
    scripted.fill(numbers(5))
    assert await scripted.read(5, start_at="latest") == numbers(5)


async def test_what_is_new_while_it_is_read_is_read_from_its_beginning(
    scripted: ScriptedSubject,
) -> None:
    await (await scripted.open(start_at="latest")).close()
    reading = await scripted.open(start_at="latest")
    anew(scripted)
    with pytest.raises(ConnectionDown, match="made anew"):
        async with asyncio.timeout(60):
            await reading.read()
    await reading.close()
    assert await scripted.read(5, start_at="latest") == numbers(5, 100)


@pytest.mark.parametrize("start_at", ["latest", "earliest"])
async def test_what_the_version_before_has_committed_is_taken_over(
    scripted: ScriptedSubject, start_at: str
) -> None:
    """It kept no places, and put cluster and topic beside its offsets."""
    scripted.fill(numbers(10))
    topic = scripted.broker.topics[TOPIC]
    id = urlsafe_b64encode(topic.id).rstrip(b"=").decode()
    stamp = f"{scripted.broker.cluster_id}/{id}"
    scripted.broker.groups[GROUP] = group = Group()
    group.offsets = {(TOPIC, 0): (10, stamp), (TOPIC, 1): (0, stamp)}
    assert len(topic.partitions) == 3
    scripted.fill(numbers(5, 100), partition=2)  # which the group has not seen
    assert await scripted.read(5, start_at=start_at) == numbers(5, 100)
    scripted.broker.forget_groups()
    await nothing_comes(scripted, start_at=start_at)


async def test_an_operator_sets_the_group_and_it_is_gone_on_from_there(
    scripted: ScriptedSubject,
) -> None:
    scripted.fill(numbers(10))
    assert await scripted.read(10) == numbers(10)
    scripted.broker.groups[GROUP].offsets[TOPIC, 0] = (4, "")
    assert await scripted.read(6) == numbers(6, 4)


async def test_what_another_installation_of_the_group_has_read_is_not_read_again(
    scripted: ScriptedSubject,
) -> None:
    scripted.fill(numbers(10))
    assert await scripted.read(10) == numbers(10)
    mine, scripted.places.kept = scripted.places.kept, {}
    scripted.fill(numbers(5, 100))
    assert await scripted.read(5, installation=OTHER) == numbers(5, 100)
    scripted.places.kept = mine
    scripted.fill(numbers(5, 200))
    assert await scripted.read(5) == numbers(5, 200)


async def test_what_our_store_has_lost_by_a_restore_is_read_again_though_it_is_committed(
    scripted: ScriptedSubject,
) -> None:
    scripted.fill(numbers(10))
    assert await scripted.read(10) == numbers(10)
    copy = {7: dict(scripted.places.kept[7])}
    scripted.fill(numbers(5, 100))
    assert await scripted.read(5) == numbers(5, 100)
    scripted.places.kept = copy
    assert await scripted.read(5) == numbers(5, 100)


async def test_what_has_expired_before_it_was_read_is_passed_over_and_the_rest_is_read(
    scripted: ScriptedSubject,
) -> None:
    scripted.fill(numbers(10))
    assert await scripted.read(10) == numbers(10)
    partition = scripted.broker.topics[TOPIC].partitions[0]
    scripted.run(scripted.broker.produce(TOPIC, [(None, (), b"gone")] * 10))
    scripted.fill(numbers(5, 100))
    del partition.batches[:2]
    partition.begin = 20
    assert await scripted.read(5) == numbers(5, 100)


async def test_places_are_written_in_a_while_and_at_the_end_and_not_with_every_batch(
    scripted: ScriptedSubject, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = 0
    put = scripted.places.put_topic_places

    async def counted(source: int, places: object) -> None:
        nonlocal written
        written += 1
        await put(source, places)  # type: ignore[arg-type]

    monkeypatch.setattr(scripted.places, "put_topic_places", counted)
    reading = await scripted.open()
    begun = asyncio.create_task(reading.read())
    scripted.fill(numbers(1))
    assert len(await begun) == 1
    await reading.acknowledge()
    before = written
    for number in range(50):
        scripted.fill(numbers(1, number))
        assert await reading.read()
        await reading.acknowledge()
    assert written - before <= 10
    await reading.close()
    assert scripted.places.kept[7][TOPIC, 0].offset == 51
    assert scripted.broker.groups[GROUP].offsets[TOPIC, 0][1].startswith(f"{INSTALLATION}.7@")


@pytest.mark.parametrize("refused", ["topic_places", "put_topic_places"])
async def test_a_store_that_refuses_places_holds_the_source_and_nothing_is_passed_over(
    scripted: ScriptedSubject, monkeypatch: pytest.MonkeyPatch, refused: str
) -> None:
    scripted.fill(numbers(10))

    async def down(*_: object) -> None:
        raise StoreDown("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(scripted.places, refused, down)
        with pytest.raises(StoreDown):
            await scripted.open()
    reading = await scripted.open()
    found = len(await reading.read())
    with monkeypatch.context() as patch:
        patch.setattr(scripted.places, refused, down)
        patch.setattr(saved_places, "SAVE_EVERY_S", 0.0)
        if refused == "put_topic_places":
            with pytest.raises(StoreDown):
                await reading.acknowledge()
        await reading.close()
    assert found == 10 and await scripted.read(10) == numbers(10)


async def test_strangers_who_read_with_the_group_are_named(scripted: ScriptedSubject) -> None:
    scripted.fill(numbers(1))
    reading = await scripted.open()
    try:
        await reading.read()
        assert await reading.others() == []
        scripted.broker.groups[GROUP].strangers = ["orders-app", f"tidings-{OTHER}", "orders-app"]
        assert await reading.others() == ["orders-app", f"tidings-{OTHER}"]
        scripted.stop_server()
        assert await reading.others() == []
    finally:
        await reading.close()
