"""Once a change of a webhook is answered, no request leaves by what it was before.

The platform answers when it is told to: every message is being made while its webhook is changed.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.core.shaping.signatures.signing import default_signer
from tidings.core.shaping.signatures.secrets import read_secret

from ..harness.api import Api
from ..harness.events import event, new_id
from ..harness.receiver import Receiver
from ..harness.service import ServiceProcess
from ..harness.until import stays, until

PLATFORM = Path(__file__).parents[1] / "harness/platform_process.py"
ENRICHED: dict[str, Any] = {"customerIdentifiersToBeEnriched": ["Instore"]}


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the platform notes for whom it is asked; it answers once the note is gone."""
    return tmp_path_factory.mktemp("asked")


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory, asked: Path) -> Iterator[ServiceProcess]:
    """A service whose platform answers late."""
    place = tmp_path_factory.mktemp("slow")
    process = subprocess.Popen([sys.executable, str(PLATFORM), str(asked)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    service = ServiceProcess(
        place / "store",
        platform_url=f"http://127.0.0.1:{int(process.stdout.readline())}",
        platform_private="true",
        platform_timeout_s="10",
        platform_customers_path="/{orgId}/customers/{id}",
        platform_keep_s="0",
        platform_keep_none_s="0",
    )
    try:
        yield service.start()
    finally:
        service.end()
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.fixture
def api(slow: ServiceProcess) -> Iterator[Api]:
    with slow.api() as platform:
        org = platform.send("POST", "/v1/orgs", {"name": "An org"}).must(201)["id"]
    with slow.api(org) as made:
        yield made


_customers = iter(range(1000, 9000))


@contextmanager
def being_made(api: Api, asked: Path) -> Iterator[str]:
    """An event whose message is being made within the block."""
    event_id, customer = new_id(), next(_customers)
    api.accept(event(event_id, api.org, customer=customer))
    note = asked / str(customer)
    until(note.exists, "a question to the platform")
    yield event_id
    note.unlink()


def test_a_secret_that_was_rotated_signs_nothing_more(
    api: Api, asked: Path, receiver: Receiver
) -> None:
    path = receiver.path()
    hook = api.webhook(receiver.url(path), **ENRICHED)
    with being_made(api, asked):
        rotated = api.send(
            "POST", f"/v3/webHooks/{hook['webHookId']}/rotateSecret", {"overlapInHours": 0}
        ).must(200)
    secret = read_secret(rotated["data"]["signingSecret"])
    [arrival] = receiver.wait(path, 1)
    signer = default_signer((secret,))
    now_s = int(arrival.headers["webhook-timestamp"])
    assert arrival.headers["webhook-signature"] == signer.sign(arrival.message, now_s, arrival.body)
    assert arrival.attempt == 1


def test_the_old_url_gets_nothing_more(api: Api, asked: Path, receiver: Receiver) -> None:
    old, new = receiver.path(), receiver.path()
    hook = api.webhook(receiver.url(old), **ENRICHED)
    with being_made(api, asked):
        api.change(hook, webHookUrl=receiver.url(new), webHookHeaders={"x-shop": "two"})
    [arrival] = receiver.wait(new, 1)
    assert arrival.headers["x-shop"] == "two" and arrival.attempt == 1
    assert receiver.arrivals(old) == []


def pause(api: Api, hook: dict[str, Any]) -> None:
    api.send("POST", f"/v3/webHooks/{hook['webHookId']}/pause", {}).must(200)


def resume(api: Api, hook: dict[str, Any]) -> None:
    api.send("POST", f"/v3/webHooks/{hook['webHookId']}/resume", {}).must(200)


def stop(api: Api, _: dict[str, Any]) -> None:
    api.send("POST", f"/v1/orgs/{api.org}/stop", {}).must(200)


def start(api: Api, _: dict[str, Any]) -> None:
    api.send("POST", f"/v1/orgs/{api.org}/start", {}).must(200)


@pytest.mark.parametrize(("hold", "go_on"), [(pause, resume), (stop, start)])
def test_what_is_held_leaves_when_it_may_as_its_first_attempt(
    api: Api,
    asked: Path,
    receiver: Receiver,
    hold: Callable[[Api, dict[str, Any]], None],
    go_on: Callable[[Api, dict[str, Any]], None],
) -> None:
    path = receiver.path()
    hook = api.webhook(receiver.url(path), **ENRICHED)
    with being_made(api, asked) as event_id:
        hold(api, hook)
    stays(lambda: not receiver.arrivals(path), "nothing leaves")
    assert api.delivery_of(event_id)["attempts"] == 0
    go_on(api, hook)
    [arrival] = receiver.wait(path, 1)
    assert arrival.attempt == 1
    assert api.settled(event_id)["attempts"] == 1


@pytest.mark.parametrize("end", ["delete", "disable", "cancel"])
def test_what_is_ended_never_leaves(api: Api, asked: Path, receiver: Receiver, end: str) -> None:
    path = receiver.path()
    hook = api.webhook(receiver.url(path), **ENRICHED)
    with being_made(api, asked) as event_id:
        if end == "delete":
            api.delete(hook)
        elif end == "disable":
            api.send("POST", f"/v3/webHooks/{hook['webHookId']}/disable", {}).must(200)
        else:
            delivery = api.delivery_of(event_id)["id"]
            api.send("POST", f"/v1/deliveries/{delivery}/cancel", {}).must(200)
    stays(lambda: not receiver.arrivals(path), "nothing leaves")
    ended = "parked" if end == "disable" else "cancelled"
    assert api.settled(event_id)["state"] == ended


def test_without_a_change_the_message_leaves_as_ever(
    api: Api, asked: Path, receiver: Receiver
) -> None:
    path = receiver.path()
    api.webhook(receiver.url(path), **ENRICHED)
    with being_made(api, asked) as event_id:
        assert receiver.arrivals(path) == []
    [arrival] = receiver.wait(path, 1)
    assert "@platform.example.test" in arrival.body.decode() and arrival.attempt == 1
    assert api.settled(event_id)["state"] == "delivered"
