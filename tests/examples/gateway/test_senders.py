"""What Tidings as the sender makes of the answers that nginx gives by itself."""

from collections.abc import Iterator

import pytest

from tests.e2e.harness.api import Api
from tests.e2e.harness.events import event, new_id
from tests.e2e.harness.nginx import Nginx
from tests.e2e.harness.service import ORG, ServiceProcess

from .recorder import Recorder

pytestmark = pytest.mark.systems

RETRY = {"delaysInSeconds": [3600]}  # the next try is none of these tests


@pytest.fixture(scope="module")
def small(recorder: Recorder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    """nginx that takes little, and does not wait for long."""
    changes = {
        "client_max_body_size 8m;": "client_max_body_size 1k;",
        "proxy_read_timeout 75s;": "proxy_read_timeout 1s;",
    }
    made = Nginx(tmp_path_factory.mktemp("small"), recorder.port, changes=changes)
    try:
        yield made.start()
    finally:
        made.stop()


@pytest.fixture(scope="module")
def platform(small: Nginx, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A platform that trusts nginx's certificate."""
    service = ServiceProcess(tmp_path_factory.mktemp("platform") / "store")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(small.bundle))
        try:
            with service.start().api(ORG) as api:
                yield api
        finally:
            service.end()


@pytest.mark.parametrize(
    ("path", "state", "status", "advice"),
    [
        ("/taken", "delivered", 200, ""),
        ("/drop", "retrying", 502, "The receiver's gateway cannot reach its application"),
        ("/stall", "retrying", 504, "The receiver's gateway waits too long for its application"),
    ],
)
def test_an_answer_of_nginx_is_told_from_one_of_the_application(
    platform: Api, small: Nginx, path: str, state: str, status: int, advice: str
) -> None:
    hook = platform.webhook(f"https://127.0.0.1:{small.port}{path}", path, retryPolicy=RETRY)
    id = new_id()
    platform.accept(event(id, ORG))
    whole = platform.settled(id, hook, states=(state,))
    assert whole["attemptList"][-1]["status"] == status
    assert advice in whole["advice"]
    platform.delete(hook)


def test_a_413_fails_at_once_unless_the_webhook_says_otherwise(platform: Api, small: Nginx) -> None:
    url = f"https://127.0.0.1:{small.port}/large"
    usual = platform.webhook(url, "usual", retryPolicy=RETRY)
    patient = platform.webhook(url, "patient", retryPolicy=RETRY | {"retryStatuses": [413]})
    id = new_id()
    platform.accept(event(id, ORG, note="x" * 2000))
    assert platform.settled(id, usual)["state"] == "failed"
    assert platform.settled(id, patient, states=("retrying", "failed"))["state"] == "retrying"
    for hook in (usual, patient):
        platform.delete(hook)


def test_plain_http_is_tried_again_and_says_what_to_change(platform: Api, small: Nginx) -> None:
    hook = platform.webhook(f"http://127.0.0.1:{small.plain_port}/in", "plain", retryPolicy=RETRY)
    id = new_id()
    platform.accept(event(id, ORG))
    whole = platform.settled(id, hook, states=("retrying", "failed"))
    assert whole["state"] == "retrying" and "set webHookUrl to the final address" in whole["advice"]
    platform.delete(hook)
