"""Every option of a command reaches the call that it is for; what a call came to, the exit code."""

import shlex
from collections.abc import Iterator
from typing import Any

import pytest

from tidings.cli import deliveries, replay
from tidings.cli.events import event_log, log_options
from tidings.cli.exits import Exit
from tidings.cli.serving import sending
from tidings.cli.where import Where

WHEN, UNTIL = "2026-02-11T09:15:00.000Z", "2026-02-11T10:15:00.000Z"
HOOK = {"webHookId": "a" * 24, "name": "crm"}
JOB: dict[str, Any] = {
    "id": "rpl_1",
    "webHookId": None,
    "toWebHookId": None,
    "state": "finished",
    "reason": None,
    "made": 3,
    "matched": 3,
    "progress": 1.0,
    "delivered": 3,
    "failed": 0,
    "unfinished": 0,
    "startedAt": WHEN,
    "endedAt": UNTIL,
    "createdBy": "me",
}
DRY = {"sentence": "This sends 3.", "matched": 3, "skipped": 0}


class Api:
    """Answers in the order that it was given them, and remembers what it was asked."""

    def __init__(self, *answers: Any) -> None:
        self._answers: Iterator[Any] = iter(answers)
        self.asked: list[tuple[str, Any]] = []
        self.steps: list[str] = []

    def get(self, path: str, **query: Any) -> Any:
        self.asked.append((path, {name: row for name, row in query.items() if row is not None}))
        return next(self._answers)

    def send(self, method: str, path: str, body: Any = None) -> Any:
        assert method == "POST"
        self.asked.append((path, body))
        return next(self._answers)

    def next_step(self, command: str) -> None:
        self.steps.append(command)


def stand_in(monkeypatch: pytest.MonkeyPatch, module: Any, *answers: Any) -> Api:
    """Instead of the service, for the commands of a module."""
    api = Api(*answers)
    monkeypatch.setattr(module, "calls", lambda *_, **__: api)
    for element in (module, log_options):
        if hasattr(element, "find_webhook"):
            monkeypatch.setattr(
                element, "find_webhook", lambda _, name: HOOK | {"webHookId": f"id-{name}"}
            )
    return api


def test_each_filter_of_deliveries_is_asked_by_its_own_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    api = stand_in(monkeypatch, deliveries, {"deliveries": [], "older": None})
    deliveries.list_all(
        webhook="crm",
        status="failed",
        on="pointsIssued",
        since=WHEN,
        until=UNTIL,
        search="4711",
        event="e-1",
        request="r-1",
        limit=7,
    )
    assert api.asked == [
        (
            "/v1/deliveries",
            {
                "webHookId": "id-crm",
                "states": "failed",
                "eventName": "pointsIssued",
                "from": WHEN,
                "to": UNTIL,
                "q": "4711",
                "eventId": "e-1",
                "requestId": "r-1",
                "limit": 7,
            },
        )
    ]


def test_each_filter_of_the_events_is_asked_by_its_own_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    api = stand_in(monkeypatch, event_log, {"events": [], "older": None})
    event_log.log(
        on="pointsIssued",
        since=WHEN,
        until=UNTIL,
        search="4711",
        request="r-1",
        unwanted=True,
        limit=7,
    )
    [(path, query)] = api.asked
    assert path == "/v1/events"
    assert query.pop("matched") in (False, "false")
    assert query == {
        "eventName": "pointsIssued",
        "from": WHEN,
        "to": UNTIL,
        "q": "4711",
        "requestId": "r-1",
        "limit": 7,
    }


OPTIONS = [
    *("--webhook", "my crm", "--on", "pointsIssued,customerAdded", "--since", WHEN),
    *("--until", UNTIL, "--to", "shop", "--missed-since", WHEN, "--again", "--rate", "2.5"),
    *("--status", "failed,parked"),
]
BODY = {
    "webHookId": "id-my crm",
    "toWebHookId": "id-shop",
    "missedSince": WHEN,
    "from": WHEN,
    "to": UNTIL,
    "eventNames": ["pointsIssued", "customerAdded"],
    "states": ["failed", "parked"],
    "again": True,
    "ratePerSecond": 2.5,
}


def run_replay(*words: str) -> int:
    """As the command line calls it; its exit code."""
    code: int = replay.app(words, result_action="return_value", exit_on_error=False)
    return code


def test_a_dry_run_of_a_replay_asks_and_repeats_every_option(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    api = stand_in(monkeypatch, replay, DRY)
    assert run_replay(*OPTIONS, "--dry-run", "--detach", "--yes") == Exit.OK
    assert api.asked == [("/v1/replays", BODY | {"dryRun": True})]
    [step] = api.steps
    assert shlex.split(step) == ["tidings", "replay", *OPTIONS, "--detach", "--yes"]


@pytest.mark.parametrize(
    ("came", "code"),
    [
        ({}, Exit.OK),
        ({"failed": 1, "delivered": 2}, Exit.FAILED),
        ({"state": "failed", "reason": "the store"}, Exit.FAILED),
        ({"state": "paused"}, Exit.OK),
    ],
)
def test_a_replay_ends_as_its_deliveries_did(
    monkeypatch: pytest.MonkeyPatch, came: dict[str, Any], code: Exit
) -> None:
    api = stand_in(monkeypatch, replay, DRY, JOB | came)
    assert run_replay(*OPTIONS, "--yes") == code
    assert api.asked[-1] == ("/v1/replays", BODY), "what was counted is what is started"


def test_what_is_taken_as_delivered_is_asked_first_and_summed_over_its_slices(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told = {"acceptedBefore": WHEN, "ended": False}
    slices = [told | {"deliveries": 5}, told | {"deliveries": 5}]
    last = told | {"deliveries": 2, "ended": True}
    api = stand_in(monkeypatch, sending, slices[0], *slices, last)
    assert sending.delivered(before=WHEN, yes=True, where=Where(json=True)) == Exit.OK
    assert [body.get("dryRun") for _, body in api.asked] == [True, None, None, None]
    assert {body["acceptedBefore"] for _, body in api.asked} == {WHEN}
    assert '"deliveries":12' in capsys.readouterr().out

    only = stand_in(monkeypatch, sending, slices[0])
    assert sending.delivered(before=WHEN, dry_run=True, yes=True) == Exit.OK
    assert len(only.asked) == 1, "a dry run takes nothing"
