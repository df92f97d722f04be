"""What ails a webhook: one cause and one fix, in the order of what stands in the way of what."""

from dataclasses import replace
from typing import Any

import pytest

from tidings.cli.webhooks.diagnosis import BACKLOG_MIN, Diagnosis, Findings, diagnose
from tidings.core.delivery.advice import PastAttempt, advise
from tidings.core.delivery.receivers.health import GONE
from tidings.core.delivery.states import State

ID = "1" * 24
WEBHOOK = {
    "name": "crm",
    "webHookId": ID,
    "webHookUrl": "https://crm.example.com/hook",
    "webHookType": "HTTP",
    "standing": "active",
    "condition": "well",
    "health": None,
    "connection": None,
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
FAILS = WEBHOOK | {"condition": "failing", "health": {"leftAlone": False}}
FAILING = replace(WELL, webhook=FAILS, newest=[BAD, GOOD], worst=WORST)


def webhook(found: Findings, **fields: Any) -> Findings:
    return replace(found, webhook=WEBHOOK | fields)


def failing(health: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return FAILS | {"health": health} | fields


def preview(*events: dict[str, Any]) -> Findings:
    return Findings(WEBHOOK, preview={"events": list(events)})


NOT_SERVED = {"code": "queue_not_served", "message": "It gets nothing."}


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
            webhook(FAILING, webHookType="QUEUE_INT", warning=NOT_SERVED),
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
            replace(WELL, tally={"now": {"pending": BACKLOG_MIN}}),
            "100 deliveries are queued for one of the 10",
            f"tidings webhooks edit {ID} --connections 20",
        ),
        (
            webhook(replace(WELL, tally={"now": {"held": 200}}), ordering="strict"),
            "200 deliveries are queued, and strict",
            f"tidings webhooks edit {ID} --set ordering=key",
        ),
        (
            webhook(replace(WELL, tally={"now": {"pending": 200}}), rateLimit=5.0),
            "200 deliveries are queued, and rateLimit allows 5",
            f"tidings webhooks edit {ID} --set rateL",
        ),
        (
            replace(WELL, tally={"delivered": 4, "neverArrived": 3}),
            "It sends now, but 3 events",
            "tidings replay --webhook",
        ),
        (preview(), "None of its event types", "tidings simulate --events 20 --types pointsIss"),
        (
            preview(seen("pointsIssued", False, "data.points must be above 3; got 1.")),
            "Its filter matches none of the last 1 events of its types: data.points must be",
            "tidings webhooks preview",
        ),
        (preview(seen("pointsIssued", True)), "The latest events of its types", "tidings replay"),
        (
            replace(WELL, tally={"delivered": 7, "slaBreaches": 2}),
            "2 deliveries of the last day took",
            "tidings deliveries list",
        ),
    ],
)
def test_the_first_cause_is_named_with_its_fix(found: Findings, cause: str, step: str) -> None:
    told = diagnose(found)
    assert told.cause.startswith(cause), told.cause
    assert told.step.startswith(step), told.step
    assert not told.well and told.fix.endswith(".")


def test_a_401_may_be_of_the_signature_or_of_the_credentials_and_each_has_its_command() -> None:
    said = advise(State.RETRYING, PastAttempt(401, None, "", 4), due_ms=None, now_ms=0)
    attempts = [{"ended": True, "status": 401, "advice": said.replace("It is due now. ", "")}]
    told = diagnose(replace(FAILING, worst=WORST | {"attemptList": attempts}))
    assert told.cause.startswith("The receiver answered 401 Unauthorized after 4 ms.")
    assert told.fix.startswith("The receiver refuses the signature or the credentials")
    assert f"Signature: `tidings webhooks show {ID}`" in told.fix
    assert f"Credentials: `tidings webhooks test {ID}`" in told.fix
    left = replace(FAILING, webhook=failing(LEFT | {"cause": "401"}))
    assert "signature" not in diagnose(left).fix
    left = replace(left, worst=WORST | {"attemptList": attempts})
    assert f"`tidings webhooks test {ID}`" in diagnose(left).fix


def test_what_is_well_needs_nothing() -> None:
    assert diagnose(WELL) == Diagnosis(
        "crm is healthy. 7 delivered in the last day.",
        "There is nothing to do.",
        f"tidings webhooks test {ID}",
        well=True,
    )


def test_a_failure_that_lies_behind_ten_successes_is_no_cause() -> None:
    assert diagnose(replace(WELL, newest=[*[GOOD] * 10, BAD], worst=WORST)).well


