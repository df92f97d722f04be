"""Letters about actions speak of the action, of what it does, and of what to do for it."""

import pytest

from tests.core.notices.webhooks import webhook
from tests.declared_actions import SECRET, text_message, welcome
from tidings.core.actions.act_words import KINDS, action_facts
from tidings.core.actions.action import Act, KafkaRecordAct, NewEvents, Plain, TableRowAct
from tidings.core.delivery.advice import LEFT_FILE
from tidings.core.ids import DeliveryId, OrgId
from tidings.core.notices.emails import EmailText, email
from tidings.core.notices.facts import DeliveryEnd, NoticeBatches, exhausted, merged
from tidings.core.notices.operational_events import (
    DISABLED,
    EXHAUSTED,
    FAILING,
    LOOKUP_FAILING,
    RECOVERED,
    disabled,
    failing,
    lookup_failing,
    recovered,
)

MAIL, CALL = welcome().act, text_message().act
ROW, RECORD = TableRowAct("crm", "welcomes", {"id": Plain(1)}), KafkaRecordAct("main", "loyalty")
EVENTS = NewEvents("memberDue", Plain({}))
ACTS: tuple[Act, ...] = (MAIL, CALL, ROW, RECORD, EVENTS)
HOUR = 3_600_000
CAUSES = ("refused", "401", "404", "410", "422", "429", "500", "503", "timeout", "transform")


def fails(act: Act | None, cause: str) -> EmailText:
    told = action_facts(act, cause)
    return email(FAILING, OrgId(7), failing(webhook(url=""), 50, HOUR, 9 * HOUR, 12, cause, told))


def test_an_action_that_fails_is_told_with_whom_it_needs_and_where_to_correct_it() -> None:
    words = fails(MAIL, "refused")
    assert words.subject == "Action hook 1 fails: 50 % of the way to being disabled"
    assert words.text.startswith(
        "The action hook 1 (the mail over the connection mail) has not run since 1970-01-01 "
        "01:00 UTC. It cannot send: the mail server of the connection mail refuses connections. If "
        "it does not run by 1970-01-01 09:00 UTC, it is disabled and its runs are parked.\n\n"
        "What to do: See that the mail server of the connection mail runs and can be reached. If "
        "it does, correct [connections.mail]. A change of the file"
    )
    call = fails(CALL, "401").text
    assert "(POST sms.example)" in call and "sms.example answers 401." in call
    assert "Correct the credential of the action in its file" in call


def test_letters_are_tried_of_every_act() -> None:
    assert list(map(type, ACTS)) == list(KINDS)


@pytest.mark.parametrize("act", [*ACTS, None])
@pytest.mark.parametrize("cause", CAUSES)
def test_no_letter_about_an_action_speaks_of_a_webhook_or_tells_a_secret(
    act: Act | None, cause: str
) -> None:
    gathering = NoticeBatches()
    gathering.add(webhook(url=""), DeliveryEnd(HOUR, cause, DeliveryId(1), "e"))
    gathering.add(webhook(url=""), DeliveryEnd(HOUR, "", parked=3))
    [batch] = gathering.due(0.0)
    for words in (
        fails(act, cause),
        email(EXHAUSTED, OrgId(7), exhausted(batch, action_facts(act, cause))),
        email(RECOVERED, OrgId(7), recovered(webhook(url=""), 1, 2, action_facts(act))),
    ):
        head = words.text.partition("\n-- \n")[0]
        assert words.subject.startswith("Action hook 1")
        assert "ebhook" not in words.subject + head and "receiver" not in head
        assert "None" not in head and SECRET not in head and ".." not in head.replace("…", "")


def test_an_action_that_left_its_file_is_told_with_the_two_ways_from_there() -> None:
    reason = LEFT_FILE
    words = email(
        DISABLED, OrgId(7), disabled(webhook(url=""), reason, 1, None, action_facts(None))
    )
    assert words.subject == "Action hook 1 is disabled"
    assert "hook 1 is no longer in the file of actions, so it does not run.\n\nP" in words.text
    assert "Parked: 1 run, and every new one." in words.text
    assert "add it to the file of actions and restart Tidings" in words.text
    assert "delete its webhook" in words.text


def test_runs_of_which_nothing_could_be_made_are_told_with_the_reason_that_their_log_has() -> None:
    why = "The look-up tier must have a record for this event; it has none. Add it, and retry."
    gathering = NoticeBatches()
    gathering.add(webhook(url=""), DeliveryEnd(HOUR, "transform", DeliveryId(1), "e", why=why))
    gathering.add(webhook(url=""), DeliveryEnd(HOUR, "", parked=2))
    [batch] = gathering.due(0.0)
    fact = exhausted(batch, action_facts(CALL, batch.cause, batch.why))
    words = email(EXHAUSTED, OrgId(7), fact)
    assert words.subject == "Action hook 1: 3 runs ended without being done"
    assert ": 1 run failed for good and 2 runs were parked at 1970-01-01 01:00 UTC." in words.text
    assert f"Of the last one: {why}" in words.text
    later = fact | {"cause": "", "action": action_facts(CALL)}
    assert merged(fact, later)["action"]["trouble"] == why, "the last one that is known"


def test_a_letter_that_waits_from_before_an_update_still_goes() -> None:
    fact = failing(webhook(), 50, 5, 9, 3, "503")
    del fact["action"]
    assert email(FAILING, OrgId(7), fact).subject.startswith("Webhook hook 1 fails")


def test_a_look_up_is_told_with_who_needs_it_and_whether_they_wait() -> None:
    why = "Its server must answer 200, or 404 for none; got 503. It is asked again by itself."
    fact = lookup_failing("tier", ["welcome"], True, HOUR, 4, why)
    words = email(LOOKUP_FAILING, OrgId(7), fact)
    assert words.subject == "Look-up tier fails"
    assert f"since 1970-01-01 01:00 UTC. {why}\n\nThe action welcome waits until it" in words.text
    assert "correct [lookups.tier]" in words.text
    many = lookup_failing("tier", [f"a{at}" for at in range(7)], False, HOUR, 4, why)
    assert (
        "The actions a0, a1, a2, a3, a4 and 2 more go on without it."
        in email(LOOKUP_FAILING, OrgId(7), many).text
    )
