"""`tidings doctor WEBHOOK` names what really stands in the way: all causes are made in one service,
each in an org of its own, and asked for by the command."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

from tests.cli.command import Command
from tests.e2e.harness.api import Api
from tests.e2e.harness.events import event, new_id
from tests.e2e.harness.receiver import Receiver
from tests.e2e.harness.service import KEY, SECRET, ServiceProcess
from tests.e2e.harness.until import until

DAY_MS = 86_400_000
WAITING = 1_410
CONNECTIONS = 2
SLOW_S = 1.3
LIMITED = {"status": 429, "headers": {"Retry-After": "600"}}


class Ward:
    """A service whose webhooks ail in one way each: `crm` of the org of that name."""

    def __init__(self, place: Path, receiver: Receiver) -> None:
        self.service = ServiceProcess(place / "store")
        self.receiver = receiver
        self.orgs: dict[str, Api] = {}
        self.hooks: dict[str, dict[str, Any]] = {}
        self._home = place

    def org(self, cause: str, *, plan: dict[str, Any], **fields: Any) -> Api:
        """An org with a webhook whose receiver answers so."""
        with self.service.api() as platform:
            made = platform.send("POST", "/v1/orgs", {"name": cause}).must(201)["id"]
        api = self.orgs[cause] = self.service.api(made)
        self.hooks[cause] = api.webhook(self.receiver.url(self.receiver.path(**plan)), **fields)
        return api

    def close(self) -> None:
        """End the service."""
        for api in self.orgs.values():
            api.close()
        self.service.end()

    def stands(self, cause: str, standing: str) -> None:
        """Wait until it does."""
        until(lambda: self.crm(cause)["standing"] == standing, f"it is {standing}")

    def crm(self, cause: str) -> dict[str, Any]:
        """Its webhook as it is now."""
        path = f"/v3/webHooks/{self.hooks[cause]['webHookId']}"
        found: dict[str, Any] = self.orgs[cause].get(path).must(200)["data"]
        return found

    def left(self, cause: str, *states: str) -> int:
        """How many of its deliveries are in these states now."""
        path = f"/v1/webHooks/{self.hooks[cause]['webHookId']}/tally"
        now = self.orgs[cause].get(path).must(200)["now"]
        return sum(int(now.get(state) or 0) for state in states)

    def doctor(self, cause: str) -> dict[str, Any]:
        """What the command says of it."""
        told: dict[str, Any] = (
            Command(
                self._home,
                TIDINGS_URL=f"http://127.0.0.1:{self.service.port}",
                TIDINGS_KEY=f"{KEY}:{SECRET}",
                TIDINGS_ORG=str(self.orgs[cause].org),
            )("doctor", "crm", "--json")
            .must(1)
            .row
        )
        assert told["fix"].endswith(".") and not told["well"]
        return told

    def fails_for_eight_days(self, cause: str) -> None:
        """As if it had: what the service keeps of its health says so at its next start."""
        api = self.org(cause, plan={"status": 500})
        send(api, 1)
        until(lambda: self.crm(cause)["health"], "a failure that is known")  # and tried again soon
        assert self.service.stop() == 0
        store = apsw.Connection(str(self.service.data / "tidings.db"))
        store.execute(
            "UPDATE webhook_health SET failing_since_ms = failing_since_ms - ?1,"
            " failing_ms = ?1, failures = 60",
            (8 * DAY_MS,),
        ).fetchall()
        assert store.changes() == 1
        store.close()
        api.close()
        self.service.start()
        self.orgs[cause] = self.service.api(api.org)


def send(api: Api, count: int, customer: int = 7, *, others: bool = False) -> None:
    """So many events in one call, of one customer or of as many others."""
    assert api.org is not None
    made = [event(new_id(), api.org, customer + at * others) for at in range(count)]
    api.accept(b"[" + b",".join(made) + b"]")


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory, receiver: Receiver) -> Iterator[Ward]:
    made = Ward(tmp_path_factory.mktemp("ward"), receiver)
    try:
        made.service.start()
        made.fails_for_eight_days("eight days")
        never = {"retryPolicy": {"delaysInSeconds": [3600]}}
        slow = {"delay": SLOW_S}
        send(made.org("slow", plan=slow, maxAllowedConnections=CONNECTIONS), 200)
        left_alone = made.org("left alone", plan={"status": 503}, **never)
        for _ in range(3):
            send(left_alone, WAITING // 3)
        send(made.org("limited", plan=LIMITED), 20)
        first = {"first": [{"status": 500}]}
        held = made.org("held", plan=first, ordering="key", **never)
        send(held, 120)
        until(lambda: made.left("held", "retrying"), "a failure that others wait for")
        send(held, 40, 1_000, others=True)
        send(made.org("gone", plan={"status": 410}), 3)
        stopped = made.org("stopped", plan={"status": 503})
        stopped.send("POST", f"/v1/orgs/{stopped.org}/stop", {}).must(200)
        send(stopped, 3)
        yield made
    finally:
        made.close()


def test_a_receiver_that_is_gone_needs_another_url(ward: Ward) -> None:
    ward.stands("gone", "disabled")
    told = ward.doctor("gone")
    assert told["cause"].startswith("crm is disabled: The receiver answered 410: the address is go")
    assert "new URL" in told["fix"] and told["next"].startswith("tidings webhooks edit ")


def test_one_that_failed_for_eight_days_is_mended_and_enabled(ward: Ward) -> None:
    ward.stands("eight days", "disabled")
    told = ward.doctor("eight days")
    assert told["cause"].startswith("crm is disabled: No attempt has succeeded for eight days; the")
    assert "ended with 500" in told["cause"] and "parked for a replay" in told["cause"]
    assert told["next"].startswith("tidings webhooks enable ")


def test_who_has_stopped_sending_is_named_before_all_else(ward: Ward) -> None:
    told = ward.doctor("stopped")
    assert told["cause"].startswith("Sending is stopped for this org: ")
    assert "Start it again" in told["fix"]


def test_a_receiver_that_gets_too_much_is_sent_less(ward: Ward) -> None:
    until(lambda: (ward.crm("limited")["health"] or {}).get("leftAlone"), "its breaker is open")
    told = ward.doctor("limited")
    assert "its receiver answers 429 since " in told["cause"]
    assert "20 deliveries wait for it; it is retried at " in told["cause"]
    assert told["fix"].startswith("Set rateLimit ") and " --set rateLimit=" in told["next"]


def test_a_slow_receiver_is_told_with_what_its_connections_carry(ward: Ward) -> None:
    until(lambda: ward.left("slow", "pending") < 200, "an answer")
    told = ward.doctor("slow")
    assert re.search(
        r"1\d\d deliveries are queued: the receiver takes 1\.\d s to answer, so 2 connections "
        r"carry about"
        r" 1\.\d a second\.",
        told["cause"],
    ), told
    assert told["fix"].startswith("Let the receiver answer at once")
    assert told["next"].startswith("tidings webhooks test ")


def test_what_is_held_behind_a_key_is_told_though_others_arrive(ward: Ward) -> None:
    until(lambda: ward.left("held", "pending") == 0, "what nothing goes before has arrived")
    told = ward.doctor("held")
    assert told["cause"] == "119 deliveries are held behind an earlier one of their key."
    assert told["next"].startswith("tidings deliveries list ")
    assert told["next"].endswith(" --status retrying")


def test_a_crowd_behind_an_open_breaker_needs_no_more_connections(ward: Ward) -> None:
    until(lambda: (ward.crm("left alone")["health"] or {}).get("leftAlone"), "it is left alone")
    told = ward.doctor("left alone")
    assert "crm is left alone: its receiver answers 503 since " in told["cause"]
    assert "1,410 deliveries wait for it; it is " in told["cause"]
    assert "retried" in told["cause"]
    assert "check that it runs" in told["fix"] and "onnection" not in told["fix"] + told["next"]
    assert told["next"].startswith("tidings webhooks test ")
