"""What is shown is kept current before one's eyes; a page whose service no longer answers does not
go on saying that all is well."""

import re
import time
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from ..e2e.harness.events import event, new_id
from ..e2e.harness.receiver import Receiver
from ..e2e.harness.service import KEY, ORG, SECRET, ServiceProcess
from .chrome import Reader
from .conftest import NewReader
from .world import World

pytestmark = pytest.mark.systems

ID = re.compile(r"[0-9A-Z.]")  # of the parts of addresses, those that are no words
LINK = re.compile(r'href="(/console/[^"?#]*)')
STALE = "Tidings has not answered since"
# What a browser tells of a service that is killed: before a call, amid one, and between its parts.
OF_A_KILL = (
    *("ERR_CONNECTION_REFUSED", "ERR_CONNECTION_RESET", "ERR_CONNECTION_CLOSED"),
    *("ERR_EMPTY_RESPONSE", "ERR_INCOMPLETE_CHUNKED_ENCODING", "Failed to fetch"),
)
WATCHED = """() => new Promise((done) => {
  const began = performance.now();
  const look = () => {
    const way = document.querySelector("#now .way");
    const settled = way && way.textContent.includes("delivered");
    if (settled) done(performance.now() - began); else setTimeout(look, 20);
  };
  look();
})"""


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


def test_every_page_is_marked_old_within_five_seconds_of_a_kill_until_it_is_loaded_anew(
    browser: Browser, tmp_path: Path
) -> None:
    service, receiver = ServiceProcess(tmp_path / "store").start(), Receiver()
    try:
        with service.api(ORG) as api:
            api.webhook(receiver.url(receiver.path()), "Acme CRM")
            api.accept(event(new_id(), ORG))
        with Reader(browser, f"http://127.0.0.1:{service.port}", org=ORG) as one:
            one.sign_in(KEY, SECRET)
            addresses = pages_of(one)
            assert len(addresses) > 40, addresses
            tabs = {}
            for address in addresses:
                tabs[address] = one.context.new_page()
                tabs[address].goto(f"{one.base}{address}")
                expect(tabs[address].locator("#old")).to_have_count(0)
            killed_ms = time.time() * 1000
            service.kill_all()
            late = {}
            for address, tab in tabs.items():
                expect(tab.locator("#old"), address).to_be_visible()
                marked_ms = float(tab.locator("#old").get_attribute("data-at") or "inf")
                if marked_ms - killed_ms > 5000:
                    late[address] = round(marked_ms - killed_ms)
            assert not late, "ms until it was marked"
            service.start()
            for address, tab in tabs.items():
                expect(tab.locator("#old"), address).to_contain_text("Tidings answers again.")
                tab.get_by_role("link", name="Load it anew").click()
                expect(tab.locator("#old")).to_have_count(0)
            one.troubles[:] = [
                trouble
                for trouble in one.troubles
                if not any(foreseen in trouble for foreseen in OF_A_KILL)
            ]
    finally:
        receiver.stop()
        service.end()


def pages_of(reader: Reader) -> list[str]:
    """One address of each kind of page that links of pages lead to, from the overview on."""
    seen: dict[str, str] = {}
    behind = [f"/console/o/{reader.org}"]
    while behind:
        address = behind.pop(0)
        kind = "/".join("{id}" if ID.search(part) else part for part in address.split("/"))
        if kind in seen:
            continue
        page = reader.context.request.get(address).text()
        if "data-alive=" not in page:
            continue
        seen[kind] = address
        behind += sorted({*LINK.findall(page)})
    return list(seen.values())


def test_an_event_sent_by_hand_turns_to_delivered_within_two_seconds(
    reader: NewReader, world: World
) -> None:
    one = reader()
    one.open("/events/new?type=rewardIssued")
    one.page.get_by_role("button", name="Send it").click()
    one.page.wait_for_url("**/events/*-*")
    assert one.page.evaluate(WATCHED) <= 2000
    expect(one.page.locator("#now tbody .state.delivered").first).to_be_visible()
    expect(one.page.locator("#now[hx-get]")).to_have_count(0)


@pytest.mark.parametrize("path", ["/events", "/deliveries"])
def test_rows_that_came_are_offered_and_the_list_does_not_move(
    path: str, reader: NewReader, world: World
) -> None:
    one = reader()
    one.open(path)
    bar, first = one.page.locator(".newer a"), one.page.locator("tbody tr").first
    expect(bar).to_be_hidden()
    before, top = first.inner_text(), first.bounding_box()
    id = new_id()
    with world.api() as api:
        api.accept(
            event(id, world.org, name="tierUpgraded" if path == "/events" else "pointsIssued")
        )
    expect(bar).to_be_visible()
    assert bar.inner_text().endswith(" new")
    assert first.inner_text() == before and first.bounding_box() == top
    bar.click()
    # A replay of another test may deliver something newer in the same moment.
    expect(one.page.locator("tbody tr").filter(has_text=id).first).to_be_visible()
    assert first.inner_text() != before
    expect(bar).to_be_hidden()
