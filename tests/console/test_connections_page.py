"""The page of connections: what an org may name, what goes over each, and whether it works."""

import re
from html import unescape

from tests.console.webhook_client import Pages, pages, text
from tests.declared_connections import SECRET, SERVERS
from tidings.core.ids import OrgId

AT = "/console/o/7/connections"
KAFKA = {"webHookType": "KAFKA", "connection": "main", "kafka": {"topic": "loyalty"}}


async def furnish(p: Pages) -> tuple[str, str]:
    """A source and a webhook over one connection: where their pages are."""
    caller = p.s.access.acting(p.s.access.caller_of("boss"), "7")
    kafka: dict[str, object] = {"name": "loyalty", "type": "kafka", "connection": "main"}
    source = await p.s.parts.sources.sources.create(caller, kafka | {"kafka": {"topics": ["a"]}})
    body = {"name": "crm", "eventNames": ["pointsIssued"], "maxAllowedConnections": 1}
    record, _, _ = await p.s.webhooks.create(OrgId(7), body | KAFKA, "tests")
    return f"/console/o/7/sources/{source.id}", f"/console/o/7/webhooks/{record.webhook.id}"


def rows(page: str) -> dict[str, str]:
    """The words of each row, by the connection's name."""
    found = re.findall(r'<tr id="([^"]*)">(.*?)</tr>', page, re.DOTALL)
    return {name: unescape(re.sub(r"\s*<[^>]+>\s*", " ", row)) for name, row in found}


async def test_a_tenant_sees_what_goes_over_what_it_may_name_and_not_where_it_leads() -> None:
    async with pages() as p:
        browser = await p.browser()
        source, webhook = await furnish(p)
        page = text(await browser.get(AT))
        found = rows(page)
        assert list(found) == ["broken", "main"]
        assert "every org" in found["main"] and "not checked" in found["main"]
        assert source in page and webhook in page and "nothing" in found["broken"]
        assert SERVERS not in page and SECRET not in page and "of all orgs" not in page
        for at in (source, webhook):
            assert f'href="{AT}#main"' in text(await browser.get(at))


async def test_the_platform_sees_where_each_leads_who_may_name_it_and_how_much_of_all() -> None:
    async with pages() as p:
        await p.browser()
        await furnish(p)
        page = text(await (await p.platform()).get(AT))
        found = rows(page)
        assert len(found) == 6 and SECRET not in page and "db.internal" not in page
        assert f"servers {SERVERS}" in found["main"]
        assert "of all orgs: 1 source, 1 webhook" in found["main"]
        assert "3001" in found["bravo-kafka"] and "the platform alone" in found["own"]


async def test_a_check_tells_its_words_and_they_stay_on_the_page() -> None:
    async with pages() as p:
        browser = await p.browser()
        for name, said in (("main", "works"), ("broken", "must answer; it does not. Wait.")):
            told = await browser.post(f"{AT}/{name}/check")
            assert told.status == 303 and told.headers["location"] == AT
            p.s.clock.ms += 1000
            assert said in rows(text(await browser.get(AT)))[name]
        assert "✗ fails" in rows(text(await browser.get(AT)))["broken"]
        assert (await browser.post(f"{AT}/own/check")).status == 404
        assert (await browser.post(f"{AT}/main/check")).status == 303
        soon = await browser.post(f"{AT}/main/check")
        assert soon.status == 429 and "at most one check" in text(soon)


async def test_who_may_read_alone_is_offered_no_check() -> None:
    async with pages() as p:
        reader = await p.browser(scopes="webhooks:read")
        await furnish(p)
        page = text(await reader.get(AT))
        assert "Check" not in rows(page)["main"] and "loyalty" not in rows(page)["main"]
        assert "crm" in rows(page)["main"]
        assert ">Connections</a>" in text(await reader.get("/console/o/7/webhooks"))


async def test_an_org_that_may_name_none_is_told_what_they_are() -> None:
    async with pages() as p:
        browser = await p.browser()
        p.s.parts.delivery.connections._connections = type(
            p.s.parts.delivery.connections._connections
        )()
        assert "Ask the operator for one." in text(await browser.get(AT))
        boss = text(await (await p.platform()).get(AT))
        assert "docs/connections.md" in boss
