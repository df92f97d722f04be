"""From an empty form to the first event: events first, the rest folded, then what to do next."""

import re

from tests.api.log_client import accept
from tests.console.webhook_client import FORM, pages, text
from tidings.console.pages.webhooks.verify_lines import LANGUAGES

AT = "/console/o/7/webhooks"


async def test_the_form_asks_for_events_url_and_name_and_folds_the_rest() -> None:
    async with pages() as p:
        browser = await p.browser()
        form = text(await browser.get(f"{AT}/new"))
        places = [form.index(f'name="{name}"') for name in ("eventNames", "webHookUrl", "name")]
        assert places == sorted(places)
        assert places[-1] < form.index('class="panel fold"')
        assert form.count('<details class="panel fold">') == 4
        refused = text(await browser.post(f"{AT}/new", FORM | {"filter": "{"}))
        assert refused.count('<details class="panel fold" open>') == 4
        named = text(await browser.post(f"{AT}/new", FORM | {"name": ""}))
        assert "Nothing was saved" in named and '<details class="panel fold" open>' not in named


async def test_each_type_has_the_number_of_its_latest_events_of_this_org_alone() -> None:
    async with pages() as p:
        browser = await p.browser()
        assert "The numbers:" not in text(await browser.get(f"{AT}/new"))
        for number in range(3):
            await accept(p.s, f"00000000-0000-4000-8000-{number:012}", org=7)
        form = text(await browser.get(f"{AT}/new"))
        assert "this org’s last 3 events" in form
        assert re.findall(r'class="faint volume"[^>]*>(\d+)<', form) == ["3"]
        other = await p.browser(org=8)
        assert "The numbers:" not in text(await other.get("/console/o/8/webhooks/new"))


async def test_a_new_webhook_shows_the_lines_that_verify_and_leads_to_its_first_event() -> None:
    async with pages() as p:
        browser = await p.browser()
        made = text(await browser.post(f"{AT}/new", FORM))
        assert all(f"<summary>{language.heading}</summary>" in made for language in LANGUAGES)
        assert 'href="/console/o/7/events/new?type=pointsIssued"' in made
        form = {name: value for name, value in FORM.items() if name != "active"}
        inactive = text(await browser.post(f"{AT}/new", form | {"name": "asleep"}))
        assert "events/new" not in inactive
