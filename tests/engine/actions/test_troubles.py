"""What is told of an action that cannot be done, by each way in which its look-up can be unwell."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.engine.actions.action_world import ORG, action, contact
from tidings.core.webhooks.subscriptions import Registry
from tidings.core.webhooks.webhook import Webhook
from tidings.engine.actions.actions import ActionServices
from tidings.engine.actions.lookups import LookupState
from tidings.engine.actions.troubles import NOT_IN_FILE, ActionTroubles

WRONG = "The file must be there; it is not."
SILENT = "Look-up contact: it did not answer."
MAIL = cast(Webhook, SimpleNamespace(org=ORG, name="mail"))


def troubles(*declared: Any, wrong: dict[str, str], state: LookupState) -> ActionTroubles:
    lookups = SimpleNamespace(wrong=wrong, state_of=lambda name: state)
    actions = {action.name: action for action in declared}
    services = SimpleNamespace(org=ORG, lookups=lookups, of=lambda org: actions)
    return ActionTroubles(cast(ActionServices, services), Registry())


@pytest.mark.parametrize("wrong", [{}, {"other": WRONG}, {"contact": WRONG}])
@pytest.mark.parametrize("why", [None, SILENT])
@pytest.mark.parametrize("left_alone", [False, True])
def test_a_look_up_is_told_of_once_whatever_ails_it(
    wrong: dict[str, str], why: str | None, left_alone: bool
) -> None:
    state = LookupState(asked=3, failed=1, left_alone=left_alone, why=why)
    told = troubles(action(lookups=(contact(),)), wrong=wrong, state=state).of(MAIL)
    stuck = [sentence for sentence in told if sentence.startswith("Its look-up contact does not")]
    assert len(stuck) == (why is not None or left_alone)
    assert all(sentence.endswith(why or ".") for sentence in stuck)  # may be empty: it answers
    found = [sentence for sentence in told if sentence not in stuck]
    expected = "contact" in wrong and why is None
    assert found == ([f"Look-up contact: {WRONG}"] if expected else [])


def test_an_action_without_look_ups_has_none_of_their_troubles() -> None:
    state = LookupState(1, 1, True, SILENT)
    assert troubles(action(), wrong={"contact": WRONG}, state=state).of(MAIL) == []


def test_an_action_that_is_gone_from_the_file_is_told_of() -> None:
    state = LookupState(0, 0, False, None)
    gone = troubles(action("other"), wrong={}, state=state)
    assert gone.of(MAIL) == (NOT_IN_FILE,)
