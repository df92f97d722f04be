"""What is seen while something is waited for: nothing for 200 ms, then that it is under way."""

import pytest
from playwright.sync_api import Page, Route

from .conftest import NewReader
from .world import World

pytestmark = pytest.mark.systems

LATER_MS = 200
JUST_MS = 20  # a transition is told by frames
RULES = """() => [...document.styleSheets, ...document.adoptedStyleSheets].flatMap(
  function inside(sheet) { return [...sheet.cssRules].flatMap((rule) =>
    rule.selectorText?.includes("htmx-")
      ? [[rule.selectorText, rule.style.opacity, rule.style.transitionDelay]]
      : rule.cssRules ? inside(rule) : []); })"""
SEEN = """(button) => new Promise((done) => {
  const seen = [], began = performance.now();
  button.click();
  const look = () => {
    const at = performance.now() - began;
    seen.push([at, getComputedStyle(button, "::after").opacity]);
    if (at > 700) done(seen); else requestAnimationFrame(look);
  };
  look();
})"""


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_a_wait_is_shown_after_200_ms_and_not_before(
    motion: str, reader: NewReader, world: World
) -> None:
    one = reader(reduced_motion=motion)
    held: list[Route] = []
    one.page.route("**/console/o/*/webhooks/*/test", lambda route: held.append(route))
    one.open(f"/webhooks/{world.crm['webHookId']}")
    seen = waited(one.page)
    [route] = held
    early = [at for at, shown in seen if shown != "0" and at < LATER_MS - JUST_MS]
    assert not early, early
    assert seen[-1][1] == "1"
    route.fulfill(status=204)


def waited(page: Page) -> list[tuple[float, str]]:
    """What the button of a test shows from the click on, while no answer comes."""
    button = page.get_by_role("button", name="Send a test").element_handle()
    assert button is not None
    return [(at, shown) for at, shown in page.evaluate(SEEN, button)]


def test_nothing_else_is_shown_while_htmx_asks(reader: NewReader, world: World) -> None:
    """Its own indicator would fade in at once."""
    one = reader()
    one.open(f"/webhooks/{world.crm['webHookId']}")
    rules = one.page.evaluate(RULES)
    shown = [(selector, delay) for selector, opacity, delay in rules if opacity != "0"]
    assert shown and all(delay == "0.2s" for _, delay in shown), rules
