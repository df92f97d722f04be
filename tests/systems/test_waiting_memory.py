"""200,000 deliveries that wait cost little memory at the moment in which sending starts again."""

import json
import time
from collections.abc import Callable

import apsw
import pytest

from tests.systems.answering import Answering, accept_many, answering, rss
from tidings.core.delivery.states import State

from ..e2e.harness.service import ServiceProcess
from ..e2e.harness.until import PATIENCE_S

WAITING = 200_000
MORE_MB = 300
WATCHED_S = 12.0  # of sending; the most is held within the first seconds
SENT_MIN = 100  # meanwhile: it must have begun; how fast it goes is the disk's matter here


def make_due(service: ServiceProcess) -> None:
    """All that waits has had one attempt, and is due again."""
    with apsw.Connection(str(service.data / "tidings.db")) as store:
        store.execute(
            "UPDATE delivery SET state = ?, attempts = 1, due_ms = ? WHERE state = ?",
            (State.RETRYING, int(time.time() * 1000) - 1000, State.PENDING),
        )


@pytest.mark.systems
@pytest.mark.timeout(400)
@pytest.mark.parametrize("kind", ["fresh", "retries"])
@pytest.mark.parametrize(
    ("webhooks", "bytes_each"), [(1, 500), (50, 20_000), (1_000, 50_000), (1_000, 240_000)]
)
def test_two_hundred_thousand_that_wait_take_no_memory_when_sending_starts_again(
    own_service: Callable[..., ServiceProcess], webhooks: int, bytes_each: int, kind: str
) -> None:
    service = own_service().start()
    with answering() as port:
        with service.api() as platform:
            org = platform.send("POST", "/v1/orgs", {"name": "Waiting"}).must(201)["id"]
        with service.api(org) as api:
            for number in range(webhooks):
                api.webhook(f"http://127.0.0.1:{port}/{number}", f"hook {number}")
        with service.api() as platform:
            platform.send("POST", f"/v1/orgs/{org}/stop", {"reason": "they wait"}).must(200)
        accept_many(service, org, WAITING // webhooks, "x" * bytes_each)
        assert service.stop() == 0
        if kind == "retries":
            make_due(service)
        service.start()
        with service.api() as operator:
            before, most, taken = rss(service), 0, Answering.taken
            operator.send("POST", f"/v1/orgs/{org}/start", {}).must(200)
            until_s, sent = time.monotonic() + WATCHED_S, 0
            end_s = until_s + PATIENCE_S  # of a machine on which it has not begun by then
            while (now_s := time.monotonic()) < until_s or (sent <= SENT_MIN and now_s < end_s):
                most, sent = max(most, rss(service)), Answering.taken - taken
                time.sleep(0.02)
        print(json.dumps([kind, webhooks]), f"+{(most - before) / 1e6:.0f} MB, {sent:,} sent")
        assert sent > SENT_MIN
        assert most - before < MORE_MB * 1_000_000
