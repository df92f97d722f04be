"""A signal ends one process of a running service: the rest goes on or ends as promised, and a line
of the log names the process, the signal, and what happens now."""

import json
import resource
import signal
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from ..harness.api import Reply
from ..harness.bombs import nested
from ..harness.events import event, new_id
from ..harness.fixtures import NewService
from ..harness.receiver import Receiver
from ..harness.service import ORG, ServiceProcess
from ..harness.until import stays, until

WORKER = "tidings.transform.worker"
ENDS = [signal.SIGKILL, signal.SIGABRT, signal.SIGSEGV]
FIRST_UNKNOWN = 1_024  # `select` knows the numbers of files below it
STORE_END = "a process of the store has ended by itself"


def lines(service: ServiceProcess, what: str, **fields: Any) -> list[dict[str, Any]]:
    """The lines of its log that say so."""
    found = []
    for line in service.log.read_text("utf-8", "replace").splitlines():
        with suppress(ValueError):
            said = json.loads(line)
            if said.get("event") == what and fields.items() <= said.items():
                found.append(said)
    return found


def names(line: dict[str, Any], number: signal.Signals) -> bool:
    """Whether it says by which signal."""
    return number.name in line["reason"] or f"signal {number.value} (" in line["reason"]


def told(service: ServiceProcess, count: int) -> bool:
    """Whether so many ends of the store's reader are told."""
    return len(lines(service, STORE_END, role="read")) == count


def answers(service: ServiceProcess) -> bool:
    """Whether the log of events can be read."""
    with service.api(ORG) as api:
        return api.get("/v1/events").status == 200


def worker_of(service: ServiceProcess) -> psutil.Process | None:
    """The process that transforms and checks, if there is one now."""
    for child in psutil.Process(service.pid).children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if WORKER in child.cmdline():
                return child
    return None


def test_the_end_of_the_stores_reader_is_told_and_the_service_goes_on(
    own_service: NewService, receiver: Receiver
) -> None:
    service = own_service().start()
    path = receiver.path()
    with service.api(ORG) as api:
        api.webhook(receiver.url(path))
        for count, number in enumerate(ENDS, 1):
            service.store_child("read").send_signal(number)
            until(partial(told, service, count), "a line of it")
            line = lines(service, STORE_END, role="read")[-1]
            assert names(line, number) and "Another one is started" in line["then"]
            api.accept(event(new_id(), ORG))
            receiver.wait(path, count)
            until(lambda: answers(service), "an answer of the next one")
    assert not lines(service, STORE_END, role="write")
    assert service.stop() == 0


@pytest.mark.parametrize("number", ENDS)
def test_the_end_of_the_stores_writer_ends_the_service_which_starts_again_with_all(
    own_service: NewService, number: signal.Signals
) -> None:
    service, kept = own_service().start(), new_id()
    with service.api(ORG) as api:
        api.accept(event(kept, ORG))
    service.store_child("write").send_signal(number)
    assert service.wait() == 1
    [line] = lines(service, STORE_END, role="write")
    assert names(line, number) and line["then"].startswith("The service stops.")
    service.start()
    with service.api(ORG) as api:
        assert api.event(kept)["eventId"] == kept
    assert service.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_that_reaches_a_child_alone_ends_nothing(
    own_service: NewService, number: signal.Signals
) -> None:
    """As of a terminal, which tells all processes of its group: the parent decides."""
    service = own_service().start()
    checked(service)
    children = psutil.Process(service.pid).children(recursive=True)
    assert len(children) >= 3
    for child in children:
        child.send_signal(number)
    stays(lambda: all(child.is_running() for child in children) and answers(service), "all runs")
    assert checked(service).status == 202
    service.signal(number)
    assert service.wait() == 0
    assert not service.errors()


# -- the process that transforms and checks --------------------------------------------------------


def dear() -> bytes:
    """An event whose check takes longer than the loop has."""
    data = {"v": [1] * 2_000}
    return json.dumps({"eventName": "orderWeighed", "eventId": new_id(), "data": data}).encode()


def checked(service: ServiceProcess) -> Reply:
    """The answer to an event that is checked apart."""
    schema = {"type": "object", "properties": {"v": {"items": nested(8)}}}
    with service.api(ORG) as api:
        put = api.send("PUT", "/v1/eventTypes/orderWeighed", {"description": "x", "schema": schema})
        assert put.status in (200, 201)
        return api.post(dear())


