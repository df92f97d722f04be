"""A mail is seen as its reader sees it; nothing in it runs or loads, with scripts and without."""

import pytest
from playwright.sync_api import Route, expect

from ..axe import violations
from ..chrome import Reader
from ..conftest import NewReader
from ..world import World

pytestmark = pytest.mark.systems


@pytest.mark.parametrize("scripts", [True, False])
def test_a_mail_that_would_run_and_load_is_seen_and_does_neither(
    scripts: bool, reader: NewReader, world: World
) -> None:
    one: Reader = reader(scripts=scripts)
    asked: list[str] = []

    def note(route: Route) -> None:
        asked.append(route.request.url)
        route.abort()

    one.page.route("**a.example**", note)
    dialogs: list[str] = []
    one.page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    one.open("/actions/welcome/test")
    one.page.get_by_role("button", name="Show what it would do").click()
    one.see("How it looks")
    one.page.wait_for_timeout(1100)  # one a second
    one.page.get_by_role("button", name="Show the mail").click()
    letter = one.page.frame_locator("iframe[name=letter]")
    expect(letter.get_by_role("heading", name="Welcome, ")).to_be_visible()
    assert one.path.endswith("/actions/welcome/test"), "the page itself stays"
    if scripts:
        assert violations(one.page) == []
        assert one.kept_out, "it was tried"

    one.open(f"/deliveries/{world.runs['done']}")
    one.page.get_by_text("How it looks").click()
    letter = one.page.frame_locator("iframe.letter")
    expect(letter.get_by_role("heading", name="Welcome, ")).to_be_visible()
    assert asked == [] and dialogs == []
