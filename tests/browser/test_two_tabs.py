"""Two tabs of one browser are two orgs, and a portal beside them is a third thing."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Dialog, Page, expect

from ..e2e.harness.api import Api
from ..e2e.harness.receiver import Receiver
from ..e2e.harness.service import ServiceProcess
from .axe import violations
from .chrome import Reader
from .conftest import NewReader

pytestmark = pytest.mark.systems

Brand = Callable[[str], Api]


@pytest.fixture
def brand(console: ServiceProcess, receiver: Receiver) -> Iterator[Brand]:
    """Makes orgs of these names, each with a webhook."""
    made: list[Api] = []

    def make(name: str) -> Api:
        with console.api() as platform:
            org = platform.send("POST", "/v1/orgs", {"name": name}).must(201)["id"]
        api = console.api(org)
        api.webhook(receiver.url(receiver.path()), f"Hook of {name}")
        made.append(api)
        return api

    yield make
    for api in made:
        api.close()


def tab(one: Reader, path: str) -> Page:
    """A further tab of the same browser."""
    page = one.context.new_page()
    page.goto(path)
    return page


def stopped(api: Api) -> bool:
    """Whether sending is stopped for the org."""
    return api.get(f"/v1/orgs/{api.org}/stop").must(200)["stopped"] is True


def test_what_is_done_in_one_tab_is_done_in_the_org_of_that_tab(
    reader: NewReader, brand: Brand
) -> None:
    acme, beta = brand("Acme"), brand("Beta")
    one = reader()
    first = tab(one, f"/console/o/{acme.org}/stop")
    second = tab(one, f"/console/o/{beta.org}")
    second.get_by_role("link", name="Webhooks", exact=True).click()
    expect(second.get_by_role("link", name="Hook of Beta")).to_be_visible()
    assert f"Acme ({acme.org})" in first.title() and f"Beta ({beta.org})" in second.title()

    first.get_by_role("button", name=f"Stop sending for Acme ({acme.org})").click()
    expect(first.locator(".said")).to_contain_text(f"Acme ({acme.org}): Sending is stopped.")
    assert stopped(acme) and not stopped(beta)
    second.reload()
    assert not second.locator(".said").count(), "it is not told in the tab of another org"

    form = tab(one, f"/console/o/{acme.org}/webhooks/new?event=pointsIssued")
    second.goto(f"/console/o/{beta.org}/webhooks/new")
    form.get_by_role("button", name="Make a test inbox").click()
    expect(form.get_by_label("URL", exact=True)).to_have_value(re.compile("/inbox/"))
    form.get_by_label("Name", exact=True).fill("Made in the first")
    expect(form.locator("#preview")).to_contain_text("totalPointsIssued")
    form.get_by_role("button", name="Send a test").click()
    expect(form.locator("#tested")).to_contain_text(f"in Acme ({acme.org})")
    second.goto(f"/console/o/{beta.org}/deliveries")
    form.get_by_role("button", name=f"Make the webhook in Acme ({acme.org})").click()
    expect(form.get_by_role("heading", level=1)).to_contain_text("Made in the first is made")
    names = {"Made in the first"}
    for api, made in ((acme, names), (beta, set[str]())):
        all_of_them = {row["name"] for row in api.get("/v3/webHooks").must(200)["data"]}
        assert all_of_them & names == made
        assert bool(api.get("/v1/inboxes").must(200)["inboxes"]) == bool(made)
    assert not violations(form)

    asked: list[str] = []

    def dismiss(dialog: Dialog) -> None:
        asked.append(dialog.message)
        dialog.dismiss()

    first.on("dialog", dismiss)
    first.goto(f"/console/o/{acme.org}/replays/new?kind=cancel")
    second.goto("/console/stop-all")
    second.on("dialog", dismiss)
    second.get_by_role("button", name="Stop sending for all orgs").click()
    assert asked == ["This stops sending for every org of this service."]
    assert not stopped(beta)


def test_the_form_of_one_org_sent_to_the_address_of_another_does_nothing(
    reader: NewReader, brand: Brand
) -> None:
    acme, beta = brand("Acme"), brand("Beta")
    one = reader()
    page = tab(one, f"/console/o/{acme.org}/stop")
    there = f"/console/o/{beta.org}/stop"
    page.evaluate("at => { document.querySelector('main form').action = at; }", there)
    page.locator("main form button").click()
    page.get_by_text("Nothing was changed.").wait_for()
    page.wait_for_load_state("domcontentloaded")
    text = page.locator("main").inner_text()
    assert f"Beta ({beta.org})" in text and f"Acme ({acme.org})" in text
    assert not stopped(acme) and not stopped(beta)


def test_a_portal_opened_in_one_tab_leaves_the_console_of_the_other_alone(
    reader: NewReader, brand: Brand
) -> None:
    acme, beta = brand("Acme"), brand("Beta")
    one = reader()
    own = tab(one, f"/console/o/{beta.org}/webhooks")
    body = {"name": "Acme Loyalty", "role": "reader"}
    links = f"/v1/orgs/{acme.org}/portal-links"
    portal = tab(one, acme.send("POST", links, body).must(201)["url"])
    expect(portal.locator(".brand")).to_contain_text("Acme Loyalty")
    assert portal.url.endswith(f"/console/portal/o/{acme.org}")
    own.reload()
    expect(own.locator(".brand")).to_contain_text("Tidings")
    own.get_by_role("link", name="Hook of Beta").click()
    own.get_by_role("button", name="Pause").click()
    expect(own.locator(".said")).to_contain_text(f"Beta ({beta.org}): Paused.")
    portal.get_by_role("link", name="Webhooks", exact=True).click()
    expect(portal.get_by_role("link", name="Hook of Acme")).to_be_visible()
    assert not portal.get_by_role("link", name="New webhook").count(), "the rights of the portal"
    portal.get_by_role("link", name="Live tail").click()
    expect(portal.locator("#tail-state")).to_contain_text("live")
    portal.locator("summary", has_text="Acme").click()
    portal.get_by_role("button", name="Close the portal").click()
    expect(portal.get_by_role("heading", level=1)).to_have_text("This page is closed")
    own.reload()
    expect(own.get_by_role("heading", level=1)).to_contain_text("Hook of Beta")
