"""A service with a bug in its way to the platform's queue: it ends its attempts, and no others."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.delivery.bugs import AT_ONCE, BROKEN, SITE, figure, group
from tests.e2e.harness.broker_thread import BrokerThread
from tests.e2e.harness.fixtures import NewService
from tests.e2e.harness.service import ORG
from tests.e2e.harness.until import until

BEFORE = ("breaks-here-record", "breaks-here-request")
AFTER = ("breaks-here-after-record", "breaks-here-answer")  # the topic has it by then


@pytest.fixture
def queue() -> Iterator[BrokerThread]:
    made = BrokerThread()
    yield made
    made.stop()


@pytest.mark.systems
@pytest.mark.parametrize("words", [*BEFORE, *AFTER])
def test_an_error_on_the_way_to_the_queue_ends_its_attempt_as_ours(
    own_service: NewService, queue: BrokerThread, tmp_path: Path, words: str
) -> None:
    bug, connections = tmp_path / "bug", tmp_path / "connections.toml"
    bug.touch()
    connections.write_text(queue.connection)
    service = own_service(
        wrap=("env", f"PYTHONPATH={SITE}:{bug}"),
        deliveries_at_once_max=AT_ONCE,
        connections=connections,
    )
    service.start()
    with service.api(ORG) as api:
        api.webhook("", webHookType="QUEUE_INT", eventNames=["groupCreated"])
        lines = [group(words) for _ in range(BROKEN)]
        body = "\n".join(map(json.dumps, lines)).encode()
        assert api.post(body, "application/x-ndjson").status == 202
        ids = [line["eventId"] for line in lines]
        until(lambda: api.counts()["retrying"] == BROKEN, "that each has failed once")
        well = group("well")
        assert api.post(json.dumps(well).encode()).status == 202
        until(lambda: api.delivery_of(well["eventId"])["state"] == "delivered", "its slot")
        until(lambda: figure(api, "tidings_in_flight") == 0, "that every slot is free")
        assert figure(api, "tidings_lost_slots_total") == 0
        assert "sentinel" not in service.words() and "ZeroDivisionError" in service.words()
        for id in ids:
            [attempt, *_] = api.delivery_of(id)["attemptList"]
            assert attempt["fault"] == "ours" and "not the receiver's fault" in json.dumps(attempt)
        expected = set(ids) if words in AFTER else set[str]()
        assert set(queue.ids()) == {*expected, well["eventId"]}
        bug.unlink()
        until(lambda: api.counts()["delivered"] == BROKEN + 1, "all of them")
        assert set(queue.ids()) == {*ids, well["eventId"]}
        [hook] = api.get("/v3/webHooks").must(200)["data"]
        assert hook["active"] is True
