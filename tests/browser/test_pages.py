"""Every page: for everybody, at every width, in both themes, with scripts and without."""

import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Error as PageError
from playwright.sync_api import Page, Route

from tests.browser.overflow import OVERFLOW

from ..e2e.harness.service import ServiceProcess
from .axe import violations
from .chrome import Reader
from .conftest import NewReader
from .world import World

pytestmark = [pytest.mark.systems, pytest.mark.timeout(600)]

Theme = Literal["light", "dark"]

BYTES_MAX = 150_000
FIRST_PAINT_MS = 1000
SCRIPTS_LATE_S = 0.4
TURNS = 3
# Each page is loaded at each width, in the first theme; and seen in the others as they are switched
# on. They differ in colours alone, which is checked again; the rest of axe cannot see a theme.
LOADS: dict[str, tuple[int, dict[str, Theme]]] = {
    "wide": (1280, {"light": "light", "dark": "dark"}),
    "tablet": (768, {"tablet": "light"}),
    "phone": (360, {"phone-dark": "dark", "phone": "light"}),
}
LOOKS = {
    "light": {"width": 1280},
    "dark": {"width": 1280, "dark": True},
    "phone": {"width": 360},
}
CUT = """() => [...document.querySelectorAll("table.cardlike")]
  .filter((one) => one.scrollWidth > one.parentElement.clientWidth + 1)
  .map((one) => [one.scrollWidth, one.parentElement.clientWidth, one.tHead.innerText])"""
SHIFTS = """() => new Promise((done) => {
  let sum = 0;
  new PerformanceObserver((list) => {
    for (const one of list.getEntries()) if (!one.hadRecentInput) sum += one.value;
  }).observe({type: "layout-shift", buffered: true});
  setTimeout(() => done(sum), 50);  // what has moved before is told at once
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


def seen(page: Page, look: Callable[[], Any]) -> Any:
    """Return what is found on a page, which may have loaded itself anew in that moment."""
    try:
        return look()
    except PageError as error:
        if "context was destroyed" not in str(error):
            raise
    rest(page)
    return look()


@pytest.mark.parametrize("load", LOADS)
def test_pages_look_right_and_hinder_nobody(
    load: str, reader: NewReader, world: World, screenshots: Path | None
) -> None:
    width, looks = LOADS[load]
    first = next(iter(looks))
    one: Reader = reader(width=width)
    found: dict[str, Any] = {}
    for name, path in world.pages():
        one.page.emulate_media(color_scheme=looks[first])
        one.go(path)
        rest(one.page)
        moved = one.page.evaluate(SHIFTS)  # first: a picture of the whole page resizes it
        if moved > 0.1:
            found[f"{name}-{first} jumps"] = round(moved, 3)
        for look, theme in looks.items():
            one.page.emulate_media(color_scheme=theme)
            one.shot(screenshots, f"{name}-{look}")
            look_at = partial(violations, one.page, colours_only=look != first)
            if bad := seen(one.page, look_at):
                found[f"{name}-{look}"] = bad
            if wide := seen(one.page, partial(one.page.evaluate, OVERFLOW)):
                found[f"{name}-{look} is too wide"] = wide
            if cut := seen(one.page, partial(one.page.evaluate, CUT)):
                found[f"{name}-{look} hides columns"] = cut
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
        assert one.page.locator(".plot svg").count(), "it has its charts"
        moved[name] = one.page.evaluate(SHIFTS)
    assert max(moved.values()) < 0.05, moved


@pytest.mark.parametrize("look", LOOKS)
def test_the_sign_in_looks_right_and_hinders_nobody(
    look: str, reader: NewReader, screenshots: Path | None
) -> None:
    one = reader(signed_in=False, **LOOKS[look])
    one.go("/console/sign-in")
    one.shot(screenshots, f"sign-in-{look}")
    assert not violations(one.page)
    assert one.page.get_by_label("Password").get_attribute("autocomplete") == "current-password"


def test_an_empty_org_is_told_what_to_do(
    reader: NewReader, console: ServiceProcess, screenshots: Path | None
) -> None:
    with console.api() as platform:
        org = platform.send("POST", "/v1/orgs", {"name": "A new brand"}).must(201)["id"]
    one = reader(org=org)
    names = ("", "/webhooks", "/sources", "/deliveries", "/events", "/rejections", "/inboxes")
    for name in (*names, "/replays"):
        one.open(name)
        rest(one.page)
        one.shot(screenshots, f"empty-{name.strip('/') or 'overview'}")
        assert not violations(one.page), name
        assert one.page.locator(".empty, .steps").count(), name


@pytest.mark.alone
def test_pages_are_small_and_quick(reader: NewReader, world: World) -> None:
    """Cold: the browser keeps nothing. Compressed, with all that the page asks for.

    Of three first paints the middle one counts: it is known when two are on one side of the figure.
    """
    big, slow = {}, {}
    one = reader()
    line = one.context.new_cdp_session(one.page)
    line.send("Network.enable")
    line.send("Network.setCacheDisabled", {"cacheDisabled": True})
    sizes: list[float] = []
    line.on("Network.loadingFinished", lambda fact: sizes.append(fact["encodedDataLength"]))
    for name, path in world.pages():
        one.page.goto("about:blank")  # what the last page still asks for is not this one's
        sizes.clear()
        one.go(path)
        rest(one.page)
        size, paints = sum(sizes), [one.page.evaluate(PAINTED)]
        late = [paints[0] > FIRST_PAINT_MS]
        while len(paints) < TURNS and max(late.count(True), late.count(False)) <= TURNS // 2:
            one.go(path)
            paints.append(one.page.evaluate(PAINTED))
            late.append(paints[-1] > FIRST_PAINT_MS)
        print(f"{name}: {size / 1000:.0f} KB, {statistics.median(paints):.0f} ms")
        if not 1000 < size <= BYTES_MAX:
            big[name] = size
        if late.count(True) > TURNS // 2:
            slow[name] = paints
    assert not big and not slow, (big, slow)


def test_pages_can_be_read_without_scripts(reader: NewReader, world: World) -> None:
    shown = {
        "overview": ["Overview", "of 8 webhooks and actions need attention", "Events in"],
        "webhooks": ["Acme CRM", "Partner feed", "failing"],
        "webhook": ["Acme CRM", "Newest deliveries", "X-Api-Key"],
        "sources": ["shop", "takes messages", "2 set aside"],
        "source": ["/in/2001/shop", "X-Shop-Key", "must be a number", "pointsIssued"],
        "source-aside": ["totalPointsIssued", "x-topic", "Fix the mapping"],
        "source-edit": ["Try it with a message", "Header with a secret value"],
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
        "health": ["Store", "accepts writes"],
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
