"""The pages of alert channels: made, tested, changed without its secret, and deleted."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import unquote

import pytest

from tests.console.webhook_client import Pages, pages, text
from tests.engine.alerts.alert_world import OUTSIDE, DirectPoster
from tests.stand_ins.parties.alert_receivers import ROUTING_KEY, SECRET, AlertReceivers
from tidings.core.ids import OrgId

AT = "/console/o/7/alerts"
SLACK = {"type": "slack", "name": "On call", "url": f"{OUTSIDE}/services/T0/B0/{SECRET}"}
PAGER = {"type": "pagerduty", "name": "Pager", "routingKey": ROUTING_KEY}


@asynccontextmanager
async def alert_pages() -> AsyncIterator[tuple[Pages, AlertReceivers]]:
    with AlertReceivers() as party:
        poster = DirectPoster(party)
        async with pages(poster=poster) as p:
            yield p, party
        await poster.sender.close()


async def test_a_channel_is_made_tested_and_changed_and_its_secret_stays_and_is_never_shown() -> (
    None
):
    async with alert_pages() as (p, party):
        browser = await p.browser()
        assert "No alert channel yet" in text(await browser.get(AT))
        made = await browser.post(f"{AT}/new", SLACK | {"quietFrom": "22:00", "days": "fri, sat"})
        assert made.status == 303
        at = made.headers["location"]
        tested = await browser.post(f"{at}/test")
        assert "It answered 200: ok" in unquote(tested.headers["set-cookie"])
        assert len(party.messages()) == 1
        shown = text(await browser.get(at))
        assert f"{OUTSIDE}/" in shown
        form = {"name": "Night", "url": "", "delaySeconds": "5", "enabled": "on", "days": "fri"}
        assert (await browser.post(at, form)).status == 303
        [channel] = p.s.parts.notices.channels.of(OrgId(7))
        settings = channel.settings
        assert (settings.name, settings.url, settings.delay_s) == ("Night", SLACK["url"], 5)
        assert (settings.quiet.begins, settings.quiet.days) == ("", ("fri",))
        seen = shown + text(await browser.get(AT)) + text(await browser.get(at))
        assert SECRET not in seen + unquote(str(tested.headers))


async def test_what_is_refused_stands_beside_its_field_and_nothing_is_saved() -> None:
    async with alert_pages() as (p, _):
        browser = await p.browser()
        for kind, label in (
            ("slack", "URL"),
            ("pagerduty", "Integration key"),
            ("email", "E-mail"),
        ):
            assert label in text(await browser.get(f"{AT}/new?type={kind}"))
            refused = await browser.post(f"{AT}/new", {"type": kind, "name": "On call"})
            assert refused.status == 400
            assert 'role="alert"' in text(refused)
        wrong = await browser.post(f"{AT}/new", PAGER | {"quietFrom": "late"})
        assert "a time such as 22:00" in text(wrong)
        assert ROUTING_KEY not in text(wrong)
        assert p.s.parts.notices.channels.all() == []


async def test_a_channel_that_takes_nothing_shows_why_and_is_deleted_after_a_question() -> None:
    async with alert_pages() as (p, _):
        browser = await p.browser()
        wrong = f"{OUTSIDE}/services/T0/B0/not-theirs"
        at = (await browser.post(f"{AT}/new", SLACK | {"url": wrong})).headers["location"]
        await browser.post(f"{at}/test")
        for path in (AT, at):
            shown = text(await browser.get(path))
            assert "takes nothing" in shown
            assert "The slack channel answered 403: invalid_token" in shown
            assert "not-theirs" not in shown
        assert "Delete this alert channel" in text(await browser.post(f"{at}/delete"))
        assert (await browser.post(f"{at}/delete", {"sure": "yes"})).status == 303
        assert p.s.parts.notices.channels.all() == []


@pytest.mark.parametrize("what", ["", "/test", "/delete"])
async def test_a_channel_of_another_org_is_not_there(what: str) -> None:
    async with alert_pages() as (p, party):
        browser, other = await p.browser(), await p.browser(8)
        at = (await browser.post(f"{AT}/new", SLACK)).headers["location"].replace("/7/", "/8/")
        assert (await other.get(at)).status == 404
        assert (await other.post(f"{at}{what}", {"sure": "yes"})).status == 404
        assert party.messages() == []
        assert len(p.s.parts.notices.channels.all()) == 1
