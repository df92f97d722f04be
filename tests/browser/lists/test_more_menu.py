"""What is seldom done is folded into a menu, which needs neither a script nor a mouse."""

import pytest
from playwright.sync_api import expect

from ..axe import violations
from ..overflow import OVERFLOW
from .conftest import LookedThrough
from .crowd import Crowd

pytestmark = pytest.mark.systems


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_the_menu_opens_by_the_keyboard_and_leads_on(
    scripts: bool, look: LookedThrough, crowd: Crowd
) -> None:
    reader = look(1280, scripts=scripts)
    reader.go(f"/console/o/{crowd.org}/webhooks/{crowd.hook}")
    main = reader.page.locator("main")
    leads = main.get_by_role("link", name="Rotate secret")
    expect(leads).to_be_hidden()
    assert main.get_by_role("button", name=f"Pause in Org {crowd.org} ({crowd.org})").is_visible()
    main.locator("summary", has_text="More").focus()
    reader.page.keyboard.press("Enter")
    expect(leads).to_be_visible()
    named = main.get_by_role("button", name=f"Disable in Org {crowd.org} ({crowd.org})")
    assert named.is_visible()
    reader.page.keyboard.press("Tab")
    reader.page.keyboard.press("Tab")
    reader.page.keyboard.press("Enter")
    expect(reader.page.get_by_role("heading", level=1)).to_contain_text("Rotate")


@pytest.mark.parametrize("width", [360, 1280])
def test_an_open_menu_is_whole_and_hinders_nobody(
    width: int, look: LookedThrough, crowd: Crowd
) -> None:
    reader = look(width)
    for path in (f"webhooks/{crowd.hook}", "deliveries", "replays"):
        reader.go(f"/console/o/{crowd.org}/{path}")
        reader.page.locator("main summary", has_text="More ▾").click()
        assert reader.page.locator("main .sheet").is_visible()
        box = reader.page.locator("main .sheet").bounding_box()
        assert box and box["x"] >= 0 and box["x"] + box["width"] <= width
        assert not violations(reader.page) and not reader.page.evaluate(OVERFLOW), path
