"""The guides that an org's people follow are followed as they are written."""

from collections.abc import Callable

import pytest

from tests.docs.guides.brand import Brand
from tests.docs.guides.follower import Follower
from tests.docs.guides.guide_page import text_of

# Not typed here: they install, or set what the follower has.
PASSED_OVER = ("make ", "pip install ", "export TIDINGS_", "cd ")
POINTS = ("pointsIssued", "customerAdded")


def nothing(brand: Brand) -> None:
    """The guide begins with nothing."""


def crm(brand: Brand) -> None:
    """A webhook that takes all it gets."""
    brand.webhook("crm", brand.inbox()["url"], *POINTS)


def used_crm(brand: Brand) -> None:
    """The same, with an event that it got."""
    crm(brand)
    brand.emits("pointsIssued")
    brand.until_state("delivered", 1)


def broken_shop(brand: Brand) -> None:
    """A webhook whose receiver is down, and an event that was refused."""
    url = brand.inbox(503)["url"]
    brand.webhook("shop", url, "transactionAdded", retryPolicy={"delaysInSeconds": [3600]})
    brand.emits("transactionAdded", 4)
    brand.emits("pointsIssued", data={"totalPointsIssued": "ten"})


def mended_shop(brand: Brand) -> None:
    """A webhook whose receiver is back, and one that was inactive meanwhile."""
    inbox = brand.inbox(503)
    hours = {"retryPolicy": {"delaysInSeconds": [3600]}}
    brand.webhook("shop", inbox["url"], "transactionAdded", **hours)
    brand.webhook("late", inbox["url"], "customerAdded", active=False)
    brand.emits("transactionAdded", 4)
    brand.emits("customerAdded")
    brand.until_state("retrying", 4)
    brand.answers(inbox, 200)


FOLLOWED: dict[str, Callable[[Brand], None]] = {
    "start/set-up-the-command-line": nothing,
    "receive/subscribe-a-webhook": nothing,
    "receive/receive-safely": crm,
    "receive/filter-and-shape-events": crm,
    "receive/develop-on-your-laptop": nothing,
    "send/send-events": nothing,
    "send/define-an-event-type": nothing,
    "send/take-in-webhooks": nothing,
    "repair/find-a-missing-event": broken_shop,
    "repair/recover-after-an-outage": mended_shop,
    "repair/alert-on-failures": nothing,
    "operate/rotate-secrets": used_crm,
    "move/move-from-the-original": nothing,
    "move/move-from-svix": nothing,
    "move/move-from-convoy": nothing,
    "move/move-from-hookdeck": nothing,
}


@pytest.mark.parametrize("name", FOLLOWED)
def test_whoever_follows_the_guide_sees_what_it_shows(
    follower: Follower, brand: Brand, name: str
) -> None:
    FOLLOWED[name](brand)
    # The receiver of the pages on moving, which answers.
    follower.places["https://crm.example.com/hooks"] = brand.inbox()["url"]
    follower.follow(text_of(name), PASSED_OVER)
    assert follower.typed
