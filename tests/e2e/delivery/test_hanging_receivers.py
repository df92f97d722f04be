"""Receivers that hang beside one that is well, of the same org: they have turns, it does not wait.

With few open files an org has some ten attempts at a time; sixty webhooks that hang would take all
of them, and keep each for a whole deadline.
"""

import asyncio
import resource
import time
from collections.abc import Iterator

import pytest

from tests.e2e.delivery.hanging_delays import AT_ONCE_S, SPARE_S, delays

from ...egress import receivers
from ..harness.api import Api
from ..harness.events import event, new_id
from ..harness.fixtures import NewService
from ..harness.receiver import Receiver
from ..harness.service import ServiceProcess
from ..harness.until import until

pytestmark = [pytest.mark.systems, pytest.mark.waiting]

HANGING, AT_ONCE, BACKLOG = 60, 20, 12
DEADLINE_S = 6
MANY, FULL = 110, 1_000  # webhooks that hang with all their connections, and attempts of theirs


async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Take everything and answer nothing."""
    while await reader.read(65536):
        pass


async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Begin an answer that never ends."""
    writer.write(b"HTTP/1.1 200 OK\r\nx-slow: ")
    while True:
        writer.write(b"a")
        await writer.drain()
        await asyncio.sleep(0.5)


async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Take a connection, and say nothing of TLS."""
    await asyncio.sleep(600)


KINDS = {"silent": (hang, "http"), "drips": (drip, "http"), "no handshake": (mute, "https")}


@pytest.fixture
def hanging(request: pytest.FixtureRequest) -> Iterator[receivers.Receiver]:
    with receivers.Receiver(KINDS[getattr(request, "param", "silent")][0]) as made:
        yield made


def limited(files: int | None) -> list[tuple[int, int, int]]:
    return [] if files is None else [(resource.RLIMIT_NOFILE, files, files)]


def hang_webhooks(
    api: Api, hanging: receivers.Receiver, count: int, scheme: str = "http", **fields: object
) -> list[dict[str, object]]:
    """Webhooks whose receivers hang, each at a path of its own."""
    url = f"{scheme}://127.0.0.1:{hanging.port}"
    given: dict[str, object] = {"maxAllowedConnections": AT_ONCE, "deadlineInSeconds": DEADLINE_S}
    return [
        api.webhook(f"{url}/{number}", f"hangs {number}", **given | fields)
        for number in range(count)
    ]


def fill(api: Api, hanging: receivers.Receiver, events: int = BACKLOG, least: int = 5) -> None:
    """Have the receivers that hang take what they are let take, which is no less than so many."""
    for _ in range(events):
        api.accept(event(new_id(), api.org))
    until(lambda: hanging.open >= least, f"{least} attempts that hang")
    seen = -1
    while seen != hanging.open:
        seen = hanging.open
        time.sleep(1.2)


@pytest.mark.parametrize(
    ("hanging", "files"),
    [("silent", 256), ("silent", 1024), ("silent", None), ("drips", 256), ("no handshake", 256)],
    indirect=["hanging"],
)
def test_one_that_has_answered_never_waits_and_a_new_one_a_deadline_at_most(
    own_service: NewService,
    hanging: receivers.Receiver,
    receiver: Receiver,
    files: int | None,
    request: pytest.FixtureRequest,
) -> None:
    kind = request.node.callspec.params["hanging"]
    service = own_service(limits=limited(files)).start()
    well, new = receiver.path(), receiver.path()
    with service.api(2001) as api:
        api.webhook(receiver.url(well), "well")
        api.accept(event(new_id(), api.org))
        receiver.wait(well, 1)
        hang_webhooks(api, hanging, HANGING, KINDS[kind][1])
        fill(api, hanging)
        assert max(delays(api, service, receiver, well, 6)) < AT_ONCE_S
        api.webhook(receiver.url(new), "new")
        assert max(delays(api, service, receiver, new, 2)) < DEADLINE_S + SPARE_S
        assert max(delays(api, service, receiver, new, 2)) < AT_ONCE_S, "it has answered"
        assert max(delays(api, service, receiver, well, 2)) < AT_ONCE_S
    _restarted(service, receiver, well)


@pytest.fixture
def descriptors() -> Iterator[None]:
    """The receivers' ends are this process's."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("descriptors")
def test_nor_does_it_beside_a_thousand_attempts_that_hang(
    own_service: NewService, hanging: receivers.Receiver, receiver: Receiver
) -> None:
    """With as many files as the machine grants: 20,000 and more give the process all its slots, of
    which an org has half; these webhooks would take more."""
    service = own_service().start()
    well, new = receiver.path(), receiver.path()
    with service.api(2001) as api:
        api.webhook(receiver.url(well), "well")
        api.accept(event(new_id(), api.org))
        receiver.wait(well, 1)
        hang_webhooks(api, hanging, MANY, deadlineInSeconds=30)
        fill(api, hanging, AT_ONCE, FULL)
        waited = delays(api, service, receiver, well, 6)
        open_then = hanging.open
        api.webhook(receiver.url(new), "new")
        first = delays(api, service, receiver, new, 2)
        print(f"{open_then} hang; well {max(waited):.2f} s, new {max(first):.2f} s")
        assert open_then >= FULL
        assert max(waited) < AT_ONCE_S
        assert max(first) < 30 + SPARE_S
        assert max(delays(api, service, receiver, well, 2)) < AT_ONCE_S


def _restarted(service: ServiceProcess, receiver: Receiver, path: str) -> None:
    """A restart knows who has answered."""
    service.kill_all()
    service.start()
    with service.api(2001) as api:
        assert max(delays(api, service, receiver, path, 3)) < AT_ONCE_S