def test_one_that_the_service_judges_well_is_well_whatever_its_newest_deliveries_were() -> None:
    assert diagnose(replace(WELL, newest=[BAD] * 9, worst=WORST)).well
    found = webhook(FAILING, condition="held up", connection="crm-db")
    told = diagnose(replace(found, tally={"now": {"pending": 4}}))
    assert told.cause == "crm is held up by its connection crm-db. 4 deliveries wait for it."
    assert told.step == "tidings connections check crm-db"


def test_a_backlog_below_the_threshold_is_none() -> None:
    assert diagnose(replace(WELL, tally={"now": {"pending": BACKLOG_MIN - 1}})).well


def test_what_is_disabled_tells_how_much_waits_for_a_replay() -> None:
    disabled = WEBHOOK | {"standing": "disabled", "disabledReason": "It answered 410."}
    told = diagnose(Findings(disabled, tally={"parked": 9, "now": {"parked": 2}}))
    assert "It answered 410; 2 wait parked for a replay; new deliveries" in told.cause
    told = diagnose(Findings(disabled, tally={"parked": 9, "now": {"parked": 0}}))
    assert "parked for a replay" not in told.cause


def test_a_share_of_attempts_is_told_where_some_of_them_failed() -> None:
    tally = {"delivered": 85, "attempts": 100, "failedAttempts": 15, "failedAttemptsPercent": 15.0}
    assert (
        "85 delivered in the last day; 15 % of 100 attempts"
        in diagnose(replace(WELL, tally=tally)).cause
    )


def test_what_the_credential_may_not_see_is_not_guessed() -> None:
    assert diagnose(Findings(WEBHOOK)).well


LEFT = {
    "failingSince": "2026-11-26T14:02:11.000Z",
    "failures": 31,
    "cause": "503",
    "leftAlone": True,
    "nextTryAt": "2999-01-01T00:00:00.000Z",
}
CROWD = {"now": {"pending": 1_400, "retrying": 10}}
WAITS = [{"state": "pending", "attempts": 0}] * 50


@pytest.mark.parametrize("cause", ["503", "timeout", "refused", "dns", "tls", ""])
@pytest.mark.parametrize("fields", [{}, {"rateLimit": 5.0}, {"ordering": "strict"}])
def test_a_crowd_behind_an_open_breaker_is_told_as_that(cause: str, fields: dict[str, Any]) -> None:
    health = LEFT | {"cause": cause or None}
    for worst in (None, WORST):
        found = Findings(failing(health, **fields), None, CROWD, WAITS, worst)
        told = diagnose(found)
        assert told.cause.startswith("crm is left alone: its receiver "), told.cause
        assert "1,410 deliveries wait for it; it is retried at" in told.cause
        assert " since " in told.cause and "(in " in told.cause
        assert "connection" not in told.fix and told.step == f"tidings webhooks test {ID}"
    assert "answers 503" in diagnose(Findings(failing(LEFT), None, CROWD)).cause


def test_a_receiver_that_gets_too_much_is_sent_less() -> None:
    health = LEFT | {"cause": "429"}
    for rate, step in ((None, "rateLimit=10"), (8.0, "rateLimit=4"), (1.0, "rateLimit=1")):
        told = diagnose(Findings(failing(health, rateLimit=rate), None, CROWD))
        assert "answers 429" in told.cause and told.step.endswith(step), told


def test_how_long_a_receiver_takes_is_found_behind_a_page_of_what_waits() -> None:
    tally = {"now": {"pending": 400}}
    slow = [GOOD | {"durationInMs": 1_500.0}]
    told = diagnose(Findings(WEBHOOK, None, tally, WAITS, delivered=slow))
    assert "takes 1.5 s to answer, so 10 connections carry about 6.7 a second" in told.cause
    assert told.step == f"tidings webhooks test {ID}"


def test_what_a_failure_holds_up_is_told_with_it() -> None:
    for held, said in ((119, "119 deliveries are held behind an earlier one of their key."),) + (
        (1, "1 delivery is held behind an earlier one of its key."),
        (0, "did not arrive."),
    ):
        told = diagnose(replace(FAILING, tally={"now": {"held": held}}))
        assert told.cause.startswith("The receiver answered 503") and told.cause.endswith(said)


def test_who_was_disabled_by_a_410_needs_another_url_first() -> None:
    gone = WEBHOOK | {"standing": "disabled", "disabledReason": GONE}
    told = diagnose(Findings(gone, tally={"now": {"parked": 1}}))
    assert "1 waits parked for a replay" in told.cause
    assert told.step.startswith(f"tidings webhooks edit {ID} --url ")


