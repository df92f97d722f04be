"""Before one's eyes: an event that is delivered, and rows that came while a list was looked at."""

import pytest
from playwright.sync_api import expect

from ..e2e.harness.events import event, new_id
from .conftest import NewReader
from .world import World

pytestmark = pytest.mark.systems

WATCHED = """() => new Promise((done) => {
  const began = performance.now();
  const look = () => {
    const way = document.querySelector("#now .way");
    const settled = way && way.textContent.includes("delivered");
    if (settled) done(performance.now() - began); else setTimeout(look, 20);
  };
  look();
})"""


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
    expect(first).to_contain_text(id)
    expect(bar).to_be_hidden()
