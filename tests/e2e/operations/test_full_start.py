"""A start on a disk that takes nothing: the service answers, says why, and starts once there is
room."""

import os
import resource
import time
from collections.abc import Callable

import psutil
import pytest

from tests import forked
from tests.loops.own_time import own_time

from ..harness.api import Api
from ..harness.events import event, new_id
from ..harness.pump import all_arrive
from ..harness.receiver import Receiver
from ..harness.service import ORG, ServiceProcess
from ..harness.store.books import sound
from ..harness.until import until

NewService = Callable[..., ServiceProcess]


def limited(most: int) -> forked.Limits:
    """No file may grow beyond so many bytes (EFBIG), until there is room."""
    return [(resource.RLIMIT_FSIZE, most, resource.RLIM_INFINITY)]


def make_room(service: ServiceProcess) -> None:
    """Lift the limit, of the service and of each of its processes."""
    for child in (service.pid, *_children(service)):
        try:
            resource.prlimit(child, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        except ProcessLookupError:
            pass  # a try that has just ended


def _children(service: ServiceProcess) -> list[int]:
    return [child.pid for child in psutil.Process(service.pid).children(recursive=True)]


def waits(service: ServiceProcess) -> None:
    """That it is alive, says why it is not ready, and takes nothing."""

    def up() -> bool:
        assert service.running.poll() is None, service.words()
        try:
            with Api(service.port) as api:
                return api.get("/livez").status == 200
        except OSError:
            return False

    until(up, "an answer")
    with service.api() as api:
        ready = api.get("/readyz")
        assert ready.status == 503 and ready.json["ready"] is False
        [problem] = ready.json["problems"]
        assert str(service.data) in problem and "Free space" in problem
        ours = api.post(event(new_id(), ORG))
        assert ours.status == 503 and ours.json["error"]["code"] == "store_down"
        assert int(ours.headers["retry-after"]) >= 1
        for method, path in (("GET", "/v3/webHooks"), ("POST", "/v3/webHooks")):
            theirs = api.send(method, path, {})
            assert theirs.status == 503 and theirs.json["errors"][0]["code"] == 4001
            assert int(theirs.headers["retry-after"]) >= 1
        for path in ("/console", "/v1/orgs", "/inbox/abc"):
            assert api.get(path).status == 503
        figures = api.get("/metrics")
        assert figures.status == 200 and b"\ntidings_ready 0.0\n" in figures.body
    assert "Traceback" not in service.words()


def ready(service: ServiceProcess) -> None:
    """That it becomes ready by itself."""
    until(service._ready, f"a ready service; it says {service.words()}")


@pytest.mark.parametrize("most", [8 << 10, 64 << 10, 300 << 10])
def test_a_first_start_waits_for_room_and_then_works(
    own_service: NewService, receiver: Receiver, most: int
) -> None:
    service = own_service(limits=limited(most))
    service.launch()
    waits(service)
    make_room(service)
    ready(service)
    path = receiver.path()
    with service.api() as api:
        api.webhook(receiver.url(path))
        sent = new_id()
        assert api.post(event(sent, ORG)).status == 202
        all_arrive(receiver, path, {sent})
    assert service.stop() == 0 and sound(service.data)


@pytest.mark.parametrize("how", ["stopped", "killed", "new credential"])
def test_a_restart_waits_for_room_and_sends_what_was_accepted(
    own_service: NewService, receiver: Receiver, how: str
) -> None:
    service = own_service().start()
    path = receiver.path()
    sent = {new_id() for _ in range(20)}
    with service.api() as api:
        hook = api.webhook(receiver.url(path))["webHookId"]
        api.send("POST", f"/v3/webHooks/{hook}/pause", None).must(200)
        for text in sent:
            assert api.post(event(text, ORG)).status == 202
    if how == "killed":
        service.kill_all()
    else:
        assert service.stop() == 0
    if how == "new credential":
        service.settings["bootstrap_secret"] = "another-one"
    service._limits = limited(4 << 10)
    service.log = service.log.with_suffix(".full.log")
    service.launch()
    waits(service)
    make_room(service)
    ready(service)
    service.settings.pop("bootstrap_secret", None)
    secret = "another-one" if how == "new credential" else None
    with Api(service.port, f"boss:{secret}") if secret else service.api() as api:
        api.send("POST", f"/v3/webHooks/{hook}/resume", None).must(200)
        all_arrive(receiver, path, sent)
        assert api.drained()["orphans"] == 0
    assert service.stop() == 0 and sound(service.data)


def test_a_start_that_waits_can_be_stopped(own_service: NewService) -> None:
    service = own_service(limits=limited(8 << 10))
    service.launch()
    waits(service)
    with own_time() as took_s:
        assert service.stop() == 0
    assert took_s() < 10 and "Traceback" not in service.words()


def test_it_waits_as_long_as_it_takes_and_leaves_nothing_open(own_service: NewService) -> None:
    service = own_service(limits=limited(8 << 10))
    service.launch()
    waits(service)
    before = len(os.listdir(f"/proc/{service.pid}/fd"))
    time.sleep(3.5)
    waits(service)
    # A try that is under way has some open; what is left open is never fewer again.
    until(lambda: len(os.listdir(f"/proc/{service.pid}/fd")) <= before + 3, "few open files")
    assert len(service.log.read_text().splitlines()) <= 3  # one sentence, not one a second
    make_room(service)
    ready(service)
