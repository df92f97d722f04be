"""A filter is made on the form of a webhook by keyboard alone, and nothing hostile runs in it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from ...e2e.harness.api import Api
from ...e2e.harness.events import new_id
from ...e2e.harness.service import ServiceProcess
from ..axe import violations
from ..conftest import NewReader
from ..overflow import OVERFLOW

pytestmark = [pytest.mark.systems, pytest.mark.timeout(300)]

EVIL = "\"><img src=x onerror=__xss(1)>' autofocus onfocus=__xss(2)"
NAME = EVIL.replace(".", "")
SCHEMA = {
    "type": "object",
    "properties": {
        "tier": {"type": "string", "description": "Where the customer stands."},
        "points": {"type": "number", "description": "Points of the purchase."},
        NAME: {"type": "string", "description": EVIL},
    },
}


@pytest.fixture
def shop_api(console: ServiceProcess) -> Iterator[Api]:
    """A client of an org with a type of its own, and events of it."""
    with console.api() as platform:
        org = platform.send("POST", "/v1/orgs", {"name": "A shop"}).must(201)["id"]
    with console.api(org) as api:
        declared = {"description": "A purchase.", "schema": SCHEMA}
        api.send("PUT", "/v1/eventTypes/bought", declared).must(201)
        for number in range(12):
            data = {"tier": ["gold", "silver"][number % 2], "points": number * 10, NAME: EVIL}
            event: dict[str, Any] = {"eventName": "bought", "eventId": new_id(), "data": data}
            api.post(json.dumps(event).encode()).must(202)
        yield api


def tab_to(page: Page, label: str) -> None:
    """Go on with the Tab key until something of this name has the focus."""
    names = []
    for _ in range(80):
        name = page.evaluate(
            "document.activeElement.getAttribute('aria-label') || document.activeElement.innerText"
        )
        if str(name).startswith(label):
            return
        names.append(name)
        page.keyboard.press("Tab")
    raise AssertionError((label, names))


def choose(page: Page, words: str) -> None:
    """Choose an option of the list that has the focus, by typing its words."""
    page.keyboard.type(words)


def test_a_filter_is_made_tried_and_saved_by_keyboard(
    reader: NewReader, shop_api: Api, screenshots: Path | None
) -> None:
    one = reader(org=shop_api.org)
    page = one.page
    one.open("/webhooks/new?event=bought&url=https://crm.example.com/")
    page.get_by_label("Name", exact=True).fill("Acme")
    page.locator("summary", has_text="Filter and fields").focus()
    page.keyboard.press("Enter")
    tab_to(page, "Field of condition 1")
    page.keyboard.type("data.tier")
    page.keyboard.press("Tab")
    expect(page.get_by_text("Text. Where the customer stands.")).to_be_visible()
    expect(page.get_by_label("Operator of condition 1")).to_be_focused()
    choose(page, "is one of")
    tab_to(page, "Value of condition 1")
    offered = page.locator("#condition-values-0 option")
    expect(offered).to_have_count(2)
    assert {each.get_attribute("value") for each in offered.all()} == {"gold", "silver"}
    page.keyboard.type("gold, bronze")
    tab_to(page, "Add a condition")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Field of condition 2")).to_be_focused()
    page.keyboard.type("data.points")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Number. Points of the purchase.")).to_be_visible()
    tab_to(page, "Operator of condition 2")
    choose(page, "is at least")
    tab_to(page, "Value of condition 2")
    page.keyboard.type("60")
    page.keyboard.press("Tab")
    matches = page.locator("#filter-matches")
    expect(matches).to_contain_text("3 of the last 12 events match.")
    expect(matches).to_contain_text('data.tier must be one of "gold", "bronze"')
    assert not violations(page)
    one.shot(screenshots, "filter-builder")
    tab_to(page, "Make the webhook")
    page.keyboard.press("Enter")
    one.see("whsec_")
    [webhook] = shop_api.get("/v3/webHooks").must(200)["data"]
    assert webhook["filter"] == {
        "all": [
            {"path": "data.tier", "in": ["gold", "bronze"]},
            {"path": "data.points", "gte": 60},
        ]
    }


@pytest.mark.parametrize("scripts", [True, False])
def test_rows_groups_and_json_on_a_phone(
    scripts: bool, reader: NewReader, shop_api: Api, screenshots: Path | None
) -> None:
    one = reader(org=shop_api.org, scripts=scripts, width=360, dark=True)
    page = one.page
    one.open("/webhooks/new?event=bought&url=https://crm.example.com/")
    page.get_by_label("Name", exact=True).fill("Acme")
    page.locator("summary", has_text="Filter and fields").click()
    page.get_by_label("Field of condition 1").fill("data..tier")
    page.get_by_label("Value of condition 1").fill("gold")
    page.get_by_role("button", name="Add a group").click()
    page.get_by_label("Field of condition 2").fill("data.points")
    page.get_by_label("Value of condition 2").fill("50")
    page.get_by_role("button", name="Edit as JSON").click()
    refused = page.get_by_role("group", name="Condition 1").get_by_role("alert")
    expect(refused).to_contain_text("path must be a path of names")
    page.get_by_label("Field of condition 1").fill("data.tier")
    if scripts:
        assert page.evaluate(OVERFLOW) in ([], None)
        one.shot(screenshots, "filter-builder-phone")
    page.get_by_role("button", name="Edit as JSON").click()
    text = page.get_by_label("Filter, as JSON")
    made = [{"path": "data.tier", "eq": "gold"}, {"path": "data.points", "eq": 50}]
    expect(text).to_be_visible()
    assert json.loads(text.input_value()) == {"any": made}
    text.fill('{"path": "data.items[*].n", "gte": 1, "lt": 2}')
    page.get_by_role("button", name="Show as conditions").click()
    one.see("Conditions cannot show this filter")
    assert '"lt": 2' in page.get_by_label("Filter, as JSON").input_value()
    page.get_by_label("Filter, as JSON").fill(json.dumps({"not": made[0]}))
    page.get_by_role("button", name="Show as conditions").click()
    expect(page.get_by_label("Operator of condition 1")).to_have_value("not eq")
    page.get_by_role("button", name="Remove condition 1").click()
    expect(page.get_by_label("Field of condition 1")).to_have_value("")


def test_what_is_typed_while_the_conditions_come_anew_is_kept(
    reader: NewReader, shop_api: Api
) -> None:
    one = reader(org=shop_api.org)
    page = one.page

    def late(route: Route) -> None:
        page.wait_for_timeout(700)
        route.continue_()

    one.open("/webhooks/new?event=bought")
    page.locator("summary", has_text="Filter and fields").click()
    page.route("**/filter/check", late)
    page.get_by_label("Field of condition 1").fill("data.tier")
    page.get_by_label("Value of condition 1").focus()
    page.keyboard.type("gold")
    expect(page.get_by_text("Text. Where the customer stands.")).to_be_visible()
    expect(page.get_by_label("Value of condition 1")).to_be_focused()
    page.keyboard.type("en")
    expect(page.get_by_label("Value of condition 1")).to_have_value("golden")


def test_hostile_names_and_values_of_fields_are_text(reader: NewReader, shop_api: Api) -> None:
    """The reader fails where anything of it runs."""
    one = reader(org=shop_api.org)
    page = one.page
    one.open("/webhooks/new?event=bought")
    page.locator("summary", has_text="Filter and fields").click()
    path = f"data.{NAME}"
    assert page.locator("#filter-fields option").evaluate_all(
        "(options) => options.map((option) => option.value)"
    ).count(path) == 1  # fmt: skip
    page.get_by_label("Field of condition 1").fill(path)
    page.keyboard.press("Enter")
    one.see(EVIL)
    page.get_by_label("Value of condition 1").focus()
    expect(page.locator("#condition-values-0 option")).to_have_count(1)
    page.get_by_label("Value of condition 1").fill(EVIL)
    page.keyboard.press("Enter")
    expect(page.locator("#filter-matches")).to_contain_text("12 of the last 12 events match.")
    page.get_by_role("button", name="Edit as JSON").click()
    text = page.get_by_label("Filter, as JSON")
    expect(text).to_be_visible()
    assert json.loads(text.input_value()) == {"path": path, "eq": EVIL}
    assert page.locator("img[src=x]").count() == 0