@pytest.fixture
def waiting() -> Iterator[Callable[[ServiceProcess], "Future[Reply]"]]:
    """Sends an event beside the test."""
    with ThreadPoolExecutor() as pool:

        def send(service: ServiceProcess) -> Reply:
            with service.api(ORG) as api:
                return api.post(dear())

        yield lambda service: pool.submit(send, service)


def ended_at_work(
    service: ServiceProcess,
    number: signal.Signals,
    waiting: Callable[[ServiceProcess], "Future[Reply]"],
) -> Reply:
    """What a call is answered whose process a signal ends while it checks."""
    assert checked(service).status == 202
    worker = until(partial(worker_of, service), "a process that has answered")
    worker.send_signal(signal.SIGSTOP)
    call = waiting(service)
    stays(lambda: not call.done(), "it waits")
    worker.send_signal(number)
    with suppress(psutil.NoSuchProcess):  # a kill ends what stands still, too, and it may be gone
        worker.send_signal(signal.SIGCONT)
    return call.result(60)


def test_a_call_whose_check_is_killed_is_to_be_made_again(
    own_service: NewService, waiting: Callable[[ServiceProcess], "Future[Reply]"]
) -> None:
    service = own_service().start()
    reply = ended_at_work(service, signal.SIGKILL, waiting)
    assert (reply.status, reply.json["error"]["code"]) == (503, "overloaded")
    assert int(reply.headers["retry-after"]) >= 1
    assert "no process can check these now" in reply.json["error"]["message"]
    [line] = lines(service, "a process of transformations has ended")
    assert names(line, signal.SIGKILL) and "by another process" in line["then"]
    until(lambda: checked(service).status == 202, "the next process")
    with service.api() as api:
        assert api.get("/readyz").status == 200
    assert service.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGABRT, signal.SIGSEGV])
def test_a_check_that_ends_its_process_is_refused_and_the_next_one_is_answered(
    own_service: NewService,
    waiting: Callable[[ServiceProcess], "Future[Reply]"],
    number: signal.Signals,
) -> None:
    service = own_service().start()
    reply = ended_at_work(service, number, waiting)
    assert reply.status == 422, reply.body
    [line] = lines(service, "a process of transformations was ended by what it ran", org=ORG)
    assert names(line, number) and "another process" in line["then"]
    assert checked(service).status == 202
    assert service.stop() == 0


# -- a service that holds many files open: what a new process is handed has a high number ----------


@pytest.fixture
def descriptors() -> Iterator[None]:
    """This side holds them too."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def open_files(service: ServiceProcess) -> int:
    """How many files the main process holds open."""
    return sum(1 for _ in Path(f"/proc/{service.pid}/fd").iterdir())


def readers(service: ServiceProcess) -> int:
    """How many processes that read have ended."""
    return len(lines(service, STORE_END, role="read"))


def hold_open(service: ServiceProcess, stack: ExitStack) -> None:
    """Have it hold more open than `select` can name; it closes in time who says nothing."""
    while (held := open_files(service)) <= FIRST_UNKNOWN:
        for _ in range(FIRST_UNKNOWN + 50 - held):
            stack.enter_context(socket.create_connection(("127.0.0.1", service.port)))


@pytest.mark.usefixtures("descriptors")
def test_its_processes_are_replaced_while_more_than_a_thousand_files_are_open(
    own_service: NewService, receiver: Receiver
) -> None:
    service = own_service().start()
    path = receiver.path()
    with ExitStack() as stack, service.api(ORG) as api:
        api.webhook(receiver.url(path))
        hold_open(service, stack)
        assert checked(service).status == 202  # by a process that is first started now

        hold_open(service, stack)
        service.store_child("read").send_signal(signal.SIGKILL)
        until(lambda: readers(service) == 1, "the end of the reader")
        until(lambda: answers(service), "an answer of the next one")
        hold_open(service, stack)
        worker = until(partial(worker_of, service), f"a process of {WORKER}")
        worker.send_signal(signal.SIGKILL)
        until(lambda: checked(service).status == 202, "the next one that checks")

        for count in (1, 2, 3):
            api.accept(event(new_id(), ORG))
            receiver.wait(path, count)
    assert readers(service) == 1, "the next one has ended too"
    assert service.stop() == 0
