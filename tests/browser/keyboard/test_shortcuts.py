"""Shortcuts: which there are, where they lead, and when they keep out of the way."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.axe import violations
from tests.browser.conftest import NewReader
from tests.browser.overflow import OVERFLOW
from tests.browser.world import World

pytestmark = [pytest.mark.systems, pytest.mark.timeout(300)]


def test_a_question_mark_shows_the_list_and_each_way_of_it_leads_there(
    reader: NewReader, world: World, screenshots: Path | None
) -> None:
    one = reader()
    one.open("/catalogue")
    one.page.keyboard.press("?")
    shown = one.page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(shown).to_be_visible()
    one.shot(screenshots, "shortcuts")
    assert violations(one.page) == []
    ways = {
        str(link.get_attribute("data-go")): str(link.get_attribute("href"))
        for link in shown.locator("[data-go]").all()
    }
    base = f"/console/o/{world.org}"
    assert ways == {
        "o": base,
        "w": f"{base}/webhooks",
        "d": f"{base}/deliveries",
        "e": f"{base}/events",
        "f": "/console/failing",
    }
    one.page.keyboard.press("g")
    one.page.keyboard.press("w")
    assert one.path == f"{base}/catalogue", "not below a dialog"
    one.page.keyboard.press("Escape")
    expect(shown).to_be_hidden()
    for key, path in ways.items():
        one.open("/catalogue")
        one.page.keyboard.press("g")
        one.page.keyboard.press(key)
        one.page.wait_for_url(f"**{path}")


def test_the_slash_goes_to_the_filter_of_a_list(reader: NewReader, world: World) -> None:
    one = reader()
    for path, field in (
        ("/deliveries", "[data-find]"),
        ("/webhooks", "[data-find]"),
        ("", "#find"),
    ):
        one.open(path)
        one.page.keyboard.press("/")
        expect(one.page.locator(field).first).to_be_focused()
        one.page.keyboard.type("g w ? / k")
        expect(one.page.locator(field).first).to_have_value("g w ? / k")
        assert one.path == one.at(path), "nothing fires while somebody types"
        assert not one.page.locator("dialog[open]").count()


@pytest.mark.parametrize("modifier", ["Control", "Meta", "Alt"])
def test_none_fires_with_a_modifier(modifier: str, reader: NewReader, world: World) -> None:
    one = reader()
    one.open("/deliveries")
    one.page.locator("h1").click()
    for key in ("?", "/", "ArrowDown"):
        one.page.keyboard.press(f"{modifier}+{key}")
    one.page.keyboard.press(f"{modifier}+g")
    one.page.keyboard.press("w")
    one.page.keyboard.press("g")
    one.page.keyboard.press(f"{modifier}+e")
    one.page.wait_for_timeout(300)
    assert one.path == one.at("/deliveries")
    assert not one.page.locator("dialog[open]").count()
    assert not one.page.evaluate("document.activeElement.matches('input, a[data-row]')")


def test_other_letters_after_g_lead_nowhere(reader: NewReader, world: World) -> None:
    one = reader()
    one.open("/catalogue")
    for keys in ("gz", "gg", 'g"'):
        for key in keys:
            one.page.keyboard.press(key)
        one.page.wait_for_timeout(1600)
    one.page.keyboard.press("w")
    one.page.wait_for_timeout(300)
    assert one.path == one.at("/catalogue")


def test_the_list_fits_a_phone(reader: NewReader, world: World, screenshots: Path | None) -> None:
    one = reader(width=360, dark=True)
    one.open()
    one.page.keyboard.press("?")
    expect(one.page.locator("#shortcuts")).to_be_visible()
    one.shot(screenshots, "shortcuts-phone")
    assert violations(one.page) == []
    assert not one.page.evaluate(OVERFLOW)
    one.page.locator("#shortcuts [data-close]").click()
    expect(one.page.locator("#shortcuts")).to_be_hidden()
