"""Actions in words: what one does, and what keeps it from that."""

import pytest

from tests.declared_actions import SECRET, text_message, welcome
from tidings.core.actions.act_words import KINDS, cannot, describe_act, kind_of
from tidings.core.actions.action import Act, HttpCall, KafkaRecordAct, NewEvents, Plain, TableRowAct
from tidings.core.actions.placeholders import url_shown
from tidings.core.delivery.exchange import FaultKind

SERVER = "the mail server of the connection mail"
MAIL, CALL = welcome().act, text_message().act
ROW, RECORD = TableRowAct("crm", "welcomes", {"id": Plain(1)}), KafkaRecordAct("main", "loyalty")
EVENTS = NewEvents("memberDue", Plain({}))
SAID: list[tuple[Act, str]] = [
    (MAIL, "Sends a mail to {{ contact.email }}, over the connection mail"),
    (CALL, "Calls POST https://sms.example/v1/{to}?api_key=…0001&kind=short"),
    (ROW, "Writes a row of welcomes, over the connection crm"),
    (RECORD, "Writes a record of loyalty, over the connection main"),
    (EVENTS, "Makes events of the type memberDue for other actions"),
]


@pytest.mark.parametrize("kind", KINDS)
def test_what_an_act_does_is_said_without_secrets(kind: type) -> None:
    [(act, said)] = [pair for pair in SAID if isinstance(pair[0], kind)]
    assert (kind_of(act), describe_act(act)) == (KINDS[kind], said)


@pytest.mark.parametrize(
    ("act", "cause", "said"),
    [
        (
            MAIL,
            "refused",
            f"cannot send: {SERVER} refuses connections",
        ),
        (MAIL, "503", f"cannot send: {SERVER} takes no mails for now"),
        (MAIL, "401", f"cannot send: {SERVER} refuses our login"),
        (MAIL, "599", f"cannot send: {SERVER} does not take it"),
        (MAIL, "recipients", "cannot send: it has nobody who may be written to"),
        (CALL, "503", "cannot call: sms.example answers 503"),
        (CALL, "timeout", "cannot call: sms.example does not answer in time"),
        (CALL, "token", "cannot call: it gets nothing, since no access token can be had"),
        (ROW, "404", "cannot write: the database of the connection crm has no such table"),
        (RECORD, "404", "cannot write: the Kafka cluster of the connection main has no such topic"),
        (None, "503", "cannot be done: it answers 503"),
    ],
)
def test_what_keeps_an_action_from_its_act_is_told_of_whom_it_needs(
    act: Act | None, cause: str, said: str
) -> None:
    assert cannot(act, cause) == said


@pytest.mark.parametrize(
    "act", [act for act, _ in SAID if not isinstance(act, HttpCall | NewEvents)]
)
@pytest.mark.parametrize("cause", [*FaultKind, "404", "503"])
def test_nobody_who_speaks_no_http_is_said_to_answer_with_its_statuses(
    act: Act, cause: str
) -> None:
    said = cannot(act, str(cause))
    assert "HTTP" not in said and not any(sign.isdigit() for sign in said)


def test_of_a_url_the_keys_are_hidden_and_its_holes_are_not() -> None:
    written = f"https://a.example/{{id}}?key={SECRET}&token=x&format=json&at={{when}}"
    assert url_shown(written) == ("https://a.example/{id}?key=…0001&token=…&format=json&at={when}")
    filled = f"https://a.example/7?key={SECRET}&token=x&format=json&at=a-rather-long-value"
    assert url_shown(written, filled) == (
        "https://a.example/7?key=…0001&token=…&format=json&at=a-rather-long-value"
    )
    for name in ("api_key", "apiKey", "key", "X-API-KEY"):
        assert url_shown(f"https://a.example/?{name}=short") == f"https://a.example/?{name}=…"
    assert url_shown("https://a.example/{id}", filled) == "https://a.example/7?…"
    assert url_shown("https://a.example/{id}", "https://a.example/7") == "https://a.example/7"
