"""Saved views: by the keyboard, without scripts, at every width and in both themes."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import violations
from tests.browser.chrome import Reader
from tests.browser.conftest import NewReader
from tests.browser.overflow import OVERFLOW
from tests.browser.world import World

pytestmark = [pytest.mark.systems, pytest.mark.timeout(300)]

LONG = "Everything that failed since yesterday evening, by name"  # and no word may be broken off
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"width": 1280},
    "dark": {"width": 1280, "dark": True},
    "phone": {"width": 360},
    "phone-dark": {"width": 360, "dark": True},
}


def save(page: Page, name: str) -> None:
    """Save what the list shows, with the keyboard alone."""
    page.locator("summary", has_text="Save this view").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Name of the view")).to_be_focused()
    page.keyboard.type(name)
    page.keyboard.press("Enter")
    page.locator(".saved-views").get_by_role("link", name=name).wait_for()


def clear(one: Reader) -> None:
    """Delete the views that other tests have left."""
    one.open("/views")
    while (button := one.page.get_by_role("button", name="Delete")).count():
        button.first.click()
        one.page.get_by_text("was deleted").wait_for()


@pytest.mark.parametrize("scripts", [True, False])
def test_a_view_is_saved_opened_renamed_and_deleted(
    scripts: bool, reader: NewReader, world: World
) -> None:
    one: Reader = reader(scripts=scripts)
    one.page.on("dialog", lambda dialog: dialog.accept())
    clear(one)
    one.open("/deliveries?status=failed&span=7d")
    save(one.page, "Failed")
    link = one.page.locator(".saved-views").get_by_role("link", name="Failed")
    expect(link).to_have_attribute("aria-current", "page")
    one.open("/deliveries")
    link.click()
    one.page.wait_for_url("**/deliveries?span=7d&status=failed")
    one.page.get_by_role("link", name="Manage views").click()
    name = one.page.get_by_label("New name of Failed")
    name.fill("Lost")
    name.press("Enter")
    one.page.get_by_text("The view is named Lost now.").wait_for()
    one.page.get_by_role("button", name="Delete the view Lost").click()
    one.page.get_by_text("No saved view yet").wait_for()


def test_the_palette_finds_a_view_and_opens_it(reader: NewReader, world: World) -> None:
    one: Reader = reader()
    one.page.on("dialog", lambda dialog: dialog.accept())
    clear(one)
    one.open("/webhooks?state=failing&sort=name")
    save(one.page, "Red hooks")
    one.open("")
    one.page.keyboard.press("Control+k")
    one.page.keyboard.type("red hoo")
    expect(one.page.locator(".palette .told")).to_contain_text("result")  # of all that was typed
    expect(one.page.get_by_role("option", name="Red hooks")).to_be_visible()
    one.page.keyboard.press("Enter")
    one.page.wait_for_url("**/webhooks?sort=name&state=failing")
    clear(one)


@pytest.mark.parametrize("look", LOOKS)
def test_views_look_right_and_hinder_nobody(
    look: str, reader: NewReader, world: World, screenshots: Path | None
) -> None:
    one: Reader = reader(**LOOKS[look])
    one.page.on("dialog", lambda dialog: dialog.accept())
    clear(one)
    for path, name in (
        ("/deliveries?status=failed&span=7d&type=transactionAdded,pointsIssued", LONG),
        ("/webhooks?state=failing", "W" * 60),
        ("/webhooks?sort=name", "Mine"),
    ):
        one.open(path)
        save(one.page, name)
    found = {}
    for name, path in (("list", "/webhooks?q=a"), ("deliveries", "/deliveries"), ("all", "/views")):
        one.open(path)
        if name == "list":
            one.page.locator("summary", has_text="Save this view").click()
        one.shot(screenshots, f"saved-views-{name}-{look}")
        if bad := violations(one.page):
            found[name] = bad
        if wide := one.page.evaluate(OVERFLOW):
            found[f"{name} is too wide"] = wide
    clear(one)
    assert not found, found
