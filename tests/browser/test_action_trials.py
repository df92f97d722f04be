"""An action is tried: by keyboard alone, without scripts, at every width and in both themes."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.overflow import OVERFLOW

from ..e2e.harness.service import ServiceProcess
from ..e2e.harness.until import until
from .axe import violations
from .chrome import Reader
from .conftest import NewReader
from .world import World

pytestmark = pytest.mark.systems


def press_to(one: Reader, name: str, role: str) -> None:
    """Go to something by the tabulator, and press it."""
    wanted = one.page.get_by_role(role, name=name)  # type: ignore[arg-type]
    expect(wanted).to_have_count(1)
    for _ in range(60):
        one.page.keyboard.press("Tab")
        if wanted.evaluate("it => it === document.activeElement"):
            with one.page.expect_navigation():
                one.page.keyboard.press("Enter")
            return
    raise AssertionError(f"{name} is not reached by the keyboard")


@pytest.mark.parametrize("scripts", [True, False])
def test_by_keyboard_it_is_seen_first_what_would_be_done_and_then_done(
    scripts: bool,
    reader: NewReader,
    world: World,
    console: ServiceProcess,
    screenshots: Path | None,
) -> None:
    mails = console.data.parent / "mails"
    before = mails.read_text().count("Tidings-Test: true")
    one = reader(scripts=scripts)
    one.open("/actions/welcome")
    press_to(one, "Try it …", "link")
    assert one.path.endswith("/actions/welcome/test")
    press_to(one, "Show what it would do", "button")
    one.see("Result")
    assert "Looked up contact: found" in one.text() and "asha@example.test" in one.text()
    assert mails.read_text().count("Tidings-Test: true") == before, "nothing is sent by looking"
    looks = ((1280, "light"), (1280, "dark"), (360, "dark"), (360, "light"))
    for width, theme in looks:  # may be empty: without scripts nothing can be measured
        one.page.set_viewport_size({"width": width, "height": 800})
        one.page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        one.shot(screenshots, f"action-trial-{width}-{theme}")
        if scripts:
            assert violations(one.page) == [] and one.page.evaluate(OVERFLOW) is None
    one.page.set_viewport_size({"width": 1280, "height": 800})
    one.page.wait_for_timeout(1100)  # one a second
    press_to(one, "Send this mail now", "button")
    one.see("Result")
    assert "It was done after" in one.text()
    until(lambda: mails.read_text().count("Tidings-Test: true") == before + 1, "the mail")
    if scripts:
        assert violations(one.page) == []
    one.page.wait_for_timeout(1100)
