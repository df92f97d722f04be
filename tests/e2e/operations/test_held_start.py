"""A restored backup starts held, what receivers have is taken as delivered, the rest is sent."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests import forked
from tests.e2e.operations.commands import tidings

from ..harness.api import Api
from ..harness.events import event, new_id
from ..harness.fixtures import NewService
from ..harness.receiver import Receiver
from ..harness.service import KEY, ORG, SECRET, ServiceProcess, environment
from ..harness.store.books import sound
from ..harness.until import stays, until

KEYED = {"ordering": "strict"}  # all but the first are held


def iso(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).isoformat(timespec="milliseconds")


def held(service: ServiceProcess) -> ServiceProcess:
    """Start with --hold."""
    service.launch("--hold")
    until(service._ready, f"a ready service; it says {service.words()}")
    return service


def states(api: Api, ids: set[str]) -> set[str]:
    """The states of the deliveries of events."""
    found: set[str] = set()
    for text in ids:
        for delivery in api.get(f"/v1/events/{text}").must(200)["deliveries"]:
            found.add(delivery["state"])
    return found


class Before:
    """A service that has delivered since its backup, and is gone."""

    def __init__(self, service: ServiceProcess, receiver: Receiver, copy: Path) -> None:
        self.receiver = receiver
        self.paths = [receiver.path(), receiver.path()]
        self.failing = receiver.path(status=503)
        self.old = {new_id() for _ in range(30)}
        service.start()
        with service.api() as api:
            plain, keyed = (receiver.url(path) for path in self.paths)
            hooks = [api.webhook(plain, name="plain"), api.webhook(keyed, name="keyed", **KEYED)]
            self.hooks = [hook["webHookId"] for hook in hooks]
            api.webhook(
                receiver.url(self.failing), name="failing", retryPolicy={"delaysInSeconds": [3600]}
            )
            self.all(api, "pause")
            for text in self.old:
                assert api.post(event(text, ORG)).status == 202
            until(lambda: len(receiver.arrivals(self.failing)) >= 5, "some have failed")
            copied = tidings("backup", "--data", service.data, "--to", copy)
            assert copied.returncode == 0, copied.stderr
            self.all(api, "resume")
            until(self.all_arrived(len(self.old)), "they are delivered")
        assert service.stop() == 0
        self.tried = self.arrived(self.failing)
        time.sleep(0.01)
        self.until = iso(time.time())

    def all(self, api: Api, verb: str) -> None:
        """Pause or resume the webhooks."""
        for hook in self.hooks:
            api.send("POST", f"/v3/webHooks/{hook}/{verb}", None).must(200)

    def arrived(self, path: str) -> int:
        """How many requests a receiver has got."""
        return len(self.receiver.arrivals(path))

    def all_arrived(self, count: int) -> Callable[[], bool]:
        """Whether each that answers has got so many, when it is asked."""
        return lambda: all(self.arrived(path) == count for path in self.paths)

    def quiet(self, seconds: float = 1.0) -> None:
        """That nothing is sent."""
        stays(
            lambda: (
                all(self.arrived(path) == len(self.old) for path in self.paths)
                and self.arrived(self.failing) == self.tried
            ),
            "nothing is sent",
            seconds,
        )


def restored(own_service: NewService, copy: Path, data: Path) -> ServiceProcess:
    """The service on a copy, held."""
    again = own_service(data=data)
    made = tidings("restore", "--from", copy, "--data", data)
    assert made.returncode == 0, made.stderr
    assert made.stderr.splitlines()[-1] == f"Next: tidings serve --data {data} --hold"
    return held(again)


def test_after_a_restore_only_what_is_newer_is_sent(
    own_service: NewService, receiver: Receiver, tmp_path: Path
) -> None:
    before = Before(own_service(), receiver, tmp_path / "copy")
    again = restored(own_service, tmp_path / "copy", tmp_path / "again")
    said = again.words()
    assert "Sending is stopped for all orgs, by serve --hold" in said
    assert "Next: tidings sending resume --all" in said
    receiver.plan(before.failing, status=200)
    old, newer = before.old, {new_id() for _ in range(5)}
    with again.api() as api:
        [notice] = api.get("/readyz").must(200)["notices"]
        assert "stopped for all orgs, by serve --hold" in notice
        before.all(api, "resume")
        for text in newer:
            assert api.post(event(text, ORG)).status == 202
        before.quiet()

        wish: dict[str, Any] = {"acceptedBefore": before.until}
        dry = api.send("POST", "/v1/takeAsDelivered", wish | {"dryRun": True}).must(200)
        assert dry["deliveries"] == 3 * len(old) and dry["ended"] and dry["dryRun"]
        assert states(api, old) <= {"pending", "held", "retrying"}
        said = cli(again, "sending", "delivered", "--before", before.until, "--yes")
        assert f"Taken as delivered: {3 * len(old)} deliveries." in said
        assert states(api, old) == {"delivered"}
        shown = api.get(f"/v1/events/{next(iter(old))}").must(200)["deliveries"][0]
        text = api.get(f"/v1/deliveries/{shown['id']}").must(200)
        assert f"marked as delivered by {KEY}" in text["advice"]
        counts = api.counts()
        assert counts["orphans"] == 0 and counts["delivered"] == 3 * len(old), counts
        assert api.send("POST", "/v1/takeAsDelivered", wish).must(200)["deliveries"] == 0

    again.kill_all()  # the hold outlives a kill, and a start without --hold
    again.start()
    with again.api() as api:
        before.quiet()
        cli(again, "sending", "resume", "--all")
        until(before.all_arrived(len(old | newer)), "the newer are sent")
        until(lambda: before.arrived(before.failing) == before.tried + len(newer), "and there too")
        assert api.drained()["delivered"] == 3 * len(old | newer)
        stays(lambda: before.arrived(before.paths[0]) == len(old | newer), "nothing twice", 0.5)
    assert again.stop() == 0 and sound(again.data)


def test_without_taking_all_of_it_is_sent_once_it_goes_on(
    own_service: NewService, receiver: Receiver, tmp_path: Path
) -> None:
    before = Before(own_service(), receiver, tmp_path / "copy")
    again = restored(own_service, tmp_path / "copy", tmp_path / "again")
    with again.api() as api:
        before.all(api, "resume")
        before.quiet(0.5)
        api.send("POST", "/v1/start", None).must(200)
        until(before.all_arrived(2 * len(before.old)), "sent again")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "missing"),
        ({"acceptedBefore": None}, 400, "missing"),
        ({"acceptedBefore": "yesterday"}, 400, "bad_time"),
        ({"acceptedBefore": "2999-01-01T00:00:00Z"}, 400, "bad_period"),
        ({"acceptedBefore": 1, "dryrun": True}, 400, "unknown_field"),
        ({"acceptedBefore": 1, "dryRun": "yes"}, 400, "bad_type"),
        ({"acceptedBefore": 1}, 409, "not_stopped"),
    ],
)
def test_a_taking_that_cannot_be_is_refused(
    service: ServiceProcess, body: dict[str, Any], status: int, code: str
) -> None:
    with service.api() as api:
        refused = api.send("POST", "/v1/takeAsDelivered", body)
        assert refused.status == status and refused.json["error"]["code"] == code
        assert f"({code}, " in refused.json["error"]["message"]


def test_an_org_takes_nothing_of_others(service: ServiceProcess) -> None:
    with service.api() as api:
        made = api.send("POST", f"/v1/orgs/{ORG}/credentials", {"scopes": {"admin": "write"}}).must(
            201
        )
    with Api(service.port, f"{made['id']}:{made['secret']}") as own:
        assert own.send("POST", "/v1/takeAsDelivered", {"acceptedBefore": 1}).status == 403


def cli(service: ServiceProcess, *arguments: str) -> str:
    """What a command says, which must succeed."""
    own = environment(url=f"http://127.0.0.1:{service.port}", key=f"{KEY}:{SECRET}")
    done = forked.run([forked.SCRIPT, *arguments], env=own, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_what_is_owed_is_made_and_taken_too(own_service: NewService, receiver: Receiver) -> None:
    service = held(own_service(deliveries_at_once_max=2))
    path = receiver.path()
    with service.api() as api:
        for number in range(7):
            api.webhook(receiver.url(path), name=f"hook {number}")
        sent = [new_id() for _ in range(10)]
        api.accept(b"[" + b",".join(event(text, ORG) for text in sent) + b"]")
        time.sleep(0.01)
        wish = {"acceptedBefore": iso(time.time())}
        dry = api.send("POST", "/v1/takeAsDelivered", wish | {"dryRun": True}).must(200)
        assert dry["deliveries"] == 70 and dry["ended"]
        done = 0
        while done < 70:
            told = api.send("POST", "/v1/takeAsDelivered", wish).must(200)
            done += told["deliveries"]
            assert told["deliveries"] or not told["ended"], f"{done} of 70 were taken"
        api.send("POST", "/v1/start", None).must(200)
        stays(lambda: not receiver.arrivals(path), "nothing is sent", 1.0)
        assert api.counts()["delivered"] == 70
