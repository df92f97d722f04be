"""A process of the store that a bound of memory ends: the log says why, and what to raise."""

import json
import resource
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path

import pytest

from tests.e2e.harness.events import new_id
from tests.e2e.harness.fixtures import NewService
from tests.e2e.harness.receiver import Receiver
from tests.e2e.harness.service import ORG
from tests.e2e.harness.until import until

pytestmark = pytest.mark.systems
LINES = 40
TEXT = "x" * 60_000
MUST = "Tidings must have more memory than it may take"


def bound_memory(pid: int) -> None:
    """Let a process have no more address space than it has, until `unbound_memory`."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[0])
    _, hard = resource.prlimit(pid, resource.RLIMIT_AS)
    resource.prlimit(pid, resource.RLIMIT_AS, (pages * resource.getpagesize(), hard))


def unbound_memory(pid: int) -> None:
    _, hard = resource.prlimit(pid, resource.RLIMIT_AS)
    resource.prlimit(pid, resource.RLIMIT_AS, (hard, hard))


@pytest.mark.parametrize("role", ["write", "read"])
def test_what_a_bound_of_memory_ends_is_told_with_what_to_raise(
    own_service: NewService, receiver: Receiver, role: str
) -> None:
    service, path = own_service(), receiver.path()
    service.start()
    accepted: list[str] = []

    def is_told() -> bool:
        data = {"groupId": 1, "name": TEXT}
        ids = [new_id() for _ in range(LINES)]
        events = [{"eventName": "groupCreated", "eventId": id, "data": data} for id in ids]
        body = "\n".join(map(json.dumps, events)).encode()
        with suppress(OSError, HTTPException), service.api(ORG) as api:
            if api.post(body, "application/x-ndjson").status == 202:
                accepted.extend(ids)
            api.get("/v1/events?limit=100")
        return "a process of the store has ended by itself" in service.words()

    with service.api(ORG) as api:
        api.webhook(receiver.url(path), eventNames=["groupCreated"])
    bound_memory(service.store_child(role).pid)
    until(is_told, "that it has ended")
    [line] = [line for line in service.words().splitlines() if "has ended by itself" in line]
    told = json.loads(line)
    assert told["role"] == role
    assert "an allocation failed" in told["reason"] and "ulimit -v" in told["reason"]
    if role == "write":  # the service ends, and begins again with more memory
        assert service.wait() != 0
        service.start()
    until(lambda: receiver.known_ids(path) >= set(accepted), "all that was accepted")


def test_a_bound_of_the_main_process_is_told_once_and_it_stays_up(
    own_service: NewService, receiver: Receiver
) -> None:
    service, path = own_service(), receiver.path()
    service.start()
    accepted: set[str] = set()

    def post(size: int) -> None:
        id = new_id()
        event = {"eventName": "groupCreated", "eventId": id, "data": {"groupId": 1, "name": "x"}}
        body = json.dumps(event).encode() + b" " * size
        with suppress(OSError, HTTPException), service.api(ORG) as api:
            if api.post(body, "application/json").status == 202:
                accepted.add(id)

    def is_told() -> bool:
        with ThreadPoolExecutor(24) as crowd:
            list(crowd.map(post, [7 << 20] * 24))
        return MUST in service.words()

    with service.api(ORG) as api:
        api.webhook(receiver.url(path), eventNames=["groupCreated"])
    bound_memory(service.pid)
    until(is_told, "that it may take no more memory")
    assert service.log.read_text("utf-8", "replace").count(MUST) == 1, "once"
    unbound_memory(service.pid)
    post(0)
    with service.api(ORG) as api:
        notices = api.get("/readyz").must(200)["notices"]
        assert any(MUST in notice for notice in notices)
    until(lambda: receiver.known_ids(path) >= accepted, "all that was accepted")
    assert accepted
