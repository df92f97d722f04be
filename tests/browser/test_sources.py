"""A source from its form to a mended mapping, as an integration engineer sets one up."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from ..e2e.harness.api import Api
from ..e2e.harness.service import ServiceProcess
from .axe import violations
from .chrome import Reader
from .conftest import NewReader

pytestmark = pytest.mark.systems

KEY = "the shop alone knows"
PAID = {"topic": "orders/paid", "order": {"id": 4711, "total": "10.50"}}
MAPPING = {
    "eventName": {"path": "topic", "names": {"orders/paid": "shop.paid", "*": None}},
    "data": {"path": "order"},
}
GOOD = json.dumps(MAPPING)
BROKEN = json.dumps(MAPPING | {"eventName": {"path": "kind"}})


class Shop:
    """An org whose shop sends to a source, and an engineer who sets that up."""

    def __init__(self, one: Reader, api: Api) -> None:
        self.one, self.page, self.api = one, one.page, api
        self.tried = one.page.locator("#tried")
        one.page.on("dialog", lambda dialog: dialog.accept())

    def fill(self) -> None:
        """The form of a source that knows the shop by a header."""
        page = self.page
        page.get_by_label("Name", exact=True).fill("shop")
        page.get_by_label("The sender is known by").select_option("header")
        page.locator("summary", has_text="Header with a secret value").click()
        section = page.locator("details", has_text="Header with a secret value")
        section.get_by_label("Header", exact=True).fill("X-Shop-Key")
        section.get_by_label("Value", exact=True).fill(KEY)

    def try_it(self, mapping: str, key: str | None = None) -> None:
        """A dry run of the form by this mapping, of a message with this key."""
        self.page.get_by_label("Mapping, as JSON").fill(mapping)
        if key is not None:
            self.page.get_by_label("Headers, one a line").fill(f"X-Shop-Key: {key}")
            self.page.get_by_label("Body", exact=True).fill(json.dumps(PAID))
        self.page.get_by_role("button", name="Try the message").click()

    def source(self) -> Any:
        """As the API has it."""
        return self.api.get("/v1/sources/shop").must(200)

    def send(self, number: int) -> None:
        """The shop sends an order."""
        url = str(self.source()["url"])
        known = {"x-shop-key": KEY, "webhook-id": f"m{number}"}
        sender = Api(self.api.port)
        sender.call("POST", url[url.index("/in/") :], json.dumps(PAID).encode(), known).must(202)
        sender.close()


@pytest.fixture
def shop_api(console: ServiceProcess) -> Iterator[Api]:
    """A client of an org of the test's own that admits every name."""
    with console.api() as platform:
        org = platform.send("POST", "/v1/orgs", {"name": "A shop"}).must(201)["id"]
    with console.api(org) as api:
        admits = {"settings": {"unknownTypes": "admitted"}}
        api.send("PATCH", f"/v1/orgs/{org}", admits).must(200)
        yield api


@pytest.mark.parametrize("scripts", [True, False])
def test_make_a_source_try_it_break_it_mend_it_and_redrive(
    scripts: bool, reader: NewReader, shop_api: Api
) -> None:
    """With scripts and without: the way is the same."""
    one = reader(org=shop_api.org, scripts=scripts)
    shop = Shop(one, shop_api)
    one.open("/sources")
    one.see("No source yet")
    one.page.get_by_role("link", name="New source").first.click()
    shop.fill()
    shop.try_it(BROKEN, "somebody else")
    expect(shop.tried).to_contain_text("It would be set aside")
    expect(shop.tried).to_contain_text("would be answered with 401")
    shop.try_it(GOOD, KEY)
    expect(shop.tried).to_contain_text("The sender would be verified")
    expect(shop.tried).to_contain_text("An event would be accepted")
    expect(shop.tried).to_contain_text('"eventName": "shop.paid"')
    assert not shop_api.get("/v1/sources").must(200)["sources"], "nothing was kept"
    if scripts:
        assert not violations(one.page)
    one.page.get_by_role("button", name="Make the source").click()
    one.see("shop was created. Give its address to the sender.")
    assert shop.source()["url"] in one.text() and KEY not in one.text()

    shop.send(1)
    if not scripts:
        one.page.reload()
    newest = one.page.locator("#now table tbody tr").first
    expect(newest).to_contain_text("shop.paid")  # by itself, where scripts run
    newest.get_by_role("link", name="shop.paid").click()
    one.page.wait_for_url("**/events/**")
    assert '"total": "10.50"' in one.text()
    _break_and_mend(shop)


def _break_and_mend(shop: Shop) -> None:
    one, page = shop.one, shop.page
    at = f"/sources/{shop.source()['id']}"
    one.open(f"{at}/edit")
    page.get_by_label("Mapping, as JSON").fill(BROKEN)
    page.get_by_role("button", name="Save").click()
    one.see("Saved; takes effect with the next message.")
    for number in (2, 3):
        shop.send(number)
    one.open(at)
    one.see("2 are set aside and wait")
    page.locator("section[aria-labelledby=aside] a[data-row]").first.click()
    one.see("eventName must stand at kind of the body")
    assert "x-shop-key" in one.text() and KEY not in one.text()
    page.get_by_role("link", name="Fix the mapping with it").click()
    assert json.loads(page.get_by_label("Body", exact=True).input_value()) == PAID
    shop.try_it(GOOD)
    expect(shop.tried).to_contain_text("An event would be accepted")
    page.get_by_role("button", name="Save").click()
    one.see("Messages set aside wait until you try them again.")
    page.get_by_role("button", name="Try all again").click()
    one.see("2 messages were tried again: 2 events accepted.")
    assert shop.source()["asideMessages"] == 0
    names = [row["eventName"] for row in shop.api.get("/v1/events").must(200)["events"]]
    assert sorted(names) == ["shop.paid"] * 3 + ["tidings.source.aside"]  # the first one is told
