"""A time that a command prints has its zone, and is the same one when pasted into an option."""

import json
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

import tidings
from tests.cli.command import Command
from tests.e2e.harness.api import Api
from tests.e2e.harness.events import bare
from tidings import cli
from tidings.cli.options.values import moment_of
from tidings.cli.output import clock, moment
from tidings.core.times import iso, zoned

CLOCK = re.compile(r"(?:[0-9-]{10}[T ])?[0-2][0-9]:[0-5][0-9]:[0-5][0-9](?P<zone>\S*)")
ZONE = re.compile(r"(?:\.[0-9]+)?(?:Z|[+-][0-2][0-9]:[0-5][0-9])[.,;)`]*")
BACK_MS = 1_792_893_600_000  # 2026-10-25T02:00 in Berlin for the second time
ZONES = {"Europe/Berlin": BACK_MS, "Asia/Kolkata": BACK_MS, "America/St_Johns": 1_793_505_600_000}
LISTS: dict[str, tuple[str, dict[str, Any]]] = {
    "audit list": ("entries", {
        "at": "", "actor": {"name": "Ada", "id": "usr_1"}, "summary": "changed it", "times": 1,
        "object": {"kind": "org", "id": "7"}, "before": None, "after": None,
    }),
    "deliveries list": ("deliveries", {
        "acceptedAt": "", "state": "delivered", "eventName": "pointsIssued", "webHookName": "crm",
        "attempts": 1, "status": 200, "id": "dlv_0000000000009",
    }),
    "events log": ("events", {
        "acceptedAt": "", "eventName": "pointsIssued", "deliveries": 1, "eventId": "e-1",
    }),
}  # fmt: skip
MAKES = {"replay"}  # takes --since, and lists nothing


class Answering:
    """Stands for the service: one row of a log, and what was asked for."""

    answer: dict[str, Any]
    asked: str
    retry_after_s = etag = date = None

    def __init__(self, *_: object) -> None:
        """Take what a client of the service takes."""

    def call(self, _method: str, path: str, *_: object) -> tuple[int, bytes]:
        type(self).asked = path
        return 200, json.dumps(self.answer).encode()


@pytest.fixture(params=ZONES)
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The zone of the reader."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield request.param
    monkeypatch.undo()
    time.tzset()


def test_every_command_with_a_range_is_tried_here() -> None:
    pages = (Path(cli.__file__).parent / "help" / "help.txt").read_text("utf-8").split("\nUsage: ")
    ranged = {
        page.split(" [")[0].removeprefix("tidings ").removesuffix(" COMMAND")
        for page in pages
        if "\n  --since" in page
    }
    assert ranged == {*LISTS, *MAKES}


@pytest.mark.parametrize("option", ["--since", "--until"])
@pytest.mark.parametrize("command", LISTS)
def test_a_time_of_a_list_is_the_same_one_in_its_options(
    command: str,
    option: str,
    zone: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("tidings.cli.calls.ServiceClient", Answering)
    monkeypatch.setenv("TIDINGS_KEY", "key:secret")
    field, row = LISTS[command]
    column = "at" if "at" in row else "acceptedAt"
    changed_ms = ZONES[zone]
    now_ms = round(time.time()) * 1000
    for at_ms in (changed_ms - 1_800_000, changed_ms + 1_800_000, changed_ms - 86_400_000, now_ms):
        shown = row | {column: iso(at_ms + 123)}
        monkeypatch.setattr(Answering, "answer", {field: [shown], "older": None}, raising=False)
        assert cli.main(command.split()) == 0
        found = CLOCK.search(capsys.readouterr().out)
        assert found is not None and ZONE.fullmatch(found["zone"]), found
        assert cli.main([*command.split(), option, found[0]]) == 0
        query = parse_qs(urlsplit(Answering.asked).query)
        read = next(query[name][0] for name in ("from", "since", "to", "until") if name in query)
        assert datetime.fromisoformat(read).timestamp() * 1000 == at_ms
        capsys.readouterr()


def test_a_time_of_day_of_another_zone_is_of_its_own_today(zone: str) -> None:
    now = datetime(2026, 12, 3, 23, 30, tzinfo=UTC)
    assert moment_of("--since", "08:31:00+09:00", now) == "2026-12-03T23:31:00.000Z"
    assert moment_of("--since", "23:29:00Z", now) == "2026-12-03T23:29:00.000Z", zone


def test_a_line_of_the_clock_has_its_zone(zone: str) -> None:
    at = datetime.fromtimestamp(BACK_MS / 1000).astimezone()
    assert clock(BACK_MS) == zoned(at, at.date()) and ZONE.fullmatch(clock(BACK_MS)[8:])
    assert str(moment(iso(BACK_MS))).endswith(clock(BACK_MS)), zone


def test_no_other_place_writes_a_time() -> None:
    package = Path(tidings.__file__).parent
    files = [path for name in ("cli", "demo") for path in (package / name).rglob("*.py")]
    assert len(files) > 50
    # What options say to the API is no text for people.
    for path in sorted(set(files) - {package / "cli" / "options" / "values.py"}):
        text = path.read_text("utf-8")
        assert not re.search(r"%H|strftime|\bisoformat\(|ctime\(|tzname", text), path


def test_all_times_of_a_command_have_their_zone(
    tidings: Command, org: Api, hook: Any, failing: Any
) -> None:
    org.accept(bare(eventId="e-1"))
    org.settled("e-1", hook)
    delivery = org.settled("e-1", failing)["id"]
    made = tidings("credentials", "create", "till", "--scope", "logs:read", "--json").must().row
    asked = tidings("replay", "--webhook", "shop", "--since", "1h", "--yes", "--json").must(1).row
    shown = {
        command: tidings(*command.split(), TZ="Asia/Kolkata")
        for command in (
            *LISTS, "replay list", f"replay show {asked['id']}", f"show {delivery}", "show e-1",
            f"credentials show {made['id']}", "orgs list", "orgs show", "webhooks show shop",
            "inboxes list", "doctor",
        )
    }  # fmt: skip
    printed = {
        command: [found["zone"] for found in CLOCK.finditer(done.out + done.err)]
        for command, done in shown.items()
    }
    assert sum(map(len, printed.values())) > 10, printed
    for command, zones in printed.items():
        assert all(ZONE.fullmatch(zone) for zone in zones), (
            command,
            shown[command],
        )  # may be empty: of those without times
