"""How a webhook does: what is wrong with it, why nothing is sent, and which word stands first."""

from itertools import product

import pytest

from tidings.core.delivery.receivers.judgement import (
    Condition,
    ConnectionHold,
    HealthState,
    WebhookActivity,
    judge_activity,
    judge_state,
    judge_webhook,
)
from tidings.core.delivery.webhook_status import WebhookStatus

HOLD = ConnectionHold("crm-db", "The connection crm-db cannot be reached. See to it.", 1_000)
KEPT = [status for status in WebhookStatus if status is not WebhookStatus.DELETED]


@pytest.mark.parametrize("status", KEPT)
@pytest.mark.parametrize(
    ("facts", "state"),
    [
        ({"fails": False}, None),
        ({"fails": True}, HealthState.FAILING),
        ({"fails": True, "fails_in_part": True}, HealthState.DEGRADED),
        ({"fails": False, "troubles": ("Its table is away.",)}, HealthState.FAILING),
        ({"fails": True, "fails_in_part": True, "troubles": ("Away.",)}, HealthState.FAILING),
        ({"fails": False, "unread": True}, HealthState.UNREAD),
        ({"fails": True, "unread": True}, HealthState.FAILING),
        ({"fails": True, "hold": HOLD}, None),
    ],
)
def test_what_is_wrong_is_judged_whatever_a_webhook_is_set_to(
    status: WebhookStatus, facts: dict[str, bool], state: HealthState | None
) -> None:
    assert judge_state(status, is_called=True, **facts) is state  # type: ignore[arg-type]


def test_nothing_is_wrong_with_what_is_deleted_or_leads_nowhere() -> None:
    assert judge_state(WebhookStatus.DELETED, is_called=True, fails=True) is None
    assert judge_state(WebhookStatus.ACTIVE, is_called=False, fails=True) is None


def test_the_first_word_is_what_it_is_set_to_and_of_an_active_one_what_is_wrong() -> None:
    for status, state in product(WebhookStatus, [None, *HealthState]):
        word = judge_webhook(status, is_called=True, state=state)
        if status is not WebhookStatus.ACTIVE:
            assert word.value == status.value
        else:
            assert word.value == ("well" if state is None else state.value)
    for state in (None, *HealthState):
        held = judge_webhook(WebhookStatus.ACTIVE, is_called=True, state=state, hold=HOLD)
        assert held is Condition.HELD_UP
        no_target = judge_webhook(WebhookStatus.ACTIVE, is_called=False, state=state)
        assert no_target is Condition.NOT_CALLED


def test_what_fails_is_never_idle_and_what_may_not_be_sent_is_waiting() -> None:
    for status, state, is_held, is_idle in product(
        WebhookStatus, [None, *HealthState], [False, True], [False, True]
    ):
        activity = judge_activity(status, state=state, is_held=is_held, is_idle=is_idle)
        if status is WebhookStatus.PAUSED:
            assert activity is WebhookActivity.WAITING
        elif status is not WebhookStatus.ACTIVE or state is not None:
            assert activity is None
        elif is_held:
            assert activity is WebhookActivity.WAITING
        else:
            assert activity is (WebhookActivity.IDLE if is_idle else None)
