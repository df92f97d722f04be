"""A webhook that signs by a key pair, at a real service: its rotation, restarts, and a backup."""

import base64
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.operations.commands import tidings
from tidings_consumer import SignatureError, verify

from ..harness.api import Api
from ..harness.events import event, new_id
from ..harness.fixtures import NewService
from ..harness.receiver import Arrival, Receiver
from ..harness.service import ORG
from ..harness.until import until

BOTH = ["v1", "v1a"]


def arrival(api: Api, receiver: Receiver, path: str) -> Arrival:
    """What comes of an event that is sent now."""
    event_id = new_id()
    before = len(receiver.arrivals(path))
    api.accept(event(event_id, ORG))
    found = receiver.wait(path, before + 1)[before]
    assert found.event_id == event_id
    return found


def verifies(found: Arrival, secret: str) -> bool:
    try:
        verify(found.headers, found.body, secret)
    except SignatureError:
        return False
    return True


def published(hook: dict[str, Any]) -> list[str]:
    return [pair["key"] for pair in hook["publicKeys"]]


def test_a_rotation_through_a_kill_a_backup_and_the_end_of_its_overlap(
    own_service: NewService, receiver: Receiver, tmp_path: Path
) -> None:
    service, path = own_service().start(), receiver.path()
    with service.api() as api:
        made = api.webhook(receiver.url(path), signatures=BOTH)
        at = f"/v3/webHooks/{made['webHookId']}"
        [former] = published(made)
        first = arrival(api, receiver, path)
        assert verifies(first, former) and verifies(first, made["signingSecret"])

        rotated = api.send("POST", f"{at}/rotateSecret", {"overlapInHours": 5}).must(200)["data"]
        newest, again = published(rotated)
        assert again == former and newest != former
        during = arrival(api, receiver, path)
        assert len(during.headers["webhook-signature"].split(" ")) == 4
        secrets = (made["signingSecret"], rotated["signingSecret"])
        assert all(verifies(during, key) for key in (newest, former, *secrets))
        assert not verifies(first, newest)

        request = api.settled(during.event_id)["attemptList"][-1]["request"]
        shown = {header["name"]: header["value"] for header in request["headers"]}
        assert shown["webhook-signature"] == during.headers["webhook-signature"], "derived again"
    service.kill_all()
    service.start()
    with service.api() as api:
        assert published(api.get(at).must(200)["data"]) == [newest, former]
        after = arrival(api, receiver, path)
        assert all(verifies(after, key) for key in (newest, former))

    copied = tidings("backup", "--data", service.data, "--to", tmp_path / "copy")
    assert copied.returncode == 0, copied.stderr
    restored = own_service(data=tmp_path / "again")
    done = tidings("restore", "--from", tmp_path / "copy", "--data", restored.data)
    assert done.returncode == 0, done.stderr
    service.kill_all()
    restored.start()
    with restored.api() as api:
        assert published(api.get(at).must(200)["data"]) == [newest, former]
        assert verifies(arrival(api, receiver, path), newest)
        ended = api.send("POST", f"{at}/rotateSecret", {"overlapInHours": 0}).must(200)["data"]
        last = arrival(api, receiver, path)
        [alone] = published(ended)
        assert verifies(last, alone) and not verifies(last, newest) and not verifies(last, former)
    for directory in (service.data, restored.data, tmp_path / "copy"):
        for file in [file for file in directory.rglob("*") if file.is_file()]:
            text = file.read_bytes()
            for key in (former, newest):
                raw = base64.b64decode(key.removeprefix("whpk_"))
                assert key.encode() not in text and raw not in text, "it is made of what is sealed"


@pytest.mark.parametrize("signatures", [["v1a"], BOTH], ids="+".join)
def test_an_inbox_judges_by_the_public_key(own_service: NewService, signatures: list[str]) -> None:
    service = own_service().start()
    with service.api() as api:
        inbox = api.send("POST", "/v1/inboxes", {"name": "trial"}).must(201)
        api.webhook(inbox["url"], signatures=signatures)
        event_id = new_id()
        api.accept(event(event_id, ORG))
        api.settled(event_id, states=("delivered",))
        at = f"/v1/inboxes/{inbox['id']}/arrivals"
        [row] = until(lambda: api.get(at).must(200)["arrivals"], "the arrival")
        assert row["verdict"] == "valid"
    assert service.stop() == 0
