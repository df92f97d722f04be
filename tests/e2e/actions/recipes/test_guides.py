"""The guides of the recipes are followed as they are written."""

from pathlib import Path

import pytest

from tests.e2e.actions.recipes.begun import PLATFORM
from tests.e2e.actions.recipes.guide import Guide
from tests.e2e.actions.recipes.mail_server import PASSWORD, MailServer
from tests.e2e.actions.recipes.recipe import EXAMPLES
from tests.e2e.harness.fixtures import NewService
from tests.e2e.harness.service import KEY, ORG, SECRET
from tests.stand_ins.apart import Apart
from tests.stand_ins.parties import loyalty_platform
from tests.stand_ins.parties.loyalty_platform import LoyaltyPlatform
from tests.stand_ins.parties.magento import TOKEN, Magento

SIGNING = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.mark.systems
def test_whoever_follows_the_guide_of_messages_has_them_sent(
    own_service: NewService, tmp_path: Path
) -> None:
    platform = own_service().start()
    with MailServer(tmp_path / "mail") as mail:
        guide = Guide(
            "messages",
            tmp_path,
            PLATFORM_SECRET=SIGNING,
            SMTP_HOST="localhost",
            SMTP_PORT=str(mail.port),
            SMTP_PASSWORD=PASSWORD,
            SSL_CERT_FILE=str(mail.authority),
            TWILIO_ACCOUNT="AC1",
            TWILIO_TOKEN="a-token",  # noqa: S106  # of nobody
            TWILIO_URL="https://api.twilio.com/2010-04-01/Accounts/AC1/Messages.json",
        )
        asks, *_ = guide.steps
        assert asks[0].startswith("tidings webhooks create")
        guide.follow("tidings webhooks create")
        assert len(guide.followed) == len(guide.steps) - 1
        [sent] = mail.mails()
        assert sent["to"] == "meera.nair@mail.example"
    url = f"http://127.0.0.1:{platform.port}"
    of_platform = {"TIDINGS_URL": url, "TIDINGS_KEY": f"{KEY}:{SECRET}", "TIDINGS_ORG": str(ORG)}
    there = Guide("messages", tmp_path, **of_platform)
    there.steps = [asks]
    there.follow()
    with platform.api(ORG) as api:
        [hook] = api.get("/v3/webHooks").must(200)["data"]
        assert hook["withoutPersonalData"] is True and len(hook["eventNames"]) == 10


def test_whoever_follows_the_guide_of_the_survey_has_it_run(tmp_path: Path) -> None:
    guide = Guide(
        "survey",
        tmp_path,
        PLATFORM_SECRET=SIGNING,
        SURVEY_TOKEN_URL="https://instance.survey.example/oauth/brand/token",  # noqa: S106
        SURVEY_URL="https://instance-brand.apis.survey.example/inbound/v1/loyalty_transaction_invitation",
        SURVEY_CLIENT="client",
        SURVEY_SECRET="secret-of-the-client",  # noqa: S106  # of nobody
    )
    guide.follow("tidings replay")  # which needs something that was missed: test_survey.py
    assert len(guide.followed) == len(guide.steps) - 1
    assert "tidings replay --webhook survey --missed-since 2d" in dict(guide.steps)


EXAMPLE = 41200777  # the customer of the catalogue's examples
OF_PLATFORM = {
    "PLATFORM_SIGNAL": "a-signal-of-the-platform",
    "PLATFORM_KEY": loyalty_platform.KEY,
    "PLATFORM_SECRET": loyalty_platform.SECRET,
    "TIDINGS_DEV": "true",  # the stand-ins are on this machine
}


def test_whoever_follows_the_guide_of_the_shop_sees_what_would_be_written(tmp_path: Path) -> None:
    with Apart(LoyaltyPlatform) as platform, Apart(Magento) as shop:
        platform.add(EXAMPLE, tier="Gold", points="86")
        shop.add(7, "asha@brand.example")
        guide = Guide("magento", tmp_path, SHOP_TOKEN=TOKEN, **OF_PLATFORM)
        guide.changes((PLATFORM, platform.url()), ("https://shop.example", shop.url()))
        guide.follow()
        assert "tidings actions run" in guide.followed and "$" not in str(guide.followed)
        assert shop.updates() == [], "nothing is written before an event comes"


def test_whoever_follows_the_guide_of_groups_sees_who_would_follow(tmp_path: Path) -> None:
    with Apart(LoyaltyPlatform) as platform:
        platform.add(EXAMPLE, mobile="15550100", tier="Gold")
        platform.add(2, mobile="15550102")
        platform.add_group(501, [EXAMPLE, 2])
        guide = Guide("group-tiers", tmp_path, **OF_PLATFORM)
        guide.changes((PLATFORM, platform.url()))
        guide.follow()
        assert "tidings actions run" in guide.followed and platform.adjustments() == []


@pytest.mark.parametrize("recipe", ["messages", "survey"])
def test_a_guide_names_what_the_files_have(recipe: str) -> None:
    folder = EXAMPLES / recipe
    guide = (folder / "README.md").read_text("utf-8")
    parts = [part.name for part in folder.glob("parts/*.toml")]
    assert bool(parts) == (recipe == "messages")
    assert [name for name in parts if name in guide] == parts
    header = (folder / "contacts.csv").read_text("utf-8").splitlines()[0]
    assert all(column in guide for column in header.split(",") if column != "name")