def test_who_fails_behind_a_page_of_what_waits_is_found() -> None:
    health = LEFT | {"leftAlone": False, "nextTryAt": None}
    told = diagnose(Findings(failing(health), None, CROWD, WAITS, WORST))
    assert told.cause.startswith("The receiver answered 503 Service Unavailable after 4 ms. It ans")
    assert "31 failures in a row" in told.cause and told.step == "tidings show dlv_1"


@pytest.mark.parametrize(
    ("fields", "stopped", "cause"),
    [
        ({"standing": "paused"}, None, "crm is paused"),
        ({"standing": "disabled", "disabledReason": "A 410."}, None, "crm is disabled: A 410"),
        ({"standing": "disabled", "disabledReason": "8 days."}, None, "crm is disabled: 8 days"),
        ({"webHookType": "QUEUE_INT", "warning": NOT_SERVED}, None, "crm is of the type QUEUE_INT"),
        ({}, "this org", "Sending is stopped for this org"),
    ],
)
def test_what_somebody_did_stands_before_what_the_receiver_does(
    fields: dict[str, Any], stopped: str | None, cause: str
) -> None:
    found = Findings(WEBHOOK | fields | {"health": LEFT}, stopped, CROWD, WAITS, WORST)
    assert diagnose(found).cause.startswith(cause)


def test_a_crowd_before_a_healthy_receiver_is_told_by_what_it_waits_for() -> None:
    def told(tally: dict[str, int], took_ms: float | None, **fields: Any) -> Diagnosis:
        newest = [GOOD | {"durationInMs": took_ms}]
        return diagnose(Findings(WEBHOOK | {"health": None} | fields, None, {"now": tally}, newest))

    quick = told({"pending": 400}, 4.0)
    assert "one of the 10 connections" in quick.cause and "--connections 20" in quick.step
    slow = told({"pending": 400}, 4_000.0)
    assert "takes 4.0 s to answer, so 10 connections carry about 2.5 a second" in slow.cause
    limited = told({"pending": 400}, 4_000.0, rateLimit=5.0)
    assert "rateLimit allows 5 a second" in limited.cause
    held = told({"held": 400, "pending": 3}, 4.0, ordering="key")
    assert "400 deliveries are held behind an earlier one of their key" in held.cause
    assert held.step == f"tidings deliveries list --webhook {ID} --status retrying"
    after = told({"held": 400}, 4.0, ordering="key", holdOnFailure=True)
    assert after.step.endswith("--status failed")


def test_groups_are_told_and_are_no_fault() -> None:
    of_group = {**GOOD, "warning": {"code": "no_customer", "message": "It belongs to a group."}}
    told = diagnose(Findings(WEBHOOK, newest=[of_group, GOOD], tally={"delivered": 7}))
    assert told.well and told.cause.endswith(
        "1 of its last 2 belong to groups: what it wants of a customer is left out of them."
    )
    assert "groups" not in diagnose(WELL).cause


LEASE = {"ended": True, "fault": "lease", "advice": "Its lease ended."}
PULLED = webhook(WELL, webHookType="PULL", webHookUrl="pull:")
UNREAD = {"state": "pending", "attempts": 0}


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (
            replace(PULLED, newest=[UNREAD] * 3, tally={"now": {"pending": 3}}),
            ("3 deliveries wait for a reader, and no reader fetches from crm.", "168 hours"),
        ),
        (
            replace(PULLED, newest=[UNREAD], delivered=[GOOD], tally={"now": {"pending": 1}}),
            ("1 delivery waits for a reader", "no reader fetches from crm any more"),
        ),
        (
            replace(
                PULLED,
                newest=[BAD, GOOD],
                worst=WORST | {"attemptList": [LEASE, LEASE]},
                tally={"now": {"retrying": 2}},
            ),
            (
                "does not acknowledge messages in time: 2 deliveries wait; the lease of dlv_1 has "
                "ended 2 times",
            ),
        ),
        (
            replace(PULLED, newest=[UNREAD] * 500, tally={"now": {"pending": 500}}),
            ("500 deliveries wait for a reader",),
        ),
    ],
)
def test_what_is_fetched_is_unread_or_acknowledged_too_late(
    found: Findings, words: tuple[str, ...]
) -> None:
    said = diagnose(found)
    assert all(word in said.cause for word in words), said.cause
    assert said.step == "tidings webhooks pull crm" and not said.well
    assert "receiver" not in said.cause + said.fix and "Connections" not in said.fix


@pytest.mark.parametrize("newest", [[GOOD], [UNREAD, GOOD], []])
def test_what_is_fetched_and_acknowledged_is_well(newest: list[dict[str, Any]]) -> None:
    said = diagnose(
        replace(PULLED, newest=newest, tally={"delivered": 7, "now": {"pending": 1 - (not newest)}})
    )
    assert said.well and said.step == "tidings webhooks pull crm"
