"""Once a change is answered, nothing leaves by what was before, however slowly a receiver connects.

Every request waits for its connection, over TCP or the TLS upon it, while its webhook is changed.
"""

import ssl
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import trustme

from tests.core.shaping.signatures.signing import default_signer
from tidings.core.shaping.signatures.secrets import read_secret

from ..harness.api import Api
from ..harness.events import event, new_id
from ..harness.fixtures import NewService
from ..harness.receiver import Receiver
from ..harness.service import ServiceProcess
from ..harness.slow_receiver import SlowReceiver
from ..harness.until import stays

CA = trustme.CA()
QUIET_S = 0.6
Slow = Callable[[], SlowReceiver]


@pytest.fixture(scope="module", autouse=True)
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The receivers' authority is one of the system's."""
    bundle = tmp_path_factory.mktemp("ca") / "ca.pem"
    bundle.write_bytes(CA.cert_pem.bytes())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(bundle))
        yield


def slow_tls() -> SlowReceiver:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    CA.issue_cert("127.0.0.1").configure_cert(context)
    return SlowReceiver(context)


@pytest.fixture(params=[slow_tls, SlowReceiver], ids=["tls", "tcp"])
def slow(request: pytest.FixtureRequest) -> Iterator[SlowReceiver]:
    with request.param() as made:
        yield made


@pytest.fixture
def tls() -> Iterator[SlowReceiver]:
    with slow_tls() as made:
        yield made


def waiting(api: Api, slow: SlowReceiver) -> str:
    """An event whose request waits for its connection when this returns."""
    event_id = new_id()
    api.accept(event(event_id, api.org))
    slow.stalls_one()
    return event_id


def rotate(api: Api, hook: dict[str, Any]) -> bytes:
    path = f"/v3/webHooks/{hook['webHookId']}/rotateSecret"
    rotated = api.send("POST", path, {"overlapInHours": 0}).must(200)
    return read_secret(rotated["data"]["signingSecret"])


def test_a_secret_that_was_rotated_signs_nothing_more(api: Api, slow: SlowReceiver) -> None:
    hook = api.webhook(slow.url)
    event_id = waiting(api, slow)
    secret = rotate(api, hook)
    slow.opens()
    [(headers, body)] = slow.wait(1)
    signed = default_signer((secret,)).sign(
        headers["webhook-id"], int(headers["webhook-timestamp"]), body
    )
    assert headers["webhook-signature"] == signed and headers["tidings-attempt"] == "1"
    assert api.settled(event_id)["attempts"] == 1


def test_the_old_url_gets_nothing_more(api: Api, receiver: Receiver, slow: SlowReceiver) -> None:
    hook, path = api.webhook(slow.url), receiver.path()
    waiting(api, slow)
    api.change(hook, webHookUrl=receiver.url(path), webHookHeaders={"x-shop": "two"})
    slow.opens()
    [arrival] = receiver.wait(path, 1)
    assert arrival.headers["x-shop"] == "two" and arrival.attempt == 1
    stays(lambda: not slow.arrivals, "nothing comes to the old URL", QUIET_S)


def test_what_waits_for_the_only_connection_follows_a_change(api: Api, tls: SlowReceiver) -> None:
    hook = api.webhook(tls.url, maxAllowedConnections=1)
    for _ in range(5):
        api.accept(event(new_id(), api.org))
    tls.stalls_one()
    secret = rotate(api, hook)
    tls.opens()
    for headers, body in tls.wait(5):
        now_s = int(headers["webhook-timestamp"])
        signed = default_signer((secret,)).sign(headers["webhook-id"], now_s, body)
        assert headers["webhook-signature"] == signed


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
    tls: SlowReceiver,
    hold: Callable[[Api, dict[str, Any]], None],
    go_on: Callable[[Api, dict[str, Any]], None],
) -> None:
    hook = api.webhook(tls.url)
    event_id = waiting(api, tls)
    hold(api, hook)
    tls.opens()
    stays(lambda: not tls.arrivals, "nothing leaves", QUIET_S)
    assert api.delivery_of(event_id)["attempts"] == 0
    go_on(api, hook)
    [(headers, _)] = tls.wait(1)
    assert headers["tidings-attempt"] == "1"
    assert api.settled(event_id)["attempts"] == 1


@pytest.mark.parametrize("end", ["delete", "disable", "cancel"])
def test_what_is_ended_never_leaves(api: Api, slow: SlowReceiver, end: str) -> None:
    hook = api.webhook(slow.url)
    event_id = waiting(api, slow)
    if end == "delete":
        api.delete(hook)
    elif end == "disable":
        api.send("POST", f"/v3/webHooks/{hook['webHookId']}/disable", {}).must(200)
    else:
        api.send("POST", f"/v1/deliveries/{api.delivery_of(event_id)['id']}/cancel", {}).must(200)
    slow.opens()
    stays(lambda: not slow.arrivals, "nothing leaves", 2.2)  # a connection is asked for again
    delivery = api.settled(event_id)
    assert delivery["state"] == ("parked" if end == "disable" else "cancelled")
    assert delivery["attempts"] == 0


def test_without_a_change_it_leaves_as_soon_as_it_can(api: Api, slow: SlowReceiver) -> None:
    api.webhook(slow.url)
    event_id = waiting(api, slow)
    slow.opens()
    [(headers, _)] = slow.wait(1)
    assert headers["tidings-attempt"] == "1"
    assert api.settled(event_id)["state"] == "delivered"


def test_what_waited_for_its_connection_through_kills_was_never_sent(
    own_service: NewService, tls: SlowReceiver
) -> None:
    service = own_service().start()
    with service.api() as platform:
        org = platform.send("POST", "/v1/orgs", {"name": "An org"}).must(201)["id"]
    with service.api(org) as api:
        api.webhook(tls.url)
        event_id = waiting(api, tls)
    for _ in range(2):
        service.kill_all()
        service.start()
    with service.api(org) as api:
        tls.opens()
        [(headers, _)] = tls.wait(1)
        assert headers["tidings-attempt"] == "1"
        assert api.settled(event_id)["attempts"] == 1


@pytest.mark.parametrize("change", ["rotate", "delete", "nothing"])
def test_a_test_message_of_a_webhook_that_was_changed_does_not_leave(
    service: ServiceProcess, api: Api, slow: SlowReceiver, change: str
) -> None:
    hook = api.webhook(slow.url)
    told: list[dict[str, Any]] = []

    def tell() -> None:
        with service.api(api.org) as other:
            path = f"/v1/webHooks/{hook['webHookId']}/test"
            told.append(other.send("POST", path, {}).must(200))

    testing = threading.Thread(target=tell)
    testing.start()
    slow.stalls_one()
    if change == "rotate":
        rotate(api, hook)
    elif change == "delete":
        api.delete(hook)
    slow.opens()
    testing.join(60)
    [answer] = told
    if change == "nothing":
        assert answer["delivered"] and len(slow.arrivals) == 1
    else:
        assert slow.arrivals == [] and not answer["delivered"]
        assert answer["fault"] == "ours" and "was changed" in answer["detail"]
