"""The producer with the real service, in threads, in loops, over a fork."""

import asyncio
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.harness.api import Api
from tests.e2e.harness.service import KEY, SECRET, ServiceProcess
from tests.e2e.harness.until import until
from tests.loops.own_time import own_time
from tests.producer.told import ToldService
from tidings_producer import (
    AsyncProducer,
    Closed,
    EventError,
    EventRefused,
    Forked,
    Producer,
    Spool,
    SpoolFailed,
    SpoolLocked,
    Unanswered,
    event,
)
from tidings_producer.waiting import Waiting

ToTold = Callable[..., Producer]


def issued(number: int, customer: int = 7) -> Any:
    data = {"totalPointsIssued": number, "customerIdentifiers": {"customerId": customer}}
    return event("pointsIssued", data)


@pytest.fixture
def to_service(service: ServiceProcess, api: Api) -> Iterator[ToTold]:
    """Makes producers for an org of the test's own."""
    made: list[Producer] = []

    def make(**settings: Any) -> Producer:
        url = f"http://127.0.0.1:{service.port}"
        made.append(Producer(url, KEY, SECRET, org=api.org, **settings))
        return made[-1]

    yield make
    for producer in made:
        producer.close(0.0)


def test_the_service_has_it_when_send_returns(to_service: ToTold, api: Api) -> None:
    producer = to_service()
    ids = [producer.send(issued(1)), *producer.send_many([issued(2), issued(3)])]
    assert [api.event(id)["eventName"] for id in ids] == ["pointsIssued"] * 3
    assert producer.send_many([]) == []
    sent = issued(4)
    assert producer.send(sent) == producer.send(sent)
    assert (producer.status().accepted, producer.status().duplicates) == (4, 1)


def test_the_service_refuses_what_it_does_not_know(
    to_service: ToTold, api: Api, tmp_path: Path
) -> None:
    wrong = event("noSuchType", {})
    with pytest.raises(EventRefused, match="must be in the catalogue") as refused:
        to_service().send(wrong)
    assert (refused.value.code, refused.value.field) == ("unknown_type", "eventName")
    producer = to_service(spool=tmp_path)
    ids = producer.send_many([issued(1), wrong, issued(2)])
    assert producer.flush(15)
    [aside] = producer.refused
    assert (aside.event_id, aside.code) == (ids[1], "unknown_type")
    api.send("PATCH", f"/v1/orgs/{api.org}", {"settings": {"unknownTypes": "admitted"}}).must(200)
    assert producer.redrive() == 1 and producer.flush(15)
    assert api.event(ids[1])["eventName"] == "noSuchType"


