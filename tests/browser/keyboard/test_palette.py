"""The palette: opened, used and left by the keyboard alone."""

import re
import time
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.axe import violations
from tests.browser.chrome import Reader
from tests.browser.conftest import NewReader
from tests.browser.overflow import OVERFLOW
from tests.browser.world import World
from tests.e2e.harness.service import ServiceProcess

pytestmark = [pytest.mark.systems, pytest.mark.timeout(300)]

SELECTED = "[role=option][aria-selected=true]"


def open_palette(page: Page, key: str = "Control+k") -> None:
    """Press the keys, and wait for what can be gone to."""
    page.keyboard.press(key)
    expect(page.locator("#palette")).to_be_visible()
    expect(page.locator(SELECTED)).to_have_count(1)


def test_everything_is_done_by_keys_and_the_focus_returns(
    reader: NewReader, world: World, screenshots: Path | None
) -> None:
    one: Reader = reader()
    one.open()
    link = one.page.locator(".side a").nth(1)
    link.focus()
    open_palette(one.page)
    box = one.page.get_by_role("combobox", name="Page, webhook, host, action or any id")
    expect(box).to_be_focused()
    expect(box).to_have_attribute("aria-expanded", "true")
    one.shot(screenshots, "palette")
    assert violations(one.page) == []
    chosen = one.page.locator(SELECTED)
    expect(chosen.locator(".label")).to_have_text("Overview")
    one.page.keyboard.press("ArrowDown")
    expect(chosen.locator(".label")).to_have_text("Webhooks")
    expect(box).to_have_attribute("aria-activedescendant", str(chosen.get_attribute("id")))
    one.page.keyboard.press("ArrowUp")
    one.page.keyboard.press("ArrowUp")
    last = one.page.locator("[role=option]").last
    expect(last).to_have_attribute("aria-selected", "true")
    expect(box).to_be_focused()
    one.page.keyboard.press("Escape")
    expect(one.page.locator("#palette")).to_be_hidden()
    expect(link).to_be_focused()
    one.page.keyboard.press("Control+k")
    expect(one.page.locator("#palette")).to_be_visible()
    one.page.keyboard.press("Control+k")
    expect(one.page.locator("#palette")).to_be_hidden()


def test_it_opens_what_is_found(reader: NewReader, world: World) -> None:
    one = reader()
    crm, failed = world.crm["webHookId"], world.failed["id"]
    for at, typed, path in (
        ("", "acme crm", f"/console/o/{world.org}/webhooks/{crm}"),
        ("/deliveries", failed, f"/console/o/{world.org}/deliveries/{failed}"),
        ("/events", world.failed_event, f"/console/o/{world.org}/events/{world.failed_event}"),
        ("/tail", "new webh", f"/console/o/{world.org}/webhooks/new"),
        ("/access", "audit", f"/console/o/{world.org}/audit"),
    ):  # fmt: skip
        one.open(at)
        open_palette(one.page)
        one.page.keyboard.type(typed)
        expect(one.page.locator(SELECTED)).to_have_attribute("href", path)
        one.page.keyboard.press("Enter")
        one.page.wait_for_url(f"**{path}")
    one.go("/console/orgs")
    open_palette(one.page)
    one.page.keyboard.type(crm)
    expect(one.page.locator(SELECTED)).to_have_attribute(
        "href", f"/console/o/{world.org}/webhooks/{crm}"
    )


def test_what_fails_comes_first_and_its_state_is_said(reader: NewReader, world: World) -> None:
    one = reader()
    one.open()
    open_palette(one.page)
    one.page.keyboard.type("feed")
    group = one.page.get_by_role("group", name="Webhooks")
    expect(group.get_by_role("option").first).to_contain_text("Partner feed")
    expect(group.get_by_role("option").first).to_contain_text("failing")


def test_enter_before_the_answer_opens_the_page_of_the_search(
    reader: NewReader, world: World
) -> None:
    one = reader()
    one.open()
    open_palette(one.page)
    one.page.keyboard.type(world.failed["id"])
    one.page.keyboard.press("Enter")
    one.page.wait_for_url(f"**/deliveries/{world.failed['id']}")


def test_the_server_is_asked_when_somebody_pauses_and_the_last_question_counts(
    reader: NewReader, world: World
) -> None:
    one = reader()
    one.open()
    open_palette(one.page)
    asked: list[str] = []

    def slow(route: Route) -> None:
        asked.append(route.request.url)
        if "q=Part" in route.request.url and "Partner" not in route.request.url:
            time.sleep(0.5)
        route.continue_()

    one.page.route("**/find?*part=rows*", slow)
    one.page.keyboard.type("Part")
    one.page.wait_for_timeout(250)
    one.page.keyboard.type("ner feed", delay=5)
    expect(one.page.locator(SELECTED + " .label")).to_have_text("Partner feed")
    one.page.wait_for_timeout(600)
    expect(one.page.locator(SELECTED + " .label")).to_have_text("Partner feed")
    assert len(asked) == 2, asked


def test_a_service_that_does_not_answer_is_said(reader: NewReader, world: World) -> None:
    one = reader()
    one.open()
    one.page.route("**/find?*part=rows*", lambda route: route.abort())
    one.page.keyboard.press("Control+k")
    expect(one.page.locator("#palette .told")).to_contain_text("Tidings has not answered")
    one.troubles.clear()  # the browser tells of the call that failed


@pytest.mark.parametrize("look", ["dark", "phone"])
def test_it_fits_and_hinders_nobody(
    look: str, reader: NewReader, world: World, screenshots: Path | None
) -> None:
    one: Reader = reader(width=360) if look == "phone" else reader(dark=True)
    one.open()
    button = one.page.get_by_role("button", name=re.compile("^Search"))
    button.click()
    expect(one.page.locator(SELECTED)).to_have_count(1)
    one.page.keyboard.type("feed")
    expect(one.page.get_by_role("group", name="Webhooks")).to_be_visible()
    one.shot(screenshots, f"palette-{look}")
    assert violations(one.page) == []
    assert not one.page.evaluate(OVERFLOW)
    one.page.locator("#palette [data-close]").click()
    expect(button).to_be_focused()
    one.shot(screenshots, f"frame-{look}")


def test_without_scripts_no_button_promises_it(reader: NewReader, world: World) -> None:
    one = reader(scripts=False)
    one.open()
    expect(one.page.locator("[data-palette]")).to_be_hidden()
    one.page.get_by_role("searchbox", name="Search", exact=True).fill("Partner")
    one.page.keyboard.press("Enter")
    one.page.wait_for_url("**/find?q=Partner")
    one.see("Partner feed")


def test_a_hostile_name_is_text_in_it(
    reader: NewReader, console: ServiceProcess, world: World
) -> None:
    with console.api() as platform:
        org = platform.send("POST", "/v1/orgs", {"name": "<i data-x>Brand"}).must(201)["id"]
    with console.api(org) as api:
        name = '<img src=x onerror=__xss(1)>"><a>'
        api.webhook("https://hostile.example/", name)
    one = reader(org=org)
    one.open()
    open_palette(one.page)
    one.page.keyboard.type("onerror")
    expect(one.page.locator(SELECTED + " .label")).to_have_text(name)
    assert not one.page.locator("#palette img, #palette i[data-x]").count()
