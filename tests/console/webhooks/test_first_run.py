"""From an empty form to the first event: events first, the rest folded, then what to do next."""

import re
from collections.abc import Iterable
from html import unescape

import pytest

from tests.api.log_client import accept
from tests.console.webhook_client import FORM, Pages, pages, text
from tidings.catalogue.uses import USE_OF
from tidings.console.pages.webhooks import type_choices
from tidings.console.pages.webhooks.verify_lines import LANGUAGES
from tidings.core.ids import OrgId

AT = "/console/o/7/webhooks"
ORG = OrgId(7)


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


def volumes(form: str) -> dict[str, str]:
    """The number beside each event type."""
    names = re.findall(r'name="eventNames" value="([^"]+)"', form)
    numbers = re.findall(r'class="faint volume"[^>]*>.*?</span>([^<]+)</span>', form)
    return dict(zip(names, numbers, strict=True))


async def arrive(p: Pages, numbers: Iterable[int], org: int = 7) -> None:
    for number in numbers:
        await accept(p.s, f"00000000-0000-4000-8000-{number:012}", org=org)


async def test_each_type_has_the_number_of_its_events_of_the_last_day_of_this_org_alone() -> None:
    async with pages() as p:
        browser, other = await p.browser(), await p.browser(org=8)
        assert set(volumes(text(await browser.get(f"{AT}/new"))).values()) == {"0"}
        await arrive(p, range(3))
        numbers = volumes(text(await browser.get(f"{AT}/new")))
        assert numbers.pop("pointsIssued") == "3" and set(numbers.values()) == {"0"}
        theirs = volumes(text(await other.get("/console/o/8/webhooks/new")))
        assert set(theirs.values()) == {"0"}
        p.s.clock.ms += type_choices.DAY_MS + 1
        browser = await p.browser()  # the session has ended
        await arrive(p, range(3, 5))
        assert volumes(text(await browser.get(f"{AT}/new")))["pointsIssued"] == "2"


async def test_where_too_many_came_to_count_the_numbers_say_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(type_choices, "VOLUME_PAGES", 1)
    monkeypatch.setattr(type_choices, "ROWS_MAX", 3)
    async with pages() as p:
        browser = await p.browser()
        await arrive(p, range(4))
        form = text(await browser.get(f"{AT}/new"))
        numbers = volumes(form)
        assert numbers.pop("pointsIssued") == "3+" and set(numbers.values()) == {"–"}
        assert "the newest 3 of this org’s accepted events" in form


async def test_who_may_not_read_logs_sees_no_number() -> None:
    async with pages() as p:
        browser = await p.browser(scopes="webhooks:write")
        await arrive(p, range(3))
        form = text(await browser.get(f"{AT}/new"))
        assert set(volumes(form).values()) == {"–"} and "people who may read logs" in form


async def test_a_use_ticked_without_a_script_chooses_all_of_its_types() -> None:
    async with pages() as p:
        browser = await p.browser()
        form = text(await browser.get(f"{AT}/new"))
        assert re.findall(r'name="uses" value="([^"]+)" data-types', form) == list(USE_OF)
        wanted: dict[str, str | list[str]] = FORM | {"uses": ["surveys"]}
        made = await browser.post(f"{AT}/new", wanted | {"eventNames": ["pointsIssued"]})
        assert "is made" in text(made)
        [record] = p.s.webhooks.list(ORG)
        assert record.webhook.event_names == {"pointsIssued", *USE_OF["surveys"].types}
        wrong = await browser.post(f"{AT}/new", wanted | {"uses": ["spies"], "name": "another"})
        assert wrong.status == 400
        assert "uses must be one of messages," in text(wrong)
        assert len(p.s.webhooks.list(ORG)) == 1


async def test_a_link_can_name_the_use_the_url_and_the_name() -> None:
    async with pages() as p:
        browser = await p.browser()
        form = text(await browser.get(f"{AT}/new?use=surveys&name=A%20%3Ctill%3E&url=https://a.b/"))
        ticked = re.findall(r'name="eventNames" value="([^"]+)" checked', form)
        assert set(ticked) == set(USE_OF["surveys"].types)
        assert 'value="A &lt;till&gt;"' in form and 'value="https://a.b/"' in form
        assert (await browser.get(f"{AT}/new?use=spies")).status == 400


async def test_each_inbox_of_the_list_leads_to_a_new_webhook_to_it() -> None:
    async with pages() as p:
        live = await p.s.inboxes.create(ORG, {"name": "A & B"})
        browser = await p.browser()
        listed = text(await browser.get("/console/o/7/inboxes"))
        [link] = re.findall(r'href="([^"]+)">New webhook to this inbox', listed)
        form = text(await browser.get(unescape(link)))
        assert f'value="{p.s.inboxes.url(live)}"' in form and 'value="A &amp; B"' in form
        reader = await p.browser(scopes="logs:read")
        assert "webhooks/new" not in text(await reader.get("/console/o/7/inboxes"))


async def test_a_new_webhook_shows_the_lines_that_verify_and_sends_its_first_event() -> None:
    async with pages() as p:
        browser = await p.browser()
        made = text(await browser.post(f"{AT}/new", FORM))
        assert all(f"<summary>{language.heading}</summary>" in made for language in LANGUAGES)
        [record] = p.s.webhooks.list(ORG)
        sends = f'action="{AT}/{record.webhook.id}/sample"'
        assert sends in made and 'value="pointsIssued"' in made
        form = {name: value for name, value in FORM.items() if name != "active"}
        inactive = text(await browser.post(f"{AT}/new", form | {"name": "asleep"}))
        assert "/sample" not in inactive