@pytest.mark.parametrize("spooled", [True, False])
def test_many_threads_send_and_each_keeps_its_order(
    told: ToldService, to_told: ToTold, tmp_path: Path, spooled: bool
) -> None:
    producer = to_told(spool=tmp_path if spooled else None)

    def send(customer: int) -> None:
        for number in range(50):
            producer.send(issued(number, customer))

    threads = [threading.Thread(target=send, args=(customer,)) for customer in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert producer.flush(15)
    found: dict[int, list[int]] = {}
    for event_ in told.took:
        data = event_["data"]
        key = data["customerIdentifiers"]["customerId"]
        found.setdefault(key, []).append(data["totalPointsIssued"])
    assert found == {customer: list(range(50)) for customer in range(8)}


async def test_an_event_loop_goes_on_meanwhile(told: ToldService, to_told: ToTold) -> None:
    async with AsyncProducer(to_told()) as producer:
        ids = await asyncio.gather(*(producer.send(issued(number)) for number in range(100)))
        assert set(ids) == told.known
        assert len(await producer.send_many(issued(number) for number in range(3))) == 3
        assert await producer.flush(5)
        with pytest.raises(EventError):
            await producer.send({"eventName": "a"})
        assert producer.producer.status().accepted == 103
    with pytest.raises(Closed):
        producer.producer.send(issued(1))


def test_one_wrong_event_sends_none(told: ToldService, to_told: ToTold, tmp_path: Path) -> None:
    for producer in (to_told(), to_told(spool=tmp_path)):
        with pytest.raises(EventError):
            producer.send_many([issued(1), event("", {}), issued(2)])
        assert producer.flush(5) and told.calls == []


def hang(line: Any, events: list[Any]) -> None:
    line.recv(1)


def test_close_sends_what_waits_and_leaves_the_rest_for_the_next(
    told: ToldService, to_told: ToTold, tmp_path: Path
) -> None:
    producer = to_told(spool=tmp_path)
    producer.send_many(issued(number) for number in range(1_000))
    producer.close()
    assert len(told.took) == 1_000
    told.tell(hang)
    producer = to_told(spool=tmp_path)
    producer.send(issued(1))
    with own_time() as took_s:
        producer.close(0.2)
        producer.close()
    assert took_s() < 10 and len(told.took) == 1_000
    for call in (lambda: producer.send(issued(1)), producer.flush, producer.redrive):
        with pytest.raises(Closed, match="must be open"):
            call()
    assert to_told(spool=tmp_path).flush(10)
    assert len(told.took) == 1_001


def test_without_a_spool_close_tells_those_who_wait(told: ToldService, to_told: ToTold) -> None:
    told.tell(hang)
    producer = to_told()
    fault: list[BaseException] = []

    def send() -> None:
        try:
            producer.send(issued(1))
        except Unanswered as error:
            fault.append(error)

    thread = threading.Thread(target=send)
    thread.start()
    until(lambda: told.calls, "the call")
    producer.close(0.0)
    thread.join(60)
    assert "was closed before" in str(fault[0])


def test_memory_is_bounded_without_a_spool(
    told: ToldService, to_told: ToTold, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tidings_producer.producer.Waiting", lambda: Waiting(2_000))
    told.tell(*[hang] * 5)
    producer = to_told(timeout_s=0.3)
    with pytest.raises(Unanswered, match="what became of the events is not known"):
        producer.send_many([issued(1)] * 20)
    with pytest.raises(Unanswered, match="these were not sent"):
        producer.send(issued(2))
    assert producer.status().waiting_bytes < 5_000


def test_a_directory_has_one_producer(to_told: ToTold, tmp_path: Path) -> None:
    to_told(spool=tmp_path)
    with pytest.raises(SpoolLocked, match="Give each process a directory of its own"):
        to_told(spool=tmp_path)


def test_a_spool_has_one_producer_and_one_process(to_told: ToTold, tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            to_told(spool=spool)
        except SpoolFailed:
            code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    producer = to_told(spool=spool)
    with pytest.raises(SpoolLocked, match="Share that producer"):
        to_told(spool=spool)
    producer.close()
    with pytest.raises(SpoolFailed, match="it was closed"):
        to_told(spool=spool)


@pytest.mark.parametrize("spooled", [True, False])
def test_a_forked_process_has_nothing_of_its_parents(
    told: ToldService, to_told: ToTold, tmp_path: Path, spooled: bool
) -> None:
    producer = to_told(spool=tmp_path if spooled else None)
    producer.send(issued(1))
    assert producer.flush(5)
    read, written = os.pipe()
    child = os.fork()
    if child == 0:
        said = b""
        try:
            for call in (lambda: producer.send(issued(2)), producer.flush, producer.redrive):
                try:
                    call()
                except Forked:
                    said += b"forked "
            producer.close()
            here = Producer(told.url, "k", "s", spool=tmp_path / "child" if spooled else None)
            here.send(issued(3))
            said += b"sent" if here.flush(10) else b"not sent"
        finally:
            os.write(written, said)
            time.sleep(60)  # it outlives its parent's producer
            os._exit(0)
    os.close(written)
    try:
        assert os.read(read, 100) == b"forked forked forked sent"
        producer.send(issued(4))
        assert producer.flush(5)
        producer.close()
        if spooled:
            assert to_told(spool=tmp_path).flush(5)  # the child does not hold its lock
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)
        os.close(read)
    assert [row["data"]["totalPointsIssued"] for row in told.took] == [1, 3, 4]
