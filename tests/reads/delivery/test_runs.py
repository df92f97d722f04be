"""The steps of a run, in their order, and what was made, without secrets."""

import json
from typing import Any

from msgspec import Raw

from tests.declared_actions import SECRET, text_message, welcome
from tidings.core.actions.action import HttpCall
from tidings.core.actions.rendered_act import (
    Made,
    MadeCall,
    MadeMail,
    MadeRow,
    RunStep,
    bytes_of,
    made_in,
)
from tidings.core.actions.secrets import secrets_of
from tidings.core.webhooks.targets.mailing import ShapedMail
from tidings.reads.delivery.runs import STEPS, show_made, steps_of

STEPS_MADE = (RunStep("contact", "found", 1.5), RunStep("tier", "It went on without."))
MAIL = Made(MadeMail(ShapedMail(("a@b.example",), "Hi", "Text")), "de", STEPS_MADE)


def attempt(fault: str | None, said: str, *, ended: bool = True) -> dict[str, Any]:
    return {
        "fault": fault,
        "status": None if fault else 503,
        "advice": said,
        "ended": ended,
        "startedAt": f"at {said}",
        "durationInMs": 3,
    }


def test_what_was_waited_for_comes_before_what_was_made_and_tries_come_after() -> None:
    attempts = [
        attempt("waits", "It is quiet."),
        attempt("ours", "Look-up contact: down."),
        attempt(None, "The mail server takes no mails."),
        attempt("skipped", "The customer has opted out."),
        attempt(None, "under way", ended=False),
    ]
    steps = steps_of(attempts, MAIL)
    assert [(step["step"], step["name"], step["said"]) for step in steps] == [
        ("wait", None, "It is quiet."),
        ("heldUp", None, "Look-up contact: down."),
        ("lookUp", "contact", "found"),
        ("lookUp", "tier", "It went on without."),
        ("language", "de", "It was made in de."),
        ("try", None, "The mail server takes no mails."),
        ("notDone", None, "The customer has opted out."),
    ]
    assert {step["step"] for step in steps} <= STEPS
    assert steps[2]["durationInMs"] == 1.5 and steps[5]["at"] == "at " + steps[5]["said"]


def test_what_was_so_several_times_in_a_row_is_one_step() -> None:
    down, other = attempt("ours", "Look-up contact: down."), attempt("waits", "It is quiet.")
    steps = steps_of([down, down, down, other, down], None)
    assert [(step["step"], step["times"]) for step in steps] == [
        ("heldUp", 3),
        ("wait", 1),
        ("heldUp", 1),
    ]


def test_what_was_never_made_has_no_look_ups_to_tell() -> None:
    steps = steps_of([attempt("skipped", "The cap.")], None)
    assert [step["step"] for step in steps] == ["notDone"]


def test_what_was_made_is_shown_as_it_is() -> None:
    assert json.loads(json.dumps(show_made(MAIL, welcome()))) == {
        "kind": "mail",
        "content": {"to": ["a@b.example"], "subject": "Hi", "text": "Text", "html": None},
    }
    row = made_in(bytes_of(Made(MadeRow({"id": 7, "amount": Raw(b"1.50")}))))
    assert row is not None
    assert show_made(row, None)["content"] == {"values": {"id": 7, "amount": 1.5}}


def test_a_call_is_shown_with_its_secrets_masked_also_when_the_file_has_it_no_more() -> None:
    body = '{"key":"","text":"Hello"}'
    url = f"https://sms.example/v1/15550100?api_key={SECRET}&kind=short"
    act = text_message().act
    assert isinstance(act, HttpCall)
    [number] = secrets_of(act)
    made = Made(MadeCall("POST", url, (), body, ((8, number),)))
    shown = show_made(made, text_message())["content"]
    assert shown["body"] == '{"key":"…0001","text":"Hello"}'
    assert shown["url"] == "https://sms.example/v1/15550100?api_key=…0001&kind=short"
    for action in (None, welcome()):
        gone = show_made(made, action)["content"]
        assert gone == {"method": "POST", "url": "https://sms.example/v1/15550100", "body": body}
        assert SECRET not in json.dumps(gone)
