"""A link to the portal is made, opened by somebody else, and its session ended."""

import pytest
from playwright.sync_api import expect

from ..axe import violations
from ..chrome import Reader
from ..conftest import NewReader
from ..world import World

pytestmark = pytest.mark.systems


def test_a_link_is_made_opened_by_somebody_else_and_its_session_ended(
    reader: NewReader, world: World
) -> None:
    admin: Reader = reader()
    admin.open("/access")
    admin.page.get_by_role("link", name="Portal links").click()
    admin.page.get_by_role("link", name="New link").click()
    admin.page.get_by_label("Name of your product").fill("Shop of the South")
    admin.page.get_by_role("button", name="Create the link").click()
    admin.see("The link is ready")
    assert violations(admin.page) == []
    url = admin.page.locator("button.copy").first.get_attribute("data-copy")
    assert url is not None and "/console/portal?link=" in url

    guest: Reader = reader(signed_in=False)
    guest.page.goto(url)
    expect(guest.page.locator(".brand")).to_have_text("Shop of the South")

    admin.open("/access/portal")
    mine = admin.page.get_by_role("row").filter(has_text="Shop of the South")
    expect(mine).to_have_count(1)
    admin.page.once("dialog", lambda dialog: dialog.accept())
    mine.get_by_role("button", name="End the session").click()
    admin.see("The session is ended.")
    expect(mine).to_have_count(0)
    guest.page.goto(f"/console/portal/o/{world.org}/webhooks")
    guest.see("This page is closed")
