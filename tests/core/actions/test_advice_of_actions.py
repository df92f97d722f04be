"""Runs of actions are told of in words of actions: nobody is sent to a form of a webhook."""

import re

import pytest

from tidings.core.delivery.advice import (
    LEFT_FILE,
    LEFT_FILE_TODO,
    PastAttempt,
    advise,
    what_happened,
    what_to_do,
)
from tidings.core.delivery.exchange import FaultKind
from tidings.core.delivery.next_attempt import NextAttempt, Wait, waits_for
from tidings.core.delivery.states import State
from tidings.core.delivery.webhook_status import WebhookStatus

OF_WEBHOOKS = re.compile(
    r"webHook|methodType|rateLimit|signing secret|[Ww]ebhook's|The webhook|the webhook"
)
SHARED = {Wait.STOPPED_ALL, Wait.STOPPED_ORG, Wait.STORE, Wait.TYPE, Wait.READER, Wait.SLOTS}


@pytest.mark.parametrize("status", [*range(300, 309), *range(400, 452), *range(500, 512)])
def test_what_to_do_about_an_answer_is_found_in_the_file_or_at_whom_it_needs(status: int) -> None:
    tried = PastAttempt(status, None, "", 12, acts=True)
    said = f"{what_happened(tried)} {what_to_do(tried)}"
    assert str(status) in said and what_to_do(tried)
    assert not OF_WEBHOOKS.search(said), said


@pytest.mark.parametrize("why", [wait for wait in Wait if wait not in SHARED])
def test_what_a_run_waits_for_is_said_of_the_action(why: Wait) -> None:
    over = "The connection mail has sent the 100 an hour that its limit_per_hour admits."
    said = waits_for(NextAttempt(why=why, most=5, over=over), acts=True)
    assert said and not OF_WEBHOOKS.search(said) and "deliver" not in said, said


@pytest.mark.parametrize(
    "standing",
    [
        webhook_status
        for webhook_status in WebhookStatus
        if webhook_status is not WebhookStatus.ACTIVE
    ],
)
def test_what_does_not_run_is_an_action(standing: WebhookStatus) -> None:
    said = advise(
        State.RETRYING,
        None,
        due_ms=1,
        now_ms=0,
        status=standing,
        of_action="",
        next_attempt=NextAttempt(),
    )
    assert said == f"The action is {standing.value}: nothing is done until it is active."


@pytest.mark.parametrize(
    ("standing", "why", "said"),
    [
        (WebhookStatus.DISABLED, LEFT_FILE, f"It was parked. {LEFT_FILE} {LEFT_FILE_TODO}"),
        (
            WebhookStatus.DISABLED,
            "Disabled by ops.",
            "It was parked, because the action is disabled. Enable the action, and run it again.",
        ),
        (
            WebhookStatus.ACTIVE,
            "",
            "It was parked: it can be run again. Run it again once the action is healthy.",
        ),
    ],
)
def test_a_parked_run_says_why_and_what_leads_on(
    standing: WebhookStatus, why: str, said: str
) -> None:
    waited = PastAttempt(None, FaultKind.WAITS, "It is done at 14:00.", 0, acts=True)
    for tried in (None, waited):
        told = advise(State.PARKED, tried, due_ms=None, now_ms=0, status=standing, of_action=why)
        assert told == said


def test_a_run_that_was_done_and_one_that_took_too_long() -> None:
    assert what_happened(PastAttempt(200, None, "", 12, acts=True)) == "It was done after 12 ms."
    late = PastAttempt(None, "timeout", "It took too long. Let it answer first.", 12, acts=True)
    assert what_to_do(late).endswith("Or raise deadline of the action in its file.")
