"""A template is checked and tried in its form, by keyboard alone and without scripts."""

import pytest
from playwright.sync_api import expect

from ..axe import violations
from ..chrome import Reader
from ..conftest import NewReader
from ..overflow import OVERFLOW
from ..world import World

pytestmark = pytest.mark.systems

WRONG = '{\n  "id": {{ event.eventId }},\n  "n": {{ data. }}\n}'
RIGHT = '{"eventId": {{ event.eventId }}, "made": "of the template"}'


@pytest.mark.parametrize("scripts", [True, False])
def test_a_template_is_checked_at_its_line_and_tried_before_it_is_kept(
    scripts: bool, reader: NewReader, world: World
) -> None:
    one: Reader = reader(scripts=scripts)
    one.open("/webhooks")
    one.page.get_by_role("link", name="Transformations").click()
    one.page.get_by_role("link", name="New transformation").click()
    template = one.page.get_by_label("Template", exact=True)
    template.fill(WRONG)
    one.page.get_by_role("button", name="Check").press("Enter")
    one.see("has a fault in line 3")
    expect(one.page.locator("mark")).to_contain_text('3    "n": {{ data. }}')
    template.fill(RIGHT)
    one.page.get_by_label("Try it with").select_option(label="Acme CRM")
    one.page.get_by_role("button", name="Preview").press("Enter")
    one.see("What it makes")
    assert one.text().count("of the template") >= 3
    assert template.input_value() == RIGHT, "the form comes back as it was"
    for width in (1280, 360):  # may be empty: without scripts nothing can be measured
        one.page.set_viewport_size({"width": width, "height": 800})
        if scripts:
            assert violations(one.page) == [] and one.page.evaluate(OVERFLOW) is None
    one.open("/transformations")
    assert "of the template" not in one.text()
