"""The parts of the recipe `messages` for phones: SMS, WhatsApp and pushes, over stand-ins."""

import json
from collections import Counter
from pathlib import Path

import pytest

from tests.e2e.actions.recipes.recipe import NOON, ORG, Recipe, ended, said, zone_at
from tests.e2e.actions.recipes.two import TYPES, example
from tests.e2e.harness.api import Api
from tests.e2e.harness.fixtures import NewService
from tests.e2e.harness.store.kept import kept_in
from tests.stand_ins.parties.fcm import PROJECT, Fcm
from tests.stand_ins.parties.msg91 import AUTHKEY, Msg91
from tests.stand_ins.parties.twilio import ACCOUNT, TOKEN, Twilio

MEERA, JONAS, AARAV, LAYLA, CARLOS = 41200777, 41200888, 41200999, 41201111, 41201222
EVERYBODY = (MEERA, JONAS, AARAV, LAYLA, CARLOS)
TEMPLATES = {"65e06f45d6fc05278c7d47e2": ["name", "points"], "65e06f45d6fc05278c7d47e3": ["name"]}


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recipe:
    for name in ("PLATFORM_SECRET", "SMTP_PASSWORD", "SMTP_HOST"):
        monkeypatch.setenv(name, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    monkeypatch.setenv("SMTP_PORT", "9")  # no mail leaves in these tests
    made = Recipe("messages", tmp_path / "recipe")
    made.tell(zone=zone_at(NOON))
    return made


def tell(api: Api, *names: str, people: tuple[int, ...] = EVERYBODY) -> int:
    """Events of these types about people; how many."""
    for name in names:
        for who in people:
            api.accept(json.dumps(example(name, who) | {"orgId": ORG}).encode())
    return len(names) * len(people)


def test_every_event_becomes_an_sms_in_the_customers_language(
    own_service: NewService, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Twilio() as twilio:
        monkeypatch.setenv("TWILIO_ACCOUNT", ACCOUNT)
        monkeypatch.setenv("TWILIO_TOKEN", TOKEN)
        url = twilio.url(f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json")
        monkeypatch.setenv("TWILIO_URL", url)
        recipe.add("sms-twilio.toml")
        service = own_service(actions=recipe.path).start()
        with service.api(ORG) as api:
            twilio.opt_out("+4915123400888")
            found = ended(api, tell(api, *TYPES), "sms")
        states = Counter(row["state"] for row in found)
        assert states == {"delivered": 20, "failed": 10, "cancelled": 20}
        reasons = {said(row) for row in found if row["state"] == "cancelled"}
        assert reasons == {"The customer has opted out of SMS."}, "layla by sms, carlos by all"
        sent = twilio.messages()
        assert len(sent) == 20 and {row["from"] for row in sent} == {"+15005550006"}
        english = [row["body"] for row in sent if row["to"] == "+919812300777"]
        assert (
            "Meera Nair, you have earned 86 points. Your balance is 410 points. Acme Rewards"
            in ([row.strip() for row in english])
        )
        hindi = [row["body"].strip() for row in sent if row["to"] == "+919812300999"]
        assert "आरव शर्मा, आपने 150 अंक इस्तेमाल किए हैं। Acme Rewards" in hindi
        assert all("\n" not in row for row in hindi), "one line"


def test_a_message_that_msg91_refuses_with_200_is_not_taken_for_sent(
    own_service: NewService, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Msg91(templates=TEMPLATES) as msg91:
        monkeypatch.setenv("MSG91_AUTHKEY", AUTHKEY)
        monkeypatch.setenv("MSG91_URL", msg91.url("/api/v5/flow"))
        recipe.add("sms-msg91.toml")
        recipe.tell(lambda id: {"phone": "+1"} if id == str(JONAS) else {})
        service = own_service(actions=recipe.path).start()
        with service.api(ORG) as api:
            tell(api, "pointsIssued", people=(MEERA, JONAS, AARAV))
            meera, jonas, aarav = ended(api, 3, "points-sms")
        assert (meera["state"], jonas["state"], aarav["state"]) == (
            "delivered", "failed", "delivered",
        )  # fmt: skip
        assert "does not say that it was taken (by type)" in said(jonas)
        [english] = msg91.messages("919812300777")
        assert (english["name"], english["points"]) == ("Meera Nair", "86")
        [hindi] = msg91.messages("919812300999")
        assert (hindi["template"], hindi["name"]) == ("65e06f45d6fc05278c7d47e3", "आरव शर्मा")


def test_a_reminder_goes_by_whatsapp_with_the_template_of_the_language(
    own_service: NewService, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe.people[str(MEERA)]["name"] = 'Meera "M" \\ Nair'
    recipe.tell()
    with Twilio(senders=["whatsapp:+14155238886"]) as twilio:
        monkeypatch.setenv("TWILIO_ACCOUNT", ACCOUNT)
        monkeypatch.setenv("TWILIO_TOKEN", TOKEN)
        url = twilio.url(f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json")
        monkeypatch.setenv("TWILIO_URL", url)
        recipe.add("whatsapp.toml")
        service = own_service(actions=recipe.path).start()
        with service.api(ORG) as api:
            tell(api, "pointsExpiryReminder", people=(MEERA, LAYLA))
            found = ended(api, 2, "expiry-whatsapp")
        assert {row["state"] for row in found} == {"delivered"}
        [english] = twilio.messages("whatsapp:+919812300777")
        [arabic] = twilio.messages("whatsapp:+971501201111")
        assert english["contentVariables"] == {
            "1": 'Meera "M" \\ Nair', "2": "40", "3": "31/08/2026",
        }  # fmt: skip
        assert arabic["contentVariables"]["1"] == "ليلى حداد"
        assert arabic["contentSid"] != english["contentSid"]


def test_a_push_goes_to_the_device_of_the_customer_and_not_to_one_that_is_gone(
    own_service: NewService, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = "device-of-jonas"
    devices = ["device-of-meera", "device-of-aarav"]
    with Fcm(devices=devices, unregistered=[gone]) as fcm:
        monkeypatch.setenv("FCM_ACCOUNT", json.dumps(fcm.service_account()))
        monkeypatch.setenv("FCM_URL", fcm.url(f"/v1/projects/{PROJECT}/messages:send"))
        recipe.add("push.toml")
        service = own_service(actions=recipe.path).start()
        with service.api(ORG) as api:
            tell(api, "pointsIssued", people=(MEERA, JONAS, AARAV, CARLOS))
            found = ended(api, 4, "points-push")
            fcm.revoke_tokens()
            tell(api, "pointsIssued", people=(MEERA,))
            *_, late = ended(api, 5, "points-push")
            assert late["state"] == "delivered" and len(fcm.calls("/token")) == 2
        assert [row["state"] for row in found] == ["delivered", "failed", "delivered", "cancelled"]
        [push] = fcm.messages("device-of-aarav")
        assert push["notification"]["body"] == "आपको 86 अंक मिले हैं।"
        assert push["data"] == {"balance": "410"}
        kept = b"".join(content for _, content in kept_in(service.data))
        key = fcm.service_account()["private_key"].splitlines()[1]
        assert key.encode() not in kept + service.log.read_bytes()
