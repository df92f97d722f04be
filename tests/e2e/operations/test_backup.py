"""`tidings backup` beside a service at work, `tidings restore`, and the restored service."""

import json
from pathlib import Path
from typing import Any

from tests.e2e.operations.commands import tidings

from ..harness.events import event, new_id
from ..harness.fixtures import NewService
from ..harness.pump import Pump
from ..harness.receiver import Receiver
from ..harness.service import ORG


def test_a_backup_under_load_holds_everything_acknowledged_before_it_began(
    own_service: NewService, receiver: Receiver, tmp_path: Path
) -> None:
    service = own_service().start()
    silent = receiver.path(status=503)
    with service.api() as api:
        api.webhook(receiver.url(silent), retryPolicy={"delaysInSeconds": [3600]})
    pump = Pump(service.api, ORG)
    pump.wait(150)
    before = set(pump.acknowledged)
    made = tidings("backup", "--data", service.data, "--to", tmp_path / "copy", "--json")
    during = set(pump.acknowledged)
    pump.wait(30)
    pump.stop()
    service.kill_all()
    assert made.returncode == 0, made.stderr
    manifest: dict[str, Any] = json.loads(made.stdout)
    assert manifest["newestEvent"] >= len(before) > 100
    assert "keep it as secret" in made.stderr and "Next: tidings restore" in made.stderr

    again = own_service(data=tmp_path / "again")
    restored = tidings("restore", "--from", tmp_path / "copy", "--data", again.data)
    assert restored.returncode == 0, restored.stderr
    assert restored.stderr.splitlines()[-1] == f"Next: tidings serve --data {again.data} --hold"
    receiver.plan(silent, status=200)
    again.start()
    with again.api() as api:
        for event_id in before:
            assert api.get(f"/v1/events/{event_id}").status == 200
        assert api.counts()["orphans"] == 0
        assert len(during) >= len(before)
        [webhook] = api.get("/v3/webHooks").must(200)["data"]
        assert webhook["webHookUrl"] == receiver.url(silent), "the key opens its configuration"
        fresh = new_id()
        api.accept(event(fresh, ORG))
        api.settled(fresh, states=("delivered",))
    assert again.stop() == 0


def test_what_was_unfinished_is_sent_after_a_restore(
    own_service: NewService, receiver: Receiver, tmp_path: Path
) -> None:
    service = own_service(drain_s=1).start()
    path = receiver.path(mode="silent")
    with service.api() as api:
        api.webhook(receiver.url(path), maxAllowedConnections=2)
        ids = [new_id() for _ in range(6)]
        api.accept(b"[" + b",".join(event(text, ORG) for text in ids) + b"]")
        receiver.wait(path, 2)
        made = tidings("backup", "--data", service.data, "--to", tmp_path / "copy.tar")
        assert made.returncode == 0, made.stderr
    service.kill_all()
    receiver.plan(path, status=200)
    again = own_service(data=tmp_path / "again")
    assert tidings("restore", "--from", tmp_path / "copy.tar", "--data", again.data).returncode == 0
    again.start()
    with again.api() as api:
        for text in ids:
            assert api.settled(text)["state"] == "delivered"
    assert again.stop() == 0


def test_what_cannot_be_is_refused_with_its_exit_code(
    own_service: NewService, tmp_path: Path
) -> None:
    service = own_service().start()
    there = tidings("backup", "--data", service.data, "--to", service.data)
    assert there.returncode == 4 and "must not exist yet" in there.stderr
    nothing = tidings("backup", "--data", tmp_path / "nothing", "--to", tmp_path / "copy")
    assert nothing.returncode == 4 and "must be a data directory" in nothing.stderr
    assert tidings("backup", "--data", service.data, "--to", tmp_path / "copy").returncode == 0
    owned = tidings("restore", "--from", tmp_path / "copy", "--data", service.data)
    assert owned.returncode == 4 and str(service.pid) in owned.stderr
    with service.api() as api:
        assert api.get("/readyz").status == 200
    assert service.stop() == 0


def test_a_second_service_does_not_get_a_directory_whose_lock_file_is_gone(
    own_service: NewService, tmp_path: Path
) -> None:
    first = own_service().start()
    (first.data / "lock").unlink()
    second = own_service(data=first.data)
    second.log = tmp_path / "second.log"
    second.launch()
    assert second.wait() == 4
    assert "belongs to process" in second.words() and "Traceback" not in second.words()
    with first.api() as api:
        assert api.get("/readyz").status == 200
    assert first.stop() == 0
