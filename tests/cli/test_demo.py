"""The demonstration: its story, its receivers, its books, and the whole of it once."""

import asyncio
import base64
import json
import os
import re
import socket
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from tests.loops.own_time import own_time
from tidings.demo.ledger import Ledger, ReceivedRequest, read_arrival
from tidings.demo.play import EVENTS, HOOKS, SHOWN, DemoResult, Screen, duration
from tidings.demo.receivers import Receivers, signed
from tidings.demo.story import DETAIL_MAX, TYPES, detail, episode

SECRET = "whsec_" + base64.b64encode(b"s" * 32).decode()


def test_the_episode_is_the_programmes_and_begins_with_members() -> None:
    events = episode(2001, 1, SHOWN, EVENTS)
    assert len({event.event_id for event in events}) == EVENTS
    assert {event.name for event in events} <= set(TYPES)
    assert len(TYPES) == 77
    assert {json.loads(event.body())["orgId"] for event in events} <= {0, 2001}
    customers = [event.name for event in events[:100]].count("customerAdded")
    assert customers < 10, "they were there before"


@pytest.mark.parametrize("seed", range(1, 9))
def test_the_events_that_get_a_line_are_short_and_of_several_kinds(seed: int) -> None:
    events = episode(2001, seed, SHOWN, EVENTS)
    assert len(events) == EVENTS
    assert [event.at_ms for event in events] == sorted(event.at_ms for event in events)
    told = events[:SHOWN]
    assert len({event.name for event in told}) >= 5
    for event in told:
        assert len(event.name) <= 16 and len(detail(event)) <= DETAIL_MAX
        assert event.who


def headers(body: bytes, at_s: int) -> dict[str, str]:
    signature = Webhook(SECRET).sign("msg-1", datetime.fromtimestamp(at_s, UTC), body.decode())
    return {
        "webhook-id": "msg-1",
        "webhook-timestamp": str(at_s),
        "webhook-signature": signature,
    }


def test_a_receiver_admits_what_the_standard_library_of_webhooks_signs() -> None:
    body = b'{"eventId":"a"}'
    good = headers(body, 1_770_801_300)
    assert signed(SECRET, good, body, 1_770_801_301)
    assert signed(
        SECRET,
        good | {"webhook-signature": "v1,x " + good["webhook-signature"]},
        body,
        1_770_801_301,
    )


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-id": "msg-2"},
        {"webhook-timestamp": "1770801299"},
        {"webhook-timestamp": "soon"},
        {"webhook-timestamp": ""},
        {"webhook-signature": ""},
        {"webhook-signature": "v1,ü"},
    ],
)
def test_a_receiver_refuses_what_was_changed(change: dict[str, str]) -> None:
    body = b'{"eventId":"a"}'
    assert not signed(SECRET, headers(body, 1_770_801_300) | change, body, 1_770_801_300)


def test_a_receiver_refuses_other_bytes_and_old_messages() -> None:
    good = headers(b"{}", 1_770_801_300)
    assert not signed(SECRET, good, b"{} ", 1_770_801_300)
    assert not signed(SECRET, good, b"{}", 1_770_801_601)


def test_a_receiver_fails_from_its_first_request_for_as_long_as_it_was_told() -> None:
    receivers = Receivers()
    receivers.take_over({"secrets": {"shop": SECRET, "crm": SECRET}, "failSeconds": {"shop": 10}})
    assert receivers.status("shop", True, 100.0) == 503
    assert receivers.status("shop", True, 109.9) == 503
    assert receivers.status("shop", True, 110.0) == 200
    assert receivers.status("crm", True, 100.0) == 200
    assert receivers.status("crm", False, 100.0) == 401
    assert receivers.status("other", True, 100.0) == 404


