"""A page whose service no longer answers does not go on saying that all is well."""

import pytest
from playwright.sync_api import Page, Route, expect

from .conftest import NewReader
from .world import World

pytestmark = pytest.mark.systems

STALE = "Tidings has not answered since"


@pytest.mark.parametrize(
    ("path", "part", "most_s"), [("/health", "health", 10), ("", "now", 20)], ids=["health", "now"]
)
@pytest.mark.parametrize("gone", ["silent", "refuses"])
def test_old_figures_are_told_as_old_until_an_answer_comes(
    path: str, part: str, most_s: int, gone: str, reader: NewReader, world: World
) -> None:
    one = reader()
    held: list[Route] = []

    def take(route: Route) -> None:
        if gone == "silent":
            held.append(route)
        else:
            route.fulfill(status=204)  # as htmx takes a 503: nothing is swapped

    one.page.route("**/console/o/*part=now", take)
    one.open(path)
    shown = one.page.locator(f"#{part}")
    assert int(shown.get_attribute("data-fresh") or 0) == most_s
    within(one.page, part, 600)  # however long it takes here until all of the page is seen
    note = one.page.get_by_text(STALE)
    lead = shown.locator("p.lead").first
    expect(lead).to_be_visible()
    one.page.wait_for_timeout(1200)
    expect(note).to_have_count(0)
    within(one.page, part, 1)
    expect(note).to_have_count(1)
    expect(lead).to_be_hidden()
    one.page.unroute("**/console/o/*part=now")
    for route in held:
        route.continue_()
    within(one.page, part, most_s)
    expect(note).to_have_count(0)
    expect(lead).to_be_visible()


def within(page: Page, part: str, seconds: int) -> None:
    """How old it may be, so that no test waits for long."""
    page.evaluate(
        "([part, seconds]) => { document.getElementById(part).dataset.fresh = seconds; }",
        [part, seconds],
    )
