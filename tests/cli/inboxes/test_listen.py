"""`tidings listen`: it subscribes, verifies, answers, forwards, and leaves nothing behind."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from standardwebhooks import Webhook

from tests.cli.command import PROGRAM, Command, Running
from tests.e2e.harness.api import Api
from tests.e2e.harness.events import bare, event
from tests.e2e.harness.receiver import Receiver
from tests.e2e.harness.service import ServiceProcess
from tests.e2e.harness.until import until


@pytest.fixture
def listen(tidings: Command) -> Iterator[Any]:
    """Starts `tidings listen --on pointsIssued …`; it is ready when it is returned."""
    made: list[Running] = []

    def start(*options: str) -> Running:
        made.append(tidings.start("listen", "--on", "pointsIssued", *options))
        made[-1].says("Ctrl-C ends it")
        return made[-1]

    yield start
    for running in made:
        running.kill()


def left(org: Api) -> tuple[list[str], list[str]]:
    """Webhooks that are not deleted, and inboxes."""
    webhooks = org.get("/v3/webHooks").must(200)["data"]
    inboxes = org.get("/v1/inboxes").must(200)["inboxes"]
    there = [webhook["name"] for webhook in webhooks if webhook["standing"] != "deleted"]
    return there, [inbox["id"] for inbox in inboxes]


def slowly(ask: Callable[[], object], what: str) -> None:
    """Wait, and stay within the credential's rate of calls."""

    def asked() -> object:
        time.sleep(0.05)
        return ask()

    until(asked, what)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_arrival_is_verified_and_printed_and_a_signal_removes_webhook_and_inbox(
    listen: Any, org: Api, number: int
) -> None:
    running = listen()
    assert list(map(len, left(org))) == [1, 1]
    org.accept(bare(eventId="e-1"))
    (line,) = running.prints(1)
    assert "pointsIssued" in line and "✓ valid" in line and line.endswith("e-1")
    done = running.end(number).must(0)
    assert "1 arrived · 1 verified" in done.err
    assert done.err.splitlines()[-1].startswith("Next: tidings webhooks create ")
    assert left(org) == ([], [])


def test_its_secret_is_never_printed(listen: Any, org: Api) -> None:
    running = listen("--json")
    org.accept(bare(eventId="e-1"))
    running.prints(1)
    done = running.end()
    assert "whsec_" not in done.out + done.err


def test_it_answers_as_told_and_the_next_try_comes(listen: Any, org: Api) -> None:
    running = listen("--status", "503", "--delay", "100ms", "--json")
    org.accept(bare(eventId="e-1"))
    row = json.loads(running.prints(1)[0])
    assert (row["answered"], row["verified"], row["event"]["eventId"]) == (503, True, "e-1")
    tried = until(
        lambda: [row for row in org.delivery_of("e-1")["attemptList"] if row["status"]], "a try"
    )
    assert tried[0]["status"] == 503 and tried[0]["durationInMs"] >= 100


def test_an_arrival_is_forwarded_as_it_came(
    listen: Any, org: Api, receiver: Receiver, tidings: Command
) -> None:
    path = receiver.path()
    running = listen("--forward", receiver.url(path), "--json")
    body = event("e-1", org.org or 0)
    org.accept(body)
    row = json.loads(running.prints(1)[0])
    assert row["forwarded"].startswith("200 ")
    (came,) = receiver.arrivals(path)
    assert came.body == body
    assert came.headers["webhook-signature"] == row["headers"]["webhook-signature"]
    secret = running.err.partition("Signing secret, for your receiver: ")[2].split()[0]
    assert Webhook(secret).verify(came.body, came.headers)["eventName"] == "pointsIssued"


def test_the_secret_is_shown_to_nobody_who_forwards_nothing(listen: Any, org: Api) -> None:
    running = listen()
    org.accept(bare(eventId="e-1"))
    running.prints(1)
    assert "whsec_" not in running.out + running.err


def test_a_receiver_that_is_not_there_is_told_and_ends_nothing(
    listen: Any, org: Api, receiver: Receiver
) -> None:
    running = listen("--forward", receiver.dead_url())
    org.accept(bare(eventId="e-1"))
    assert "no answer: Connection refused" in running.prints(1)[0]
    org.accept(bare(eventId="e-2"))
    assert running.prints(2)[1].endswith("e-2")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_before_it_has_subscribed_leaves_nothing(
    tidings: Command, org: Api, number: int
) -> None:
    running = tidings.start("listen", "--on", "pointsIssued")
    try:
        slowly(lambda: left(org)[1], "its inbox")
        running.end(number).must(0)
        assert left(org) == ([], [])
    finally:
        running.kill()


def test_a_reader_of_its_pipe_that_goes_away_ends_it(
    tidings: Command, org: Api, service: ServiceProcess
) -> None:
    command = f"{' '.join(PROGRAM)} listen --on pointsIssued | head -1"
    shell = subprocess.Popen(
        ["sh", "-c", command],
        env=tidings.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    slowly(lambda: left(org)[0], "its webhook")
    org.accept(bare(eventId="e-1"))
    until(lambda: org.event("e-1")["deliveries"], "its delivery")
    org.settled("e-1")
    org.accept(bare(eventId="e-2"))
    out, _ = shell.communicate(timeout=120)
    assert out.count(b"\n") == 1
    slowly(lambda: left(org) == ([], []), "nothing is left")


def test_count_ends_it(listen: Any, org: Api) -> None:
    running = listen("--count", "2")
    org.accept(bare(eventId="e-1"))
    org.accept(bare(eventId="e-2"))
    done = running.ended().must(0)
    assert len(done.out.splitlines()) == 2
    assert left(org) == ([], [])


def test_what_was_refused_leaves_no_inbox(tidings: Command, org: Api) -> None:
    done = tidings("listen", "--on", "pointIssued").must(4)
    assert "pointIssued" in done.err
    assert left(org) == ([], [])


def test_wrong_options_make_nothing(tidings: Command, org: Api) -> None:
    done = tidings("listen", "--on", "pointsIssued", "--delay", "soon").must(2)
    assert done.err.startswith("--delay must be a duration; got soon. Write 2s or 500ms.")
    done = tidings("listen", "--on", "pointsIssued", "--forward", "ftp://x").must(2)
    assert done.err.startswith("--forward must be a URL of http or https; got ftp://x.")
    assert left(org) == ([], [])


def test_on_a_terminal_a_rate_line_tells_how_fast_it_comes(tidings: Command, org: Api) -> None:
    terminal = tidings.on_terminal("listen", "--on", "pointsIssued")
    terminal.shows("Ctrl-C ends it")
    org.accept(bare(eventId="e-1"))
    terminal.shows("1 arrived · 0.1/s · 1 verified")
    os.killpg(terminal.pid, signal.SIGINT)
    assert terminal.ended().code == 0
    assert left(org) == ([], [])


def test_it_goes_on_when_the_service_is_started_again(
    listen: Any, tidings: Command, org: Api, service: ServiceProcess
) -> None:
    running = listen()
    service.stop()
    service.start()
    org.accept(bare(eventId="e-1"))
    assert running.prints(1)[0].endswith("e-1")
    running.end().must(0)
    assert left(org) == ([], [])