async def _exchange(request: bytes) -> bytes:
    receivers = Receivers()
    server = await asyncio.start_server(receivers.serve, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
    writer.write(request)
    writer.write_eof()
    answer = await reader.read()
    writer.close()
    server.close()
    return answer


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        (b"POST /crm HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}" * 2, b"HTTP/1.1 404"),
        (b"nonsense\r\n\r\n", b""),
        (b"POST /crm HTTP/1.1\r\ncontent-length: x\r\n\r\n", b""),
        (b"POST /crm HTTP/1.1\r\ncontent-length: 99999999999\r\n\r\n", b""),
        (b"POST /crm HTTP/1.1\r\ncontent-length: 9\r\n\r\n{}", b""),
    ],
)
async def test_a_receiver_speaks_http_and_closes_on_what_is_not(
    request_: bytes, answer: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    got = await _exchange(request_)
    assert got.startswith(answer)
    assert got.count(b"HTTP/1.1 404") == (2 if answer else 0)
    assert len(capsys.readouterr().out.splitlines()) == got.count(b"HTTP/1.1")


def arrival(
    hook: str, event: str, status: int, at_ns: int = 0, signed: bool = True
) -> ReceivedRequest:
    return ReceivedRequest(hook, event, status, 1, signed, at_ns)


def test_the_ledger_counts_pairs_once_and_repeats_apart() -> None:
    ledger = Ledger()
    ledger.sent("a", 0)
    for status in (503, 200, 200):
        ledger.add(arrival("crm", "a", status, 3_000_000))
    ledger.add(arrival("crm", "b", 200, signed=False))
    assert ledger.delivered(["crm", "shop"], ["a"]) == 1
    assert (ledger.twice, ledger.forged) == (1, 1)
    assert ledger.delay_ms(ledger.since(0, 0)[1]) == 3.0


def test_the_ledger_does_not_wait_for_what_is_there() -> None:
    ledger = Ledger()
    ledger.add(arrival("crm", "a", 200))
    with own_time() as took_s:
        assert len(ledger.since(0, 30)) == 1
        assert ledger.since(1, 0.01) == []
    assert took_s() < 5


def test_the_median_is_over_all_deliveries() -> None:
    ledger = Ledger()
    for number, ms in enumerate((1, 2, 900)):
        ledger.sent(str(number), 0)
        ledger.add(arrival("crm", str(number), 200, ms * 1_000_000))
    assert ledger.p50_ms() == 2.0


def test_a_report_without_its_headers_is_an_arrival_all_the_same() -> None:
    report: dict[str, Any] = {"hook": "crm", "eventId": None, "status": 401, "attempt": None}
    read = read_arrival(json.dumps(report | {"signed": False, "atNs": 1}))
    assert (read.event_id, read.attempt, read.ok) == ("", 0, False)


@pytest.mark.parametrize(
    ("ms", "shown"), [(3.14, "3.1 ms"), (9.96, "10 ms"), (240.4, "240 ms"), (9810, "9.8 s")]
)
def test_durations_are_short(ms: float, shown: str) -> None:
    assert duration(ms) == shown


def test_the_sum_names_what_went_wrong_and_only_that() -> None:
    good = DemoResult(412, 1236, 0, 0, 0, 3.61)
    assert good.sentence() == "412 accepted · 1,236 delivered · 0 lost · p50 3.6 ms"
    assert not good.fault
    bad = DemoResult(412, 1235, 1, 2, 0, 3.61)
    assert bad.sentence() == "412 accepted · 1,235 delivered · 1 lost · 2 twice · p50 3.6 ms"
    assert bad.fault


def test_colour_marks_the_glyph_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert Screen(colour=True).mark("✓", "crm") == "\x1b[32m✓\x1b[0m crm"
    assert Screen(colour=False).mark("✓", "crm") == "✓ crm"
    Screen(colour=False).event("pointsIssued", "Asha +86", ["✓ crm 3.1 ms", "↻ shop 503"])
    line = capsys.readouterr().out
    assert re.fullmatch(
        r"\d\d:\d\d:\d\dZ  pointsIssued      Asha \+86      ✓ crm 3.1 ms   ↻ shop 503\n", line
    )


@pytest.fixture
def clean_environ() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name[:8] != "TIDINGS_"}


@pytest.mark.systems
def test_the_whole_demonstration_loses_nothing(
    tmp_path: Path, clean_environ: dict[str, str]
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tidings.cli", "demo", "--data", str(tmp_path / "demo")],
        env=clean_environ | {"TIDINGS_DATABASE": "postgresql://127.0.0.1:1/none"},  # not its store
        capture_output=True,
        check=False,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert re.fullmatch(
        rf"{EVENTS} accepted · {EVENTS * len(HOOKS):,} delivered · 0 lost · p50 [\d.]+ m?s",
        lines[-2],
    )
    assert lines[-1].startswith("Next: ")
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 100
    # After some failures in a row the lane is left alone: later events wait for its next probe.
    assert done.stdout.count("↻ shop 503, again in 1 s") >= 3
    assert done.stdout.count("↻ shop 503") + done.stdout.count("· shop waits") == SHOWN
    assert "✓ shop after" in done.stdout


def test_a_directory_that_holds_something_is_refused(
    tmp_path: Path, clean_environ: dict[str, str]
) -> None:
    (tmp_path / "mine").touch()
    done = subprocess.run(
        [sys.executable, "-m", "tidings.cli", "demo", "--data", str(tmp_path)],
        env=clean_environ,
        capture_output=True,
        check=False,
        text=True,
        timeout=120,
    )
    assert done.returncode == 1
    assert done.stderr == f"--data must be an empty directory; got {tmp_path}. Name another.\n"


def test_a_port_that_is_taken_is_refused(clean_environ: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "tidings.cli", "demo", "--port", str(port)],
            env=clean_environ,
            capture_output=True,
            check=False,
            text=True,
            timeout=120,
        )
    assert done.returncode == 1
    assert done.stderr == (
        f"--port must be a free port; somebody listens on {port}. Leave it out.\n"
    )
