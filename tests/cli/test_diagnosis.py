"""What ails a webhook: one cause and one fix, in the order of what stands in the way of what."""

from dataclasses import replace
from typing import Any

import pytest

from tidings.cli.diagnosis import BACKLOG_MIN, Diagnosis, Findings, diagnose

ID = "1" * 24
WEBHOOK = {
    "name": "crm",
    "webHookId": ID,
    "webHookUrl": "https://crm.example.com/hook",
    "webHookType": "HTTP",
    "standing": "active",
    "disabledReason": None,
    "eventNames": ["pointsIssued"],
    "ordering": "none",
    "rateLimit": None,
    "maxAllowedConnections": 10,
}
SAID = "The receiver answered 503 Service Unavailable after 4 ms. Check that it runs."
WORST = {
    "id": "dlv_1",
    "advice": "…",
    "attemptList": [{"ended": True, "advice": SAID}, {"ended": False, "advice": "under way"}],
}
GOOD = {"state": "delivered", "attempts": 1}
BAD = {"state": "retrying", "attempts": 1}
WELL = Findings(WEBHOOK, newest=[GOOD], tally={"delivered": 7})
FAILING = replace(WELL, newest=[BAD, GOOD], worst=WORST)


def webhook(found: Findings, **fields: Any) -> Findings:
    return replace(found, webhook=WEBHOOK | fields)


def preview(*events: dict[str, Any]) -> Findings:
    return Findings(WEBHOOK, preview={"events": list(events)})


def seen(name: str, received: bool, why: str | None = None) -> dict[str, Any]:
    return {"eventName": name, "received": received, "why": why}


@pytest.mark.parametrize(
    ("found", "cause", "step"),
    [
        (webhook(FAILING, standing="deleted"), "crm was deleted", "tidings webhooks create crm"),
        (
            webhook(FAILING, standing="disabled", disabledReason="A 410."),
            "crm is disabled: A 410; new",
            "tidings webhooks enable",
        ),
        (webhook(FAILING, standing="disabled"), "crm is disabled; new", "tidings webhooks enable"),
        (webhook(FAILING, standing="inactive"), "crm is inactive", "tidings webhooks enable"),
        (webhook(FAILING, standing="paused"), "crm is paused", "tidings webhooks resume"),
        (
            webhook(FAILING, webHookType="QUEUE_INT"),
            "crm is of the type QUEUE_INT",
            "tidings webhooks edit",
        ),
        (replace(FAILING, stopped="this org"), "Sending is stopped for this org", "tidings doctor"),
        (
            FAILING,
            "The receiver answered 503 Service Unavailable after 4 ms. 1 of the last 2",
            "tidings show dlv_1",
        ),
        (
            replace(FAILING, newest=[BAD]),
            "The receiver answered 503 Service Unavailable after 4 ms."
            " The last delivery did not arrive.",
            "tidings show dlv_1",
        ),
        (
            replace(WELL, tally={"pending": BACKLOG_MIN}),
            "100 deliveries wait for one of the 10",
            f"tidings webhooks edit {ID} --connections 20",
        ),
        (
            webhook(replace(WELL, tally={"held": 200}), ordering="strict"),
            "200 deliveries wait, and strict",
            f"tidings webhooks edit {ID} --set ordering=key",
        ),
        (
            webhook(replace(WELL, tally={"pending": 200}), rateLimit=5.0),
            "200 deliveries wait, and rateLimit lets 5",
            f"tidings webhooks edit {ID} --set rateL",
        ),
        (replace(WELL, missed=3), "It sends now, but 3 events", "tidings replay --webhook"),
        (preview(), "No event that it wants", "tidings simulate --events 20 --types pointsIss"),
        (
            preview(seen("pointsIssued", False, "data.points must be above 3; got 1.")),
            "Its filter takes none of the last 1 events that it wants: data.points must be",
            "tidings webhooks preview",
        ),
        (preview(seen("pointsIssued", True)), "The last events that it wants", "tidings replay"),
        (
            replace(WELL, tally={"delivered": 7, "slaBreaches": 2}),
            "2 deliveries of the last day c",
            "tidings deliveries list",
        ),
    ],
)
def test_the_first_cause_is_named_with_its_fix(found: Findings, cause: str, step: str) -> None:
    told = diagnose(found)
    assert told.cause.startswith(cause), told.cause
    assert told.step.startswith(step), told.step
    assert not told.well and told.fix.endswith(".")


def test_what_is_well_needs_nothing() -> None:
    assert diagnose(WELL) == Diagnosis(
        "crm is well. 7 delivered in the last day.",
        "Nothing has to be done.",
        f"tidings webhooks test {ID}",
        well=True,
    )


def test_a_failure_that_lies_behind_ten_successes_is_no_cause() -> None:
    assert diagnose(replace(FAILING, newest=[*[GOOD] * 10, BAD])).well


def test_a_backlog_below_the_threshold_is_none() -> None:
    assert diagnose(replace(WELL, tally={"pending": BACKLOG_MIN - 1})).well


def test_what_the_credential_may_not_see_is_not_guessed() -> None:
    assert diagnose(Findings(WEBHOOK)).well
