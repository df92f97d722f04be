"""A service with a bug in its way out: an operator sees it, and it holds up nothing but itself."""

import json
from pathlib import Path

import pytest

from tests.e2e.delivery.bugs import AT_ONCE, BROKEN, SITE, figure, group
from tests.e2e.harness.fixtures import NewService
from tests.e2e.harness.receiver import Receiver
from tests.e2e.harness.service import ORG
from tests.e2e.harness.until import until

pytestmark = pytest.mark.systems  # each starts a service that is not forked


@pytest.mark.parametrize("words", ["breaks-here", "breaks-here-late"])
def test_an_unforeseen_error_is_told_and_gives_its_slot_back(
    own_service: NewService, receiver: Receiver, tmp_path: Path, words: str
) -> None:
    bug = tmp_path / "bug"
    bug.touch()
    service = own_service(wrap=("env", f"PYTHONPATH={SITE}:{bug}"), deliveries_at_once_max=AT_ONCE)
    service.start()
    with service.api(ORG) as api:
        api.webhook(receiver.url("/hook"), eventNames=["groupCreated"])
        lines = [group(words) for _ in range(BROKEN)]
        body = "\n".join(map(json.dumps, lines)).encode()
        assert api.post(body, "application/x-ndjson").status == 202
        until(lambda: figure(api, "tidings_unforeseen_errors_total") >= BROKEN, "all errors")
        well = group("well")
        assert api.post(json.dumps(well).encode()).status == 202
        until(lambda: api.delivery_of(well["eventId"])["state"] == "delivered", "its slot")
        until(lambda: figure(api, "tidings_in_flight") == 0, "that every slot is free")
        assert figure(api, "tidings_lost_slots_total") == 0
        ready = api.get("/readyz").must(200)
        [notice] = [row for row in ready["notices"] if "an error of its own" in row]
        assert "ZeroDivisionError" in notice and "sentinel" not in json.dumps(ready)
        assert "sentinel" not in service.words() and "an unforeseen error" in service.words()
        [attempt, *_] = api.delivery_of(lines[0]["eventId"])["attemptList"]
        assert attempt["fault"] == "ours" and "not the receiver's fault" in json.dumps(attempt)
        bug.unlink()  # it is mended: all of them arrive by themselves
        until(lambda: api.counts()["delivered"] == BROKEN + 1, "all of them")


@pytest.mark.parametrize("words", ["breaks-here-offered", "breaks-here-leaving"])
def test_an_error_as_a_message_is_offered_to_readers_ends_that_attempt_alone(
    own_service: NewService, tmp_path: Path, words: str
) -> None:
    bug = tmp_path / "bug"
    bug.touch()
    service = own_service(wrap=("env", f"PYTHONPATH={SITE}:{bug}"), deliveries_at_once_max=AT_ONCE)
    service.start()
    with service.api(ORG) as api:
        hook = api.webhook("", webHookType="PULL", eventNames=["groupCreated"])
        lines = [group(words) for _ in range(BROKEN)]
        body = "\n".join(map(json.dumps, lines)).encode()
        assert api.post(body, "application/x-ndjson").status == 202
        well = group("well")
        assert api.post(json.dumps(well).encode()).status == 202
        fetched: list[str] = []

        def read() -> int:
            path = f"/v1/webHooks/{hook['webHookId']}/pull"
            found = api.send("POST", path, {"waitInSeconds": 1, "max": 50}).must(200)["messages"]
            fetched.extend(json.loads(message["body"])["eventId"] for message in found)
            if found:
                told = {"ackIds": [message["ackId"] for message in found], "outcome": "delivered"}
                path = f"/v1/webHooks/{hook['webHookId']}/acknowledge"
                api.send("POST", path, told).must(200)
            return len(fetched)

        until(read, "the one that is well")
        assert fetched == [well["eventId"]]
        assert figure(api, "tidings_unforeseen_errors_total") >= BROKEN
        assert figure(api, "tidings_lost_slots_total") == 0
        assert "sentinel" not in service.words() and "an unforeseen error" in service.words()
        [attempt, *_] = api.delivery_of(lines[0]["eventId"])["attemptList"]
        assert attempt["fault"] == "ours" and "not the receiver's fault" in json.dumps(attempt)
        bug.unlink()
        until(lambda: read() == BROKEN + 1, "all of them")
        assert sorted(fetched) == sorted(line["eventId"] for line in [*lines, well])
        until(lambda: api.counts()["delivered"] == BROKEN + 1, "all acknowledged")
