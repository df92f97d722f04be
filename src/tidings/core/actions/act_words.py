"""An act as a sentence: what it does, and what keeps it from being done. Pure."""

from collections.abc import Mapping
from typing import Any, assert_never
from urllib.parse import urlsplit

from tidings.core.actions.action import (
    Act,
    HttpCall,
    KafkaRecordAct,
    MailAct,
    NewEvents,
    Plain,
    TableRowAct,
    TemplatedText,
)
from tidings.core.actions.placeholders import url_shown
from tidings.core.delivery.receivers.health import does

KINDS: Mapping[type, str] = {
    MailAct: "mail",
    HttpCall: "call",
    TableRowAct: "row",
    KafkaRecordAct: "record",
    NewEvents: "events",
}
"""The acts, by the names that the file has for them."""
RECIPIENTS_SHOWN = 3

# What a mail server's answers come to; drivers say them by the statuses that HTTP has for the same.
_MAIL = {
    "400": "refuses the mails",
    "401": "refuses our login",
    "403": "forbids us to write",
    "413": "finds the mails too large",
    "422": "knows none of the recipients",
    "protocol": "does not answer in SMTP",
    "429": "takes no more mails for now",
    "503": "takes no mails for now",
}
_TABLE = {
    "400": "refuses the rows",
    "401": "refuses our login",
    "403": "forbids us to write",
    "404": "has no such table",
    "409": "has other rows in the way",
    "422": "refuses the rows",
    "429": "takes no more rows for now",
    "503": "takes no rows for now",
    "protocol": "does not answer as PostgreSQL does",
}
_TOPIC = {
    "400": "refuses the records",
    "401": "refuses our login",
    "403": "forbids us to write",
    "404": "has no such topic",
    "413": "finds the records too large",
    "429": "takes no more records for now",
    "503": "takes no records for now",
    "protocol": "does not answer as Kafka does",
}
_UNMADE = ("transform", "recipients")
_OWN = ("recipients", "transform", "token")  # told of whom we send to, whoever that is


def kind_of(act: Act) -> str:
    """Return the kind of an act: `mail`, `call`, `row`, `record` or `events`."""
    return KINDS[type(act)]


def describe_act(act: Act) -> str:
    """Describe an act as it is declared: `Sends a mail to {{ contact.email }}, over the connection
    mail`."""
    match act:
        case MailAct():
            to = [text_shown(recipient) for recipient in act.to[:RECIPIENTS_SHOWN]]
            more = len(act.to) - RECIPIENTS_SHOWN
            whom = ", ".join(to) + (f" and {more} more" if more > 0 else "")
            return f"Sends a mail to {whom}, over the connection {act.connection}"
        case HttpCall():
            return f"Calls {act.method} {url_shown(act.url, secret=act.url_secret)}"
        case TableRowAct():
            return f"Writes a row of {act.table}, over the connection {act.connection}"
        case KafkaRecordAct():
            return f"Writes a record of {act.topic}, over the connection {act.connection}"
        case NewEvents():
            each = f", one for each item of {act.each}" if act.each else ""
            return f"Makes events of the type {act.type} for other actions{each}"
        case _:
            assert_never(act)


def act_named(act: Act) -> str:
    """Name an act as a thing: `the mail over the connection mail`, `POST shop.example.com`."""
    match act:
        case MailAct():
            return f"the mail over the connection {act.connection}"
        case HttpCall():
            return f"{act.method} {urlsplit(act.url).hostname or 'its receiver'}"
        case TableRowAct():
            return f"the row of {act.table} over the connection {act.connection}"
        case KafkaRecordAct():
            return f"the record of {act.topic} over the connection {act.connection}"
        case NewEvents():
            return f"the events of the type {act.type}"
        case _:
            assert_never(act)


def action_facts(act: Act | None, cause: str = "", why: str = "") -> dict[str, Any]:
    """Collect what an org is told of an action: its act, its trouble and the remedy. `cause` is how
    its last try ended, empty where nothing is told of it; `why` explains that in sentences, where
    something better is known."""
    words = {"act": None if act is None else act_named(act), "trouble": None, "remedy": None}
    if cause:
        words["trouble"] = why or f"It {cannot(act, cause)}."
        words["remedy"] = remedy(act, cause)
    return words


def remedy(act: Act | None, cause: str) -> str:
    """Say in a sentence or two what to do about an action whose last try ended by this cause."""
    if act is None or isinstance(act, NewEvents) or cause in _UNMADE:
        return (
            "See in its newest runs what is missing, and mend it there or in the file of actions."
        )
    _, who, _ = _parts(act)
    where, login = _places(act)
    if cause == "policy":
        return f"Have the operator allow the address of {who} (TIDINGS_ALLOW), or correct {where}."
    if cause == "token" or cause in ("401", "403", "407"):
        return f"Correct {login}, or have {who} admit it."
    if cause in ("404", "405", "410"):
        return f"Correct {where}, or see that what it names is there."
    if cause == "429":
        return f"Set rate of the action to what {who} takes; until then it is asked for less."
    if cause.isdigit() and cause.startswith("4") and cause not in ("408", "425"):
        return f"See in its newest run what {who} answered, and correct what the action sends."
    if cause == "timeout":
        return f"See why {who} takes so long, or raise deadline of the action in its file."
    if cause.isdigit():
        return f"See in the log of {who} why it does not take what is sent."
    return f"See that {who} runs and can be reached. If it does, correct {where}."


def _places(act: MailAct | HttpCall | TableRowAct | KafkaRecordAct) -> tuple[str, str]:
    """Return where the operator says whom it goes to, and who we are to them."""
    if isinstance(act, HttpCall):
        return "the url of the action in its file", "the credential of the action in its file"
    return f"[connections.{act.connection}]", f"the login of [connections.{act.connection}]"


def cannot(act: Act | None, cause: str) -> str:
    """Say what an action fails to do, whose last try ended by this cause: `cannot send: the mail
    server refuses connections`. None: its definition is not there."""
    what, who, answers = _parts(act)
    if cause == "transform":
        return f"{what}: nothing could be made of the event"
    if cause in _OWN or not who:
        return f"{what}: it {does(cause)}"
    if answers and cause.isdigit():
        return f"{what}: {who} {answers.get(cause, 'does not take it')}"
    return f"{what}: {who} {answers.get(cause) or does(cause)}"


def _parts(act: Act | None) -> tuple[str, str, Mapping[str, str]]:
    match act:
        case MailAct():
            return "cannot send", f"the mail server of the connection {act.connection}", _MAIL
        case HttpCall():
            return "cannot call", urlsplit(act.url).hostname or "its receiver", {}
        case TableRowAct():
            return "cannot write", f"the database of the connection {act.connection}", _TABLE
        case KafkaRecordAct():
            return "cannot write", f"the Kafka cluster of the connection {act.connection}", _TOPIC
        case NewEvents() | None:
            return "cannot be done", "", {}
        case _:
            assert_never(act)


def text_shown(text: TemplatedText | Plain) -> str:
    """Return a text as the file has it."""
    return text.template if isinstance(text, TemplatedText) else str(text.value)
