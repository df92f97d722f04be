"""Every page: for everybody, at every width, in both themes, with scripts and without."""

import statistics
import time
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route

from ..e2e.service import ServiceProcess
from .axe import violations
from .chrome import Reader
from .conftest import NewReader
from .world import World

pytestmark = [pytest.mark.systems, pytest.mark.timeout(600)]

BYTES_MAX = 150_000
FIRST_PAINT_MS = 1000
SCRIPTS_LATE_S = 0.4
LOOKS = {
    "light": {"width": 1280},
    "dark": {"width": 1280, "dark": True},
    "tablet": {"width": 768},
    "phone": {"width": 360},
    "phone-dark": {"width": 360, "dark": True},
}
OVERFLOW = """() => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return null;
  const wide = [...document.querySelectorAll("main *")].filter(
    (one) => one.getBoundingClientRect().right > width + 1 && !one.closest(".scroll, pre, .tabs"));
  return wide.slice(0, 3).map((one) => one.outerHTML.slice(0, 120));
}"""
CUT = """() => [...document.querySelectorAll("table.cardlike")]
  .filter((one) => one.scrollWidth > one.parentElement.clientWidth + 1)
  .map((one) => [one.scrollWidth, one.parentElement.clientWidth, one.tHead.innerText])"""
SHIFTS = """() => new Promise((done) => {
  let sum = 0;
  new PerformanceObserver((list) => {
    for (const one of list.getEntries()) if (!one.hadRecentInput) sum += one.value;
  }).observe({type: "layout-shift", buffered: true});
  setTimeout(() => done(sum), 300);
})"""
PAINTED = """() => new Promise((done) => {
  const look = () => {
    const [found] = performance.getEntriesByName("first-contentful-paint");
    if (found) done(found.startTime); else requestAnimationFrame(look);
  };
  look();
})"""


def rest(page: Page) -> None:
    """Give what is asked for at the load of a page its time; some pages go on asking for ever."""
    page.wait_for_load_state("load")
    page.wait_for_timeout(350)


@pytest.mark.parametrize("look", LOOKS)
def test_pages_look_right_and_hinder_nobody(
    look: str, reader: NewReader, world: World, screenshots: Path
) -> None:
    one: Reader = reader(**LOOKS[look])
    found: dict[str, Any] = {}
    for name, path in world.pages():
        one.go(path)
        rest(one.page)
        moved = one.page.evaluate(SHIFTS)  # first: a picture of the whole page resizes it
        one.shot(screenshots, f"{name}-{look}")
        if bad := violations(one.page):
            found[name] = bad
        if wide := one.page.evaluate(OVERFLOW):
            found[f"{name} is too wide"] = wide
        if cut := one.page.evaluate(CUT):
            found[f"{name} hides columns"] = cut
        if moved > 0.1:
            found[f"{name} jumps"] = round(moved, 3)
    assert not found, "\n".join(f"{name}: {what}" for name, what in found.items())


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_nothing_moves_however_late_the_scripts_come(
    width: int, reader: NewReader, world: World
) -> None:
    one: Reader = reader(width=width)

    def late(route: Route) -> None:
        time.sleep(SCRIPTS_LATE_S)
        route.continue_()

    one.page.route("**/*.js", late)
    pages = dict(world.pages())
    moved = {}
    for name in ("overview", "webhook", "webhook-failing"):
        one.go(pages[name])
        rest(one.page)
        assert one.page.locator(".plot .u-legend").count(), "it has its charts by now"
        moved[name] = one.page.evaluate(SHIFTS)
    assert max(moved.values()) < 0.05, moved


@pytest.mark.parametrize("look", ["light", "dark", "phone"])
def test_the_sign_in_looks_right_and_hinders_nobody(
    look: str, reader: NewReader, screenshots: Path
) -> None:
    one = reader(signed_in=False, **LOOKS[look])
    one.go("/console/sign-in")
    one.shot(screenshots, f"sign-in-{look}")
    assert not violations(one.page)
    assert one.page.get_by_label("Password").get_attribute("autocomplete") == "current-password"


def test_an_empty_org_is_told_what_to_do(
    reader: NewReader, console: ServiceProcess, screenshots: Path
) -> None:
    with console.api() as platform:
        org = platform.send("POST", "/v1/orgs", {"name": "A new brand"}).must(201)["id"]
    one = reader(org=org)
    for name in ("", "/webhooks", "/deliveries", "/events", "/rejections", "/inboxes", "/replays"):
        one.open(name)
        rest(one.page)
        one.shot(screenshots, f"empty-{name.strip('/') or 'overview'}")
        assert not violations(one.page), name
        assert one.page.locator(".empty, .steps").count(), name


def test_pages_are_small_and_quick(reader: NewReader, world: World) -> None:
    """Cold: a browser that has nothing yet. Compressed, with all that the page asks for."""
    big, slow = {}, {}
    for name, path in world.pages():
        with reader() as one:
            line = one.context.new_cdp_session(one.page)
            line.send("Network.enable")
            line.send("Network.setCacheDisabled", {"cacheDisabled": True})
            sizes: list[float] = []
            line.on("Network.loadingFinished", lambda fact: sizes.append(fact["encodedDataLength"]))  # noqa: B023
            paints = []
            for _ in range(3):
                sizes.clear()
                one.go(path)
                rest(one.page)
                paints.append(one.page.evaluate(PAINTED))
            print(f"{name}: {sum(sizes) / 1000:.0f} KB, {statistics.median(paints):.0f} ms")
            if not 1000 < sum(sizes) <= BYTES_MAX:
                big[name] = sum(sizes)
            if statistics.median(paints) > FIRST_PAINT_MS:
                slow[name] = paints
    assert not big and not slow, (big, slow)


def test_pages_can_be_read_without_scripts(reader: NewReader, world: World) -> None:
    shown = {
        "overview": ["Overview", "of 4 webhooks need attention", "Events in"],
        "webhooks": ["Acme CRM", "Partner feed", "failing"],
        "webhook": ["Acme CRM", "Newest deliveries", "X-Api-Key"],
        "deliveries": ["pointsIssued", "Old feed", "failed"],
        "delivery": ["pointsIssued to Old feed", "410", "Attempt 1", "totalPointsIssued"],
        "events": ["pointsIssued"],
        "event": ["Old feed", "totalPointsIssued"],
        "rejection": ["totalPointsIssued"],
        "tail": ["needs JavaScript"],
        "inbox": ["signature valid", "webhook-signature", "eventName"],
        "replay": ["Acme CRM", "delivered"],
        "catalogue": ["pointsIssued", "transactionAdded"],
        "type": ["totalPointsIssued", "Example"],
        "find": ["Old feed"],
        "access": ["boss"],
        "org": ["Time zone"],
        "health": ["Store", "takes writes"],
    }
    one = reader(scripts=False)
    missing = {}
    for name, path in world.pages():
        one.go(path)
        text = one.page.locator("main").inner_text()
        assert one.page.locator("h1").count() == 1, name
        if absent := [word for word in shown.get(name, []) if word not in text]:
            missing[name] = (absent, text[:600])
    assert not missing, missing
