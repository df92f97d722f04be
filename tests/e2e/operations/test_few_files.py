"""Receivers that hang, under a hard limit of 1,024 open files: everything else goes on."""

import asyncio
import os
import resource
from collections.abc import Iterator

import pytest

from ...egress import receivers
from ..harness.events import event, new_id
from ..harness.fixtures import NewService
from ..harness.receiver import Receiver
from ..harness.service import ServiceProcess
from ..harness.until import until

FILES = 1024
FEW_FILES = [(resource.RLIMIT_NOFILE, FILES, FILES)]
ORGS, WEBHOOKS, AT_ONCE, EVENTS = 3, 20, 20, 30
MANY = 60  # attempts that may be under way: an org has half of them, and slow ones three quarters


async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Take everything and answer nothing."""
    while await reader.read(65536):
        pass


@pytest.fixture
def hanging() -> Iterator[receivers.Receiver]:
    with receivers.Receiver(hang) as made:
        yield made


def files(service: ServiceProcess) -> int:
    return len(os.listdir(f"/proc/{service.pid}/fd"))


def test_receivers_that_hang_take_no_file_from_anybody_else(
    own_service: NewService, hanging: receivers.Receiver, receiver: Receiver
) -> None:
    service = own_service(limits=FEW_FILES).start()
    clients = []
    with service.api() as platform:
        for name in range(ORGS):
            org = platform.send("POST", "/v1/orgs", {"name": f"Org {name}"}).must(201)["id"]
            clients.append(service.api(org))
    for api in clients:
        for number in range(WEBHOOKS):
            url = hanging.url(f"/{number}")
            api.webhook(url, f"hangs {number}", maxAllowedConnections=AT_ONCE, deadlineInSeconds=5)
        for _ in range(EVENTS):  # more than a thousand attempts at a time, if they could
            api.accept(event(new_id(), api.org))
    until(lambda: hanging.open >= MANY, "many attempts under way")
    for api in clients * 7:
        api.accept(event(new_id(), api.org))
        assert hanging.open <= 120
        assert files(service) < FILES // 2
    until(lambda: api.get("/readyz").status == 200, "a ready service")

    with service.api() as platform:
        healthy = platform.send("POST", "/v1/orgs", {"name": "Ours"}).must(201)["id"]
    path = receiver.path()
    with service.api(healthy) as ours:
        ours.webhook(receiver.url(path))
        ours.accept(event(new_id(), healthy))
        receiver.wait(path, 1)

    service.kill_all()
    service.start()  # what was under way goes out at once
    until(lambda: hanging.open >= MANY, "many attempts under way")
    with service.api(healthy) as ours:
        ours.accept(event(new_id(), healthy))
        receiver.wait(path, 2)
        assert ours.get("/readyz").status == 200
    assert files(service) < FILES // 2


def test_too_few_files_are_refused_at_the_start(own_service: NewService) -> None:
    service = own_service(limits=[(resource.RLIMIT_NOFILE, 100, 100)])
    service.launch()
    assert service.wait() == 4
    assert "The limit of open files must be at least 256; got 100." in service.words()
