"""The recipe `messages`: what happens at the platform comes to the customer, in their language."""

from collections import Counter
from pathlib import Path

import pytest

from tests.e2e.actions.recipes.mail_server import MailServer, part
from tests.e2e.actions.recipes.recipe import (
    NIGHT,
    NOON,
    Recipe,
    ended,
    is_judged,
    runs,
    said,
    zone_at,
)
from tests.e2e.actions.recipes.two import TYPES, Two, example
from tests.e2e.harness.api import Api
from tests.e2e.harness.fixtures import NewService
from tests.e2e.harness.until import until

pytestmark = pytest.mark.systems  # it takes half a minute

MEERA, JONAS, AARAV, LAYLA, CARLOS, NOBODY = (
    41200777, 41200888, 41200999, 41201111, 41201222, 41209999,
)  # fmt: skip


def test_every_event_becomes_a_mail_in_the_customers_language(
    own_service: NewService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = Recipe("messages", tmp_path / "recipe")
    recipe.tell(zone=zone_at(NOON))
    with MailServer(tmp_path / "mail") as mail:
        two = Two(own_service, recipe, monkeypatch, mail)
        people = (MEERA, JONAS, AARAV, LAYLA)
        two.tell(*(example(name, who) for name in TYPES for who in people))
        mail.wait(len(TYPES) * len(people))
        with two.at_brand() as api:
            found = ended(api, (len(TYPES) + 1) * len(people))  # one more makes events of coupons
            assert Counter(row["state"] for row in found) == {"delivered": 44}
        mails = mail.mails()
        assert len(mails) == 40, "no event makes two"
        for who in people:
            row = recipe.people[str(who)]
            to = mail.mails(row["email"])
            assert len(to) == len(TYPES)
            assert len({message["subject"] for message in to}) == len(TYPES), (
                "each says what it is about"
            )
            for message in to:
                text, html = part(message, "plain"), part(message, "html")
                assert row["name"] in text and row["name"] in html
                assert (
                    message["to"] == row["email"]
                    and message["from"] == "Acme Rewards <news@acme.example>"
                )
                assert "None" not in text and "{{" not in text and "{%" not in html
        english, german, hindi, arabic = (
            {mail["subject"]: mail for mail in mail.mails(recipe.people[str(who)]["email"])}
            for who in people
        )
        assert "earned 86 points. Your balance is 410 points." in part(
            english["You have more points"], "plain"
        )
        assert "in the tier Gold. It is yours until 31/08/2026." in part(
            english["Your new tier"], "plain"
        )
        assert "in der Stufe Base." in part(german["Ihre Stufe hat sich geändert"], "plain")
        bought = part(german["Danke für Ihren Einkauf"], "plain")
        assert "über 86,50 EUR am 1" in bought and "INV-20418" in bought
        assert "40 Ihrer Punkte" in part(german["Punkte verfallen bald"], "plain")
        assert "CPN7X3 (10 off the next bill)" in part(english["A coupon for you"], "plain")
        assert "25 points to another member" in part(
            english["You have transferred points"], "plain"
        )
        assert "transferred 25 points to you" in part(english["You were given points"], "plain")
        assert "used 150 points" in part(english["You have used points"], "plain")
        assert "प्रिय आरव शर्मा,\n\nआपको 86 अंक मिले हैं।" in part(hindi["आपको और अंक मिले हैं"], "plain")
        page = part(arabic["لديك نقاط جديدة"], "html")
        assert '<html lang="ar" dir="rtl">' in page
        assert "<p>مرحبًا <bdi>ليلى حداد</bdi>،</p>" in page
        assert "لقد كسبت <bdi>86</bdi> نقطة." in page
        assert "مرحبًا ليلى حداد،\n\nلقد كسبت 86 نقطة." in part(arabic["لديك نقاط جديدة"], "plain")


def test_who_is_unknown_has_opted_out_or_sleeps_is_left_alone_and_the_log_says_why(
    own_service: NewService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = Recipe("messages", tmp_path / "recipe")
    recipe.people[str(LAYLA)]["email"] = ""
    recipe.tell(lambda id: {"zone": zone_at(NIGHT if id == str(JONAS) else NOON)})
    with MailServer(tmp_path / "mail") as mail:
        two = Two(own_service, recipe, monkeypatch, mail)
        two.tell(*(example("pointsIssued", who) for who in (NOBODY, CARLOS, LAYLA, JONAS)))
        two.tell(example("transactionAdded", JONAS))
        two.tell(example("transactionAdded", MEERA, billType="RETURN"))
        [receipt] = mail.wait(1)
        assert receipt["to"] == "jonas.weber@mail.example", "a receipt comes at any hour"
        with two.at_brand() as api:
            until(lambda: len(runs(api, "loyalty-mail")) == 4, "four runs")
            until(lambda: all(map(is_judged, runs(api, "loyalty-mail"))), "judged")
            found = runs(api, "loyalty-mail")  # in the order in which they came to the brand's
            over = [row for row in found if row["state"] == "cancelled"]
            [waits] = [row for row in found if row["state"] != "cancelled"]
            assert {said(row) for row in over} == {
                "The look-up contact has no record for this event, so there is nothing to do.",
                "The customer has opted out of e-mails.",
                "The contact list has no e-mail address of the customer.",
            }
            assert waits["state"] == "waiting" and waits["doneAt"] is None
            assert said(waits).startswith("It is quiet for the customer until 08:00:00")
            assert len(runs(api, "purchase-mail")) == 1, "a return is no purchase"
            recipe.tell(lambda id: {"zone": zone_at(NOON)})
            until(lambda: retried(api, waits["id"]), "the mail of a customer who is awake")
        assert [message["subject"] for message in mail.wait(2)][1] == "Sie haben mehr Punkte"
        assert len(mail.mails()) == 2


def test_who_opts_out_before_the_morning_is_not_written_to_though_all_is_killed_meanwhile(
    own_service: NewService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = Recipe("messages", tmp_path / "recipe")
    recipe.tell(zone=zone_at(NIGHT))
    with MailServer(tmp_path / "mail") as mail:
        two = Two(own_service, recipe, monkeypatch, mail)
        two.tell(*(example("pointsIssued", who) for who in (MEERA, JONAS, AARAV)))
        two.arrived(3)
        with two.at_brand() as api:
            until(lambda: all(map(is_judged, runs(api, "loyalty-mail"))), "judged")
            assert [run["state"] for run in runs(api, "loyalty-mail")] == ["waiting"] * 3
        two.brand.kill_all()
        del recipe.people[str(AARAV)]
        recipe.tell(
            lambda id: (
                {"zone": zone_at(NOON)} | ({"opted_out": "sms,mail"} if id == str(MEERA) else {})
            )
        )
        two.brand.start()
        with two.at_brand() as api:

            def over() -> bool:
                found = runs(api, "loyalty-mail")
                for row in found:
                    if row["state"] == "waiting":
                        api.call("POST", f"/v1/deliveries/{row['id']}/retry")
                return all(row["doneAt"] for row in found)

            until(over, "three who were waited for")
            found = {run["state"]: said(run) for run in runs(api, "loyalty-mail")}
            ended_as = Counter(run["state"] for run in runs(api, "loyalty-mail"))
        assert ended_as == {"cancelled": 2, "delivered": 1} and found.keys() == ended_as.keys()
        [sent] = mail.mails()
        assert sent["to"] == "jonas.weber@mail.example"


def retried(api: Api, run: str) -> bool:
    """Whether a run is done; else it is tried now."""
    if api.delivery(run)["state"] == "delivered":
        return True
    api.call("POST", f"/v1/deliveries/{run}/retry")
    return False


def test_of_coupons_in_bulk_each_customer_hears_of_their_own(
    own_service: NewService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = Recipe("messages", tmp_path / "recipe")
    recipe.tell(zone=zone_at(NOON))
    with MailServer(tmp_path / "mail") as mail:
        two = Two(own_service, recipe, monkeypatch, mail)
        bulk = example("CouponIssue", MEERA)
        [one] = bulk["data"]["coupons"]
        bulk["data"]["coupons"] = [
            one | {"id": who, "code": f"CPN-{who}", "customerIdentifiers": {"customerId": who}}
            for who in (MEERA, JONAS, CARLOS, NOBODY, LAYLA)
        ]
        two.tell(bulk)
        mail.wait(3)
        with two.at_brand() as api:
            found = ended(api, 6)
        assert Counter(row["state"] for row in found) == {"delivered": 4, "cancelled": 2}
        for who in (MEERA, JONAS, LAYLA):
            [got] = mail.mails(recipe.people[str(who)]["email"])
            assert f"CPN-{who}" in part(got, "plain") and f"CPN-{who}" in part(got, "html")
