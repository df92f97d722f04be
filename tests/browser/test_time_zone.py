"""One time zone on a page and in its fields: the reader's choice, and till then the org's."""

import re

import pytest
from playwright.sync_api import expect

from .conftest import NewReader
from .world import World

pytestmark = [pytest.mark.systems, pytest.mark.timeout(600)]

SHOWN = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")


def test_a_chosen_zone_is_that_of_the_page_and_of_its_fields(
    reader: NewReader, world: World
) -> None:
    one = reader(timezone_id="America/New_York")
    one.open("/events")
    times = one.page.locator("tbody time")
    before = times.first.inner_text()
    exact = times.first.get_attribute("datetime") or ""
    assert SHOWN.fullmatch(before) and times.first.get_attribute("title") == exact
    one.page.locator("details.who summary").click()
    one.page.get_by_label("Time zone of all times").select_option("Pacific/Kiritimati")
    expect(times.first).not_to_have_text(before)
    moved = times.first.inner_text()
    assert SHOWN.fullmatch(moved) and times.first.get_attribute("datetime") == exact
    one.open(f"/events?from={moved}")
    expect(one.page.locator("p.trouble")).to_have_count(0)
    expect(one.page.locator(f'tbody time[datetime="{exact}"]').first).to_be_visible()
    expect(one.page.get_by_text("Pacific/Kiritimati").first).to_be_attached()
