"""A disk that is full, or cannot be written: told, survived, and no promise broken."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ..e2e.harness.api import Api
from ..e2e.harness.events import event, new_id
from ..e2e.harness.pump import all_arrive
from ..e2e.harness.receiver import Receiver
from ..e2e.harness.service import ORG, ServiceProcess
from ..e2e.harness.store.books import sound
from ..e2e.harness.until import stays, until

pytestmark = pytest.mark.systems

NewService = Callable[..., ServiceProcess]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 16 MiB. It is unmounted lazily, so that nothing can keep it."""
    where = tmp_path / "disk"
    where.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(where)], check=True)
    yield where
    subprocess.run(["umount", "--lazy", str(where)], check=True)


def fill(disk: Path) -> Path:
    """Take all the space that is left; the file that holds it."""
    ballast = disk / "ballast"
    size = 1 << 20
    with ballast.open("wb", buffering=0) as file:
        while size:
            try:
                os.write(file.fileno(), b"\0" * size)
            except OSError:
                size //= 2
    return ballast


class Books:
    """What was acknowledged, and what was refused, of events posted one by one."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.acknowledged: set[str] = set()
        self.refused: set[str] = set()

    def post(self) -> int:
        """One event; the status."""
        event_id = new_id()
        reply = self.api.post(event(event_id, ORG, note="x" * 2000))
        if reply.status == 202:
            self.acknowledged.add(event_id)
        else:
            assert reply.status == 503, reply
            assert int(reply.headers["retry-after"]) >= 1
            assert reply.json["error"]["code"] in ("store_down", "overloaded")
            self.refused.add(event_id)
        return reply.status


def stands_still(books: Books, receiver: Receiver, path: str, hook: dict[str, Any]) -> None:
    """That a service whose disk is full says so, takes nothing and sends nothing."""
    api = books.api
    until(lambda: api.get("/readyz").status == 503, "not ready")
    assert "store" in " ".join(api.get("/readyz").json["problems"]).lower()
    assert api.get("/livez").status == 200
    told = api.send("PUT", f"/v3/webHooks/{hook['webHookId']}", {})
    assert told.status == 503 and told.json["errors"][0]["code"] == 4001
    assert len(receiver.known_ids(path)) < len(books.acknowledged), "there is work"
    receiver.plan(path, delay=0.05)  # the one that was held may be followed by one under way
    begun = len(receiver.arrivals(path)) + 1
    stays(lambda: len(receiver.arrivals(path)) <= begun, "nothing is sent", 1.5)
    assert books.post() == 503


def test_a_full_disk_refuses_sends_nothing_and_recovers_without_a_restart(
    own_service: NewService, receiver: Receiver, small_disk: Path
) -> None:
    service = own_service(data=small_disk / "store").start()
    slow = receiver.path()
    with service.api() as api:
        hook = api.webhook(receiver.url(slow), maxAllowedConnections=1)
        books = Books(api)
        for _ in range(3):
            receiver.plan(slow, held=True)  # so that most of it waits, however slow the machine is
            for _ in range(50):
                assert books.post() == 202
            ballast = fill(small_disk)
            until(lambda: books.post() == 503, "the disk is full")
            stands_still(books, receiver, slow, hook)
            assert service.running.poll() is None
            ballast.unlink()
            until(lambda: books.post() == 202, "it takes events again")
            until(lambda: api.get("/readyz").status == 200, "ready again")
        all_arrive(receiver, slow, books.acknowledged)
        counts = api.drained()
        assert counts["orphans"] == 0 and counts["events"] >= len(books.acknowledged)
        # Who was told 503 was promised nothing, and may send the same again.
        again = {api.post(event(text, ORG)).json["events"][0]["status"] for text in books.refused}
        assert again <= {"accepted", "duplicate"}
    assert service.stop() == 0 and sound(service.data)


def test_killed_on_a_full_disk_it_starts_again_once_there_is_space(
    own_service: NewService, receiver: Receiver, small_disk: Path
) -> None:
    service = own_service(data=small_disk / "store").start()
    path = receiver.path(delay=0.05)
    with service.api() as api:
        api.webhook(receiver.url(path), maxAllowedConnections=1)
        books = Books(api)
        for _ in range(40):
            books.post()
        ballast = fill(small_disk)
        until(lambda: books.post() == 503, "the disk is full")
    service.kill_all()
    ballast.unlink()
    service.start()
    all_arrive(receiver, path, books.acknowledged)
    assert service.stop() == 0 and sound(service.data)


def test_stopped_on_a_full_disk_it_keeps_what_it_accepted(
    own_service: NewService, receiver: Receiver, small_disk: Path
) -> None:
    service = own_service(data=small_disk / "store", drain_s=2).start()
    path = receiver.path(delay=0.05)
    with service.api() as api:
        api.webhook(receiver.url(path), maxAllowedConnections=1)
        books = Books(api)
        for _ in range(40):
            books.post()
        ballast = fill(small_disk)
        until(lambda: books.post() == 503, "the disk is full")
    service.stop()
    ballast.unlink()
    service.start()
    all_arrive(receiver, path, books.acknowledged)
    assert service.stop() == 0 and sound(service.data)


def test_a_directory_that_cannot_be_written_is_refused_in_words(
    own_service: NewService, small_disk: Path
) -> None:
    service = own_service(data=small_disk / "store").start()
    assert service.stop() == 0
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    service.log = small_disk.parent / "read-only.log"
    service.launch()
    assert service.wait() == 4
    said = service.words()
    assert "Traceback" not in said and str(service.data) in said
    subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
    service.log = small_disk.parent / "writable.log"
    service.start()
    assert service.stop() == 0


def _waits(service: ServiceProcess) -> None:
    """That a service which cannot start answers, says why, and promises nothing."""
    until(lambda: _answers(service), "an answer")
    with service.api() as api:
        [problem] = api.get("/readyz").json["problems"]
        assert str(service.data) in problem and "Free space" in problem
        assert Books(api).post() == 503
    assert "Traceback" not in service.words()


@pytest.mark.parametrize("left", [0, 32 << 10, 256 << 10, 600 << 10])
@pytest.mark.parametrize("first", [True, False])
def test_a_start_on_a_full_disk_waits_for_space(
    own_service: NewService, receiver: Receiver, small_disk: Path, left: int, first: bool
) -> None:
    service = own_service(data=small_disk / "store")
    service.log = small_disk.parent / "said.log"
    path = receiver.path(delay=0.05)
    acknowledged: set[str] = set()
    if not first:
        service.start()
        with service.api() as api:
            api.webhook(receiver.url(path), maxAllowedConnections=1)
            books = Books(api)
            for _ in range(40):
                books.post()
            acknowledged = books.acknowledged
        service.kill_all()
    ballast = fill(small_disk)
    os.truncate(ballast, ballast.stat().st_size - left)
    service.launch()
    if left == 0:
        _waits(service)
    else:  # wherever it stops for room, or has enough: it is alive and never in a traceback
        until(lambda: _answers(service), "an answer")
    ballast.unlink()
    until(service._ready, "ready by itself")
    with service.api() as api:
        if first:
            api.webhook(receiver.url(path))
        books = Books(api)
        assert books.post() == 202
        all_arrive(receiver, path, acknowledged | books.acknowledged)
        assert api.drained()["orphans"] == 0
    assert "Traceback" not in service.words()
    assert service.stop() == 0 and sound(service.data)


def _answers(service: ServiceProcess) -> bool:
    assert service.running.poll() is None, service.words()
    try:
        with Api(service.port) as api:
            return api.get("/livez").status == 200
    except OSError:
        return False


@pytest.mark.parametrize("what", ["tidings.db", "key", "search.db", "lock", "."])
def test_a_file_that_the_service_may_not_use_is_refused_in_one_sentence(
    own_service: NewService, tmp_path: Path, what: str
) -> None:
    service = own_service(data=tmp_path / "store").start()
    assert service.stop() == 0
    target = service.data / what
    os.chown(target, 65534, 65534)
    target.chmod(0o500 if what == "." else 0o400)
    service.log = tmp_path / "said.log"
    service.wrap = ("setpriv", "--inh-caps=-all", "--bounding-set=-all")  # root in name alone
    service.launch()
    assert service.wait() == 4, service.words()
    said = service.words()
    assert "Traceback" not in said and str(service.data) in said
    assert len(said.strip().splitlines()) == 1, said
