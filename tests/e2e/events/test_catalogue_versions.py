"""A second version of a catalogue type in a running service: who opts into it gets it, alone."""

import copy
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.catalogue import versioned

from ..harness.events import new_id
from ..harness.fixtures import NewService
from ..harness.receiver import Receiver
from ..harness.until import until

pytestmark = pytest.mark.systems  # each starts a service that is not forked

LAUNCHER = str(Path(__file__).parents[1] / "harness/with_catalogue.py")
NAME = versioned.NAME


def of(file: dict[str, Any], event_id: str) -> bytes:
    event = copy.deepcopy(file["examples"][0]) | {"eventId": event_id}
    del event["orgId"]
    return json.dumps(event).encode()


def test_who_opts_into_a_new_version_gets_it_and_nobody_else(
    own_service: NewService, receiver: Receiver, tmp_path: Path
) -> None:
    folder = versioned.both(tmp_path / "catalogue")
    service = own_service(wrap=(sys.executable, LAUNCHER, str(folder))).start()
    early, late = receiver.path(), receiver.path()
    with service.api() as api:
        refused = api.send("POST", "/v3/webHooks", webhook(receiver.url(late), {NAME: 3}))
        assert refused.status == 400 and "unknown_event_version" in refused.body.decode()
        api.webhook(receiver.url(early), name="early", eventNames=[NAME])
        chosen = api.webhook(
            receiver.url(late), name="late", eventNames=[NAME], eventVersions={NAME: 2}
        )
        old, new = new_id(), new_id()
        api.accept(of(versioned.first(), old))
        api.accept(of(versioned.second(), new))
        assert [arrival.message for arrival in receiver.wait(early, 1)] == [old]
        assert [arrival.message for arrival in receiver.wait(late, 1)] == [new]

        misfit = versioned.first()
        misfit["examples"][0]["eventVersion"] = 2
        error = api.post(of(misfit, new_id())).must(422)["events"][0]["error"]
        assert (error["code"], error["path"]) == ("schema", "data.group")
        misfit["examples"][0]["eventVersion"] = 3
        error = api.post(of(misfit, new_id())).must(422)["events"][0]["error"]
        assert (error["code"], error["path"]) == ("event_version", "eventVersion")

        shown = api.get(f"/v1/eventTypes/{NAME}").must(200)
        assert (shown["version"], shown["versions"], shown["key"]) == (2, [1, 2], "data.group.id")
        assert api.get(f"/v1/eventTypes/{NAME}?version=1").must(200)["key"] == "data.groupId"
        assert api.get(f"/v1/eventTypes/{NAME}?version=3").status == 404
        rows = api.get("/v1/eventTypes").must(200)["eventTypes"]
        assert [row["version"] for row in rows if row["eventName"] == NAME] == [2]

        preview = api.send("POST", "/v1/webHooks/preview", {"webHookId": chosen["webHookId"]})
        told = {row["eventId"]: row["why"] for row in preview.must(200)["events"]}
        assert told == {new: None, old: "It is of version 1; eventVersions asks for 2."}
        tested = api.send("POST", f"/v1/webHooks/{chosen['webHookId']}/test", {}).must(200)
        assert json.loads(tested["request"]["body"]["text"])["eventVersion"] == 2

        later = receiver.path()
        third = api.webhook(receiver.url(later), **webhook(receiver.url(later), {NAME: 2}))
        wish = {"webHookId": third["webHookId"], "states": ["unmatched"], "again": True}
        job = api.send("POST", "/v1/replays", wish).must(201)
        done = f"/v1/replays/{job['id']}"
        until(lambda: api.get(done).must(200)["state"] == "finished", "the end of the replay")
        assert [arrival.message for arrival in receiver.arrivals(later)] == [new], (
            "as if it came now"
        )
        described = api.get("/openapi.json").must(200)["webhooks"]
        assert {NAME, versioned.LABEL} <= described.keys()


def webhook(url: str, versions: dict[str, int]) -> dict[str, Any]:
    return {
        "name": "third",
        "webHookUrl": url,
        "eventNames": [NAME],
        "eventVersions": versions,
        "maxAllowedConnections": 1,
    }


def test_the_command_line_shows_each_version(tmp_path: Path) -> None:
    folder = versioned.both(tmp_path / "catalogue")

    def said(*words: str) -> str:
        command = [sys.executable, LAUNCHER, str(folder), "tidings", "events", *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert "version 2 · others: groupCreated.v1" in said("show", NAME)
    assert "groupId" in said("show", f"{NAME}.v1") and "groupId" not in said("show", NAME)
    assert json.loads(said("example", versioned.LABEL))["eventVersion"] == 2
    assert json.loads(said("schema", f"{NAME}.v1"))["required"] == ["eventName", "data"]
    assert versioned.LABEL in json.loads(said("asyncapi", "--json"))["components"]["messages"]
