"""The recipe `messages`: whatever an event leaves out, nobody is sent a sentence with a gap."""

import json
import re
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
import pytest_asyncio

from tests.cli.command import Command
from tests.stand_ins.parties.fcm import Fcm
from tidings import catalogue
from tidings.app.action_trial import ActionTrial, Tried, action_trial
from tidings.core.actions.rendered_act import MadeMail
from tidings.lookups.accepted_lists import accept
from tidings.settings.load import load

PEOPLE = (41200777, 41200888, 41200999, 41201111)  # English, German, Hindi, Arabic
PARTS = ("sms-twilio", "sms-msg91", "whatsapp", "push")
NEEDED = {
    "transactionAdded": "amount",
    "pointsIssued": "totalPointsIssued",
    "pointsRedeemed": "totalPointsRedeemed",
    "pointsTransferredInitiated": "totalPointsTransferred",
    "pointsTransferredReceived": "totalPointsTransferred",
    "pointsExpiryReminder": "pointsScheduledForExpiry",
    "tierUpgraded": "upgradedTierNumber",
    "tierDowngraded": "downgradedTierNumber",
    "couponGiven": "code",
}
WELCOME = {
    "transactionAdded": ("currencyCode", "billDate", "billNumber"),
    "pointsIssued": ("programCurrentPoints",),
    "pointsExpiryReminder": ("scheduledExpiryDate",),
    "tierUpgraded": ("tierExpiryDate", "loyaltyProgramDetails"),
    "tierDowngraded": ("loyaltyProgramDetails",),
    "couponGiven": ("series", "validTill"),
}
GAP = re.compile(
    r"None|undefined|\(\)|<bdi></bdi>|\S[^\S\n]{2,}\S| [.,।،]|\w *: *[.(]"
    r"|\b(on|am|until|bis|is) *[.।]"
)
HOSTILE = "Mee\"ra <b>O'Nair</b> & {{ event }} 😀 \u202eمرحبا\\"


@pytest_asyncio.fixture
async def trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ActionTrial]:
    Command(tmp_path)("actions", "init", "messages", "--into", str(tmp_path)).must()
    file = tmp_path / "actions.toml"
    parts = [(tmp_path / f"parts/{part}.toml").read_text("utf-8") for part in PARTS]
    file.write_text("\n".join([file.read_text("utf-8"), *parts]), "utf-8")
    contacts = tmp_path / "contacts.csv"
    quoted = HOSTILE.replace('"', '""')
    contacts.write_text(
        contacts.read_text("utf-8").replace(",sms\n", ",\n")
        + f'51,a+b@mail.example,+919812300777,of-51,"{quoted}",xx,Mars/Phobos,\n'
        + f"52,a@mail.example,+919812300777,of-52,{'N' * 3000},en,,\n",
        "utf-8",
    )
    accept_as_it_is(contacts)
    account = Fcm().service_account() | {"token_uri": "https://a.example/token"}
    for name, value in {
        "PLATFORM_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "SMTP_HOST": "localhost", "SMTP_PORT": "2525", "SMTP_PASSWORD": "a-password",
        "TWILIO_ACCOUNT": "AC1", "TWILIO_TOKEN": "a-token", "TWILIO_URL": "https://sms.example/",
        "MSG91_AUTHKEY": "a-key", "MSG91_URL": "https://flow.example/",
        "FCM_ACCOUNT": json.dumps(account), "FCM_URL": "https://push.example/",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    settings = load({}, None, {"actions": file, "dev": None})
    async with action_trial(settings) as made:
        yield made


def accept_as_it_is(contacts: Path) -> None:
    """Say that the list is meant, with the zone in it that nobody knows."""
    accept(contacts, sha256(contacts.read_bytes()).hexdigest())


def event_of(name: str, customer: int) -> dict[str, Any]:
    """An event of a type that the recipe hears."""
    if name == "couponGiven":
        data = {"code": "CPN7X3", "validTill": 1778450400000, "series": "10 off the next bill"}
        who = {"customerIdentifiers": {"customerId": customer}}
        return {"eventName": name, "eventId": "e", "orgId": 100458, "data": data | who}
    kind = catalogue.load().get(name)
    assert kind is not None
    made: dict[str, Any] = json.loads(json.dumps(kind.example))
    made["data"]["customerIdentifiers"]["customerId"] = customer
    return made


async def messages(trial: ActionTrial, event: dict[str, Any]) -> list[Tried]:
    """What the actions of messages make of an event that is for them."""
    body = json.dumps(event).encode()
    tried = [await trial.attempt(action, body, send=False) for action in trial.actions.values()]
    return [element for element in tried if "It is for events" not in element.why]


def without(event: dict[str, Any], field: str) -> list[dict[str, Any]]:
    """The event without it, and with null there."""
    bare = {name: value for name, value in event["data"].items() if name != field}
    return [event | {"data": bare}, event | {"data": bare | {field: None}}]


@pytest.mark.parametrize("name", NEEDED)
async def test_where_the_event_lacks_what_a_message_is_about_none_is_made_and_the_log_says_why(
    trial: ActionTrial, name: str
) -> None:
    for event in without(event_of(name, PEOPLE[0]), NEEDED[name]):
        tried = await messages(trial, event)
        assert len(tried) >= 2, "a mail and an SMS"
        for element in tried:
            assert element.made is None and not element.failed, (element.action.name, element.shown)
            assert element.why.startswith("The event does not say"), element.why


@pytest.mark.systems
@pytest.mark.parametrize("name", ["customerAdded", *NEEDED])
async def test_no_language_leaves_a_gap_for_what_an_event_may_lack(
    trial: ActionTrial, name: str
) -> None:
    for customer in PEOPLE:
        whole = event_of(name, customer)
        events = [whole, *(row for field in WELCOME.get(name, ()) for row in without(whole, field))]
        for event in events:
            made = [
                message for message in await messages(trial, event) if message.shown is not None
            ]
            assert {"sms"} < {element.action.name for element in made}, "an SMS, and a mail"
            for element in made:
                assert element.shown is not None
                if element.shown.method == "SEND":
                    texts = [element.shown.body.decode(), _html(element)]
                elif element.action.name == "sms":
                    texts = [_form(element)["Body"]]
                else:
                    continue  # their texts stand at the provider
                for text in texts:
                    assert not GAP.search(text), (element.action.name, customer, text)


async def test_a_name_of_any_kind_stays_a_name_and_an_sms_is_not_too_long(
    trial: ActionTrial,
) -> None:
    for name in ("pointsIssued", "pointsExpiryReminder"):
        for message in await messages(trial, event_of(name, 51)):
            assert message.shown is not None, (message.action.name, message.why)
            if message.action.name == "expiry-whatsapp":
                assert json.loads(_form(message)["ContentVariables"])["1"] == HOSTILE
            elif message.action.name == "points-sms":
                assert json.loads(message.shown.body)["recipients"][0]["name"] == HOSTILE
            elif message.shown.method == "SEND":
                assert HOSTILE.replace("\u202e", "") in message.shown.body.decode()
                assert "<b>O" not in _html(message) and "&lt;b&gt;O" in _html(message)
    tried = await messages(trial, event_of("pointsIssued", 52))
    [long] = [element for element in tried if element.action.name == "sms"]
    assert len(_form(long)["Body"]) < 160


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("", True), ("sms", True), ("push whatsapp,sms", True), ("all", False), ("mail", False),
        ("sms mail", False), ("ALL", False), ("Mail", False), ("yes", False), ("1", False),
        ("e-mail", False), ("unsubscribed", False),
    ],
)  # fmt: skip
async def test_who_may_have_opted_out_in_other_words_is_not_written_to(
    trial: ActionTrial, tmp_path: Path, said: str, written: bool
) -> None:
    contacts = tmp_path / "contacts.csv"
    with contacts.open("a", encoding="utf-8") as file:
        file.write(f'60,a@mail.example,+919812300777,of-60,Mei,en,,"{said}"\n')
    accept_as_it_is(contacts)
    for message in await messages(trial, event_of("customerAdded", 60)):
        if message.shown is not None and message.shown.method == "SEND":
            assert written, said
        elif message.action.name == "loyalty-mail":
            assert not written and "opted out" in message.why, message.why
        else:
            assert (message.made is not None) == (said in ("", "mail")), message.action.name


async def test_nobody_is_thanked_for_what_they_have_brought_back(trial: ActionTrial) -> None:
    for kind in ("RETURN", "NOT_INTERESTED", None):
        event = event_of("transactionAdded", PEOPLE[0])
        event["data"]["billType"] = kind
        tried = await messages(trial, event)
        assert len(tried) == 2 and [element.made for element in tried] == [None, None], kind


async def test_times_are_those_of_the_customer_or_of_the_usual_zone(trial: ActionTrial) -> None:
    event = event_of("pointsExpiryReminder", 52)  # whose zone is not known
    event["data"]["scheduledExpiryDate"] = "2026-08-31T20:00:00Z"  # the day after in Kolkata
    for message in await messages(trial, event):
        assert message.shown is not None, message.why
        text = _form(message).get("ContentVariables", "") or message.shown.body.decode()
        assert "01%2F09%2F2026" in text or "01/09/2026" in text, (message.action.name, text)


def _form(one: Tried) -> dict[str, str]:
    assert one.shown is not None
    return dict(parse_qsl(one.shown.body.decode(), keep_blank_values=True))


def _html(one: Tried) -> str:
    assert one.made is not None and isinstance(one.made.act, MadeMail)
    return one.made.act.mail.html or ""
